"""Lifetimes of all points of a dataset, and how they grow with the size."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final, final

import numpy as np
import xarray as xr
from scipy.special import digamma, polygamma
from scipy.stats import chi2

from phasegrok.errors import FormatError, InsufficientSamplesError, InvalidValueError
from phasegrok.schema import RECORD, RUN
from phasegrok.statistics.samples import BoolArray, FloatArray
from phasegrok.transitions.demands import (
    real_numbers,
    require_dataset,
    require_magnitude,
    require_variables,
)
from phasegrok.transitions.escape.lifetimes import (
    Lifetime,
    LifetimeStatus,
    lifetime,
    status_meanings,
)
from phasegrok.transitions.points import groups_of
from phasegrok.transitions.usable_runs import record_counts, usable_runs

__all__ = ["Arrhenius", "arrhenius", "lifetimes"]

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
        (["physical_kinetics", "outcome", "record_count"], "follow the schema"),
    ):
        require_variables("lifetimes", dataset, wanted, dims=(RUN,), advice=advice)
    if not (dataset["physical_kinetics"].to_numpy() == 1).all():
        raise FormatError(
            "lifetimes need runs whose time has a physical meaning (physical_kinetics 1); "
            "samplers that share only the stationary law have none."
        )
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


def _require_points(values: FloatArray, name: str, *, positive: bool) -> None:
    if not np.isfinite(values).all() or (positive and not (values > 0.0).all()):
        raise InvalidValueError(
            f"a barrier needs {'positive and ' if positive else ''}finite numbers in {name!r} "
            f"where there are escapes, received {values.tolist()}; leave the others out."
        )
    require_magnitude(f"{name!r}", values, each=True)


@final
@dataclass(frozen=True, kw_only=True)
class Arrhenius:
    """ln τ = N b + ln τ₀.

    Parameters
    ----------
    barrier, barrier_error : float
        b, the barrier per unit of the size in units of the temperature. For a size 1/T it is
        the barrier itself.
    log_prefactor, log_prefactor_error : float
        ln τ₀, to be held against Kramers and Langer.
    correlation : float
        Of the two errors.
    chi_square, freedom : float
        Of the fit; errors are widened by √(χ²/freedom) where it exceeds 1.
    predictive : float
        Probability of a larger χ²; NaN without freedom.
    """

    barrier: float
    barrier_error: float
    log_prefactor: float
    log_prefactor_error: float
    correlation: float
    chi_square: float
    freedom: int
    predictive: float


def arrhenius(table: xr.Dataset, *, size: str = "size") -> Arrhenius:
    """Fit how lifetimes grow with the size.

    Parameters
    ----------
    table : Dataset
        Of `lifetimes`; points without escapes are left out.
    size : str
        Coordinate that the barrier is proportional to.

    Returns
    -------
    Arrhenius
        By weighted least squares of ln τ̂, whose bias ψ(n) - ln n is taken off and whose
        variance is ψ'(n) for n escapes.

    Raises
    ------
    InvalidValueError
        Where the table lacks the size, or a number in it has no meaning.
    FormatError
        Where it lacks lifetimes.
    InsufficientSamplesError
        For fewer than two sizes with escapes.
    """
    require_dataset("a table of lifetimes", table)
    if size not in table.coords:
        raise InvalidValueError(
            f"the table needs the coordinate {size!r}, received {list(table.coords)}; name it "
            "in the grouping of the lifetimes."
        )
    columns = ("effective_escapes", "value")
    dims = tuple(str(each) for each in table[size].dims)
    require_variables("barriers", table, columns, dims=dims, advice="make it by lifetimes")
    count, value = (real_numbers(name, table[name].to_numpy()) for name in columns)
    used = count > 0
    along = real_numbers(f"the coordinate {size!r}", table[size].to_numpy())[used]
    for name, each in ((size, along), ("value", value[used]), (columns[0], count[used])):
        _require_points(each, name, positive=name != size)
    if np.unique(along).size < 2 or np.ptp(along) < _LEAST_SPREAD * np.abs(along).max():
        raise InsufficientSamplesError(
            "a barrier from sizes", required=2, received=int(np.unique(along).size)
        )
    number = count[used]
    mean = np.log(value[used]) + np.log(number) - digamma(number)
    weight = 1 / np.sqrt(polygamma(1, number))
    design = np.stack([along, np.ones_like(along)], axis=1) * weight[:, None]
    covariance = np.linalg.inv(design.T @ design)
    found = covariance @ design.T @ (mean * weight)
    square = float(np.sum((mean * weight - design @ found) ** 2))
    freedom = along.size - 2
    wider = max(1.0, square / freedom) if freedom else 1.0
    errors = np.sqrt(wider * np.diag(covariance))
    return Arrhenius(
        barrier=float(found[0]),
        barrier_error=float(errors[0]),
        log_prefactor=float(found[1]),
        log_prefactor_error=float(errors[1]),
        correlation=float(covariance[0, 1] / np.sqrt(np.prod(np.diag(covariance)))),
        chi_square=square,
        freedom=freedom,
        predictive=float(chi2.sf(square, freedom)) if freedom else np.nan,
    )
