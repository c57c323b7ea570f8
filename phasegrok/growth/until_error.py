"""More runs, round by round, until the mean of an observable is known well enough."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, final

from phasegrok.collect import CollectReport, collect
from phasegrok.errors import InvalidValueError
from phasegrok.growth.checks import (
    check_choice,
    check_count,
    check_number,
    check_observable,
    check_options,
    checked_folder,
    checked_study,
)
from phasegrok.growth.decision import Decision, Extent, Goal, Status, decide
from phasegrok.growth.estimates import ErrorEstimate
from phasegrok.growth.places import (
    Place,
    added_runs,
    measured_places,
    plan_of,
    plan_with_stored,
    requested_places,
)
from phasegrok.study import Study, joined_plan

__all__ = ["GrowthReport", "GrowthRound", "PlaceGrowth", "collect_until"]


@final
@dataclass(frozen=True, kw_only=True)
class PlaceGrowth:
    """What became of one place.

    Parameters
    ----------
    controls : mapping
        Of its point.
    start : str
        How initial states are made.
    estimate : ErrorEstimate
        Mean and error of the runs there are.
    extent : Extent
        Disorders that were asked for, and replicas that each of them has at least.
    requested : int
        Runs that were asked for, which are more where some disorders have more replicas.
    left_out : int
        Runs that diverged, failed or were cut short; they do not enter.
    status : Status
        Where it stands.
    enough : Extent
        What is predicted to be enough.
    """

    controls: Mapping[str, Any]
    start: str
    estimate: ErrorEstimate
    extent: Extent
    requested: int
    left_out: int
    status: Status
    enough: Extent

    def __str__(self) -> str:
        """Write the place, its mean and where it stands."""
        where = ", ".join(f"{name} {value}" for name, value in self.controls.items())
        estimate = self.estimate
        text = (
            f"{where or 'the only point'} ({self.start}): {estimate.mean:.6g} ± "
            f"{estimate.margin:.2g} over {estimate.count} {estimate.units}, "
            f"{self.extent.disorders} disorders x {self.extent.replicas} replicas, "
            f"{self.status}"
        )
        if self.requested > self.extent.runs:
            text += f", {self.requested - self.extent.runs} more runs of some disorders"
        if self.left_out:
            text += f", {self.left_out} runs left out"
        if self.status in (Status.AT_MOST, Status.BUDGET):
            needed = self.enough
            text += f"; about {needed.disorders} x {needed.replicas} would be enough"
        return text


@final
@dataclass(frozen=True, kw_only=True)
class GrowthRound:
    """One round: what it was expected to give, and what it gave.

    Parameters
    ----------
    runs : int
        Runs that were added.
    gradients : int
        Gradients that they took.
    predicted, found : float
        Largest margin of the places that grew, as predicted (NaN where that could not be) and
        as it came.
    """

    runs: int
    gradients: int
    predicted: float
    found: float


@final
@dataclass(frozen=True, kw_only=True)
class GrowthReport:
    """What it took to know a mean well enough.

    Parameters
    ----------
    folder : Path
        Folder of the study.
    study : Study
        Description whose plan asks for all runs there are now; `phasegrok.study.study_toml`
        writes it down.
    observable : str
        What was averaged.
    goal : Goal
        What was to be reached.
    places : tuple of PlaceGrowth
        Every point and start of the plan that was given.
    rounds : tuple of GrowthRound
        Of this call, the first without growth.
    """

    folder: Path
    study: Study
    observable: str
    goal: Goal
    places: tuple[PlaceGrowth, ...]
    rounds: tuple[GrowthRound, ...]

    @property
    def is_reached(self) -> bool:
        """Whether every place has the error that was asked for."""
        return all(place.status is Status.REACHED for place in self.places)

    def __str__(self) -> str:
        """Write what was reached, the places, and what rounds were predicted to give."""
        reached = sum(place.status is Status.REACHED for place in self.places)
        unit = " of its size" if self.goal.relative else ""
        lines = [
            f"{self.observable} is known to ±{self.goal.error:g}{unit} at {reached} of "
            f"{len(self.places)} places in {self.folder}"
        ]
        lines += [f"  {place}" for place in self.places]
        for number, each in enumerate(self.rounds[1:], start=1):
            known = math.isfinite(each.predicted)
            told = f"predicted ±{each.predicted:.2g}" if known else "not predicted"
            lines.append(
                f"round {number}: {each.runs} runs, {each.gradients:.4g} gradients; largest "
                f"error ±{each.found:.2g}, {told}"
            )
        return "\n".join(lines)


def collect_until(  # noqa: PLR0913 - all that an operator sets
    study: Study,
    folder: str | Path,
    *,
    observable: str,
    error: float,
    relative: bool = False,
    grow: Literal["either", "replicas", "disorders"] = "either",
    factor: float = 2.0,
    fewest: int = 8,
    most_disorders: int = 256,
    most_replicas: int = 256,
    most_gradients: float = math.inf,
    start_record: int = 0,
    **options: Any,
) -> GrowthReport:
    """Collect a study and let it grow until the mean of an observable is known well enough.

    The error is the margin of `phasegrok.growth.ErrorEstimate`: over disorders where the plan
    has several, over replicas where it has one, over records where it has one run that is
    stationary. Only places that need more runs get more. Stopping as soon as an *estimated*
    error is small favours errors that came out too small by chance; docs/studies.md tells by
    how much.

    Parameters
    ----------
    study : Study
        Description, with the plan to begin with.
    folder : path
        Folder of the study. What it was asked for before is done too, so that a call which was
        interrupted goes on where it was.
    observable : str
        Variable with one number a record; the time average of a run is its value.
    error : float
        Largest error at every point and start of the plan.
    relative : bool
        Whether `error` is in units of the mean's own size.
    grow, factor, fewest, most_disorders, most_replicas
        See `phasegrok.growth.Goal`.
    most_gradients : float
        Of all runs of the plan together, those of earlier calls too; no round begins that is
        expected to pass it.
    start_record : int
        First record that enters the time average.
    **options
        For `phasegrok.collect.collect`.

    Returns
    -------
    GrowthReport
        A place whose runs fail, or that would need more than is allowed, is told and not grown.

    Raises
    ------
    InvalidValueError
        For an unknown observable, or a number or option that means nothing.
    InvalidStudyError
        If the study cannot be carried out, or has an exchange ladder.
    """
    described, path = checked_study(study), checked_folder(folder)
    check_options(options)
    check_observable(described, observable)
    goal = Goal(
        error=error,
        relative=relative,
        grow=grow,
        factor=factor,
        fewest=fewest,
        most_disorders=most_disorders,
        most_replicas=most_replicas,
    )
    _check_goal(goal)
    check_count("start_record", start_record, least=0)
    if most_gradients != math.inf:
        check_number("most_gradients", most_gradients)
    growth = _Growth(described, path, observable, goal, start_record, options)
    return growth.carried_out(most_gradients)


@final
class _Growth:
    """One call of `collect_until`."""

    def __init__(
        self,
        study: Study,
        folder: Path,
        observable: str,
        goal: Goal,
        start_record: int,
        options: Mapping[str, Any],
    ) -> None:
        self.chosen = list(requested_places(study))
        self.study = replace(study, plan=plan_with_stored(study, folder))
        self.folder, self.observable, self.goal = folder, observable, goal
        self.start_record, self.options = start_record, options
        self.rounds: list[GrowthRound] = []

    def carried_out(self, most_gradients: float) -> GrowthReport:
        predicted, grown = math.nan, list(range(len(self.chosen)))
        while True:
            report = collect(self.study, self.folder, **self.options)
            places = self._places()
            self._note(report, [places[index] for index in grown], predicted)
            decisions = [self._decided(place) for place in places]
            grown = [i for i, each in enumerate(decisions) if each.status is Status.GROWING]
            if grown and self._cost(places, decisions) > most_gradients:
                decisions = [_stopped(each) for each in decisions]
                grown = []
            if not grown:
                return self._report(places, decisions)
            predicted = max(decisions[index].predicted for index in grown)
            plans = [plan_of(places[index], decisions[index].extent) for index in grown]
            plan = joined_plan([self.study.plan, *plans])
            self.study = replace(self.study, plan=plan)

    def _places(self) -> list[Place]:
        return measured_places(
            self.study,
            self.folder,
            self.observable,
            start_record=self.start_record,
            chosen=self.chosen,
        )

    def _decided(self, place: Place) -> Decision:
        return decide(place.estimate, place.extent, finished=place.finished, goal=self.goal)

    def _note(self, report: CollectReport, places: Sequence[Place], predicted: float) -> None:
        self.rounds.append(
            GrowthRound(
                runs=sum(report.outcomes.values()),
                gradients=report.gradients,
                predicted=predicted,
                found=max(place.estimate.margin for place in places),
            )
        )

    def _cost(self, places: Sequence[Place], decisions: Sequence[Decision]) -> float:
        """Gradients of all runs after the next round, as many a run as there were."""
        spent = sum(place.gradients for place in places)
        added = sum(
            added_runs(place, each.extent) * place.gradients / place.requested
            for place, each in zip(places, decisions, strict=True)
        )
        return spent + added

    def _report(self, places: Sequence[Place], decisions: Sequence[Decision]) -> GrowthReport:
        return GrowthReport(
            folder=self.folder,
            study=self.study,
            observable=self.observable,
            goal=self.goal,
            places=tuple(
                PlaceGrowth(
                    controls=place.controls,
                    start=place.start,
                    estimate=place.estimate,
                    extent=place.extent,
                    requested=place.requested,
                    left_out=place.requested - len(place.disorder),
                    status=each.status,
                    enough=each.enough,
                )
                for place, each in zip(places, decisions, strict=True)
            ),
            rounds=tuple(self.rounds),
        )


def _stopped(decision: Decision) -> Decision:
    grows = decision.status is Status.GROWING
    return replace(decision, status=Status.BUDGET) if grows else decision


def _check_goal(goal: Goal) -> None:
    check_number("error", goal.error)
    check_choice("relative", goal.relative, (True, False))
    check_choice("grow", goal.grow, ("either", "replicas", "disorders"))
    check_number("factor", goal.factor)
    if not goal.factor > 1.0:
        raise InvalidValueError(
            f"the factor of a round must be above 1, received {goal.factor!r}; 2 is usual."
        )
    check_count("fewest", goal.fewest, least=2)
    check_count("most_disorders", goal.most_disorders)
    check_count("most_replicas", goal.most_replicas)
