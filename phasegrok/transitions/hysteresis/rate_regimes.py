"""Which law of the rate a width or an area follows, from near equilibrium to far above it.

A loop grows with the rate as r while it is closed, stays on a plateau while phases are
metastable, rises above it as r^(2/3) where the limit of metastability is passed at speed, and
as r^(1/2) far above [1]_ [2]_; at a continuous change it is a power with no plateau.

References
----------
.. [1] Jung, Gray, Roy and Mandel, Phys. Rev. Lett. 65, 1873 (1990).
.. [2] Chen, Zhao and Ma, arXiv:2506.24035.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from scipy.stats import chi2

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.samples import FloatArray
from phasegrok.transitions.hysteresis.loop_tables import LoopStatus, loop_columns
from phasegrok.transitions.hysteresis.profiled_fit import (
    LeastSquares,
    linear_fit,
    profiled_fit,
)
from phasegrok.transitions.hysteresis.switching_laws import checked_points

__all__ = ["LAWS", "compare_rate_laws", "rate_laws"]

FEWEST: Final = 4
POWERS: Final = np.linspace(0.05, 1.5, 59)
WORST_PREDICTIVE: Final = 0.001
TWO_THIRDS: Final = 2 / 3

Fit = Callable[[FloatArray, FloatArray, FloatArray], LeastSquares]


def _columns(*powers: float) -> Fit:
    def fitted(r: FloatArray, y: FloatArray, e: FloatArray) -> LeastSquares:
        return linear_fit(np.stack([r**power for power in powers], axis=1), y, e)

    return fitted


def _power(r: FloatArray, y: FloatArray, e: FloatArray) -> LeastSquares:
    return profiled_fit(lambda power: r[:, None] ** power, y, e, grid=POWERS)


LAWS: Final[dict[str, Fit]] = {
    "near equilibrium": _columns(1.0),
    "plateau": _columns(0.0),
    "deterministic": _columns(0.0, TWO_THIRDS),
    "far above": _columns(0.5),
    "continuous": _power,
}
"""A = c r, A₀, A₀ + c r^(2/3), c r^(1/2), and c r^p with p free."""


def compare_rate_laws(rate: ArrayLike, value: ArrayLike, error: ArrayLike) -> xr.Dataset:
    """Fit every law of the rate to widths or areas of one temperature.

    Parameters
    ----------
    rate, value, error : (point,) array_like
        Rates above zero; widths or areas with standard errors.

    Returns
    -------
    Dataset
        Along ``law``: ``chi_square``, ``freedom``, ``predictive``, the probability of a larger
        χ²; ``weight``, from the information criterion of Schwarz [1]_, which adds to one and
        means little where no law fits; ``consistent``, 1 where the predictive exceeds 0.001;
        ``limit`` at rate zero and ``exponent`` of the rate with ``_error`` where they are free.

    Raises
    ------
    InvalidValueError
        For numbers without meaning.
    InsufficientSamplesError
        For fewer than four rates.

    References
    ----------
    .. [1] Schwarz, Ann. Stat. 6, 461 (1978).
    """
    r, y, e = checked_points(rate=rate, value=value, error=error)
    if np.unique(r).size < FEWEST:
        raise InsufficientSamplesError(
            "laws of the rate (rates)", required=FEWEST, received=int(np.unique(r).size)
        )
    fits = {name: law(r, y, e) for name, law in LAWS.items()}
    squares = np.array([fit.chi_square for fit in fits.values()])
    freedom = np.array([fit.freedom for fit in fits.values()])
    criterion = squares + (r.size - freedom) * np.log(r.size)
    weight = np.exp(-0.5 * (criterion - criterion.min()))
    predictive = chi2.sf(squares, freedom)
    numbers = _free_numbers(fits)
    return xr.Dataset(
        {
            "chi_square": ("law", squares),
            "freedom": ("law", freedom),
            "predictive": ("law", predictive),
            "weight": ("law", weight / weight.sum()),
            "consistent": ("law", np.asarray(predictive > WORST_PREDICTIVE, dtype=np.int8)),
            **{name: ("law", column) for name, column in numbers.items()},
        },
        coords={"law": list(LAWS)},
    )


def _free_numbers(fits: dict[str, LeastSquares]) -> dict[str, FloatArray]:
    """Limits and exponents with their errors, NaN where a law has none."""
    found: dict[str, FloatArray] = {}
    for part, place, laws in (
        ("limit", 0, ("plateau", "deterministic")),
        ("exponent", -1, ("continuous",)),
    ):
        pairs = [
            (fit.values[place], fit.errors[place]) if name in laws else (np.nan, np.nan)
            for name, fit in fits.items()
        ]
        found[part], found[f"{part}_error"] = np.array(pairs).T
    return found


def rate_laws(table: xr.Dataset, *, quantity: str = "width", size: str = "size") -> xr.Dataset:
    """Compare the laws of the rate at every size of a table of loops.

    Parameters
    ----------
    table : Dataset
        Of `loops`; loops that the range cuts, or without an error, are left out.
    quantity : str
        "width" of switching fields, or "area".
    size : str
        Coordinate that is N = 1/T.

    Returns
    -------
    Dataset
        Along ``size`` and ``law``: what `compare_rate_laws` gives; sizes of fewer than four
        rates are left out.

    Raises
    ------
    FormatError
        Where the table lacks what is needed, or time had no physical meaning.
    InvalidValueError
        For another quantity.
    InsufficientSamplesError
        Where no size has four rates.
    """
    if quantity not in ("width", "area"):
        raise InvalidValueError(
            f"the quantity must be 'width' or 'area', received {quantity!r}; name one."
        )
    names = (size, "rate", quantity, f"{quantity}_error", "status")
    volume, rate, value, error, status = loop_columns("laws of the rate", table, names)
    usable = (status == LoopStatus.WHOLE) & (error > 0.0) & np.isfinite(value)
    found = {}
    for each in np.unique(volume[usable]):
        chosen = usable & (volume == each)
        if np.unique(rate[chosen]).size >= FEWEST:
            found[each] = compare_rate_laws(rate[chosen], value[chosen], error[chosen])
    if not found:
        raise InsufficientSamplesError(
            "laws of the rate (rates of one size)", required=FEWEST, received=0
        )
    joined = xr.concat(list(found.values()), dim="size")
    return joined.assign_coords(size=list(found)).assign_attrs(quantity=quantity)
