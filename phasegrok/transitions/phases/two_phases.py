"""Where along a control two phases are of equal height or of given weights, off a density."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Final, NamedTuple, final

import numpy as np
from scipy.optimize import brentq

from phasegrok.statistics.samples import FloatArray
from phasegrok.transitions.phases.phase_densities import PhaseDensities

__all__ = ["TwoPhases", "read_two_phases"]

_GRID: Final = 61
_LEAST_BASIN: Final = 0.02
"""A phase must have this weight somewhere: empty bins in a tail are no valley."""

_TOLERANCE: Final = 3e-4
_ROUNDS: Final = 4


@final
@dataclass(frozen=True, kw_only=True)
class TwoPhases:
    """What is read off the densities of one size.

    Parameters
    ----------
    equal_weight_point : float
        Control at which the weights of the phases have the asked ratio.
    equal_height_point : float
        Control at which their maxima are of equal height.
    barrier : float
        ln P of the maxima less ln P of the minimum between them, at equal height.
    cut : float
        The order parameter at that minimum; the phases end there.
    mean_below, mean_above : float
        Means of the phase that rules below the transition and of the one that rules above it,
        at `equal_weight_point`.
    reason : str
        Why numbers are missing; empty where none is.
    """

    equal_weight_point: float = float("nan")
    equal_height_point: float = float("nan")
    barrier: float = float("nan")
    cut: float = float("nan")
    mean_below: float = float("nan")
    mean_above: float = float("nan")
    reason: str = ""

    @property
    def jump(self) -> float:
        """Distance of the two means."""
        return abs(self.mean_above - self.mean_below)


class _Shape(NamedTuple):
    """A density with two maxima."""

    lower_height: float
    upper_height: float
    depth: float
    """ln p of the minimum between the maxima."""
    place: float
    """Of the minimum, in bins."""
    double: bool
    """Whether there is a minimum between the maxima."""


def read_two_phases(
    densities: PhaseDensities, *, weight_ratio: float, cut: float | None = None
) -> TwoPhases:
    """Find the points of equal height and of given weights.

    Parameters
    ----------
    densities : PhaseDensities
        Along the control.
    weight_ratio : float
        Weight of the phase that rules above the transition over that of the other.
    cut : float, optional
        About where phases end; where left out, all controls are searched for the deepest
        minimum between two maxima.

    Returns
    -------
    TwoPhases
        With a reason where there is only one maximum, or a point lies beyond the controls.

    Notes
    -----
    Phases are cut at the minimum at equal height: Borgs and Janke, Phys. Rev. Lett. 68, 1738
    (1992); Janke, Phys. Rev. B 47, 14757 (1993). The barrier is that of Lee and Kosterlitz,
    Phys. Rev. Lett. 65, 137 (1990).
    """
    bins = densities.bins
    valley = _deepest(densities) if cut is None else _bin_of(cut, densities)
    low, high = densities.interval
    if valley is None:
        return TwoPhases(
            reason=f"the density has one maximum at every control from {low:g} to {high:g}"
        )
    point, shape = _equal_height(densities, valley)
    if shape is None:
        return TwoPhases(
            reason=f"no control from {low:g} to {high:g} has two maxima of equal height"
        )
    found = TwoPhases(
        equal_height_point=point,
        barrier=0.5 * (shape.lower_height + shape.upper_height) - shape.depth,
        cut=float(bins.centres[0] + bins.width * shape.place),
    )
    return _with_weights(densities, found, np.log(weight_ratio))


def _bin_of(cut: float, densities: PhaseDensities) -> int:
    place = int((cut - densities.bins.edges[0]) // densities.bins.width)
    return int(np.clip(place, 1, densities.bins.count - 2))


def _deepest(densities: PhaseDensities) -> int | None:
    """Bin of the deepest minimum between two maxima at any control."""
    best, valley = 0.0, None
    for control in np.linspace(*densities.interval, _GRID):
        log_p = densities.log_probabilities(float(control))
        weight = np.cumsum(np.exp(log_p))
        left = np.maximum.accumulate(log_p)
        right = np.maximum.accumulate(log_p[::-1])[::-1]
        populated = (weight >= _LEAST_BASIN) & (weight <= 1.0 - _LEAST_BASIN)
        depth = np.where(populated, np.minimum(left, right) - log_p, 0.0)
        if depth.max() > best:
            best, valley = float(depth.max()), int(depth.argmax())
    return valley


def _shape(log_p: FloatArray, valley: int) -> _Shape:
    lower = int(np.argmax(log_p[: valley + 1]))
    upper = valley + int(np.argmax(log_p[valley:]))
    bottom = lower + int(np.argmin(log_p[lower : upper + 1]))
    depth, place = _vertex(log_p, bottom)
    return _Shape(
        lower_height=_vertex(log_p, lower)[0],
        upper_height=_vertex(log_p, upper)[0],
        depth=depth,
        place=place,
        double=lower < bottom < upper,
    )


def _vertex(log_p: FloatArray, place: int) -> tuple[float, float]:
    """Extremum of the parabola through a bin that is one and its neighbours, and its place."""
    if not 0 < place < log_p.size - 1:
        return float(log_p[place]), float(place)
    before, here, after = (float(each) for each in log_p[place - 1 : place + 2])
    slope, bend = 0.5 * (after - before), before - 2.0 * here + after
    # Where the bin is no extremum the parabola's lies elsewhere and means nothing.
    if bend == 0.0 or abs(slope) > abs(bend):
        return here, float(place)
    return here - 0.5 * slope**2 / bend, place - slope / bend


def _equal_height(densities: PhaseDensities, valley: int) -> tuple[float, _Shape | None]:
    """Control of equal height, the valley followed until the maxima stay."""
    for _ in range(_ROUNDS):

        def excess(control: float, valley: int = valley) -> float:
            shape = _shape(densities.log_probabilities(control), valley)
            return shape.upper_height - shape.lower_height

        control = _root(excess, densities.interval)
        if control is None:
            break
        log_p = densities.log_probabilities(control)
        shape = _shape(log_p, valley)
        if not shape.double:
            break
        valley = round(shape.place)
        if _shape(log_p, valley) == shape:
            return control, shape
    return float("nan"), None


def _root(function: Callable[[float], float], interval: tuple[float, float]) -> float | None:
    low, high = interval
    remembered = cache(function)
    if remembered(low) * remembered(high) > 0.0:
        return None
    return float(brentq(remembered, low, high, xtol=_TOLERANCE * (high - low)))


def _with_weights(densities: PhaseDensities, found: TwoPhases, log_ratio: float) -> TwoPhases:
    low, high = densities.interval
    tiny = np.finfo(np.float64).tiny

    def log_odds(control: float) -> float:
        upper = densities.sides(control, cut=found.cut).upper_weight
        return float(np.log(max(upper, tiny)) - np.log(max(1.0 - upper, tiny)))

    upper_rules = log_odds(high) > log_odds(low)
    target = log_ratio if upper_rules else -log_ratio
    point = _root(lambda control: log_odds(control) - target, densities.interval)
    if point is None:
        return replace(
            found,
            reason=f"no control from {low:g} to {high:g} has phases of the asked weights; add "
            "controls beyond",
        )
    sides = densities.sides(point, cut=found.cut)
    means = (sides.lower_mean, sides.upper_mean)
    below, above = means if upper_rules else means[::-1]
    return replace(found, equal_weight_point=point, mean_below=below, mean_above=above)
