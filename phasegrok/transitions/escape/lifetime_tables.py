"""Lifetimes of all points of a dataset."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

import numpy as np
import xarray as xr

from phasegrok.errors import FormatError, InsufficientSamplesError
from phasegrok.schema import RECORD, RUN
from phasegrok.statistics.samples import BoolArray, FloatArray
from phasegrok.transitions.demands import (
    real_numbers,
    require_dataset,
    require_variables,
)
from phasegrok.transitions.escape.lifetimes import (
    Lifetime,
    LifetimeStatus,
    lifetime,
    status_meanings,
)
from phasegrok.transitions.physical_time import require_physical_time
from phasegrok.transitions.points import groups_of
from phasegrok.transitions.usable_runs import record_counts, usable_runs

__all__ = ["lifetimes"]

_LEAST_SPREAD: Final = 1e-6
"""Sizes that agree to that are one."""


def lifetimes(
    dataset: xr.Dataset, *, event: str, by: Sequence[str] = ("size",), dead_time: float = 0.0
) -> xr.Dataset:
    """Estimate the lifetime at every point of a dataset.

    Parameters
    ----------
    dataset : Dataset
        In the schema, with ``event_<name>_lower`` and ``_upper``. Steps are turned into
        the run's time. Runs that ended by the event or finished are used.
    event : str
        Name of the event.
    by : sequence of str
        Coordinates on run that make a point, such as the size and a control.
    dead_time : float
        See `lifetime`.

    Returns
    -------
    Dataset
        Along ``point``, with the coordinates of `by`: the fields of `Lifetime`, and
        ``left_out``, runs that diverged or failed. A point of which no run is left, or none
        that outlives the dead time, has the status NO_RUNS and NaN for what is unknown.

    Raises
    ------
    FormatError
        Where the event, a coordinate, or a time with a physical meaning is missing.
    InvalidValueError
        See `lifetime`.
    """
    require_dataset("runs that may escape", dataset)
    names = [f"event_{event}_{side}" for side in ("lower", "upper")]
    for wanted, advice in (
        (names, "record the event, or name another"),
        (["outcome", "record_count"], "follow the schema"),
    ):
        require_variables("lifetimes", dataset, wanted, dims=(RUN,), advice=advice)
    require_physical_time("lifetimes", dataset)
    keys, members = groups_of(dataset, by)
    usable = usable_runs(dataset["outcome"])
    bounds = [_in_time(dataset, name, usable) for name in names]
    found = []
    for rows in members:
        kept = rows[usable[rows]]
        each = _at_point(bounds[0][kept], bounds[1][kept], dead_time)
        found.append({**asdict(each), "left_out": rows.size - kept.size})
    table = xr.Dataset(
        {name: ("point", np.array([one[name] for one in found])) for name in found[0]},
        coords={name: ("point", values) for name, values in keys.items()},
        attrs={"event": event, "by": list(by)},
    )
    table["status"].attrs["flag_meanings"] = " ".join(status_meanings())
    return table


def _at_point(lower: FloatArray, upper: FloatArray, dead_time: float) -> Lifetime:
    """Lifetime of one point, which may have no run that says anything."""
    try:
        return lifetime(lower, upper, dead_time=dead_time)
    except InsufficientSamplesError:
        unknown = dict.fromkeys(
            ("value", "lower_68", "upper_68", "lower_95", "upper_95"), np.nan
        )
        return Lifetime(
            **unknown,
            escapes=0,
            censored=0,
            excluded=lower.size,
            effective_escapes=0.0,
            time_at_risk=0.0,
            dead_time=float(dead_time),
            coefficient_of_variation=np.nan,
            trend=np.nan,
            status=LifetimeStatus.NO_RUNS,
        )


def _in_time(dataset: xr.Dataset, name: str, usable: BoolArray) -> FloatArray:
    """Bounds as times: along the records of each run, and on at its last pace."""
    bounds = real_numbers(name, dataset[name].to_numpy())
    step, time = (_on_records(dataset, each) for each in ("step", "time"))
    shape = step.shape
    counts = record_counts(dataset["record_count"], shape[1])
    result = np.full(bounds.shape, np.nan)
    for run in np.flatnonzero(usable):
        # Steps and times stand beyond the valid records as well, where nothing else does.
        last = max(int(counts[run]), min(2, shape[1]))
        along, clock = step[run, :last], time[run, :last]
        known = np.isfinite(along).all() and np.isfinite(clock).all()
        rises = (
            known and last > 1 and (np.diff(along) > 0).all() and (np.diff(clock) >= 0).all()
        )
        if not rises or not 0.0 < clock[-1] - clock[-2] < np.inf:
            raise FormatError(
                "a run needs two records at different times, and steps that rise, for its "
                f"steps to be dated, unlike the one at position {run}; leave it out, or record "
                "it again."
            )
        pace = (clock[-1] - clock[-2]) / (along[-1] - along[-2])
        beyond = max(0.0, bounds[run] - along[-1]) * pace
        result[run] = np.interp(bounds[run], along, clock) + beyond
    return result


def _on_records(dataset: xr.Dataset, name: str) -> FloatArray:
    """Steps or times on (run, record)."""
    if name not in dataset.variables or not set(dataset[name].dims) <= {RUN, RECORD}:
        raise FormatError(
            f"lifetimes need {name!r} on ({RUN!r}, {RECORD!r}); follow the schema."
        )
    if RECORD not in dataset.sizes:
        raise FormatError(f"lifetimes need the dimension {RECORD!r}; follow the schema.")
    held = dataset[name]
    missing = {each: dataset.sizes[each] for each in (RUN, RECORD) if each not in held.dims}
    return real_numbers(name, held.expand_dims(missing).transpose(RUN, RECORD).to_numpy())
