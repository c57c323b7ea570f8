"""Make the stored fixture of one schema version, with the writers of that version.

Run once by ``python tests/runs/stored/make_version.py tests/runs/stored/version_N`` when
``SCHEMA_VERSION`` has become N, and never again for an older one.

The numbers are fractions of powers of two, so that they are the same on every machine. The
expected values in ``expected.json`` are those that the writers were given.
"""

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from phasegrok.runs import StudyFolder, attribute_text, write_shard
from phasegrok.study import (
    Event,
    Plan,
    Recording,
    RunRequest,
    Study,
    identity,
    part,
    plain_study,
    requested_runs,
)

RECORDS = 4
EARLY = {
    1: ("diverged", 2, "the energy ran away — at step 20"),
    2: ("failed", 0, "ValueError: 1"),
}
"""Place in its shard to outcome, number of records and reason, where a run did not finish."""


class Part(NamedTuple):
    """What goes into one shard."""

    runs: xr.Dataset
    states: xr.Dataset | None


def study() -> Study:
    """A description with a number, a whole number and a word as controls."""
    return Study(
        name="Stored — für später",
        seed=11,
        task=part("cubic_teacher", input_size=5, example_count=20, cubic=-0.3),
        network=part("two_layer", width=4, activation="tanh"),
        dynamics=part("langevin", step_size=0.01),
        recording=Recording(steps=30, every=10, states="last"),
        events=[Event(name="escape", observable=part("test_loss"), threshold=0.5)],
        plan=Plan(
            grid={
                "temperature": [0.125, 0.25],
                "width": [3, 5],
                "activation": ["erf", "linear"],
            }
        ),
    )


def parts() -> list[Part]:
    """One dataset a width; the first with weights and a common axis of steps and times."""
    requests = requested_runs(study())
    by_width = {
        width: [each for each in requests if each.controls["width"] == width]
        for width in (3, 5)
    }
    narrow, wide = runs_of(by_width[3], EARLY), runs_of(by_width[5], {})
    delayed = wide["time"].values * (1.0 + np.arange(4)[:, None] / 4)
    wide = wide.assign_coords(time=(("run", "record"), delayed))
    return [Part(narrow, _states(narrow)), Part(wide, None)]


def expected(given: list[Part]) -> dict[str, Any]:
    """Everything that the writers are given, as plain JSON."""
    return {
        "study": plain_study(study()),
        "identity": identity(study()),
        "parts": [
            {
                "runs": _plain(each.runs),
                "states": None if each.states is None else _plain(each.states),
            }
            for each in given
        ],
    }


def make(folder: Path) -> None:
    """Write the study, its shards and what is expected of them."""
    StudyFolder.create(folder, study())
    given = parts()
    for each in given:
        write_shard(folder, each.runs, each.states)
    text = json.dumps(expected(given), indent=1, ensure_ascii=False, allow_nan=False)
    (folder / "expected.json").write_text(text + "\n", encoding="utf-8")


def runs_of(requests: list[RunRequest], early: dict[int, tuple[str, int, str]]) -> xr.Dataset:
    """Runs of one width, some of which end early."""
    count, width = len(requests), int(requests[0].controls["width"])
    ends = [early.get(place, ("finished", RECORDS, "")) for place in range(count)]
    counts = np.array([each[1] for each in ends], dtype=np.int64)
    made = np.arange(RECORDS) < counts[:, None]
    step = np.where(made, 10 * np.arange(RECORDS), -1)
    coordinates: dict[str, Any] = {
        "run_id": _text([each.run_id for each in requests]),
        "disorder": ("run", np.array([each.disorder for each in requests])),
        "replica": ("run", np.array([each.replica for each in requests])),
        "start": _text([each.start for each in requests]),
        "direction": _text(["none"] * count),
        "rate": ("run", np.zeros(count)),
        "integrator": _text(["langevin"] * count),
        "physical_kinetics": ("run", np.ones(count, dtype=np.int8)),
        "outcome": _text([each[0] for each in ends]),
        "outcome_reason": _text([each[2] for each in ends]),
        "record_count": ("run", counts),
        "temperature": ("run", np.array([each.controls["temperature"] for each in requests])),
        "width": ("run", np.full(count, width)),
        "activation": _text([str(each.controls["activation"]) for each in requests]),
        "prior_variance_first": ("run", np.full(count, np.inf)),
        "step": (("run", "record"), step),
        "time": (("run", "record"), np.where(made, step / 128, np.nan)),
    }
    records = (count, RECORDS)
    variables = {
        "loss": _variable(records, made, "training loss", np.float64),
        "half_square_norm_first": _variable(records, made, "½|θ|², layer first", np.float64),
        "rung": _variable(records, made, "rung", np.int64),
        "overlap": _variable((*records, width), made, "overlap q", np.float32, "sign"),
        "last_norm": _variable((count, width), counts > 0, "norm of a neuron", np.float64),
        "event_escape_lower": _variable((count,), None, "escape, earliest", np.float64),
        "event_escape_upper": (
            "run",
            np.full(count, np.inf),
            {"units": "step", "long_name": "escape, latest", "symmetry": "none"},
        ),
        "gradient_count": _variable((count,), None, "gradients computed", np.int64),
    }
    attribute = {
        "study": plain_study(study()),
        "identity": identity(study()),
        "provenance": {"device": "cpu", "wall_seconds": 0.5, "packages": {"numpy": "2"}},
    }
    return xr.Dataset(variables, coordinates, {"phasegrok": attribute_text(attribute)})


def _text(values: list[str]) -> tuple[str, npt.NDArray[Any]]:
    return "run", np.array(values, dtype=object)


def _variable(
    shape: tuple[int, ...],
    made: npt.NDArray[np.bool_] | None,
    long_name: str,
    dtype: type[np.number[Any]],
    symmetry: str = "none",
) -> tuple[tuple[str, ...], npt.NDArray[Any], dict[str, str]]:
    """Fractions that differ everywhere, fill where nothing was made."""
    count = int(np.prod(shape))
    whole = (np.arange(count) * 37 + len(long_name)) % 1009
    values = whole if dtype is np.int64 else (whole - 400) / 256
    values = values.reshape(shape).astype(dtype)
    if made is not None:
        values[~made] = -1 if dtype is np.int64 else np.nan
    dims = ("run",) if made is None or made.ndim == 1 else ("run", "record")
    inner = () if len(shape) == len(dims) else ("neuron",)
    about = {"units": "dimensionless", "long_name": long_name, "symmetry": symmetry}
    return (*dims, *inner), values, about


def _states(runs: xr.Dataset) -> xr.Dataset:
    """Weights of the runs that finished."""
    kept = runs["run_id"].values[runs["outcome"].values == "finished"]
    values = (np.arange(len(kept) * 7).reshape(len(kept), 1, 7) / 64).astype(np.float32)
    about = {"units": "1", "long_name": "weights in a flat row", "layout": '{"first": [7]}'}
    return xr.Dataset(
        {"parameters": (("run", "state_record", "parameter"), values, about)},
        {"run_id": ("run", kept)},
        {"kept": "last"},
    )


def _plain(dataset: xr.Dataset) -> dict[str, Any]:
    return {
        str(name): {
            "dims": list(variable.dims),
            "dtype": "text" if variable.dtype.kind == "O" else str(variable.dtype),
            "coordinate": name in dataset.coords,
            "attributes": dict(variable.attrs),
            "values": _listed(variable.values.tolist()),
        }
        for name, variable in dataset.variables.items()
    }


def _listed(values: Any) -> Any:
    """Nested lists; floats as text in base 16, which holds every bit, NaN and infinity."""
    if isinstance(values, list):
        return [_listed(each) for each in values]
    return values.hex() if isinstance(values, float) else values


if __name__ == "__main__":
    make(Path(sys.argv[1]))
