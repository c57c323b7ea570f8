"""Runs from a table, such as a pandas DataFrame."""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import xarray as xr

from phasegrok.errors import InvalidValueError, did_you_mean
from phasegrok.runs.recorded import (
    Origin,
    RecordedRun,
    control_value,
    plain_number,
    recorded_dataset,
    whole_number,
)
from phasegrok.runs.validation import require_valid
from phasegrok.schema import Outcome

__all__ = ["Table", "from_frame"]


class Table(Protocol):
    """Anything with named columns; pandas and polars frames are."""

    @property
    def columns(self) -> Any:
        """Names of the columns."""

    def __getitem__(self, name: Any, /) -> Any:
        """Values of one column."""


Columns = dict[str, npt.NDArray[Any]]


def from_frame(
    table: Table | Mapping[str, Any],
    *,
    controls: Sequence[str],
    run: str,
    record: str | None = None,
    disorder: str | None = None,
    replica: str | None = None,
    outcome: str | None = None,
) -> xr.Dataset:
    """Make a dataset of runs that exist elsewhere.

    Parameters
    ----------
    table : table or mapping of columns
        One row per record. Columns that are not named below become variables.
    controls : sequence of str
        Columns of what was varied; each has one value in a run.
    run : str
        Column that tells runs apart; its text becomes ``run_id``.
    record : str, optional
        Column with the step of each record. Without it every run has one row, at step 0.
    disorder, replica : str, optional
        Columns of whole numbers. Without ``replica`` the runs of one point and disorder are
        numbered in the order of the table; without ``disorder`` all have disorder 0.
    outcome : str, optional
        Column that says how the run ended; without it all finished.

    Returns
    -------
    Dataset
        Follows the schema: analyse it, or store it with `write_shard`.

    Raises
    ------
    InvalidValueError
        If a column is missing or not numbers, a control changes within a run, a value is
        missing (NaN), or two rows are one record.
    FormatError
        If two runs have the same controls and labels, or another breach of the schema is left.

    Examples
    --------
    >>> table = {"id": ["a", "b"], "temperature": [0.1, 0.2], "loss": [0.5, 0.7]}
    >>> runs = from_frame(table, controls=["temperature"], run="id")
    >>> runs["loss"].values.ravel().tolist()
    [0.5, 0.7]
    """
    if isinstance(controls, str) or not isinstance(controls, Sequence):
        raise InvalidValueError(
            "controls must be a list of columns, such as ['temperature']; received "
            f"{controls!r}."
        )
    columns = _columns(table)
    roles = {"record": record, "disorder": disorder, "replica": replica, "outcome": outcome}
    named = [run, *controls, *(each for each in roles.values() if each is not None)]
    for name in named:
        if name not in columns:
            raise InvalidValueError(
                f"the table has no column {name!r}." + did_you_mean(name, columns)
            )
    variables = [name for name in columns if name not in named]
    runs = []
    counted: dict[Hashable, int] = {}
    for run_id, rows in _rows_by_run(columns[run], None if record is None else columns[record]):
        one = {name: values[rows] for name, values in columns.items()}
        runs.append(_run(run_id, one, controls, roles, variables, counted))
    dataset = recorded_dataset(runs, Origin(title="from_frame"))
    require_valid(dataset)
    return dataset


def _columns(table: Table | Mapping[str, Any]) -> Columns:
    if not isinstance(table, Mapping) and not hasattr(table, "columns"):
        raise InvalidValueError(
            "the table must have named columns, as a pandas frame or a mapping of names to "
            f"columns; received {type(table).__name__}."
        )
    names = table.keys() if isinstance(table, Mapping) else table.columns
    twice = [name for name, count in Counter(str(name) for name in names).items() if count > 1]
    if twice:
        raise InvalidValueError(
            f"the table has two columns of the name {twice[0]!r}; rename or drop one of them."
        )
    columns = {str(name): np.asarray(table[name]) for name in names}
    lengths = {name: values.shape for name, values in columns.items()}
    if len(set(lengths.values())) > 1 or any(len(shape) != 1 for shape in lengths.values()):
        raise InvalidValueError(f"the columns must be of one length, received {lengths}.")
    if not columns or next(iter(lengths.values())) == (0,):
        raise InvalidValueError("the table must hold at least one row, received none.")
    return columns


def _rows_by_run(
    runs: npt.NDArray[Any], records: npt.NDArray[Any] | None
) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
    groups: dict[str, list[int]] = {}
    for row, name in enumerate(runs):
        groups.setdefault(str(name), []).append(row)
    for name, members in groups.items():
        rows = np.array(members)
        if records is None:
            if len(rows) > 1:
                raise InvalidValueError(
                    f"the run {name!r} has {len(rows)} rows; name the column of their steps "
                    "by record=."
                )
        else:
            rows = rows[np.argsort(records[rows], kind="stable")]
            if len(np.unique(records[rows])) < len(rows):
                raise InvalidValueError(
                    f"the run {name!r} has two rows with one step; keep one of them."
                )
        yield name, rows


def _run(
    run_id: str,
    columns: Columns,
    controls: Sequence[str],
    roles: Mapping[str, str | None],
    variables: Sequence[str],
    counted: dict[Hashable, int],
) -> RecordedRun:
    point = {name: control_value(name, _one(run_id, name, columns)) for name in controls}
    labels: dict[str, Any] = {"run_id": run_id, "disorder": 0}
    for label in ("disorder", "replica", "outcome"):
        column = roles[label]
        if column is not None:
            value = _one(run_id, column, columns)
            where = f"the column {column!r}, in the run {run_id!r},"
            labels[label] = value if label == "outcome" else whole_number(where, value)
    if roles["replica"] is None:
        same = (*point.values(), labels["disorder"])
        labels["replica"] = counted[same] = counted.get(same, -1) + 1
    if labels.get("outcome", Outcome.FINISHED.value) != Outcome.FINISHED.value:
        labels["outcome_reason"] = "not stated in the table"
    record = roles["record"]
    length = len(next(iter(columns.values())))
    step = np.zeros(length, np.int64) if record is None else _steps(record, columns[record])
    return RecordedRun(
        labels=labels,
        controls=point,
        step=step,
        time=step.astype(np.float64),
        variables={name: _complete(run_id, name, columns[name]) for name in variables},
    )


def _one(run_id: str, name: str, columns: Columns) -> Any:
    values = list(dict.fromkeys(columns[name].tolist()))
    if any(isinstance(value, float) and np.isnan(value) for value in values):
        raise InvalidValueError(
            f"the column {name!r} misses a value (NaN) in the run {run_id!r}; fill it in, or "
            "leave out that run."
        )
    if len(values) > 1:
        raise InvalidValueError(
            f"the column {name!r} must have one value in a run, and has {values[:3]} "
            f"in the run {run_id!r}; what changes within a run is a variable."
        )
    return values[0]


def _steps(name: str, values: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    numbers = plain_number(name, values)
    # Of NaN, infinity and what no int64 holds the comparison is false.
    wrong = numbers[~((np.abs(numbers) < 2.0**63) & (numbers == np.floor(numbers)))]
    if wrong.size:
        raise InvalidValueError(
            f"the column {name!r} must hold whole numbers of steps, received {wrong[0]}; "
            "correct or leave out those rows."
        )
    return numbers.astype(np.int64)


def _complete(run_id: str, name: str, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    numbers = plain_number(name, values)
    absent = np.flatnonzero(np.isnan(numbers))
    if len(absent):
        raise InvalidValueError(
            f"the column {name!r} misses {len(absent)} values in the run {run_id!r}; leave out "
            "those rows or that column. A run that diverged keeps the rows before."
        )
    return numbers
