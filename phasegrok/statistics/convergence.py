"""Whether chains that began apart have come to agree."""

import numpy as np
import scipy.special
import scipy.stats
from numpy.typing import ArrayLike

from phasegrok.statistics.samples import FloatArray, as_samples

__all__ = ["rank_normalised_split_r_hat", "split_r_hat"]

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
        _r_hat(_normal_scores(halves)), _r_hat(_normal_scores(folded))
    )
    return result


def _half_chains(samples: ArrayLike) -> FloatArray:
    """(..., chain, sample) to (..., half chain, sample); an odd middle is left out."""
    values = as_samples(
        samples, statistic="split R-hat", required=_FEWEST_SAMPLES, core_dimensions=2
    )
    half = values.shape[-1] // 2
    return np.concatenate([values[..., :half], values[..., -half:]], axis=-2)


def _normal_scores(values: FloatArray) -> FloatArray:
    flat = values.reshape(*values.shape[:-2], -1)
    ranks = scipy.stats.rankdata(flat, axis=-1)
    scores: FloatArray = scipy.special.ndtri((ranks - 0.375) / (flat.shape[-1] + 0.25))
    return scores.reshape(values.shape)


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
