"""Moments of an order parameter. Arrays only; `labelled` lifts them onto xarray."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.autocorrelation import integrated_autocorrelation_time
from phasegrok.statistics.samples import FloatArray, IntArray, Status, as_samples

__all__ = ["MeanEstimate", "binder_cumulant", "kurtosis_ratio", "mean", "susceptibility"]


class MeanEstimate(NamedTuple):
    """Means of series and their errors within one disorder."""

    mean: FloatArray
    """In the unit of the samples, (...)."""
    error: FloatArray
    """Standard error √(2τ var/n), in the unit of the samples, (...)."""
    time: FloatArray
    """Integrated autocorrelation time in records, (...)."""
    effective_samples: FloatArray
    """n/(2τ), (...)."""
    status: IntArray
    """`Status` of the error, (...)."""


def mean(samples: ArrayLike) -> MeanEstimate:
    """Mean of each series, with the error that its autocorrelation leaves.

    Parameters
    ----------
    samples : (..., sample) array_like
        Series in equilibrium, of any unit.

    Returns
    -------
    MeanEstimate
        The error is thermal: under disorder it is not the error of the disorder average,
        which `disorder.disorder_average` gives. Where the status is UNRESOLVED it is likely
        too small.

    Raises
    ------
    InsufficientSamplesError
        For fewer than two samples.
    InvalidValueError
        For samples that are not finite real numbers.

    References
    ----------
    .. [1] U. Wolff, Comput. Phys. Commun. 156, 143 (2004), arXiv:hep-lat/0306017.
    """
    values = as_samples(samples, statistic="the error of a mean", required=2)
    times = integrated_autocorrelation_time(values)
    effective = values.shape[-1] / (2.0 * times.time)
    constant = times.status == Status.CONSTANT
    return MeanEstimate(
        mean=np.where(constant, values[..., 0], values.mean(axis=-1)),
        error=np.sqrt(times.variance / effective),
        time=times.time,
        effective_samples=effective,
        status=times.status,
    )


def susceptibility(
    order_parameter: ArrayLike,
    *,
    system_size: ArrayLike,
    autocorrelation_time: ArrayLike = 0.5,
) -> FloatArray:
    """Response of the order parameter to its conjugate field, from its fluctuations.

    Parameters
    ----------
    order_parameter : (..., sample) array_like, dimensionless
        Intensive order parameter m of one disorder.
    system_size : (...) array_like
        Number N of degrees of freedom that m averages over, such as the hidden width.
    autocorrelation_time : (...) array_like, in records
        Integrated autocorrelation time τ of m; ½ for independent samples. A short series
        underestimates its own τ, so take it from several chains where there are.

    Returns
    -------
    (...) array, dimensionless
        N (⟨m²⟩ - ⟨m⟩²) n/(n - 2τ): unbiased for independent samples, and for correlated ones
        up to terms of order (τ/n)². Bounded in N within one phase; grows as
        N w (1 - w) (m₁ - m₂)² where phases of weights w and 1 - w coexist [1]_.

    Raises
    ------
    InsufficientSamplesError
        For fewer than two samples, or at most one effective sample.
    InvalidValueError
        For samples that are not finite, a size or a time that is not positive.

    References
    ----------
    .. [1] K. Binder and D. P. Landau, Phys. Rev. B 30, 1477 (1984).
    """
    values = as_samples(order_parameter, statistic="susceptibility", required=2)
    size = _positive(system_size, "system_size")
    time = _positive(autocorrelation_time, "autocorrelation_time")
    sample_count = values.shape[-1]
    excess = sample_count - 2.0 * time
    if np.any(excess <= 0.0):
        needed = int(np.floor(2.0 * time.max())) + 1
        raise InsufficientSamplesError(
            "susceptibility of correlated samples", required=needed, received=sample_count
        )
    variance: FloatArray = values.var(axis=-1) * sample_count / excess
    return size * variance


def binder_cumulant(order_parameter: ArrayLike) -> FloatArray:
    """Binder cumulant 1 - ⟨m⁴⟩/(3⟨m²⟩²) of an order parameter with a sign symmetry.

    Parameters
    ----------
    order_parameter : (..., sample) array_like, of any unit
        Order parameter m whose law is even, not folded by the absolute value.

    Returns
    -------
    (...) array, dimensionless
        0 for a Gaussian around zero, 2/3 for two symmetric delta peaks; depends on the origin
        of m. Biased by O(τ/n). NaN where all samples are 0, where it is undefined.

    Raises
    ------
    InsufficientSamplesError
        For no samples.
    InvalidValueError
        For samples that are not finite real numbers.

    References
    ----------
    .. [1] K. Binder, Z. Phys. B 43, 119 (1981).
    """
    values = as_samples(order_parameter, statistic="a Binder cumulant")
    return 1.0 - _moment_ratio(values) / 3.0


def kurtosis_ratio(order_parameter: ArrayLike) -> FloatArray:
    """Shift-invariant ratio ⟨δ⁴⟩/⟨δ²⟩², with δ = m - ⟨m⟩, for a one-signed order parameter.

    Parameters
    ----------
    order_parameter : (..., sample) array_like, of any unit
        Order parameter m.

    Returns
    -------
    (...) array, dimensionless
        3 for a Gaussian, 1 for two delta peaks of equal weight. Biased by O(τ/n). NaN where
        all samples are equal, where it is undefined.

    Raises
    ------
    InsufficientSamplesError
        For fewer than two samples.
    InvalidValueError
        For samples that are not finite real numbers.
    """
    values = as_samples(order_parameter, statistic="a kurtosis ratio", required=2)
    constant = values.max(axis=-1, keepdims=True) == values.min(axis=-1, keepdims=True)
    deviations = values - values.mean(axis=-1, keepdims=True)
    return _moment_ratio(np.where(constant, 0.0, deviations))


def _moment_ratio(values: FloatArray) -> FloatArray:
    largest = np.max(np.abs(values), axis=-1, keepdims=True)
    undefined = largest == 0.0
    squares = (values / np.where(undefined, 1.0, largest)) ** 2
    second = np.where(undefined[..., 0], 1.0, squares.mean(axis=-1))
    ratio = (squares**2).mean(axis=-1) / second**2
    return np.where(undefined[..., 0], np.nan, ratio)


def _positive(value: ArrayLike, name: str) -> FloatArray:
    array = np.asarray(value, dtype=np.float64)
    if not np.all(np.isfinite(array) & (array > 0.0)):
        raise InvalidValueError(
            f"{name} must be positive and finite, received {array}; check its unit."
        )
    return array
