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
    ATTRIBUTE,
    HALF_SQUARE_NORM,
    LABELS,
    NOW,
    PENALTY,
    RECORD,
    RUN,
    RUN_COORDINATES,
    Outcome,
    Symmetry,
    fault_of_name,
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

_AXES = {"step": "int64", "time": "float64"}

_DOUBLE_PREFIXES = (HALF_SQUARE_NORM, PENALTY, "event_")

_MEASURED = ("float64", "float32", "int64")

_TELLING = (*LABELS, "direction", "rate")
"""What tells runs of one point apart, beside their walker on an exchange ladder."""

_WALKER = "first_rung"


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
    broken = {**_attribute(dataset), **_dimensions(dataset), **_run_coordinates(dataset)}
    breaches = [*broken.values(), *_names(dataset)]
    for check, needed in _CHECKS:
        # Without what it reads a check would only repeat the fault.
        if broken.keys().isdisjoint(needed):
            breaches += check(dataset)
    for name, variable in dataset.data_vars.items():
        breaches += _description(name, variable)
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


def _attribute(dataset: xr.Dataset) -> dict[str, str]:
    try:
        attribute_of(dataset)
    except FormatError as error:
        return {ATTRIBUTE: str(error)}
    return {}


def _dimensions(dataset: xr.Dataset) -> dict[str, str]:
    broken = {
        dimension: f"the dimension {dimension!r} is missing; it has {list(dataset.sizes)}."
        for dimension in (RUN, RECORD)
        if dimension not in dataset.sizes
    }
    if dataset.sizes.get(RUN, 1) == 0:
        broken[RUN] = f"the dimension {RUN!r} is empty; a shard holds at least one run."
    return broken


def _names(dataset: xr.Dataset) -> Iterator[str]:
    for name in dataset.variables:
        fault = fault_of_name(name)
        if fault:
            yield f"the name {name!r} {fault}; rename the variable."


def _run_coordinates(dataset: xr.Dataset) -> dict[str, str]:
    told = {name: _run_coordinate(dataset, name) for name in RUN_COORDINATES}
    return {name: breach for name, breach in told.items() if breach}


def _run_coordinate(dataset: xr.Dataset, name: str) -> str:
    if name not in dataset.coords:
        return f"the coordinate {name!r} ({RUN_COORDINATES[name]}) is missing."
    values = dataset[name]
    if values.dims != (RUN,):
        return f"the coordinate {name!r} must lie on ({RUN},), not {values.dims}."
    if name in _DTYPES and values.dtype != _DTYPES[name]:
        return f"the coordinate {name!r} must be {_DTYPES[name]}, received {values.dtype}."
    if name not in _DTYPES and not _is_text(values.values):
        return f"the coordinate {name!r} must be text, received {values.dtype}."
    return ""


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


def _labels(dataset: xr.Dataset) -> Iterator[str]:
    for name in ("disorder", "replica"):
        lowest = int(dataset[name].values.min())
        if lowest < 0:
            yield f"the {name} must be 0 or more for every run, received {lowest}."
    if not all(str(each).strip() for each in dataset["start"].values):
        yield "the start is empty; name how the initial state was made."


def _distinct_runs(dataset: xr.Dataset) -> Iterator[str]:
    """Runs that nothing tells apart: averages would take them for independent ones."""
    controls = [
        name
        for name in control_names([attribute_of(dataset)])
        if name in dataset.coords and dataset[name].dims == (RUN,)
    ]
    others = [name for name in (*_TELLING, _WALKER) if name in dataset.coords]
    columns = [dataset[name].values.tolist() for name in (*controls, *others)]
    first: dict[tuple[Any, ...], str] = {}
    for run_id, *key in zip(dataset["run_id"].values, *columns, strict=True):
        other = first.setdefault(tuple(key), str(run_id))
        if other != run_id:
            yield (
                f"the runs {other!r} and {str(run_id)!r} have the same "
                f"{', '.join((*controls, *LABELS))}; give one of them another replica."
            )


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
    yield from filter(None, (_axis(dataset, name) for name in _AXES))


def _axis(dataset: xr.Dataset, name: str) -> str:
    if name not in dataset.coords or dataset[name].dims not in ((RUN, RECORD), (RECORD,)):
        return f"the coordinate {name!r} must lie on ({RUN}, {RECORD}) or ({RECORD},)."
    if dataset[name].dtype != _AXES[name]:
        return f"the coordinate {name!r} must be {_AXES[name]}, received {dataset[name].dtype}."
    return ""


def _axes_increase(dataset: xr.Dataset) -> Iterator[str]:
    for name in _AXES:
        if not _axis(dataset, name):
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


def _variable_dims(dataset: xr.Dataset) -> Iterator[str]:
    for name, variable in dataset.data_vars.items():
        if not _well_placed(variable):
            yield (
                f"the variable {name!r} must lie on ({RUN}[, {RECORD}][, ...]), "
                f"received {variable.dims}."
            )


def _well_placed(variable: xr.DataArray) -> bool:
    dims = variable.dims
    return dims[:1] == (RUN,) and (RECORD not in dims or dims[1] == RECORD)


def _measured(dataset: xr.Dataset) -> Iterator[tuple[Hashable, xr.DataArray]]:
    """Variables whose values can be looked at."""
    for name, variable in dataset.data_vars.items():
        if _well_placed(variable) and str(variable.dtype) in _MEASURED:
            yield name, variable


def _record_values(dataset: xr.Dataset) -> Iterator[str]:
    counts = dataset["record_count"].values
    for name, variable in _measured(dataset):
        if RECORD in variable.dims:
            yield from _records_of(name, variable.values, counts)


def _run_values(dataset: xr.Dataset) -> Iterator[str]:
    ended = np.isin(dataset["outcome"].values, [Outcome.FINISHED, Outcome.TRUNCATED])
    for name, variable in _measured(dataset):
        if RECORD not in variable.dims and variable.dtype.kind == "f":
            wrong = int(np.isnan(variable.values[ended]).sum())
            if wrong:
                yield f"the variable {name!r} holds NaN in runs that finished, {wrong} times."


def _records_of(
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


_CHECKS: tuple[tuple[Callable[[xr.Dataset], Iterator[str]], tuple[str, ...]], ...] = (
    (_outcomes, (RUN, "outcome", "outcome_reason")),
    (_identifiers, (RUN, "run_id")),
    (_labels, (RUN, "disorder", "replica", "start")),
    (_distinct_runs, (RUN, ATTRIBUTE, "run_id", *_TELLING)),
    (_record_counts, (RUN, RECORD, "run_id", "record_count")),
    (_controls, (RUN, ATTRIBUTE)),
    (_other_coordinates, (RUN,)),
    (_axes, (RUN, RECORD)),
    (_axes_increase, (RUN, RECORD, "run_id", "record_count")),
    (_events, (RUN,)),
    (_variable_dims, (RUN,)),
    (_record_values, (RUN, RECORD, "record_count")),
    (_run_values, (RUN, "outcome")),
)
"""Each check with the dimensions, coordinates and attribute that it reads."""
