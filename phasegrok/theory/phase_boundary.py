"""Lines of the phase diagram in any plane of noise variance, example count and width.

Three lines are told apart, because they coincide for large systems only in part:

- `first_order_line`: closed form for large sizes, where droplets first appear.
- `well_limit_line`: at the system's own size, where -log p(q) gains its second minimum on
  the way from the Gaussian phase.
- `crossover_line`: at the system's own size, where the fraction of aligned neurons changes
  fastest with the logarithm of the control.

At finite size no property is singular, since the discrepancies are analytic in the controls
(see finite_size), so a finite-size line is a convention. An equal-area or equal-depth
construction is not available: droplets are a fraction m/d of the neurons, so that the aligned
well stays log d + constant nats *above* the centre throughout the mixed phase, and its weight
far below one half. The steepest change is what an eye, or a fit, sees in a measured aligned
fraction. Taking the logarithm makes it one curve in the plane of noise and examples, whichever
of the two is swept, as the theory depends on n/σ² alone. For large sizes m starts with its
largest slope at the transition, so the crossover tends to `first_order_line`, from the mixed
side.

References
----------
Rubin, Seroussi and Ringel, arXiv:2310.03789 (ICLR 2024), Fig. 1 and section 2.4.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from math import exp, log, sqrt
from typing import final

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from phasegrok.errors import InvalidValueError, NoConvergenceError
from phasegrok.theory.cubic_teacher import CubicTeacherSystem, FloatArray
from phasegrok.theory.finite_size import FiniteSizeSolution, solve_finite_size
from phasegrok.theory.landscape import well_margin
from phasegrok.theory.large_size import (
    CONTROLS,
    LargeSizeSolution,
    large_size_onset,
    require_control,
)

__all__ = [
    "CoexistenceRange",
    "PhaseLine",
    "aligned_crossover",
    "coexistence_range",
    "crossover_line",
    "first_order_line",
    "well_limit_line",
]

# Logarithms of the factors around the large-size onset within which finite size is searched.
DISORDERED_REACH = log(4.0)
ORDERED_REACH = log(1000.0)
SCAN_STEP = 0.1
CROSSOVER_REACH = log(6.0)
SLOPE_STEP = 1e-3


@final
@dataclass(frozen=True, kw_only=True)
class PhaseLine:
    """A line in a plane of two controls; points without a transition are listed apart.

    Parameters
    ----------
    along, solve_for : str
        Names of the control that was given and of the one that was solved for.
    along_values : (point,) array
        Given values at which the transition exists.
    critical_values : (point,) array
        The critical values of `solve_for` there, finite and positive.
    absent_values : (absent,) array
        Given values at which there is no such transition.
    """

    along: str
    solve_for: str
    along_values: FloatArray
    critical_values: FloatArray
    absent_values: FloatArray


@final
@dataclass(frozen=True, kw_only=True)
class CoexistenceRange:
    """Where along one control the central and the aligned well are both minima.

    Parameters
    ----------
    control : str
        Name of the control that is moved.
    appearance : float
        Its value where the second minimum appears, coming from the Gaussian phase.
    central_loss : float or None
        Its value where q = 0 stops being a minimum, deeper in; None where it still is one
        a factor 1000 beyond the large-size transition. It moves away as the size grows.
    """

    control: str
    appearance: float
    central_loss: float | None


def _solved(system: CubicTeacherSystem) -> FiniteSizeSolution:
    solution = solve_finite_size(system)
    if not solution.converged:
        raise NoConvergenceError(
            f"the self-consistent equations stopped at a residual of {solution.residual:.1e} "
            f"for {system}; use large_size for systems of this size.",
            estimate=solution,
        )
    return solution


def _moved(system: CubicTeacherSystem, control: str, depth: float) -> CubicTeacherSystem:
    """Multiply a control so that it is a logarithmic distance deeper in the aligned side."""
    factor = exp(CONTROLS[control] * depth)
    return replace(system, **{control: getattr(system, control) * factor})


def _appearance_margin(system: CubicTeacherSystem) -> float:
    found = _solved(system)
    return well_margin(system, linear=found.linear_discrepancy, cubic=found.cubic_discrepancy)


def _central_margin(system: CubicTeacherSystem) -> float:
    return _solved(system).linear_discrepancy ** 2 / system.critical_strength - 1.0


def _first_crossing(margin: Callable[[float], float], start: float, end: float) -> float | None:
    """First zero of a margin that is negative at the start; None where there is none."""
    low = start
    if margin(low) > 0.0:
        return None
    while low < end:
        high = low + SCAN_STEP
        if margin(high) > 0.0:
            return float(brentq(margin, low, high, xtol=1e-10))
        low = high
    return None


def coexistence_range(system: CubicTeacherSystem, *, control: str) -> CoexistenceRange | None:
    """Where -log p(q) has a central and an aligned minimum at the system's own size.

    Parameters
    ----------
    system : CubicTeacherSystem
        Supplies all the other values.
    control : {"noise_variance", "example_count", "width"}
        The control to move.

    Returns
    -------
    CoexistenceRange or None
        None where the system is too small for two kinds of minima: its centre becomes a
        maximum before, or just where, minima at q ≠ 0 appear.
    """
    onset = large_size_onset(system, solve_for=control).system
    appearance = _first_crossing(
        lambda depth: _appearance_margin(_moved(onset, control, depth)),
        -DISORDERED_REACH,
        ORDERED_REACH,
    )
    # A continuous birth at q = 0 also passes the margin, with the centre lost on the spot.
    if appearance is None or _central_margin(_moved(onset, control, appearance)) > -1e-6:
        return None
    central = _first_crossing(
        lambda depth: _central_margin(_moved(onset, control, depth)), appearance, ORDERED_REACH
    )
    lost = None if central is None else getattr(_moved(onset, control, central), control)
    return CoexistenceRange(
        control=control,
        appearance=getattr(_moved(onset, control, appearance), control),
        central_loss=lost,
    )


def _require_parting(onset: LargeSizeSolution, threshold: float) -> None:
    width = sqrt(onset.central_variance / onset.system.input_size)
    if onset.aligned_overlap is None or not width < threshold < onset.aligned_overlap:
        raise InvalidValueError(
            f"threshold must lie between the width {width:.3f} of the central peak and the "
            f"aligned overlap {onset.aligned_overlap} at the onset, received {threshold}; "
            "choose one in between, or a larger system if there is none."
        )


def aligned_crossover(
    system: CubicTeacherSystem, *, control: str, threshold: float = 0.5
) -> float | None:
    """Where the aligned fraction changes fastest with the logarithm of a control.

    Parameters
    ----------
    system : CubicTeacherSystem
        Supplies all the other values, and the size.
    control : {"noise_variance", "example_count", "width"}
        The control to move.
    threshold : float
        Smallest |q| that counts as aligned. Use that of the measured fraction; it has to
        lie between the standard deviation √(s/d) of the centre and q* at the onset.

    Returns
    -------
    float or None
        Critical value of the control, at the first maximum of the slope on the way from
        the Gaussian phase; None where the slope has no maximum within a factor 6 of the
        large-size transition.

    Raises
    ------
    InvalidValueError
        For an unknown control, or a threshold that does not part aligned neurons from
        others.
    """
    limit = large_size_onset(system, solve_for=control)
    _require_parting(limit, threshold)
    onset = limit.system

    def fraction(depth: float) -> float:
        return _solved(_moved(onset, control, depth)).aligned_fraction(threshold)

    def slope(depth: float) -> float:
        rise = fraction(depth + SLOPE_STEP) - fraction(depth - SLOPE_STEP)
        return rise / (2.0 * SLOPE_STEP)

    depths = np.linspace(-CROSSOVER_REACH, CROSSOVER_REACH, 61)
    slopes = np.diff([fraction(depth) for depth in depths])
    # Deep in the mixed phase a second steep rise may follow, where the centre empties.
    peaks = np.flatnonzero((slopes[1:-1] > slopes[:-2]) & (slopes[1:-1] >= slopes[2:])) + 1
    if peaks.size == 0:
        return None
    steepest = int(peaks[0])
    bounds = (float(depths[steepest - 1]), float(depths[steepest + 2]))
    best = minimize_scalar(
        lambda depth: -slope(depth), bounds=bounds, method="bounded", options={"xatol": 1e-6}
    )
    return float(getattr(_moved(onset, control, float(best.x)), control))


def _line(
    system: CubicTeacherSystem,
    solve: Callable[[CubicTeacherSystem], float | None],
    *,
    solve_for: str,
    along: str,
    values: Iterable[float],
) -> PhaseLine:
    require_control(solve_for, role="solve_for")
    require_control(along, role="along")
    if solve_for == along:
        raise InvalidValueError(
            f"along and solve_for must be two different controls, received {along!r} twice; "
            "the third one keeps the value that the system has."
        )
    given = [float(value) for value in values]
    found = [solve(replace(system, **{along: value})) for value in given]
    present = [(x, y) for x, y in zip(given, found, strict=True) if y is not None]
    return PhaseLine(
        along=along,
        solve_for=solve_for,
        along_values=np.array([x for x, _ in present], dtype=np.float64),
        critical_values=np.array([y for _, y in present], dtype=np.float64),
        absent_values=np.array(
            [x for x, y in zip(given, found, strict=True) if y is None], dtype=np.float64
        ),
    )


def first_order_line(
    system: CubicTeacherSystem, *, solve_for: str, along: str, values: Iterable[float]
) -> PhaseLine:
    """First-order line of large systems: where droplets appear in the Gaussian phase.

    Parameters
    ----------
    system : CubicTeacherSystem
        Supplies the third control and all other parameters.
    solve_for, along : {"noise_variance", "example_count", "width"}
        Two different controls: the one to solve for and the one that is given.
    values : iterable of float
        Values of `along`.

    Returns
    -------
    PhaseLine
        With a transition at every value.

    Raises
    ------
    InvalidValueError
        For unknown or equal controls, for values that no system can have, and for a target
        without a cubic part, which has no transition.
    """

    def solve(at: CubicTeacherSystem) -> float:
        onset = large_size_onset(at, solve_for=solve_for).system
        return float(getattr(onset, solve_for))

    return _line(system, solve, solve_for=solve_for, along=along, values=values)


def well_limit_line(
    system: CubicTeacherSystem, *, solve_for: str, along: str, values: Iterable[float]
) -> PhaseLine:
    """Where the second minimum of -log p(q) appears at the system's own size.

    This is the limit of metastability on the Gaussian side; see coexistence_range. It lies
    beyond the first-order line in large systems and retreats into the mixed phase in small
    ones, because the fluctuations of few inputs smear the two kinds of neurons.

    Parameters
    ----------
    system, solve_for, along, values
        See first_order_line.

    Returns
    -------
    PhaseLine
        Values without a second minimum are in `absent_values`.
    """

    def solve(at: CubicTeacherSystem) -> float | None:
        found = coexistence_range(at, control=solve_for)
        return None if found is None else found.appearance

    return _line(system, solve, solve_for=solve_for, along=along, values=values)


def crossover_line(
    system: CubicTeacherSystem,
    *,
    solve_for: str,
    along: str,
    values: Iterable[float],
    threshold: float = 0.5,
) -> PhaseLine:
    """Where the aligned fraction changes fastest at the system's own size.

    The line to draw on a map of measured aligned fractions; see aligned_crossover.

    Parameters
    ----------
    system, solve_for, along, values
        See first_order_line.
    threshold : float
        Smallest |q| that counts as aligned in the measured fraction.

    Returns
    -------
    PhaseLine
        Values without a steepest place are in `absent_values`.
    """
    return _line(
        system,
        lambda at: aligned_crossover(at, control=solve_for, threshold=threshold),
        solve_for=solve_for,
        along=along,
        values=values,
    )
