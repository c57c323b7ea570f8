"""Loops of all sizes and rates: switching fields, widths and areas, errors over replicas."""

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

import numpy as np
import xarray as xr

from phasegrok.errors import InvalidValueError
from phasegrok.statistics.samples import FloatArray, IntArray
from phasegrok.transitions.demands import (
    real_numbers,
    require_dataset,
    require_magnitude,
    require_variables,
)
from phasegrok.transitions.hysteresis.loops import (
    Branch,
    SwitchStatus,
    branches_of,
    end_means,
    switching_fields,
)
from phasegrok.transitions.physical_time import refuse_sampler_time
from phasegrok.transitions.points import groups_of

__all__ = ["LoopStatus", "loop_columns", "loops"]

LARGEST_GAP: Final = 0.05
"""Share of the change over the range by which the branches may differ at a closed end."""

GAP_ERRORS: Final = 4.0
"""Standard errors that such a difference may have beside."""

LARGEST_CENSORED: Final = 0.02
"""Share of branches that may lie on the wrong side at an end, as a fluctuation of a small
system does near equilibrium, before the range is said to cut the loop."""


class LoopStatus(IntEnum):
    """Whether a loop has a width and an area."""

    WHOLE = 0
    """The branches meet at both ends, and all but a few of them switched."""
    CUT = 1
    """The range cuts the loop: branches did not switch within it, or they do not meet."""
    ONE_WAY = 2
    """Only one direction was driven."""


def loops(
    dataset: xr.Dataset,
    *,
    control: str,
    variable: str,
    by: Sequence[str] = ("size",),
    level: float | None = None,
) -> xr.Dataset:
    """Gather the loops of every point and rate.

    Parameters
    ----------
    dataset : Dataset
        Driven runs in the schema.
    control, variable : str
        Names of the driven control and of the order parameter.
    by : sequence of str
        Coordinates on run that make a point; the rate is added.
    level : float, optional
        See `switching_fields`.

    Returns
    -------
    Dataset
        Along ``point``, sorted, with the coordinates of `by` and ``rate``: for each direction
        ``switching_up`` and ``_down`` with ``_error``, ``replicas_...``, ``censored_...``;
        ``width`` (up less down) and ``area`` (∮ m dh, positive where the branches lag) with
        ``_error``; ``status``. Errors are standard errors over runs, NaN for one run. Where a
        branch was censored the mean and the width would be biased, and are NaN; a loop that
        the range cuts has no area either.

    Raises
    ------
    FormatError
        See `switching_fields`.
    """
    table = switching_fields(dataset, control=control, variable=variable, level=level)
    branches = branches_of(dataset, control=control, variable=variable)
    names = (*by, "rate")
    keys, members = groups_of(table, names, dim="branch")
    low, high = end_means(branches)
    orientation = 1.0 if high >= low else -1.0
    rows = [
        _loop(table.isel(branch=each), [branches[index] for index in each], orientation)
        for each in members
    ]
    found = xr.Dataset(
        {name: ("point", np.array([row[name] for row in rows])) for name in rows[0]},
        coords={name: ("point", values) for name, values in keys.items()},
        attrs=table.attrs,
    )
    found["status"].attrs["flag_meanings"] = " ".join(each.name.lower() for each in LoopStatus)
    return found


def loop_columns(what: str, table: xr.Dataset, names: Sequence[str]) -> list[FloatArray]:
    """Take columns of a table of loops.

    Parameters
    ----------
    what : str
        What needs them.
    table : Dataset
        Of `loops`.
    names : sequence of str
        Size and rate, which must be positive, then any others.

    Returns
    -------
    list of (point,) array

    Raises
    ------
    FormatError
        Where a column is missing.
    InvalidValueError
        For what is no table, or columns without meaning.
    """
    require_dataset("a table of loops", table)
    refuse_sampler_time(what, table)
    require_variables(what, table, names, dims=("point",), advice="make it by loops")
    columns = [real_numbers(name, table[name].to_numpy()) for name in names]
    for name, each in zip(names, columns, strict=True):
        positive = name in names[:2]
        # A size is infinite where nothing fluctuates.
        endless = np.isinf(each).any() and name != names[0]
        if positive and (endless or not (each > 0.0).all()):
            raise InvalidValueError(
                f"{what} need {name!r} to be positive, and rates finite, received "
                f"{each.tolist()}; leave out points without one."
            )
        require_magnitude(repr(name), each, each=positive or name.endswith("_error"))
    return columns


def _loop(
    table: xr.Dataset, branches: Sequence[Branch], orientation: float
) -> dict[str, float]:
    row: dict[str, float] = {}
    directions = table["direction"].to_numpy()
    for direction in ("up", "down"):
        chosen = directions == direction
        status = table["status"].to_numpy()[chosen]
        fields = table["switching_field"].to_numpy()[chosen]
        censored = int(np.count_nonzero(status != SwitchStatus.SWITCHED))
        mean, error = (np.nan, np.nan) if censored else _mean(fields)
        row |= {
            f"switching_{direction}": mean,
            f"switching_{direction}_error": error,
            f"replicas_{direction}": int(chosen.sum()),
            f"censored_{direction}": censored,
        }
    status = _loop_status(row, branches)
    whole = status is LoopStatus.WHOLE
    area, area_error = _area(branches, orientation) if whole else (np.nan, np.nan)
    errors = (row["switching_up_error"], row["switching_down_error"])
    return row | {
        "width": row["switching_up"] - row["switching_down"] if whole else np.nan,
        "width_error": float(np.hypot(*errors)) if whole else np.nan,
        "area": area,
        "area_error": area_error,
        "status": int(status),
    }


def _mean(values: FloatArray) -> tuple[float, float]:
    if not values.size:
        return np.nan, np.nan
    error = values.std(ddof=1) / np.sqrt(values.size) if values.size > 1 else np.nan
    return float(values.mean()), float(error)


def _loop_status(row: dict[str, float], branches: Sequence[Branch]) -> LoopStatus:
    if not row["replicas_up"] or not row["replicas_down"]:
        return LoopStatus.ONE_WAY
    censored = row["censored_up"] + row["censored_down"]
    if censored > LARGEST_CENSORED * len(branches) or not _meets(branches):
        return LoopStatus.CUT
    return LoopStatus.WHOLE


def _meets(branches: Sequence[Branch]) -> bool:
    """Whether the branches agree at both ends of one range."""
    ends: dict[tuple[str, str], FloatArray] = {}
    for direction in ("up", "down"):
        ways = [branch for branch in branches if branch.direction == direction]
        for name, index_of in (("low", np.argmin), ("high", np.argmax)):
            at = [branch.values[index_of(branch.control)] for branch in ways]
            ends[direction, name] = np.array(at)
    means = {key: values.mean() for key, values in ends.items()}
    change = max(means.values()) - min(means.values())
    for name in ("low", "high"):
        pair = [ends[direction, name] for direction in ("up", "down")]
        noise = sum(each.var(ddof=1) / each.size if each.size > 1 else 0.0 for each in pair)
        gap = abs(means["up", name] - means["down", name])
        if gap > LARGEST_GAP * change + GAP_ERRORS * np.sqrt(noise):
            return False
    return _same_range(branches)


def _same_range(branches: Sequence[Branch]) -> bool:
    ends = np.array([[branch.control.min(), branch.control.max()] for branch in branches])
    span = float(np.ptp(ends))
    return bool((np.ptp(ends, axis=0) < 0.01 * span).all())


def _area(branches: Sequence[Branch], orientation: float) -> tuple[float, float]:
    """∮ m dh with its error: within runs that go around, else between independent runs."""
    runs = np.array([branch.run for branch in branches], dtype=np.int64)
    signs = np.array([-1.0 if branch.direction == "up" else 1.0 for branch in branches])
    parts = orientation * signs * np.array([_integral(branch) for branch in branches])
    if _in_pairs(runs, signs):
        sums = np.array([parts[runs == run].sum() for run in np.unique(runs)])
        return _mean(sums)
    ways = [_mean(parts[signs == sign]) for sign in (-1.0, 1.0)]
    return ways[0][0] + ways[1][0], float(np.hypot(ways[0][1], ways[1][1]))


def _in_pairs(runs: IntArray, signs: FloatArray) -> bool:
    return all(np.sum(signs[runs == run]) == 0.0 for run in np.unique(runs))


def _integral(branch: Branch) -> float:
    """∫ m dh from the lower end to the upper, by the trapezoidal rule."""
    width = np.abs(np.diff(branch.control))
    return float(np.sum(0.5 * (branch.values[1:] + branch.values[:-1]) * width))
