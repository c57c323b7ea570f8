"""What becomes of a batch that raises or kills its worker, told by an executor on a script."""

import math
from collections.abc import Callable, Container, Sequence
from pathlib import Path
from typing import final

import pytest

from phasegrok.collect.batches import Batch, Begun, Limits, group_units, make_batches
from phasegrok.collect.execution import Raised, Setup, Unwritable, run_batch
from phasegrok.collect.executor import Died, Ended, Hung, Message
from phasegrok.collect.ledger import Ledger
from phasegrok.collect.progress import Quiet, Standing
from phasegrok.collect.speed import Group, Speed
from phasegrok.errors import InvalidStudyError, StorageError
from phasegrok.runs import StudyFolder, open_runs
from phasegrok.study import Exchange, Plan, RunRequest, Study, requested_runs

StudyMaker = Callable[..., Study]


@final
class Scripted:
    """Carries out batches here, but for runs that raise or kill."""

    def __init__(self, study: Study, folder: Path) -> None:
        self.study, self.folder = study, folder
        self.raising: Container[str] = ()
        self.killing: Container[str] = ()
        self.deaths_to_come = 0
        self.dies_after_writing = False
        self.begins_before_it_dies = True
        self.full_after = 10**9
        self.sizes: list[int] = []
        self.patiences: list[float] = []
        self.hanging: Container[str] = ()
        self._message: Message | None = None

    def measure(self, samples: list[Group]) -> list[Speed]:
        return [Speed(call=0.0, run=1.0)] * len(samples)

    def has_room(self) -> bool:
        return self._message is None

    def start(
        self, number: int, requests: Sequence[RunRequest], *, patience: float = math.inf
    ) -> None:
        self.patiences.append(patience)
        self.sizes.append(len(requests))
        if any(run.run_id in self.killing for run in requests) or self.deaths_to_come > 0:
            self.deaths_to_come -= 1
            if self.dies_after_writing:
                run_batch(Setup(self.study, self.folder), requests)
            reason = "the worker process was ended by SIGKILL"
            self._message = Died(number, reason, began=self.begins_before_it_dies)
        elif any(run.run_id in self.hanging for run in requests):
            self._message = Hung(number, "no step ended within 9 s")
        elif any(run.run_id in self.raising for run in requests):
            self._message = Ended(number, Raised("ValueError: no"))
        elif len(self.sizes) > self.full_after:
            self._message = Ended(number, Unwritable("The disk is full"))
        else:
            result = run_batch(Setup(self.study, self.folder), requests)
            self._message = Ended(number, result)

    def receive(self) -> Message:
        message, self._message = self._message, None
        if message is None:
            raise RuntimeError("nothing was started")
        return message

    def close(self) -> None:
        pass


Scene = tuple[Ledger, Scripted, list[RunRequest]]


@pytest.fixture
def make_scene(make_study: StudyMaker, tmp_path: Path) -> Callable[..., Scene]:
    """A ledger with the runs of a study in one batch, and its executor."""

    def make(
        *,
        replicas: int = 8,
        target_seconds: float = 1e9,
        run_seconds: float = math.inf,
        **changes: object,
    ) -> Scene:
        study = make_study(plan=Plan(replicas=replicas), steps=4, **changes)
        requests = requested_runs(study)
        groups = group_units(study, requests)
        limits = Limits(workers=1, target_seconds=target_seconds)
        batches: list[Batch] = make_batches(
            study, groups, [Speed(call=0.0, run=1.0)] * len(groups), limits
        )
        store = StudyFolder.create(tmp_path / "runs", study)
        ledger = Ledger(study, store, batches, run_seconds=run_seconds)
        return ledger, Scripted(study, store.path), requests

    return make


@final
class Listener:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.standings: list[Standing] = []

    def update(self, standing: Standing) -> None:
        self.standings.append(standing)

    def note(self, sentence: str) -> None:
        pass

    def close(self) -> None:
        pass


def outcomes(folder: Path) -> dict[str, str]:
    runs = open_runs(folder)
    return dict(zip(runs["run_id"].values, runs["outcome"].values, strict=True))


def test_the_run_that_raises_is_found_by_halves(make_scene: Callable[..., Scene]) -> None:
    ledger, executor, requests = make_scene()
    bad = requests[5].run_id
    executor.raising = {bad}
    ledger.carry_out(executor, Quiet())
    assert executor.sizes == [8, 4, 4, 2, 1, 1, 2]
    found = outcomes(executor.folder)
    assert {run_id for run_id, outcome in found.items() if outcome == "failed"} == {bad}
    assert len(found) == 8
    assert ledger.run_count == 8


def test_what_is_told_counts_what_waits_what_runs_and_what_is_stored(
    make_scene: Callable[..., Scene],
) -> None:
    ledger, executor, _ = make_scene(replicas=8, target_seconds=8.0)
    listener = Listener()
    ledger.carry_out(executor, listener)
    sizes = executor.sizes
    assert len(sizes) > 1
    stored = [sum(sizes[:count]) for count in range(len(sizes) + 1)]
    assert [each.runs for each in listener.standings] == stored
    assert [each.gradients for each in listener.standings] == [4 * runs for runs in stored]
    assert [each.running for each in listener.standings] == [*sizes, 0]


def test_what_a_checkpoint_holds_is_told_before_its_batch_begins(
    make_scene: Callable[..., Scene],
) -> None:
    _, executor, requests = make_scene(replicas=8)
    run_ids = tuple(each.run_id for each in requests)
    groups = group_units(executor.study, requests)
    batches = make_batches(
        executor.study,
        groups,
        [Speed(call=0.0, run=1.0)] * len(groups),
        Limits(workers=1, target_seconds=1e9),
        begun=[Begun(run_ids=run_ids[:4], fraction=0.75)],
    )
    assert [batch.begun for batch in batches] == [0.75, 0.0]
    again = Ledger(executor.study, StudyFolder.open(executor.folder), batches)
    listener = Listener()
    again.carry_out(executor, listener)
    assert [each.gradients for each in listener.standings] == [12.0, 16.0, 32.0]


def test_workers_that_die_before_they_begin_are_no_fault_of_a_run(
    make_scene: Callable[..., Scene],
) -> None:
    ledger, executor, _ = make_scene(replicas=1)
    executor.deaths_to_come, executor.begins_before_it_dies = 10, False
    ledger.carry_out(executor, Quiet())
    assert executor.sizes == [1] * 11
    assert set(outcomes(executor.folder).values()) == {"finished"}


def test_the_run_that_hangs_is_found_by_halves(make_scene: Callable[..., Scene]) -> None:
    ledger, executor, requests = make_scene()
    bad = requests[2].run_id
    executor.hanging = {bad}
    ledger.carry_out(executor, Quiet())
    # What hangs once is not tried again as it was.
    assert executor.sizes == [8, 4, 2, 2, 1, 1, 4]
    runs = open_runs(executor.folder)
    failed = runs["outcome"].values == "failed"
    assert runs["run_id"].values[failed].tolist() == [bad]
    assert runs["outcome_reason"].values[failed].tolist() == ["no step ended within 9 s"]


def test_without_a_limit_patience_has_no_end(
    make_scene: Callable[..., Scene],
) -> None:
    ledger, executor, _ = make_scene()
    ledger.carry_out(executor, Quiet())
    # Without a limit nothing is taken to hang.
    assert executor.patiences == [math.inf]


def test_patience_with_a_limit(make_scene: Callable[..., Scene]) -> None:
    ledger, executor, _ = make_scene(run_seconds=5.0)
    ledger.carry_out(executor, Quiet())
    # A step of eight runs of a second each, twenty times over, and what a start may take.
    assert executor.patiences == [pytest.approx(5.0 + 20.0 * 8.0 + 20.0)]


def test_a_run_that_kills_is_tried_three_times_alone(
    make_scene: Callable[..., Scene],
) -> None:
    ledger, executor, requests = make_scene(replicas=2)
    executor.killing = {requests[0].run_id}
    ledger.carry_out(executor, Quiet())
    assert executor.sizes == [2, 2, 1, 1, 1, 1]
    assert sorted(outcomes(executor.folder).values()) == ["failed", "finished"]


def test_a_kill_from_outside_costs_only_time(make_scene: Callable[..., Scene]) -> None:
    ledger, executor, _ = make_scene()
    executor.deaths_to_come = 1
    ledger.carry_out(executor, Quiet())
    assert executor.sizes == [8, 8]
    assert set(outcomes(executor.folder).values()) == {"finished"}


def test_a_worker_killed_after_its_shard_was_named_loses_nothing(
    make_scene: Callable[..., Scene],
) -> None:
    ledger, executor, _ = make_scene()
    executor.deaths_to_come, executor.dies_after_writing = 1, True
    ledger.carry_out(executor, Quiet())
    assert executor.sizes == [8]
    assert set(outcomes(executor.folder).values()) == {"finished"}


def test_a_ladder_fails_whole(make_scene: Callable[..., Scene]) -> None:
    ladder = Exchange(control="temperature", rungs=[0.1, 0.2, 0.4])
    ledger, executor, requests = make_scene(replicas=2, exchange=ladder)
    executor.raising = {requests[1].run_id}
    ledger.carry_out(executor, Quiet())
    found = outcomes(executor.folder)
    failed = {run_id for run_id, outcome in found.items() if outcome == "failed"}
    assert failed == {run.run_id for run in requests[:3]}


def test_a_full_disk_stops_and_keeps_what_is_there(make_scene: Callable[..., Scene]) -> None:
    ledger, executor, _ = make_scene(target_seconds=8.0)
    executor.full_after = 2
    with pytest.raises(StorageError, match="The disk is full"):
        ledger.carry_out(executor, Quiet())
    assert set(outcomes(executor.folder).values()) == {"finished"}
    assert ledger.run_count == len(outcomes(executor.folder)) > 0


def test_nothing_is_stored_where_the_first_runs_all_raise(
    make_scene: Callable[..., Scene],
) -> None:
    ledger, executor, requests = make_scene(replicas=20)
    executor.raising = {run.run_id for run in requests}
    with pytest.raises(InvalidStudyError, match=r"first 8 runs failed.*ValueError: no"):
        ledger.carry_out(executor, Quiet())
    assert list(executor.folder.glob("shard-*")) == []


@pytest.mark.parametrize("replicas", [1, 3])
def test_nothing_is_stored_where_the_few_runs_of_a_study_all_raise(
    make_scene: Callable[..., Scene], replicas: int
) -> None:
    ledger, executor, requests = make_scene(replicas=replicas)
    executor.raising = {run.run_id for run in requests}
    with pytest.raises(InvalidStudyError, match=rf"all {replicas} runs failed.*ValueError: no"):
        ledger.carry_out(executor, Quiet())
    assert list(executor.folder.glob("shard-*")) == []


def test_failures_before_a_success_are_stored_after_it(
    make_scene: Callable[..., Scene],
) -> None:
    ledger, executor, requests = make_scene(replicas=20)
    executor.raising = {run.run_id for run in requests[:3]}
    ledger.carry_out(executor, Quiet())
    assert sorted(outcomes(executor.folder).values()) == ["failed"] * 3 + ["finished"] * 17
