"""Means at other controls from samples at one, and a refusal where the samples do not reach.

The controls enter the energy linearly: U/T = Σ_k a_k X_k with a_k = g_k/T, so that a change of
them multiplies each sample's weight by exp(-Σ_k Δa_k X_k). A temperature is a control as well:
its X is the whole energy and its a is 1/T.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from phasegrok.errors import InvalidValueError
from phasegrok.statistics.autocorrelation import integrated_autocorrelation_time
from phasegrok.statistics.functions_of_means import FunctionEstimate, jackknife_of_series
from phasegrok.statistics.samples import FloatArray, IntArray, Status, as_samples
from phasegrok.statistics.windows import MINIMUM_EFFECTIVE_SAMPLES

__all__ = ["ReweightedMean", "log_weights", "reweighted_mean"]


class ReweightedMean(NamedTuple):
    """Means at other controls, and how many samples still speak for them."""

    value: FloatArray
    """Freed of the leading bias, NaN where REFUSED, (..., target)."""
    error: FloatArray
    """Standard error, in the unit of the observable, NaN where REFUSED, (..., target)."""
    effective_samples: FloatArray
    """(Σw)²/Σw² over 2τ, (..., target)."""
    status: IntArray
    """`Status`; REFUSED below 50 effective samples, (..., target)."""


def log_weights(terms: ArrayLike, *, change: ArrayLike) -> FloatArray:
    """Logarithm of the weight of each sample at other controls.

    Parameters
    ----------
    terms : (control, ..., sample) array_like
        X_k of each sample, total and not per degree of freedom.
    change : (target, control) array_like
        Δ(g_k/T) of each target, in the inverse unit of X_k.

    Returns
    -------
    (target, ..., sample) array
        -Σ_k Δa_k X_k less its largest value in each series: the heaviest sample has 0.

    Raises
    ------
    InsufficientSamplesError
        For no samples.
    InvalidValueError
        For numbers that are not finite, or changes of another number of controls.
    """
    values = as_samples(terms, statistic="reweighting", core_dimensions=2)
    shifts = _checked_change(change, len(values))
    logarithm = -np.tensordot(shifts, values, axes=1)
    result: FloatArray = logarithm - logarithm.max(axis=-1, keepdims=True)
    return result


def reweighted_mean(
    observable: ArrayLike,
    terms: ArrayLike,
    *,
    change: ArrayLike,
    minimum_effective_samples: float = MINIMUM_EFFECTIVE_SAMPLES,
) -> ReweightedMean:
    """Mean of an observable at other controls than those it was sampled at.

    Parameters
    ----------
    observable : (..., sample) array_like
        Samples in equilibrium at one point, of any unit.
    terms : (control, ..., sample) array_like
        X_k of the same samples, total and not per degree of freedom.
    change : (target, control) array_like
        Δ(g_k/T) of each target, in the inverse unit of X_k; 0 is where the samples are from.
    minimum_effective_samples : float
        Fewer than this refuse a target; below some 50 the few heaviest samples decide, and
        neither value nor error can be trusted.

    Returns
    -------
    ReweightedMean
        Σ w m/Σ w with a jackknife over blocks of at least 8τ, τ that of the observable, of
        the weights and of their product. The count takes the longest τ of observable and
        terms as they were sampled. Targets share their samples: their errors are correlated,
        and they are not new data.

    Raises
    ------
    InsufficientSamplesError
        For fewer than two samples.
    InvalidValueError
        For numbers that are not finite, or shapes that do not fit.

    References
    ----------
    .. [1] A. M. Ferrenberg and R. H. Swendsen, Phys. Rev. Lett. 61, 2635 (1988).
    """
    values = as_samples(observable, statistic="a reweighted mean", required=2)
    quantities = as_samples(terms, statistic="a reweighted mean", required=2, core_dimensions=2)
    values, quantities = _alike(values, quantities)
    logarithms = log_weights(quantities, change=change)
    time = _longest_time(values, quantities)
    columns = [
        _at_one_target(values, np.exp(each), time, minimum_effective_samples)
        for each in logarithms
    ]
    if not columns:
        raise InvalidValueError("a reweighted mean needs a target, received none.")
    return ReweightedMean(*(np.stack(column, axis=-1) for column in zip(*columns, strict=True)))


def _at_one_target(
    values: FloatArray, weights: FloatArray, time: FloatArray, minimum: float
) -> ReweightedMean:
    estimate = _ratio(values, weights)
    kish = weights.sum(axis=-1) ** 2 / (weights**2).sum(axis=-1)
    effective = kish / (2.0 * np.maximum(time, 0.5))
    refused = effective < minimum
    return ReweightedMean(
        value=np.where(refused, np.nan, estimate.value),
        error=np.where(refused, np.nan, estimate.error),
        effective_samples=effective,
        status=np.where(refused, Status.REFUSED, estimate.status).astype(np.int64),
    )


def _ratio(values: FloatArray, weights: FloatArray) -> FunctionEstimate:
    """Jackknife the weighted mean of deviations from it, whose blocks know its own τ."""
    total = weights.sum(axis=-1, keepdims=True)
    constant = values.max(axis=-1, keepdims=True) == values.min(axis=-1, keepdims=True)
    average = np.where(
        constant, values[..., :1], (weights * values).sum(axis=-1, keepdims=True) / total
    )
    deviations = values - average
    quantities = np.stack([deviations * weights, weights, deviations])
    estimate = jackknife_of_series(lambda means: means[0] / means[1], quantities)
    return estimate._replace(value=average[..., 0] + estimate.value)


def _longest_time(values: FloatArray, terms: FloatArray) -> FloatArray:
    everything = np.concatenate([values[np.newaxis], terms])
    result: FloatArray = integrated_autocorrelation_time(everything).time.max(axis=0)
    return result


def _alike(values: FloatArray, terms: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give observable and terms the same points, by broadcasting; the samples must agree."""
    try:
        shape = np.broadcast_shapes(values.shape[:-1], terms.shape[1:-1])
    except ValueError as error:
        raise InvalidValueError(
            f"observable and terms need the same points, received shapes {values.shape} and "
            f"{terms.shape}; terms have the control first."
        ) from error
    if values.shape[-1] != terms.shape[-1]:
        raise InvalidValueError(
            f"observable and terms need the same samples, received {values.shape[-1]} and "
            f"{terms.shape[-1]}."
        )
    lifted = terms.reshape(len(terms), *(1,) * (len(shape) + 2 - terms.ndim), *terms.shape[1:])
    length = values.shape[-1]
    return (
        np.broadcast_to(values, (*shape, length)),
        np.broadcast_to(lifted, (len(terms), *shape, length)),
    )


def _checked_change(change: ArrayLike, control_count: int) -> FloatArray:
    shifts = as_samples(change, statistic="a change of controls", core_dimensions=2)
    if shifts.ndim != 2 or shifts.shape[1] != control_count:
        raise InvalidValueError(
            f"a change of controls needs shape (target, control) with {control_count} "
            f"controls, received {shifts.shape}; give one number for each term."
        )
    return shifts
