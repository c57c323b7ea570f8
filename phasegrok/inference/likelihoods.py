"""Likelihoods of counts in bins, whose draws are fewer in effect than in number."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, final

import numpy as np

from phasegrok.inference.counts import Counts
from phasegrok.statistics.samples import FloatArray

__all__ = [
    "Misfit",
    "counts_log_likelihood",
    "deviate",
    "misfit_draw",
    "misfit_log_likelihood",
    "misfit_mean",
    "misfit_of",
    "student_log_likelihood",
]

SMALLEST_PROBABILITY: Final = 1e-250
"""Floor of a bin's probability, so that a hopeless walker is finite and can be moved away."""

FARTHEST_MISFIT: Final = 6.0
"""Longest misfit, in prior standard deviations, that the expansion is used for."""


def counts_log_likelihood(probabilities: FloatArray, data: Counts) -> FloatArray:
    """Weigh bin probabilities by effective counts.

    Parameters
    ----------
    probabilities : (walker, bin) array
        Sum to 1 over the bins.
    data : Counts
        What was counted.

    Returns
    -------
    (walker,) array
        Σ_s ω_s Σ_{b in s} n_b ln(p_b / P_s) + ω_balance Σ_s n_s ln P_s, with P_s the
        probability of side s of the cut: the tempered likelihood Π p^ω, factored into shape
        and balance.
    """
    probabilities = np.maximum(probabilities, SMALLEST_PROBABILITY)
    sides = data.sides
    effective = sides @ data.shape_counts  # (side,)
    balance = data.balance_share * (sides @ data.counts) if data.cut else effective
    total = np.log(probabilities @ sides.T)  # (walker, side)
    shapes = np.log(probabilities) @ data.shape_counts
    result: FloatArray = shapes + total @ (balance - effective)
    return result


@final
@dataclass(frozen=True, kw_only=True)
class Misfit:
    """A smooth deviation of the log density from its family, normal beforehand.

    Parameters
    ----------
    basis : (bin, mode) array
        Functions of the bin; the deviation is basis @ c with c standard normal.
    covariance : (mode, mode) array
        Of c given the data and the family, from the curvature at the observed frequencies.
    """

    basis: FloatArray
    covariance: FloatArray

    @cached_property
    def log_volume(self) -> float:
        """Half the log determinant of the covariance: what integrating c contributes."""
        return 0.5 * float(np.linalg.slogdet(self.covariance)[1])


def _observed_curvature(basis: FloatArray, data: Counts) -> FloatArray:
    """Curvature (mode, mode) of minus the log likelihood at the observed frequencies."""
    number = data.counts.sum()
    frequencies = data.counts / number
    balance = data.balance_share if data.cut else float(data.shape_counts.sum() / number)
    mean = frequencies @ basis
    curvature = basis.T @ (data.shape_counts[:, None] * basis)
    curvature -= balance * number * np.outer(mean, mean)
    for side, share in zip(data.sides, data.sides @ data.shape_counts, strict=True):
        part = frequencies * side
        if part.sum() > 0:
            centre = part @ basis / part.sum()
            curvature += (balance * number * part.sum() - share) * np.outer(centre, centre)
    observed: FloatArray = curvature
    return observed


def misfit_of(data: Counts, *, size: float, length: float, modes: int = 10) -> Misfit:
    """Allow a smooth deviation from a family: a Gaussian process in its strongest modes.

    Parameters
    ----------
    data : Counts
        What was counted.
    size : float
        Standard deviation of the deviation of the log density: 0.1 allows 10 %.
    length : float
        Correlation length, in units of the edges.
    modes : int
        Number of modes kept.

    Returns
    -------
    Misfit
        With covariance size² exp(-(x - x')² / (2 length²)) beforehand, truncated.
    """
    distance = (data.centres[:, None] - data.centres[None, :]) / length
    strength, shape = np.linalg.eigh(size**2 * np.exp(-0.5 * distance**2))
    basis = shape[:, -modes:] * np.sqrt(np.maximum(strength[-modes:], 0.0))
    precision = _observed_curvature(basis, data) + np.eye(basis.shape[1])
    return Misfit(
        basis=basis, covariance=np.asarray(np.linalg.inv(precision), dtype=np.float64)
    )


def misfit_mean(probabilities: FloatArray, data: Counts, misfit: Misfit) -> FloatArray:
    """Return the most probable modes (walker, mode) of the misfit, by one Newton step.

    Parameters
    ----------
    probabilities, data, misfit
        See `misfit_log_likelihood`.

    Returns
    -------
    (walker, mode) array
        Shortened to `FARTHEST_MISFIT` where the step is longer: such a family is hopeless.
    """
    gradient = data.shape_counts - _expected(probabilities, data)
    step: FloatArray = gradient @ misfit.basis @ misfit.covariance
    length = np.linalg.norm(step, axis=1, keepdims=True)
    shortened: FloatArray = step * (FARTHEST_MISFIT / np.maximum(length, FARTHEST_MISFIT))
    return shortened


def _expected(probabilities: FloatArray, data: Counts) -> FloatArray:
    """Effective counts (walker, bin) that would make the gradient in the log density vanish."""
    if not data.cut:
        whole: FloatArray = probabilities * data.shape_counts.sum()
        return whole
    sides = data.sides
    weight = np.maximum(probabilities @ sides.T, SMALLEST_PROBABILITY)  # (walker, side)
    counted, shape = sides @ data.counts, sides @ data.shape_counts
    pull = shape - data.balance_share * (counted - weight * counted.sum())
    expected: FloatArray = probabilities * ((pull / weight) @ sides)
    return expected


def misfit_draw(
    mean: FloatArray,
    misfit: Misfit,
    *,
    share_factors: FloatArray,
    generator: np.random.Generator,
) -> FloatArray:
    """Draw the modes of the misfit given the family, each with its own effective number.

    Parameters
    ----------
    mean : (draw, mode) array
        Most probable modes at the estimated shares, from `misfit_mean`.
    misfit : Misfit
        Its covariance is that at the estimated shares.
    share_factors : (draw,) array
        Effective shares over estimated ones; the prior of the misfit is not rescaled.
    generator : numpy.random.Generator
        For the draws.

    Returns
    -------
    (draw, mode) array
        Normal with precision f H + 1, where the covariance is (H + 1)⁻¹.
    """
    variances, axes = np.linalg.eigh(misfit.covariance)
    information = np.maximum(1.0 / variances - 1.0, 0.0)
    precision = share_factors[:, None] * information + 1.0
    along = (mean @ axes) * share_factors[:, None] / (precision * variances)
    noise = generator.standard_normal(mean.shape) / np.sqrt(precision)
    drawn: FloatArray = (along + noise) @ axes.T
    return drawn


def deviate(probabilities: FloatArray, modes: FloatArray, misfit: Misfit) -> FloatArray:
    """Return probabilities (walker, bin) multiplied by exp(misfit), normalised."""
    bent = probabilities * np.exp(modes @ misfit.basis.T)
    deviated: FloatArray = bent / bent.sum(axis=1, keepdims=True)
    return deviated


def misfit_log_likelihood(
    probabilities: FloatArray, data: Counts, misfit: Misfit
) -> FloatArray:
    """Weigh bin probabilities by effective counts, the misfit integrated out.

    Parameters
    ----------
    probabilities : (walker, bin) array
        Of the family, summing to 1.
    data : Counts
        What was counted.
    misfit : Misfit
        Smooth deviation that the family is allowed.

    Returns
    -------
    (walker,) array
        ℓ(p exp(misfit)) - ½|c|² + ½ ln det(covariance) at the most probable c: Laplace's
        integral. Where c was shortened it is a lower bound, so that no family gains from
        what the expansion cannot describe.
    """
    modes = misfit_mean(probabilities, data, misfit)
    fitted = counts_log_likelihood(deviate(probabilities, modes, misfit), data)
    result: FloatArray = fitted - 0.5 * np.sum(modes**2, axis=1) + misfit.log_volume
    return result


def student_log_likelihood(
    log_likelihood: FloatArray, *, best: float, freedom: float, size: float
) -> FloatArray:
    """Account for effective numbers that were themselves estimated, from few groups.

    Parameters
    ----------
    log_likelihood : (walker,) array
        With effective shares from a variance of `freedom` degrees of freedom.
    best : float
        Its maximum.
    freedom : float
        Number of independent groups less one.
    size : float
        Number of parameters that the data determine.

    Returns
    -------
    (walker,) array
        best - ½(ν + k) ln(1 + 2(best - ℓ)/ν): where the posterior is normal given the variance
        it becomes multivariate Student-t with ν degrees of freedom, the law of a mean over
        ν + 1 groups; ℓ itself for ν → ∞ and at the maximum.
    """
    depth = 2.0 * (best - log_likelihood)
    half = 0.5 * (freedom + size)
    # Above the supposed maximum the logarithm is continued by its tangent.
    tail = np.where(depth > 0, np.log1p(np.maximum(depth, 0.0) / freedom), depth / freedom)
    result: FloatArray = best - half * tail
    return result
