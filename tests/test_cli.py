"""The command line: what it prints, how it refuses, and its exit codes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import h5py
import pytest

import phasegrok
from phasegrok.cli import main
from phasegrok.runs import StudyFolder, open_runs, record, study_status

STUDY = """
name = "from the command line"
seed = 1

[task]
kind = "cubic_teacher"
input_size = 4
example_count = 6
cubic = -0.3

[network]
kind = "two_layer"
width = 3

[dynamics]
kind = "langevin"
step_size = 1e-3

[energy]
temperature = 0.2
weight_decay = "prior"

[recording]
steps = 20
every = 10

[plan]
replicas = 2

[plan.grid]
temperature = [0.1, 0.3]
"""

OBSERVABLE = """
from dataclasses import dataclass
from phasegrok.observables import Observable

@dataclass(frozen=True, kw_only=True)
class Halved(Observable):
    name: str = "halved"
    long_name: str = "half of the cubic part, where that is above -0.5"

    def measure(self, measurement):
        cubic = measurement.task_numbers("cubic")
        if (cubic < -0.5).any():
            raise ValueError("the cubic part is too low")
        return cubic / 2
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "study.toml"
    path.write_text(STUDY, encoding="utf-8")
    return path


def rewritten(study: Path, line: str, other: str) -> Path:
    text = study.read_text(encoding="utf-8")
    if line not in text:
        pytest.fail(f"{line!r} is not in the study")
    study.write_text(text.replace(line, other), encoding="utf-8")
    return study


def collect(study: Path, folder: Path, *options: str) -> int:
    return main(
        ["collect", str(study), "--out", str(folder), "--workers", "0", "--quiet", *options]
    )


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"phasegrok {version('phasegrok')}\n"
    assert phasegrok.__version__ == version("phasegrok")


def test_collect_then_status_then_check(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "runs"
    assert collect(study, folder) == 0
    assert "4 finished (0 runs were there before), 80 gradients" in capsys.readouterr().out
    assert main(["status", str(folder)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "from the command line: 4 runs stored, 0 left to do"
    assert shown[1].split() == ["finished", "4"]
    for command in ("check", "validate"):
        assert main([command, str(folder)]) == 0
        told = capsys.readouterr().out
        assert "4 runs, 0 to be collected: 0 errors, 0 warnings, 0 notes (" in told
        assert main([command, str(folder), "--json"]) == 0
        plain = json.loads(capsys.readouterr().out)
        assert (plain["ok"], plain["runs"], plain["findings"]) == (True, 4, [])


def test_status_counts_what_is_left(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "runs"
    collect(study, folder)
    collect(rewritten(study, "replicas = 2", "replicas = 3"), folder)
    (first, *_) = StudyFolder.open(folder).shards()
    lost = open_runs(first).sizes["run"]
    first.unlink()
    capsys.readouterr()
    assert main(["status", str(folder)]) == 3
    assert f"{6 - lost} runs stored, {lost} left to do" in capsys.readouterr().out


def test_a_dry_run_writes_nothing(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert collect(study, tmp_path / "runs", "--dry-run") == 0
    lines = {
        line.split()[0]: line.split(maxsplit=1)[1]
        for line in capsys.readouterr().out.splitlines()
    }
    assert lines["runs"] == "4 to do, 0 stored"
    assert lines["gradients"].startswith("80, at ")
    assert set(lines) == {"runs", "gradients", "time", "disk", "memory", "batches"}
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("line", "other", "message"),
    [
        ("replicas = 2", "replcias = 2", "Did you mean 'replicas'?"),
        ("temperature = [0.1, 0.3]", "temperature = []", "at least one value"),
        ("temperature = [0.1, 0.3]", "temperature = [-1.0]", "not negative, received -1.0"),
        ("temperature = [0.1, 0.3]", "temprature = [0.1]", "Did you mean 'temperature'?"),
        ('"langevin"', '"langevni"', "Did you mean 'langevin'?"),
        ("width = 3", "width = 0", "width of two_layer must be at least 1, received 0"),
        ('"two_layer"', '"nowhere:Net"', "Put the file beside the study description"),
        ("seed = 1", "seed = ", "is not valid TOML"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(
    study: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    line: str,
    other: str,
    message: str,
) -> None:
    changed = rewritten(study, line, other)
    assert collect(changed, tmp_path / "runs") == 2
    error = capsys.readouterr().err
    assert error.startswith(f"phasegrok: {changed}")
    assert message in error
    assert "Traceback" not in error
    assert not (tmp_path / "runs").exists()


def test_a_changed_description_is_refused(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    collect(study, tmp_path / "runs")
    assert collect(rewritten(study, "width = 3", "width = 4"), tmp_path / "runs") == 2
    assert "  network.width: stored 3, given 4\n" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["status", "check"])
def test_a_folder_without_a_study_is_refused(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, str(tmp_path)]) == 2
    assert "; give the folder that was named when" in capsys.readouterr().err


def test_parts_beside_the_description_work_and_failures_are_told(
    study: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "halved_observable.py").write_text(OBSERVABLE, encoding="utf-8")
    rewritten(study, "every = 10", 'every = 10\nobservables = ["halved_observable:Halved"]')
    rewritten(study, "temperature = [0.1, 0.3]", "cubic = [-0.3, -0.7]")
    folder = tmp_path / "runs"
    assert collect(study, folder) == 1
    shown = capsys.readouterr().out
    assert "2 failed, 2 finished" in shown
    assert "failed (2): ValueError: the cubic part is too low (halved_observable.py" in shown
    assert collect(study, folder) == 1
    assert "2 of the runs that were there before failed" in capsys.readouterr().out
    assert main(["status", str(folder)]) == 1
    shown = capsys.readouterr().out
    assert "failed (2): ValueError: the cubic part is too low (halved_observable.py" in shown
    runs = open_runs(folder)
    finished = runs["halved"].values[runs["outcome"].values == "finished"]
    assert finished.tolist() == [[-0.15] * 3] * 2


def test_check_finds_a_flipped_bit(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "runs"
    collect(study, folder)
    (shard, *_) = StudyFolder.open(folder).shards()
    losses = open_runs(folder)["loss"].values
    content = shard.read_bytes()
    place = content.find(losses[0, :2].tobytes())
    if place < 0:
        pytest.fail("the losses are not stored as they are")
    shard.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    capsys.readouterr()
    assert main(["check", str(folder)]) == 1
    shown = capsys.readouterr().out
    assert f"error (damaged): {shard}" in shown
    assert "loss" in shown.splitlines()[0]
    assert "1 error, 0 warnings, 0 notes" in shown


def test_check_lists_every_damaged_shard_and_status_tells(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "runs"
    collect(study, folder)
    for before, after in ((2, 3), (3, 4)):
        collect(rewritten(study, f"replicas = {before}", f"replicas = {after}"), folder)
    shards = StudyFolder.open(folder).shards()
    with h5py.File(shards[0], "r+") as file:
        del file["loss"]
    with h5py.File(shards[1], "r+") as file:
        file["loss"][0, 0] += 1.0
    with h5py.File(shards[2], "r+") as file:
        del file["run_id"]
    capsys.readouterr()
    assert main(["check", str(folder)]) == 1
    shown = capsys.readouterr().out
    assert all(shard.name in shown for shard in shards[:3])
    assert "3 errors, 0 warnings, 1 note" in shown
    assert main(["status", str(folder)]) == 1
    assert f"damaged: {shards[2]}" in capsys.readouterr().out


def test_status_tells_reasons_that_differ_in_numbers_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for replica in range(12):
        with record(tmp_path, controls={"x": replica % 2}, replica=replica) as run:
            run.log(step=0, loss=1.0)
            run.end("diverged", f"the loss is {2.5 * replica:.3e} at step {10 * replica}")
    for replica, word in enumerate(["ant", "bee", "cat", "dog", "eel", "fox"], start=12):
        with record(tmp_path, controls={"x": 0}, replica=replica) as run:
            run.end("failed", f"{word}: no number")
    assert main(["status", str(tmp_path)]) == 1
    shown = capsys.readouterr().out
    assert shown.count("the loss is") == 1
    assert "diverged (12): the loss is" in shown
    assert " and the like\n" in shown
    assert shown.count("no number") == 4
    assert "others (2): 2 more reasons" in shown


def test_status_in_json_has_the_exit_code(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "runs"
    collect(study, folder)
    capsys.readouterr()
    for further in ((), ("--live",), ("--live", "--every", "0.5")):
        assert main(["status", str(folder), "--json", *further]) == 0
        plain = json.loads(capsys.readouterr().out)
        assert (plain["stored"], plain["left"], plain["exit_code"]) == (4, 0, 0)
        assert plain["outcomes"]["finished"] == 4
    StudyFolder.open(folder).shards()[0].unlink()
    assert main(["status", str(folder), "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["exit_code"] == 3


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "often"])
def test_status_refuses_to_look_at_no_interval(
    seconds: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["status", str(tmp_path), f"--every={seconds}"])
    assert seconds in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_error(study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    collect(study, folder)
    source = "import sys; from phasegrok.cli import main; sys.exit(main(sys.argv[1:]))"
    line = f'{sys.executable} -c "{source}" status {folder} --json | true'
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    shown = subprocess.run(["bash", "-c", "set -o pipefail; " + line], check=False)
    assert shown.returncode in (0, 141)  # By which of the two was faster.


def test_status_fails_where_a_run_is_stored_twice(study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    collect(study, folder)
    (shard,) = StudyFolder.open(folder).shards()
    shutil.copy(shard, shard.with_name("shard-0copy.h5"))
    if len(StudyFolder.open(folder).shards()) != 2:
        pytest.fail("the copy does not bear the name of a shard")
    assert main(["status", str(folder)]) == 1


def test_a_dry_run_into_a_file_is_refused(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert collect(study, study, "--dry-run") == 2
    assert "a study is a folder" in capsys.readouterr().err


@pytest.mark.parametrize(("command", "name"), [("analyze", "analysis"), ("plot", "figures")])
def test_a_file_where_results_belong_is_refused(
    command: str, name: str, study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "runs"
    collect(study, folder)
    (folder / name).write_text("a file", encoding="utf-8")
    assert main([command, str(folder)]) == 2
    assert "must be a folder that can be written" in capsys.readouterr().err


def test_a_stray_error_of_the_system_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> StudyFolder:
        raise OSError(5, "Input/output error", "somewhere")

    monkeypatch.setattr("phasegrok.runs.status.StudyFolder.open", refuse)
    assert main(["status", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        "phasegrok: the system refused: [Errno 5] Input/output error: 'somewhere'\n"
    )


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "phasegrok", *arguments]


def test_the_module_runs_and_needs_no_torch_for_status(study: Path, tmp_path: Path) -> None:
    collect(study, tmp_path / "runs")
    source = (
        "import sys; sys.modules['torch'] = None\n"
        "from phasegrok.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    for arguments in (command(), [sys.executable, "-c", source]):
        finished = subprocess.run(
            [*arguments, "status", str(tmp_path / "runs")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (finished.returncode, finished.stderr) == (0, "")
        assert "4 runs stored" in finished.stdout


def test_collecting_without_torch_says_what_to_install(
    study: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("phasegrok.cli.commands.find_spec", lambda _: None)
    assert collect(study, tmp_path / "runs") == 2
    assert "pip install 'phasegrok[train]'" in capsys.readouterr().err


def test_a_full_disk_keeps_finished_shards_and_says_so(study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    assert collect(study, folder) == 0
    (before,) = StudyFolder.open(folder).shards()
    content = before.read_bytes()
    rewritten(study, "replicas = 2", "replicas = 3")
    arguments = command("collect", str(study), "--out", str(folder), "--workers", "0")
    # Files may grow to 4 kB: the description fits, a shard does not.
    limited = ["bash", "-c", 'ulimit -f 4; exec "$@"', "bash", *arguments]
    finished = subprocess.run(limited, capture_output=True, text=True, check=False)
    assert finished.returncode == 2
    assert "cannot be written" in finished.stderr
    assert "Finished shards stay valid." in finished.stderr
    assert "Traceback" not in finished.stderr
    assert before.read_bytes() == content
    assert list(folder.glob(".partial-*")) == []
    assert StudyFolder.open(folder).finished_run_ids() == set(
        open_runs(before)["run_id"].values
    )


def test_a_full_disk_under_an_analysis_is_one_sentence(study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    rewritten(study, "replicas = 2", "replicas = 2\ndisorders = 2")
    assert collect(study, folder) == 0
    before = sorted(folder.iterdir())
    for word, made in (("analyze", "analysis"), ("plot", "figures")):
        # Files may grow to 4 kB, which no table of netCDF keeps to, nor any picture.
        limited = ["bash", "-c", 'ulimit -f 4; exec "$@"', "bash", *command(word, str(folder))]
        finished = subprocess.run(limited, capture_output=True, text=True, check=False)
        assert finished.returncode == 2, finished.stderr
        assert f"{folder / made} cannot be written" in finished.stderr
        assert "Traceback" not in finished.stderr
        assert list((folder / made).iterdir()) == []
        (folder / made).rmdir()
        assert sorted(folder.iterdir()) == before
        if word == "analyze":
            assert main(["analyze", str(folder)]) == 0
            shutil.rmtree(folder / "figures")
            (folder / "report.html").unlink()
            before = sorted(folder.iterdir())


def processor_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def workers_of(process: int) -> list[int]:
    """Children that serve; what an import starts for a moment is none."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="utf-8")
    return [each for each in map(int, children.split()) if b"serve()" in command_line(each)]


def command_line(process: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes()
    return b""


def heed_ctrl_c() -> None:
    """Undo what a script that starts the tests in the background has its children inherit."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted."), (signal.SIGTERM, 143, "terminated.")],
)
def test_an_end_from_outside_stops_the_workers_and_says_what_is_kept(
    study: Path, tmp_path: Path, number: signal.Signals, code: int, word: str
) -> None:
    rewritten(study, "steps = 20\nevery = 10", "steps = 100000000\nevery = 1000")
    folder = tmp_path / "runs"
    arguments = command("collect", str(study), "--out", str(folder), "--workers", "1")
    with subprocess.Popen(
        arguments, stderr=subprocess.PIPE, text=True, preexec_fn=heed_ctrl_c
    ) as process:
        # Its lock is signed before the first worker is started, and both before the work.
        workers: list[int] = []
        while not workers and process.poll() is None:
            time.sleep(0.05)
            workers = workers_of(process.pid)
        # By then it has loaded its modules and been given work, however busy the machine is.
        while process.poll() is None and processor_seconds(workers[0]) < 5.0:
            time.sleep(0.05)
        status = study_status(folder)
        looking = command("status", str(folder), "--live", "--every", "0.2", "--json")
        with subprocess.Popen(looking, stdout=subprocess.PIPE, text=True) as looker:
            first = json.loads(looker.stdout.readline() if looker.stdout else "{}")
            process.send_signal(number)
            later, _ = looker.communicate(timeout=600)
        looks = [json.loads(line) for line in later.splitlines()]
        _, error = process.communicate(timeout=600)  # Bounds a hang alone.
    assert process.returncode == code
    assert f"phasegrok: {word}" in error
    assert status.live is not None
    assert (status.live.process, status.left) == (process.pid, 4)
    # How many runs share the batch follows from how fast they were timed.
    assert 1 <= status.running <= 4
    assert first["collector"]["process"] == process.pid
    assert (looks[-1]["collector"], looks[-1]["exit_code"], looker.returncode) == (None, 3, 3)
    assert "Traceback" not in error
    for worker in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)
