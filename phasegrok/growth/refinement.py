"""More values of a control where a transition may lie, round by round."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, final

import numpy as np

from phasegrok.collect import collect
from phasegrok.errors import InvalidStudyError, InvalidValueError, did_you_mean
from phasegrok.growth.checks import (
    check_choice,
    check_count,
    check_number,
    check_observable,
    check_options,
    checked_folder,
    checked_study,
)
from phasegrok.growth.decision import Extent
from phasegrok.growth.location import Location, locate
from phasegrok.growth.next_values import next_values, short_value
from phasegrok.growth.places import (
    Place,
    measured_places,
    plan_of,
    plan_with_stored,
    requested_places,
)
from phasegrok.statistics.samples import FloatArray
from phasegrok.study import Plan, Study, joined_plan, known_controls, requested_runs

__all__ = ["RefineReport", "RefineRound", "RefineStatus", "refine"]

_PRIOR_UNITS: Final = 2.0
"""Weight of the variance common to all points beside that of one point, in units."""

_EDGE: Final = 1.0 / 3.0
"""Share of the posterior in the outer twentieth of the range that counts as at its edge."""


class RefineStatus(StrEnum):
    """How a refinement ended."""

    RESOLVED = "resolved"
    NOT_SEEN = "no transition is seen"
    AT_EDGE = "at the edge of the range"
    ROUNDS = "rounds are over"
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

    def __str__(self) -> str:
        """Write the place, its interval, and one line a round."""
        low, high = self.location.interval
        lines = [
            f"{self.observable} changes most steeply at {self.control} = "
            f"{self.location.median:.6g} (68 %: {low:.6g} to {high:.6g}); {self.status}"
        ]
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
    where they would be too close to others, the runs there become twice as many.

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
    _check_control(described, control)
    check_observable(described, observable)
    check_number("resolution", resolution)
    check_count("points", points)
    check_count("rounds", rounds, least=0)
    check_count("most_runs", most_runs, least=2)
    check_count("start_record", start_record, least=0)
    check_choice("widen", widen, (True, False))
    values = _values_of_line(described, control)
    bounds = _range(values, low, high, resolution)
    work = _Refinement(described, path, control, observable, resolution)
    work.begin(bounds, widen=widen, start_record=start_record, options=options)
    return work.carried_out(points=points, rounds=rounds, most_runs=most_runs)


@final
class _Refinement:
    """One call of `refine`."""

    def __init__(
        self, study: Study, folder: Path, control: str, observable: str, resolution: float
    ) -> None:
        self.study = replace(study, plan=plan_with_stored(study, folder))
        self.first = requested_runs(study)[0]
        self.extent = Extent(study.plan.disorders, study.plan.replicas)
        self.folder, self.control, self.observable = folder, control, observable
        self.resolution = resolution
        self.rounds: list[RefineRound] = []

    def begin(
        self,
        bounds: tuple[float, float],
        *,
        widen: bool,
        start_record: int,
        options: Mapping[str, Any],
    ) -> None:
        self.low, self.high = bounds
        self.widen, self.start_record, self.options = widen, start_record, options

    def carried_out(self, *, points: int, rounds: int, most_runs: int) -> RefineReport:
        new: Sequence[float] = ()
        while True:
            report = collect(self.study, self.folder, **self.options)
            places = self._places()
            location = self._located(places)
            self.rounds.append(
                RefineRound(
                    values=tuple(new),
                    runs=sum(report.outcomes.values()),
                    gradients=report.gradients,
                    median=location.median,
                    interval=location.interval,
                )
            )
            status = self._status(location)
            if status is None and len(self.rounds) > rounds:
                status = RefineStatus.ROUNDS
            if status is None:
                new = self._grown(location, places, points=points, most_runs=most_runs)
                status = None if self._has_grown else RefineStatus.LIMIT
            if status is not None:
                return self._report(status, location, places)

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
        return locate(
            [self._value(place) for place in known],
            [place.estimate.mean for place in known],
            error=_errors(known),
            low=self.low,
            high=self.high,
            finest=0.25 * self.resolution,
        )

    def _status(self, location: Location) -> RefineStatus | None:
        """How it ends here; None where it goes on."""
        below, above = (self._share_at(location, side) for side in (0, 1))
        at_edge = max(below, above) > _EDGE
        if at_edge and not self.widen:
            return RefineStatus.AT_EDGE
        if at_edge:
            added = 0.5 * (self.high - self.low)
            self.low -= added if below > above else 0.0
            self.high += added if above >= below else 0.0
            return None
        first, last = location.interval
        if last - first < self.resolution:
            return RefineStatus.RESOLVED if location.is_seen else RefineStatus.NOT_SEEN
        return None

    def _share_at(self, location: Location, side: int) -> float:
        first, last = location.edges[0], location.edges[-1]
        distance = last - location.places if side else location.places - first
        return float(location.weights[distance < 0.05 * (last - first)].sum())

    def _grown(
        self, location: Location, places: Sequence[Place], *, points: int, most_runs: int
    ) -> Sequence[float]:
        """Ask for new values, or for more runs where there is no room for any."""
        known = [self._value(place) for place in places]
        ends = [short_value(each, self.resolution) for each in (self.low, self.high)]
        new = [each for each in ends if each < min(known) or each > max(known)]
        if not new:
            new = next_values(location, known, count=points, resolution=self.resolution)
        plans = [self._plan_at(value) for value in new]
        if len(new) < points:
            plans += self._more_runs(location, places, most_runs)
        self._has_grown = bool(plans)
        if plans:
            plan = joined_plan([self.study.plan, *plans])
            self.study = replace(self.study, plan=plan)
        return new

    def _plan_at(self, value: float) -> Plan:
        point = {**self.first.controls, self.control: value}
        return Plan(
            points=[point],
            starts=[self.first.start],
            disorders=self.extent.disorders,
            replicas=self.extent.replicas,
        )

    def _more_runs(
        self, location: Location, places: Sequence[Place], most_runs: int
    ) -> list[Plan]:
        """Twice the units at every value that may be next to the transition."""
        first, last = (location.quantile(share) for share in (0.025, 0.975))
        plans = []
        for place in places:
            inside = first - self.resolution <= self._value(place) <= last + self.resolution
            disorders, replicas = place.extent
            grown = (
                Extent(2 * disorders, replicas) if disorders > 1 else Extent(1, 2 * replicas)
            )
            if inside and grown.runs <= most_runs:
                plans.append(plan_of(place, grown))
        return plans

    def _report(
        self, status: RefineStatus, location: Location, places: Sequence[Place]
    ) -> RefineReport:
        if status in (RefineStatus.ROUNDS, RefineStatus.LIMIT) and not location.is_seen:
            status = RefineStatus.NOT_SEEN
        return RefineReport(
            folder=self.folder,
            study=self.study,
            control=self.control,
            observable=self.observable,
            status=status,
            location=location,
            rounds=tuple(self.rounds),
            resolution=self.resolution,
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


def _check_control(study: Study, control: Any) -> None:
    known = known_controls(study)
    if not isinstance(control, str) or control not in known:
        raise InvalidValueError(
            f"{control!r} is no control of this study." + did_you_mean(control, known)
        )


def _values_of_line(study: Study, control: str) -> list[float]:
    """Values of the control in a plan that varies nothing else."""
    points = study.plan.control_points()
    others = {tuple(sorted((n, v) for n, v in p.items() if n != control)) for p in points}
    starts = {start for plan in study.plan.entries() for start in plan.starts}
    if len(others) > 1 or len(starts) > 1:
        raise InvalidStudyError(
            f"refining along {control!r} needs a plan that varies nothing else, received "
            f"{len(others)} combinations of other controls and the starts {sorted(starts)}; "
            "make a study of one of them."
        )
    values = [point.get(control) for point in points]
    numbers = [float(v) for v in values if isinstance(v, int | float) and type(v) is not bool]
    if len(numbers) < max(len(values), 4):
        raise InvalidStudyError(
            f"refining along {control!r} needs a plan with four numbers or more for it, "
            f"received {values}; list them in [plan.grid]."
        )
    if max(study.plan.disorders, study.plan.replicas) < 2:
        raise InvalidStudyError(
            "refining needs at least two disorders or two replicas, so that every mean has an "
            "error, received one of each; raise replicas in [plan]."
        )
    return numbers


def _range(
    values: Sequence[float], low: float | None, high: float | None, resolution: float
) -> tuple[float, float]:
    for name, each in (("low", low), ("high", high)):
        if each is not None:
            check_number(name, each, positive=False)
    first = min(values) if low is None else float(low)
    last = max(values) if high is None else float(high)
    if not first + resolution < last:
        raise InvalidValueError(
            f"the range of the control must be wider than the resolution {resolution!r}, "
            f"received {first} to {last}; widen it, or lower the resolution."
        )
    return first, last
