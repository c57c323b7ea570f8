"""A batch made ready: data on the device, system, state, and random numbers of every run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from phasegrok.dynamics.building import (
    BuiltRun,
    decay_by_layer,
    float_options,
    moved_number,
)
from phasegrok.dynamics.integrator import Drive, Integrator, State
from phasegrok.dynamics.moving_targets import AffineData, AffineTargets, affine_data
from phasegrok.dynamics.penalties import build_penalties
from phasegrok.dynamics.ramps import MovingControls, apply_control, control_now
from phasegrok.dynamics.snapshot import Snapshot
from phasegrok.dynamics.starts import StartContext, find_start
from phasegrok.dynamics.streams import Stream, generator, normal_stream, uniform_stream
from phasegrok.dynamics.system import EnergyControls, System
from phasegrok.dynamics.umbrella import UmbrellaBias
from phasegrok.dynamics.validation import check_minibatch
from phasegrok.errors import InvalidStudyError
from phasegrok.networks import ExampleBatch, Layout, Network, evaluation_of, find_loss
from phasegrok.observables import Measurement
from phasegrok.seeding import seed
from phasegrok.study import Study
from phasegrok.tasks import Examples, Task, TaskData

__all__ = ["Batch", "build_batch"]


@final
class Batch:
    """All that a training loop moves; every part can keep some of its runs.

    Parameters
    ----------
    runs : sequence of BuiltRun
        In the order of the rows.
    network : Network
        Sizes of all of them.
    integrator : Integrator
        Whole numbers and words of all of them.
    system : System
        Energy.
    state : State
        Positions and buffers.
    drive : Drive
        Settings and random numbers.
    data : MeasuredData
        Examples and truth for observables.
    motion : Motion
        What changes within the runs.
    """

    def __init__(  # noqa: PLR0913 - the parts of a batch
        self,
        *,
        runs: Sequence[BuiltRun],
        network: Network,
        integrator: Integrator,
        system: System,
        state: State,
        drive: Drive,
        data: "MeasuredData",
        motion: "Motion",
    ) -> None:
        self.runs = list(runs)
        self.network = network
        self.integrator = integrator
        self.system = system
        self.state = state
        self.drive = drive
        self.data = data
        self._motion = motion
        self._numbers: dict[str, Tensor] = {}
        self._tasks = [run.task for run in self.runs]
        self._minibatches: Stream | None = None
        self._noise: Stream | None = None

    def draw_with(self, minibatches: Stream | None, noise: Stream | None) -> None:
        """Set the streams of minibatch indices and of the network's noise."""
        self._minibatches = minibatches
        self._noise = noise

    def advance(self) -> None:
        """Make one step of every run."""
        self.drive.noise = None if self._noise is None else self._noise.next()
        if self._minibatches is not None:
            self.drive.minibatch = _take(self.system.examples, self._minibatches.next())
        self.integrator.step(self.state, self.system, self.drive)
        self.state.step += 1

    def move_controls(self, step: int) -> None:
        """Set every control that changes within a run to its value at a step."""
        targets = self._motion.targets
        for control, values in self._motion.controls.at(step):
            now = values.to(self.state.position.device)
            if targets is not None and control == targets.control:
                self._numbers[control] = now
                self.system.set_targets(targets.train.at(now))
            else:
                apply_control(control, now, self.system, self.drive.settings)

    def control_now(self, control: str) -> Tensor:
        """Present value of a control that changes within a run, (run,) float64."""
        if control in self._numbers:
            return self._numbers[control]
        return control_now(control, self.system, self.drive.settings)

    def measurement(self) -> Measurement:
        """The live state as observables see it."""
        return Measurement(
            network=self.network,
            rows=self.system.weights(self.state.position).clone(),
            evaluation=self.system.evaluation,
            train=self.system.examples,
            test=self._test_now(),
            tasks=self._tasks,
            truth=self.data.truth,
            numbers=self._numbers,
        )

    def _test_now(self) -> ExampleBatch | None:
        test, targets = self.data.test, self._motion.targets
        if test is None or targets is None or targets.test is None:
            return test
        return replace(test, targets=targets.test.at(self._numbers[targets.control]))

    def select(self, rows: Sequence[int]) -> None:
        """Keep some runs, in this order; one named twice goes on as two equal runs."""
        self.runs = [self.runs[row] for row in rows]
        self._tasks = [run.task for run in self.runs]
        self.system.select(rows)
        self.state.select(rows)
        self.drive.settings = {
            name: value[list(rows)] for name, value in self.drive.settings.items()
        }
        for stream in self._streams().values():
            stream.select(rows)
        self.data = self.data.select(rows)
        self._motion.select(rows)
        self._numbers = {name: each[list(rows)] for name, each in self._numbers.items()}

    def snapshot(self) -> Snapshot:
        """Give all that changes from step to step."""
        return {
            "state": self.state.snapshot(),
            "system": self.system.snapshot(),
            "settings": {name: value.clone() for name, value in self.drive.settings.items()},
            "streams": {name: each.snapshot() for name, each in self._streams().items()},
        }

    def restore(self, snapshot: Snapshot) -> None:
        """Go on where a snapshot of the same rows was taken."""
        device = self.state.position.device
        self.state.restore(snapshot["state"])
        self.system.restore(snapshot["system"])
        self.drive.settings = {
            name: value.to(device) for name, value in snapshot["settings"].items()
        }
        for name, stream in self._streams().items():
            stream.restore(snapshot["streams"][name])
        # Targets are not in it: they follow from the step.
        if self._motion.targets is not None:
            self.move_controls(self.state.step)

    def _streams(self) -> dict[str, Stream]:
        streams = {
            "normal": self.drive.normal,
            "uniform": self.drive.uniform,
            "minibatches": self._minibatches,
            "noise": self._noise,
        }
        return {name: stream for name, stream in streams.items() if stream is not None}


@final
@dataclass(frozen=True, kw_only=True)
class MeasuredData:
    """Test examples and truth, shared or per run."""

    test: ExampleBatch | None
    truth: Mapping[str, Tensor]

    def select(self, rows: Sequence[int]) -> "MeasuredData":
        """Keep some runs."""
        index = list(rows)
        test = self.test
        if test is not None and test.inputs.shape[0] > 1:
            test = ExampleBatch(
                inputs=test.inputs[index], targets=test.targets[index], total=test.total
            )
        truth = {
            name: value if value.shape[0] == 1 else value[index]
            for name, value in self.truth.items()
        }
        return MeasuredData(test=test, truth=truth)


@final
@dataclass(frozen=True, kw_only=True)
class MovingTargets:
    """Targets that follow one number of the task, for training and for tests."""

    control: str
    train: AffineTargets
    test: AffineTargets | None


@final
@dataclass(frozen=True, kw_only=True)
class Motion:
    """Controls that change within the runs, and the targets that follow one of them."""

    controls: MovingControls
    targets: MovingTargets | None

    def select(self, rows: Sequence[int]) -> None:
        """Keep some runs."""
        self.controls.select(rows)
        if self.targets is not None:
            self.targets.train.select(rows)
            if self.targets.test is not None:
                self.targets.test.select(rows)


def build_batch(study: Study, runs: Sequence[BuiltRun], device: torch.device) -> Batch:
    """Make a batch ready for its first step.

    Parameters
    ----------
    study : Study
        Description.
    runs : sequence of BuiltRun
        With equal batch keys.
    device : torch.device
        Where it will be computed.

    Returns
    -------
    Batch
        At step 0.
    """
    dtype = torch.float32 if study.dtype == "float32" else torch.float64
    first = runs[0]
    draws = _draw_data(study, runs)
    sets = [draws[_data_label(run)] for run in runs]
    moving = MovingControls([run.ramps for run in runs])
    moved = moved_number(first)
    shared = all(each is sets[0] for each in sets) and (moved is None or moving.are_shared)
    train, test = _sides(sets, dtype, device, shared=shared)
    layout = first.network.layout()
    loss = find_loss(first.task.loss, output_size=first.task.output_size)
    system = System(
        evaluation=evaluation_of(first.network, loss, dtype=dtype),
        layout=layout,
        examples=train,
        controls=_controls(runs, device),
        penalties=build_penalties([run.resolved.energy.penalties for run in runs], device),
        whitened=first.integrator.coordinates == "whitened",
        dtype=dtype,
    )
    weights = _initial_weights(study, runs, sets, layout=layout, dtype=dtype).to(device)
    state = State(
        position=system.position(weights),
        time=torch.zeros(len(runs), dtype=torch.float64, device=device),
    )
    batch = Batch(
        runs=runs,
        network=first.network,
        integrator=first.integrator,
        system=system,
        state=state,
        drive=_drive(study, runs, layout=layout, dtype=dtype, device=device),
        data=MeasuredData(test=test, truth=_truth(sets, dtype, device)),
        motion=Motion(
            controls=moving,
            targets=_moving_targets(study, runs, moved, like=train, shared=shared),
        ),
    )
    batch.draw_with(*_data_streams(study, runs, count=train.count, device=device))
    return batch


def _data_label(run: BuiltRun) -> tuple[int, str]:
    return run.request.disorder, repr(sorted(run.resolved.task.options.items()))


def _draw_data(study: Study, runs: Sequence[BuiltRun]) -> dict[tuple[int, str], TaskData]:
    draws: dict[tuple[int, str], TaskData] = {}
    for run in runs:
        label = _data_label(run)
        if label not in draws:
            data = run.task.draw(study_seed=study.seed, disorder=run.request.disorder)
            for examples in (data.train, data.test):
                if examples is not None:
                    _check_examples(run.task, examples)
            draws[label] = data
    return draws


def _check_examples(task: Task, examples: Examples) -> None:
    """Refuse data that are not what the task declares: they would be cut or filled silently."""
    inputs, targets = np.asarray(examples.inputs), np.asarray(examples.targets)
    classes = targets.dtype.kind in "iu"
    answer = () if task.output_size == 1 or classes else (task.output_size,)
    expected = ((examples.count, *task.input_shape), (examples.count, *answer))
    if (inputs.shape, targets.shape) != expected:
        raise InvalidStudyError(
            f"the task {type(task).__name__} declares inputs and targets of the shapes "
            f"{expected[0]} and {expected[1]}, and drew {inputs.shape} and {targets.shape}."
        )
    if not (np.isfinite(inputs).all() and np.isfinite(targets).all()):
        raise InvalidStudyError(
            f"the task {type(task).__name__} drew inputs or targets that are not finite."
        )


def _sides(
    sets: Sequence[TaskData], dtype: torch.dtype, device: torch.device, *, shared: bool
) -> tuple[ExampleBatch, ExampleBatch | None]:
    """Training and test examples."""
    used = sets[:1] if shared else sets
    tests = [each.test for each in used if each.test is not None]
    return (
        _examples([each.train for each in used], dtype, device),
        _examples(tests, dtype, device) if len(tests) == len(used) else None,
    )


def _moving_targets(
    study: Study,
    runs: Sequence[BuiltRun],
    control: str | None,
    *,
    like: ExampleBatch,
    shared: bool,
) -> MovingTargets | None:
    if control is None:
        return None
    draws: dict[tuple[int, str], AffineData] = {}
    for run in runs:
        if _data_label(run) not in draws:
            ramp = next(each for each in run.ramps if each.control == control)
            draws[_data_label(run)] = affine_data(
                run.task, ramp, study_seed=study.seed, disorder=run.request.disorder
            )
    own = [draws[_data_label(run)] for run in (runs[:1] if shared else runs)]
    dtype, device = like.inputs.dtype, like.inputs.device
    low = _sides([each.first for each in own], dtype, device, shared=shared)
    high = _sides([each.second for each in own], dtype, device, shared=shared)
    numbers = [(each.low, each.high) for each in own]
    ends = torch.tensor(numbers, dtype=torch.float64, device=device)
    test = None
    if low[1] is not None and high[1] is not None:
        test = AffineTargets(low[1], high[1], ends)
    return MovingTargets(control=control, train=AffineTargets(low[0], high[0], ends), test=test)


def _examples(
    used: Sequence[Examples], dtype: torch.dtype, device: torch.device
) -> ExampleBatch:
    counts = {each.count for each in used}
    if len(counts) > 1:
        raise InvalidStudyError(
            f"runs of one batch need equal numbers of examples, received {sorted(counts)}."
        )
    return ExampleBatch(
        inputs=_stack([each.inputs for each in used], dtype, device),
        targets=_stack([each.targets for each in used], dtype, device),
        total=used[0].count,
    )


def _stack(arrays: Sequence[Any], dtype: torch.dtype, device: torch.device) -> Tensor:
    stacked = torch.as_tensor(np.stack(arrays))
    return stacked.to(device, dtype if stacked.is_floating_point() else torch.int64)


def _truth(
    sets: Sequence[TaskData], dtype: torch.dtype, device: torch.device
) -> dict[str, Tensor]:
    shared = all(each is sets[0] for each in sets)
    used = sets[:1] if shared else sets
    return {
        name: _stack([each.truth[name] for each in used], dtype, device)
        for name in sets[0].truth
    }


def _controls(runs: Sequence[BuiltRun], device: torch.device) -> EnergyControls:
    parts = [decay_by_layer(run) for run in runs]

    def column(values: Sequence[float]) -> Tensor:
        return torch.tensor(values, dtype=torch.float64, device=device)

    return EnergyControls(
        temperature=column([run.resolved.energy.temperature for run in runs]),
        decay={name: column([decay[name] for decay, _ in parts]) for name in parts[0][0]},
        prior={name: column([prior[name] for _, prior in parts]) for name in parts[0][1]},
        bias=_bias(runs, column),
    )


def _bias(
    runs: Sequence[BuiltRun], column: Callable[[Sequence[float]], Tensor]
) -> UmbrellaBias | None:
    umbrellas = [run.resolved.umbrella for run in runs if run.resolved.umbrella is not None]
    if not umbrellas:
        return None
    return UmbrellaBias(
        column([each.center for each in umbrellas]),
        column([each.strength for each in umbrellas]),
    )


def _initial_weights(
    study: Study,
    runs: Sequence[BuiltRun],
    sets: Sequence[TaskData],
    *,
    layout: Layout,
    dtype: torch.dtype,
) -> Tensor:
    rows = []
    for run, data in zip(runs, sets, strict=True):
        source = generator(_seed(study, run, "initial"), torch.device("cpu"))
        context = StartContext(network=run.network, data=data, generator=source, dtype=dtype)
        weights = find_start(run.request.start)(context)
        rows.append(layout.join({name: value[None] for name, value in weights.items()}))
    return torch.cat(rows)


def _drive(
    study: Study,
    runs: Sequence[BuiltRun],
    *,
    layout: Layout,
    dtype: torch.dtype,
    device: torch.device,
) -> Drive:
    options = [float_options(run.integrator) for run in runs]
    settings = {
        name: torch.tensor([[each[name]] for each in options], dtype=dtype, device=device)
        for name in options[0]
    }
    normal = normal_stream(
        [generator(_seed(study, run, "noise"), device) for run in runs],
        shape=(layout.row_size,),
        dtype=dtype,
        finish=layout.clear_padding,
    )
    uniform = uniform_stream(
        [generator(_seed(study, run, "acceptance"), device) for run in runs],
        shape=(2,),
        dtype=torch.float64,
    )
    return Drive(settings=settings, normal=normal, uniform=uniform)


def _data_streams(
    study: Study, runs: Sequence[BuiltRun], *, count: int, device: torch.device
) -> tuple[Stream | None, Stream | None]:
    """Streams of minibatch indices and of the network's own noise."""
    size = runs[0].integrator.minibatch_size
    minibatches = noise = None
    check_minibatch(size, count)
    if size:
        # With replacement: every step is independent, and the mean gradient is unbiased.
        minibatches = Stream(
            [generator(_seed(study, run, "minibatch"), device) for run in runs],
            shape=(size,),
            dtype=torch.int64,
            fill=lambda row, source: row.random_(0, count, generator=source),
        )
    shape = runs[0].network.noise_shape(size or count)
    if shape is not None:
        noise = uniform_stream(
            [generator(_seed(study, run, "network noise"), device) for run in runs],
            shape=shape,
            dtype=torch.float32 if study.dtype == "float32" else torch.float64,
        )
    return minibatches, noise


def _take(examples: ExampleBatch, index: Tensor) -> ExampleBatch:
    runs = torch.arange(index.shape[0], device=index.device)[:, None]
    rows = runs if examples.inputs.shape[0] > 1 else torch.zeros_like(runs)
    return ExampleBatch(
        inputs=examples.inputs[rows, index],
        targets=examples.targets[rows, index],
        total=examples.total,
        weight=examples.total / index.shape[1],
    )


def _seed(study: Study, run: BuiltRun, role: str) -> int:
    return seed(study.seed, role, run.request.labels())
