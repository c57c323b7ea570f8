"""The folder of a study: its identity, its lock, and files that cannot be used."""

import errno
import json
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import xarray as xr

from phasegrok.errors import (
    FormatError,
    InvalidStudyError,
    StorageError,
    StudyBusyError,
    StudyChangedError,
)
from phasegrok.runs import StudyFolder, disk, folder, record, write_shard
from phasegrok.runs.processes import is_alive, process_birth
from phasegrok.runs.scanning import scan
from phasegrok.schema import SCHEMA_VERSION
from phasegrok.study import Plan, Recording, Study, part

MakeDataset = Callable[..., xr.Dataset]
MakeStudy = Callable[..., Study]


def truncate(path: Path, share: float) -> None:
    os.truncate(path, int(path.stat().st_size * share))


def test_a_study_is_begun_once_and_read_back(tmp_path: Path, make_study: MakeStudy) -> None:
    study = make_study(plan=Plan(grid={"temperature": [0.1], "width": [4, 8]}, replicas=3))
    created = StudyFolder.create(tmp_path / "deep" / "study", study)
    assert StudyFolder.open(created.path) == created
    assert created.description() == study
    assert created.title == "test"
    assert StudyFolder.create(created.path, study) == created


def test_a_changed_identity_is_refused_with_the_difference(
    tmp_path: Path, make_study: MakeStudy
) -> None:
    StudyFolder.create(tmp_path, make_study())
    changed = make_study(dynamics=part("langevin", step_size=0.02))
    with pytest.raises(
        StudyChangedError, match=r"dynamics\.step_size: stored 0\.01, given 0\.02"
    ):
        StudyFolder.create(tmp_path, changed)


def test_a_plan_may_grow_and_only_under_the_lock(tmp_path: Path, make_study: MakeStudy) -> None:
    begun = StudyFolder.create(tmp_path, make_study())
    grown = make_study(plan=Plan(grid={"temperature": [0.1, 0.2, 0.3]}, disorders=4))
    unchanged = StudyFolder.create(tmp_path, grown)
    assert unchanged == begun
    with unchanged.lock() as held:
        stored = held.store_plan(replace(grown, name="a better title"))
        assert stored.description().plan == grown.plan
        with pytest.raises(StudyChangedError, match="seed: stored 7, given 8"):
            held.store_plan(make_study(seed=8))
    reopened = StudyFolder.open(tmp_path)
    assert reopened.title == "a better title"
    assert reopened.description().plan == grown.plan


def test_a_full_disk_keeps_the_older_plan(
    tmp_path: Path, make_study: MakeStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = StudyFolder.create(tmp_path, make_study())

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with begun.lock() as held:
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match="disk is full"):
            held.store_plan(make_study(plan=Plan(disorders=9)))
    assert StudyFolder.open(tmp_path) == begun
    assert disk.partial_files(tmp_path) == []


def test_a_folder_without_a_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"folder with a study\.json"):
        StudyFolder.open(tmp_path)
    with pytest.raises(FormatError, match=r"folder with a study\.json"):
        StudyFolder.open(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ('{"schema_version": 99}', "version 99.*update phasegrok"),
        ('{"schema_version": 1, "ident', "restore it"),
        ('{"schema_version": 1}', "restore it"),
        ("[]", "restore it"),
    ],
)
def test_an_unreadable_description_is_refused(tmp_path: Path, content: str, match: str) -> None:
    (tmp_path / "study.json").write_text(content)
    with pytest.raises(FormatError, match=match):
        StudyFolder.open(tmp_path)


def test_finished_runs_are_those_of_all_shards(
    tmp_path: Path, make_study: MakeStudy, make_dataset: MakeDataset
) -> None:
    study = StudyFolder.create(tmp_path, make_study())
    assert study.finished_run_ids() == set()
    parts = [make_dataset(), make_dataset(first=6, record_count=[5, 5, 1, 5, 5, 5])]
    for dataset in parts:
        write_shard(tmp_path, dataset)
    expected = {
        str(run_id): str(outcome)
        for dataset in parts
        for run_id, outcome in zip(
            dataset["run_id"].values, dataset["outcome"].values, strict=True
        )
    }
    assert study.finished_run_ids() == set(expected)
    assert study.run_outcomes() == expected
    assert sorted(expected.values()).count("diverged") == 1
    assert study.problems() == []


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_a_truncated_shard_is_named_and_set_aside(
    tmp_path: Path, make_study: MakeStudy, make_dataset: MakeDataset, share: float
) -> None:
    study = StudyFolder.create(tmp_path, make_study())
    good = write_shard(tmp_path, make_dataset())
    bad = write_shard(tmp_path, make_dataset(first=6))
    truncate(bad, share)
    (problem,) = study.problems()
    assert (problem.path, problem.kind) == (bad, "damaged")
    assert "truncated or damaged" in problem.text
    assert study.finished_run_ids() == set(make_dataset()["run_id"].values)
    with study.lock() as held:
        assert held.set_aside_damaged() == [bad.with_name(bad.name + ".damaged")]
        assert held.set_aside_damaged() == []
    assert study.shards() == [good]
    assert study.problems() == []


def test_an_error_of_the_system_damages_no_shard(
    tmp_path: Path, make_dataset: MakeDataset
) -> None:
    shard = write_shard(tmp_path, make_dataset())
    most = resource.getrlimit(resource.RLIMIT_NOFILE)
    # The next descriptor is refused.
    free = os.open(tmp_path, os.O_RDONLY)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, most[1]))
    try:
        _, (problem,) = scan([shard])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, most)
    # Only what is damaged is set aside.
    assert (problem.kind, problem.path) == ("unreadable", shard)
    assert os.strerror(errno.EMFILE) in problem.text
    assert scan([shard])[1] == []


def test_set_aside_shards_never_replace_one_another(
    tmp_path: Path, make_study: MakeStudy, make_dataset: MakeDataset
) -> None:
    study = StudyFolder.create(tmp_path, make_study())
    names = []
    for _ in range(3):
        path = write_shard(tmp_path, make_dataset())
        truncate(path, 0.5)
        with study.lock() as held:
            names += held.set_aside_damaged()
    assert len({*names}) == 3
    assert all(name.exists() for name in names)


def test_a_shard_of_another_study_is_named_with_the_difference(
    tmp_path: Path, make_study: MakeStudy, make_dataset: MakeDataset
) -> None:
    study = StudyFolder.create(tmp_path, make_study())
    write_shard(tmp_path, make_dataset())
    foreign = write_shard(tmp_path, make_dataset(first=6, study=make_study(seed=8)))
    (problem,) = study.problems()
    assert (problem.path, problem.kind) == (foreign, "foreign")
    assert "seed: stored 7, given 8" in problem.text
    assert len(study.finished_run_ids()) == 6
    with study.lock() as held:
        assert held.set_aside_damaged() == []
    assert foreign.exists()


def test_a_grown_plan_makes_no_shard_foreign(
    tmp_path: Path, make_study: MakeStudy, make_dataset: MakeDataset
) -> None:
    study = StudyFolder.create(tmp_path, make_study())
    write_shard(tmp_path, make_dataset(study=make_study(plan=Plan(disorders=3), name="old")))
    assert study.problems() == []


def test_a_run_in_two_shards_is_named(
    tmp_path: Path, make_study: MakeStudy, make_dataset: MakeDataset
) -> None:
    study = StudyFolder.create(tmp_path, make_study())
    write_shard(tmp_path, make_dataset())
    write_shard(tmp_path, make_dataset(first=5))
    (problem,) = study.problems()
    assert problem.kind == "duplicate"
    assert "move one of the two files away" in problem.text


def test_any_file_that_bears_the_name_of_a_shard_is_told(
    tmp_path: Path, make_study: MakeStudy, make_dataset: MakeDataset
) -> None:
    study = StudyFolder.create(tmp_path, make_study())
    version = SCHEMA_VERSION + 1
    newer = json.dumps({"schema_version": version, "study": 0, "identity": 0, "provenance": 0})
    xr.Dataset(attrs={"phasegrok": newer}).to_netcdf(tmp_path / "shard-a.h5", engine="h5netcdf")
    xr.Dataset({"x": 1}).to_netcdf(tmp_path / "shard-b.h5", engine="h5netcdf")
    (tmp_path / "shard-c.h5").write_text("not HDF5")
    (tmp_path / "shard-d.h5").mkdir()
    (tmp_path / "notes.h5").write_text("not ours")
    write_shard(tmp_path, make_dataset())
    found = {problem.path.name: problem for problem in study.problems()}
    assert sorted(found) == [f"shard-{letter}.h5" for letter in "abcd"]
    assert "update phasegrok" in found["shard-a.h5"].text
    assert "needs the attribute" in found["shard-b.h5"].text
    assert found["shard-c.h5"].kind == "damaged"


def test_flipped_bits_are_found_by_checksum(
    tmp_path: Path, make_study: MakeStudy, make_dataset: MakeDataset
) -> None:
    study = StudyFolder.create(tmp_path, make_study())
    dataset = make_dataset()
    path = write_shard(tmp_path, dataset)
    assert study.corruption() == []
    content = path.read_bytes()
    number = dataset["loss"].values[2, 2].tobytes()
    assert content.count(number) == 1
    path.write_bytes(content.replace(number, number[::-1]))
    assert study.problems() == []
    (problem,) = study.corruption()
    assert "loss" in problem.text


def test_stale_partial_files_go_under_the_lock(tmp_path: Path, make_study: MakeStudy) -> None:
    study = StudyFolder.create(tmp_path, make_study())
    stale = tmp_path / ".partial-123-abc"
    stale.write_bytes(b"half a shard")
    with study.lock() as held:
        assert held.clear_partial_files() == [stale]
    assert not stale.exists()


HOLDER = """
import sys, time
from phasegrok.runs import StudyFolder
with StudyFolder.open(sys.argv[1]).lock():
    print("held", flush=True)
    time.sleep(60)
"""


@contextmanager
def held_elsewhere(path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        try:
            if holder.stdout is None or holder.stdout.readline() != "held\n":
                raise RuntimeError("the other process did not get the lock")
            yield holder
        finally:
            holder.kill()


def test_two_processes_cannot_hold_one_folder(tmp_path: Path, make_study: MakeStudy) -> None:
    study = StudyFolder.create(tmp_path, make_study())
    with held_elsewhere(tmp_path) as holder:
        with (
            pytest.raises(
                StudyBusyError, match=f"process {holder.pid} on {socket.gethostname()} since"
            ),
            study.lock(),
        ):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with study.lock():
            pass


LEAVING_A_CHILD = """
import os, subprocess, sys
from phasegrok.runs import StudyFolder
with StudyFolder.open(sys.argv[1]).lock() as held:
    sleep = [sys.executable, "-c", "import time; time.sleep(" + sys.argv[2] + ")"]
    child = subprocess.Popen(sleep, pass_fds=(held.lock,), stdout=subprocess.DEVNULL)
    print(child.pid, flush=True)
    os.kill(os.getpid(), 9)
"""


def left_child(path: Path, seconds: float) -> tuple[int, int]:
    """Numbers of a collector that was killed, and of its worker that sleeps on."""
    command = [sys.executable, "-c", LEAVING_A_CHILD, str(path), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        line = process.stdout.readline() if process.stdout else ""
    return process.pid, int(line)


def test_workers_of_a_killed_collector_keep_its_lock_until_they_end(
    tmp_path: Path, make_study: MakeStudy
) -> None:
    study = StudyFolder.create(tmp_path, make_study())
    _, child = left_child(tmp_path, 1.0)
    with study.lock():
        assert not is_alive(child, process_birth(child))
    with study.lock():
        pass


def test_workers_that_do_not_end_are_told(
    tmp_path: Path, make_study: MakeStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("phasegrok.runs.disk.ORPHAN_SECONDS", 0.2)
    study = StudyFolder.create(tmp_path, make_study())
    process, child = left_child(tmp_path, 600.0)
    try:
        with (
            pytest.raises(StudyBusyError, match=f"process {process} .* is gone and has left"),
            study.lock(),
        ):
            pass
    finally:
        os.kill(child, signal.SIGKILL)


def test_the_lock_is_free_again_after_an_error(tmp_path: Path, make_study: MakeStudy) -> None:
    study = StudyFolder.create(tmp_path, make_study())
    with pytest.raises(KeyError, match="inside"), study.lock():
        raise KeyError("inside")
    with study.lock():
        owner = json.loads((tmp_path / folder.LOCK).read_text())
        assert owner["pid"] == os.getpid()
    assert (tmp_path / folder.LOCK).read_text() == ""


def test_recorded_runs_leave_nothing_to_collect(tmp_path: Path) -> None:
    with record(tmp_path, controls={"width": 3}) as run:
        run.log(step=0, loss=1.0)
    with pytest.raises(InvalidStudyError, match="no description to collect from"):
        StudyFolder.open(tmp_path).description()


def test_a_foreign_shard_is_told_in_one_line(
    tmp_path: Path, make_study: MakeStudy, make_dataset: MakeDataset
) -> None:
    study = StudyFolder.create(tmp_path, make_study())
    other = make_study(
        seed=8,
        task=part("cubic_teacher", input_size=6, example_count=21),
        dynamics=part("langevin", step_size=0.02),
        recording=Recording(steps=200, every=10),
    )
    write_shard(tmp_path, make_dataset(study=other))
    (problem,) = study.problems()
    assert problem.text.count("stored") == 3
    assert problem.text.endswith("; and 2 more.")
    assert "\n" not in problem.text


def test_files_are_replaced_together_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk.write_together(tmp_path, {"a": b"1", "b": b"2"})
    flush, calls = os.fsync, []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        flush(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match="disk is full"):
            disk.write_together(tmp_path, {"a": b"3", "b": b"4"})
    assert (tmp_path / "a").read_bytes() + (tmp_path / "b").read_bytes() == b"12"
    assert disk.partial_files(tmp_path) == []
    disk.write_together(tmp_path, {"a": b"3", "b": b"4"})
    assert (tmp_path / "a").read_bytes() + (tmp_path / "b").read_bytes() == b"34"
