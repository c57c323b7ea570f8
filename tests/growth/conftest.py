"""Small studies whose means are known exactly."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from phasegrok.study import Energy, Plan, Recording, Study, part

PLUG_INS = '''
"""A task that asks for nothing, and an observable with a step or a bend along a control."""

import math
from dataclasses import dataclass

import numpy as np
import torch

from phasegrok.observables import Observable
from phasegrok.tasks import Examples, TaskData


@dataclass(frozen=True, kw_only=True)
class Nothing:
    """Inputs and targets are zero, so that the energy is that of the weight decay alone."""

    place: float = 0.0
    spread: float = 0.0
    breaks: float = -1.0
    example_count: int = 1
    loss: str = "half_squared_error"

    @property
    def input_shape(self):
        return (2,)

    @property
    def output_size(self):
        return 1

    def draw(self, *, study_seed, disorder):
        shift = np.random.default_rng([study_seed, disorder]).normal()
        zero = Examples(inputs=np.zeros((1, 2)), targets=np.zeros(1))
        return TaskData(train=zero, truth={"shift": np.array(self.spread * shift)})


@dataclass(frozen=True, kw_only=True)
class Shifted(Observable):
    """One weight, and a shift that each disorder has for itself."""

    name: str = "shifted"
    long_name: str = "one weight and the shift of its disorder"

    def measure(self, measurement):
        breaks, place = (measurement.task_numbers(n) for n in ("breaks", "place"))
        if (breaks == place).any():
            raise ArithmeticError("the trouble that was asked for")
        shift = torch.as_tensor(measurement.truth["shift"], dtype=torch.float32)
        return measurement.parameters["readout"].flatten(1)[:, 0] + shift.reshape(-1)


@dataclass(frozen=True, kw_only=True)
class Order(Observable):
    """An order parameter along the place: a jump or a smooth rise, and thermal noise.

    Each disorder shifts where it lies.
    """

    name: str = "order"
    long_name: str = "order parameter"
    at: float = 0.4321
    width: float = 0.0

    def measure(self, measurement):
        place = measurement.task_numbers("place")
        noise = 0.05 * measurement.parameters["readout"].flatten(1)[:, 0]
        at = self.at + torch.as_tensor(measurement.truth["shift"]).reshape(-1)
        if self.width == 0.0:
            return (place > at).to(noise.dtype) + noise
        return torch.sigmoid((place - at) / self.width).to(noise.dtype) + noise
'''


def _study(**changes: Any) -> Study:
    described: dict[str, Any] = {
        "name": "nothing is learned",
        "seed": 11,
        "task": part("growth_parts:Nothing", place=0.0, spread=0.0, breaks=-1.0),
        "network": part("two_layer", width=2),
        "dynamics": part("langevin", step_size=0.1),
        "energy": Energy(temperature=0.5, weight_decay=1.0),
        "recording": Recording(
            steps=90, start=50, every=20, observables=[part("growth_parts:Shifted")]
        ),
        "plan": Plan(replicas=2),
    }
    return Study(**{**described, **changes})


@pytest.fixture
def make_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Study]]:
    """Make studies of parts in a module that is found here and by workers."""
    folder = tmp_path / "parts"
    folder.mkdir()
    (folder / "growth_parts.py").write_text(PLUG_INS, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    yield _study
    sys.modules.pop("growth_parts", None)
