"""How a variable is distributed, with errors from disorder to disorder."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.layout import Grouping
from phasegrok.statistics.samples import BoolArray, FloatArray, IntArray, as_samples

__all__ = [
    "HistogramDensity",
    "NegativeLogDensity",
    "bin_index",
    "checked_edges",
    "histogram_density",
    "negative_log_density",
]


class HistogramDensity(NamedTuple):
    """A probability density averaged over disorders."""

    density: FloatArray
    """Per unit of the variable, (bin,)."""
    standard_error: FloatArray
    """Over disorders, same unit, (bin,)."""
    counts: IntArray
    """Entries of each disorder, (disorder, bin), in the order of sorted labels."""
    outside: float
    """Fraction of the entries that lie in no bin, averaged over disorders alike."""


class NegativeLogDensity(NamedTuple):
    """Minus the logarithm of a density: a free energy in units of the temperature."""

    value: FloatArray
    """-ln(density), infinite where a bin is empty, (bin,)."""
    standard_error: FloatArray
    """Infinite where a bin is empty, (bin,)."""
    total_count: IntArray
    """Entries of all disorders; 0 marks an empty bin, (bin,)."""


def histogram_density(
    values: ArrayLike, *, edges: ArrayLike, disorder: ArrayLike
) -> HistogramDensity:
    """Normalised histogram, every disorder of equal weight.

    Parameters
    ----------
    values : (run, ...) array_like
        Entries of each run, such as records and neurons, of any unit. Entries of one run, and
        runs of one disorder, may be correlated: errors come from the disorders alone.
    edges : (bin + 1,) array_like
        Increasing, in the unit of the values. A bin holds its left edge, the last bin both.
    disorder : (run,) array_like
        Which draw of data and teacher each run has.

    Returns
    -------
    HistogramDensity
        Normalised over all entries, also those in no bin: Σ density·width = 1 - outside. The
        standard error is that of resampling whole disorders; in a bin that few disorders
        reach it is itself poorly known, and 0 in an empty one.

    Raises
    ------
    InsufficientSamplesError
        For fewer than two disorders, or runs without entries.
    InvalidValueError
        For values that are not finite, edges that do not increase, or labels of another
        number of runs.
    """
    borders = checked_edges(edges)
    entries = as_samples(values, statistic="a histogram")
    groups = Grouping.of(disorder)
    if entries.shape[0] != groups.index.size:
        raise InvalidValueError(
            f"a histogram needs one disorder label per run, received "
            f"{groups.index.size} labels for {entries.shape[0]} runs; put the run first."
        )
    if groups.counts.size < 2 or entries.size == 0:
        raise InsufficientSamplesError(
            "the error of a histogram (samples are disorders)",
            required=2,
            received=groups.counts.size if entries.size else 0,
        )
    flat = entries.reshape(entries.shape[0], -1)
    counts = _counts(flat, borders, groups)
    totals = groups.counts[:, np.newaxis] * float(flat.shape[1])
    densities = counts / (totals * np.diff(borders))
    error: FloatArray = densities.std(axis=0, ddof=1) / np.sqrt(len(densities))
    inside = counts.sum(axis=1, keepdims=True) / totals
    return HistogramDensity(
        density=densities.mean(axis=0),
        standard_error=error,
        counts=counts,
        outside=float(1.0 - inside.mean()),
    )


def negative_log_density(histogram: HistogramDensity) -> NegativeLogDensity:
    """Minus the logarithm of a measured density, for comparison with a theory's potential.

    Parameters
    ----------
    histogram : HistogramDensity
        From `histogram_density`.

    Returns
    -------
    NegativeLogDensity
        The error is propagated to first order, error/density: good where it is small. A bin
        with few entries is biased upwards by half its squared error.
    """
    count = histogram.counts.sum(axis=0)
    empty = count == 0
    density = np.where(empty, 1.0, histogram.density)
    return NegativeLogDensity(
        value=np.where(empty, np.inf, -np.log(density)),
        standard_error=np.where(empty, np.inf, histogram.standard_error / density),
        total_count=count,
    )


def checked_edges(edges: ArrayLike) -> FloatArray:
    """Turn edges into increasing float64 numbers, or refuse them.

    Parameters
    ----------
    edges : (bin + 1,) array_like
        Of any unit.

    Returns
    -------
    (bin + 1,) array
        The same numbers.

    Raises
    ------
    InsufficientSamplesError
        For fewer than two edges.
    InvalidValueError
        For edges that are not finite, do not increase, or have several dimensions.
    """
    borders = as_samples(edges, statistic="a histogram's edges", required=2)
    if borders.ndim != 1 or not np.all(np.diff(borders) > 0.0):
        raise InvalidValueError(
            f"edges need one dimension and increasing values, received {borders}; sort them "
            "and remove duplicates."
        )
    return borders


def bin_index(values: FloatArray, borders: FloatArray) -> tuple[IntArray, BoolArray]:
    """Find the bin of each value, and whether it lies in any.

    Parameters
    ----------
    values : (...) array
        In the unit of the edges.
    borders : (bin + 1,) array
        Increasing.

    Returns
    -------
    (...) integer array and (...) bool array
        Bins from 0; the last bin holds its right edge too. No bin, where outside.
    """
    bin_count = borders.size - 1
    place = np.searchsorted(borders, values, side="right") - 1
    place = np.where(values == borders[-1], bin_count - 1, place).astype(np.int64)
    return place, (place >= 0) & (place < bin_count)


def _counts(flat: FloatArray, borders: FloatArray, groups: Grouping) -> IntArray:
    """Entries (run, entry) into counts (disorder, bin)."""
    bin_count = borders.size - 1
    place, inside = bin_index(flat, borders)
    pair = groups.index[:, np.newaxis] * bin_count + place
    size = groups.counts.size * bin_count
    counts = np.bincount(pair[inside], minlength=size).astype(np.int64)
    return counts.reshape(groups.counts.size, bin_count)
