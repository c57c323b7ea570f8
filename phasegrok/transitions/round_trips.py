"""Round trips of walkers between the ends of a ladder, and of runs between two phases.

Independent visits are what weights of phases are made of: a chain that went there and back n
times knows a ratio of weights to about 1/√n, however many records it has.
"""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from phasegrok.errors import FormatError, InsufficientSamplesError, InvalidValueError
from phasegrok.schema import RECORD, RUN
from phasegrok.statistics.samples import BoolArray, FloatArray, IntArray
from phasegrok.transitions.demands import real_numbers, require_dataset, require_variables
from phasegrok.transitions.usable_runs import record_counts, usable_runs

__all__ = [
    "RoundTrips",
    "ladder_round_trips",
    "phase_round_trips",
    "round_trip_statistics",
    "trips_between",
]

STORED: Final = "round_trip_count"
RUNG: Final = "rung"
MOST_TRIPS: Final = 1e15
"""Whole numbers beyond are no longer told apart."""

ENOUGH: Final = 6
"""Walkers whose spread is an error by itself; trips are more regular than chance."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class RoundTrips:
    """How often walkers went from one end to the other and back.

    Parameters
    ----------
    counts : (run,) integer array
        Round trips of each walker.
    count : int
        Of all.
    rate, rate_error : float
        Round trips of a walker per unit of time; the error is that of means over walkers, and
        with fewer than six of them at least that of a Poisson count. NaN without any trip.
    mean_time, mean_time_error : float
        Time of a walker over its round trips, 1/rate; infinite without any.
    time : float
        That all walkers were watched.
    """

    counts: IntArray
    count: int
    rate: float
    rate_error: float
    mean_time: float
    mean_time_error: float
    time: float


def round_trip_statistics(counts: ArrayLike, times: ArrayLike) -> RoundTrips:
    """Rate and mean time of round trips from their numbers.

    Parameters
    ----------
    counts : (run,) array_like
        Whole numbers of zero or more.
    times : (run,) array_like
        How long each walker was watched, above zero; in records, steps or time.

    Returns
    -------
    RoundTrips
        All round trips over all time.

    Raises
    ------
    InsufficientSamplesError
        For no walker.
    InvalidValueError
        For numbers without meaning.
    """
    number, watched = real_numbers("counts", counts), real_numbers("times", times)
    if number.ndim != 1 or number.shape != watched.shape:
        raise InvalidValueError(
            f"round trips need one count and one time a run, received shapes {number.shape} "
            f"and {watched.shape}."
        )
    if not number.size:
        raise InsufficientSamplesError("round trips (runs)", required=1, received=0)
    whole = ((number >= 0.0) & (number <= MOST_TRIPS)).all()
    whole = whole and (number == np.floor(number)).all()
    if not whole or not ((watched > 0.0) & np.isfinite(watched)).all():
        raise InvalidValueError(
            "round trips need whole counts of zero or more and finite times above zero, "
            f"received {number.tolist()[:3]} and {watched.tolist()[:3]}."
        )
    total, time = float(number.sum()), float(watched.sum())
    rate = total / time
    error = np.sqrt(total) / time
    if number.size > 1:
        excess = number - rate * watched
        spread = np.sqrt(number.size / (number.size - 1.0) * np.sum(excess**2)) / time
        error = float(spread) if number.size >= ENOUGH else max(error, float(spread))
    return RoundTrips(
        counts=number.astype(np.int64),
        count=int(total),
        rate=rate,
        rate_error=error if total else np.nan,
        mean_time=1.0 / rate if rate else np.inf,
        mean_time_error=error / rate**2 if rate else np.nan,
        time=time,
    )


def ladder_round_trips(dataset: xr.Dataset) -> RoundTrips:
    """Round trips of walkers between the lowest and the highest rung of their ladder.

    Parameters
    ----------
    dataset : Dataset
        Walkers of exchange ladders with as many rungs, in the schema, with
        ``rung(run, record)``; where ``round_trip_count(run)`` is stored it is taken, since it
        counts between records as well.

    Returns
    -------
    RoundTrips
        Times are in steps. A trip that is under way at the end does not count. Exchanges are
        no kinetics: they say how well the ladder mixes, not how a run would escape.

    Raises
    ------
    FormatError
        Without either variable.
    """
    require_dataset("walkers of a ladder", dataset)
    usable, counts = _usable(dataset)
    steps = _watched(dataset, counts)
    if STORED in dataset and dataset[STORED].dims == (RUN,):
        stored = real_numbers(STORED, dataset[STORED].to_numpy())
        return round_trip_statistics(stored[usable], steps[usable])
    if RUNG not in dataset or set(dataset[RUNG].dims) != {RUN, RECORD}:
        raise FormatError(
            f"round trips need the variable {RUNG!r} on ({RUN!r}, {RECORD!r}), or {STORED!r} "
            f"on {RUN!r}; collect the runs by an exchange ladder."
        )
    rung = real_numbers(RUNG, dataset[RUNG].transpose(RUN, RECORD).to_numpy())
    valid = [rung[run, : counts[run]] for run in np.flatnonzero(usable)]
    top = max((float(each.max()) for each in valid if each.size), default=0.0)
    if not 1.0 <= top < np.inf:
        raise InvalidValueError(
            "round trips need a ladder of two rungs or more, received walkers that stay at "
            "one; give all rungs."
        )
    trips = [trips_between((each == top).astype(np.int64) - (each == 0)) for each in valid]
    return round_trip_statistics(trips, steps[usable])


def phase_round_trips(
    dataset: xr.Dataset, variable: str, *, lower: float, upper: float
) -> RoundTrips:
    """Round trips of runs between two phases.

    Parameters
    ----------
    dataset : Dataset
        Runs in the schema.
    variable : str
        Coordinate that parts the phases, on (run, record).
    lower, upper : float
        A run is in a phase from when it passes the one until it passes the other, so that
        shivering at a cut is no journey. The means of the phases suit.

    Returns
    -------
    RoundTrips
        Times are in steps.

    Raises
    ------
    FormatError
        Where the variable is missing.
    InvalidValueError
        For an upper value that is not above the lower one.
    """
    require_dataset("runs in two phases", dataset)
    low, high = (float(real_numbers("a bound of a phase", each)) for each in (lower, upper))
    if not low < high:
        raise InvalidValueError(
            f"the upper value must lie above the lower one, received {lower!r} and {upper!r}."
        )
    if variable not in dataset or set(dataset[variable].dims) != {RUN, RECORD}:
        raise FormatError(
            f"round trips need the variable {variable!r} on ({RUN!r}, {RECORD!r}); name one "
            "that parts the phases."
        )
    usable, counts = _usable(dataset)
    values = real_numbers(variable, dataset[variable].transpose(RUN, RECORD).to_numpy())
    valid = [values[run, : counts[run]] for run in np.flatnonzero(usable)]
    trips = [trips_between((each >= high).astype(np.int64) - (each <= low)) for each in valid]
    return round_trip_statistics(trips, _watched(dataset, counts)[usable])


def _usable(dataset: xr.Dataset) -> tuple[BoolArray, IntArray]:
    """Which runs are sound and have two records, and the records of all."""
    require_variables(
        "round trips", dataset, ["outcome"], dims=(RUN,), advice="follow the schema"
    )
    most = dataset.sizes.get(RECORD, 0)
    counts = np.full(dataset.sizes[RUN], most, dtype=np.int64)
    if "record_count" in dataset.coords:
        counts = record_counts(dataset["record_count"], most)
    sound = usable_runs(dataset["outcome"]) & (counts > 1)
    return np.asarray(sound), counts


def _watched(dataset: xr.Dataset, counts: IntArray) -> FloatArray:
    """Steps between the first and the last record of each run; records where there are none."""
    last = np.maximum(counts - 1, 0)
    if "step" not in dataset.coords or not dataset.sizes.get(RECORD):
        return last.astype(np.float64)
    step = dataset["step"]
    if not set(step.dims) <= {RUN, RECORD} or RECORD not in step.dims:
        raise FormatError(f"round trips need 'step' on records, received it on {step.dims}.")
    if not np.isfinite(real_numbers("step", step.to_numpy())).all():
        raise InvalidValueError("round trips need finite steps, received others.")
    if RUN not in step.dims:
        along = real_numbers("step", step.to_numpy())
        return np.asarray(along[last] - along[0])
    rows = real_numbers("step", step.transpose(RUN, RECORD).to_numpy())
    return np.asarray(rows[np.arange(len(rows)), last] - rows[:, 0])


def trips_between(side: IntArray) -> int:
    """Count journeys there and back of one series.

    Parameters
    ----------
    side : (record,) integer array
        -1 at one end, 1 at the other, 0 between.

    Returns
    -------
    int
    """
    visited = side[side != 0]
    return int(np.count_nonzero(np.diff(visited))) // 2
