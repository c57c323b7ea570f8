"""Susceptibility and cumulants of correlated series, with bias taken off and an error."""

import numpy as np
from numpy.typing import ArrayLike

from phasegrok.errors import InvalidValueError
from phasegrok.statistics.functions_of_means import (
    FunctionEstimate,
    by_pieces,
    jackknife_of_series,
)
from phasegrok.statistics.samples import FloatArray, as_samples, centred_and_scaled

__all__ = [
    "binder_cumulant_estimate",
    "kurtosis_ratio_estimate",
    "susceptibility_estimate",
]


def susceptibility_estimate(
    order_parameter: ArrayLike, *, system_size: ArrayLike, block_length: int | None = None
) -> FunctionEstimate:
    """Susceptibility N (⟨m²⟩ - ⟨m⟩²) of correlated samples of one disorder.

    Parameters
    ----------
    order_parameter : (..., sample) array_like, dimensionless
        Intensive order parameter m, in equilibrium.
    system_size : (...) array_like
        Number N of degrees of freedom that m averages over.
    block_length : int, optional
        Samples in a block of the jackknife; at least 8τ where left out.

    Returns
    -------
    FunctionEstimate
        The bias -2τ/n of the plain variance is taken off without knowing τ; what is left is of
        second order. Error and value are 0 for a constant series.

    Raises
    ------
    InsufficientSamplesError
        For fewer than two samples or blocks.
    InvalidValueError
        For samples that are not finite, or a size that is not positive.
    """
    size = np.asarray(system_size, dtype=np.float64)
    if not np.all(np.isfinite(size) & (size > 0.0)):
        raise InvalidValueError(
            f"system_size must be positive and finite, received {size}; it is the number of "
            "degrees of freedom that the order parameter averages over."
        )
    values = as_samples(order_parameter, statistic="a susceptibility", required=2)

    def variance(series: FloatArray) -> FunctionEstimate:
        centred, scale = centred_and_scaled(series)
        powers = np.stack([centred, centred**2])
        estimate = jackknife_of_series(_variance, powers, block_length=block_length)
        return estimate.scaled(scale**2)

    return by_pieces(variance, values).scaled(size)


def binder_cumulant_estimate(
    order_parameter: ArrayLike, *, block_length: int | None = None
) -> FunctionEstimate:
    """Binder cumulant 1 - ⟨m⁴⟩/(3⟨m²⟩²) of correlated samples.

    Parameters
    ----------
    order_parameter : (..., sample) array_like, of any unit
        Order parameter m whose law is even, not folded by the absolute value.
    block_length : int, optional
        Samples in a block of the jackknife; at least 8τ where left out.

    Returns
    -------
    FunctionEstimate
        0 for a Gaussian around zero, 2/3 for two symmetric delta peaks; REFUSED where all
        samples are 0, where it is undefined. See `moments.binder_cumulant`.

    Raises
    ------
    InsufficientSamplesError
        For fewer than two samples or blocks.
    InvalidValueError
        For samples that are not finite real numbers.
    """
    values = as_samples(order_parameter, statistic="a Binder cumulant", required=2)

    def cumulant(series: FloatArray) -> FunctionEstimate:
        scale = np.max(np.abs(series), axis=-1, keepdims=True)
        squares = (series / np.where(scale > 0.0, scale, 1.0)) ** 2
        powers = np.stack([squares, squares**2])
        return jackknife_of_series(_cumulant, powers, block_length=block_length, clocks=1)

    return by_pieces(cumulant, values)


def kurtosis_ratio_estimate(
    order_parameter: ArrayLike, *, block_length: int | None = None
) -> FunctionEstimate:
    """Shift-invariant ratio ⟨δ⁴⟩/⟨δ²⟩², with δ = m - ⟨m⟩, of correlated samples.

    Parameters
    ----------
    order_parameter : (..., sample) array_like, of any unit
        Order parameter m.
    block_length : int, optional
        Samples in a block of the jackknife; at least 8τ where left out.

    Returns
    -------
    FunctionEstimate
        3 for a Gaussian, 1 for two delta peaks of equal weight; REFUSED where all samples are
        equal, where it is undefined. See `moments.kurtosis_ratio`.

    Raises
    ------
    InsufficientSamplesError
        For fewer than two samples or blocks.
    InvalidValueError
        For samples that are not finite real numbers.
    """
    values = as_samples(order_parameter, statistic="a kurtosis ratio", required=2)

    def ratio(series: FloatArray) -> FunctionEstimate:
        centred, _ = centred_and_scaled(series)
        squares = centred * centred
        powers = np.stack([centred, squares, squares * centred, squares * squares])
        return jackknife_of_series(_kurtosis, powers, block_length=block_length, clocks=2)

    return by_pieces(ratio, values)


def _variance(means: FloatArray) -> FloatArray:
    result: FloatArray = means[1] - means[0] ** 2
    return result


def _cumulant(means: FloatArray) -> FloatArray:
    result: FloatArray = 1.0 - means[1] / (3.0 * means[0] ** 2)
    return result


def _kurtosis(means: FloatArray) -> FloatArray:
    first, second, third, fourth = means
    central = fourth - 4.0 * first * third + 6.0 * first**2 * second - 3.0 * first**4
    result: FloatArray = central / (second - first**2) ** 2
    return result
