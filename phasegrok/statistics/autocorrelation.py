"""How many records apart two samples of a run must lie to count as two.

The convention is that of Monte Carlo physics: the integrated autocorrelation time is
τ = ½ + Σ_{t≥1} ρ(t) in units of the interval between records, so that the mean of n samples
has the squared error 2τ var/n and independent samples have τ = ½. (emcee's time is 2τ.)
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike

from phasegrok.errors import InvalidValueError
from phasegrok.statistics.layout import RunLayout
from phasegrok.statistics.samples import FloatArray, as_samples, ragged_samples
from phasegrok.statistics.windows import (
    MINIMUM_EFFECTIVE_SAMPLES,
    AutocorrelationTime,
    windowed_time,
)

__all__ = [
    "MINIMUM_EFFECTIVE_SAMPLES",
    "AutocorrelationTime",
    "autocorrelation_function",
    "effective_sample_size",
    "grouped_autocorrelation_time",
    "integrated_autocorrelation_time",
    "pooled_autocorrelation_time",
    "pooled_effective_sample_size",
    "ragged_autocorrelation_time",
]

_BLOCK_ELEMENTS: Final = 2**20
# Points are taken in blocks of about this many samples, to stay in cache and in memory.


def integrated_autocorrelation_time(samples: ArrayLike) -> AutocorrelationTime:
    """Integrated autocorrelation time of each series, with an automatic window.

    The sum over lags stops where the remainder e^(-W/τ) falls below the noise that a longer
    sum would add [1]_. The scale of the remainder is the larger of τ and its alternating
    counterpart ½ + Σ (-1)^t ρ(t), so that anticorrelated series are not cut off at once.

    Parameters
    ----------
    samples : (..., sample) array_like
        Series in equilibrium, equally spaced along the last axis, of any unit.

    Returns
    -------
    AutocorrelationTime
        Times in records. The squared error is τ² 4 (W + ½ - τ)/n. The mean's own error is
        corrected for; what the window leaves out is not: some e^(-W/τ) of τ, of the order
        of the error. τ is never below ½/log₁₀ n. A constant series has τ = ½ with error 0
        and status CONSTANT; a series with fewer than 50 effective samples, or whose
        correlations outlast half its length, is UNRESOLVED.

    Raises
    ------
    InsufficientSamplesError
        For fewer than two samples.
    InvalidValueError
        For samples that are not finite real numbers.

    References
    ----------
    .. [1] U. Wolff, Comput. Phys. Commun. 156, 143 (2004), arXiv:hep-lat/0306017;
       error formula by N. Madras and A. Sokal, J. Stat. Phys. 50, 109 (1988).
    """
    values = as_samples(samples, statistic="an autocorrelation time", required=2)
    return pooled_autocorrelation_time(values[..., np.newaxis, :])


def pooled_autocorrelation_time(samples: ArrayLike) -> AutocorrelationTime:
    """Integrated autocorrelation time of several chains of one law, from all of them.

    Deviations are taken from the mean common to the chains, so that chains stuck in
    different places show up as a long time, which chains taken one by one would hide.

    Parameters
    ----------
    samples : (..., chain, sample) array_like
        Chains of equal length in equilibrium; independent of each other.

    Returns
    -------
    AutocorrelationTime
        See `integrated_autocorrelation_time`; n is the number of samples of all chains.

    Raises
    ------
    InsufficientSamplesError
        For fewer than two samples in a chain, or no chain.
    InvalidValueError
        For samples that are not finite real numbers.
    """
    values = as_samples(
        samples, statistic="an autocorrelation time", required=2, core_dimensions=2
    )
    leading = values.shape[:-2]
    items = values.reshape(-1, *values.shape[-2:])
    step = max(1, _BLOCK_ELEMENTS // (items.shape[1] * items.shape[2]))
    blocks = [_pooled(items[i : i + step]) for i in range(0, max(len(items), 1), step)]
    columns = (np.concatenate(column).reshape(leading) for column in zip(*blocks, strict=True))
    return AutocorrelationTime(*columns)


def ragged_autocorrelation_time(chains: Sequence[ArrayLike]) -> AutocorrelationTime:
    """Integrated autocorrelation time of chains of one law whose lengths differ.

    Parameters
    ----------
    chains : sequence of (..., sample) array_like
        Chains in equilibrium, independent of each other, alike but for the last axis.
        Every sample weighs the same.

    Returns
    -------
    AutocorrelationTime
        Of shape (...), see `pooled_autocorrelation_time`. A pair of samples enters where its
        chain is long enough; lags go up to half the longest chain.

    Raises
    ------
    InsufficientSamplesError
        For no chain, or a chain of fewer than two samples.
    InvalidValueError
        For samples that are not finite real numbers, or chains of unequal other axes.
    """
    each = ragged_samples(chains, statistic="an autocorrelation time", required=2)
    leading = each[0].shape[:-1]
    items = [chain.reshape(-1, chain.shape[-1]) for chain in each]
    scale = np.max([_scale(item, axis=-1) for item in items], axis=0)
    joined = np.concatenate([item / scale for item in items], axis=-1)
    mean = joined.mean(axis=-1, keepdims=True)
    lag_count = max(item.shape[-1] for item in items) // 2 + 1
    sums, pairs = np.zeros((len(scale), lag_count)), np.zeros((1, lag_count))
    for item in items:
        products = _lagged_products(item / scale - mean, lag_count)
        sums[:, : products.shape[-1]] += products
        pairs[0] += np.maximum(item.shape[-1] - np.arange(lag_count), 0)
    count = np.full(len(scale), float(joined.shape[-1]))
    result = windowed_time(
        sums, pairs=pairs, count=count, means=np.ones(len(scale)), scale=scale[:, 0]
    )
    return AutocorrelationTime._make(column.reshape(leading) for column in result)


def grouped_autocorrelation_time(
    samples: ArrayLike, *, layout: RunLayout
) -> AutocorrelationTime:
    """Integrated autocorrelation time at each point, from all its disorders and replicas.

    Deviations are taken from the mean over the replicas of each disorder: disorders have
    means of their own, which are no fluctuation. A disorder enters with the weight of its
    variance and of its number of runs.

    Parameters
    ----------
    samples : (run, sample) array_like
        Runs in equilibrium.
    layout : RunLayout
        Which runs belong to which disorder and point.

    Returns
    -------
    AutocorrelationTime
        Of shape (point,), see `integrated_autocorrelation_time`; n is the number of samples
        of all runs at the point.

    Raises
    ------
    InsufficientSamplesError
        For fewer than two samples in a run, or no run.
    InvalidValueError
        For samples that are not finite real numbers, or a layout of other runs.
    """
    values = as_samples(
        samples, statistic="an autocorrelation time", required=2, core_dimensions=2
    )
    run_count, sample_count = values.shape[-2:]
    if values.ndim != 2 or run_count != layout.cells.index.size:
        raise InvalidValueError(
            f"grouped samples need shape (run, sample) with {layout.cells.index.size} runs, "
            f"received {values.shape}; lay out the same runs."
        )
    scale = _scale(values, axis=(-2, -1))
    deviations = _cell_deviations(values / scale, layout)
    runs_into_points = layout.points.index[layout.cells.index]
    sums = np.zeros((layout.points.counts.size, sample_count // 2 + 1))
    step = max(1, _BLOCK_ELEMENTS // sample_count)
    for i in range(0, run_count, step):
        block = _lagged_products(deviations[i : i + step])
        np.add.at(sums, runs_into_points[i : i + step], block)
    chains = np.bincount(runs_into_points).astype(np.float64)
    return windowed_time(
        sums,
        pairs=chains[:, np.newaxis] * _pairs(sample_count),
        count=chains * sample_count,
        means=layout.points.counts.astype(np.float64),
        scale=np.broadcast_to(scale[..., 0, 0], chains.shape),
    )


def effective_sample_size(samples: ArrayLike) -> FloatArray:
    """Count the independent samples that would know the mean as well: n/(2τ).

    Parameters
    ----------
    samples : (..., sample) array_like
        See `integrated_autocorrelation_time`, also for what is raised.

    Returns
    -------
    (...) array, dimensionless
        At most n log₁₀ n; n for a constant series.
    """
    times = integrated_autocorrelation_time(samples)
    result: FloatArray = np.shape(samples)[-1] / (2.0 * times.time)
    return result


def pooled_effective_sample_size(samples: ArrayLike) -> FloatArray:
    """Count the independent samples in several chains of one law.

    Parameters
    ----------
    samples : (..., chain, sample) array_like
        See `pooled_autocorrelation_time`, also for what is raised.

    Returns
    -------
    (...) array, dimensionless
        Number of samples of all chains over 2τ.
    """
    times = pooled_autocorrelation_time(samples)
    chain_count, sample_count = np.shape(samples)[-2:]
    result: FloatArray = chain_count * sample_count / (2.0 * times.time)
    return result


def autocorrelation_function(samples: ArrayLike) -> FloatArray:
    """Normalised autocorrelation ρ(t) of each series, for lags up to half its length.

    Parameters
    ----------
    samples : (..., sample) array_like
        See `integrated_autocorrelation_time`, also for what is raised.

    Returns
    -------
    (..., lag) array, dimensionless
        ρ(0) = 1; biased by -2τ/n, the estimated mean's share. A constant series has ρ = 1 at
        lag 0 and 0 elsewhere.
    """
    values = as_samples(samples, statistic="an autocorrelation function", required=2)
    deviations = _deviations(values / _scale(values, axis=-1), axis=-1)
    sample_count = values.shape[-1]
    covariance = _lagged_products(deviations) / _pairs(sample_count)
    variance = covariance[..., :1]
    constant = variance == 0.0
    result: FloatArray = covariance / np.where(constant, 1.0, variance)
    result[..., 0] = 1.0
    return result


def _pooled(items: FloatArray) -> AutocorrelationTime:
    chain_count, sample_count = items.shape[-2:]
    scale = _scale(items, axis=(-2, -1))
    products = _lagged_products(_deviations(items / scale, axis=(-2, -1)))
    return windowed_time(
        products.sum(axis=-2),
        pairs=chain_count * _pairs(sample_count)[np.newaxis],
        count=np.full(len(items), float(chain_count * sample_count)),
        means=np.ones(len(items)),
        scale=scale[:, 0, 0],
    )


def _pairs(sample_count: int) -> FloatArray:
    """Number of products δ_i δ_{i+t} in one series, (lag,)."""
    return sample_count - np.arange(sample_count // 2 + 1, dtype=np.float64)


def _scale(values: FloatArray, *, axis: int | tuple[int, ...]) -> FloatArray:
    """Largest absolute value, so that squares neither overflow nor vanish."""
    largest: FloatArray = np.max(np.abs(values), axis=axis, keepdims=True)
    return np.where(largest > 0.0, largest, 1.0)


def _deviations(values: FloatArray, *, axis: int | tuple[int, ...]) -> FloatArray:
    # Scaled constants are ±1, whose mean is exact: they leave exact zeros.
    deviations: FloatArray = values - np.mean(values, axis=axis, keepdims=True)
    return deviations


def _cell_deviations(values: FloatArray, layout: RunLayout) -> FloatArray:
    cells = layout.cells
    constant = cells.maximum(values.max(axis=-1)) == cells.minimum(values.min(axis=-1))
    means = cells.mean(values.mean(axis=-1))
    deviations = values - means[cells.index, np.newaxis]
    return np.where(constant[cells.index, np.newaxis], 0.0, deviations)


def _lagged_products(deviations: FloatArray, lag_limit: int | None = None) -> FloatArray:
    """Σ_i δ_i δ_{i+t} for lags t up to half the length, (..., sample) to (..., lag)."""
    sample_count = deviations.shape[-1]
    lag_count = sample_count // 2 + 1 if lag_limit is None else min(sample_count, lag_limit)
    length = scipy.fft.next_fast_len(sample_count + lag_count, real=True)
    spectrum = scipy.fft.rfft(deviations, n=length)
    power = spectrum.real**2 + spectrum.imag**2
    products: FloatArray = scipy.fft.irfft(power, n=length)[..., :lag_count]
    return products
