"""Hysteresis loops: where each branch of a driven run switches, and what area a loop has."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, final

import numpy as np
import xarray as xr

from phasegrok.errors import FormatError, InvalidValueError
from phasegrok.schema import NOW, RECORD, RUN
from phasegrok.statistics.samples import FloatArray, IntArray
from phasegrok.transitions.demands import (
    real_numbers,
    require_dataset,
    require_magnitude,
    require_variables,
)
from phasegrok.transitions.physical_time import require_physical_time
from phasegrok.transitions.usable_runs import record_counts, usable_runs

__all__ = ["Branch", "SwitchStatus", "branches_of", "switching_fields"]


class SwitchStatus(IntEnum):
    """What a branch did within its range."""

    SWITCHED = 0
    """It crossed the level and stayed beyond."""
    NEVER = 1
    """It ended in the phase in which it began: its switching field lies beyond the range."""
    ALREADY = 2
    """It began beyond the level: its switching field lies before the range."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Branch:
    """One way of a control through its range.

    Parameters
    ----------
    run : int
        Index of the run.
    direction : str
        "up" or "down".
    control, values : (record,) arrays
        Control and order parameter.
    """

    run: int
    direction: str
    control: FloatArray
    values: FloatArray


def branches_of(dataset: xr.Dataset, *, control: str, variable: str) -> list[Branch]:
    """Cut driven runs where the control turns.

    Parameters
    ----------
    dataset : Dataset
        In the schema, with ``<control>_now`` and the variable on (run, record).
    control, variable : str
        Names of the control that is driven and of the order parameter.

    Returns
    -------
    list of Branch
        A run that goes around has one of each direction, and both hold the turning point.
        Runs that diverged or failed, and records never made, are left out.

    Raises
    ------
    FormatError
        Where a variable is missing, the control changes in no run, or time has no physical
        meaning in one.
    InvalidValueError
        Where a record of a usable run is not finite.
    """
    require_dataset("driven runs", dataset)
    require_physical_time("loops", dataset)
    names = (f"{control}{NOW}", variable)
    advice = "record runs whose control follows a ramp"
    require_variables("loops", dataset, names, dims=(RUN, RECORD), advice=advice)
    labels = ("record_count", "outcome")
    require_variables("loops", dataset, labels, dims=(RUN,), advice="follow the schema")
    now, values = (real_numbers(name, dataset[name].to_numpy()) for name in names)
    counts = record_counts(dataset["record_count"], dataset.sizes[RECORD])
    usable = usable_runs(dataset["outcome"])
    for run in np.flatnonzero(usable):
        for name, each in zip(names, (now, values), strict=True):
            _require_sound(each[run, : counts[run]], name, int(run))
    found = [
        branch
        for run in np.flatnonzero(usable)
        for branch in _cut(int(run), now[run, : counts[run]], values[run, : counts[run]])
    ]
    if not found:
        raise FormatError(
            f"loops need runs in which {names[0]!r} changes, received none of "
            f"{len(counts)}; ramp the control within a run."
        )
    return found


def switching_fields(
    dataset: xr.Dataset, *, control: str, variable: str, level: float | None = None
) -> xr.Dataset:
    """Find the control at which each branch switches.

    Parameters
    ----------
    dataset : Dataset
        Driven runs in the schema, see `branches_of`.
    control, variable : str
        Names of the driven control and of the order parameter.
    level : float, optional
        Value of the order parameter that parts the phases; by default halfway between its
        means at the two ends of the range, over all branches.

    Returns
    -------
    Dataset
        Along ``branch``, with every coordinate of the run, and ``direction`` up or down:
        ``switching_field``, interpolated between records, midway between the first and the
        last crossing, so that a loop which has closed has width zero by reversal in time;
        ``lower``, ``upper``, the records around these crossings, the error of looking only at
        records; ``crossings``; ``status``. A branch that did not switch has NaN and the end
        of its range as one bound, infinity as the other.

    Raises
    ------
    FormatError
        See `branches_of`.
    """
    branches = branches_of(dataset, control=control, variable=variable)
    low, high = end_means(branches)
    middle = 0.5 * (low + high) if level is None else _level(level)
    orientation = 1.0 if high >= low else -1.0
    rows = [_switch(branch, middle, orientation) for branch in branches]
    found = xr.Dataset(
        {name: ("branch", np.array([row[name] for row in rows])) for name in rows[0]}
    )
    index = np.array([branch.run for branch in branches])
    on_run = [name for name, each in dataset.coords.items() if each.dims == (RUN,)]
    taken = {str(name): ("branch", dataset[name].to_numpy()[index]) for name in on_run}
    direction = np.array([branch.direction for branch in branches], dtype=object)
    found = found.assign_coords(taken | {"direction": ("branch", direction)})
    found["status"].attrs["flag_meanings"] = " ".join(
        each.name.lower() for each in SwitchStatus
    )
    return found.assign_attrs(level=middle, control=control, variable=variable)


def _require_sound(row: FloatArray, name: str, run: int) -> None:
    if not np.isfinite(row).all():
        raise InvalidValueError(
            f"{name!r} of the run at position {run} holds values that are not finite; give it "
            "the outcome 'diverged', or count fewer records in 'record_count'."
        )
    require_magnitude(f"{name!r} of the run at position {run}", row)


def _level(level: object) -> float:
    taken = real_numbers("level", level)
    if taken.ndim or not np.isfinite(taken):
        raise InvalidValueError(
            f"level must be a finite value of the order parameter, received {level!r}; leave "
            "it out for the middle of the range."
        )
    return float(taken)


def end_means(branches: Sequence[Branch]) -> tuple[float, float]:
    """Mean order parameter where the control is lowest, and where it is highest."""
    lowest = [branch.values[np.argmin(branch.control)] for branch in branches]
    highest = [branch.values[np.argmax(branch.control)] for branch in branches]
    return float(np.mean(lowest)), float(np.mean(highest))


def _cut(run: int, control: FloatArray, values: FloatArray) -> Iterator[Branch]:
    moves = np.sign(np.diff(control))
    moving = np.flatnonzero(moves)
    if not moving.size:
        return
    turns = moving[1:][moves[moving[1:]] != moves[moving[:-1]]]
    starts: IntArray = np.concatenate([[0], turns])
    ends = np.concatenate([turns, [control.size - 1]])
    for start, end in zip(starts, ends, strict=True):
        part = slice(int(start), int(end) + 1)
        rises = control[end] > control[start]
        yield Branch(
            run=run,
            direction="up" if rises else "down",
            control=control[part].astype(np.float64),
            values=values[part].astype(np.float64),
        )


def _switch(branch: Branch, level: float, orientation: float) -> dict[str, Any]:
    """Where one branch crosses the level, with the bounds and the status."""
    rises = branch.direction == "up"
    side = orientation * (1.0 if rises else -1.0)
    # Negative in the phase in which the branch should begin.
    excess = side * (branch.values - level)
    beyond = excess > 0
    first, last = branch.control[0], branch.control[-1]
    infinity = np.inf if rises else -np.inf
    if beyond[0]:
        low, high = sorted((-infinity, first))
        status = SwitchStatus.ALREADY
    elif not beyond[-1]:
        low, high = sorted((last, infinity))
        status = SwitchStatus.NEVER
    else:
        crossed = np.flatnonzero(beyond[1:] != beyond[:-1])
        share = excess[crossed] / (excess[crossed] - excess[crossed + 1])
        step = branch.control[crossed + 1] - branch.control[crossed]
        places = branch.control[crossed] + share * step
        ends = branch.control[crossed[0]], branch.control[crossed[-1] + 1]
        return {
            "switching_field": 0.5 * (places[0] + places[-1]),
            "lower": min(ends),
            "upper": max(ends),
            "crossings": crossed.size,
            "status": int(SwitchStatus.SWITCHED),
        }
    return {
        "switching_field": np.nan,
        "lower": low,
        "upper": high,
        "crossings": int(np.count_nonzero(beyond[1:] != beyond[:-1])),
        "status": int(status),
    }
