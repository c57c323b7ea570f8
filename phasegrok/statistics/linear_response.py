"""How a mean answers a small change of a control, from fluctuations at one value of it.

The law is exp(-U/T), so the derivative of a mean with respect to a control g is
⟨∂m/∂g⟩ - Cov(m, ∂U/∂g)/T. The functions here give the covariance; observables that name the
control themselves need their own mean derivative added.
"""

import numpy as np
from numpy.typing import ArrayLike

from phasegrok.errors import InvalidValueError
from phasegrok.statistics.functions_of_means import (
    FunctionEstimate,
    by_pieces,
    jackknife_of_series,
)
from phasegrok.statistics.samples import FloatArray, as_samples, centred_and_scaled

__all__ = ["response", "temperature_response"]


def response(
    observable: ArrayLike,
    energy_derivative: ArrayLike,
    *,
    temperature: ArrayLike,
    system_size: ArrayLike = 1.0,
    block_length: int | None = None,
) -> FunctionEstimate:
    """Derivative of a mean with respect to a control in the energy: -N Cov(m, x)/T.

    Parameters
    ----------
    observable : (..., sample) array_like
        Samples of m in equilibrium, of any unit.
    energy_derivative : (..., sample) array_like
        x = (∂U/∂g)/N of the same states: N is 1 where it is the derivative of the whole
        energy, and -m times N for the field conjugate to m.
    temperature : (...) array_like, in the unit of the energy
        T, positive.
    system_size : (...) array_like
        N, by which the derivative was divided; 1 where it was not.
    block_length : int, optional
        Samples in a block of the jackknife; at least 8τ where left out.

    Returns
    -------
    FunctionEstimate
        In units of m over g, thermal errors within one disorder. Under disorder take it
        disorder by disorder and average those.

    Raises
    ------
    InsufficientSamplesError
        For fewer than two samples or blocks.
    InvalidValueError
        For samples that are not finite or do not broadcast, or a temperature or a size that
        is not positive.

    References
    ----------
    .. [1] R. Kubo, Rep. Prog. Phys. 29, 255 (1966), in its static and classical form.
    """
    factor = -_positive(system_size, "system_size") / _positive(temperature, "temperature")
    return _covariance(observable, energy_derivative, factor, block_length)


def temperature_response(
    observable: ArrayLike,
    energy: ArrayLike,
    *,
    temperature: ArrayLike,
    block_length: int | None = None,
) -> FunctionEstimate:
    """Derivative of a mean with respect to the temperature: Cov(m, U)/T².

    Parameters
    ----------
    observable : (..., sample) array_like
        Samples of m in equilibrium, of any unit.
    energy : (..., sample) array_like
        Total energy U of the same states.
    temperature, block_length
        See `response`, also for what is raised.

    Returns
    -------
    FunctionEstimate
        In units of m over those of the temperature; the heat capacity where m is U.
    """
    factor = 1.0 / _positive(temperature, "temperature") ** 2
    return _covariance(observable, energy, factor, block_length)


def _covariance(
    first: ArrayLike, second: ArrayLike, factor: FloatArray, block_length: int | None
) -> FunctionEstimate:
    left = as_samples(first, statistic="a response", required=2)
    right = as_samples(second, statistic="a response", required=2)
    if left.shape[-1] != right.shape[-1]:
        raise InvalidValueError(
            f"a response needs both quantities of the same states, received "
            f"{left.shape[-1]} and {right.shape[-1]} samples."
        )
    try:
        left, right = np.broadcast_arrays(left, right)
    except ValueError as error:
        raise InvalidValueError(
            f"a response needs quantities that broadcast, received shapes {left.shape} and "
            f"{right.shape}; give both the same points."
        ) from error

    def covariance(one: FloatArray, other: FloatArray) -> FunctionEstimate:
        centred, scale = centred_and_scaled(one)
        opposite, other_scale = centred_and_scaled(other)
        quantities = np.stack([centred, opposite, centred * opposite])
        estimate = jackknife_of_series(
            lambda means: means[2] - means[0] * means[1],
            quantities,
            block_length=block_length,
        )
        return estimate.scaled(scale * other_scale)

    return by_pieces(covariance, left, right).scaled(factor)


def _positive(value: ArrayLike, name: str) -> FloatArray:
    array = np.asarray(value, dtype=np.float64)
    if not np.all(np.isfinite(array) & (array > 0.0)):
        raise InvalidValueError(
            f"{name} must be positive and finite, received {array}; check its unit."
        )
    return array
