"""From requests to built parts, and which runs may share a batch."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cached_property
from typing import final

import torch

from phasegrok.dynamics.adamw import AdamW
from phasegrok.dynamics.gradient_descent import GradientDescent
from phasegrok.dynamics.hmc import HamiltonianMonteCarlo
from phasegrok.dynamics.integrator import Integrator
from phasegrok.dynamics.langevin import Langevin
from phasegrok.dynamics.moving_targets import affine_data, float_fields
from phasegrok.dynamics.naming import check_names
from phasegrok.dynamics.penalties import build_penalties
from phasegrok.dynamics.ramps import check_control
from phasegrok.dynamics.starts import find_start
from phasegrok.dynamics.underdamped import Underdamped
from phasegrok.dynamics.validation import check_minibatch
from phasegrok.errors import InvalidStudyError, did_you_mean
from phasegrok.networks import Network, build_network, find_loss
from phasegrok.observables import Observable, build_observables
from phasegrok.study import (
    UMBRELLA,
    Event,
    Part,
    Ramp,
    Recording,
    ResolvedRun,
    RunRequest,
    Study,
    build_part,
    require_study,
    resolve,
)
from phasegrok.tasks import Task, build_task

__all__ = [
    "INTEGRATORS",
    "BuiltRun",
    "batch_key",
    "build_run",
    "check_study",
    "decay_by_layer",
    "float_options",
    "moved_number",
    "temperature_only_decays",
]

INTEGRATORS: dict[str, Callable[..., Integrator]] = {
    "adamw": AdamW,
    "gradient_descent": GradientDescent,
    "hmc": HamiltonianMonteCarlo,
    "langevin": Langevin,
    "underdamped": Underdamped,
}
"""Built-in kinds, by the name used in a study."""


@final
@dataclass(frozen=True, kw_only=True)
class BuiltRun:
    """The parts of one run as objects."""

    resolved: ResolvedRun
    task: Task
    network: Network
    integrator: Integrator

    @property
    def request(self) -> RunRequest:
        """Its labels."""
        return self.resolved.request

    @cached_property
    def ramps(self) -> tuple[Ramp, ...]:
        """Schedules of all controls that change within it."""
        return self.resolved.ramps(self.integrator.time_per_step)

    @cached_property
    def recording(self) -> Recording:
        """When it is recorded; along a sweep, where that begins and ends."""
        recording, sweep = self.resolved.recording, self.resolved.sweep
        if sweep is None:
            return recording
        knots = self.ramps[-1].knots
        first, last = knots[0][0], knots[-1][0]
        if last - first < (recording.count or 0) - 1:
            raise InvalidStudyError(
                f"the sweep of {sweep.control!r} at the rate {sweep.rate:g} has "
                f"{last - first} steps of {self.integrator.time_per_step:g}, which is less "
                f"than the {recording.count} records that are asked for; lower count, the rate "
                "or the step size."
            )
        return replace(recording, start=first, steps=last)

    @property
    def batch_key(self) -> Hashable:
        """Shapes, whole numbers and words: runs that share all of them may share a batch."""
        recording = self.resolved.recording
        return (
            _task_structure(self.task, self.resolved.task),
            self.network.batch_key(),
            _structure(self.integrator, self.resolved.dynamics),
            tuple(decay_by_layer(self)[1]),
            # One coordinate holds numbers or words.
            tuple(isinstance(each, str) for each in self.request.controls.values()),
            (recording.steps, recording.start, recording.every, recording.count),
        )


def build_run(study: Study, request: RunRequest) -> BuiltRun:
    """Build the parts of one run.

    Parameters
    ----------
    study : Study
        Description.
    request : RunRequest
        One of its runs.

    Returns
    -------
    BuiltRun
        Task, network and integrator with this run's controls.

    Raises
    ------
    InvalidStudyError
        Where a part refuses.
    """
    resolved = resolve(study, request)
    task = build_task(resolved.task)
    network = build_network(resolved.network, task)
    integrator = build_part(resolved.dynamics, INTEGRATORS, "dynamics")
    if not isinstance(integrator, Integrator):
        raise InvalidStudyError(
            f"the dynamics {resolved.dynamics.kind!r} must be a phasegrok.dynamics.Integrator, "
            f"received {type(integrator).__name__}. See docs/extending.md."
        )
    return BuiltRun(resolved=resolved, task=task, network=network, integrator=integrator)


def batch_key(study: Study, request: RunRequest) -> Hashable:
    """Tell which runs may share a batch.

    Parameters
    ----------
    study : Study
        Description.
    request : RunRequest
        One of its runs.

    Returns
    -------
    hashable
        Runs with equal keys may be handed to `simulate` together: their shapes, whole numbers
        and words agree. Numbers with a decimal point may differ.
    """
    return build_run(study, request).batch_key


def check_study(study: Study, requests: Sequence[RunRequest]) -> None:
    """Build every part of every run once, so that bad input is refused before it costs.

    Parameters
    ----------
    study : Study
        Description.
    requests : sequence of RunRequest
        Runs that will be made.

    Raises
    ------
    InvalidStudyError
        With the first thing that is wrong.
    """
    require_study(study)
    observables = build_observables(study.recording.observables)
    events = _watched(study.events)
    seen: set[str] = set()
    for request in requests:
        controls = repr((sorted(request.controls.items()), request.start, request.rung))
        if controls not in seen:
            seen.add(controls)
            run = build_run(study, request)
            check_names(
                study,
                observables,
                layers=[leaf.name for leaf in run.network.leaves],
                records=list(run.integrator.records()),
            )
            _check_run(study, run, (*observables, *events))


def decay_by_layer(run: BuiltRun) -> tuple[dict[str, float], dict[str, float]]:
    """Weight decay of each layer, and the prior variances it follows.

    Parameters
    ----------
    run : BuiltRun
        One run.

    Returns
    -------
    decay : dict
        λ of each layer.
    prior : dict
        Variance v of each layer whose λ = T/v follows the temperature; empty otherwise.

    Raises
    ------
    InvalidStudyError
        If a layer of the table is none of the network's, or one is missing.
    """
    energy, layers = run.resolved.energy, [leaf.name for leaf in run.network.leaves]
    if energy.weight_decay == "prior":
        prior = run.network.prior_variances()
        return {name: energy.temperature / prior[name] for name in layers}, prior
    if isinstance(energy.weight_decay, int | float):
        return {name: float(energy.weight_decay) for name in layers}, {}
    for name in energy.weight_decay:
        if name not in layers:
            raise InvalidStudyError(
                f"weight_decay names the layer {name!r}, which the network does not have."
                + did_you_mean(name, layers)
            )
    missing = [name for name in layers if name not in energy.weight_decay]
    if missing:
        raise InvalidStudyError(
            f"weight_decay by layer needs a number for every layer; {missing[0]!r} is missing."
        )
    return {name: float(energy.weight_decay[name]) for name in layers}, {}


def float_options(integrator: Integrator) -> dict[str, float]:
    """Options of an integrator that may differ from run to run: its float fields.

    Parameters
    ----------
    integrator : Integrator
        A frozen dataclass.

    Returns
    -------
    dict
        Name to value, where the field's annotation is ``float``.
    """
    return {name: float(getattr(integrator, name)) for name in float_fields(integrator)}


def _watched(events: Sequence[Event]) -> list[Observable]:
    """Observables of the events, one number a run each."""
    watched = [build_observables([event.observable])[0] for event in events]
    for event, observable in zip(events, watched, strict=True):
        if observable.dims:
            raise InvalidStudyError(
                f"the event {event.name!r} needs an observable with one number a run, received "
                f"{observable.name!r} with the dimensions {observable.dims}."
            )
    names = [event.name for event in events]
    if len(set(names)) < len(names):
        raise InvalidStudyError(f"every event needs a name of its own, received {names}.")
    return watched


def _check_run(study: Study, run: BuiltRun, observables: Sequence[Observable]) -> None:
    layers = [leaf.name for leaf in run.network.leaves]
    find_loss(run.task.loss, output_size=run.task.output_size)
    find_start(run.request.start)
    decay, _ = decay_by_layer(run)
    fixed = run.integrator.fixed_options
    settings = [name for name in float_options(run.integrator) if name not in fixed]
    numbers = [*settings, *float_fields(run.task)]
    for ramp in run.ramps:
        check_control(ramp.control, layers, numbers)
    run.recording.record_steps()
    _check_moved_number(study, run)
    if study.exchange is not None:
        biased = [f"{UMBRELLA}center"] if study.umbrella is not None else []
        check_control(study.exchange.control, layers, biased)
    for observable in observables:
        observable.check(run.network, run.task)
    build_penalties([run.resolved.energy.penalties], torch.device("cpu"))
    count = getattr(run.task, "example_count", None)
    if count is not None:
        check_minibatch(run.integrator.minibatch_size, count)
    _check_noise(study, run)
    _check_temperature(study, run, decay)
    _check_effect(study, run)


def _check_moved_number(study: Study, run: BuiltRun) -> None:
    moved = moved_number(run)
    for ramp in run.ramps:
        if ramp.control == moved:
            disorder = run.request.disorder
            affine_data(run.task, ramp, study_seed=study.seed, disorder=disorder)


def _check_noise(study: Study, run: BuiltRun) -> None:
    """Refuse noise of the network where energies decide: they are taken without it."""
    if run.network.noise_shape(1) is None:
        return
    kind = run.resolved.dynamics.kind
    if run.integrator.needs_exact_energy or study.exchange is not None:
        decider = f"the dynamics {kind!r}" if study.exchange is None else "an exchange ladder"
        raise InvalidStudyError(
            f"{decider} accepts by the energy and so needs a network without noise of its own, "
            f"received {run.resolved.network.kind!r}; use a network without noise, or "
            "dynamics that only follow the gradient, without a ladder."
        )


def _check_temperature(study: Study, run: BuiltRun, decay: dict[str, float]) -> None:
    temperature = run.resolved.energy.temperature
    if study.exchange is not None and temperature <= 0.0:
        raise InvalidStudyError(
            "an exchange ladder needs a positive temperature on every rung, received "
            f"{temperature}."
        )
    knots = [
        value
        for ramp in run.ramps
        if ramp.control == "temperature" or ramp.control.startswith("weight_decay")
        for _, value in ramp.knots
    ]
    if run.integrator.coordinates == "whitened" and (
        temperature <= 0.0 or min([*decay.values(), *knots]) <= 0.0
    ):
        raise InvalidStudyError(
            "coordinates whitened by the prior need a positive temperature and a positive "
            f"weight_decay in every layer, received {temperature}, {decay} and ramps "
            f"through {knots}; set them, or "
            "use coordinates = 'plain'."
        )


def moved_number(run: BuiltRun) -> str | None:
    """Name the number of the task that changes within a run.

    Parameters
    ----------
    run : BuiltRun
        One run.

    Returns
    -------
    str or None
        None where none does.

    Raises
    ------
    InvalidStudyError
        If several do.
    """
    known = {"temperature", "weight_decay", *float_options(run.integrator)}
    numbers = [name for name in float_fields(run.task) if name not in known]
    moved = [ramp.control for ramp in run.ramps if ramp.control in numbers]
    if len(moved) > 1:
        raise InvalidStudyError(
            f"one number of the task can change within a run, received {moved}; let the others "
            "be controls of the plan."
        )
    return moved[0] if moved else None


def temperature_only_decays(study: Study, run: BuiltRun) -> bool:
    """Whether a temperature that varies is noticed by nothing but the prior's weight decay."""
    return not run.integrator.uses_temperature and _varies_temperature(study, run)


def _check_effect(study: Study, run: BuiltRun) -> None:
    """Refuse a temperature that varies and moves nothing: all its values are one law."""
    if run.resolved.energy.weight_decay != "prior" and temperature_only_decays(study, run):
        raise InvalidStudyError(
            f"the dynamics {run.resolved.dynamics.kind!r} has no noise, so a temperature that "
            "varies acts only through weight_decay = 'prior', received "
            f"{run.resolved.energy.weight_decay!r}; use dynamics with noise, as 'langevin', "
            "set weight_decay = 'prior', or leave the temperature out of plan, ramps and "
            "exchange."
        )


def _varies_temperature(study: Study, run: BuiltRun) -> bool:
    """Whether a plan, a ramp or a ladder sets it; zero is what such dynamics has anyway."""
    ramped = any(
        value > 0.0
        for ramp in run.ramps
        if ramp.control == "temperature"
        for _, value in ramp.knots
    )
    laddered = study.exchange is not None and study.exchange.control == "temperature"
    planned = "temperature" in run.request.controls and run.resolved.energy.temperature > 0.0
    return ramped or laddered or planned


def _task_structure(task: Task, description: Part) -> Hashable:
    """Of a task that does not tell its example count, every option may change it."""
    count = getattr(task, "example_count", None)
    whole = repr(sorted(description.options.items())) if count is None else int(count)
    return (whole, _structure(task, description))


def _structure(built: object, description: Part) -> Hashable:
    """Whole numbers and words of a part; a plug-in that is no dataclass counts whole."""
    if not is_dataclass(built):
        return (description.kind, repr(sorted(description.options.items())))
    return (
        description.kind,
        tuple(
            (field.name, repr(getattr(built, field.name)))
            for field in fields(built)
            if field.type not in (float, "float")
        ),
    )
