"""Controls at which two phases have given weights, solved on one body of samples."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, final

import numpy as np
from scipy.optimize import brentq

from phasegrok.statistics import ControlStates, Multistate
from phasegrok.statistics.samples import FloatArray
from phasegrok.transitions.free_energy.profiles import log_density
from phasegrok.transitions.free_energy.wells import two_wells
from phasegrok.transitions.phases.line_slopes import slope_of

__all__ = ["Line", "LinePoint", "Start", "point_or_reason"]

ROUNDS: Final = 5
NEWTON_STEPS: Final = 12
CLOSE: Final = 2e-3
"""Of the range of the coordinate: a cut that moves by less stays."""

LEAST_PART: Final = 0.1
"""Of the weight of the smaller phase: what holds less is a tail, however deep its valleys."""

LEAST_BARRIER: Final = 0.5
"""Temperatures that the valley must lie below the lower peak: less is noise of bins."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Line:
    """What is the same for all points of a line.

    Attributes
    ----------
    states : ControlStates
        All samples.
    values : (sample,) array
        The coordinate that parts the phases.
    edges : (bin + 1,) array
        Bins in which its valley is looked for.
    along, against : str
        Control that is solved for, and control that the line is followed against.
    log_ratio : float
        ln of the weight above over that below.
    interval : tuple of float
        Within which the control is looked for.
    """

    states: ControlStates
    values: FloatArray
    edges: FloatArray
    along: str
    against: str
    log_ratio: float
    interval: tuple[float, float]

    def coefficients(self, place: Mapping[str, float], control: float) -> FloatArray:
        """Coefficients (1, term) at a place and a value of the control."""
        return self.states.coefficients({**place, self.along: control})


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class LinePoint:
    """One point of a line on one body of samples.

    Attributes
    ----------
    control, cut : float
        Where the weights balance, and where phases end.
    barrier : float
        ln of the lower peak over the valley; NaN where there is none.
    lower, upper : (term,) arrays
        Means of the terms below the cut and above it.
    slope : float
        By Clausius and Clapeyron.
    """

    control: float
    cut: float
    barrier: float
    lower: FloatArray
    upper: FloatArray
    slope: float


class Start(NamedTuple):
    """Where a search begins."""

    control: float | None = None
    border: float | None = None
    cut: float | None = None
    """Where phases end, if it was given."""


def point_or_reason(
    line: Line, solution: Multistate, place: Mapping[str, float], start: Start
) -> LinePoint | str:
    """Find one point of the line.

    Parameters
    ----------
    line : Line
        What is the same for all.
    solution : Multistate
        The states, or a draw of them.
    place : mapping of str to float
        All other controls.
    start : Start
        Where to begin.

    Returns
    -------
    LinePoint or str
        Or the reason why there is none.
    """
    try:
        return _point(line, solution, place, start)
    except _NoPointError as error:
        return str(error)


class _NoPointError(Exception):
    """There is no such point; the message is the reason."""


def _point(
    line: Line, solution: Multistate, place: Mapping[str, float], start: Start
) -> LinePoint:
    """Solve for the control and the cut in turn, until the cut stays."""
    given = start.cut is not None
    border = start.cut if start.cut is not None else start.border
    border = _first_cut(line) if border is None else border
    least = LEAST_PART * float(np.exp(-np.logaddexp(0.0, abs(line.log_ratio))))
    guess, reach = start.control, CLOSE * float(np.ptp(line.edges))
    for _ in range(ROUNDS):
        guess = control = _balanced(line, solution, place, (border, guess))
        coefficients = line.coefficients(place, control)
        log_p = log_density(solution, line.values, line.edges, coefficients)
        wells = two_wells(line.edges, -log_p, temperature=1.0, least_weight=least)
        if given or wells is None or abs(wells.saddle - border) < reach:
            break
        border = wells.saddle
    barrier = np.nan if wells is None else min(wells.barrier_up, wells.barrier_down)
    if not given and not barrier >= LEAST_BARRIER:
        raise _NoPointError(
            f"the coordinate has one peak where weights balance, at {control:.6g}"
        )
    return _with_means(line, solution, place, (control, border, barrier))


def _first_cut(line: Line) -> float:
    """Halfway between the coordinate's medians at both ends of the control."""
    runs = line.states.points()[line.along]
    bounds = line.states.solution.samples.run_bounds
    ends = []
    for end in line.interval:
        chosen = [
            line.values[bounds[run] : bounds[run + 1]] for run in np.flatnonzero(runs == end)
        ]
        ends.append(float(np.median(np.concatenate(chosen))))
    return 0.5 * (ends[0] + ends[1])


def _balanced(
    line: Line,
    solution: Multistate,
    place: Mapping[str, float],
    start: tuple[float, float | None],
) -> float:
    """Control at which the weights above and below a cut have the asked ratio."""
    cut, control = start
    samples = solution.samples
    used = samples.weights > 0.0
    upper = line.values[used] > cut
    if upper.all() or not upper.any():
        raise _NoPointError(f"no sample lies on one side of the cut at {cut:.6g}")
    origin = line.coefficients(place, 0.0)[0]
    moving = (line.coefficients(place, 1.0)[0] - origin) @ samples.terms[:, used]
    fixed = np.log(samples.weights[used]) - origin @ samples.terms[:, used]
    fixed -= solution.log_density[used]

    def log_odds(control: float) -> tuple[float, float]:
        """Logarithm of the ratio over the asked one, and its derivative."""
        exponent = fixed - control * moving
        shares = np.exp(exponent - exponent.max())
        both = [(shares[side].sum(), shares[side] @ moving[side]) for side in (upper, ~upper)]
        (above, first), (below, second) = both
        if not (above > 0.0 and below > 0.0):
            return (np.inf if above > 0.0 else -np.inf), np.nan
        odds = float(np.log(above / below)) - line.log_ratio
        return odds, float(second / below - first / above)

    return _root(log_odds, line, control)


def _root(
    function: Callable[[float], tuple[float, float]], line: Line, start: float | None
) -> float:
    """Zero by Newton's method from a start, else by bisection over the sampled interval."""
    low, high = line.interval
    control = start
    for _ in range(NEWTON_STEPS if start is not None else 0):
        value, slope = function(control) if control is not None else (np.nan, np.nan)
        if control is None or not np.isfinite(slope) or slope == 0.0:
            break
        ahead = control - value / slope
        if not low <= ahead <= high:
            break
        if abs(ahead - control) < 1e-9 * (high - low):
            return ahead
        control = ahead
    if not np.sign(function(low)[0]) * np.sign(function(high)[0]) < 0.0:
        raise _NoPointError(
            f"no {line.along} from {low:.6g} to {high:.6g} has phases of the asked weights"
        )
    largest = np.finfo(np.float64).max
    return float(
        brentq(
            lambda x: float(np.clip(function(x)[0], -largest, largest)),
            low,
            high,
            xtol=1e-9 * (high - low),
        )
    )


def _with_means(
    line: Line,
    solution: Multistate,
    place: Mapping[str, float],
    read: tuple[float, float, float],
) -> LinePoint:
    control, cut, barrier = read
    samples = solution.samples
    coefficients = line.coefficients(place, control)[0]
    with np.errstate(divide="ignore"):
        exponent = np.log(samples.weights) - coefficients @ samples.terms - solution.log_density
    shares = np.exp(exponent - exponent.max())
    upper = line.values > cut
    count = len(line.states.controls)
    means = [
        samples.terms[:count, side] @ shares[side] / shares[side].sum() + samples.centre[:count]
        for side in (~upper, upper)
    ]
    slope = slope_of(
        means[1] - means[0],
        controls=line.states.controls,
        at={**place, line.along: control},
        along=line.along,
        against=line.against,
    )
    return LinePoint(
        control=control,
        cut=cut,
        barrier=barrier,
        lower=means[0],
        upper=means[1],
        slope=slope,
    )
