"""Collecting real studies: every run once, the same numbers however it is done."""

import math
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from phasegrok.collect import collect, dry_run
from phasegrok.dynamics import estimate
from phasegrok.errors import (
    FormatError,
    InvalidStudyError,
    InvalidValueError,
    StorageError,
    StudyBusyError,
    StudyChangedError,
)
from phasegrok.report import report_study
from phasegrok.runs import StudyFolder, check_study, open_runs, states, validate
from phasegrok.study import Energy, Plan, Recording, Study, Sweep, part, requested_runs

StudyMaker = Callable[..., Study]
NumbersOf = Callable[[Path], dict[str, dict[str, bytes | str]]]
OutcomesOf = Callable[[Path], dict[str, int]]

CUBICS = Plan(grid={"cubic": [-0.3, -0.2, -0.1]}, disorders=1, replicas=2)


def collected(study: Study, folder: Path, *, workers: int = 0, seconds: float = 20.0) -> Path:
    collect(study, folder, workers=workers, progress=False, target_seconds=seconds)
    return folder


def test_the_numbers_do_not_depend_on_workers_or_batches(
    make_study: StudyMaker, numbers_of: NumbersOf, tmp_path: Path
) -> None:
    study = make_study()
    here = numbers_of(collected(study, tmp_path / "here"))
    assert set(here) == {run.run_id for run in requested_runs(study)}
    report = collect(study, tmp_path / "two", workers=2, progress=False, target_seconds=0.001)
    assert len(report.shards) >= 2
    assert report.outcomes == {"finished": 12}
    assert report.gradients == 12 * 40
    assert numbers_of(tmp_path / "two") == here
    assert numbers_of(collected(study, tmp_path / "one", workers=1)) == here


def test_sweeps_of_all_rates_do_not_depend_on_workers_or_batches(
    make_study: StudyMaker, numbers_of: NumbersOf, tmp_path: Path
) -> None:
    study = make_study(
        recording=Recording(spacing="sweep", count=6, observables=[part("train_loss")]),
        energy=Energy(temperature=0.1, weight_decay=0.3),
        sweep=Sweep(control="weight_decay", low=0.1, high=0.5, rate=4.0),
        plan=Plan(grid={"rate": [4.0, 8.0], "direction": ["up", "around"]}, replicas=3),
    )
    folder = collected(study, tmp_path / "here")
    here = numbers_of(folder)
    report = collect(study, tmp_path / "two", workers=2, progress=False, target_seconds=0.001)
    assert report.outcomes == {"finished": 12}
    assert numbers_of(tmp_path / "two") == here
    runs = open_runs(folder)
    assert validate(runs) == []
    assert runs.step.dims == ("run", "record")
    assert report.gradients == int(runs.step[:, -1].sum())
    dry = dry_run(study)
    assert dry.gradients == report.gradients
    page = report_study(folder).read_text(encoding="utf-8")
    assert "Controls change within the runs" in page


def test_what_is_collected_follows_the_schema(make_study: StudyMaker, tmp_path: Path) -> None:
    folder = collected(make_study(), tmp_path / "runs")
    assert validate(open_runs(folder)) == []


def test_a_grown_plan_adds_runs_and_changes_none(
    make_study: StudyMaker, numbers_of: NumbersOf, tmp_path: Path
) -> None:
    small = make_study(plan=Plan(grid={"temperature": [0.1]}, replicas=2))
    grown = make_study(
        plan=Plan(
            grid={"temperature": [0.05, 0.1, 0.3]},
            points=[{"temperature": 0.2, "width": 4}],
            disorders=2,
            replicas=3,
        )
    )
    before = numbers_of(collected(small, tmp_path / "runs"))
    report = collect(grown, tmp_path / "runs", workers=0, progress=False)
    assert report.stored_before == 2
    after = numbers_of(tmp_path / "runs")
    assert set(after) == {run.run_id for run in requested_runs(grown)}
    # A second width takes resolved variables out of the flat view, and adds its coordinate.
    for run_id, values in before.items():
        assert all(after[run_id][name] == values[name] for name in ("loss", "time", "step"))
    at_once = numbers_of(collected(grown, tmp_path / "at_once"))
    assert after == at_once


def test_nothing_is_left_to_do_the_second_time(make_study: StudyMaker, tmp_path: Path) -> None:
    collected(make_study(), tmp_path / "runs")
    report = collect(make_study(), tmp_path / "runs", workers=0, progress=False)
    assert (report.stored_before, report.shards, report.gradients) == (12, (), 0)
    assert "nothing left to do (12 runs were there before)" in str(report)


def test_a_run_that_raises_fails_alone(
    make_study: StudyMaker,
    troublesome: Path,
    numbers_of: NumbersOf,
    outcomes_of: OutcomesOf,
    tmp_path: Path,
) -> None:
    del troublesome
    plan = replace(CUBICS, points=[{"cubic": -0.25}], replicas=1, grid={"cubic": [-0.3, -0.2]})
    study = make_study(plan=plan, trouble={"cubic": -0.25})
    folder = collected(study, tmp_path / "runs")
    assert outcomes_of(folder) == {"failed": 1, "finished": 2}
    runs = open_runs(folder)
    failed = runs["outcome"].values == "failed"
    (reason,) = runs["outcome_reason"].values[failed]
    assert reason.startswith("ArithmeticError: the trouble that was asked for (troublesome_obs")
    assert runs["record_count"].values[failed].tolist() == [0]
    assert validate(runs) == []

    calm = replace(study, plan=replace(plan, points=()))
    alone = numbers_of(collected(calm, tmp_path / "calm"))
    beside = numbers_of(folder)
    for run_id, values in alone.items():
        assert beside[run_id]["loss"] == values["loss"]


@pytest.mark.parametrize("workers", [0, 1])
def test_a_run_that_raises_late_keeps_its_records(
    make_study: StudyMaker,
    troublesome: Path,
    tmp_path: Path,
    workers: int,
) -> None:
    del troublesome
    plan = Plan(grid={"cubic": [-0.3, -0.2]})
    recording = replace(make_study().recording, states="all")
    calm = make_study(plan=plan, recording=recording)
    made = open_runs(collected(calm, tmp_path / "calm")).load().sel(run=0)
    assert made["cubic"] == -0.3
    trouble = {"cubic": -0.3, "at": float(made["train_loss"][3])}
    observables = [*recording.observables, part("troublesome_observable:Trouble", **trouble)]
    late = replace(calm, recording=replace(recording, observables=observables))
    report = collect(late, tmp_path / "late", workers=workers, progress=False)
    assert report.outcomes == {"finished": 1, "failed": 1}
    assert "ArithmeticError: the trouble that was asked for" in str(report)
    runs = open_runs(tmp_path / "late").load()
    assert validate(runs) == []
    failed = runs.isel(run=0)
    assert failed["outcome"] == "failed"
    assert failed["record_count"] == 3
    # Beyond its records it is what a run that has none is; up to them it is as it would be.
    for name in ("loss", "train_loss", "teacher_overlap", "half_square_norm_first"):
        np.testing.assert_array_equal(failed[name].values[:3], made[name].values[:3])
        assert np.isnan(failed[name].values[3:]).all()
    assert failed["gradient_count"] == 30
    # Both went on together until it raised, then each by itself from its beginning.
    assert report.gradients == 2 * 30 + 40 + 30
    weights = states(tmp_path / "late")["parameters"]
    np.testing.assert_array_equal(
        weights.values[:, :3], states(tmp_path / "calm")["parameters"].values[:, :3]
    )
    assert check_study(tmp_path / "late").ok


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("a\x00b", "ArithmeticError: a\\x00b ("),
        ("caf\udce9", "ArithmeticError: caf\\udce9 ("),
        ("two\nlines \x1b[31m", "ArithmeticError: two lines \\x1b[31m ("),
    ],
)
def test_whatever_is_said_of_a_failure_can_be_stored(
    make_study: StudyMaker,
    troublesome: Path,
    tmp_path: Path,
    workers: int,
    said: str,
    told: str,
) -> None:
    source = troublesome / "troublesome_observable.py"
    text = source.read_text("utf-8")
    source.write_text(text.replace('"the trouble that was asked for"', ascii(said)), "utf-8")
    sys.modules.pop("troublesome_observable", None)
    study = make_study(plan=Plan(grid={"cubic": [-0.3, -0.2]}), trouble={"cubic": -0.3})
    report = collect(study, tmp_path / "runs", workers=workers, progress=False)
    assert report.outcomes == {"finished": 1, "failed": 1}
    runs = open_runs(tmp_path / "runs")
    assert runs["outcome_reason"].values[0].startswith(told)
    sys.modules.pop("troublesome_observable", None)


def test_runs_that_all_raise_late_are_refused_and_not_stored(
    make_study: StudyMaker, troublesome: Path, tmp_path: Path
) -> None:
    del troublesome
    plan = Plan(grid={"cubic": [-0.3]})
    made = open_runs(collected(make_study(plan=plan), tmp_path / "calm"))
    trouble = {"cubic": -0.3, "at": float(made["train_loss"][0, 2])}
    study = make_study(plan=plan, trouble=trouble)
    with pytest.raises(InvalidStudyError, match=r"all 1 runs failed one and all.*Nothing"):
        collected(study, tmp_path / "late")
    assert not list((tmp_path / "late").glob("shard-*"))


@pytest.mark.slow  # Six processes; test_ledger.py tells the same story without one.
def test_a_run_that_kills_its_worker_fails_alone(
    make_study: StudyMaker, troublesome: Path, outcomes_of: OutcomesOf, tmp_path: Path
) -> None:
    del troublesome
    plan = Plan(points=[{"cubic": -0.3}, {"cubic": -0.2}])
    study = make_study(plan=plan, trouble={"cubic": -0.2, "what": "kill"})
    folder = collected(study, tmp_path / "runs", workers=1)
    assert outcomes_of(folder) == {"failed": 1, "finished": 1}
    runs = open_runs(folder)
    (reason,) = runs["outcome_reason"].values[runs["outcome"].values == "failed"]
    assert reason == "the worker process was ended by SIGKILL, as when memory runs out"


def test_a_study_whose_runs_all_raise_is_refused(
    make_study: StudyMaker, troublesome: Path, tmp_path: Path
) -> None:
    del troublesome
    study = make_study(trouble={"cubic": -0.3})
    with pytest.raises(
        InvalidStudyError, match=r"first 8 runs failed one and all.*ArithmeticE"
    ):
        collect(study, tmp_path / "runs", workers=0, progress=False)
    assert StudyFolder.open(tmp_path / "runs").shards() == []


@pytest.mark.parametrize("replicas", [1, 4])
def test_a_small_study_whose_runs_all_raise_is_refused_too(
    make_study: StudyMaker, troublesome: Path, tmp_path: Path, replicas: int
) -> None:
    del troublesome
    study = make_study(plan=Plan(replicas=replicas), trouble={"cubic": -0.3})
    match = rf"all {replicas} runs failed one and all.*ArithmeticError: the trouble.*Nothing"
    with pytest.raises(InvalidStudyError, match=match):
        collect(study, tmp_path / "runs", workers=0, progress=False)
    assert StudyFolder.open(tmp_path / "runs").shards() == []


def test_the_report_says_why_runs_failed_and_remembers_it(
    make_study: StudyMaker, troublesome: Path, tmp_path: Path
) -> None:
    del troublesome
    plan = Plan(grid={"cubic": [-0.3, -0.2]}, replicas=2)
    study = make_study(plan=plan, trouble={"cubic": -0.2})
    first = collect(study, tmp_path / "runs", workers=0, progress=False)
    assert sum(first.reasons.values()) == first.outcomes["failed"] == 2
    assert "failed (2): ArithmeticError: the trouble that was asked for" in str(first)
    second = collect(study, tmp_path / "runs", workers=0, progress=False)
    assert (second.stored_before, second.failed_before, second.reasons) == (4, 2, {})
    assert "2 of the runs that were there before failed" in str(second)


def test_a_dry_run_into_a_file_is_refused(make_study: StudyMaker, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    with pytest.raises(FormatError, match="a study is a folder"):
        dry_run(make_study(), workers=0, folder=tmp_path / "file")


def test_a_shard_whose_numbers_cannot_be_opened_is_made_anew(
    make_study: StudyMaker, numbers_of: NumbersOf, tmp_path: Path
) -> None:
    folder = collected(make_study(), tmp_path / "runs")
    before = numbers_of(folder)
    shard = StudyFolder.open(folder).shards()[0]
    lost = StudyFolder.open(folder).run_outcomes()
    # The identifiers stay readable; another coordinate is of a type that was not written.
    with h5py.File(shard, "r+") as file:
        del file["rate"]
        file["rate"] = "no number"
    assert set(StudyFolder.open(folder).run_outcomes()) == set(lost)
    with pytest.raises(FormatError, match="Collecting again sets it aside"):
        open_runs(folder)
    collected(make_study(), folder)
    assert shard.with_name(shard.name + ".damaged").exists()
    assert numbers_of(folder) == before


def test_a_step_beyond_stability_diverges_and_its_siblings_finish(
    make_study: StudyMaker, numbers_of: NumbersOf, tmp_path: Path
) -> None:
    plan = Plan(grid={"step_size": [1e-3, 50.0]}, replicas=2)
    study = make_study(plan=plan, steps=200)
    report = collect(study, tmp_path / "runs", workers=0, progress=False)
    assert report.outcomes == {"diverged": 2, "finished": 2}
    assert any("stability limit" in text for text in report.warnings)
    assert "warning: " in str(report)
    calm = make_study(plan=Plan(grid={"step_size": [1e-3]}, replicas=2), steps=200)
    beside = numbers_of(tmp_path / "runs")
    for run_id, values in numbers_of(collected(calm, tmp_path / "calm")).items():
        assert beside[run_id] == values


def test_a_changed_description_is_refused_with_the_difference(
    make_study: StudyMaker, tmp_path: Path
) -> None:
    collected(make_study(plan=Plan()), tmp_path / "runs")
    changed = make_study(plan=Plan(), network=part("two_layer", width=7), seed=4)
    with pytest.raises(StudyChangedError) as caught:
        collect(changed, tmp_path / "runs", workers=0, progress=False)
    lines = str(caught.value).splitlines()
    assert "  network.width: stored 6, given 7" in lines
    assert "  seed: stored 3, given 4" in lines
    with pytest.raises(StudyChangedError, match="seed: stored 3, given 4"):
        dry_run(changed, workers=0, folder=tmp_path / "runs")


def test_a_second_collector_is_refused(make_study: StudyMaker, tmp_path: Path) -> None:
    study = make_study(plan=Plan())
    with (
        StudyFolder.create(tmp_path / "runs", study).lock(),
        pytest.raises(StudyBusyError, match="another collector holds"),
    ):
        collect(study, tmp_path / "runs", workers=0, progress=False)


def test_a_truncated_shard_is_set_aside_and_made_anew(
    make_study: StudyMaker, numbers_of: NumbersOf, tmp_path: Path
) -> None:
    study = make_study(plan=Plan(replicas=2))
    folder = collected(study, tmp_path / "runs")
    before = numbers_of(folder)
    (shard,) = StudyFolder.open(folder).shards()
    shard.write_bytes(shard.read_bytes()[: shard.stat().st_size // 2])
    report = collect(study, folder, workers=0, progress=False)
    assert report.outcomes == {"finished": 2}
    assert numbers_of(folder) == before
    assert [path.name for path in folder.glob("*.damaged*")] == [shard.name + ".damaged"]


def test_a_shard_of_another_study_is_refused(make_study: StudyMaker, tmp_path: Path) -> None:
    study = make_study(plan=Plan())
    folder = collected(study, tmp_path / "runs")
    other = collected(replace(study, seed=4), tmp_path / "other")
    (shard,) = StudyFolder.open(other).shards()
    shutil.copy(shard, folder)
    with pytest.raises(FormatError, match=r"belongs to another study(.|\n)*seed: stored 3"):
        collect(study, folder, workers=0, progress=False)


def test_what_a_killed_writer_left_is_removed(make_study: StudyMaker, tmp_path: Path) -> None:
    folder = collected(make_study(plan=Plan()), tmp_path / "runs")
    (folder / ".partial-1-abc").write_bytes(b"half")
    collected(make_study(plan=Plan()), folder)
    assert list(folder.glob(".partial-*")) == []


def test_a_folder_that_cannot_be_written_is_refused(
    make_study: StudyMaker, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    with pytest.raises(StorageError, match="cannot be written"):
        collect(make_study(plan=Plan()), tmp_path / "file", workers=0, progress=False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": part("two_layer", widht=6)}, r"Did you mean 'width'\?"),
        ({"dynamics": part("langevni", step_size=1e-3)}, r"Did you mean 'langevin'\?"),
        ({"plan": Plan(grid={"temperature": [-0.1]})}, "not negative, received -0.1"),
        ({"plan": Plan(starts=("piror",))}, r"Did you mean 'prior'\?"),
        ({"energy": Energy(temperature=0.1, weight_decay={"frist": 1.0})}, "'frist'"),
    ],
)
def test_a_study_that_cannot_be_carried_out_leaves_no_folder(
    make_study: StudyMaker, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidStudyError, match=message):
        collect(make_study(**changes), tmp_path / "runs", workers=0, progress=False)
    assert not (tmp_path / "runs").exists()


def test_refuses_a_device_that_is_not_there_and_senseless_numbers(
    make_study: StudyMaker, tmp_path: Path
) -> None:
    study = make_study(plan=Plan())
    with pytest.raises(
        InvalidValueError, match="one that torch can use here, received 'abacus'"
    ):
        collect(study, tmp_path, device="abacus")
    with pytest.raises(InvalidValueError, match=r"workers >= 0 .* received -1"):
        collect(study, tmp_path, workers=-1)
    with pytest.raises(InvalidValueError, match=r"positive target time .* 0\.0"):
        collect(study, tmp_path, target_seconds=0.0)


@pytest.mark.parametrize("command", [collect, dry_run])
def test_refuses_what_is_no_study_with_how_to_read_one(
    tmp_path: Path, command: Callable[..., object]
) -> None:
    with pytest.raises(InvalidStudyError, match=r"received 'study.toml'; read .*\.read_stud"):
        command("study.toml", folder=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("command", [collect, dry_run])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": "2"}, "whole number of workers >= 0 .* received '2'"),
        ({"workers": 2.5}, r"whole number of workers >= 0 .* received 2\.5"),
        ({"workers": 10**12}, "at most 1024"),
        ({"target_seconds": "20"}, "received 2 and '20'; change"),
        ({"device": 0}, "device must be text .* received 0"),
        ({"device": None}, "device must be text .* received None"),
        ({"folder": 3}, "folder of a study must be a path, received 3"),
    ],
)
def test_refuses_arguments_of_the_wrong_type(
    make_study: StudyMaker,
    tmp_path: Path,
    command: Callable[..., object],
    options: dict[str, object],
    message: str,
) -> None:
    with pytest.raises(InvalidValueError, match=message):
        command(make_study(), **({"folder": tmp_path} | options))


def test_collecting_needs_a_folder(make_study: StudyMaker) -> None:
    with pytest.raises(InvalidValueError, match="must be a path, received None"):
        collect(make_study(), None)  # type: ignore[arg-type]


def test_a_dry_run_counts_what_is_left_and_writes_nothing(
    make_study: StudyMaker, tmp_path: Path
) -> None:
    study = make_study()
    expected = dry_run(study, workers=0, folder=tmp_path / "runs")
    assert (expected.runs, expected.stored, expected.gradients) == (12, 0, 480)
    assert not (tmp_path / "runs").exists()
    assert expected.seconds > 0.0
    folder = collected(study, tmp_path / "runs")
    size = sum(path.stat().st_size for path in StudyFolder.open(folder).shards())
    assert expected.disk_bytes < 20 * size

    more = replace(study, plan=replace(study.plan, replicas=4))
    left = dry_run(more, workers=0, folder=folder)
    assert (left.runs, left.stored, left.gradients) == (4, 12, 160)
    nothing = dry_run(study, workers=0, folder=folder)
    assert (nothing.runs, nothing.batches, nothing.seconds) == (0, 0, 0.0)
    assert "0 to do, 12 stored" in str(nothing)


@pytest.mark.parametrize("command", [collect, dry_run])
@pytest.mark.parametrize(
    "changes",
    [
        {"network": part("two_layer", width=10**11)},
        {"task": part("cubic_teacher", input_size=5, example_count=10**12, cubic=-0.3)},
        {
            "task": part(
                "cubic_teacher", input_size=5, example_count=2, cubic=-0.3, test_count=10**12
            )
        },
    ],
    ids=["width", "examples", "test examples"],
)
def test_what_no_memory_holds_is_refused_before_it_is_allocated(
    make_study: StudyMaker,
    tmp_path: Path,
    command: Callable[..., object],
    changes: dict[str, object],
) -> None:
    with pytest.raises(InvalidStudyError, match=r"needs about .* MB of memory, .* lower the"):
        command(make_study(**changes), workers=0, folder=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_more_workers_than_the_memory_holds_are_refused(
    make_study: StudyMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = make_study(plan=Plan(replicas=3))
    needed = estimate(study, requested_runs(study)[0]).memory_bytes
    monkeypatch.setattr("phasegrok.collect.plan._memory_of", lambda _: 2.5 * needed)
    assert dry_run(study, workers=2).runs == 3
    with pytest.raises(InvalidStudyError, match=r"3 workers need about .*; use fewer workers"):
        dry_run(study, workers=3)


def test_a_dry_run_refuses_what_the_disk_cannot_hold(
    make_study: StudyMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(StorageError, match=r"about 0 MB in .*runs/new, and 0 MB are free"):
        dry_run(make_study(), workers=0, folder=tmp_path / "runs" / "new")


def test_a_dry_run_says_where_nothing_could_be_measured(
    make_study: StudyMaker, troublesome: Path
) -> None:
    del troublesome
    told = dry_run(make_study(plan=Plan(), trouble={"cubic": -0.3}), workers=0)
    assert math.isnan(told.seconds)
    assert "at a speed not measured, since the first steps raised" in str(told)
    assert "about" not in next(line for line in str(told).splitlines() if "time" in line)


@pytest.mark.usefixtures("troublesome")
def test_the_run_in_which_a_step_never_ends_is_found_and_the_others_finish(
    make_study: StudyMaker,
    tmp_path: Path,
    outcomes_of: Callable[[Path], dict[str, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("phasegrok.collect.ledger.START_SECONDS", 4.0)
    monkeypatch.setattr("phasegrok.collect.workers.PROBE_GRACE", 4.0)
    study = make_study(
        trouble={"cubic": -0.7, "what": "hang"},
        plan=Plan(grid={"cubic": [-0.3, -0.7]}, replicas=2),
    )
    report = collect(study, tmp_path, workers=2, progress=False, run_seconds=1.0)
    assert report.outcomes == {"finished": 2, "failed": 2}
    assert outcomes_of(tmp_path) == report.outcomes
    assert all(reason.startswith("no step ended within") for reason in report.reasons)


def test_a_run_whose_time_is_up_is_truncated(make_study: StudyMaker, tmp_path: Path) -> None:
    study = make_study(plan=Plan(replicas=2), steps=10**6)
    study = replace(study, recording=replace(study.recording, every=10**4))
    report = collect(study, tmp_path, workers=0, progress=False, run_seconds=0.2)
    assert report.outcomes == {"truncated": 2}
    assert report.gradients < 2 * 10**6
