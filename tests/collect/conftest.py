"""Small real studies, and what it means for two folders to hold the same numbers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

from phasegrok.runs import open_runs
from phasegrok.study import Energy, Plan, Recording, Study, part

StudyMaker: TypeAlias = Callable[..., Study]

PLUG_IN = '''
"""Observables with troubles of their own, for runs whose task has a certain cubic part."""

import os
import signal
import time
from dataclasses import dataclass

import torch

from phasegrok.observables import Observable, TrainLoss


@dataclass(frozen=True, kw_only=True)
class Trouble(Observable):
    """Raises, kills its process, prints or sleeps where the cubic part is that number.

    With `at`, not before the training loss is that number to its last bit.
    """

    cubic: float = -1.0
    what: str = "raise"
    at: float = -1.0
    name: str = "trouble"
    long_name: str = "number that is always zero"

    def measure(self, measurement):
        cubics = measurement.task_numbers("cubic")
        early = self.at > 0.0 and self.at not in TrainLoss().measure(measurement).tolist()
        if self.cubic in cubics.tolist() and not early:
            if self.what == "raise":
                raise ArithmeticError("the trouble that was asked for")
            if self.what == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if self.what == "print":
                print("something that is no message", flush=True)
            if self.what == "hang":
                time.sleep(3600.0)
            if self.what == "sleep":
                time.sleep(0.002 * len(cubics))
        return torch.zeros_like(cubics)
'''


def _study(**changes: Any) -> Study:
    trouble = changes.pop("trouble", None)
    observables = [part("teacher_overlap"), part("train_loss")]
    if trouble is not None:
        observables.append(part("troublesome_observable:Trouble", **trouble))
    described: dict[str, Any] = {
        "name": "small",
        "seed": 3,
        "task": part("cubic_teacher", input_size=5, example_count=12, cubic=-0.3, test_count=8),
        "network": part("two_layer", width=6),
        "dynamics": part("langevin", step_size=1e-3),
        "energy": Energy(temperature=0.2, weight_decay="prior"),
        "recording": Recording(
            steps=changes.pop("steps", 40), every=10, observables=observables
        ),
        "plan": Plan(grid={"temperature": [0.1, 0.3]}, disorders=2, replicas=3),
    }
    described.update(changes)
    return Study(**described)


@pytest.fixture
def make_study() -> StudyMaker:
    """Make a small study; `trouble` gives options of an observable that makes trouble."""
    return _study


@pytest.fixture
def troublesome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the module `troublesome_observable` where Python and its workers find it."""
    folder = tmp_path / "plug_ins"
    folder.mkdir()
    (folder / "troublesome_observable.py").write_text(PLUG_IN, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    return folder


Numbers: TypeAlias = dict[str, dict[str, bytes | str]]


def _numbers(folder: Path) -> Numbers:
    """Every stored number of every run, by run_id and variable, bit by bit."""
    runs = open_runs(folder).load()
    found: Numbers = {}
    for index, run_id in enumerate(runs["run_id"].values):
        run = runs.isel(run=index)
        found[str(run_id)] = {
            str(name): str(values.values) if values.dtype == object else values.values.tobytes()
            for name, values in {**run.coords, **run.data_vars}.items()
        }
    return found


@pytest.fixture
def numbers_of() -> Callable[[Path], Numbers]:
    """Read all numbers of a folder."""
    return _numbers


@pytest.fixture
def outcomes_of() -> Callable[[Path], dict[str, int]]:
    """Count the runs of a folder by outcome."""

    def count(folder: Path) -> dict[str, int]:
        names, counts = np.unique(open_runs(folder)["outcome"].values, return_counts=True)
        return dict(zip(names.tolist(), counts.tolist(), strict=True))

    return count
