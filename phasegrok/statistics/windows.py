"""The automatic window: how far to sum correlations before noise outweighs what is left."""

from typing import Final, NamedTuple

import numpy as np

from phasegrok.statistics.samples import BoolArray, FloatArray, IntArray, Status

__all__ = ["MINIMUM_EFFECTIVE_SAMPLES", "AutocorrelationTime", "windowed_time"]

MINIMUM_EFFECTIVE_SAMPLES: Final = 50.0
"""Fewer effective samples than this leave an autocorrelation time unresolved."""

_WINDOW_FACTOR: Final = 1.5
# Wolff's S: ratio of the decay time of the slowest mode to that guessed from τ itself.

_FIRST_LAGS: Final = 1024
# Most windows close within so many lags; only where not are all lags searched.


class AutocorrelationTime(NamedTuple):
    """Integrated autocorrelation times, in records, and what follows from them at once."""

    time: FloatArray
    """τ, (...)."""
    error: FloatArray
    """Statistical error of τ, (...)."""
    window: IntArray
    """Largest lag summed, (...)."""
    variance: FloatArray
    """Variance of one sample, freed of the bias of the estimated mean, (...)."""
    status: IntArray
    """`Status` of each estimate, (...)."""


def windowed_time(
    sums: FloatArray,
    *,
    pairs: FloatArray,
    count: FloatArray,
    means: FloatArray,
    scale: FloatArray,
) -> AutocorrelationTime:
    """Sum the correlations of each item up to its automatic window.

    Parameters
    ----------
    sums : (item, lag) array
        Σ δ_i δ_{i+t} over all chains, in units of the squared scale.
    pairs : (item, lag) or (1, lag) array
        Number of products in each sum, positive.
    count : (item,) array
        Samples of all chains.
    means : (item,) array
        Number of means that the deviations were taken from.
    scale : (item,) array
        Unit of the deviations.

    Returns
    -------
    AutocorrelationTime
        Of shape (item,).
    """
    lags = np.arange(sums.shape[-1])
    variance = sums[:, 0] / count
    constant = variance <= 0.0
    safe_variance = np.where(constant, 1.0, variance)
    correlation = sums / (safe_variance[:, np.newaxis] * pairs)
    window, closed = _automatic_window(correlation, count)
    within = np.where(lags <= window[:, np.newaxis], correlation, 0.0)
    total = 2.0 * within.sum(axis=-1) - 1.0
    # Every estimated mean absorbs total·variance/n_mean of each covariance: give it back.
    missing = np.maximum(total, 0.0) * means / count
    time = 0.5 * (total + (2 * window + 1) * missing) / (1.0 + missing)
    time = np.maximum(time, 0.5 / np.maximum(np.log10(count), 1.0))
    spread = np.maximum(window + 0.5 - time, 0.5)
    error = time * np.sqrt(4.0 * spread / count)
    unresolved = ~closed | (count < 2.0 * time * MINIMUM_EFFECTIVE_SAMPLES)
    status = np.where(unresolved, Status.UNRESOLVED, Status.RESOLVED)
    return AutocorrelationTime(
        time=np.where(constant, 0.5, time),
        error=np.where(constant, 0.0, error),
        window=np.where(constant, 0, window).astype(np.int64),
        variance=np.where(constant, 0.0, safe_variance * (1.0 + missing) * scale**2),
        status=np.where(constant, Status.CONSTANT, status).astype(np.int64),
    )


def _automatic_window(correlation: FloatArray, count: FloatArray) -> tuple[IntArray, BoolArray]:
    """First lag where truncation is no worse than noise, and whether there is one."""
    window, closed = _first_closed(correlation[:, :_FIRST_LAGS], count)
    open_items = np.flatnonzero(~closed)
    if open_items.size and correlation.shape[-1] > _FIRST_LAGS:
        longer = _first_closed(correlation[open_items], count[open_items])
        window[open_items], closed[open_items] = longer
    return window, closed


def _first_closed(correlation: FloatArray, count: FloatArray) -> tuple[IntArray, BoolArray]:
    lags = np.arange(1, correlation.shape[-1])
    signs = np.where(lags % 2 == 0, 1.0, -1.0)
    tail = correlation[:, 1:]
    plain = 0.5 + np.cumsum(tail, axis=-1)
    alternating = 0.5 + np.cumsum(signs * tail, axis=-1)
    twice = 2.0 * np.maximum(np.maximum(plain, alternating), 0.5 + 1e-9)
    decay = _WINDOW_FACTOR / np.log((twice + 1.0) / (twice - 1.0))
    noise = decay / np.sqrt(lags * count[:, np.newaxis])
    enough = np.exp(-lags / decay) < noise
    closed: BoolArray = np.any(enough, axis=-1, keepdims=False)
    window: IntArray = np.where(closed, enough.argmax(axis=-1) + 1, lags[-1])
    return window, closed
