"""The jump between two phases in the infinite system, with a bound on it."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
import xarray as xr
from scipy.special import logsumexp

from phasegrok.errors import InvalidValueError
from phasegrok.statistics.samples import FloatArray
from phasegrok.transitions.phases.size_fits import resolved_sizes

__all__ = ["JumpLimit", "jump_of_the_infinite_system"]

_SMALLEST_EXPONENT, _LARGEST_EXPONENT = 0.2, 2.0
_JUMP_NODES: Final = 401
_EXPONENT_NODES: Final = 73
_ZOOMS: Final = 3
_FALL: Final = 20.0
"""The grid is made finer where the log posterior is within this of its maximum."""

_QUANTILES: Final = (0.5, 0.95)


@final
@dataclass(frozen=True, kw_only=True)
class JumpLimit:
    """Posterior of the jump of the infinite system.

    Parameters
    ----------
    median : float
        Of Δ_∞.
    interval_68, interval_95 : tuple of float
        Of highest density: it begins at 0 where no jump is as likely as any.
    upper_bound : float
        Exceeded with a probability of 5 %.
    exponent : float
        Posterior mean of x in Δ(N) = Δ_∞ + c N^(-x).
    chi_squared : float
        Least over Δ_∞, c and x of the prior.
    sizes : tuple of float
        Those that entered.
    """

    median: float
    interval_68: tuple[float, float]
    interval_95: tuple[float, float]
    upper_bound: float
    exponent: float
    chi_squared: float
    sizes: tuple[float, ...]


def jump_of_the_infinite_system(points: xr.Dataset) -> JumpLimit:
    """Posterior of Δ_∞ in Δ(N) = Δ_∞ + c N^(-x), with an upper bound on it.

    Parameters
    ----------
    points : Dataset
        From `phase_points.coexistence_points`. Sizes whose jump is not RESOLVED are left out.

    Returns
    -------
    JumpLimit
        Beforehand Δ_∞ is uniform between 0 and twice the largest jump, x between 0.2 and 2,
        and c N^(-x) at the smallest size normal with the largest jump as its standard
        deviation. c is integrated out exactly, the others on a grid.

    Raises
    ------
    InsufficientSamplesError
        With fewer than three sizes.
    InvalidValueError
        Where the dataset is not one of points of coexistence.

    Notes
    -----
    A jump that vanishes as a power of the size has Δ_∞ = 0: then the bound is the answer, and
    the interval does not exclude zero, which is the end of the prior.
    """
    kept = resolved_sizes(
        points, "jump", statistic="a jump of the infinite system", required=3
    ).sortby("volume")
    jump, error = kept["jump"].to_numpy(), kept["jump_error"].to_numpy()
    volume = kept["volume"].to_numpy()
    largest = float(jump.max())
    if not largest > 0.0:
        raise InvalidValueError(
            f"a jump of the infinite system needs jumps above zero, received {jump.tolist()}; "
            "give what coexistence_points returns."
        )
    exponents = np.linspace(_SMALLEST_EXPONENT, _LARGEST_EXPONENT, _EXPONENT_NODES)
    shapes = (volume / volume[0]) ** -exponents[:, None]
    limits = np.linspace(0.0, 2.0 * largest, _JUMP_NODES)
    for _ in range(_ZOOMS):
        residual = jump - limits[:, None, None]
        density, chi_squared = _integrated(residual, shapes, error=error, amplitude=largest)
        marginal = logsumexp(density, axis=1)
        likely = np.flatnonzero(marginal > marginal.max() - _FALL)
        first, last = max(likely[0] - 1, 0), min(likely[-1] + 1, limits.size - 1)
        limits = np.linspace(limits[first], limits[last], _JUMP_NODES)
    residual = jump - limits[:, None, None]
    density, chi_squared = _integrated(residual, shapes, error=error, amplitude=largest)
    mass = np.exp(density - logsumexp(density))
    quantiles = _quantiles(limits, mass.sum(axis=1))
    return JumpLimit(
        median=quantiles[0],
        interval_68=_densest(limits, mass.sum(axis=1), 0.68),
        interval_95=_densest(limits, mass.sum(axis=1), 0.95),
        upper_bound=quantiles[1],
        exponent=float(mass.sum(axis=0) @ exponents),
        chi_squared=float(chi_squared.min()),
        sizes=tuple(kept["size"].to_numpy().tolist()),
    )


def _integrated(
    residual: FloatArray, shapes: FloatArray, *, error: FloatArray, amplitude: float
) -> tuple[FloatArray, FloatArray]:
    """Log likelihoods (limit, exponent) with the correction integrated out, and least χ²."""
    precision = error**-2.0
    square = np.sum(residual**2 * precision, axis=-1)
    across = np.sum(residual * shapes * precision, axis=-1)
    own = np.sum(shapes**2 * precision, axis=-1)
    wide = own + amplitude**-2.0
    log_density = -0.5 * (square - across**2 / wide + np.log(amplitude**2 * wide))
    return log_density, square - across**2 / own


def _densest(limits: FloatArray, mass: FloatArray, share: float) -> tuple[float, float]:
    """Ends of the values of highest density that hold a share of the posterior."""
    order = np.argsort(mass)[::-1]
    count = int(np.searchsorted(np.cumsum(mass[order]) / mass.sum(), share)) + 1
    held = limits[order[:count]]
    return float(held.min()), float(held.max())


def _quantiles(limits: FloatArray, mass: FloatArray) -> list[float]:
    """Values below which the posterior has the probabilities of `_QUANTILES`."""
    steps = 0.5 * (mass[1:] + mass[:-1])
    below = np.concatenate([[0.0], np.cumsum(steps)])
    values: list[float] = np.interp(_QUANTILES, below / below[-1], limits).tolist()
    return values
