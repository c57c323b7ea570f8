"""Kills at random moments: no finished shard is lost, and no number changes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from phasegrok.collect import collect
from phasegrok.study import read_study

NumbersOf = Callable[[Path], dict[str, dict[str, bytes | str]]]

# Every width makes batches of its own.
STUDY = """
name = "to be killed"
seed = 5
task = {{ kind = "cubic_teacher", input_size = 5, example_count = 12, cubic = -0.3 }}
network = {{ kind = "two_layer", width = 6 }}
dynamics = {{ kind = "{dynamics}", step_size = 1e-3 }}
energy = {{ temperature = 0.2, weight_decay = "prior" }}

[recording]
steps = {steps}
every = 100
observables = ["teacher_overlap", "train_loss"]

[plan]
replicas = 2
grid = {{ width = {{ from = 2, to = {widest}, count = {widest}, integer = true }} }}
"""


def shard_paths(folder: Path) -> list[Path]:
    return sorted(folder.glob("shard-*.h5"))


def begin(
    description: Path, folder: Path, workers: int, *further: str
) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "phasegrok", "collect", str(description)]
    options = ["--out", str(folder), "--workers", str(workers), "--quiet"]
    return subprocess.Popen(
        command + options + list(further or ("--batch-seconds", "0.3")),
        stdout=subprocess.PIPE if further else subprocess.DEVNULL,
        start_new_session=True,
    )


def workers_of(process: "subprocess.Popen[bytes]") -> list[int]:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    with suppress(OSError):
        return [int(text) for text in children.read_text(encoding="utf-8").split()]
    return []


def wait_for_work(process: "subprocess.Popen[bytes]", folder: Path) -> None:
    """Until one more shard is there: moments before that are all alike."""
    count = len(shard_paths(folder))
    while process.poll() is None and len(shard_paths(folder)) == count:
        time.sleep(0.005)


def kill_worker(process: "subprocess.Popen[bytes]", rng: np.random.Generator) -> None:
    workers = workers_of(process)
    if workers:
        with suppress(ProcessLookupError):
            os.kill(int(rng.choice(workers)), signal.SIGKILL)


def finished_shards(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in shard_paths(folder)}


def kill_until_done(
    description: Path, folder: Path, *, kills: list[str], workers: int, rng: np.random.Generator
) -> int:
    """Collect under kills; returns how many hit."""
    hits = 0
    process = begin(description, folder, workers)
    for kind in kills:
        before = finished_shards(folder)
        wait_for_work(process, folder)
        time.sleep(rng.uniform(0.0, 0.4))
        hits += process.poll() is None
        if kind == "worker":
            kill_worker(process, rng)
        else:
            process.kill()
            process.wait()
            process = begin(description, folder, workers)
        after = finished_shards(folder)
        assert before.items() <= after.items()
    assert process.wait() == 0
    return hits


def run_under_kills(
    tmp_path: Path, numbers_of: NumbersOf, *, text: str, kills: list[str], workers: int
) -> None:
    description = tmp_path / "study.toml"
    description.write_text(text, encoding="utf-8")
    rng = np.random.default_rng(20231 + len(kills))
    hits = kill_until_done(
        description, tmp_path / "killed", kills=kills, workers=workers, rng=rng
    )
    assert hits == len(kills)
    collect(read_study(description), tmp_path / "calm", workers=0, progress=False)
    assert numbers_of(tmp_path / "killed") == numbers_of(tmp_path / "calm")
    assert not list((tmp_path / "killed").glob(".partial-*"))


def test_kills_of_coordinator_and_worker_change_nothing(
    tmp_path: Path, numbers_of: NumbersOf
) -> None:
    text = STUDY.format(dynamics="langevin", steps=800, widest=12)
    run_under_kills(tmp_path, numbers_of, text=text, kills=["coordinator", "worker"], workers=1)


@pytest.mark.slow
@pytest.mark.parametrize(("dynamics", "steps"), [("langevin", 800), ("hmc", 200)])
def test_twenty_kills_change_nothing(
    tmp_path: Path, numbers_of: NumbersOf, dynamics: str, steps: int
) -> None:
    text = STUDY.format(dynamics=dynamics, steps=steps, widest=60)
    kills = ["coordinator", "worker"] * 10
    run_under_kills(tmp_path, numbers_of, text=text, kills=kills, workers=2)


LONG_BATCHES = ("--batch-seconds", "1e6", "--checkpoint-seconds", "0.1")


def wait_for_checkpoint(process: "subprocess.Popen[bytes]", folder: Path, after: float) -> None:
    """Until a snapshot has been written that is newer than a moment."""
    while process.poll() is None:
        for path in (folder / ".checkpoints").glob("*.checkpoint"):
            with suppress(OSError):
                if path.stat().st_mtime > after:
                    return
        time.sleep(0.005)


def test_a_batch_that_is_killed_again_and_again_goes_on_and_on(
    tmp_path: Path, numbers_of: NumbersOf
) -> None:
    description, folder = tmp_path / "study.toml", tmp_path / "killed"
    text = STUDY.format(dynamics="langevin", steps=15_000, widest=1)
    description.write_text(text, encoding="utf-8")
    rng = np.random.default_rng(4)
    process = begin(description, folder, 1, *LONG_BATCHES)
    for kind in ("worker", "coordinator", "worker", "coordinator"):
        wait_for_checkpoint(process, folder, time.time())
        time.sleep(rng.uniform(0.0, 0.2))
        assert process.poll() is None
        if kind == "worker":
            kill_worker(process, rng)
        else:
            process.kill()
            process.communicate()
            process = begin(description, folder, 1, *LONG_BATCHES)
    told, _ = process.communicate()
    assert process.returncode == 0
    # Two runs; what was done before the last kill of the coordinator was not done again.
    taken = float(told.decode().partition("before), ")[2].partition(" gradients")[0])
    assert 0 < taken < 2 * 15_000
    collect(read_study(description), tmp_path / "calm", workers=0, progress=False)
    assert numbers_of(folder) == numbers_of(tmp_path / "calm")
    assert not (folder / ".checkpoints").exists()
