"""How far a study is: counts, reasons, problems, and who collects it."""

import json
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import FormatError
from phasegrok.runs import StudyFolder, record, study_status, write_shard
from phasegrok.runs.live import Live, write_live
from phasegrok.runs.processes import process_birth
from phasegrok.study import Plan, Study, requested_runs

MakeDataset = Callable[..., xr.Dataset]
MakeStudy = Callable[..., Study]


@pytest.fixture
def study(make_study: MakeStudy) -> Study:
    return make_study(plan=Plan(grid={"temperature": [0.1, 0.2]}, replicas=6))


def begun(folder: Path, study: Study, dataset: xr.Dataset) -> Path:
    """Begin a study of twelve runs of which a dataset's worth is stored."""
    run_ids = [each.run_id for each in requested_runs(study)][: dataset.sizes["run"]]
    StudyFolder.create(folder, study)
    return write_shard(
        folder, dataset.assign_coords(run_id=("run", np.array(run_ids, dtype=object)))
    )


def test_counts_reasons_and_what_is_left(
    tmp_path: Path, study: Study, make_dataset: MakeDataset
) -> None:
    dataset = make_dataset(study=study, record_count=[5, 3, 5, 2, 5, 4])
    begun(tmp_path, study, dataset)
    status = study_status(tmp_path)
    assert (status.requested, status.stored, status.left, status.beyond) == (12, 6, 6, 0)
    assert status.outcomes == {"finished": 3, "diverged": 3}
    (reason,) = status.reasons
    assert reason == ("diverged", 3, "too steep", False)
    assert status.problems == ()
    assert status.live is None
    assert str(status).splitlines() == [
        "test: 6 runs stored, 6 left to do",
        "  finished         3",
        "  diverged         3",
        "  diverged (3): too steep",
    ]


def test_runs_beyond_a_plan_that_shrank_are_told(
    tmp_path: Path, study: Study, make_study: MakeStudy, make_dataset: MakeDataset
) -> None:
    begun(tmp_path, study, make_dataset(study=study))
    smaller = make_study(plan=Plan(grid={"temperature": [0.1, 0.2]}, replicas=2))
    with StudyFolder.open(tmp_path).lock() as held:
        held.store_plan(smaller)
    kept = {each.run_id for each in requested_runs(smaller)}
    stored = {each.run_id for each in requested_runs(study)[:6]}
    status = study_status(tmp_path)
    assert (status.requested, status.left) == (4, len(kept - stored))
    assert status.beyond == len(stored - kept) > 0
    assert f"  not asked for    {status.beyond}" in str(status).splitlines()


def test_recorded_runs_leave_nothing(tmp_path: Path) -> None:
    with record(tmp_path, controls={"x": 1.0}) as run:
        run.log(step=0, loss=1.0)
    status = study_status(tmp_path)
    assert (status.requested, status.stored, status.left) == (None, 1, 0)


def test_a_collector_at_work_is_shown(
    tmp_path: Path, study: Study, make_dataset: MakeDataset
) -> None:
    begun(tmp_path, study, make_dataset(study=study))
    live = Live(
        process=os.getpid(),
        birth=process_birth(os.getpid()),
        host=socket.gethostname(),
        updated=0.0,
        runs=12,
        runs_done=6,
        running=5,
        gradients=1000.0,
        gradients_done=600.0,
        gradients_before=0.0,
        seconds=60.0,
    )
    write_live(tmp_path, live)
    status = study_status(tmp_path)
    assert status.live == live
    lines = str(status).splitlines()
    assert "  running          5" in lines
    assert lines[-1] == (
        f"  process {os.getpid()} on {socket.gethostname()} collects since 60 s: "
        "6 of 12 runs, 10 gradients/s, 40 s left"
    )
    plain = json.loads(json.dumps(status.as_plain()))
    assert plain["running"] == 5
    assert plain["collector"]["rate"] == 10.0
    assert plain["collector"]["seconds_left"] == 40.0


def test_plain_data_tell_the_same(
    tmp_path: Path, study: Study, make_dataset: MakeDataset
) -> None:
    shard = begun(tmp_path, study, make_dataset(study=study, record_count=[5, 3, 5, 5, 5, 5]))
    shutil.copy(shard, shard.with_name("shard-copy.h5"))
    plain = json.loads(json.dumps(study_status(tmp_path).as_plain()))
    assert plain["folder"] == str(tmp_path)
    assert plain["title"] == "test"
    assert [
        plain[name] for name in ("requested", "stored", "left", "beyond", "running", "begun")
    ] == [
        12,
        6,
        6,
        0,
        0,
        0,
    ]
    assert plain["outcomes"] == {"finished": 5, "truncated": 0, "diverged": 1, "failed": 0}
    assert plain["reasons"] == [{"outcome": "diverged", "runs": 1, "text": "too steep"}]
    assert [each["kind"] for each in plain["problems"]] == ["duplicate"]
    assert plain["collector"] is None


def test_reasons_that_differ_in_numbers_are_one(
    tmp_path: Path, study: Study, make_dataset: MakeDataset
) -> None:
    dataset = make_dataset(study=study, record_count=[1, 2, 3, 4, 3, 5])
    texts = ["loss 1.5e+300 at step 10", "loss inf at step 7", "no room", "loss 2 at step 9"]
    values = np.array([*texts, "no room", ""], dtype=object)
    begun(tmp_path, study, dataset.assign_coords(outcome_reason=("run", values)))
    reasons = study_status(tmp_path).reasons
    assert sorted((each.runs, each.text, each.is_one_of_several) for each in reasons) == [
        (2, "no room", False),
        (3, "loss 1.5e+300 at step 10", True),
    ]


def test_a_folder_without_a_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="give the folder that was named"):
        study_status(tmp_path)
