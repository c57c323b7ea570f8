"""The one training loop: moves a batch of runs, looks at it, and returns a dataset."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple, final

import torch
import xarray as xr
from torch import Tensor

from phasegrok.dynamics.batch import Batch, build_batch
from phasegrok.dynamics.building import BuiltRun, build_run, temperature_only_decays
from phasegrok.dynamics.dataset import batch_dataset, states_dataset
from phasegrok.dynamics.events import EventWatch
from phasegrok.dynamics.exchange import Ladders
from phasegrok.dynamics.recorder import Recorder
from phasegrok.dynamics.schedule import Schedule
from phasegrok.dynamics.snapshot import Checkpoints, Snapshot
from phasegrok.dynamics.stability import largest_curvature
from phasegrok.dynamics.streams import generator
from phasegrok.errors import InvalidStudyError, reason_of
from phasegrok.observables import build_observables
from phasegrok.schema import Outcome
from phasegrok.seeding import seed
from phasegrok.study import RunRequest, Study, checks, require_study

__all__ = ["Progress", "Simulation", "simulate"]


class Progress(NamedTuple):
    """How far a batch is."""

    steps_done: int
    steps_total: int
    runs: int
    gradients: int = 0  # Taken here so far, over all runs.


@final
@dataclass(frozen=True, kw_only=True)
class Simulation:
    """What came of a batch.

    Parameters
    ----------
    dataset : xarray.Dataset
        In the schema, with dimensions run and record.
    states : xarray.Dataset or None
        Weights, where they were asked for.
    warnings : tuple of str
        What an operator should know.
    gradients : int
        Gradients that were taken here, over all runs; those before a checkpoint are not.
    raised : str
        What a lone run raised that was kept as failed; empty where nothing was.
    """

    dataset: xr.Dataset
    states: xr.Dataset | None
    warnings: tuple[str, ...]
    gradients: int
    raised: str = ""


def simulate(
    study: Study,
    requests: Sequence[RunRequest],
    *,
    device: str = "cpu",
    report: Callable[[Progress], None] | None = None,
    checkpoints: Checkpoints | None = None,
    run_seconds: float = math.inf,
    keep_failed: bool = False,
) -> Simulation:
    """Make runs, all in one batch.

    Parameters
    ----------
    study : Study
        Description.
    requests : sequence of RunRequest
        Runs with equal `batch_key`; the walkers of a ladder together.
    device : str
        A torch device.
    report : callable or None
        Called after every step, and before an exception leaves.
    checkpoints : Checkpoints or None
        Asked for the last snapshot of these runs, to go on from, and given others.
    run_seconds : float
        Time after which a run is truncated. The time of a run is its share of that of its
        batch: a step of n runs counts for each as a n-th of its duration.
    keep_failed : bool
        Whether a lone run, or a lone ladder, that raises after its first record is returned
        with the records it has, as failed, in place of the exception.

    Returns
    -------
    Simulation
        Every number of a run is bitwise the same in whatever batch the run was made, and
        however often it was interrupted.

    Raises
    ------
    InvalidStudyError
        If the runs cannot share a batch, or the study or a run is none.
    """
    requests = _checked_requests(require_study(study), requests)
    runs = [build_run(study, each) for each in requests]
    if len({run.batch_key for run in runs}) > 1:
        raise InvalidStudyError(
            "the runs of one batch must agree in shapes, whole numbers and words; group them "
            "by batch_key and simulate each group."
        )
    loop = _begun(study, runs, torch.device(device), checkpoints)
    loop.keeps_failed = keep_failed and len({each.unit for each in requests}) == 1
    try:
        loop.run(report, checkpoints, run_seconds)
    except Exception:
        if report is not None:
            report(loop.progress)
        raise
    return loop.result()


def _begun(
    study: Study,
    runs: Sequence[BuiltRun],
    device: torch.device,
    checkpoints: Checkpoints | None,
) -> "_Loop":
    """Where the runs begin, or go on from a snapshot."""
    loop = _Loop(study, runs, device)
    before = None if checkpoints is None else checkpoints.stored()
    if before is None:
        return loop
    try:
        loop.restore(before)
    # A snapshot that cannot be restored, by whatever wrote it, is no fault of the runs.
    except Exception:
        return _Loop(study, runs, device)
    return loop


def _checked_requests(study: Study, requests: Sequence[RunRequest]) -> Sequence[RunRequest]:
    checked = checks.require_kinds("the runs to simulate", requests, RunRequest)
    if not checked:
        raise InvalidStudyError(
            "simulate needs at least one run, received none; phasegrok.study.requested_runs "
            f"lists those of {study.name!r}."
        )
    return checked


@final
class _Loop:
    """A batch on its way from step 0 to the last.

    *Runs* are counted as they were handed in, from 0, and so are the entries of `runs`,
    `outcomes`, `reasons`, `gradients`, `limit`, of the recorder and of the watch; none of these
    ever shrinks. *Rows* are the entries of axis 0 in every tensor of `batch`. This holds
    whenever a method of the loop begins or returns:

    - `rows[row]` is the run that the row moves, or -1 where the row is padding: it moves along
      and nobody looks. A run is in at most one row, and in none once it has ended.
    - `places[row]` is the run whose data and settings the row has, padding or not.
    - There are at least two rows. A lone run has row 0, and row 1 is its copy, marked -1:
      products of one matrix take other code paths, and other bits, than those of two.
    - Rows of runs that ended leave the batch, but for ladders, whose rows are named by their
      place, and for a batch without any run left, which only has to keep its shapes: there they
      stay as padding.

    Only `__init__`, `_leave` and `restore` change `rows` and `places`, together with the batch:
    they make new lists of them and never change one in place.
    """

    def __init__(self, study: Study, runs: Sequence[BuiltRun], device: torch.device) -> None:
        self.study = study
        self.runs = list(runs)
        self.began = time.perf_counter()
        self.batch: Batch = build_batch(study, runs, device)
        self.schedule = Schedule([run.recording for run in runs])
        self.total = self.schedule.total
        self.rows = list(range(len(runs)))
        self.places = list(self.rows)
        self._counted_rows: list[int] = []
        self._counted_moving: list[int] = []
        self.next_step = 0
        self.own_seconds = 0.0
        self.counted_until = self.began
        self.restored_gradients = 0
        self.outcomes = [Outcome.FINISHED] * len(runs)
        self.reasons = [""] * len(runs)
        self.gradients = [0] * len(runs)
        self.watch = EventWatch(study.events, len(runs))
        self.recorder = Recorder(
            study=study,
            observables=build_observables(study.recording.observables),
            run_count=len(runs),
            record_count=self.schedule.record_count,
        )
        self.ladders = _ladders(study, runs)
        self.warnings: list[str] = []
        self.keeps_failed = False
        self.raised = ""
        if len(runs) == 1:
            self.rows, self.places = [0, -1], [0, 0]
            self.batch.select(self.places)
        self.batch.move_controls(0)
        self.limit = self._energy_limit()

    def run(
        self,
        report: Callable[[Progress], None] | None,
        checkpoints: Checkpoints | None,
        run_seconds: float,
    ) -> None:
        """From the next step to the last, or until no run is left."""
        self.counted_until = time.perf_counter()
        if self.next_step == 0:
            self._begin()
        for step in range(self.next_step, self.total + 1):
            with self._as_outcome():
                self._look(step)
            if report is not None:
                report(self.progress)
            if step == self.total or not self._advance():
                break
            self._stop_after(run_seconds)
            if checkpoints is not None and checkpoints.is_due():
                checkpoints.keep(self.snapshot())
        for run in self._moving:
            self.gradients[run] = self.batch.system.gradient_calls
        if not self.recorder.columns:
            # All ended before their first record: the variables are there all the same.
            loss = self.batch.system.loss(self.batch.state.position)
            self._record(loss, [-1] * len(self.rows))

    @property
    def progress(self) -> Progress:
        """How far it is."""
        moving = len(self._moving) * self.batch.system.gradient_calls
        taken = sum(self.gradients) + moving - self.restored_gradients
        return Progress(self.next_step, self.total, len(self.runs), taken)

    @property
    def _moving(self) -> list[int]:
        """Runs that have not ended."""
        # Asked for several times a step, and changed at few of them.
        if self._counted_rows is not self.rows:
            self._counted_rows = self.rows
            self._counted_moving = [run for run in self.rows if run >= 0]
        return self._counted_moving

    def _stop_after(self, run_seconds: float) -> None:
        """Count the time of a step, and end runs whose own time is up."""
        now, moving = time.perf_counter(), self._moving
        self.own_seconds += (now - self.counted_until) / max(len(moving), 1)
        self.counted_until = now
        # All that move have moved together since step 0: their times are one.
        if self.own_seconds > run_seconds:
            for run in moving:
                self._end(run, Outcome.TRUNCATED, f"time limit of {run_seconds:g} s")
            self._leave(set(moving))

    @contextmanager
    def _as_outcome(self) -> Iterator[None]:
        """Take an exception for how the runs ended, where they may and have a record."""
        try:
            yield
        except Exception as error:
            moving = self._moving
            if not (self.keeps_failed and self.recorder.counts[moving].all()):
                raise
            self.raised = reason_of(error)
            for run in moving:
                self._end(run, Outcome.FAILED, self.raised)
            self._leave(set(moving))

    def _begin(self) -> None:
        batch = self.batch
        self._warn_of_temperature()
        self._warn_of_large_steps()
        batch.integrator.begin(batch.state, batch.system, batch.drive.settings)

    def _advance(self) -> bool:
        """Make one step with the runs that are left, and tell whether any still are."""
        if not self._moving:
            return False
        with self._as_outcome():
            batch = self.batch
            batch.advance()
            self.next_step = batch.state.step
            self._exchange(self.next_step)
            # As they are at the end of the step.
            batch.move_controls(self.next_step)
        return bool(self._moving)

    def result(self) -> Simulation:
        """The dataset and what belongs to it."""
        dataset = batch_dataset(
            self.study,
            self.runs,
            recorder=self.recorder,
            watch=self.watch,
            ladders=self.ladders,
            endings=list(zip(self.outcomes, self.reasons, self.gradients, strict=True)),
            wall_seconds=time.perf_counter() - self.began,
            device=self.batch.state.position.device,
        )
        states = states_dataset(self.runs, self.recorder, self.batch.system.layout)
        return Simulation(
            dataset=dataset,
            states=states,
            warnings=tuple(self.warnings),
            gradients=sum(self.gradients) - self.restored_gradients,
            raised=self.raised,
        )

    def snapshot(self) -> Snapshot:
        """All that is needed to go on with the next step."""
        return {
            "next_step": self.next_step,
            "total": self.total,
            "seconds": time.perf_counter() - self.began,
            "own_seconds": self.own_seconds,
            "rows": list(self.rows),
            "places": list(self.places),
            "outcomes": [outcome.value for outcome in self.outcomes],
            "reasons": list(self.reasons),
            "gradients": list(self.gradients),
            "warnings": list(self.warnings),
            "batch": self.batch.snapshot(),
            "watch": self.watch.snapshot(),
            "recorder": self.recorder.snapshot(),
            "ladders": None if self.ladders is None else self.ladders.snapshot(),
        }

    def restore(self, snapshot: Snapshot) -> None:
        """Go on where a snapshot of the same runs was taken."""
        self.next_step = snapshot["next_step"]
        self.counted_until = time.perf_counter()
        self.began = self.counted_until - snapshot["seconds"]
        self.own_seconds = snapshot["own_seconds"]
        self.rows = list(snapshot["rows"])
        if self.places != snapshot["places"]:
            self.places = list(snapshot["places"])
            self.batch = build_batch(self.study, self.runs, self.batch.state.position.device)
            self.batch.select(self.places)
        self.batch.restore(snapshot["batch"])
        self.outcomes = [Outcome(value) for value in snapshot["outcomes"]]
        self.reasons = list(snapshot["reasons"])
        self.gradients = list(snapshot["gradients"])
        self.warnings = list(snapshot["warnings"])
        self.watch.restore(snapshot["watch"])
        self.recorder.restore(snapshot["recorder"])
        if self.ladders is not None:
            self.ladders.restore(snapshot["ladders"])
        self.restored_gradients = self.progress.gradients

    def _look(self, step: int) -> None:
        """Record, watch events and let runs leave that have ended."""
        batch = self.batch
        records = self.schedule.records_at(step, self.rows)
        if records is not None:
            loss = batch.system.loss(batch.state.position)
            diverged = self._diverged(loss, records)
            for run, reason in diverged.items():
                self._end(run, Outcome.DIVERGED, reason)
            # Those that diverged leave first: observables never see numbers without meaning.
            self._leave(set(diverged))
            records = self.schedule.records_at(step, self.rows)
            if records is not None:
                loss = batch.system.loss(batch.state.position) if diverged else loss
                self._record(loss, records)
        if self.study.events and self.watch.is_due(step) and self._moving:
            self._watch(step)
        finished = self.schedule.ended_at(step, self.rows)
        for run in finished:
            self._end(run, Outcome.FINISHED, "")
        self._leave(set(finished))

    def _watch(self, step: int) -> None:
        """Date events, and end the runs that they stop."""
        batch = self.batch
        ending = self._with_ladder(self.watch.look(step, batch.measurement(), self.rows))
        if not ending:
            return
        # Between records nothing else would tell a run that diverges from one that ends.
        looked = [0 if run in ending else -1 for run in self.rows]
        diverged = self._diverged(batch.system.loss(batch.state.position), looked)
        for run, name in ending.items():
            if run in diverged:
                self._end(run, Outcome.DIVERGED, diverged[run])
            else:
                self._end(run, Outcome.TRUNCATED, f"event {name}")
        self._leave(set(ending))

    def _record(self, loss: Tensor, records: Sequence[int]) -> None:
        rungs = None if self.ladders is None else self.ladders.rung
        unsound = self._with_ladder(
            self.recorder.take(self.batch, loss, self.rows, records, rungs=rungs)
        )
        for run, reason in unsound.items():
            self._end(run, Outcome.FAILED, f"{reason} at step {self.batch.state.step}")
        self._leave(set(unsound))

    def _diverged(self, loss: Tensor, looked: Sequence[int]) -> dict[int, str]:
        """Runs beyond their limit, among the rows that are looked at, which are not -1."""
        system = self.batch.system
        energy = system.full_energy(system.weights(self.batch.state.position), loss)
        diverged = {}
        for row, (run, value) in enumerate(zip(self.rows, energy.tolist(), strict=True)):
            # A comparison with NaN is false: only a finite energy within the limit is sound.
            if run >= 0 and looked[row] >= 0 and not value <= self.limit[run]:
                diverged[run] = (
                    f"energy {value:.3g} at step {self.batch.state.step} is beyond "
                    f"{self.limit[run]:.3g}; a smaller step_size may hold"
                )
        return self._with_ladder(diverged)

    def _with_ladder(self, diverged: dict[int, str]) -> dict[int, str]:
        """A ladder without one of its walkers cannot go on."""
        if self.ladders is None or not diverged:
            return diverged
        units = {self.runs[run].request.unit: reason for run, reason in diverged.items()}
        return {
            run: units[self.runs[run].request.unit]
            for run in self.rows
            if run >= 0 and self.runs[run].request.unit in units
        }

    def _energy_limit(self) -> list[float]:
        """Energy of each run beyond which it counts as diverged."""
        system, position = self.batch.system, self.batch.state.position
        energy = system.full_energy(system.weights(position), system.loss(position)).abs()
        thermal = 0.5 * system.layout.parameter_count * system.temperature
        reference = torch.maximum(energy, thermal) * self.study.divergence_factor
        return [float(each) for each in reference[: len(self.runs)]]

    def _end(self, run: int, outcome: Outcome, reason: str) -> None:
        self.outcomes[run], self.reasons[run] = outcome, reason
        self.gradients[run] = self.batch.system.gradient_calls

    def _leave(self, ended: set[int]) -> None:
        if not ended:
            return
        if self.ladders is not None:
            self.rows = [-1 if run in ended else run for run in self.rows]
            return
        keep = [row for row, run in enumerate(self.rows) if run >= 0 and run not in ended]
        if not keep:
            self.rows = [-1] * len(self.rows)
            return
        pair = keep if len(keep) > 1 else [keep[0], keep[0]]
        rows = [self.rows[row] for row in pair]
        if len(keep) == 1:
            rows[1] = -1
        self.rows = rows
        self.places = [self.places[row] for row in pair]
        self.batch.select(pair)

    def _exchange(self, step: int) -> None:
        if self.ladders is not None and step % self.ladders.exchange.every == 0:
            batch = self.batch
            self.ladders.attempt(
                batch.state, batch.system, batch.drive.settings, batch.integrator
            )

    def _warn_of_temperature(self) -> None:
        if any(temperature_only_decays(self.study, run) for run in self.runs):
            self.warnings.append(
                f"the dynamics {self.study.dynamics.kind!r} has no noise: the temperature acts "
                "only through weight_decay = 'prior'; 'langevin' would be thermal."
            )

    def _warn_of_large_steps(self) -> None:
        settings = self.batch.drive.settings
        if "step_size" not in settings:
            return
        curvature = largest_curvature(self.batch.system, self.batch.state.position)
        limit = self.batch.integrator.largest_stable(curvature.clamp(min=1e-30), settings)
        step_size = settings["step_size"][:, 0].double()
        beyond = [
            row for row, run in enumerate(self.rows) if run >= 0 and step_size[row] > limit[row]
        ]
        if beyond:
            worst = min(float(limit[row]) for row in beyond)
            self.warnings.append(
                f"{len(beyond)} of {len(self.runs)} runs begin with a step_size beyond the "
                f"stability limit, down to {worst:.3g} at their starts; they may diverge."
            )


def _ladders(study: Study, runs: Sequence[BuiltRun]) -> Ladders | None:
    if study.exchange is None:
        return None
    units = [run.request.unit for run in runs]
    rungs = [run.request.rung or 0 for run in runs]
    for unit in dict.fromkeys(units):
        if units.count(unit) != len(study.exchange.rungs):
            raise InvalidStudyError(
                "a ladder is made whole: all its walkers belong into one batch, received "
                f"{units.count(unit)} of {len(study.exchange.rungs)}."
            )
    sources = {
        unit: generator(seed(study.seed, "exchange", {"unit": unit}), torch.device("cpu"))
        for unit in dict.fromkeys(units)
    }
    return Ladders(study.exchange, units=units, rungs=rungs, generators=sources)
