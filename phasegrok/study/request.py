"""From a study to its runs: labels, identifiers, and the description of each run."""

import difflib
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import combinations, product
from typing import Any, Final, TypeVar, final

from phasegrok.errors import InvalidStudyError, did_you_mean
from phasegrok.seeding import Label, digest
from phasegrok.study.conditions import Energy, Ramp
from phasegrok.study.control import Point, same_scalar
from phasegrok.study.description import Study, require_study
from phasegrok.study.options import UMBRELLA, known_controls, penalty_name, stated_value
from phasegrok.study.part import Part
from phasegrok.study.recording import Recording
from phasegrok.study.sweep import Sweep
from phasegrok.study.umbrella import Umbrella

__all__ = ["ResolvedRun", "RunRequest", "as_stored", "requested_runs", "resolve"]

_MOST_AT_REST: Final = 8

Condition = TypeVar("Condition", Sweep, Umbrella)


@final
@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """One run, by its labels alone.

    Parameters
    ----------
    controls : mapping
        The controls of its point, as set.
    disorder, replica : int
        Which draw of teacher and data; which initial state and noise.
    start : str
        How the initial state is made.
    rung : int or None
        First rung, for a walker of an exchange ladder.
    at_rest : tuple of str
        Controls that stand at the value which the description states. They are no labels: a
        run is the same, bit for bit, whether its plan varies them or not, so that a study may
        begin to vary an option later.
    """

    controls: Mapping[str, Any]
    disorder: int
    replica: int
    start: str
    rung: int | None = None
    at_rest: tuple[str, ...] = ()

    def labels(self) -> dict[str, Label]:
        """Give what the seeds of this run are made from.

        Numbers count by value: a width of 88 and one of 88.0 are the same label.
        """
        labels: dict[str, Label] = {
            f"control {name}": float(value) if type(value) in (int, float) else value
            for name, value in self.controls.items()
            if name not in self.at_rest
        }
        labels.update(disorder=self.disorder, replica=self.replica, start=self.start)
        if self.rung is not None:
            labels["rung"] = self.rung
        return labels

    @property
    def run_id(self) -> str:
        """Hash of the labels, sixteen hexadecimal digits."""
        return digest(self.labels())

    @property
    def unit(self) -> str:
        """Hash of the labels without the rung: walkers of one ladder share it."""
        return replace(self, rung=None).run_id


@final
@dataclass(frozen=True, kw_only=True)
class ResolvedRun:
    """A run with the values of its controls put into the parts of its study."""

    request: RunRequest
    task: Part
    network: Part
    dynamics: Part
    energy: Energy
    recording: Recording
    given_ramps: tuple[Ramp, ...] = ()
    sweep: Sweep | None = None
    umbrella: Umbrella | None = None

    def ramps(self, time_per_step: float) -> tuple[Ramp, ...]:
        """Give the schedules of all controls that change within the run, in steps.

        Parameters
        ----------
        time_per_step : float
            Of one update of its dynamics.

        Returns
        -------
        tuple of Ramp
            That of the sweep is the last.
        """
        swept = () if self.sweep is None else (self.sweep.ramp(time_per_step),)
        return self.given_ramps + swept


def requested_runs(study: Study) -> list[RunRequest]:
    """Every run that the plan asks for.

    Parameters
    ----------
    study : Study
        Description.

    Returns
    -------
    list of RunRequest
        Points outermost; within a point disorders, then starts, then replicas. Each run once,
        and each with all controls of the plan: those that its point does not set stand at
        what the description states.

    Raises
    ------
    InvalidStudyError
        If a control of the plan belongs to no part of the study or is left out at a point and
        not stated either, two things set one control, or it is no study.
    """
    require_study(study)
    known = known_controls(study)
    _check_moving_controls(study)
    entries = [(plan, plan.own_points()) for plan in study.plan.entries()]
    varied = dict.fromkeys(name for _, points in entries for each in points for name in each)
    _check_controls(varied, known)
    stated = {name: stated_value(study, name) for name in varied}
    rungs = [None] if study.exchange is None else list(range(len(study.exchange.rungs)))
    requests: dict[str, RunRequest] = {}
    for plan, points in entries:
        for point in points:
            controls, at_rest = _completed(point, stated)
            for disorder, start, replica, rung in product(
                range(plan.disorders), plan.starts, range(plan.replicas), rungs
            ):
                request = RunRequest(
                    controls=controls,
                    disorder=disorder,
                    replica=replica,
                    start=start,
                    rung=rung,
                    at_rest=at_rest,
                )
                requests.setdefault(request.run_id, request)
    return list(requests.values())


def as_stored(requests: Iterable[RunRequest], stored: Container[str]) -> list[RunRequest]:
    """Give runs the identifiers under which they are stored.

    Before controls at rest ceased to be labels, a run that is stored bore those of its plan.
    It is the run that is asked for, and goes on counting as it.

    Parameters
    ----------
    requests : iterable of RunRequest
        What is asked for.
    stored : container of str
        Identifiers of runs that are there.

    Returns
    -------
    list of RunRequest
        The same runs; those that are there under older labels with these.
    """
    return [next(_older(request, stored), request) for request in requests]


def _older(request: RunRequest, stored: Container[str]) -> Iterator[RunRequest]:
    if request.run_id in stored:
        return
    resting = request.at_rest[:_MOST_AT_REST]
    for count in range(len(resting)):
        for kept in combinations(resting, count):
            older = replace(request, at_rest=kept)
            if older.run_id in stored:
                yield older


def resolve(study: Study, request: RunRequest) -> ResolvedRun:
    """Put the controls of a run into the parts of its study.

    Parameters
    ----------
    study : Study
        Description.
    request : RunRequest
        One of its runs.

    Returns
    -------
    ResolvedRun
        Parts with the values of this run.

    Raises
    ------
    InvalidStudyError
        For an unknown control, or a value that its part refuses.
    """
    known = known_controls(study)
    _check_controls(request.controls, known)
    changes: dict[str, dict[str, Any]] = {}
    for name, value in request.controls.items():
        role = known[name]
        changes.setdefault(role, {})[name.removeprefix(role + ".")] = value
    if study.exchange is not None and request.rung is not None:
        rung_value = study.exchange.rungs[request.rung]
        role, name = _exchanged(study.exchange.control)
        changes.setdefault(role, {})[name] = rung_value
    return ResolvedRun(
        request=request,
        task=study.task.with_options(changes.get("task", {})),
        network=study.network.with_options(changes.get("network", {})),
        dynamics=study.dynamics.with_options(changes.get("dynamics", {})),
        energy=_with_energy(study.energy, changes.get("energy", {})),
        recording=replace(study.recording, **changes.get("recording", {})),
        given_ramps=tuple(study.ramps),
        sweep=_with_changes(study.sweep, changes.get("sweep", {})),
        umbrella=_with_changes(study.umbrella, changes.get("umbrella", {})),
    )


def _with_changes(part: Condition | None, changes: Mapping[str, Any]) -> Condition | None:
    return part if part is None or not changes else replace(part, **changes)


def _exchanged(control: str) -> tuple[str, str]:
    """Part and option of the control of a ladder."""
    if control.startswith(UMBRELLA):
        return "umbrella", control.removeprefix(UMBRELLA)
    return "energy", control


def _with_energy(energy: Energy, changes: Mapping[str, Any]) -> Energy:
    plain = {field.name: getattr(energy, field.name) for field in fields(energy)}
    for name, value in changes.items():
        if name in plain:
            plain[name] = value
        elif name.startswith("weight_decay."):
            layer = name.removeprefix("weight_decay.")
            plain["weight_decay"] = {**_by_layer(plain["weight_decay"]), layer: value}
        else:
            plain["penalties"] = _with_strength(plain["penalties"], name, value)
    return Energy(**plain)


def _by_layer(weight_decay: Any) -> dict[str, Any]:
    if isinstance(weight_decay, Mapping):
        return dict(weight_decay)
    raise InvalidStudyError(
        "a control of one layer's weight_decay needs weight_decay to be a table by layer in "
        f"the energy, received {weight_decay!r}."
    )


def _with_strength(penalties: Sequence[Part], name: str, value: Any) -> tuple[Part, ...]:
    return tuple(
        each.with_options({"strength": value})
        if name == f"penalty_{penalty_name(penalties, index)}.strength"
        else each
        for index, each in enumerate(penalties)
    )


def _completed(point: Point, stated: Mapping[str, Any]) -> tuple[Point, tuple[str, ...]]:
    """Give a point every control of the plan, and name those at what is stated."""
    complete: Point = {}
    for name, at_rest in stated.items():
        if name not in point and at_rest is None:
            raise InvalidStudyError(
                f"the control {name!r} must be set at every point of the plan, since the "
                f"description states no single value for it, received the point {dict(point)}; "
                "set it there too."
            )
        complete[name] = point.get(name, at_rest)
    return complete, tuple(
        name for name, value in complete.items() if same_scalar(value, stated[name])
    )


def _check_controls(point: Iterable[str], known: Mapping[str, str]) -> None:
    for name in point:
        if name not in known:
            near = difflib.get_close_matches(name, [k.rpartition(".")[2] for k in known], n=1)
            raise InvalidStudyError(
                f"{name!r} is not a control of this study: a control is an option that one of "
                "its parts states." + did_you_mean(near[0] if near else name, known)
            )


def _check_moving_controls(study: Study) -> None:
    """Refuse two setters of one control: a ramp or a ladder would hide what the plan set."""
    moving = [(f"a ramp of {ramp.control!r}", ramp.control) for ramp in study.ramps]
    if study.exchange is not None:
        control = study.exchange.control
        moving.append((f"the exchange of {control!r}", control))
    if study.sweep is not None:
        moving.append((f"the sweep of {study.sweep.control!r}", study.sweep.control))
    for index, (mover, control) in enumerate(moving):
        for other, other_control in moving[:index]:
            if _hides(control, other_control) or _hides(other_control, control):
                raise InvalidStudyError(
                    f"each control must be moved by one thing within a run, received {other} "
                    f"and {mover}; remove one of them."
                )
        for name in study.plan.controls():
            if _hides(control, name):
                raise InvalidStudyError(
                    f"each control must be set by one thing, received {mover} and the control "
                    f"{name!r} of the plan, which it would overwrite; remove one of them."
                )


def _hides(control: str, other: str) -> bool:
    name = other.removeprefix("dynamics.").removeprefix("task.")
    return name == control or (control == "weight_decay" and name.startswith("weight_decay."))
