"""How a switching field, a width or an area depends on rate and temperature, by regime.

The order of limits matters: at finite size every loop closes in the end. So each law holds in a
window of rates, and what is quoted for a rate of zero is an extrapolation from that window.
"""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import chi2

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.samples import FloatArray
from phasegrok.transitions.demands import finite_number, real_numbers, require_magnitude
from phasegrok.transitions.hysteresis.profiled_fit import LeastSquares, linear_fit, profiled_fit

__all__ = [
    "Plateau",
    "SwitchingFit",
    "checked_points",
    "fit_activated",
    "fit_deterministic",
    "fit_far_above",
    "fit_near_equilibrium",
    "plateau",
]

TWO_THIRDS: Final = 2 / 3
"""Exponent of a saddle-node; freed, it drifts with the window of rates."""


@final
@dataclass(frozen=True, kw_only=True)
class SwitchingFit:
    """A law fitted to switching fields, widths or areas.

    Parameters
    ----------
    limit, limit_error : float
        Value at rate zero, in the order of limits of the law.
    coefficients : dict of str to float
        The others by name, and their errors under ``<name>_error``.
    chi_square, freedom, predictive : float
        Of the fit; `predictive` is the probability of a larger χ², NaN without freedom.
    """

    limit: float
    limit_error: float
    coefficients: dict[str, float]
    chi_square: float
    freedom: int
    predictive: float


def fit_deterministic(rate: ArrayLike, value: ArrayLike, error: ArrayLike) -> SwitchingFit:
    """Fit the delay of a saddle-node without noise, value = limit + c r^(2/3) + c₂ r.

    Parameters
    ----------
    rate, value, error : (point,) array_like
        Rates above zero; switching fields, widths or areas with standard errors.

    Returns
    -------
    SwitchingFit
        With ``two_thirds`` (c) and ``linear`` (c₂). The exponent is fixed [1]_. Valid where
        the noise is weak beside the rate.

    Raises
    ------
    InvalidValueError
        For numbers without meaning.
    InsufficientSamplesError
        For fewer than three rates.

    References
    ----------
    .. [1] Jung, Gray, Roy and Mandel, Phys. Rev. Lett. 65, 1873 (1990).
    """
    r, y, e = checked_points(rate=rate, value=value, error=error)
    _require("the deterministic law", r, 3)
    design = np.stack([np.ones_like(r), r**TWO_THIRDS, r], axis=1)
    return _fit(linear_fit(design, y, e), ("two_thirds", "linear"))


def fit_activated(
    rate: ArrayLike, value: ArrayLike, error: ArrayLike, *, temperature: ArrayLike
) -> SwitchingFit:
    """Fit escape over a barrier that a field tilts, value = limit - [c T ln(r₀/r)]^(2/3).

    Parameters
    ----------
    rate, value, error : (point,) array_like
        As of `fit_deterministic`; of an upper branch, so turn the sign of a lower one.
    temperature : (point,) array_like
        T of each point, above zero: 1/N where the size is N.

    Returns
    -------
    SwitchingFit
        With ``barrier_scale`` (c) and ``log_rate_scale`` (ln ρ): r₀ = ρ T, which follows from
        a barrier b δ^(3/2) and a prefactor that goes as δ^(1/2) [1]_.  Valid where r ≪ r₀.

    Raises
    ------
    InvalidValueError
        For numbers without meaning.
    InsufficientSamplesError
        For fewer than four points.

    References
    ----------
    .. [1] Kurkijärvi, Phys. Rev. B 6, 832 (1972); Garg, Phys. Rev. B 51, 15592 (1995).
    """
    r, y, e, heat = checked_points(rate=rate, value=value, error=error, temperature=temperature)
    _require("the activated law", r, 4, distinct=False)
    if not heat.min() > 0:
        raise InvalidValueError(
            f"the activated law needs temperatures above zero, received {heat.min():g}; use "
            "the deterministic one without noise."
        )
    slowest = float(np.log(r / heat).max())

    def columns(log_scale: float) -> FloatArray:
        barrier = heat * np.maximum(log_scale + np.log(heat / r), 0.0)
        return np.stack([np.ones_like(r), -(barrier**TWO_THIRDS)], axis=1)

    grid = slowest + np.geomspace(0.01, 30.0, 60)
    fit = profiled_fit(columns, y, e, grid=grid)
    found = _fit(fit, ("root", "log_rate_scale"))
    root, root_error = found.coefficients.pop("root"), found.coefficients.pop("root_error")
    scale = float(np.sign(root) * abs(root) ** 1.5)
    found.coefficients["barrier_scale"] = scale
    found.coefficients["barrier_scale_error"] = float(1.5 * abs(root) ** 0.5 * root_error)
    return found


def fit_near_equilibrium(rate: ArrayLike, value: ArrayLike, error: ArrayLike) -> SwitchingFit:
    """Fit a loop that has closed, value = c r: what is left is the lag of linear response.

    Parameters
    ----------
    rate, value, error : (point,) array_like
        Rates and widths or areas with standard errors.

    Returns
    -------
    SwitchingFit
        With ``linear`` (c); the limit is zero by the law and without error. Its χ² tells
        whether the loop has closed.

    Raises
    ------
    InvalidValueError
        For numbers without meaning.
    InsufficientSamplesError
        For fewer than two rates.
    """
    return _through_zero(rate, value, error, power=1.0, name="linear")


def fit_far_above(rate: ArrayLike, value: ArrayLike, error: ArrayLike) -> SwitchingFit:
    """Fit a drive that outruns every relaxation, value = c r^(1/2).

    Parameters
    ----------
    rate, value, error : (point,) array_like
        Rates and widths or areas with standard errors.

    Returns
    -------
    SwitchingFit
        With ``square_root`` (c); the limit is zero by the law and without error [1]_. It says
        nothing of phases: every slow system has it where the rate is far above its own.

    Raises
    ------
    InvalidValueError
        For numbers without meaning.
    InsufficientSamplesError
        For fewer than two rates.

    References
    ----------
    .. [1] Chen, Zhao and Ma, arXiv:2506.24035.
    """
    return _through_zero(rate, value, error, power=0.5, name="square_root")


@final
@dataclass(frozen=True, kw_only=True)
class Plateau:
    """Where a width or an area does not depend on the rate.

    Parameters
    ----------
    value, error : float
        Weighted mean over the window; NaN without a plateau.
    slowest, fastest : float
        Rates of the window, which belong to the value; NaN without.
    change : float
        Change across the window over the value.
    """

    value: float
    error: float
    slowest: float
    fastest: float
    change: float


def plateau(
    rate: ArrayLike,
    value: ArrayLike,
    error: ArrayLike,
    *,
    largest_change: float = 0.1,
    smallest_factor: float = 3.0,
) -> Plateau:
    """Find the widest window of rates over which a value stays the same.

    Parameters
    ----------
    rate, value, error : (point,) array_like
        Of one size.
    largest_change : float
        Change of the value across the window, over the value, along a line in ln r.
    smallest_factor : float
        Ratio of the fastest to the slowest rate that makes a window.

    Returns
    -------
    Plateau
        A loop that has closed, or a range of rates without plateau, has NaN.

    Raises
    ------
    InvalidValueError, InsufficientSamplesError
        For numbers without meaning, or fewer than three rates.
    """
    most = finite_number("largest_change", largest_change)
    least = finite_number("smallest_factor", smallest_factor)
    r, y, e = checked_points(rate=rate, value=value, error=error)
    _require("a plateau", r, 3)
    order = np.argsort(r)
    r, y, e = r[order], y[order], e[order]
    best, widest = (
        Plateau(value=np.nan, error=np.nan, slowest=np.nan, fastest=np.nan, change=np.nan),
        least * (1 - 1e-12),
    )
    for first in range(r.size - 2):
        for last in range(first + 2, r.size):
            part = slice(first, last + 1)
            found = _window(r[part], y[part], e[part])
            factor = found.fastest / found.slowest
            if factor >= widest and abs(found.change) <= most and found.value > 0:
                best, widest = found, factor
    return best


def _window(rate: FloatArray, value: FloatArray, error: FloatArray) -> Plateau:
    place = np.log(rate / rate[0])
    design = np.stack([np.ones_like(place), place], axis=1)
    slope = linear_fit(design, value, error).values[1]
    mean = linear_fit(design[:, :1], value, error)
    return Plateau(
        value=float(mean.values[0]),
        error=float(mean.errors[0]),
        slowest=float(rate[0]),
        fastest=float(rate[-1]),
        change=_over(float(slope * place[-1]), abs(float(mean.values[0]))),
    )


def _over(change: float, value: float) -> float:
    """Ratio; beyond all numbers where there is a change and no value."""
    if value > 0.0:
        return change / value
    return 0.0 if change == 0.0 else np.inf


def checked_points(**columns: ArrayLike) -> list[FloatArray]:
    """Take columns of one length of finite numbers, with rates and errors above zero.

    Parameters
    ----------
    columns : (point,) array_like
        By name.

    Returns
    -------
    list of (point,) array

    Raises
    ------
    InvalidValueError
        With the column at fault.
    """
    arrays = {name: real_numbers(f"every {name}", each) for name, each in columns.items()}
    shapes = {name: each.shape for name, each in arrays.items()}
    if len(set(shapes.values())) > 1 or any(len(shape) != 1 for shape in shapes.values()):
        raise InvalidValueError(f"the columns of a fit need one length, received {shapes}.")
    for name, each in arrays.items():
        positive = name in ("rate", "error")
        if not np.isfinite(each).all() or (positive and not (each > 0).all()):
            wanted = "positive and finite" if positive else "finite"
            raise InvalidValueError(
                f"every {name} must be {wanted}, received {each.tolist()}; leave out what was "
                "censored, and give more than one run for an error."
            )
        require_magnitude(f"every {name}", each, each=True)
    return list(arrays.values())


def _through_zero(
    rate: ArrayLike, value: ArrayLike, error: ArrayLike, *, power: float, name: str
) -> SwitchingFit:
    r, y, e = checked_points(rate=rate, value=value, error=error)
    _require("a law through zero", r, 2)
    fit = linear_fit(r[:, None] ** power, y, e)
    closed = LeastSquares(
        values=np.append(0.0, fit.values),
        errors=np.append(0.0, fit.errors),
        chi_square=fit.chi_square,
        freedom=fit.freedom,
    )
    return _fit(closed, (name,))


def _require(what: str, rate: FloatArray, count: int, *, distinct: bool = True) -> None:
    received = np.unique(rate).size if distinct else rate.size
    if received < count:
        raise InsufficientSamplesError(what, required=count, received=received)


def _fit(fit: LeastSquares, names: tuple[str, ...]) -> SwitchingFit:
    pairs = zip(names, fit.values[1:], fit.errors[1:], strict=True)
    coefficients: dict[str, float] = {}
    for name, value, error in pairs:
        coefficients |= {name: float(value), f"{name}_error": float(error)}
    return SwitchingFit(
        limit=float(fit.values[0]),
        limit_error=float(fit.errors[0]),
        coefficients=coefficients,
        chi_square=fit.chi_square,
        freedom=fit.freedom,
        predictive=float(chi2.sf(fit.chi_square, fit.freedom)) if fit.freedom else np.nan,
    )
