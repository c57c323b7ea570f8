"""Errors of any function of means: leave blocks out, or draw them anew.

A function gets the means of several quantities along its first axis and treats all further
axes elementwise, so that ``lambda m: m[1] - m[0] ** 2`` serves one vector of means and a whole
batch of resamples at once. What it returns has the further axes, components before them.
"""

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from phasegrok.errors import InvalidValueError
from phasegrok.statistics.autocorrelation import integrated_autocorrelation_time
from phasegrok.statistics.blocks import BlockMeans, block_count, block_means
from phasegrok.statistics.samples import FloatArray, IntArray, Status, as_samples
from phasegrok.statistics.windows import AutocorrelationTime

__all__ = [
    "FunctionEstimate",
    "MeanFunction",
    "bootstrap_of_means",
    "bootstrap_of_means_distribution",
    "bootstrap_of_series",
    "by_pieces",
    "jackknife_of_means",
    "jackknife_of_series",
]

_PIECE_ELEMENTS: Final = 2**18
# Samples of one quantity at a time: several quantities of them stay in cache.

MeanFunction: TypeAlias = Callable[[FloatArray], ArrayLike]
"""Maps (quantity, ...) to (...) or (component, ...), elementwise in all but the first axis."""


class FunctionEstimate(NamedTuple):
    """A function of means, freed of the leading bias, with its error."""

    value: FloatArray
    """Corrected estimate, plain value minus bias; NaN where REFUSED, (component..., ...)."""
    error: FloatArray
    """Standard error, (component..., ...)."""
    bias: FloatArray
    """What was taken off the plain value, (component..., ...)."""
    status: IntArray
    """`Status`, REFUSED where the function is not finite, (component..., ...)."""

    def scaled(self, factor: ArrayLike) -> "FunctionEstimate":
        """Give the estimate of the function times a known factor, (...)."""
        unit = np.asarray(factor, dtype=np.float64)
        shape = np.broadcast_shapes(unit.shape, self.status.shape)
        return FunctionEstimate(
            value=unit * self.value,
            error=np.abs(unit) * self.error,
            bias=unit * self.bias,
            status=np.broadcast_to(self.status, shape),
        )


def jackknife_of_means(function: MeanFunction, blocks: BlockMeans) -> FunctionEstimate:
    """Value, bias and error of a smooth function, by leaving out one block at a time.

    Parameters
    ----------
    function : callable
        Maps (quantity, ...) to (...) or (component, ...); see the head of this module.
    blocks : BlockMeans
        From `blocks.block_means`, `blocks.ragged_block_means` or `blocks.disorder_blocks`.

    Returns
    -------
    FunctionEstimate
        With blocks of unequal weight w_b and h_b = 1/w_b, pseudo-values
        p_b = h_b f - (h_b - 1) f_b, the corrected value is θ = B f - Σ (1 - w_b) f_b and
        the squared error Σ (p_b - θ)²/(h_b - 1)/B [1]_; for equal blocks it is the ordinary
        jackknife. Bias and squared error are then divided by 1 - s, s the `shortfall` of the
        blocks, the mean over the quantities by how far the function goes along with each.
        The bias left is of second order in 1/B.

    Raises
    ------
    InvalidValueError
        For a function that does not keep the further axes.

    References
    ----------
    .. [1] F. Busing, E. Meijer and R. van der Leeden, Stat. Comput. 9, 3 (1999).
    """
    weights, count = blocks.weights, blocks.count
    plain, partial = _called(function, blocks.average()), _without_one(function, blocks)
    inverse = 1.0 / weights
    with np.errstate(all="ignore"):
        corrected = count * plain - partial @ (1.0 - weights)
        pseudo = inverse * plain[..., np.newaxis] - (inverse - 1.0) * partial
        squares = (pseudo - corrected[..., np.newaxis]) ** 2
        seen = 1.0 - _shortfall(partial, blocks)
        error = np.sqrt((squares / (inverse - 1.0)).mean(axis=-1) / seen)
        bias = (plain - corrected) / seen
    return _estimate(plain - bias, error, bias, blocks.status)


def jackknife_of_series(
    function: MeanFunction,
    quantities: ArrayLike,
    *,
    block_length: int | None = None,
    clocks: int | None = None,
) -> FunctionEstimate:
    """Jackknife a function of means at many points, each with blocks of its own length.

    Parameters
    ----------
    function : callable
        See `jackknife_of_means`.
    quantities : (quantity, ..., sample) array_like
        Series in equilibrium, recorded together, in units of their own.
    block_length : int, optional
        Samples in a block, which then count as independent; 8τ of the slowest quantity of
        each point where left out.
    clocks : int, optional
        How many of the leading quantities to ask for their autocorrelation times; all where
        left out. Powers of one series need no more than the first two.

    Returns
    -------
    FunctionEstimate
        Every point is what it would be alone.

    Raises
    ------
    InsufficientSamplesError
        For fewer than two samples or blocks.
    InvalidValueError
        For samples that are not finite, or a function that does not keep the further axes.
    """
    return _by_count(
        lambda blocks: jackknife_of_means(function, blocks),
        quantities,
        block_length=block_length,
        clocks=clocks,
    )


def bootstrap_of_series(
    function: MeanFunction,
    quantities: ArrayLike,
    *,
    generator: np.random.Generator,
    block_length: int | None = None,
    resamples: int = 400,
) -> FunctionEstimate:
    """Bootstrap a function of means at many points, each with blocks of its own length.

    Parameters
    ----------
    function, quantities, block_length
        See `jackknife_of_series`, also for what is raised.
    generator, resamples
        See `bootstrap_of_means`. One number is drawn from the generator; from it and their
        number of blocks points get their draws, so that points of as many blocks are drawn
        alike, and every point is what it would be alone.

    Returns
    -------
    FunctionEstimate
        See `bootstrap_of_means`.
    """
    seed = int(generator.integers(2**63))

    def estimate(blocks: BlockMeans) -> FunctionEstimate:
        own = np.random.default_rng([seed, blocks.count])
        return bootstrap_of_means(function, blocks, generator=own, resamples=resamples)

    return _by_count(estimate, quantities, block_length=block_length, clocks=None)


def _by_count(
    estimate: Callable[[BlockMeans], FunctionEstimate],
    quantities: ArrayLike,
    *,
    block_length: int | None,
    clocks: int | None,
) -> FunctionEstimate:
    """Cut the points (quantity, ..., sample) into as many blocks as each allows."""
    values = as_samples(
        quantities, statistic="a function of means", required=2, core_dimensions=2
    )
    length = values.shape[-1]
    flat = values.reshape(len(values), -1, length)
    times = integrated_autocorrelation_time(flat[:clocks])
    if block_length is None:
        counts = block_count(times.time.max(axis=0), length)
    else:
        counts = np.full(flat.shape[1], max(1, length // max(1, block_length)))
    parts, order = [], []
    for count in np.unique(counts) if counts.size else [1]:
        members = np.flatnonzero(counts == count)
        its_times = AutocorrelationTime._make(column[:, members] for column in times)
        blocks = block_means(flat[:, members], block_length=block_length, times=its_times)
        order.append(members)
        parts.append(estimate(blocks))
    back = np.argsort(np.concatenate(order))
    joined = (np.concatenate(column, axis=-1)[..., back] for column in zip(*parts, strict=True))
    return FunctionEstimate(
        *(column.reshape((*column.shape[:-1], *values.shape[1:-1])) for column in joined)
    )


def by_pieces(
    estimate: Callable[..., FunctionEstimate], *series: FloatArray
) -> FunctionEstimate:
    """Estimate a few points at a time, since the quantities of all might not fit in memory.

    Parameters
    ----------
    estimate : callable
        Maps arrays (point, sample) to an estimate (point,).
    series : (..., sample) arrays
        Of one shape.

    Returns
    -------
    FunctionEstimate
        Of shape (...).
    """
    shape = series[0].shape
    flat = [one.reshape(-1, shape[-1]) for one in series]
    step = max(1, _PIECE_ELEMENTS // shape[-1])
    parts = [
        estimate(*(one[i : i + step] for one in flat))
        for i in range(0, max(len(flat[0]), 1), step)
    ]
    joined = (np.concatenate(column) for column in zip(*parts, strict=True))
    return FunctionEstimate(*(column.reshape(shape[:-1]) for column in joined))


def bootstrap_of_means_distribution(
    function: MeanFunction,
    blocks: BlockMeans,
    *,
    generator: np.random.Generator,
    resamples: int = 400,
) -> FloatArray:
    """Values of a function on blocks drawn with replacement.

    Parameters
    ----------
    function, blocks
        See `jackknife_of_means`.
    generator : numpy.random.Generator
        Source of the draws; all series and quantities are drawn alike.
    resamples : int
        Number of draws.

    Returns
    -------
    (component..., ..., resample) array
        Its percentiles bound intervals. Its variance is short by the factor 1 - 1/B.

    Raises
    ------
    InvalidValueError
        For fewer than two resamples, or a function that does not keep the further axes.
    """
    if resamples < 2:
        raise InvalidValueError(
            f"a bootstrap needs at least 2 resamples, received {resamples}; 400 suit an error."
        )
    count = blocks.count
    drawn = generator.multinomial(count, np.full(count, 1.0 / count), size=resamples)
    weights = drawn * blocks.weights
    means = blocks.means @ weights.T / weights.sum(axis=1)
    return _called(function, means)


def bootstrap_of_means(
    function: MeanFunction,
    blocks: BlockMeans,
    *,
    generator: np.random.Generator,
    resamples: int = 400,
) -> FunctionEstimate:
    """Value, bias and error of a function, by drawing blocks with replacement.

    Parameters
    ----------
    function, blocks, generator, resamples
        See `bootstrap_of_means_distribution`, also for what is raised.

    Returns
    -------
    FunctionEstimate
        The error is the spread of the draws times √(B/(B-1)), and bias likewise, both freed
        of the blocks' shortfall as in `jackknife_of_means`; both carry a relative noise of
        1/√(2 resamples).
    """
    drawn = bootstrap_of_means_distribution(
        function, blocks, generator=generator, resamples=resamples
    )
    plain = _called(function, blocks.average())
    with np.errstate(all="ignore"):
        seen = 1.0 - _shortfall(_without_one(function, blocks), blocks)
        excess = blocks.count / (blocks.count - 1.0) / seen
        bias = excess * (drawn.mean(axis=-1) - plain)
        error = np.sqrt(excess) * drawn.std(axis=-1, ddof=1)
    return _estimate(plain - bias, error, bias, blocks.status)


def _without_one(function: MeanFunction, blocks: BlockMeans) -> FloatArray:
    """Give the function of all blocks but one, (component..., ..., block)."""
    weights = blocks.weights
    average = blocks.average()[..., np.newaxis]
    return _called(function, (average - weights * blocks.means) / (1.0 - weights))


def _shortfall(partial: FloatArray, blocks: BlockMeans) -> FloatArray:
    """Mean shortfall by the squared correlation with each quantity, (component..., ...)."""
    quantities = blocks.means[: len(blocks.shortfall)]
    deviations = quantities - quantities.mean(axis=-1, keepdims=True)
    with np.errstate(all="ignore"):
        moves = partial - partial.mean(axis=-1, keepdims=True)
    total, weight = np.zeros(partial.shape[:-1]), np.zeros(partial.shape[:-1])
    for deviation, share in zip(deviations, blocks.shortfall, strict=True):
        norm = np.sqrt((deviation**2).sum(axis=-1))
        with np.errstate(all="ignore"):  # A function that is not finite is REFUSED later.
            along = ((deviation * moves).sum(axis=-1) / np.where(norm > 0.0, norm, 1.0)) ** 2
        along = np.where(np.isfinite(along), along, 0.0)
        total, weight = total + along * share, weight + along
    known = weight > 0.0
    result: FloatArray = np.where(known, total / np.where(known, weight, 1.0), 0.0)
    return result


def _called(function: MeanFunction, means: FloatArray) -> FloatArray:
    """Call a function on (quantity, ...) and see that it keeps what follows the first axis."""
    # A ratio of zeros is no accident here: it becomes a status.
    with np.errstate(all="ignore"):
        result = np.asarray(function(means), dtype=np.float64)
    further = means.shape[1:]
    if result.shape[result.ndim - len(further) :] != further or result.ndim < len(further):
        raise InvalidValueError(
            f"a function of means of shape {means.shape} must keep the axes {further} after "
            f"the first, received shape {result.shape}; compute elementwise, or wrap it in "
            "numpy.apply_along_axis over the first axis."
        )
    return result


def _estimate(
    value: FloatArray, error: FloatArray, bias: FloatArray, status: IntArray
) -> FunctionEstimate:
    good = np.isfinite(value) & np.isfinite(error)
    return FunctionEstimate(
        value=np.where(good, value, np.nan),
        error=np.where(good, error, np.nan),
        bias=np.where(good, bias, np.nan),
        status=np.where(good, status, Status.REFUSED).astype(np.int64),
    )
