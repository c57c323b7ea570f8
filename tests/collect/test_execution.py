"""A batch ends in a result, whatever happens in it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from phasegrok.collect.execution import (
    Raised,
    Setup,
    Stored,
    Unwritable,
    run_batch,
    write_failed,
)
from phasegrok.dynamics import Progress
from phasegrok.runs import open_runs
from phasegrok.study import Plan, Study, requested_runs

StudyMaker = Callable[..., Study]


def test_a_batch_is_simulated_and_stored(make_study: StudyMaker, tmp_path: Path) -> None:
    study = make_study(plan=Plan(replicas=2))
    told: list[Progress] = []
    result = run_batch(Setup(study, tmp_path), requested_runs(study), report=told.append)
    assert isinstance(result, Stored)
    assert (result.outcomes, result.gradients) == ({"finished": 2}, 80)
    assert [progress.steps_done for progress in told] == list(range(41))


def test_an_exception_keeps_its_place(
    make_study: StudyMaker, troublesome: Path, tmp_path: Path
) -> None:
    del troublesome
    study = make_study(plan=Plan(), trouble={"cubic": -0.3})
    result = run_batch(Setup(study, tmp_path), requested_runs(study))
    assert isinstance(result, Raised)
    assert result.reason.startswith("ArithmeticError: the trouble that was asked for (troubl")
    assert list(tmp_path.glob("shard-*")) == []


@pytest.mark.parametrize("writes", [run_batch, write_failed])
def test_a_folder_that_takes_no_shard_is_no_fault_of_the_runs(
    make_study: StudyMaker, tmp_path: Path, writes: object
) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    study = make_study(plan=Plan())
    requests = requested_runs(study)
    if writes is run_batch:
        result = run_batch(Setup(study, tmp_path / "file"), requests)
    else:
        result = write_failed(study, requests, tmp_path / "file", "it hung")
    assert isinstance(result, Unwritable)
    assert "cannot be written" in result.reason


def test_failed_runs_are_stored_with_their_reason(
    make_study: StudyMaker, tmp_path: Path
) -> None:
    study = make_study(plan=Plan(replicas=2))
    result = write_failed(study, requested_runs(study), tmp_path, "it hung")
    assert isinstance(result, Stored)
    assert (result.outcomes, result.gradients) == ({"failed": 2}, 0)
    assert open_runs(result.path)["outcome_reason"].values.tolist() == ["it hung"] * 2
