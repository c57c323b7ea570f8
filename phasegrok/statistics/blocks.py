"""Series cut into blocks so long that their means count as independent.

Correlations across the border of two blocks of b samples shorten the squared error that their
scatter shows by τ/b of itself for correlations that decay exponentially (by less than that,
nothing, for white noise): 12 % for the shortest blocks chosen here, 8τ. Blocks carry this
shortfall, and what is made of them allows for it; blocks of a length that the caller chose
count as independent. Longer series get longer blocks instead of more than 64 of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import ArrayLike

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.autocorrelation import (
    integrated_autocorrelation_time,
    ragged_autocorrelation_time,
)
from phasegrok.statistics.layout import Grouping
from phasegrok.statistics.samples import (
    FloatArray,
    IntArray,
    Status,
    as_samples,
    ragged_samples,
)
from phasegrok.statistics.windows import AutocorrelationTime

__all__ = [
    "LARGEST_BLOCK_COUNT",
    "TIMES_PER_BLOCK",
    "BlockMeans",
    "block_bounds",
    "block_count",
    "block_means",
    "disorder_blocks",
    "ragged_block_means",
    "worst_status",
]

LARGEST_BLOCK_COUNT: Final = 64
"""A longer series gets longer blocks, whose correlations are forgotten, not more of them."""

TIMES_PER_BLOCK: Final = 8.0
"""Integrated autocorrelation times that a block of automatic length holds at least."""

_FEWEST_BLOCKS: Final = 8
# Below that an error is hardly known; such a series is UNRESOLVED by its own time anyway.


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class BlockMeans:
    """Means of several quantities over each block, and what every block stands for.

    Attributes
    ----------
    means : (quantity, ..., block) array
        Mean of each quantity over each block, in units of its own.
    weights : (block,) array
        Share of all samples that each block holds; they add to 1.
    status : (...) integer array
        `Status` of the blocks: UNRESOLVED where they may still be correlated.
    shortfall : (quantity or fewer, ...) array
        Share of the squared error of each quantity that correlations across borders hide,
        for the leading quantities whose times are known; negative for anticorrelated ones,
        0 for blocks of a chosen length.
    """

    means: FloatArray
    weights: FloatArray
    status: IntArray
    shortfall: FloatArray

    @property
    def count(self) -> int:
        """Number of blocks."""
        return int(self.weights.size)

    def average(self) -> FloatArray:
        """Mean over all blocks, (quantity, ...)."""
        result: FloatArray = self.means @ self.weights
        return result


def block_count(time: ArrayLike, sample_count: int) -> IntArray:
    """Choose into how many blocks to cut series of a length.

    Parameters
    ----------
    time : (...) array_like, in records
        Integrated autocorrelation time τ of each series.
    sample_count : int
        Length of the series, at least 2.

    Returns
    -------
    (...) integer array
        The largest power of two, up to 64, whose blocks hold 8τ, but at least 8; and no more
        than there are samples.
    """
    times = np.maximum(np.asarray(time, dtype=np.float64), 0.5)
    possible = np.maximum(sample_count / (TIMES_PER_BLOCK * times), 1.0)
    powers = 2.0 ** np.floor(np.log2(possible))
    chosen = np.clip(powers, _FEWEST_BLOCKS, LARGEST_BLOCK_COUNT)
    return np.minimum(chosen, sample_count).astype(np.int64)


def block_bounds(sample_count: int, count: int) -> IntArray:
    """Cut a length into parts that differ by at most one sample.

    Parameters
    ----------
    sample_count : int
        Length of the series.
    count : int
        Number of blocks, from 1 to the length.

    Returns
    -------
    (count + 1,) integer array
        From 0 to the length.
    """
    return (np.arange(count + 1) * sample_count) // count


def block_means(
    quantities: ArrayLike,
    *,
    block_length: int | None = None,
    times: AutocorrelationTime | None = None,
) -> BlockMeans:
    """Average several quantities over blocks of one stretch of samples.

    Parameters
    ----------
    quantities : (quantity, ..., sample) array_like
        Series in equilibrium, recorded together, in units of their own.
    block_length : int, optional
        Samples in a block at least; the remainder is spread over the blocks. Left out, blocks
        hold 8τ of the slowest quantity, all series of the call alike.
    times : AutocorrelationTime, optional
        Of shape (some quantity, ...), where it is known already which are slow.

    Returns
    -------
    BlockMeans
        Every sample lies in one block.

    Raises
    ------
    InsufficientSamplesError
        For fewer than two samples or blocks, or no quantity.
    InvalidValueError
        For samples that are not finite, or a block length below 1.
    """
    values = as_samples(quantities, statistic="block means", required=2, core_dimensions=2)
    times = integrated_autocorrelation_time(values) if times is None else times
    length = values.shape[-1]
    if block_length is None:
        count = int(block_count(times.time.max(initial=0.5), length))
    else:
        count = _count_of(block_length, length)
    bounds = block_bounds(length, count)
    return BlockMeans(
        means=_means(values, bounds),
        weights=np.diff(bounds) / length,
        status=_status(times, length, count),
        shortfall=_shortfall(times, length, count if block_length is None else 0),
    )


def ragged_block_means(
    replicas: Sequence[ArrayLike], *, block_length: int | None = None
) -> BlockMeans:
    """Average several quantities over blocks of independent replicas of unequal length.

    Parameters
    ----------
    replicas : sequence of (quantity, ..., sample) array_like
        Replicas in equilibrium. Every sample weighs the same.
    block_length : int, optional
        See `block_means`; a replica that is shorter is a block of its own.

    Returns
    -------
    BlockMeans
        Blocks of all replicas; none crosses from one replica to the next.

    Raises
    ------
    InsufficientSamplesError
        For fewer than two blocks, or a replica of fewer than two samples.
    InvalidValueError
        For samples that are not finite, replicas of unequal quantities, or a block length
        below 1.
    """
    each = ragged_samples(replicas, statistic="block means", required=2, core_dimensions=2)
    times = ragged_autocorrelation_time(each)
    total = sum(one.shape[-1] for one in each)
    if block_length is None:
        length = total // int(block_count(times.time.max(initial=0.5), total))
    else:
        length = _checked_length(block_length)
    cuts = [block_bounds(one.shape[-1], max(1, one.shape[-1] // length)) for one in each]
    sizes = np.concatenate([np.diff(cut) for cut in cuts])
    if sizes.size < 2:
        raise InsufficientSamplesError(
            f"block means with blocks of {length}", required=2 * length, received=total
        )
    return BlockMeans(
        means=np.concatenate(
            [_means(one, cut) for one, cut in zip(each, cuts, strict=True)], axis=-1
        ),
        weights=sizes / total,
        status=_status(times, total, sizes.size),
        shortfall=_shortfall(times, total, sizes.size if block_length is None else 0),
    )


def disorder_blocks(run_means: ArrayLike, *, disorder: ArrayLike) -> BlockMeans:
    """Make one block of every disorder, so that errors are those over disorders.

    Parameters
    ----------
    run_means : (quantity, ..., run) array_like
        Time average of each quantity in each run; runs may differ in length.
    disorder : (run,) array_like
        Which draw of data and teacher each run has. Every disorder weighs the same, every
        replica within it too.

    Returns
    -------
    BlockMeans
        Blocks in the order of sorted labels. A function of their mean is a function of
        disorder averages, not the disorder average of a function.

    Raises
    ------
    InsufficientSamplesError
        For fewer than two disorders.
    InvalidValueError
        For values that are not finite, or labels of another number of runs.
    """
    values = as_samples(run_means, statistic="averages by disorder", core_dimensions=2)
    groups = Grouping.of(disorder)
    if groups.index.size != values.shape[-1]:
        raise InvalidValueError(
            f"averages by disorder need one label per run, received {groups.index.size} labels "
            f"for {values.shape[-1]} runs; keep the runs along the last axis."
        )
    count = groups.counts.size
    if count < 2:
        raise InsufficientSamplesError(
            "the error of a disorder average (samples are disorders)",
            required=2,
            received=count,
        )
    means = groups.mean(values)
    constant = (means == means[..., :1]).all(axis=(0, -1))
    return BlockMeans(
        means=means,
        weights=np.full(count, 1.0 / count),
        status=np.where(constant, Status.CONSTANT, Status.RESOLVED).astype(np.int64),
        shortfall=np.zeros((1, *means.shape[1:-1])),
    )


def worst_status(status: IntArray) -> IntArray:
    """Judge quantities together, (quantity, ...) to (...).

    Parameters
    ----------
    status : (quantity, ...) integer array
        `Status` of each quantity.

    Returns
    -------
    (...) integer array
        CONSTANT where all are, else REFUSED or UNRESOLVED where any is, else RESOLVED.
    """
    constant = (status == Status.CONSTANT).all(axis=0)
    moving = np.where(status == Status.CONSTANT, Status.RESOLVED, status).max(axis=0)
    return np.where(constant, Status.CONSTANT, moving).astype(np.int64)


def _checked_length(block_length: int) -> int:
    if block_length < 1:
        raise InvalidValueError(
            f"blocks need a length of at least 1, received {block_length}; leave it out for "
            "one that suits the autocorrelation time."
        )
    return int(block_length)


def _count_of(block_length: int, sample_count: int) -> int:
    count = sample_count // _checked_length(block_length)
    if count < 2:
        raise InsufficientSamplesError(
            f"block means with blocks of {block_length}",
            required=2 * block_length,
            received=sample_count,
        )
    return count


def _means(values: FloatArray, bounds: IntArray) -> FloatArray:
    sums = np.add.reduceat(values, bounds[:-1], axis=-1)
    means: FloatArray = sums / np.diff(bounds)
    # Rounded sums of equal numbers may differ: a constant is its own mean.
    constant = values.max(axis=-1, keepdims=True) == values.min(axis=-1, keepdims=True)
    return np.where(constant, values[..., :1], means)


def _status(times: AutocorrelationTime, sample_count: int, count: int) -> IntArray:
    """Blocks shorter than 4τ are judged UNRESOLVED, whoever chose them."""
    short = sample_count / count < 0.5 * TIMES_PER_BLOCK * times.time
    status = np.where(
        short & (times.status == Status.RESOLVED), Status.UNRESOLVED, times.status
    )
    return worst_status(status)


def _shortfall(times: AutocorrelationTime, sample_count: int, count: int) -> FloatArray:
    """Share of a squared error that count blocks miss, by quantity, (quantity, ...).

    For ρ = e^(-t/T) the variance of a block's mean is 2τ var/b (1 - Σ t ρ/(τ b)), and
    Σ t ρ = τ² - ¼ (H. Flyvbjerg and H. G. Petersen, J. Chem. Phys. 91, 461 (1989)).
    """
    share = (times.time - 0.25 / times.time) * count / sample_count
    result: FloatArray = np.where(times.status == Status.CONSTANT, 0.0, share)
    # Blocks shorter than 4τ are UNRESOLVED, and first order says no more about them.
    return np.clip(result, -0.25, 0.25)
