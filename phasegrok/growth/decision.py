"""Which numbers of disorders and replicas are enough: pure decisions from what was measured."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, NamedTuple, final

from phasegrok.growth.estimates import ErrorEstimate, Units, margin_factor

__all__ = ["Decision", "Extent", "Goal", "Status", "decide", "units_needed"]

_RESERVE: Final = 1.1
"""Over what is predicted, which falls short every other time, lest the last rounds creep."""

_PREFERENCE: Final = 1.25
"""Replicas are added rather than disorders if they take at most so many times the runs."""

_FEWEST_FINISHED: Final = 0.5
"""Share of the runs of a place that must finish for it to be worth more of them."""


class Extent(NamedTuple):
    """What is asked for at one place."""

    disorders: int
    replicas: int

    @property
    def runs(self) -> int:
        """Number of runs."""
        return self.disorders * self.replicas


class Status(StrEnum):
    """Where the error of one place stands."""

    REACHED = "reached"
    GROWING = "growing"
    AT_MOST = "at most"
    """The error is not reached with as many disorders and replicas as are allowed."""
    FAILING = "failing"
    """More than half of the runs do not finish."""
    BUDGET = "budget"
    """Another round would take more gradients than are allowed."""


@final
@dataclass(frozen=True, kw_only=True)
class Goal:
    """What is to be reached, and within which limits.

    Parameters
    ----------
    error : float
        Largest margin of the mean.
    relative : bool
        Whether `error` is in units of the mean's own size.
    grow : {"either", "replicas", "disorders"}
        What may grow. One disorder stays one, whatever is said here: the mean of that
        disorder is another quantity than the disorder average.
    factor : float
        By how much the number of runs of a place may grow in one round.
    fewest : int
        Independent units below which no error is believed.
    most_disorders, most_replicas : int
        Limits at every place.
    """

    error: float
    relative: bool = False
    grow: Literal["either", "replicas", "disorders"] = "either"
    factor: float = 2.0
    fewest: int = 8
    most_disorders: int = 256
    most_replicas: int = 256


@final
@dataclass(frozen=True, kw_only=True)
class Decision:
    """What is to be done at one place.

    Parameters
    ----------
    status : Status
        Whether it goes on.
    extent : Extent
        What is to be asked for next; what there is where it does not go on.
    enough : Extent
        What is predicted to be enough, which may be more than one round allows.
    predicted : float
        Margin predicted for `extent`; NaN where nothing can be predicted.
    """

    status: Status
    extent: Extent
    enough: Extent
    predicted: float


def decide(estimate: ErrorEstimate, extent: Extent, *, finished: float, goal: Goal) -> Decision:
    """Tell what one place needs.

    With D disorders of R replicas the squared error is (σ_d² + σ_r²/R)/D: replicas cannot push
    it below σ_d²/D. New disorders always take the fewest runs; replicas are added where they
    take up to a quarter more, since they need no new data.

    Parameters
    ----------
    estimate : ErrorEstimate
        Of the runs that finished.
    extent : Extent
        What was asked for.
    finished : float
        Share of the runs that did.
    goal : Goal
        What is to be reached.

    Returns
    -------
    Decision
    """
    target = goal.error * (abs(estimate.mean) if goal.relative else 1.0)
    believed = estimate.units is Units.RECORDS or estimate.count >= goal.fewest
    # Runs that are left where most fail are no fair sample, however small their spread.
    if finished < _FEWEST_FINISHED and extent.runs >= goal.fewest:
        return _end(Status.FAILING, extent, math.nan)
    if believed and estimate.margin <= target:
        return _end(Status.REACHED, extent, estimate.margin)
    enough = _enough(estimate, extent, target, goal)
    next_one = _limited(enough, extent, finished, goal)
    if next_one == extent:
        return _end(Status.AT_MOST, extent, estimate.margin, enough)
    return Decision(
        status=Status.GROWING,
        extent=next_one,
        enough=enough,
        predicted=_margin(estimate, next_one, extent),
    )


def _end(
    status: Status, extent: Extent, margin: float, enough: Extent | None = None
) -> Decision:
    return Decision(status=status, extent=extent, enough=enough or extent, predicted=margin)


def _enough(estimate: ErrorEstimate, extent: Extent, target: float, goal: Goal) -> Extent:
    """Smallest growth after which the error should be reached."""
    disorders, replicas = extent
    if disorders == 1:
        count = units_needed(estimate.within, target, goal.fewest)
        return Extent(1, max(count, replicas + 1))
    spread = estimate.standard_error**2 * estimate.count
    by_disorders = Extent(
        max(units_needed(spread, target, goal.fewest), disorders + 1), replicas
    )
    by_replicas = _by_replicas(estimate, extent, target)
    if goal.grow == "disorders" or (estimate.count < goal.fewest and goal.grow == "either"):
        return by_disorders
    if goal.grow == "replicas":
        # Without an end where the spread of the disorders alone is too large.
        return by_replicas or Extent(disorders, goal.most_replicas + 1)
    if by_replicas is not None and by_replicas.runs <= _PREFERENCE * by_disorders.runs:
        return by_replicas
    return by_disorders


def _by_replicas(estimate: ErrorEstimate, extent: Extent, target: float) -> Extent | None:
    """Replicas with which these disorders are enough; None where none are, or none can say."""
    disorders, replicas = extent
    if estimate.count < 2:
        return None
    if math.isnan(estimate.within):
        return Extent(disorders, replicas + 1) if replicas == 1 else None
    room = disorders * (target / margin_factor(disorders)) ** 2 - max(estimate.between, 0.0)
    if not room > 0.0:
        return None
    return Extent(disorders, max(math.ceil(estimate.within / room), replicas + 1))


def units_needed(variance: float, target: float, fewest: int) -> int:
    """Find the smallest number of units whose mean has no larger margin.

    Parameters
    ----------
    variance : float
        Of one unit.
    target : float
        Largest margin, Student's factor included.
    fewest : int
        No smaller number is given.

    Returns
    -------
    int
    """
    if not math.isfinite(variance) or target <= 0.0:
        return fewest

    def margin(count: int) -> float:
        return margin_factor(count) * math.sqrt(variance / count)

    high = max(fewest, 2)
    while margin(high) > target and high < 2**40:
        high *= 2
    low = max(fewest, 2) if high == max(fewest, 2) else high // 2
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if margin(middle) <= target else (middle + 1, high)
    return high


def _limited(enough: Extent, extent: Extent, finished: float, goal: Goal) -> Extent:
    """What may be asked for in one round, made up for runs that do not finish."""
    share = max(finished, _FEWEST_FINISHED)
    disorders, replicas = (
        now
        if needed <= now
        else min(math.ceil(_RESERVE * needed / share), math.ceil(goal.factor * now))
        for needed, now in zip(enough, extent, strict=True)
    )
    # A first round may go to as many units as an error takes at all.
    if extent.disorders == 1:
        replicas = max(replicas, min(goal.fewest, enough.replicas))
    elif enough.disorders > extent.disorders:
        disorders = max(disorders, min(goal.fewest, enough.disorders))
    return Extent(
        max(min(disorders, goal.most_disorders), extent.disorders),
        max(min(replicas, goal.most_replicas), extent.replicas),
    )


def _margin(estimate: ErrorEstimate, extent: Extent, before: Extent) -> float:
    """Margin expected of an extent, from the components of variance."""
    disorders, replicas = extent
    if disorders == 1:
        if math.isnan(estimate.within):
            return math.nan
        return margin_factor(replicas) * math.sqrt(estimate.within / replicas)
    variance = estimate.standard_error**2 * estimate.count
    if replicas != before.replicas:
        variance = max(estimate.between, 0.0) + estimate.within / replicas
    if not math.isfinite(variance):
        return math.nan
    return margin_factor(disorders) * math.sqrt(variance / disorders)
