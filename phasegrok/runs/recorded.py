"""Runs that were made elsewhere, put into the schema."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
import numpy.typing as npt
import xarray as xr

from phasegrok.errors import InvalidValueError
from phasegrok.runs.attribute import attribute_text
from phasegrok.runs.provenance import provenance
from phasegrok.runs.steps import fill_value
from phasegrok.runs.validation import stored_as_double
from phasegrok.schema import ATTRIBUTE, RECORD, RUN, Outcome, Symmetry

__all__ = [
    "Described",
    "Origin",
    "RecordedRun",
    "RefusedControlError",
    "control_value",
    "plain_number",
    "recorded_dataset",
    "whole_number",
]


@final
class RefusedControlError(InvalidValueError):
    """A control bears a name that means something else."""


@final
@dataclass(frozen=True, kw_only=True)
class Described:
    """What a recorded variable means.

    Parameters
    ----------
    units, long_name : str
        For the axes of figures.
    symmetry : {"none", "sign"}
        "sign" where the law is even in it.
    dims : tuple of str
        Names of the dimensions of an array; without them ``<variable>_0``, ...
    """

    units: str = "dimensionless"
    long_name: str = ""
    symmetry: str = Symmetry.NONE.value
    dims: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an unknown symmetry.

        Raises
        ------
        InvalidValueError
            With the known ones.
        """
        known = [each.value for each in Symmetry]
        if self.symmetry not in known:
            raise InvalidValueError(f"symmetry must be one of {known}, got {self.symmetry!r}.")


@final
@dataclass(frozen=True, kw_only=True)
class RecordedRun:
    """One run with its records.

    Parameters
    ----------
    labels : mapping
        Value of each coordinate on ``run``; what is missing has the value of a plain run.
    controls : mapping
        Value of each control.
    step, time : (record,) array
        When.
    variables : mapping
        Name to (record, ...) array.
    """

    labels: Mapping[str, Any]
    controls: Mapping[str, Any]
    step: npt.NDArray[np.int64]
    time: npt.NDArray[np.float64]
    variables: Mapping[str, npt.NDArray[Any]]


@final
@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where recorded runs come from."""

    title: str
    descriptions: Mapping[str, Described] = field(default_factory=dict)

    def identity(self) -> dict[str, Any]:
        """Identity of a folder of such runs."""
        return {"recorded": self.title}


_PLAIN_RUN = {
    "disorder": 0,
    "replica": 0,
    "start": "recorded",
    "direction": "none",
    "rate": 0.0,
    "integrator": "recorded",
    "physical_kinetics": 0,
    "outcome": Outcome.FINISHED.value,
    "outcome_reason": "",
}

_DTYPES = {"rate": np.float64, "physical_kinetics": np.int8}


def recorded_dataset(runs: Sequence[RecordedRun], origin: Origin) -> xr.Dataset:
    """Put runs into one dataset that follows the schema.

    Parameters
    ----------
    runs : sequence of RecordedRun
        All with the same controls and variables. Shorter ones are filled up to the longest.
    origin : Origin
        Title and meaning of the variables.

    Returns
    -------
    Dataset

    Raises
    ------
    RefusedControlError
        If the name of a control is taken by the schema or by a variable.
    InvalidValueError
        If another name is taken, one dimension has two sizes, or a control is text in some
        runs and a number in others.
    """
    length = max(len(run.step) for run in runs)
    coordinates: dict[str, Any] = {
        name: (RUN, _column([{**_PLAIN_RUN, **run.labels}[name] for run in runs], name))
        for name in ("run_id", *_PLAIN_RUN)
    }
    coordinates["record_count"] = (RUN, np.array([len(run.step) for run in runs], np.int64))
    for name in runs[0].controls:
        if name in coordinates or name in ("step", "time", *runs[0].variables):
            raise RefusedControlError(
                f"a control cannot be called {name!r}, which has another meaning; rename it."
            )
        values = [run.controls[name] for run in runs]
        if len({isinstance(value, str) for value in values}) > 1:
            raise InvalidValueError(
                f"the control {name!r} must be a number in all runs or text in all, received "
                f"both: {list(dict.fromkeys(values))[:4]}."
            )
        coordinates[name] = (RUN, _column(values, name))
    for name in ("step", "time"):
        stacked = _stacked([vars(run)[name] for run in runs], length)
        coordinates[name] = ((RUN, RECORD), stacked)
    variables = {
        name: _variable([run.variables[name] for run in runs], name, origin, length)
        for name in runs[0].variables
    }
    attribute = {
        "study": None,
        "identity": origin.identity(),
        "provenance": provenance(),
        "controls": list(runs[0].controls),
    }
    text = attribute_text(attribute)
    try:
        return xr.Dataset(variables, coordinates, {ATTRIBUTE: text})
    except ValueError as error:
        raise InvalidValueError(
            f"the names {sorted(variables)} cannot stand beside the coordinates and dimensions "
            f"of a dataset ({error}); rename what clashes."
        ) from error


def control_value(name: str, value: object) -> float | int | str:
    """Take a control as a number or text.

    Parameters
    ----------
    name : str
        Control.
    value : object
        Number, numpy number or text.

    Returns
    -------
    float, int or str

    Raises
    ------
    InvalidValueError
        For anything else, or a number that is not finite.
    """
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, bool):
        return int(plain)
    if isinstance(plain, str) or (isinstance(plain, int | float) and np.isfinite(plain)):
        return plain
    raise InvalidValueError(
        f"the control {name!r} must be a finite number or text, received {value!r}."
    )


def whole_number(name: str, value: object) -> int:
    """Take a label such as a replica; 20.0 is a whole number.

    Parameters
    ----------
    name : str
        What it labels, which begins the error message.
    value : object
        Number or numpy number.

    Returns
    -------
    int

    Raises
    ------
    InvalidValueError
        For anything else, or a fraction.
    """
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, int | float) and not isinstance(plain, bool):
        if float(plain).is_integer():
            return int(plain)
    raise InvalidValueError(
        f"{name} must be a whole number such as 0, 1 or 2, received {value!r}; number them."
    )


def plain_number(name: str, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Take numbers in one of the precisions that are stored.

    Parameters
    ----------
    name : str
        Variable, for the error message.
    values : array
        Numbers or truth values.

    Returns
    -------
    array
        A copy: int64 for whole numbers and truth values; float32 and float64 as they are; other
        floats as float32 or float64, whichever holds them.

    Raises
    ------
    InvalidValueError
        For what is not real numbers.
    """
    if values.dtype.kind in "biu":
        return values.astype(np.int64)
    if values.dtype.kind == "f":
        return values.astype(np.float32 if values.dtype.itemsize <= 4 else np.float64)
    raise InvalidValueError(
        f"{name!r} must be real numbers, received {values.dtype}; leave it out or convert it."
    )


def _column(values: Sequence[Any], name: str) -> npt.NDArray[Any]:
    if any(isinstance(each, str) for each in values):
        return np.array(values, dtype=object)
    return np.asarray(values, dtype=_DTYPES.get(name))


def _stacked(arrays: Sequence[npt.NDArray[Any]], length: int) -> npt.NDArray[Any]:
    dtype = np.result_type(*arrays)
    shape = (len(arrays), length, *arrays[0].shape[1:])
    result = np.full(shape, fill_value(dtype), dtype=dtype)
    for row, array in zip(result, arrays, strict=True):
        row[: len(array)] = array
    return result


def _variable(
    arrays: Sequence[npt.NDArray[Any]], name: str, origin: Origin, length: int
) -> tuple[tuple[str, ...], npt.NDArray[Any], dict[str, str]]:
    double = stored_as_double(name) or any(
        array.dtype.kind == "f" and array.ndim == 1 for array in arrays
    )
    # Before stacking, so that what fills up whole numbers is not taken for one of them.
    stacked = _stacked([array.astype(float) if double else array for array in arrays], length)
    described = origin.descriptions.get(name, Described())
    inner = described.dims or tuple(f"{name}_{axis}" for axis in range(stacked.ndim - 2))
    attributes = {
        "units": described.units,
        "long_name": described.long_name or name.replace("_", " "),
        "symmetry": described.symmetry,
    }
    return (RUN, RECORD, *inner), stacked, attributes
