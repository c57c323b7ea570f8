"""A study whose numbers are known because the test made them up."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from phasegrok.runs import StudyFolder, attribute_text, write_shard
from phasegrok.study import (
    Energy,
    Plan,
    Recording,
    Study,
    identity,
    part,
    plain_study,
    requested_runs,
)

RECORDS = 40
BURN_IN = 8
MEANS = {"aligned_fraction": 0.05, "linear_discrepancy": 0.3, "cubic_discrepancy": -0.28}
MakeStudyFolder = Callable[..., Path]


def described(**changes: Any) -> Study:
    fields: dict[str, Any] = {
        "name": "Made <up> numbers",
        "seed": 11,
        "task": part("cubic_teacher", input_size=53, example_count=375, cubic=-0.3),
        "network": part(
            "two_layer", width=88, activation="erf", first_variance=0.5, readout_variance=0.0323
        ),
        "dynamics": part("hmc", burn_in=BURN_IN),
        "energy": Energy(temperature=0.18, weight_decay="prior"),
        "recording": Recording(steps=RECORDS - 1, observables=[part(name) for name in MEANS]),
        "plan": Plan(
            grid={"temperature": [0.1, 0.3], "example_count": [250, 375]},
            disorders=3,
            replicas=2,
            starts=("prior", "aligned"),
        ),
    }
    return Study(**{**fields, **changes})


def made_up(
    study: Study, *, neurons: int = 0, outcomes: dict[int, str] | None = None
) -> xr.Dataset:
    """Runs in the schema; disorder shifts the means, records are independent."""
    requests = requested_runs(study)
    rng = np.random.default_rng(5)
    words = np.full(len(requests), "finished", dtype=object)
    for run, word in (outcomes or {}).items():
        words[run] = word
    made = np.where(words == "failed", 0, np.where(words == "diverged", 5, RECORDS))
    valid = np.arange(RECORDS) < made[:, None]
    shift = np.array([0.01, -0.02, 0.015])[[request.disorder for request in requests]]
    attrs = {"units": "1", "long_name": "made up", "symmetry": "none"}
    variables: dict[str, Any] = {}
    for name, mean in {"loss": 30.0, **MEANS}.items():
        values = mean * (1.0 + shift[:, None] + 0.1 * rng.normal(size=(len(requests), RECORDS)))
        variables[name] = (("run", "record"), np.where(valid, values, np.nan), attrs)
    variables["acceptance"] = (("run", "record"), np.where(valid, 0.8, np.nan), attrs)
    variables["gradient_count"] = ("run", 10 * made.astype(np.int64), attrs)
    if neurons:
        overlaps = rng.normal(scale=0.2, size=(len(requests), RECORDS, neurons))
        overlaps = np.where(valid[..., None], overlaps, np.nan).astype(np.float32)
        dims = ("run", "record", "neuron")
        variables["teacher_overlap"] = (dims, overlaps, {**attrs, "symmetry": "sign"})
    temperature = np.array([request.controls["temperature"] for request in requests])
    text = {
        "run_id": [request.run_id for request in requests],
        "start": [request.start for request in requests],
        "direction": ["none"] * len(requests),
        "integrator": ["hmc"] * len(requests),
        "outcome": words,
        "outcome_reason": ["" if w == "finished" else f"<{w}> on purpose" for w in words],
    }
    step = np.where(valid, np.arange(RECORDS), -1)
    coordinates = {
        **{name: ("run", np.array(values, dtype=object)) for name, values in text.items()},
        "disorder": ("run", [request.disorder for request in requests]),
        "replica": ("run", [request.replica for request in requests]),
        "rate": ("run", np.zeros(len(requests))),
        "physical_kinetics": ("run", np.zeros(len(requests), dtype=np.int8)),
        "record_count": ("run", made.astype(np.int64)),
        "temperature": ("run", temperature),
        "noise_variance": ("run", temperature),
        "example_count": ("run", [request.controls["example_count"] for request in requests]),
        "width": ("run", np.full(len(requests), 88)),
        "prior_variance_first": ("run", np.full(len(requests), 0.5 / 53)),
        "prior_variance_readout": ("run", np.full(len(requests), 0.0323 / 88)),
        "step": (("run", "record"), step),
        "time": (("run", "record"), np.where(valid, 1.0 * step, np.nan)),
    }
    attribute = {
        "study": plain_study(study),
        "identity": identity(study),
        "provenance": {"device": "cpu", "wall_seconds": 12.0, "command": "made & up"},
    }
    return xr.Dataset(variables, coordinates, {"phasegrok": attribute_text(attribute)})


@pytest.fixture
def make_study_folder(tmp_path: Path) -> MakeStudyFolder:
    def make(
        *, neurons: int = 0, outcomes: dict[int, str] | None = None, **changes: Any
    ) -> Path:
        study = described(**changes)
        path = tmp_path / "study"
        StudyFolder.create(path, study)
        write_shard(path, made_up(study, neurons=neurons, outcomes=outcomes))
        return path

    return make


@pytest.fixture(scope="session")
def analysed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Analysed once: one run failed, one diverged, the rest finished."""
    from phasegrok.report import report_study

    path = tmp_path_factory.mktemp("report") / "study"
    study = described()
    StudyFolder.create(path, study)
    write_shard(path, made_up(study, outcomes={3: "failed", 20: "diverged"}))
    report_study(path)
    return path
