"""Whether chains that began apart have come to agree."""

from collections.abc import Sequence

import numpy as np
import scipy.special
import scipy.stats
from numpy.typing import ArrayLike

from phasegrok.statistics.samples import FloatArray, as_samples, ragged_samples

__all__ = [
    "ragged_rank_normalised_split_r_hat",
    "ragged_split_r_hat",
    "rank_normalised_split_r_hat",
    "split_r_hat",
]

_FEWEST_SAMPLES = 4


def split_r_hat(samples: ArrayLike) -> FloatArray:
    """Ratio of the spread over all half chains to the spread within one.

    Parameters
    ----------
    samples : (..., chain, sample) array_like
        Chains of equal length, of any unit. One chain is enough: its halves are compared.

    Returns
    -------
    (...) array, dimensionless
        R̂ = √[(n-1)/n + B/(nW)], with n samples in each half chain, W the mean variance
        within half chains and B/n the variance of their means [1]_. About 1 for chains that
        agree; infinite for constant chains that differ, 1 where all samples are equal.

    Raises
    ------
    InsufficientSamplesError
        For fewer than four samples in a chain, or no chain.
    InvalidValueError
        For samples that are not finite real numbers.

    References
    ----------
    .. [1] A. Gelman et al., Bayesian Data Analysis, 3rd edition (2013), section 11.4.
    """
    return _r_hat(_half_chains(samples))


def rank_normalised_split_r_hat(samples: ArrayLike) -> FloatArray:
    """Split R̂ of the normal scores of the ranks, of place and of spread, whichever is larger.

    Ranks make it valid for heavy tails and blind to any monotonic change of variable; the
    folded part, of |x - median|, sees chains of equal mean and unequal width [1]_.

    Parameters
    ----------
    samples : (..., chain, sample) array_like
        See `split_r_hat`, also for what is raised.

    Returns
    -------
    (...) array, dimensionless
        Below 1.01 is the usual demand.

    References
    ----------
    .. [1] A. Vehtari et al., Bayesian Analysis 16, 667 (2021), arXiv:1903.08008.
    """
    halves = _half_chains(samples)
    folded = np.abs(halves - np.median(halves, axis=(-2, -1), keepdims=True))
    result: FloatArray = np.maximum(
        _r_hat(_scores_of_chains(halves)), _r_hat(_scores_of_chains(folded))
    )
    return result


def ragged_split_r_hat(chains: Sequence[ArrayLike]) -> FloatArray:
    """Ratio of the spread over all half chains to that within one, for unequal lengths.

    Parameters
    ----------
    chains : sequence of (..., sample) array_like
        Chains alike but for the last axis, of any unit. Every sample weighs the same.

    Returns
    -------
    (...) array, dimensionless
        R̂ = √[1 + (B/W - 1)/n₀], with B and W the mean squares between and within the M half
        chains of lengths n_j and n₀ = (Σ n_j - Σ n_j²/Σ n_j)/(M - 1) [1]_: 1 plus the
        variance component of the chains in units of W. For equal lengths it is `split_r_hat`.

    Raises
    ------
    InsufficientSamplesError
        For no chain, or a chain of fewer than four samples.
    InvalidValueError
        For samples that are not finite real numbers, or chains of unequal other axes.

    References
    ----------
    .. [1] S. R. Searle, G. Casella and C. E. McCulloch, Variance Components, Wiley (1992),
       section 3.6.
    """
    return _ragged_r_hat(_ragged_halves(chains))


def ragged_rank_normalised_split_r_hat(chains: Sequence[ArrayLike]) -> FloatArray:
    """Rank-normalised split R̂ of chains whose lengths differ.

    Parameters
    ----------
    chains : sequence of (..., sample) array_like
        See `ragged_split_r_hat`, also for what is raised.

    Returns
    -------
    (...) array, dimensionless
        See `rank_normalised_split_r_hat`, which it is for equal lengths.
    """
    halves = _ragged_halves(chains)
    ends = np.cumsum([half.shape[-1] for half in halves])[:-1]
    joined = np.concatenate(halves, axis=-1)
    folded = np.abs(joined - np.median(joined, axis=-1, keepdims=True))
    place, spread = (
        _ragged_r_hat(np.split(_normal_scores(values), ends, axis=-1))
        for values in (joined, folded)
    )
    result: FloatArray = np.maximum(place, spread)
    return result


def _half_chains(samples: ArrayLike) -> FloatArray:
    """(..., chain, sample) to (..., half chain, sample); an odd middle is left out."""
    values = as_samples(
        samples, statistic="split R-hat", required=_FEWEST_SAMPLES, core_dimensions=2
    )
    half = values.shape[-1] // 2
    return np.concatenate([values[..., :half], values[..., -half:]], axis=-2)


def _ragged_halves(chains: Sequence[ArrayLike]) -> list[FloatArray]:
    """First and last half of each chain, (..., sample) each; odd middles are left out."""
    each = ragged_samples(chains, statistic="split R-hat", required=_FEWEST_SAMPLES)
    lengths = [one.shape[-1] // 2 for one in each]
    return [
        half
        for one, length in zip(each, lengths, strict=True)
        for half in (one[..., :length], one[..., -length:])
    ]


def _scores_of_chains(values: FloatArray) -> FloatArray:
    return _normal_scores(values.reshape(*values.shape[:-2], -1)).reshape(values.shape)


def _normal_scores(flat: FloatArray) -> FloatArray:
    """Expected normal deviates of the ranks along the last axis."""
    ranks = scipy.stats.rankdata(flat, axis=-1)
    scores: FloatArray = scipy.special.ndtri((ranks - 0.375) / (flat.shape[-1] + 0.25))
    return scores


def _r_hat(chains: FloatArray) -> FloatArray:
    sample_count = chains.shape[-1]
    constant = chains.max(axis=-1) == chains.min(axis=-1)
    means = np.where(constant, chains[..., 0], chains.mean(axis=-1))
    within = np.where(constant, 0.0, chains.var(axis=-1, ddof=1)).mean(axis=-1)
    equal = means.max(axis=-1) == means.min(axis=-1)
    between = np.where(equal, 0.0, means.var(axis=-1, ddof=1))
    still = within == 0.0
    ratio = between / np.where(still, 1.0, within)
    r_hat = np.sqrt((sample_count - 1.0) / sample_count + ratio)
    return np.where(still, np.where(equal, 1.0, np.inf), r_hat)


def _ragged_r_hat(halves: Sequence[FloatArray]) -> FloatArray:
    lengths = np.array([half.shape[-1] for half in halves], dtype=np.float64)
    total = lengths.sum()
    equivalent = (total - (lengths**2).sum() / total) / (lengths.size - 1.0)
    constant = np.stack([half.max(axis=-1) == half.min(axis=-1) for half in halves], axis=-1)
    means = np.stack([half.mean(axis=-1) for half in halves], axis=-1)
    means = np.where(constant, np.stack([half[..., 0] for half in halves], axis=-1), means)
    squares = np.stack([half.var(axis=-1) for half in halves], axis=-1)
    within = np.where(constant, 0.0, squares) @ lengths / (total - lengths.size)
    equal = means.max(axis=-1) == means.min(axis=-1)
    centred = means - (means @ lengths / total)[..., np.newaxis]
    between = np.where(equal, 0.0, centred**2 @ lengths / (lengths.size - 1.0))
    still = within == 0.0
    ratio = between / np.where(still, 1.0, within)
    r_hat = np.sqrt(1.0 + (ratio - 1.0) / equivalent)
    return np.where(still, np.where(equal, 1.0, np.inf), r_hat)
