"""Whether switching fields of all temperatures fall on one curve of T ln(r₀/r).

Escape over a barrier B(h) that a field changes happens where B(h) = T ln(r₀/r): a branch of a
metastable phase therefore switches at one function of that combination, whatever the barrier
is, and T ~ 1/N makes all sizes one. At a continuous change there is no such function.
"""

from enum import IntEnum
from typing import Any, Final

import numpy as np
import xarray as xr
from scipy.stats import chi2

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.samples import FloatArray
from phasegrok.transitions.demands import finite_number
from phasegrok.transitions.hysteresis.loop_tables import loop_columns
from phasegrok.transitions.hysteresis.profiled_fit import (
    LeastSquares,
    linear_fit,
    profiled_fit,
)

__all__ = ["COLLAPSE_MODELS", "CollapseStatus", "compare_collapse", "switching_collapse"]

TWO_THIRDS: Final = 2 / 3
TERMS: Final = 4
"""Powers 0 to 3 of x^(2/3): a spinodal's own, with corrections."""

REACH: Final = np.geomspace(0.3, 40.0, 90)
"""ln(r₀/r) of the fastest and hottest point at which the fit is tried."""

POWERS: Final = np.linspace(0.1, 1.5, 71)
SCATTER: Final = 0.01
"""Over the range of the fields: laws hold to about 1 %."""

WORST_PREDICTIVE: Final = 0.001
SURE: Final = 0.95
FEWEST_POINTS: Final = 7

ACTIVATED: Final = "activated"
RATE_ALONE: Final = "rate alone"
CONTINUOUS: Final = "continuous"
COLLAPSE_MODELS: Final = (ACTIVATED, RATE_ALONE, CONTINUOUS)


class CollapseStatus(IntEnum):
    """Whether the switching fields of a branch collapse."""

    COLLAPSES = 0
    """One curve holds all temperatures and rates within their errors and 1 %."""
    MISFIT = 1
    """It does not: other laws, rates outside the window, or errors too small."""
    TOO_FEW = 2
    """Fewer than seven points, two temperatures or three rates."""


def switching_collapse(
    table: xr.Dataset, *, size: str = "size", attempt_exponent: float = 1.0
) -> xr.Dataset:
    """Collapse the switching fields of both branches against T ln(r₀/r), r₀ = ρ T^a.

    Parameters
    ----------
    table : Dataset
        Of `loops`, at several sizes N = 1/T and rates. Branches that were censored are left
        out.
    size : str
        Coordinate that is N = 1/T.
    attempt_exponent : float
        a: 1 where the prefactor goes as the root of the distance to a spinodal, 0 for r₀ that
        does not depend on the temperature.

    Returns
    -------
    Dataset
        Along ``direction``: ``log_rate_scale``, ln ρ, with ``_error``; ``log_attempt_rate``,
        ln r₀ at the geometric mean of the temperatures, with the same error; ``chi_square``
        with errors widened by 1 % of the range, ``freedom``, ``predictive``; ``scatter``: what
        scatters about the curve beyond the errors, over the range of the fields, with
        ``_error`` by a jackknife over points; ``status`` (`CollapseStatus`). Along ``point``
        too: ``place``, T ln(r₀/r), the ``field`` and the ``curve`` there.

    Raises
    ------
    FormatError
        Where the table lacks the switching fields, the size or the rate, or time had no
        physical meaning.
    InvalidValueError
        For sizes or rates that are not positive.

    References
    ----------
    .. [1] Kurkijärvi, Phys. Rev. B 6, 832 (1972); Garg, Phys. Rev. B 51, 15592 (1995).
    """
    power = finite_number("attempt_exponent", attempt_exponent)
    heat, rate, fields, errors = _fields(table, size)
    rows: list[dict[str, Any]] = [
        _branch(heat, rate, field, error, power)
        for field, error in zip(fields, errors, strict=True)
    ]
    found = xr.Dataset(
        {
            name: (("direction", "point")[: column.ndim], column)
            for name in rows[0]
            for column in [np.array([row[name] for row in rows])]
        },
        coords={"direction": ["up", "down"], **{n: table[n] for n in (size, "rate")}},
        attrs={key: table.attrs[key] for key in ("control", "variable") if key in table.attrs},
    )
    found["status"].attrs["flag_meanings"] = " ".join(s.name.lower() for s in CollapseStatus)
    return found


def compare_collapse(
    table: xr.Dataset, *, size: str = "size", attempt_exponent: float = 1.0
) -> xr.Dataset:
    """Weigh the collapse against laws without metastable phases.

    Parameters
    ----------
    table, size, attempt_exponent
        See `switching_collapse`, also for what is raised.

    Returns
    -------
    Dataset
        Along ``model``: "activated", one curve of T ln(r₀/r); "rate alone", one curve of the
        rate whatever the temperature is; "continuous", h₀ + c r^p ln(T₀/T), as at the
        transition of two layers. ``chi_square`` over both branches, with 1 % of the range
        beside the errors, ``freedom``, ``predictive``, ``weight`` by the criterion of Schwarz.
        The attribute ``answer`` is "collapses", "does not" or "undecided": the first from a
        weight of 0.95 of the collapse on, the second from as much of the other two together,
        if the likeliest model fits.

    Raises
    ------
    InsufficientSamplesError
        Where no branch has seven points at two temperatures and three rates.
    """
    power = finite_number("attempt_exponent", attempt_exponent)
    heat, rate, fields, errors = _fields(table, size)
    squares, freedoms, count = np.zeros(3), np.zeros(3, dtype=np.int64), 0
    for field, error in zip(fields, errors, strict=True):
        chosen = np.isfinite(field) & (error > 0.0)
        if not _enough(heat[chosen], rate[chosen]):
            continue
        data = heat[chosen], rate[chosen], field[chosen], _wide(field, error)[chosen]
        fits = (_activated(*data, power), _rate_alone(*data), _continuous(*data))
        squares += [fit.chi_square for fit in fits]
        freedoms += [fit.freedom for fit in fits]
        count += int(chosen.sum())
    if not count:
        raise InsufficientSamplesError(
            "a comparison of collapses (switching fields of a branch)",
            required=FEWEST_POINTS,
            received=0,
        )
    criterion = squares + (count - freedoms) * np.log(count)
    weight = np.exp(-0.5 * (criterion - criterion.min()))
    weight /= weight.sum()
    predictive = np.asarray(chi2.sf(squares, freedoms))
    answer = "undecided"
    fits = predictive[int(np.argmax(weight))] > WORST_PREDICTIVE
    if fits and max(weight[0], 1.0 - weight[0]) >= SURE:
        answer = "collapses" if weight[0] >= SURE else "does not"
    return xr.Dataset(
        {
            "chi_square": ("model", squares),
            "freedom": ("model", freedoms),
            "predictive": ("model", predictive),
            "weight": ("model", weight),
        },
        coords={"model": list(COLLAPSE_MODELS)},
        attrs={"answer": answer, "points": count},
    )


def _fields(
    table: xr.Dataset, size: str
) -> tuple[FloatArray, FloatArray, list[FloatArray], list[FloatArray]]:
    names = [f"switching_{way}{kind}" for kind in ("", "_error") for way in ("up", "down")]
    volume, rate, *columns = loop_columns("collapses", table, (size, "rate", *names))
    if np.isinf(volume).any():
        raise InvalidValueError(
            "a collapse needs finite sizes, received one that is infinite, where nothing "
            "escapes; leave it out."
        )
    return 1.0 / volume, rate, columns[:2], columns[2:]


def _enough(heat: FloatArray, rate: FloatArray) -> bool:
    kinds = np.unique(heat).size >= 2 and np.unique(rate).size >= 3
    return bool(heat.size >= FEWEST_POINTS and kinds)


def _wide(field: FloatArray, error: FloatArray) -> FloatArray:
    """Errors with 1 % of the range of the fields beside them."""
    known = field[np.isfinite(field)]
    wide: FloatArray = np.hypot(error, SCATTER * np.ptp(known) if known.size else 0.0)
    return wide


def _place(heat: FloatArray, rate: FloatArray, log_scale: float, power: float) -> FloatArray:
    place: FloatArray = heat * np.maximum(log_scale + power * np.log(heat) - np.log(rate), 0.0)
    return place


def _curve(place: FloatArray) -> FloatArray:
    """Powers of x^(2/3), (point, term)."""
    return np.stack([place ** (TWO_THIRDS * term) for term in range(TERMS)], axis=1)


def _activated(
    heat: FloatArray, rate: FloatArray, field: FloatArray, error: FloatArray, power: float
) -> LeastSquares:
    first = float(np.max(np.log(rate) - power * np.log(heat)))
    return profiled_fit(
        lambda scale: _curve(_place(heat, rate, scale, power)), field, error, grid=first + REACH
    )


def _rate_alone(
    heat: FloatArray, rate: FloatArray, field: FloatArray, error: FloatArray
) -> LeastSquares:
    del heat  # It has no say.
    return linear_fit(_curve(rate / rate.max()), field, error)


def _continuous(
    heat: FloatArray, rate: FloatArray, field: FloatArray, error: FloatArray
) -> LeastSquares:
    share, cold = rate / rate.max(), -np.log(heat)

    def columns(power: float) -> FloatArray:
        return np.stack([np.ones_like(share), share**power, share**power * cold], axis=1)

    return profiled_fit(columns, field, error, grid=POWERS)


def _branch(
    heat: FloatArray, rate: FloatArray, field: FloatArray, error: FloatArray, power: float
) -> dict[str, float | FloatArray]:
    chosen = np.isfinite(field) & (error > 0.0)
    nothing = np.full(heat.shape, np.nan)
    if not _enough(heat[chosen], rate[chosen]):
        numbers: dict[str, float | FloatArray] = dict.fromkeys(_NUMBERS, np.nan)
        unknown = {"place": nothing, "field": nothing, "curve": nothing}
        return {**numbers, "status": int(CollapseStatus.TOO_FEW), **unknown}
    data = heat[chosen], rate[chosen], field[chosen], _wide(field, error)[chosen]
    fit = _activated(*data, power)
    scale, count = float(fit.values[-1]), int(chosen.sum())
    predictive = float(chi2.sf(fit.chi_square, fit.freedom))
    # One point less each time, at the same r₀: the scatter's own error.
    scatters = [
        _scatter([each[np.arange(count) != left] for each in data], error[chosen], scale, power)
        for left in range(count)
    ]
    spread = np.sqrt((count - 1) * np.var(scatters))
    curve = _curve(_place(heat, rate, scale, power)) @ fit.values[:-1]
    middle = power * float(np.mean(np.log(np.unique(heat[chosen]))))
    return {
        "log_rate_scale": scale,
        "log_rate_scale_error": float(fit.errors[-1]),
        "log_attempt_rate": scale + middle,
        "log_attempt_rate_error": float(fit.errors[-1]),
        "chi_square": fit.chi_square,
        "freedom": float(fit.freedom),
        "predictive": predictive,
        "scatter": _scatter(list(data), error[chosen], scale, power),
        "scatter_error": float(spread),
        "status": int(
            CollapseStatus.COLLAPSES if predictive > WORST_PREDICTIVE else CollapseStatus.MISFIT
        ),
        "place": np.where(chosen, _place(heat, rate, scale, power), np.nan),
        "field": np.where(chosen, field, np.nan),
        "curve": np.where(chosen, curve, np.nan),
    }


_NUMBERS: Final = (
    "log_rate_scale",
    "log_rate_scale_error",
    "log_attempt_rate",
    "log_attempt_rate_error",
    "chi_square",
    "freedom",
    "predictive",
    "scatter",
    "scatter_error",
)


def _scatter(data: list[FloatArray], error: FloatArray, scale: float, power: float) -> float:
    """What is left beyond the errors, over the range of the fields."""
    heat, rate, field, wide = data
    design = _curve(_place(heat, rate, scale, power))
    values = linear_fit(design, field, wide).values
    left = float(np.sum((field - design @ values) ** 2)) / max(field.size - TERMS - 1, 1)
    beyond = max(left - float(np.mean(error**2)), 0.0)
    span = float(np.ptp(field))
    return float(np.sqrt(beyond)) / span if span > 0.0 else 0.0
