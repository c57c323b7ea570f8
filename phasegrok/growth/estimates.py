"""How well a mean is known from the runs there are: which units its error is over."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, final

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm, t

from phasegrok.statistics import (
    connected_susceptibility_by_point,
    disconnected_susceptibility_by_point,
    first_last_difference,
    mean,
    run_layout,
)
from phasegrok.statistics.samples import FloatArray, Status

__all__ = ["ErrorEstimate", "Units", "chain_estimate", "margin_factor", "unit_estimate"]

_COVERAGE: Final = float(norm.cdf(1.0))
"""Of one standard error of a normal law, on one side."""

_MOST_DRIFT: Final = 3.0
"""In standard errors; a chain that drifts by more is not taken for stationary."""

_FEWEST_RECORDS: Final = 4


class Units(StrEnum):
    """What the error of a mean is over."""

    DISORDERS = "disorders"
    REPLICAS = "replicas"
    """Of the one disorder there is: the mean is that of this disorder."""
    RECORDS = "records"
    """Of the one run there is, by its autocorrelation time."""
    NONE = "none"
    """No error can be told."""


@final
@dataclass(frozen=True, kw_only=True)
class ErrorEstimate:
    """A mean with its error.

    Parameters
    ----------
    mean : float
        Over disorders of means over replicas; NaN without a run.
    standard_error : float
        Standard deviation of the units over the root of their number; infinite where no error
        can be told.
    margin : float
        The standard error times Student's factor for the number of units: mean ± margin holds
        the truth as often as one standard error of a normal law does, 68.3 %, also where the
        units are few.
    units : Units
        What the error is over.
    count : int
        Number of units.
    between : float
        Variance from disorder to disorder, freed of that of replicas; may come out negative.
        NaN where it cannot be told.
    within : float
        Variance from replica to replica of one disorder; NaN where it cannot be told.
    """

    mean: float
    standard_error: float
    margin: float
    units: Units
    count: int
    between: float = np.nan
    within: float = np.nan


def margin_factor(count: float) -> float:
    """Student's factor by which a standard error over so many units is too small.

    Parameters
    ----------
    count : float
        Number of independent units, 2 or more.

    Returns
    -------
    float
        1.84 for two units, 1 for infinitely many.
    """
    return float(t.ppf(_COVERAGE, count - 1.0))


def unit_estimate(
    values: ArrayLike, *, disorder: ArrayLike, asked: int | None = None
) -> ErrorEstimate:
    """Find the error of a mean from the spread of independent runs.

    Parameters
    ----------
    values : (run,) array_like
        One number a run, such as its time average, of any unit.
    disorder : (run,) array_like
        Which draw of data and teacher each run has. Of several disorders the error is that of
        the disorder average, as docs/conventions.md defines it; of one, that over its replicas.
    asked : int, optional
        Number of disorders that were asked for; that of `disorder` where left out. Of several
        of which fewer than two are left no error can be told: the error over the replicas of
        the one that is left says nothing of a disorder average.

    Returns
    -------
    ErrorEstimate
        The components of variance are those of the connected and disconnected
        susceptibilities of a system of size 1.

    Raises
    ------
    InvalidValueError
        For values that are not finite.
    """
    runs = np.asarray(values, dtype=np.float64)
    if not runs.size:
        return _unknown(np.nan)
    layout = run_layout(disorder=disorder)
    means = layout.cells.mean(runs)
    one_disorder = (means.size if asked is None else max(asked, means.size)) == 1
    units = runs if one_disorder else means
    if units.size < 2:
        return _unknown(float(means.mean()))
    error = float(units.std(ddof=1) / np.sqrt(units.size))
    within, between = _components(runs, disorder)
    return ErrorEstimate(
        mean=float(units.mean()),
        standard_error=error,
        margin=error * margin_factor(units.size),
        units=Units.REPLICAS if one_disorder else Units.DISORDERS,
        count=units.size,
        between=between,
        within=within,
    )


def chain_estimate(series: ArrayLike) -> ErrorEstimate:
    """Find the error of the mean of a single run from its autocorrelation time.

    Parameters
    ----------
    series : (record,) array_like
        Of any unit.

    Returns
    -------
    ErrorEstimate
        Over records only where the run is stationary as far as can be told: its
        autocorrelation time is resolved and its beginning agrees with its end within three
        standard errors. Else the error is infinite.
    """
    values = np.asarray(series, dtype=np.float64)
    if values.size < _FEWEST_RECORDS:
        return _unknown(float(values.mean()) if values.size else np.nan)
    found = mean(values)
    drift = first_last_difference(values)
    moved = abs(float(drift.difference)) > _MOST_DRIFT * float(drift.error)
    if int(found.status) != Status.RESOLVED or moved:
        return _unknown(float(found.mean))
    effective = float(found.effective_samples)
    error = float(found.error)
    return ErrorEstimate(
        mean=float(found.mean),
        standard_error=error,
        margin=error * margin_factor(effective),
        units=Units.RECORDS,
        count=int(effective),
        within=error**2,
    )


def _components(runs: FloatArray, disorder: ArrayLike) -> tuple[float, float]:
    """Variance between replicas of a disorder, and between disorders freed of it."""
    layout = run_layout(disorder=disorder)
    within = connected_susceptibility_by_point(
        runs[:, np.newaxis], layout=layout, system_size=1.0
    )
    between = disconnected_susceptibility_by_point(runs, layout=layout, system_size=1.0)
    return float(within.value[0]), float(between.value[0])


def _unknown(value: float) -> ErrorEstimate:
    return ErrorEstimate(
        mean=value, standard_error=np.inf, margin=np.inf, units=Units.NONE, count=0
    )
