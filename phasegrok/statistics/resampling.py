"""Errors of any function of samples, from resampling blocks of them.

A block should be several autocorrelation times long; all series of one call are resampled
alike, so that what is correlated between them stays so.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.samples import FloatArray, as_samples, centred_and_scaled

__all__ = [
    "ResampledEstimate",
    "SampleFunction",
    "block_bootstrap",
    "block_bootstrap_distribution",
    "block_jackknife",
]

SampleFunction: TypeAlias = Callable[[FloatArray], FloatArray]
"""Maps (..., sample) to (...), and does not care about the order of the samples."""


class ResampledEstimate(NamedTuple):
    """A function of samples, with its error and its bias."""

    value: FloatArray
    """The function of all samples, not corrected, (...)."""
    error: FloatArray
    """Standard error, (...)."""
    bias: FloatArray
    """Estimated bias; value - bias is the corrected estimate, (...)."""


def block_jackknife(
    function: SampleFunction, samples: ArrayLike, *, block_length: int = 1
) -> ResampledEstimate:
    """Error and bias of a smooth function, by leaving out one block at a time.

    Parameters
    ----------
    function : callable
        Maps (..., sample) to (...), such as `moments.kurtosis_ratio`.
    samples : (..., sample) array_like
        Series in equilibrium, of any unit.
    block_length : int
        Samples left out at a time. A remainder at the beginning, shorter than a block, is
        not used.

    Returns
    -------
    ResampledEstimate
        Error² = (B-1)/B Σ (f_b - f̄)² over B blocks [1]_; the bias, (B-1)(f̄ - f), is
        estimated to order 1/n. Not for quantiles or extremes, whose jackknife is
        inconsistent.

    Raises
    ------
    InsufficientSamplesError
        For fewer than two blocks.
    InvalidValueError
        For samples that are not finite, or a block length below 1.

    References
    ----------
    .. [1] B. Efron, The Jackknife, the Bootstrap and Other Resampling Plans, SIAM (1982).
    """
    values, block_count = _whole_blocks(samples, block_length, "a block jackknife")
    value = np.asarray(function(values), dtype=np.float64)
    keep = np.repeat(np.arange(block_count), block_length)
    without = np.stack(
        [function(values[..., keep != block]) for block in range(block_count)], axis=-1
    )
    centre, spread = _centre_and_spread(without)
    return ResampledEstimate(
        value=value,
        error=(block_count - 1.0) / np.sqrt(block_count) * spread,
        bias=(block_count - 1.0) * (centre - value),
    )


def block_bootstrap_distribution(
    function: SampleFunction,
    samples: ArrayLike,
    *,
    generator: np.random.Generator,
    block_length: int = 1,
    resamples: int = 200,
) -> FloatArray:
    """Values of a function on series put together from blocks drawn with replacement.

    Parameters
    ----------
    function : callable
        Maps (..., sample) to (...).
    samples : (..., sample) array_like
        Series in equilibrium, of any unit.
    generator : numpy.random.Generator
        Source of the draws.
    block_length : int
        Samples in a block; blocks begin anywhere and wrap around the end [1]_.
    resamples : int
        Number of series made.

    Returns
    -------
    (..., resample) array
        Its percentiles bound intervals; its spread is smaller than the true one by about
        the fraction of a block in the series.

    Raises
    ------
    InsufficientSamplesError
        For fewer than two blocks.
    InvalidValueError
        For samples that are not finite, a block length below 1, or fewer than two resamples.

    References
    ----------
    .. [1] D. N. Politis and J. P. Romano, in Exploring the Limits of Bootstrap, Wiley (1992).
    """
    values, block_count = _whole_blocks(samples, block_length, "a block bootstrap")
    if resamples < 2:
        raise InvalidValueError(
            f"a bootstrap needs at least 2 resamples, received {resamples}; 200 suit an error."
        )
    sample_count = values.shape[-1]
    within = np.arange(block_length)
    drawn = []
    for _ in range(resamples):
        starts = generator.integers(sample_count, size=(block_count, 1))
        index = ((starts + within) % sample_count).reshape(-1)
        drawn.append(function(values[..., index]))
    return np.stack(drawn, axis=-1)


def block_bootstrap(
    function: SampleFunction,
    samples: ArrayLike,
    *,
    generator: np.random.Generator,
    block_length: int = 1,
    resamples: int = 200,
) -> ResampledEstimate:
    """Error and bias of a function, by drawing blocks with replacement.

    Parameters
    ----------
    function, samples, generator, block_length, resamples
        See `block_bootstrap_distribution`, also for what is raised.

    Returns
    -------
    ResampledEstimate
        Error and bias carry a relative noise of 1/√(2 resamples).
    """
    values, _ = _whole_blocks(samples, block_length, "a block bootstrap")
    drawn = block_bootstrap_distribution(
        function, values, generator=generator, block_length=block_length, resamples=resamples
    )
    value = np.asarray(function(values), dtype=np.float64)
    centre, spread = _centre_and_spread(drawn)
    return ResampledEstimate(value=value, error=spread, bias=centre - value)


def _centre_and_spread(drawn: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation along the last axis, also of numbers without a square."""
    with np.errstate(all="ignore"):  # What the function gives may be infinite or no number.
        deviations, scale = centred_and_scaled(drawn)
        spread: FloatArray = scale * deviations.std(axis=-1, ddof=1)
        return drawn.mean(axis=-1), spread


def _whole_blocks(
    samples: ArrayLike, block_length: int, statistic: str
) -> tuple[FloatArray, int]:
    values = as_samples(samples, statistic=statistic)
    if block_length < 1:
        raise InvalidValueError(
            f"{statistic} needs a block length of at least 1, received {block_length}; a few "
            "autocorrelation times suit a series."
        )
    block_count = values.shape[-1] // block_length
    if block_count < 2:
        raise InsufficientSamplesError(
            f"{statistic} with blocks of {block_length}",
            required=2 * block_length,
            received=values.shape[-1],
        )
    return values[..., values.shape[-1] - block_count * block_length :], block_count
