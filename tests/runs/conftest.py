"""Small datasets that follow the schema, for the tests of everything behind the waist."""

import importlib.util
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import xarray as xr

from phasegrok.runs import attribute_text
from phasegrok.schema import SCHEMA_VERSION
from phasegrok.seeding import digest
from phasegrok.study import (
    Plan,
    Recording,
    Study,
    identity,
    part,
    plain_study,
)

MakeDataset = Callable[..., xr.Dataset]


def small_study(**changes: Any) -> Study:
    fields: dict[str, Any] = {
        "name": "test",
        "seed": 7,
        "task": part("cubic_teacher", input_size=5, example_count=20),
        "network": part("two_layer", width=4, activation="erf"),
        "dynamics": part("langevin", step_size=0.01),
        "recording": Recording(steps=100, every=10),
        "plan": Plan(grid={"temperature": [0.1, 0.2]}),
    }
    return Study(**{**fields, **changes})


def _attributes(long_name: str, symmetry: str = "none") -> dict[str, str]:
    return {"units": "dimensionless", "long_name": long_name, "symmetry": symmetry}


def _build(
    *,
    runs: int = 6,
    records: int = 5,
    width: int = 4,
    first: int = 0,
    record_count: Sequence[int] | None = None,
    study: Study | None = None,
    changes: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Make runs with the labels first, first + 1, ..., the values drawn from the label."""
    labels = np.arange(first, first + runs)
    counts = np.full(runs, records) if record_count is None else np.array(record_count)
    generator = np.random.default_rng([first, runs, records, width])
    made = np.arange(records) < counts[:, None]
    loss = np.where(made, generator.normal(size=(runs, records)), np.nan)
    overlap = generator.normal(size=(runs, records, width)).astype(np.float32)
    overlap[~made] = np.nan
    ended = np.where(counts < records, "diverged", "finished").astype(object)
    study = small_study() if study is None else study
    step = np.where(made, 10 * np.arange(records), -1)
    coordinates = {
        "run_id": ("run", [digest(int(each)) for each in labels]),
        "disorder": ("run", labels // 2),
        "replica": ("run", labels % 2),
        "start": ("run", ["prior"] * runs),
        "direction": ("run", ["none"] * runs),
        "rate": ("run", np.zeros(runs)),
        "integrator": ("run", ["langevin"] * runs),
        "physical_kinetics": ("run", np.ones(runs, dtype=np.int8)),
        "outcome": ("run", ended),
        "outcome_reason": ("run", ["" if e == "finished" else "too steep" for e in ended]),
        "record_count": ("run", counts.astype(np.int64)),
        "temperature": ("run", 0.1 + 0.1 * ((labels // 4) % 2)),
        "width": ("run", np.full(runs, width)),
        "step": (("run", "record"), step),
        "time": (("run", "record"), np.where(made, 0.01 * step, np.nan)),
    }
    variables = {
        "loss": (("run", "record"), loss, _attributes("training loss")),
        "rung": (("run", "record"), np.where(made, 3, -1), _attributes("rung")),
        "overlap": (("run", "record", "neuron"), overlap, _attributes("overlap q", "sign")),
        "event_escape_lower": ("run", 10.0 + labels, _attributes("escape, earliest")),
        "event_escape_upper": ("run", np.full(runs, np.inf), _attributes("escape, latest")),
        "gradient_count": ("run", 100 * counts.astype(np.int64), _attributes("gradients")),
    }
    attribute = {
        "study": plain_study(study),
        "identity": identity(study),
        "provenance": {"device": "cpu", "wall_seconds": float(first)},
        **(changes or {}),
    }
    dataset = xr.Dataset(variables, coordinates, {"phasegrok": attribute_text(attribute)})
    texts = ("run_id", "start", "direction", "integrator", "outcome", "outcome_reason")
    return dataset.assign_coords({n: ("run", dataset[n].values.astype(object)) for n in texts})


@pytest.fixture
def make_dataset() -> MakeDataset:
    return _build


@pytest.fixture
def make_study() -> Callable[..., Study]:
    return small_study


@pytest.fixture
def make_states() -> MakeDataset:
    def build(dataset: xr.Dataset, parameters: int = 12) -> xr.Dataset:
        runs = dataset.sizes["run"]
        values = np.random.default_rng(runs).normal(size=(runs, 2, parameters))
        return xr.Dataset(
            {"parameters": (("run", "state_record", "parameter"), values.astype(np.float32))},
            {"run_id": ("run", dataset["run_id"].values)},
            {"layout": '{"first": [3, 4]}'},
        )

    return build


STORED = Path(__file__).parent / "stored"


@pytest.fixture(scope="session")
def maker() -> ModuleType:
    """The script that makes the stored studies."""
    spec = importlib.util.spec_from_file_location("make_version", STORED / "make_version.py")
    if spec is None or spec.loader is None:
        raise ImportError("make_version.py is not there")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def whole_study(tmp_path: Path) -> Path:
    """A copy of the stored study of the newest version, in which nothing is wrong."""
    return Path(shutil.copytree(STORED / f"version_{SCHEMA_VERSION}", tmp_path / "study"))
