"""Samples of known systems as datasets in the schema."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, final

import numpy as np
import numpy.typing as npt
import xarray as xr

from phasegrok.exact.checking import FloatArray, require_memory
from phasegrok.exact.labels import RunLabels, Source
from phasegrok.schema import ATTRIBUTE, RECORD, RUN, SCHEMA_VERSION, Outcome, Symmetry

__all__ = ["Observed", "require_dataset_memory", "samples_dataset"]

_PACKAGES = ("phasegrok", "numpy", "scipy", "xarray")


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Observed:
    """One variable.

    Parameters
    ----------
    values : (run, record) array
        Numbers.
    long_name : str
        Meaning.
    symmetry : Symmetry
        ``SIGN`` where its law is even.
    """

    values: FloatArray
    long_name: str
    symmetry: Symmetry = Symmetry.NONE


def samples_dataset(
    source: Source,
    runs: Sequence[RunLabels],
    *,
    step: npt.NDArray[np.int64],
    variables: Mapping[str, Observed],
    derived: Mapping[str, npt.NDArray[Any]] | None = None,
) -> xr.Dataset:
    """Put samples into the schema.

    Parameters
    ----------
    source : Source
        Where they come from.
    runs : sequence of RunLabels
        One per run.
    step : (record,) array
        Number of updates, or of draws, before each record; time is the same number.
    variables : mapping
        Name to values with their meaning.
    derived : mapping, optional
        Name to (run,) array of further coordinates that follow from the controls.

    Returns
    -------
    Dataset
        Follows docs/schema.md.
    """
    shape = (len(runs), len(step))
    controls = list(runs[0].controls)
    coordinates: dict[str, Any] = {
        name: (RUN, np.array([run.controls[name] for run in runs])) for name in controls
    }
    coordinates |= {name: (RUN, values) for name, values in (derived or {}).items()}
    coordinates |= _run_coordinates(source, runs, len(step))
    # Views without memory of their own. On (run, record), so that sizes with unequal steps
    # can be concatenated without one taking the other's.
    coordinates["step"] = ((RUN, RECORD), np.broadcast_to(step, shape))
    coordinates["time"] = ((RUN, RECORD), np.broadcast_to(step.astype(np.float64), shape))
    data = {
        name: ((RUN, RECORD), each.values, _meaning(each)) for name, each in variables.items()
    }
    attribute = {
        "schema_version": SCHEMA_VERSION,
        "study": None,
        "identity": source.identity(),
        "provenance": {"packages": _package_versions(), "seed": int(source.seed)},
        "controls": controls,
    }
    return xr.Dataset(data, coordinates, {ATTRIBUTE: json.dumps(attribute)})


def require_dataset_memory(
    runs: Sequence[RunLabels],
    record_count: int,
    *,
    variable_count: int,
    other_bytes: float = 0.0,
) -> None:
    """Refuse samples that would not fit.

    Parameters
    ----------
    runs : sequence of RunLabels
        All runs of the call.
    record_count : int
        Records of each.
    variable_count : int
        Numbers per record, of 8 bytes.
    other_bytes : float
        What is needed besides.

    Raises
    ------
    InvalidValueError
        With the estimate.
    """
    kept = 8 * len(runs) * record_count * variable_count
    require_memory(f"{len(runs)} runs of {record_count} records", kept + other_bytes)


def _run_coordinates(
    source: Source, runs: Sequence[RunLabels], record_count: int
) -> dict[str, tuple[str, npt.NDArray[Any]]]:
    count = len(runs)

    def text(value: str) -> npt.NDArray[Any]:
        return np.full(count, value, dtype=object)

    columns: dict[str, npt.NDArray[Any]] = {
        "run_id": np.array([source.run_id(run) for run in runs], dtype=object),
        "disorder": np.array([run.disorder for run in runs], np.int64),
        "replica": np.array([run.replica for run in runs], np.int64),
        "start": np.array([run.start for run in runs], dtype=object),
        "direction": text("none"),
        "rate": np.zeros(count),
        "integrator": text(source.integrator),
        "physical_kinetics": np.full(count, source.physical_kinetics, np.int8),
        "outcome": text(Outcome.FINISHED.value),
        "outcome_reason": text(""),
        "record_count": np.full(count, record_count, np.int64),
    }
    return {name: (RUN, values) for name, values in columns.items()}


def _meaning(observed: Observed) -> dict[str, str]:
    return {
        "units": "dimensionless",
        "long_name": observed.long_name,
        "symmetry": observed.symmetry.value,
    }


def _package_versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
