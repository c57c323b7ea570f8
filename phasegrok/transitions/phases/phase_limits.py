"""From points of coexistence at several sizes to the infinite system."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
import xarray as xr
from scipy.special import gammaincc, logsumexp

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.samples import FloatArray, Status

__all__ = [
    "InterfaceTension",
    "JumpLimit",
    "TransitionPoint",
    "interface_tension",
    "jump_of_the_infinite_system",
    "transition_point_of_the_infinite_system",
]

_SMALLEST_EXPONENT, _LARGEST_EXPONENT = 0.2, 2.0
_JUMP_NODES: Final = 401
_EXPONENT_NODES: Final = 73
_ZOOMS: Final = 3
_FALL: Final = 20.0
"""The grid is made finer where the log posterior is within this of its maximum."""

_QUANTILES: Final = (0.025, 0.16, 0.5, 0.84, 0.95, 0.975)


@final
@dataclass(frozen=True, kw_only=True)
class InterfaceTension:
    """Growth of the barrier between two phases with the area between them.

    Parameters
    ----------
    twice_tension, twice_tension_error : float
        2σ in barrier = 2σ L^(d-1) + c, in units of T; without a dimension the growth of the
        barrier for each degree of freedom.
    constant, constant_error : float
        c.
    chi_squared : float
        Of the weighted straight line.
    degrees_of_freedom : int
        Sizes less two.
    probability : float
        Of a larger χ² by chance; NaN where no degree of freedom is left.
    sizes : tuple of float
        Those that entered.
    """

    twice_tension: float
    twice_tension_error: float
    constant: float
    constant_error: float
    chi_squared: float
    degrees_of_freedom: int
    probability: float
    sizes: tuple[float, ...]

    @property
    def tension(self) -> float:
        """σ."""
        return 0.5 * self.twice_tension

    @property
    def tension_error(self) -> float:
        """Standard error of σ."""
        return 0.5 * self.twice_tension_error


@final
@dataclass(frozen=True, kw_only=True)
class TransitionPoint:
    """Control at which the phases coexist in the infinite system.

    Parameters
    ----------
    point, error : float
        Control with its standard error.
    slope, slope_error : float
        a in g(N) = g_∞ + a/N; 0 where corrections are exponentially small.
    chi_squared : float
        Of the fit.
    degrees_of_freedom : int
        Sizes less parameters.
    probability : float
        Of a larger χ² by chance; NaN where no degree of freedom is left.
    sizes : tuple of float
        Those that entered.
    """

    point: float
    error: float
    slope: float
    slope_error: float
    chi_squared: float
    degrees_of_freedom: int
    probability: float
    sizes: tuple[float, ...]


@final
@dataclass(frozen=True, kw_only=True)
class JumpLimit:
    """Posterior of the jump of the infinite system.

    Parameters
    ----------
    median : float
        Of Δ_∞.
    interval_68, interval_95 : tuple of float
        Equal-tailed.
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


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class _Line:
    parameters: FloatArray
    errors: FloatArray
    chi_squared: float
    degrees_of_freedom: int

    @property
    def probability(self) -> float:
        if self.degrees_of_freedom < 1:
            return float("nan")
        return float(gammaincc(0.5 * self.degrees_of_freedom, 0.5 * self.chi_squared))


def interface_tension(points: xr.Dataset) -> InterfaceTension:
    """Fit barrier = 2σ L^(d-1) + c by a weighted straight line.

    Parameters
    ----------
    points : Dataset
        From `phase_points.coexistence_points`. Sizes whose barrier is not RESOLVED are left
        out. In two dimensions and more phases that coexist in a periodic box are parted by two
        interfaces; without a dimension the barrier is fitted against N.

    Returns
    -------
    InterfaceTension
        Errors are those of the data, made larger by √(χ²/degrees of freedom) where that
        exceeds one.

    Raises
    ------
    InsufficientSamplesError
        With fewer than two sizes.
    InvalidValueError
        Where the dataset is not one of points of coexistence, or the dimension is one: there
        the barrier between phases does not grow.

    References
    ----------
    .. [1] Binder, Phys. Rev. A 25, 1699 (1982).
    .. [2] Lee and Kosterlitz, Phys. Rev. B 43, 3265 (1991).
    """
    kept = _resolved(points, "barrier", statistic="an interface tension", required=2)
    dimension = int(points.attrs["dimension"])
    if dimension == 1:
        raise InvalidValueError(
            "an interface tension needs two dimensions or more, or none, received 1: there the "
            "barrier does not grow with the size."
        )
    extent = kept["size"].to_numpy() ** (dimension - 1.0 if dimension > 1 else 1.0)
    line = _fit(kept, "barrier", np.stack([extent, np.ones_like(extent)], axis=1))
    return InterfaceTension(
        twice_tension=float(line.parameters[0]),
        twice_tension_error=float(line.errors[0]),
        constant=float(line.parameters[1]),
        constant_error=float(line.errors[1]),
        chi_squared=line.chi_squared,
        degrees_of_freedom=line.degrees_of_freedom,
        probability=line.probability,
        sizes=tuple(kept["size"].to_numpy().tolist()),
    )


def transition_point_of_the_infinite_system(points: xr.Dataset) -> TransitionPoint:
    """Extrapolate the points at which the phases have the asked ratio of weights.

    Parameters
    ----------
    points : Dataset
        From `phase_points.coexistence_points`. Sizes whose point is not RESOLVED are left out.

    Returns
    -------
    TransitionPoint
        In d dimensions the weighted mean: on periodic lattices the ratio of weights that is
        the ratio of copies leaves corrections that are exponentially small. Without a
        dimension the weighted line g_∞ + a/N, whose a holds the unknown ratio of weights of
        mean-field phases. Errors grow with √(χ²/degrees of freedom) where that exceeds one.

    Raises
    ------
    InsufficientSamplesError
        With no size, or with fewer than two without a dimension.
    InvalidValueError
        Where the dataset is not one of points of coexistence.

    References
    ----------
    .. [1] Borgs and Kotecký, J. Stat. Phys. 61, 79 (1990).
    .. [2] Borgs and Janke, Phys. Rev. Lett. 68, 1738 (1992).
    """
    mean_field = int(points.attrs.get("dimension", 0)) < 1
    kept = _resolved(
        points,
        "equal_weight_point",
        statistic="a transition point of the infinite system",
        required=2 if mean_field else 1,
    )
    constant = np.ones((kept.sizes["size"], 1))
    inverse = 1.0 / kept["volume"].to_numpy()[:, None]
    design = np.concatenate([constant, inverse], axis=1) if mean_field else constant
    line = _fit(kept, "equal_weight_point", design)
    return TransitionPoint(
        point=float(line.parameters[0]),
        error=float(line.errors[0]),
        slope=float(line.parameters[1]) if mean_field else 0.0,
        slope_error=float(line.errors[1]) if mean_field else 0.0,
        chi_squared=line.chi_squared,
        degrees_of_freedom=line.degrees_of_freedom,
        probability=line.probability,
        sizes=tuple(kept["size"].to_numpy().tolist()),
    )


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
    kept = _resolved(
        points, "jump", statistic="a jump of the infinite system", required=3
    ).sortby("volume")
    jump, error = kept["jump"].to_numpy(), kept["jump_error"].to_numpy()
    volume = kept["volume"].to_numpy()
    largest = float(jump.max())
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
        median=quantiles[2],
        interval_68=(quantiles[1], quantiles[3]),
        interval_95=(quantiles[0], quantiles[5]),
        upper_bound=quantiles[4],
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


def _quantiles(limits: FloatArray, mass: FloatArray) -> list[float]:
    """Values below which the posterior has the probabilities of `_QUANTILES`."""
    steps = 0.5 * (mass[1:] + mass[:-1])
    below = np.concatenate([[0.0], np.cumsum(steps)])
    values: list[float] = np.interp(_QUANTILES, below / below[-1], limits).tolist()
    return values


def _resolved(points: xr.Dataset, name: str, *, statistic: str, required: int) -> xr.Dataset:
    """Keep the sizes at which a quantity is RESOLVED."""
    wanted = {name, f"{name}_error", f"{name}_status"}
    missing = sorted(wanted - set(map(str, points.data_vars)))
    if missing or "dimension" not in points.attrs:
        raise InvalidValueError(
            f"{statistic} needs a dataset with {missing or ['the attribute dimension']}, "
            f"received {sorted(map(str, points.data_vars))}; give what coexistence_points "
            "returns."
        )
    sound = points[f"{name}_status"].to_numpy() == int(Status.RESOLVED)
    if np.count_nonzero(sound) < required:
        raise InsufficientSamplesError(
            f"{statistic} (sizes with a resolved {name})",
            required=required,
            received=int(np.count_nonzero(sound)),
        )
    return points.isel(size=np.flatnonzero(sound))


def _fit(points: xr.Dataset, name: str, design: FloatArray) -> _Line:
    """Weighted least squares on the columns of a design (size, parameter)."""
    weight = 1.0 / points[f"{name}_error"].to_numpy()
    scaled, values = design * weight[:, None], points[name].to_numpy() * weight
    parameters, *_ = np.linalg.lstsq(scaled, values, rcond=None)
    chi_squared = float(np.sum((values - scaled @ parameters) ** 2))
    freedom = design.shape[0] - design.shape[1]
    covariance = np.linalg.inv(scaled.T @ scaled)
    excess = max(1.0, chi_squared / freedom) if freedom else 1.0
    return _Line(
        parameters=np.asarray(parameters, dtype=np.float64),
        errors=np.sqrt(excess * np.diagonal(covariance)),
        chi_squared=chi_squared,
        degrees_of_freedom=freedom,
    )
