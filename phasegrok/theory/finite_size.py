"""Self-consistent theory at finite size, by quadrature over one neuron's overlap q.

With t = (b, √6 c), y = (1, √6 ε) and m(q) the erf moments in the basis (H₁, H₃/√6), the
equations (A.9-A.12 of the paper, corrected) read

    t = y - (n/σ²) Q̃ t,   Q̃ = σ_a² ⟨m mᵀ⟩,   p(q) ∝ exp[-d q²/(2σ_w²) + (u d/2)(m·t)²].

They state that the gradient vanishes of F(t) = |t|²/2 - y·t + (σ²N/n) log ∫ exp[-S(q; t)] dq.
log Z is convex in t, since the exponent is a convex function of t at every q, so F is
strictly convex with a Hessian of at least the unit matrix: **the solution exists and is
unique at every control value**. There is no bistability of the network's output in this
theory; coexistence is a property of the distribution of single neurons. Damped Newton
steps that shrink |∇F| converge to it from everywhere.

Two misprints of the paper are corrected: Q̃₁₁ is printed with 2q² where ⟨H₁ erf⟩² gives
4q²/(πD), and Eq. A.12 lacks the prefactor σ²/n.

References
----------
Rubin, Seroussi and Ringel, arXiv:2310.03789 (ICLR 2024), appendix A.
"""

from dataclasses import dataclass
from math import log, pi, sqrt
from typing import NamedTuple, final

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import cumulative_trapezoid

from phasegrok.errors import InvalidValueError
from phasegrok.theory.cubic_teacher import CubicTeacherSystem, FloatArray, erf_moments
from phasegrok.theory.landscape import Landscape, action, landscape
from phasegrok.theory.large_size import solve_large_size

__all__ = ["FiniteSizeSolution", "solve_finite_size"]

# exp(-45) = 3e-20: what lies beyond the last node is below double precision.
TAIL_NATS = 45.0
NODES, WEIGHTS = np.polynomial.legendre.leggauss(16)
# 16 nodes for every four widths integrate wells and barriers to about 1e-11.
PANEL_WIDTHS = 4.0
LARGEST_PANEL_COUNT = 1_000_000
SQRT_SIX = sqrt(6.0)


class _State(NamedTuple):
    """Everything Newton's method needs at one t = (b, √6 c)."""

    gradient: FloatArray  # (2,)
    hessian: FloatArray  # (2, 2)
    log_normalisation: float  # log of ∫ exp(-S) dq over all q.


@final
@dataclass(frozen=True, kw_only=True)
class FiniteSizeSolution:
    """The discrepancies that solve the self-consistent equations, and what follows from them.

    Parameters
    ----------
    system : CubicTeacherSystem
        What was solved.
    linear_discrepancy, cubic_discrepancy : float
        b and c of ⟨y - f⟩ = b H₁ + c H₃, in units of the target.
    residual : float
        Largest violation of the two equations, in units of the target.
    iterations : int
        Newton steps taken.
    converged : bool
        Whether the residual is below the tolerance asked for.
    log_normalisation : float
        log ∫ exp[-S(q)] dq with S(0) = 0.
    """

    system: CubicTeacherSystem
    linear_discrepancy: float
    cubic_discrepancy: float
    residual: float
    iterations: int
    converged: bool
    log_normalisation: float

    @property
    def linear_component(self) -> float:
        """Coefficient 1 - b of H₁ in the mean output, which is also ⟨f H₁⟩."""
        return 1.0 - self.linear_discrepancy

    @property
    def cubic_component(self) -> float:
        """Coefficient ε - c of H₃ in the mean output; ⟨f H₃⟩ is six times this."""
        return self.system.cubic - self.cubic_discrepancy

    @property
    def learned_cubic_fraction(self) -> float:
        """(ε - c)/ε: the part of the cubic target that is learned; needs ε ≠ 0."""
        if self.system.cubic == 0.0:
            raise InvalidValueError(
                "learned_cubic_fraction needs a target with a cubic part, received cubic = 0; "
                "use cubic_component."
            )
        return self.cubic_component / self.system.cubic

    @property
    def landscape(self) -> Landscape:
        """Wells and barrier of -log p(q)."""
        return landscape(
            self.system, linear=self.linear_discrepancy, cubic=self.cubic_discrepancy
        )

    def negative_log_density(self, overlap: ArrayLike) -> FloatArray:
        """-log p(q) of one neuron, normalised over -∞ < q < ∞.

        Parameters
        ----------
        overlap : (...) array
            q = w·w*, dimensionless.

        Returns
        -------
        (...) array, nats
        """
        nats = action(
            self.system,
            overlap,
            linear=self.linear_discrepancy,
            cubic=self.cubic_discrepancy,
        )
        return nats + self.log_normalisation

    def density(self, overlap: ArrayLike) -> FloatArray:
        """Probability density p(q) of one neuron, per unit of q; see negative_log_density."""
        result: FloatArray = np.exp(-self.negative_log_density(overlap))
        return result

    def aligned_fraction(self, threshold: float) -> float:
        """Fraction of neurons with |q| above a threshold.

        Parameters
        ----------
        threshold : float
            Smallest |q| that counts as aligned, dimensionless and not negative.

        Returns
        -------
        float
            P(|q| > threshold), with its full relative precision also where it is tiny.
        """
        if not 0.0 <= threshold < np.inf:
            raise InvalidValueError(
                f"threshold must be finite and not negative, received {threshold}; "
                "0.5 separates aligned neurons from the others at the paper's parameters."
            )
        nodes, weights = self._quadrature(threshold)
        return 2.0 * float(weights @ self.density(nodes))

    def moment(self, order: int) -> float:
        """Even moment ⟨q^order⟩ of one neuron's overlap, dimensionless.

        Parameters
        ----------
        order : int
            2, 4, 6, ...; the odd moments vanish.
        """
        if order < 0 or order % 2:
            raise InvalidValueError(
                f"order must be even and not negative, received {order}; "
                "odd moments vanish because q and -q are equally likely."
            )
        nodes, weights = self._quadrature(0.0)
        return 2.0 * float((weights * nodes**order) @ self.density(nodes))

    @property
    def droplet_weight(self) -> float | None:
        """Fraction of neurons beyond the barrier; None where -log p has no barrier."""
        barrier = self.landscape.barrier
        return None if barrier is None else self.aligned_fraction(barrier.overlap)

    def _quadrature(self, lower: float) -> tuple[FloatArray, FloatArray]:
        point = np.array([self.linear_discrepancy, SQRT_SIX * self.cubic_discrepancy])
        return _quadrature(self.system, point, lower)


def _range(system: CubicTeacherSystem, point: FloatArray, lower: float) -> float:
    # The force term of S/d is bounded: z < 1/2 and |b - 2cz| ≤ |b| + |c|.
    bound = (abs(point[0]) + abs(point[1]) / SQRT_SIX) ** 2 * system.interaction / pi
    tail = bound + TAIL_NATS / system.input_size
    return sqrt(2.0 * system.first_variance * tail + lower**2)


def _quadrature(
    system: CubicTeacherSystem, point: FloatArray, lower: float
) -> tuple[FloatArray, FloatArray]:
    """Gauss-Legendre panels, each a few local well widths long, from lower to the far tail.

    Returns nodes and weights, both (node,).
    """
    upper = _range(system, point, lower)
    fine = lower + (upper - lower) * np.linspace(0.0, 1.0, 600) ** 2
    # The curvature of the force term decays as D⁻²; 6/π bounds it at the centre.
    stretch = 1.0 + 2.0 * fine**2 / system.saddle_norm
    force = system.interaction * float(point @ point) * 6.0 / (pi * system.saddle_norm)
    widths = 1.0 / np.sqrt(
        system.input_size * (1.0 / system.first_variance + force / stretch**2)
    )
    length = cumulative_trapezoid(1.0 / widths, fine, initial=0)
    count = int(np.ceil(length[-1] / PANEL_WIDTHS)) + 4
    if count > LARGEST_PANEL_COUNT:
        raise InvalidValueError(
            f"the overlap needs {count} quadrature panels at input_size {system.input_size} "
            f"and interaction {system.interaction:.3g}, at most {LARGEST_PANEL_COUNT} are "
            "allowed; use large_size, which is exact in that limit."
        )
    edges = np.interp(np.linspace(0.0, length[-1], count + 1), length, fine)
    nats = action(system, edges, linear=float(point[0]), cubic=float(point[1]) / SQRT_SIX)
    # Inside a panel of four widths S dips at most 4²/8 nats below its chord.
    matter = np.minimum(nats[1:], nats[:-1]) < nats.min() + TAIL_NATS + 2.0
    half = 0.5 * np.diff(edges)[matter]
    middle = 0.5 * (edges[1:] + edges[:-1])[matter]
    nodes = middle[:, None] + half[:, None] * NODES
    return nodes.ravel(), (half[:, None] * WEIGHTS).ravel()


def _evaluate(system: CubicTeacherSystem, point: FloatArray) -> _State:
    nodes, weights = _quadrature(system, point, 0.0)
    linear, cubic = erf_moments(nodes, perpendicular=system.first_variance)
    moments = np.stack([linear, cubic / SQRT_SIX])  # (2, node)
    signal = point @ moments
    strength = system.interaction * system.input_size
    nats = system.input_size * nodes**2 / (2.0 * system.first_variance)
    nats -= 0.5 * strength * signal**2
    lowest = float(nats.min())
    mass = weights * np.exp(lowest - nats)
    total = float(mass.sum())
    probability = mass / total
    force = moments * signal
    mean_force = force @ probability
    spread = (force * probability) @ force.T - np.outer(mean_force, mean_force)
    kernel = (moments * probability) @ moments.T
    # (σ²N/n) u d = κ d: the strength of the kernel in the self-consistent equations.
    gain = system.kappa * system.input_size
    target = np.array([1.0, SQRT_SIX * system.cubic])
    return _State(
        gradient=point - target + gain * mean_force,
        hessian=np.eye(2) + gain * (kernel + strength * spread),
        log_normalisation=log(2.0 * total) - lowest,
    )


def _largest(vector: FloatArray) -> float:
    return float(np.abs(vector).max())


def _damped_step(
    system: CubicTeacherSystem, point: FloatArray, state: _State
) -> tuple[FloatArray, _State] | None:
    """One Newton step, cut where F rises again; None where rounding leaves nothing to gain.

    The slope of F along the step rises from negative values because F is convex, so the
    valley is bracketed by signs and no difference of nearly equal values of F is needed.
    """
    step = -np.linalg.solve(state.hessian, state.gradient)
    steepest = float(state.gradient @ step)
    low, high, fraction = 0.0, 1.0, 1.0
    low_slope, high_slope = steepest, 0.0
    for _ in range(60):
        moved = point + fraction * step
        new = _evaluate(system, moved)
        slope = float(new.gradient @ step)
        # A full step may stop short of the valley; a cut one must come near it.
        if slope <= -0.1 * steepest and (fraction == 1.0 or slope >= 0.5 * steepest):
            return moved, new
        if slope > 0.0:
            high, high_slope = fraction, slope
        else:
            low, low_slope = fraction, slope
        secant = low - low_slope * (high - low) / (high_slope - low_slope)
        margin = 0.1 * (high - low)
        fraction = min(max(secant, low + margin), high - margin)
    return None


def _starting_point(
    system: CubicTeacherSystem, start: tuple[float, float] | None
) -> FloatArray:
    """Turn the start into t, drawn into the ball |t| ≤ |y| in which the solution lies."""
    if start is None:
        limit = solve_large_size(system)
        start = (limit.linear_discrepancy, limit.cubic_discrepancy)
    point = np.array([start[0], SQRT_SIX * start[1]])
    if not np.isfinite(point).all():
        raise InvalidValueError(
            f"start must be two finite numbers (b, c), received {start}; leave it out."
        )
    radius = sqrt(1.0 + 6.0 * system.cubic**2)
    return point * min(1.0, radius / max(float(np.linalg.norm(point)), radius))


def solve_finite_size(
    system: CubicTeacherSystem,
    *,
    start: tuple[float, float] | None = None,
    tolerance: float = 1e-9,
    iteration_limit: int = 200,
) -> FiniteSizeSolution:
    """Solve the self-consistent equations for b and c at finite d by Newton's method.

    Parameters
    ----------
    system : CubicTeacherSystem
        Network, data and noise.
    start : (float, float), optional
        First guess (b, c); the solution for large sizes is the default. It decides about
        speed only, since the solution is unique.
    tolerance : float
        Largest residual of a converged solution, in units of the target. The error of
        (b, √6 c) is no larger than the residual, because the Hessian is at least one.
    iteration_limit : int
        Newton steps after which to give up.

    Returns
    -------
    FiniteSizeSolution
        With `converged` false where the tolerance was not met.
    """
    point = _starting_point(system, start)
    state = _evaluate(system, point)
    iterations = 0
    # Newton's last step is nearly free, so aim beyond what is promised.
    goal = 0.01 * tolerance
    while _largest(state.gradient) > goal and iterations < iteration_limit:
        accepted = _damped_step(system, point, state)
        if accepted is None:
            break
        point, state = accepted
        iterations += 1
    residual = _largest(state.gradient)
    return FiniteSizeSolution(
        system=system,
        linear_discrepancy=float(point[0]),
        cubic_discrepancy=float(point[1]) / SQRT_SIX,
        residual=residual,
        iterations=iterations,
        converged=residual <= tolerance,
        log_normalisation=state.log_normalisation,
    )
