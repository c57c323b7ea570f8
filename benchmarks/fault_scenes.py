"""Studies for faults to be done to, and what witnesses the work that is done again."""

import dataclasses
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np

from phasegrok.runs import check_study, open_runs

WITNESS = '''
"""An observable that tells a file which states it saw, and makes trouble if asked to."""

import hashlib
import os
import sys
import time
from dataclasses import dataclass

import torch

from phasegrok.observables import Observable


def is_timed():
    """Whether the steps are those by which a collector measures its speed, and no work."""
    frame = sys._getframe()
    while frame is not None and frame.f_code.co_name != "measured_speeds":
        frame = frame.f_back
    return frame is not None


@dataclass(frozen=True, kw_only=True)
class Witness(Observable):
    """Zero, always."""

    name: str = "witness"
    long_name: str = "number that is always zero"

    def measure(self, measurement):
        cubic = measurement.task_numbers("cubic")
        if "WITNESS" in os.environ and not is_timed():
            rows = [row.numpy().tobytes() for row in measurement.rows]
            states = [hashlib.blake2b(row, digest_size=8).hexdigest() for row in rows]
            line = f"{time.monotonic()} {os.getpid()} {' '.join(states)}\\n"
            with open(os.environ["WITNESS"], "ab", buffering=0) as file:
                file.write(line.encode())
        if "TROUBLE" in os.environ:
            # Two runs of a study have these numbers.
            if bool(torch.any(torch.abs(cubic + 0.5) < 1e-6)):
                raise ArithmeticError("the trouble that was asked for")
            if bool(torch.any(torch.abs(cubic + 0.6) < 1e-6)):
                time.sleep(3600.0)
        return torch.zeros_like(cubic)
'''

STUDY = """
name = "faults"
seed = 11

[task]
kind = "cubic_teacher"
input_size = 20
example_count = 100
cubic = -0.3

[network]
kind = "two_layer"
width = 16
activation = "erf"

[dynamics]
kind = "langevin"
step_size = 1e-4

[energy]
temperature = 0.2
weight_decay = "prior"

[recording]
steps = {steps}
start = 20
every = 20
observables = ["teacher_overlap", "witness:Witness"]

[plan]
replicas = {replicas}

[plan.grid]
width = [8, 16, 24]
"""

TROUBLED = """
[plan]
replicas = 1
points = [{points}]
"""

CLOCKS = '''
"""A clock that jumps to and fro by up to four months, at every look."""

import random
import time

_true = time.time
_random = random.Random()
time.time = lambda: _true() + _random.uniform(-1e7, 1e7)
'''

CHECKPOINT_SECONDS = 0.5
RECORD_SECONDS = 0.5


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scene:
    """A study, the folder of a calm collection of it, and how long the table may take."""

    room: Path
    description: Path
    kills: int
    pause: float = 8.0
    """Longest time between two kills: from before the first import to well into the work."""

    def begin(
        self, folder: Path, *options: str, environment: dict[str, str] | None = None
    ) -> "subprocess.Popen[str]":
        """Start a collection."""
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "phasegrok", "collect", str(self.description)),
                *("--out", str(folder), "--workers", "2", "--quiet"),
                *("--checkpoint-seconds", str(CHECKPOINT_SECONDS), *options),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )

    def finish(
        self, folder: Path, *options: str, environment: dict[str, str] | None = None
    ) -> str:
        """Collect what is left, and give what was said."""
        return ended(self.begin(folder, *options, environment=environment), 0)

    @property
    def calm(self) -> Path:
        """Folder that nothing happens to."""
        return self.room / "calm"


def ended(process: "subprocess.Popen[str]", code: int) -> str:
    """Wait for the end, and insist on how it ends."""
    out, error = process.communicate()
    if process.returncode != code:
        raise RuntimeError(f"exit code {process.returncode} in place of {code}: {out}{error}")
    return out + error


def numbers(folder: Path) -> dict[str, str]:
    """A hash of every stored value of each run, by run_id."""
    runs = open_runs(folder).load()
    found = {}
    for index, run_id in enumerate(runs["run_id"].values):
        run = runs.isel(run=index)
        content = hashlib.sha256()
        for name in sorted(map(str, run.variables)):
            values = run[name].values
            text = str(values).encode() if values.dtype == object else values.tobytes()
            content.update(f"{name} {values.dtype} {values.shape}".encode() + text)
        found[str(run_id)] = content.hexdigest()
    return found


def compared(scene: Scene, folder: Path, calm: Path | None = None) -> tuple[int, bool]:
    """Number of runs, and whether they are those of the calm folder, with nothing amiss."""
    mine, other = numbers(folder), numbers(calm or scene.calm)
    tidy = not [*folder.glob(".partial-*"), *folder.glob(".checkpoints")]
    return len(mine), mine == other and tidy and check_study(folder).ok


def stored(folder: Path) -> dict[str, bytes]:
    """All shards, byte for byte."""
    return {path.name: path.read_bytes() for path in folder.glob("shard-*.h5")}


class Witnesses:
    """What the observable wrote: when, and which states."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.environment = {"WITNESS": str(path)}

    def lost_seconds(self, kills: Iterable[float]) -> float:
        """What the worst of the kills cost one worker: the time in which it made what was lost.

        A state that is seen again was lost by the first kill after it was seen before.
        """
        edges = np.sort(np.array(list(kills)))
        seen: dict[str, tuple[float, str]] = {}
        lost: dict[tuple[int, str], list[float]] = {}
        for moment, process, states in self._read():
            for before, owner in {seen[state] for state in states if state in seen}:
                place = int(np.searchsorted(edges, before))
                if place == len(edges):
                    raise RuntimeError("work was done again that no kill undid")
                lost.setdefault((place, owner), []).append(before)
            seen.update(dict.fromkeys(states, (moment, process)))
        return max((max(each) - min(each) for each in lost.values()), default=0.0)

    def _read(self) -> list[tuple[float, str, list[str]]]:
        lines = [line.split() for line in self.path.read_text(encoding="utf-8").splitlines()]
        return sorted((float(line[0]), line[1], line[2:]) for line in lines)


def workers_of(process: "subprocess.Popen[str]") -> list[int]:
    """Numbers of the children of a process."""
    with suppress(OSError):
        text = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text("utf-8")
        return [int(each) for each in text.split()]
    return []
