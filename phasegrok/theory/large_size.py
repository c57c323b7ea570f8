"""Closed forms of the cubic teacher in the limit of large sizes, at fixed u and κ.

In the limit d → ∞ at fixed interaction u and kernel strength κ (β → ∞ of Eq. 11) one
neuron's distribution is a Gaussian around q = 0 of variance s/d, 1/s = 1/σ_w² - 4u b²/(πg),
plus *droplets* at ±q* of weight m/d with m = O(1):

- Gaussian phase (GFL in the paper): m = 0, c = ε and b (1 + 4κs/(πg)) = 1.
- Mixed phase (GMFL-I): the wells at 0 and ±q* are equally deep, which pins b to c,
  u = 27π|c|g / [16σ_w² |c - b|³] with q*² = g z/(1 - 2z), z = (b + 2c)/(6c), and
  (b, c) solve the two self-consistent equations with the droplets' share m included.

Both follow from a convex problem (see finite_size), so exactly one of them holds at each
control value. A whole aligned phase (GMFL-II) is not reached at finite u.

References
----------
Rubin, Seroussi and Ringel, arXiv:2310.03789 (ICLR 2024): the action (Eqs. 13, A.6-A.8), the
scaling (Eq. 11) and the phases (section 2.4). The closed forms are derived from these here;
they use the corrected equations listed in finite_size.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import log, pi, sqrt
from typing import final

from scipy.optimize import brentq

from phasegrok.errors import InvalidValueError, did_you_mean
from phasegrok.theory.cubic_teacher import CubicTeacherSystem
from phasegrok.theory.landscape import overlap_of_ratio, well_margin

__all__ = [
    "CONTROLS",
    "LargeSizeSolution",
    "gaussian_phase",
    "large_size_onset",
    "large_size_well_limit",
    "solve_large_size",
]

# Whether the aligned wells deepen as the control falls (-1) or rises (+1).
CONTROLS = {"noise_variance": -1, "example_count": +1, "width": -1}
TOLERANCE = 4.0 * 2.0**-52
# Nearer to the onset than this, rounding decides the sign of the number of droplets.
ONSET_ROUNDING = 1e-10


@final
@dataclass(frozen=True, kw_only=True)
class LargeSizeSolution:
    """Discrepancies and droplets in the limit of large sizes.

    Parameters
    ----------
    system : CubicTeacherSystem
        What was solved.
    linear_discrepancy, cubic_discrepancy : float
        b and c of ⟨y - f⟩ = b H₁ + c H₃, in units of the target.
    droplets : float
        m = d·p for the fraction p of neurons at ±q*; zero in the Gaussian phase.
    aligned_overlap : float or None
        q* > 0, dimensionless; None in the Gaussian phase, where nothing is aligned.
    central_variance : float
        s = d⟨q²⟩ of the neurons around q = 0, dimensionless.
    """

    system: CubicTeacherSystem
    linear_discrepancy: float
    cubic_discrepancy: float
    droplets: float
    aligned_overlap: float | None
    central_variance: float

    @property
    def mixed(self) -> bool:
        """Whether Gaussian and aligned neurons coexist (GMFL-I)."""
        return self.aligned_overlap is not None

    @property
    def aligned_fraction(self) -> float:
        """Leading order m/d of the fraction of aligned neurons at the system's d."""
        return self.droplets / self.system.input_size

    @property
    def linear_component(self) -> float:
        """Coefficient 1 - b of H₁ in the mean output, which is also ⟨f H₁⟩."""
        return 1.0 - self.linear_discrepancy

    @property
    def cubic_component(self) -> float:
        """Coefficient ε - c of H₃ in the mean output; ⟨f H₃⟩ is six times this."""
        return self.system.cubic - self.cubic_discrepancy


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    return float(brentq(function, low, high, xtol=1e-300, rtol=TOLERANCE))


def _kernel_share(system: CubicTeacherSystem) -> float:
    """Return A = 4κ/(πg): what a unit of central variance adds to the equation for b."""
    return 4.0 * system.kappa / (pi * system.saddle_norm)


def _central_variance(system: CubicTeacherSystem, linear: float) -> float:
    return system.first_variance / (1.0 - linear**2 / system.critical_strength)


def gaussian_phase(system: CubicTeacherSystem) -> LargeSizeSolution:
    """Solve the Gaussian phase (GFL), continued also to where droplets are more favourable.

    b is the one root with s > 0 of B b³ - B b² - (A + 1/σ_w²) b + 1/σ_w² = 0 with
    A = 4κ/(πg) and B = 4u/(πg). q = 0 never loses its local stability here: b adjusts.

    Parameters
    ----------
    system : CubicTeacherSystem
        Network, data and noise.

    Returns
    -------
    LargeSizeSolution
        Without droplets, and with c = ε.
    """
    share = _kernel_share(system)
    strength = system.critical_strength

    # The cubic as printed, ordered as a rising function of b up to where s diverges.
    def excess(linear: float) -> float:
        room = 1.0 - linear**2 / strength
        return linear * share * system.first_variance - (1.0 - linear) * room

    linear = _root(excess, 0.0, min(1.0, sqrt(strength)))
    return LargeSizeSolution(
        system=system,
        linear_discrepancy=linear,
        cubic_discrepancy=system.cubic,
        droplets=0.0,
        aligned_overlap=None,
        central_variance=_central_variance(system, linear),
    )


def _depth_margin(system: CubicTeacherSystem) -> float:
    """Compare depths: log of max_z (1 - 2z)(b - 2cz)²/K, positive in the mixed phase."""
    linear, cubic = gaussian_phase(system).linear_discrepancy, system.cubic
    largest = linear**2
    if cubic != 0.0 and 0.0 < (linear + 2.0 * cubic) / (6.0 * cubic) < 0.5:
        largest = max(largest, 4.0 * abs(cubic - linear) ** 3 / (27.0 * abs(cubic)))
    return log(largest / system.critical_strength)


def _pinned(system: CubicTeacherSystem, size: float) -> tuple[float, float, float]:
    """b, c and z on the pinning relation at |c| = size."""
    sign = 1.0 if system.cubic > 0.0 else -1.0
    cubic = sign * size
    linear = cubic - sign * (6.75 * size * system.critical_strength) ** (1.0 / 3.0)
    return linear, cubic, (linear + 2.0 * cubic) / (6.0 * cubic)


def _droplets(system: CubicTeacherSystem, size: float) -> float:
    """Count the droplets m that the cubic equation asks for at |c| = size."""
    linear, cubic, ratio = _pinned(system, size)
    # ⟨H₃ erf⟩/6 times m·t, both at q*.
    response = 4.0 * ratio**2 * (linear - 2.0 * cubic * ratio) / (3.0 * pi)
    return (cubic - system.cubic) / (system.kappa * response)


def _mixed_excess(system: CubicTeacherSystem, size: float) -> float:
    """Violation of the equation for b on the pinned line, times 1 - b²/K to keep it finite."""
    linear, cubic, ratio = _pinned(system, size)
    room = 1.0 - linear**2 / system.critical_strength
    central = _kernel_share(system) * system.first_variance * linear
    response = 4.0 * ratio * (linear - 2.0 * cubic * ratio) / pi
    droplet = system.kappa * _droplets(system, size) * response
    return central + room * (linear + droplet - 1.0)


def solve_large_size(system: CubicTeacherSystem) -> LargeSizeSolution:
    """Solve the limit of large sizes, in whichever phase holds.

    Parameters
    ----------
    system : CubicTeacherSystem
        Network, data and noise; d matters through u and κ only.

    Returns
    -------
    LargeSizeSolution
        In the Gaussian or the mixed phase.
    """
    gaussian = gaussian_phase(system)
    if _depth_margin(system) <= ONSET_ROUNDING:
        return gaussian
    # On the pinned line b² < K, a finite central variance, means √K/2 < |c| < 4√K.
    unit = sqrt(system.critical_strength)
    size = _root(
        lambda trial: _mixed_excess(system, trial),
        0.5 * unit * (1.0 + 1e-9),
        min(abs(system.cubic), 4.0 * unit * (1.0 - 1e-9)),
    )
    linear, cubic, ratio = _pinned(system, size)
    return LargeSizeSolution(
        system=system,
        linear_discrepancy=linear,
        cubic_discrepancy=cubic,
        droplets=_droplets(system, size),
        aligned_overlap=overlap_of_ratio(ratio, saddle_norm=system.saddle_norm),
        central_variance=_central_variance(system, linear),
    )


def require_control(name: str, *, role: str) -> None:
    """Refuse a control that the phase boundary cannot be solved for or drawn along."""
    if name not in CONTROLS:
        raise InvalidValueError(
            f"{role} must be one of {', '.join(CONTROLS)}, received {name!r}."
            + did_you_mean(name, CONTROLS)
        )


def _solve_for(
    system: CubicTeacherSystem,
    name: str,
    margin: Callable[[CubicTeacherSystem], float],
) -> CubicTeacherSystem:
    """Move one control until a margin, which grows towards alignment, vanishes."""
    require_control(name, role="solve_for")
    if system.cubic == 0.0:
        raise InvalidValueError(
            "a first-order line needs a target with a cubic part, received cubic = 0; "
            "a linear teacher has a smooth crossover only."
        )

    def at(exponent: float) -> float:
        return margin(replace(system, **{name: 2.0**exponent}))

    towards = CONTROLS[name]
    centre = log(getattr(system, name), 2.0)
    # The margin rises monotonically from b²/K < 1 without bound, so both walks end.
    disordered = ordered = centre
    while at(disordered) > 0.0:
        disordered -= towards
    while at(ordered) <= 0.0:
        ordered += towards
    exponent = _root(at, min(disordered, ordered), max(disordered, ordered))
    return replace(system, **{name: 2.0**exponent})


def large_size_onset(system: CubicTeacherSystem, *, solve_for: str) -> LargeSizeSolution:
    """Where the first droplets appear: the first-order transition of large systems.

    One control is moved until the wells at 0 and ±q* of the Gaussian phase are equally
    deep, u_c = 27π|ε|g / [16σ_w² |ε - b|³] and q*² = g(2|ε| - b)/[2(b + |ε|)] for ε < 0.

    Parameters
    ----------
    system : CubicTeacherSystem
        Supplies all the other values.
    solve_for : {"noise_variance", "example_count", "width"}
        The control to move. Other parameters, the readout variance among them, stay fixed.

    Returns
    -------
    LargeSizeSolution
        At the onset: its `system` carries the critical value and `system.interaction` is
        u_c; `droplets` is zero and `aligned_overlap` is q*.

    Raises
    ------
    InvalidValueError
        For another control, or for a target without a cubic part.
    """
    critical = _solve_for(system, solve_for, _depth_margin)
    gaussian = gaussian_phase(critical)
    ratio = (gaussian.linear_discrepancy + 2.0 * critical.cubic) / (6.0 * critical.cubic)
    overlap = overlap_of_ratio(ratio, saddle_norm=critical.saddle_norm)
    return replace(gaussian, aligned_overlap=overlap)


def large_size_well_limit(system: CubicTeacherSystem, *, solve_for: str) -> LargeSizeSolution:
    """Where the second minimum of -log p(q) appears in large systems, still metastable.

    Parameters
    ----------
    system : CubicTeacherSystem
        Supplies all the other values.
    solve_for : {"noise_variance", "example_count", "width"}
        The control to move.

    Returns
    -------
    LargeSizeSolution
        The Gaussian phase at the limit; its `system` carries the value of the control.

    Raises
    ------
    InvalidValueError
        For another control, or for a target without a cubic part.
    """

    def margin(trial: CubicTeacherSystem) -> float:
        gaussian = gaussian_phase(trial)
        return well_margin(
            trial, linear=gaussian.linear_discrepancy, cubic=gaussian.cubic_discrepancy
        )

    return gaussian_phase(_solve_for(system, solve_for, margin))
