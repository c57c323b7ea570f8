"""More values of a control where a transition may lie, round by round."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, final

import numpy as np

from phasegrok.collect import CollectReport, collect
from phasegrok.errors import InvalidStudyError
from phasegrok.growth.checks import (
    check_choice,
    check_count,
    check_number,
    check_observable,
    check_options,
    checked_folder,
    checked_study,
)
from phasegrok.growth.control_line import ControlLine, check_control
from phasegrok.growth.decision import Extent, units_needed
from phasegrok.growth.disorder_error import MOST_GROUPS, locate_over_disorders
from phasegrok.growth.estimates import margin_factor
from phasegrok.growth.location import Location
from phasegrok.growth.next_values import next_values
from phasegrok.growth.places import (
    Place,
    measured_places,
    plan_of,
    plan_with_stored,
    requested_places,
)
from phasegrok.statistics.samples import FloatArray
from phasegrok.study import Plan, Study, joined_plan

__all__ = ["RefineReport", "RefineRound", "RefineStatus", "refine"]

_PRIOR_UNITS: Final = 2.0
"""Weight of the variance common to all points beside that of one point, in units."""

_RESERVE: Final = 1.1
"""Disorders over what is predicted to be enough."""

_EDGE: Final = 1.0 / 3.0
"""Share of the posterior in the outer twentieth of the range that counts as at its edge."""


class RefineStatus(StrEnum):
    """How a refinement ended."""

    RESOLVED = "resolved"
    NOT_SEEN = "no transition is seen"
    AT_EDGE = "at the edge of the range"
    ROUNDS = "rounds are over"
    DISORDERS = "more disorders are needed"
    """The spread of the disorders limits it, and no more of them are allowed."""
    REFUSED = "the study refuses what would be next"
    """Such as a value for which there is no memory."""
    LIMIT = "no more runs are allowed where they would help"


@final
@dataclass(frozen=True, kw_only=True)
class RefineRound:
    """What was known after one round.

    Parameters
    ----------
    values : tuple of float
        Values of the control that were new in it.
    runs, gradients : int
        What it took.
    median : float
        Of the location.
    interval : tuple of float
        Central 68.3 % of it.
    """

    values: tuple[float, ...]
    runs: int
    gradients: int
    median: float
    interval: tuple[float, float]


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class RefineReport:
    """Where the transition lies, and what it took to know.

    Parameters
    ----------
    folder : Path
        Folder of the study.
    study : Study
        Description whose plan asks for all runs there are now.
    control, observable : str
        Along what, and of what.
    status : RefineStatus
        How it ended.
    location : Location
        Posterior of the place of steepest change.
    rounds : tuple of RefineRound
        Of this call.
    resolution : float
        What was to be resolved.
    left_out : int
        Runs that did not finish.
    disorders_needed : int
        Number of disorders at every value for which the interval should be as narrow as the
        resolution; 0 where the disorders are not what limits it.
    """

    folder: Path
    study: Study
    control: str
    observable: str
    status: RefineStatus
    location: Location
    rounds: tuple[RefineRound, ...]
    resolution: float
    left_out: int
    disorders_needed: int = 0

    def __str__(self) -> str:
        """Write the place, its interval, and one line a round."""
        low, high = self.location.interval
        lines = [
            f"{self.observable} changes most steeply at {self.control} = "
            f"{self.location.median:.6g} (68 %: {low:.6g} to {high:.6g}); {self.status}"
        ]
        if self.disorders_needed:
            lines.append(
                f"the disorders move the place by ±{self.location.disorder_error:.2g}; about "
                f"{self.disorders_needed} of them at every value would be enough"
            )
        if self.left_out:
            lines.append(f"{self.left_out} runs did not finish and were left out")
        for number, each in enumerate(self.rounds):
            values = ", ".join(f"{value:g}" for value in each.values) or "no new value"
            lines.append(
                f"round {number}: {each.runs} runs at {values}; "
                f"{each.interval[0]:.6g} to {each.interval[1]:.6g}"
            )
        return "\n".join(lines)


def refine(  # noqa: PLR0913 - all that an operator sets
    study: Study,
    folder: str | Path,
    *,
    control: str,
    observable: str,
    resolution: float,
    points: int = 4,
    rounds: int = 8,
    low: float | None = None,
    high: float | None = None,
    widen: bool = False,
    most_runs: int = 256,
    start_record: int = 0,
    **options: Any,
) -> RefineReport:
    """Collect a study, and add values of a control where the transition may lie.

    The place is that of the steepest change of the mean of the observable: a jump, or the
    steepest point of a smooth change at this size. New values are quantiles of its posterior;
    where they would be too close to others, the runs there become twice as many. Disorders
    recur at all values, and where it is they that limit the place, all values get more of them.

    Parameters
    ----------
    study : Study
        Its plan varies nothing but the control, with four values or more, one start, and at
        least two disorders or two replicas, so that every mean has an error.
    folder : path
        Folder of the study; a call that was interrupted goes on where it was.
    control : str
        Along what.
    observable : str
        Variable with one number a record, whose time average is the value of a run.
    resolution : float
        The central 68.3 % of the posterior are to be narrower. Values of the control are
        rounded to a fifth of it, and no two are closer than half of it.
    points : int
        New values in a round, at most.
    rounds : int
        Rounds after the first, at most.
    low, high : float, optional
        Range of the control; that of the plan where left out.
    widen : bool
        Whether the range grows by half where the posterior lies at its edge.
    most_runs : int
        Runs of one value, at most.
    start_record : int
        First record that enters the time average.
    **options
        For `phasegrok.collect.collect`.

    Returns
    -------
    RefineReport
        It says where no transition is seen, or where the range cuts it off.

    Raises
    ------
    InvalidValueError
        For an unknown control or observable, or a number or option that means nothing.
    InvalidStudyError
        If the study cannot be carried out, or its plan is no line of points.
    """
    described, path = checked_study(study), checked_folder(folder)
    check_options(options)
    check_control(described, control)
    check_observable(described, observable)
    check_number("resolution", resolution)
    check_count("points", points)
    check_count("rounds", rounds, least=0)
    check_count("most_runs", most_runs, least=2)
    check_count("start_record", start_record, least=0)
    check_choice("widen", widen, (True, False))
    line = ControlLine.of(described, control=control, resolution=resolution, low=low, high=high)
    work = _Refinement(line, path, observable, points=points, most_runs=most_runs)
    work.begin(widen=widen, start_record=start_record, options=options)
    return work.carried_out(rounds)


@final
class _Refinement:
    """One call of `refine`."""

    def __init__(
        self, line: ControlLine, folder: Path, observable: str, *, points: int, most_runs: int
    ) -> None:
        self.line, self.first, self.control = line, line.first, line.control
        self.study = replace(line.study, plan=plan_with_stored(line.study, folder))
        self.folder, self.observable = folder, observable
        self.points, self.most_runs = points, most_runs
        self.rounds: list[RefineRound] = []

    def begin(self, *, widen: bool, start_record: int, options: Mapping[str, Any]) -> None:
        self.widen, self.start_record, self.options = widen, start_record, options

    def carried_out(self, rounds: int) -> RefineReport:
        new: Sequence[float] = ()
        report = collect(self.study, self.folder, **self.options)
        while True:
            places = self._places()
            location = self._located(places)
            self._note(report, new, location)
            status = self._status(location)
            if status is None and len(self.rounds) > rounds:
                status = RefineStatus.ROUNDS
            if status is not None:
                return self._report(status, location, places)
            new, plans = self._grown(location, places)
            if not plans:
                return self._report(RefineStatus.LIMIT, location, places)
            grown = replace(self.study, plan=joined_plan([self.study.plan, *plans]))
            try:
                report = collect(grown, self.folder, **self.options)
            except InvalidStudyError:
                # Such as a width for which there is no memory: what is known is told.
                return self._report(RefineStatus.REFUSED, location, places)
            self.study = grown

    def _note(self, report: CollectReport, new: Sequence[float], location: Location) -> None:
        self.rounds.append(
            RefineRound(
                values=tuple(new),
                runs=sum(report.outcomes.values()),
                gradients=report.gradients,
                median=location.median,
                interval=location.interval,
            )
        )

    def _places(self) -> list[Place]:
        """Places on the line, in the order of the control."""
        requests = requested_places(self.study)
        chosen = [key for key, runs in requests.items() if self._is_on_line(runs[0])]
        found = measured_places(
            self.study,
            self.folder,
            self.observable,
            start_record=self.start_record,
            chosen=chosen,
        )
        return sorted(found, key=self._value)

    def _is_on_line(self, request: Any) -> bool:
        mine, other = dict(self.first.controls), dict(request.controls)
        del mine[self.control], other[self.control]
        same = all(other[name] == value for name, value in mine.items())
        added = all(name in mine or name in request.at_rest for name in other)
        return same and added and request.start == self.first.start

    def _value(self, place: Place) -> float:
        return float(place.controls[self.control])

    def _located(self, places: Sequence[Place]) -> Location:
        known = [place for place in places if place.estimate.count >= 2]
        if len(known) < 4:
            raise InvalidStudyError(
                f"a transition needs four values of {self.control!r} at which two runs or more "
                f"finished, and there are {len(known)} in {self.folder}; see why the others "
                "did not (phasegrok status), or ask for more."
            )
        return locate_over_disorders(
            [self._value(place) for place in known],
            [place.series.mean(axis=-1) for place in known],
            [place.disorder for place in known],
            error=_errors(known),
            low=self.line.low,
            high=self.line.high,
            finest=0.25 * self.line.resolution,
        )

    def _status(self, location: Location) -> RefineStatus | None:
        """How it ends here; None where it goes on."""
        below, above = (self._share_at(location, side) for side in (0, 1))
        at_edge = max(below, above) > _EDGE
        if at_edge and not self.widen:
            return RefineStatus.AT_EDGE
        if at_edge:
            wider = self.line.widened(below=below > above, above=above >= below)
            stands = wider == self.line
            self.line = wider
            return RefineStatus.AT_EDGE if stands else None
        first, last = location.interval
        if last - first < self.line.resolution:
            return RefineStatus.RESOLVED if location.is_seen else RefineStatus.NOT_SEEN
        return None

    def _share_at(self, location: Location, side: int) -> float:
        first, last = location.edges[0], location.edges[-1]
        distance = last - location.places if side else location.places - first
        return float(location.weights[distance < 0.05 * (last - first)].sum())

    def _grown(
        self, location: Location, places: Sequence[Place]
    ) -> tuple[Sequence[float], list[Plan]]:
        """Choose new values, or more runs where there is no room for any."""
        if location.is_limited_by_disorders and self._is_unsure(location):
            return (), self._more_disorders(location, places)
        known = [self._value(place) for place in places]
        ends = [self.line.rounded(each) for each in (self.line.low, self.line.high)]
        new = [each for each in ends if each < min(known) or each > max(known)]
        if not new:
            new = next_values(
                location,
                known,
                count=self.points,
                resolution=self.line.resolution,
                rounded=self.line.rounded,
            )
        extent = Extent(*np.min([place.extent for place in places], axis=0).tolist())
        plans = [self._plan_at(value, extent) for value in new]
        if len(new) < self.points:
            plans += self._more_runs(location, places)
        return new, plans

    def _plan_at(self, value: float, extent: Extent) -> Plan:
        return Plan(
            points=[self.line.point(value)],
            starts=[self.first.start],
            disorders=extent.disorders,
            replicas=extent.replicas,
        )

    def _is_unsure(self, location: Location) -> bool:
        return 2.0 * location.disorder_error >= self.line.resolution

    def _disorders_needed(self, location: Location, places: Sequence[Place]) -> int:
        """Disorders at every value that should be enough: the squared error falls as 1/n."""
        count = max(place.extent.disorders for place in places)
        groups = max(min(count, MOST_GROUPS), 2)
        variance = count * (location.disorder_error / margin_factor(groups)) ** 2
        return units_needed(variance, 0.5 * self.line.resolution, 2)

    def _more_disorders(self, location: Location, places: Sequence[Place]) -> list[Plan]:
        """Up to twice the disorders, everywhere, since they move the place as a whole."""
        count = max(place.extent.disorders for place in places)
        needed = math.ceil(_RESERVE * self._disorders_needed(location, places))
        replicas = max(place.extent.replicas for place in places)
        wanted = min(max(needed, count + 1), 2 * count, self.most_runs // replicas)
        if wanted <= count:
            return []
        return [plan_of(place, Extent(wanted, place.extent.replicas)) for place in places]

    def _more_runs(self, location: Location, places: Sequence[Place]) -> list[Plan]:
        """Twice the units at every value that may be next to the transition."""
        first, last = (location.quantile(share) for share in (0.025, 0.975))
        reach = self.line.resolution
        plans = []
        for place in places:
            inside = first - reach <= self._value(place) <= last + reach
            disorders, replicas = place.extent
            grown = (
                Extent(2 * disorders, replicas) if disorders > 1 else Extent(1, 2 * replicas)
            )
            if inside and grown.runs <= self.most_runs:
                plans.append(plan_of(place, grown))
        return plans

    def _report(
        self, status: RefineStatus, location: Location, places: Sequence[Place]
    ) -> RefineReport:
        over = (RefineStatus.ROUNDS, RefineStatus.LIMIT, RefineStatus.REFUSED)
        limited = location.is_limited_by_disorders and self._is_unsure(location)
        if status in over and not location.is_seen:
            status = RefineStatus.NOT_SEEN
        elif status in over and limited:
            status = RefineStatus.DISORDERS
        return RefineReport(
            folder=self.folder,
            study=self.study,
            control=self.control,
            observable=self.observable,
            status=status,
            location=location,
            rounds=tuple(self.rounds),
            resolution=self.line.resolution,
            disorders_needed=self._disorders_needed(location, places) if limited else 0,
            left_out=sum(place.requested - len(place.disorder) for place in places),
        )


def _errors(places: Sequence[Place]) -> FloatArray:
    """Errors of means over few units: the variance of each is drawn to what all have.

    Two units alone would now and then have a tiny spread by chance, and such a point would
    outweigh all others.
    """
    estimates = [place.estimate for place in places]
    counts = np.array([each.count for each in estimates], dtype=np.float64)
    variances = np.array([each.standard_error**2 * each.count for each in estimates])
    pooled = variances.mean() or 1e-12
    drawn = ((counts - 1.0) * variances + _PRIOR_UNITS * pooled) / (counts - 1.0 + _PRIOR_UNITS)
    errors: FloatArray = np.sqrt(drawn / counts)
    return errors
