"""Whether a dataset follows the schema, and every place where it does not."""

from collections.abc import Callable, Hashable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from phasegrok.errors import FormatError, InvalidValueError
from phasegrok.runs.attribute import attribute_of, control_names
from phasegrok.runs.steps import fill_value, made
from phasegrok.schema import (
    HALF_SQUARE_NORM,
    NOW,
    PENALTY,
    RECORD,
    RUN,
    RUN_COORDINATES,
    Outcome,
    Symmetry,
)

__all__ = ["require_valid", "stored_as_double", "validate"]

_DTYPES = {
    "disorder": "int64",
    "replica": "int64",
    "record_count": "int64",
    "rate": "float64",
    "physical_kinetics": "int8",
}
"""Of the coordinates on ``run`` that are numbers; the others are text."""

_DOUBLE_PREFIXES = (HALF_SQUARE_NORM, PENALTY, "event_")

_MEASURED = ("float64", "float32", "int64")


def validate(dataset: xr.Dataset) -> list[str]:
    """List every breach of the schema at once.

    Parameters
    ----------
    dataset : Dataset
        Runs, as a shard holds them or as `open_runs` returns them. All data are read.

    Returns
    -------
    list of str
        One sentence for each breach; empty for a dataset that may be stored.

    Raises
    ------
    InvalidValueError
        If it is no dataset.
    """
    if not isinstance(dataset, xr.Dataset):
        raise InvalidValueError(
            "only an xarray Dataset can follow the schema, as open_runs returns it; received "
            f"{type(dataset).__name__}."
        )
    breaches = [*_attribute(dataset), *_dimensions(dataset), *_names(dataset)]
    breaches += _run_coordinates(dataset)
    if breaches:
        # What follows reads the values by these names, so it would only repeat the fault.
        return breaches
    for check in _CHECKS:
        breaches += check(dataset)
    for name, variable in dataset.data_vars.items():
        breaches += _description(name, variable)
        breaches += _values(name, variable, dataset)
    return breaches


def require_valid(dataset: xr.Dataset) -> None:
    """Refuse a dataset that breaches the schema.

    Raises
    ------
    FormatError
        With one line for each breach.
    """
    breaches = validate(dataset)
    if breaches:
        raise FormatError(
            "the dataset must follow the schema (docs/schema.md), and does not:\n"
            + "\n".join(f"  {breach}" for breach in breaches)
        )


def stored_as_double(name: str) -> bool:
    """Tell whether a variable enters the energy or its schedule, and so must be float64."""
    return name == "loss" or name.startswith(_DOUBLE_PREFIXES) or name.endswith(NOW)


def _attribute(dataset: xr.Dataset) -> Iterator[str]:
    try:
        attribute_of(dataset)
    except FormatError as error:
        yield str(error)


def _dimensions(dataset: xr.Dataset) -> Iterator[str]:
    for dimension in (RUN, RECORD):
        if dimension not in dataset.sizes:
            yield f"the dimension {dimension!r} is missing; it has {list(dataset.sizes)}."
    if dataset.sizes.get(RUN, 1) == 0:
        yield f"the dimension {RUN!r} is empty; a shard holds at least one run."


def _names(dataset: xr.Dataset) -> Iterator[str]:
    for name in dataset.variables:
        text = str(name)
        if not isinstance(name, str) or not text or "/" in text or text.split() != [text]:
            yield f"the name {name!r} must be one word of text without a slash."
        if name in (RUN, RECORD, "entry"):
            yield f"the name {name!r} is that of a dimension; rename the variable."


def _run_coordinates(dataset: xr.Dataset) -> Iterator[str]:
    for name, meaning in RUN_COORDINATES.items():
        if name not in dataset.coords:
            yield f"the coordinate {name!r} ({meaning}) is missing."
        elif dataset[name].dims != (RUN,):
            yield f"the coordinate {name!r} must lie on ({RUN},), not {dataset[name].dims}."
        elif name in _DTYPES and dataset[name].dtype != _DTYPES[name]:
            yield (
                f"the coordinate {name!r} must be {_DTYPES[name]}, "
                f"received {dataset[name].dtype}."
            )
        elif name not in _DTYPES and not _is_text(dataset[name].values):
            yield f"the coordinate {name!r} must be text, received {dataset[name].dtype}."


def _outcomes(dataset: xr.Dataset) -> Iterator[str]:
    known = [outcome.value for outcome in Outcome]
    for outcome in sorted({str(each) for each in dataset["outcome"].values} - {*known}):
        yield f"the outcome {outcome!r} is not one of {known}."
    reason = np.array([bool(each) for each in dataset["outcome_reason"].values])
    finished = dataset["outcome"].values == Outcome.FINISHED.value
    silent = int(np.sum(~finished & ~reason))
    if silent:
        yield f"{silent} runs did not finish and give no outcome_reason."


def _identifiers(dataset: xr.Dataset) -> Iterator[str]:
    names, counts = np.unique(dataset["run_id"].values.astype(str), return_counts=True)
    for name, count in zip(names[counts > 1], counts[counts > 1], strict=True):
        yield f"the run_id {str(name)!r} occurs {count} times; it must be unique."
    if "" in names:
        yield "a run_id is empty."


def _record_counts(dataset: xr.Dataset) -> Iterator[str]:
    counts, length = dataset["record_count"].values, dataset.sizes[RECORD]
    wrong = np.flatnonzero((counts < 0) | (counts > length))
    for index in wrong:
        yield (
            f"the run {dataset['run_id'].values[index]!r} has record_count {counts[index]}, "
            f"which must lie between 0 and the number of records, {length}."
        )


def _controls(dataset: xr.Dataset) -> Iterator[str]:
    for name in control_names([attribute_of(dataset)]):
        if name not in dataset.coords or dataset[name].dims != (RUN,):
            yield f"the control {name!r} of the study must be a coordinate on ({RUN},)."
        elif dataset[name].dtype.kind == "f" and not np.isfinite(dataset[name].values).all():
            yield f"the control {name!r} must be finite for every run."


def _other_coordinates(dataset: xr.Dataset) -> Iterator[str]:
    for name, values in dataset.coords.items():
        if name in RUN_COORDINATES or str(values.dtype) in ("float64", "int64", "int8"):
            continue
        if values.dims != (RUN,) or not _is_text(values.values):
            yield (
                f"the coordinate {name!r} must be float64, int64, int8, or text on ({RUN},), "
                f"received {values.dtype} on {values.dims}."
            )


def _axes(dataset: xr.Dataset) -> Iterator[str]:
    for name, dtype in (("step", "int64"), ("time", "float64")):
        if name not in dataset.coords or dataset[name].dims not in ((RUN, RECORD), (RECORD,)):
            yield f"the coordinate {name!r} must lie on ({RUN}, {RECORD}) or ({RECORD},)."
        elif dataset[name].dtype != dtype:
            yield f"the coordinate {name!r} must be {dtype}, received {dataset[name].dtype}."
        else:
            yield from _increases(name, dataset)


def _increases(name: str, dataset: xr.Dataset) -> Iterator[str]:
    values, counts = dataset[name].values, dataset["record_count"].values
    valid = made(counts, dataset.sizes[RECORD])
    values = np.broadcast_to(values, valid.shape)
    if not np.isfinite(values[valid]).all():
        yield f"the coordinate {name!r} is not finite within valid records."
        return
    change = np.where(valid[:, 1:], values[:, 1:] - values[:, :-1], 1)
    # Times stand still where the step size is zero; steps never do.
    wrong = (change <= 0) if name == "step" else (change < 0)
    if wrong.any():
        run = dataset["run_id"].values[np.flatnonzero(wrong.any(axis=1))[0]]
        yield f"the coordinate {name!r} must increase along {RECORD}, unlike in run {run!r}."


def _events(dataset: xr.Dataset) -> Iterator[str]:
    ends = ("_lower", "_upper")
    bounds = [str(each) for each in dataset.data_vars if str(each).startswith("event_")]
    for name in sorted({each.removesuffix("_lower").removesuffix("_upper") for each in bounds}):
        missing = [name + end for end in ends if name + end not in dataset.data_vars]
        if missing:
            yield f"the event variable {missing[0]!r} is missing; every event has two bounds."
        elif dataset[name + "_lower"].dims == dataset[name + "_upper"].dims == (RUN,):
            lower, upper = (dataset[name + end].values for end in ends)
            if np.any(lower > upper):
                yield f"the event {name!r} has lower bounds above the upper ones."
        else:
            yield f"the bounds of the event {name!r} must lie on ({RUN},)."


_CHECKS: tuple[Callable[[xr.Dataset], Iterator[str]], ...] = (
    _outcomes,
    _identifiers,
    _record_counts,
    _controls,
    _other_coordinates,
    _axes,
    _events,
)


def _description(name: Hashable, variable: xr.DataArray) -> Iterator[str]:
    for attribute in ("units", "long_name"):
        if not isinstance(variable.attrs.get(attribute), str):
            yield f"the variable {name!r} needs the attribute {attribute!r} as text."
    if variable.attrs.get("symmetry") not in [each.value for each in Symmetry]:
        yield (
            f"the variable {name!r} needs the attribute 'symmetry' as one of "
            f"{[each.value for each in Symmetry]}, "
            f"received {variable.attrs.get('symmetry')!r}."
        )
    allowed = ("float64",) if stored_as_double(str(name)) else _MEASURED
    if str(variable.dtype) not in allowed:
        yield f"the variable {name!r} must be {' or '.join(allowed)}, not {variable.dtype}."


def _values(name: Hashable, variable: xr.DataArray, dataset: xr.Dataset) -> Iterator[str]:
    dims = variable.dims
    if dims[:1] != (RUN,) or (RECORD in dims and dims[1] != RECORD):
        yield f"the variable {name!r} must lie on ({RUN}[, {RECORD}][, ...]), received {dims}."
    elif str(variable.dtype) not in _MEASURED:
        return
    elif RECORD in dims:
        yield from _record_values(name, variable.values, dataset["record_count"].values)
    elif variable.dtype.kind == "f":
        ended = np.isin(dataset["outcome"].values, [Outcome.FINISHED, Outcome.TRUNCATED])
        wrong = int(np.isnan(variable.values[ended]).sum())
        if wrong:
            yield f"the variable {name!r} holds NaN in runs that finished, {wrong} times."


def _record_values(
    name: Hashable, values: npt.NDArray[Any], counts: npt.NDArray[np.int64]
) -> Iterator[str]:
    valid = made(counts, values.shape[1])
    absent = np.isnan(values) if values.dtype.kind == "f" else None
    wrong = 0 if absent is None else int(absent[valid].sum())
    if wrong:
        yield f"the variable {name!r} holds NaN within valid records, {wrong} times."
    later = values[~valid] == fill_value(values.dtype) if absent is None else absent[~valid]
    if not later.all():
        yield (
            f"the variable {name!r} holds values beyond record_count, where only "
            f"{fill_value(values.dtype)} may stand."
        )


def _is_text(values: npt.NDArray[Any]) -> bool:
    return values.dtype.kind in "UT" or (
        values.dtype.kind == "O" and all(isinstance(each, str) for each in values.flat)
    )
