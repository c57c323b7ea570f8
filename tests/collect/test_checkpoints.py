"""Interrupted batches go on from their checkpoints, of which nothing is left in the end."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from phasegrok.collect import collect
from phasegrok.collect.batches import Begun, Limits, group_units, make_batches
from phasegrok.collect.checkpoints import (
    CheckpointFile,
    claim_checkpoints,
    machine_type,
)
from phasegrok.collect.execution import Setup, Stored, run_batch
from phasegrok.collect.speed import DEFAULT_SPEED
from phasegrok.dynamics import Snapshot
from phasegrok.errors import InvalidValueError
from phasegrok.runs import StudyFolder, study_status
from phasegrok.runs.unfinished import FOLDER, MAGIC, read_headers
from phasegrok.study import Plan, RunRequest, Study, requested_runs

StudyMaker = Callable[..., Study]
NumbersOf = Callable[[Path], dict[str, dict[str, bytes | str]]]


class Killed(BaseException):
    """As a kill: nothing of the library catches it."""


def die_after(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Let the process end when so many checkpoints have been written."""
    written = 0
    whole = CheckpointFile.keep

    def keep(self: CheckpointFile, snapshot: Snapshot) -> None:
        nonlocal written
        whole(self, snapshot)
        written += 1
        if written == count:
            raise Killed

    monkeypatch.setattr(CheckpointFile, "keep", keep)


def begun(
    study: Study,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    after: int = 15,
    requests: list[RunRequest] | None = None,
) -> list[RunRequest]:
    """A folder in which the first batch was killed after some steps."""
    StudyFolder.create(folder, study)
    requests = requests or list(requested_runs(study))
    with monkeypatch.context() as patch:
        die_after(patch, after)
        with pytest.raises(Killed):
            run_batch(Setup(study, folder, checkpoint_seconds=1e-9), requests)
    return requests


def calm(study: Study, folder: Path, numbers_of: NumbersOf) -> Any:
    collect(study, folder, workers=0, progress=False)
    return numbers_of(folder)


def test_a_batch_goes_on_and_its_gradients_are_counted_once(
    tmp_path: Path,
    make_study: StudyMaker,
    numbers_of: NumbersOf,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = make_study()
    requests = begun(study, tmp_path / "killed", monkeypatch, after=15)
    (header,) = read_headers(tmp_path / "killed")
    status = study_status(tmp_path / "killed")
    assert (status.stored, status.begun, status.left) == (0, len(requests), len(requests))
    assert header.run_ids == tuple(request.run_id for request in requests)
    assert header.fraction == 15 / 40
    report = collect(study, tmp_path / "killed", workers=0, progress=False)
    # 25 of 40 steps were left.
    assert report.gradients == 25 * len(requests)
    assert numbers_of(tmp_path / "killed") == calm(study, tmp_path / "calm", numbers_of)
    assert not (tmp_path / "killed" / FOLDER).exists()


@pytest.mark.parametrize(
    "harm", ["truncated", "one byte", "foreign", "empty", "version", "header alone"]
)
def test_a_damaged_checkpoint_is_no_checkpoint(
    tmp_path: Path,
    make_study: StudyMaker,
    numbers_of: NumbersOf,
    monkeypatch: pytest.MonkeyPatch,
    harm: str,
) -> None:
    study = make_study()
    requests = begun(study, tmp_path / "killed", monkeypatch)
    (path,) = (tmp_path / "killed" / FOLDER).iterdir()
    whole = path.read_bytes()
    path.write_bytes(
        {
            "truncated": whole[: len(whole) // 2],
            "one byte": whole[:-7] + bytes([whole[-7] ^ 1]) + whole[-6:],
            "foreign": os.urandom(1000),
            "empty": b"",
            "header alone": MAGIC + whole[len(MAGIC) :].partition(b"\n")[0],
            "version": MAGIC.replace(b"1", b"0") + whole[len(MAGIC) :],
        }[harm]
    )
    report = collect(study, tmp_path / "killed", workers=0, progress=False)
    assert report.gradients == 40 * len(requests)
    assert numbers_of(tmp_path / "killed") == calm(study, tmp_path / "calm", numbers_of)
    assert not (tmp_path / "killed" / FOLDER).exists()


def test_a_snapshot_that_cannot_be_restored_is_no_fault_of_its_runs(
    tmp_path: Path,
    make_study: StudyMaker,
    numbers_of: NumbersOf,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = make_study()
    whole = CheckpointFile.keep
    with monkeypatch.context() as patch:

        def keep(self: CheckpointFile, snapshot: Snapshot) -> None:
            whole(self, {key: each for key, each in snapshot.items() if key != "watch"})

        patch.setattr(CheckpointFile, "keep", keep)
        requests = begun(study, tmp_path / "killed", monkeypatch)
    report = collect(study, tmp_path / "killed", workers=0, progress=False)
    assert report.outcomes == {"finished": len(requests)}
    assert report.gradients == 40 * len(requests)
    assert numbers_of(tmp_path / "killed") == calm(study, tmp_path / "calm", numbers_of)


def test_an_older_description_leaves_the_checkpoints_of_what_it_does_not_ask_for(
    tmp_path: Path,
    make_study: StudyMaker,
    numbers_of: NumbersOf,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = make_study()
    smaller = replace(study, plan=replace(study.plan, replicas=1))
    few = {request.run_id for request in requested_runs(smaller)}
    rest = [request for request in requested_runs(study) if request.run_id not in few]
    begun(study, tmp_path / "killed", monkeypatch, after=15, requests=rest)
    report = collect(smaller, tmp_path / "killed", workers=0, progress=False)
    assert (report.outcomes, report.beyond) == ({"finished": len(few)}, len(rest))
    assert [set(header.run_ids) for header in read_headers(tmp_path / "killed")] == [
        {request.run_id for request in rest}
    ]
    report = collect(study, tmp_path / "killed", workers=0, progress=False)
    assert report.gradients == 25 * len(rest)
    assert numbers_of(tmp_path / "killed") == calm(study, tmp_path / "calm", numbers_of)
    assert not (tmp_path / "killed" / FOLDER).exists()


def test_a_checkpoint_that_cannot_be_written_is_told(
    tmp_path: Path, make_study: StudyMaker
) -> None:
    study = make_study()
    StudyFolder.create(tmp_path, study)
    (tmp_path / FOLDER).write_text("a file where a folder is needed", encoding="utf-8")
    told: list[str] = []
    setup = Setup(study, tmp_path, checkpoint_seconds=1e-9)
    result = run_batch(setup, requested_runs(study), note=told.append)
    assert isinstance(result, Stored)
    assert len(told) > 1
    assert "no checkpoint was written: " in told[0]


def test_a_checkpoint_of_another_type_of_machine_waits_for_it(
    tmp_path: Path, make_study: StudyMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = make_study()
    requests = begun(study, tmp_path, monkeypatch)
    left = {request.run_id for request in requests}
    here = machine_type(study, "cpu")
    assert claim_checkpoints(tmp_path, left=left, machine="elsewhere") == []
    (header,) = claim_checkpoints(tmp_path, left=left, machine=here)
    elsewhere = CheckpointFile(tmp_path, study, requests, device="cpu", seconds=1.0)
    assert elsewhere.stored() is not None
    monkeypatch.setattr(elsewhere, "_machine", "elsewhere")
    assert elsewhere.stored() is None
    # Once its runs are stored nobody waits any more.
    assert claim_checkpoints(tmp_path, left=set(), machine="elsewhere") == []
    assert not header.path.exists()


def test_of_checkpoints_that_share_runs_the_furthest_is_taken(
    tmp_path: Path, make_study: StudyMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = make_study()
    requests = begun(study, tmp_path, monkeypatch, after=3)
    begun(study, tmp_path, monkeypatch, after=9, requests=requests[:2])
    begun(study, tmp_path, monkeypatch, after=12, requests=requests[4:6])
    ids = [request.run_id for request in requests]
    # The run at 7 is stored, all others are left.
    left = {*ids} - {ids[7]}
    chosen = claim_checkpoints(tmp_path, left=left, machine=machine_type(study, "cpu"))
    rest = [run_id for run_id in ids if run_id in left and run_id not in (*ids[:2], *ids[4:6])]
    assert [each.run_ids for each in chosen] == [tuple(ids[4:6]), tuple(ids[:2]), tuple(rest)]
    assert len(read_headers(tmp_path)) == 3


def test_a_batch_that_was_split_goes_on_from_the_snapshot_of_the_whole(
    tmp_path: Path,
    make_study: StudyMaker,
    numbers_of: NumbersOf,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = make_study()
    folder = tmp_path / "split"
    requests = begun(study, folder, monkeypatch, after=15)
    gradients = 0
    for part in (requests[:1], requests[1:4], requests[4:]):
        result = run_batch(Setup(study, folder, checkpoint_seconds=1e9), part)
        assert isinstance(result, Stored)
        gradients += result.gradients
    assert gradients == 25 * len(requests)
    assert numbers_of(folder) == calm(study, tmp_path / "calm", numbers_of)


def test_batches_that_were_begun_come_first_and_are_as_they_were(
    make_study: StudyMaker,
) -> None:
    study = make_study()
    requests = requested_runs(study)
    groups = group_units(study, requests)
    ids = [request.run_id for request in requests]
    again = Begun(run_ids=(ids[5], ids[2]), fraction=0.75)
    foreign = Begun(run_ids=(ids[3], "unknown"), fraction=0.5)
    limits = Limits(workers=2, target_seconds=20.0)
    speeds = [DEFAULT_SPEED] * len(groups)
    batches = make_batches(study, groups, speeds, limits, begun=[foreign, again])
    assert tuple(run.run_id for run in batches[0].requests) == again.run_ids
    every = [run.run_id for batch in batches for run in batch.requests]
    assert sorted(every) == sorted(ids)
    (whole, *_) = make_batches(
        study, groups, speeds, limits, begun=[replace(again, fraction=0.0)]
    )
    assert batches[0].seconds == pytest.approx(0.25 * whole.seconds)
    assert batches[0].gradients == whole.gradients


def test_without_room_for_a_checkpoint_the_batch_goes_on(
    tmp_path: Path,
    make_study: StudyMaker,
    numbers_of: NumbersOf,
) -> None:
    study = make_study()
    folder = tmp_path / "full"
    StudyFolder.create(folder, study)
    # A file stands where the folder of checkpoints would be.
    (folder / FOLDER).write_text("")
    requests = list(requested_runs(study))
    result = run_batch(Setup(study, folder, checkpoint_seconds=1e-9), requests)
    assert isinstance(result, Stored)
    assert numbers_of(folder) == calm(study, tmp_path / "calm", numbers_of)


@pytest.mark.usefixtures("troublesome")
def test_a_batch_that_raises_is_split_and_leaves_no_checkpoint(
    tmp_path: Path, make_study: StudyMaker, outcomes_of: Callable[[Path], dict[str, int]]
) -> None:
    study = make_study(
        trouble={"cubic": -0.7},
        plan=Plan(grid={"cubic": [-0.3, -0.7]}, disorders=1, replicas=3),
    )
    report = collect(
        study, tmp_path / "study", workers=0, progress=False, checkpoint_seconds=1e-9
    )
    assert report.outcomes == {"finished": 3, "failed": 3}
    assert outcomes_of(tmp_path / "study") == report.outcomes
    assert not (tmp_path / "study" / FOLDER).exists()


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), True, "60", None])
def test_an_interval_is_a_positive_number(
    tmp_path: Path, make_study: StudyMaker, seconds: Any
) -> None:
    with pytest.raises(InvalidValueError, match="interval of checkpoints must be a positive"):
        collect(make_study(), tmp_path / "study", checkpoint_seconds=seconds)
    assert not (tmp_path / "study").exists()


def test_infinite_intervals_leave_nothing(tmp_path: Path, make_study: StudyMaker) -> None:
    collect(make_study(), tmp_path, workers=0, progress=False, checkpoint_seconds=float("inf"))
    assert not (tmp_path / FOLDER).exists()
