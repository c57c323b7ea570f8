"""Averages over disorder, whose only error is the spread from disorder to disorder.

Replicas of one disorder share data and teacher: however many there are, they are one draw.
The functions named `..._by_point` serve many points of control space at once and mark what
is undefined by NaN beside its count; those without refuse it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.layout import Grouping, RunLayout, run_layout
from phasegrok.statistics.samples import BoolArray, FloatArray, IntArray, as_samples

__all__ = [
    "DisorderAverage",
    "connected_susceptibility",
    "connected_susceptibility_by_point",
    "disconnected_susceptibility",
    "disconnected_susceptibility_by_point",
    "disorder_average",
    "disorder_average_by_point",
]


class DisorderAverage(NamedTuple):
    """An average over disorders and its standard error over disorders."""

    value: FloatArray
    """In the unit of what was averaged, (...) or (..., point)."""
    standard_error: FloatArray
    """Same unit and shape."""
    disorder_count: IntArray
    """Disorders that entered, () or (point,)."""


def disorder_average(values: ArrayLike, *, disorder: ArrayLike) -> DisorderAverage:
    """Average over disorders of the mean over replicas.

    Parameters
    ----------
    values : (..., run) array_like
        One number per run, such as its time average, of any unit.
    disorder : (run,) array_like
        Which draw of data and teacher each run has. Every disorder weighs the same, however
        many replicas it has.

    Returns
    -------
    DisorderAverage
        The standard error is √(Σ_d (m_d - m)²/(D(D-1))), with m_d the replica means of D
        disorders. It holds what thermal noise is left in m_d, which is not to be added.

    Raises
    ------
    InsufficientSamplesError
        For fewer than two disorders, whose spread is undefined.
    InvalidValueError
        For values that are not finite, or labels of another number of runs.
    """
    layout = run_layout(disorder=disorder)
    _require_disorders(layout, "the error of a disorder average", required=2)
    return _only_point(disorder_average_by_point(values, layout=layout))


def disorder_average_by_point(values: ArrayLike, *, layout: RunLayout) -> DisorderAverage:
    """Average over disorders at each point.

    Parameters
    ----------
    values : (..., run) array_like
        See `disorder_average`.
    layout : RunLayout
        Which runs belong to which disorder and point.

    Returns
    -------
    DisorderAverage
        Of shape (..., point); the standard error is NaN where a point has one disorder.

    Raises
    ------
    InvalidValueError
        For values that are not finite, or of another number of runs.
    """
    samples = _run_values(values, layout, "a disorder average")
    everywhere = np.ones(layout.cells.counts.size, dtype=np.bool_)
    return _average_cells(layout.cells.mean(samples), everywhere, layout.points)


def connected_susceptibility(
    order_parameter: ArrayLike, *, disorder: ArrayLike, system_size: ArrayLike
) -> DisorderAverage:
    """Thermal fluctuations within one disorder, averaged over disorders.

    Parameters
    ----------
    order_parameter : (..., run, sample) array_like, dimensionless
        Intensive order parameter m of runs in equilibrium.
    disorder : (run,) array_like
        Which draw of data and teacher each run has.
    system_size : (...) array_like
        Number N of degrees of freedom that m averages over.

    Returns
    -------
    DisorderAverage
        χ = N [⟨m²⟩ - ⟨m⟩²]. Within a disorder ⟨m⟩² is the mean of m_a m_b over pairs of
        independent replicas, so that χ is unbiased whatever the autocorrelation; disorders
        with a single replica do not enter.

    Raises
    ------
    InsufficientSamplesError
        For fewer than two disorders with two replicas or more.
    InvalidValueError
        For samples that are not finite, or labels of another number of runs.
    """
    layout = run_layout(disorder=disorder)
    _require_disorders(layout, "connected susceptibility", required=2, replicas=2)
    sizes = _with_point(system_size)
    return _only_point(
        connected_susceptibility_by_point(order_parameter, layout=layout, system_size=sizes)
    )


def connected_susceptibility_by_point(
    order_parameter: ArrayLike, *, layout: RunLayout, system_size: ArrayLike
) -> DisorderAverage:
    """Average the connected susceptibility over disorders at each point.

    Parameters
    ----------
    order_parameter : (..., run, sample) array_like
        See `connected_susceptibility`.
    layout : RunLayout
        Which runs belong to which disorder and point.
    system_size : (..., point) array_like
        Number N of degrees of freedom at each point, or one for all.

    Returns
    -------
    DisorderAverage
        Of shape (..., point). Value and error are NaN where no disorder has two replicas,
        the error alone where one has.

    Raises
    ------
    InsufficientSamplesError
        For runs without samples.
    InvalidValueError
        For samples that are not finite, or of another number of runs.
    """
    samples = as_samples(
        order_parameter, statistic="connected susceptibility", core_dimensions=2
    )
    means = _run_values(samples.mean(axis=-1), layout, "connected susceptibility")
    within = layout.cells.mean(samples.var(axis=-1))
    usable = layout.cells.counts >= 2
    return _scaled(
        _average_cells(within + _replica_variance(means, layout.cells), usable, layout.points),
        system_size,
    )


def disconnected_susceptibility(
    values: ArrayLike, *, disorder: ArrayLike, system_size: ArrayLike
) -> DisorderAverage:
    """Spread of the thermal mean from disorder to disorder, freed of thermal noise.

    Parameters
    ----------
    values : (..., run) array_like, dimensionless
        Time average of the intensive order parameter in each run.
    disorder, system_size
        See `connected_susceptibility`.

    Returns
    -------
    DisorderAverage
        χ = N ([⟨m⟩²] - [⟨m⟩]²), unbiased: the variance over disorders of the replica means,
        less the thermal part that the spread of independent replicas shows (so it may come
        out below zero). The error is a jackknife over disorders. Disorders with a single
        replica do not enter.

    Raises
    ------
    InsufficientSamplesError
        For fewer than three disorders with two replicas or more.
    InvalidValueError
        For values that are not finite, or labels of another number of runs.
    """
    layout = run_layout(disorder=disorder)
    _require_disorders(layout, "disconnected susceptibility", required=3, replicas=2)
    sizes = _with_point(system_size)
    return _only_point(
        disconnected_susceptibility_by_point(values, layout=layout, system_size=sizes)
    )


def disconnected_susceptibility_by_point(
    values: ArrayLike, *, layout: RunLayout, system_size: ArrayLike
) -> DisorderAverage:
    """Compare the thermal means of disorders at each point.

    Parameters
    ----------
    values : (..., run) array_like
        See `disconnected_susceptibility`.
    layout, system_size
        See `connected_susceptibility_by_point`.

    Returns
    -------
    DisorderAverage
        Of shape (..., point). Value and error are NaN below two disorders that have two
        replicas, the error alone at two.

    Raises
    ------
    InvalidValueError
        For values that are not finite, or of another number of runs.
    """
    means = _run_values(values, layout, "disconnected susceptibility")
    cells, points = layout.cells, layout.points
    usable = cells.counts >= 2
    noise = _replica_variance(means, cells) / cells.counts
    average = _average_cells(cells.mean(means), usable, points)
    count = average.disorder_count.astype(np.float64)
    centred = np.where(usable, cells.mean(means) - average.value[..., points.index], 0.0)
    squares = points.sum(centred**2)
    noises = points.sum(np.where(usable, noise, 0.0))
    value = squares / _or_nan(count - 1.0) - noises / _or_nan(count)
    # Leaving one disorder out changes both sums in closed form.
    beside = count[points.index]
    shrunk = squares[..., points.index] - centred**2 * beside / _or_nan(beside - 1.0)
    without = shrunk / _or_nan(beside - 2.0) - (noises[..., points.index] - noise) / _or_nan(
        beside - 1.0
    )
    spread = _average_cells(without, usable, points)
    error = spread.standard_error * (count - 1.0)
    return _scaled(
        DisorderAverage(
            value=value, standard_error=error, disorder_count=average.disorder_count
        ),
        system_size,
    )


def _run_values(values: ArrayLike, layout: RunLayout, statistic: str) -> FloatArray:
    samples = as_samples(values, statistic=statistic)
    if samples.shape[-1] != layout.cells.index.size:
        raise InvalidValueError(
            f"{statistic} needs one value and one disorder label per run, received "
            f"{samples.shape[-1]} values and {layout.cells.index.size} labels."
        )
    return samples


def _require_disorders(
    layout: RunLayout, statistic: str, *, required: int, replicas: int = 1
) -> None:
    received = int(np.count_nonzero(layout.cells.counts >= replicas))
    if received < required:
        kind = "disorders" if replicas == 1 else f"disorders with {replicas} replicas"
        raise InsufficientSamplesError(
            f"{statistic} (samples are {kind})", required=required, received=received
        )


def _replica_variance(means: FloatArray, cells: Grouping) -> FloatArray:
    """Unbiased variance over replicas in each cell; 0 for a single replica."""
    centred = means - cells.mean(means)[..., cells.index]
    return cells.sum(centred**2) / np.maximum(cells.counts - 1, 1)


def _average_cells(values: FloatArray, usable: BoolArray, points: Grouping) -> DisorderAverage:
    """Mean and standard error over the usable cells (..., cell) of each point."""
    weights = usable.astype(np.float64)
    count = points.sum(weights)
    average = points.sum(np.where(usable, values, 0.0)) / _or_nan(count)
    centred = np.where(usable, values - average[..., points.index], 0.0)
    variance = points.sum(centred**2) / _or_nan(count - 1.0)
    return DisorderAverage(
        value=average,
        standard_error=np.sqrt(variance / _or_nan(count)),
        disorder_count=count.astype(np.int64),
    )


def _or_nan(divisor: FloatArray) -> FloatArray:
    """NaN where a divisor is not positive, so that no division warns."""
    return np.where(divisor > 0.0, divisor, np.nan)


def _scaled(average: DisorderAverage, system_size: ArrayLike) -> DisorderAverage:
    size = np.asarray(system_size, dtype=np.float64)
    if not np.all(np.isfinite(size) & (size > 0.0)):
        raise InvalidValueError(
            f"system_size must be positive and finite, received {size}; it is the number of "
            "degrees of freedom that the order parameter averages over."
        )
    return average._replace(
        value=size * average.value, standard_error=size * average.standard_error
    )


def _with_point(system_size: ArrayLike) -> FloatArray:
    """Give sizes (...) the axis of points: (..., 1)."""
    return np.asarray(system_size, dtype=np.float64)[..., np.newaxis]


def _only_point(average: DisorderAverage) -> DisorderAverage:
    return DisorderAverage(
        value=average.value[..., 0],
        standard_error=average.standard_error[..., 0],
        disorder_count=average.disorder_count[..., 0],
    )
