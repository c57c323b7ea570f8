"""How one system's variable is distributed, with errors that know of correlated samples."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.autocorrelation import pooled_autocorrelation_time
from phasegrok.statistics.blocks import block_bounds, block_count, worst_status
from phasegrok.statistics.histograms import bin_index, checked_edges
from phasegrok.statistics.samples import FloatArray, IntArray, Status, as_samples

__all__ = ["SeriesHistogram", "series_histogram"]


class SeriesHistogram(NamedTuple):
    """A density within one disorder, its errors correlated between bins."""

    density: FloatArray
    """Per unit of the variable, (bin,)."""
    standard_error: FloatArray
    """Same unit, (bin,)."""
    covariance: FloatArray
    """Of the densities, (bin, bin); its diagonal is the squared error."""
    counts: IntArray
    """Entries, (bin,)."""
    outside: float
    """Fraction of the entries that lie in no bin."""
    block_length: int
    """Samples in a block that errors come from."""
    status: int
    """`Status` of the errors."""


def series_histogram(
    samples: ArrayLike, *, edges: ArrayLike, block_length: int | None = None
) -> SeriesHistogram:
    """Normalised histogram of correlated chains of one law.

    Parameters
    ----------
    samples : (sample,) or (chain, sample) array_like
        Chains in equilibrium, independent of each other, of any unit.
    edges : (bin + 1,) array_like
        Increasing, in the unit of the samples. A bin holds its left edge, the last bin both.
    block_length : int, optional
        Samples in a block; 8τ of the samples and of their squared deviations where left out,
        or what 64 blocks in all allow.

    Returns
    -------
    SeriesHistogram
        Normalised over all entries, also those in no bin. The covariance is the spread of
        block densities over their number: a bin that few blocks reach has an error poorly
        known, an empty one error 0. Errors are thermal; over disorders they come from
        `histograms.histogram_density`.

    Raises
    ------
    InsufficientSamplesError
        For no chain, or fewer than two samples in one.
    InvalidValueError
        For samples that are not finite, edges that do not increase, or a block length below 1
        or that leaves fewer than two blocks.
    """
    borders = checked_edges(edges)
    values = as_samples(samples, statistic="a histogram of a series", required=2)
    if values.size == 0:
        raise InsufficientSamplesError("a histogram of no chain", required=2, received=0)
    chains = values.reshape(-1, values.shape[-1])
    deviations = chains - chains.mean()
    times = pooled_autocorrelation_time(np.stack([deviations, deviations**2]))
    length = chains.shape[-1]
    if block_length is None:
        total = int(block_count(times.time.max(), chains.size))
        in_chain = int(np.clip(-(-total // len(chains)), 1, length))
    else:
        in_chain = length // block_length if block_length >= 1 else 0
    if in_chain * len(chains) < 2:
        raise InvalidValueError(
            f"a histogram of {len(chains)} chains of {length} samples needs two blocks or "
            f"more, received block_length={block_length}; shorten it, or leave it out."
        )
    bounds = block_bounds(length, in_chain)
    status = int(worst_status(times.status))
    if length / in_chain < 4.0 * times.time.max() and status == Status.RESOLVED:
        status = int(Status.UNRESOLVED)
    return _histogram(chains, borders, bounds, status)


def _histogram(
    chains: FloatArray, borders: FloatArray, bounds: IntArray, status: int
) -> SeriesHistogram:
    place, inside = bin_index(chains, borders)
    bin_count, block_number = borders.size - 1, bounds.size - 1
    within = np.repeat(np.arange(block_number), np.diff(bounds))
    block = np.arange(len(chains))[:, np.newaxis] * block_number + within
    blocks = len(chains) * block_number
    pair = (block * bin_count + place)[inside]
    counts = np.bincount(pair, minlength=blocks * bin_count).reshape(blocks, bin_count)
    sizes = np.tile(np.diff(bounds), len(chains)).astype(np.float64)
    width = np.diff(borders)
    density = counts.sum(axis=0) / (chains.size * width)
    # Deviations of block sums: a short block then counts as little as it should.
    excess = (counts - sizes[:, np.newaxis] * density * width) / (chains.size * width)
    covariance = excess.T @ excess * (blocks / (blocks - 1.0))
    return SeriesHistogram(
        density=density,
        standard_error=np.sqrt(np.diagonal(covariance)),
        covariance=covariance,
        counts=counts.sum(axis=0).astype(np.int64),
        outside=float(1.0 - inside.mean()),
        block_length=int(np.diff(bounds).min()),
        status=status,
    )
