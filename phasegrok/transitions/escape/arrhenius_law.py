"""How lifetimes grow with the size, and whether they do so as a theory says."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
import xarray as xr
from scipy.special import digamma, polygamma
from scipy.stats import chi2

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.samples import FloatArray
from phasegrok.transitions.demands import (
    finite_number,
    real_numbers,
    require_dataset,
    require_magnitude,
    require_variables,
)
from phasegrok.transitions.physical_time import refuse_sampler_time

__all__ = ["Arrhenius", "ArrheniusComparison", "arrhenius", "compare_arrhenius"]

_LEAST_SPREAD: Final = 1e-6
"""Sizes that agree to that are one."""


def _require_points(values: FloatArray, name: str, *, positive: bool) -> None:
    if not np.isfinite(values).all() or (positive and not (values > 0.0).all()):
        raise InvalidValueError(
            f"a barrier needs {'positive and ' if positive else ''}finite numbers in {name!r} "
            f"where there are escapes, received {values.tolist()}; leave the others out."
        )
    require_magnitude(f"{name!r}", values, each=True)


@final
@dataclass(frozen=True, kw_only=True)
class Arrhenius:
    """ln τ = N b + ln τ₀.

    Parameters
    ----------
    barrier, barrier_error : float
        b, the barrier per unit of the size in units of the temperature. For a size 1/T it is
        the barrier itself.
    log_prefactor, log_prefactor_error : float
        ln τ₀, to be held against Kramers and Langer.
    correlation : float
        Of the two errors.
    chi_square, freedom : float
        Of the fit; errors are widened by √(χ²/freedom) where it exceeds 1.
    predictive : float
        Probability of a larger χ²; NaN without freedom.
    """

    barrier: float
    barrier_error: float
    log_prefactor: float
    log_prefactor_error: float
    correlation: float
    chi_square: float
    freedom: int
    predictive: float


def arrhenius(table: xr.Dataset, *, size: str = "size") -> Arrhenius:
    """Fit how lifetimes grow with the size.

    Parameters
    ----------
    table : Dataset
        Of `lifetimes`; points without escapes are left out.
    size : str
        Coordinate that the barrier is proportional to.

    Returns
    -------
    Arrhenius
        By weighted least squares of ln τ̂, whose bias ψ(n) - ln n is taken off and whose
        variance is ψ'(n) for n escapes.

    Raises
    ------
    InvalidValueError
        Where the table lacks the size, or a number in it has no meaning.
    FormatError
        Where it lacks lifetimes.
    InsufficientSamplesError
        For fewer than two sizes with escapes.
    """
    require_dataset("a table of lifetimes", table)
    refuse_sampler_time("barriers", table)
    if size not in table.coords:
        raise InvalidValueError(
            f"the table needs the coordinate {size!r}, received {list(table.coords)}; name it "
            "in the grouping of the lifetimes."
        )
    columns = ("effective_escapes", "value")
    dims = tuple(str(each) for each in table[size].dims)
    require_variables("barriers", table, columns, dims=dims, advice="make it by lifetimes")
    count, value = (real_numbers(name, table[name].to_numpy()) for name in columns)
    used = count > 0
    along = real_numbers(f"the coordinate {size!r}", table[size].to_numpy())[used]
    for name, each in ((size, along), ("value", value[used]), (columns[0], count[used])):
        _require_points(each, name, positive=name != size)
    if np.unique(along).size < 2 or np.ptp(along) < _LEAST_SPREAD * np.abs(along).max():
        raise InsufficientSamplesError(
            "a barrier from sizes", required=2, received=int(np.unique(along).size)
        )
    number = count[used]
    mean = np.log(value[used]) + np.log(number) - digamma(number)
    weight = 1 / np.sqrt(polygamma(1, number))
    design = np.stack([along, np.ones_like(along)], axis=1) * weight[:, None]
    covariance = np.linalg.inv(design.T @ design)
    found = covariance @ design.T @ (mean * weight)
    square = float(np.sum((mean * weight - design @ found) ** 2))
    freedom = along.size - 2
    wider = max(1.0, square / freedom) if freedom else 1.0
    errors = np.sqrt(wider * np.diag(covariance))
    return Arrhenius(
        barrier=float(found[0]),
        barrier_error=float(errors[0]),
        log_prefactor=float(found[1]),
        log_prefactor_error=float(errors[1]),
        correlation=float(covariance[0, 1] / np.sqrt(np.prod(np.diag(covariance)))),
        chi_square=square,
        freedom=freedom,
        predictive=float(chi2.sf(square, freedom)) if freedom else np.nan,
    )


@final
@dataclass(frozen=True, kw_only=True)
class ArrheniusComparison:
    """A fitted barrier and prefactor beside those of a theory.

    Parameters
    ----------
    barrier_excess, prefactor_excess : float
        Measured less given, in standard errors of both.
    prefactor_ratio : float
        Measured τ₀ over the given one.
    chi_square, probability : float
        Of both numbers at once, with two degrees of freedom and the correlation of the fit:
        each alone may agree where the line does not.
    """

    barrier_excess: float
    prefactor_excess: float
    prefactor_ratio: float
    chi_square: float
    probability: float


def compare_arrhenius(
    fit: Arrhenius,
    *,
    barrier: float,
    log_prefactor: float,
    barrier_error: float = 0.0,
    log_prefactor_error: float = 0.0,
) -> ArrheniusComparison:
    """Hold a fit against a barrier and a prefactor that were computed.

    Parameters
    ----------
    fit : Arrhenius
        Of `arrhenius`, from censored lifetimes.
    barrier, log_prefactor : float
        b and ln τ₀ of the theory, such as τ₀ = 2π √(|det H_saddle|/det H_min)/(|κ₋| n) for n
        equal exits in the limit of low temperature [1]_.
    barrier_error, log_prefactor_error : float
        How well the theory is known, such as its next order in the temperature.

    Returns
    -------
    ArrheniusComparison

    Raises
    ------
    InvalidValueError
        For numbers that are not finite, or negative errors.

    References
    ----------
    .. [1] Langer, Ann. Phys. 54, 258 (1969).
    """
    given = real_numbers("barrier and log_prefactor", [barrier, log_prefactor])
    if not isinstance(fit, Arrhenius) or not np.isfinite(given).all():
        raise InvalidValueError(
            "a comparison needs a fit of arrhenius and finite numbers of a theory, received "
            f"{type(fit).__name__}, {barrier!r} and {log_prefactor!r}."
        )
    known = [
        finite_number(name, each)
        for name, each in (
            ("barrier_error", barrier_error),
            ("log_prefactor_error", log_prefactor_error),
        )
    ]
    own = np.array([fit.barrier_error, fit.log_prefactor_error])
    covariance = np.diag(own**2 + np.square(known))
    covariance[0, 1] = covariance[1, 0] = fit.correlation * own[0] * own[1]
    away = np.array([fit.barrier, fit.log_prefactor]) - given
    excess = away / np.sqrt(np.diag(covariance))
    square = float(away @ np.linalg.solve(covariance, away))
    return ArrheniusComparison(
        barrier_excess=float(excess[0]),
        prefactor_excess=float(excess[1]),
        prefactor_ratio=float(np.exp(away[1])),
        chi_square=square,
        probability=float(chi2.sf(square, 2)),
    )
