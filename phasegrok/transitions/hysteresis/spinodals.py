"""Limits of metastability: switching fields extrapolated to rate zero and infinite size.

One law holds from the activated to the deterministic regime,

    |h| = h_s + c r^(2/3) r/(r + ρT) - a [T ln(1 + ρT/r)]^(2/3),    T = 1/N,

with the exact powers at both ends [1]_ [2]_ and an interpolation between them. What the
interpolation and higher orders might add is taken from variants of the law and of the data.

References
----------
.. [1] Jung, Gray, Roy and Mandel, Phys. Rev. Lett. 65, 1873 (1990), for r ≫ T.
.. [2] Garg, Phys. Rev. B 51, 15592 (1995); Berglund and Gentz, Nonlinearity 15, 605 (2002).
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Final

import numpy as np
import xarray as xr
from scipy.stats import chi2

from phasegrok.statistics.samples import BoolArray, FloatArray
from phasegrok.transitions.hysteresis.loop_tables import loop_columns
from phasegrok.transitions.hysteresis.profiled_fit import LeastSquares, profiled_fit

__all__ = ["SpinodalStatus", "activated_place", "deterministic_share", "spinodal_estimate"]

TWO_THIRDS: Final = 2 / 3
LOG_SCALES: Final = np.linspace(-9.0, 9.0, 73)
"""Values of ln ρ at which the fit is tried."""

WORST_PREDICTIVE: Final = 0.001
SURE: Final = 3.0
"""Standard errors by which the limits of both branches must differ."""

Columns = Callable[[FloatArray, FloatArray, float], FloatArray]


class SpinodalStatus(IntEnum):
    """How far a limit of metastability may be believed."""

    RESOLVED = 0
    """The law fits, and the two branches end at different fields."""
    MISFIT = 1
    """The law does not describe the switching fields; slower rates or larger sizes may."""
    TOO_FEW = 2
    """Fewer than six points, two sizes or three rates with errors: no estimate."""
    CLOSED = 3
    """The limits of the branches do not differ: nothing is metastable in the limit."""


def activated_place(size: FloatArray, rate: FloatArray, scale: float) -> FloatArray:
    """T ln(1 + ρT/r), in which switching fields of all sizes collapse; 0 for T = 0."""
    heat = 1 / np.asarray(size, dtype=np.float64)
    place: FloatArray = heat * np.log1p(scale * heat / rate)
    return place


def deterministic_share(size: FloatArray, rate: FloatArray, scale: float) -> FloatArray:
    """r/(r + ρT): 1 where the rate outruns the noise."""
    share: FloatArray = rate / (rate + scale / np.asarray(size, dtype=np.float64))
    return share


def spinodal_estimate(table: xr.Dataset, *, size: str = "size") -> xr.Dataset:
    """Extrapolate the switching fields of both branches to rate zero and infinite size.

    Parameters
    ----------
    table : Dataset
        Of `loops`, with several rates of several sizes.
    size : str
        Coordinate that is N = 1/T.

    Returns
    -------
    Dataset
        Along ``direction``, up and down: ``spinodal`` with its ``_error``, the root of the
        squares of ``statistical_error`` (widened by √(χ²/freedom)) and ``systematic_error``,
        the largest change when a term of higher order is added for the deterministic or for
        the activated part, or when the smallest size or the fastest rate is left out;
        ``two_thirds`` (c), ``barrier_root`` (a), ``log_rate_scale`` (ln ρ); ``chi_square``,
        ``freedom``, ``points``; ``status``. Along ``point`` too: ``place``, T ln(1 + ρT/r), and
        ``lag``, by how much a branch switches before its spinodal when the delay is taken
        off, which is a place^(2/3) for all sizes; NaN where a branch was censored.

    Raises
    ------
    FormatError
        Where the table lacks the switching fields, the size or the rate.
    InvalidValueError
        For sizes or rates that are not positive.
    """
    fields = [f"switching_{way}{kind}" for way in ("up", "down") for kind in ("", "_error")]
    volume, rate, *_ = loop_columns("spinodals", table, (size, "rate", *fields))
    rows = [_branch(table, direction, volume, rate) for direction in ("up", "down")]
    found = xr.Dataset(
        {
            name: (("direction", "point") if np.ndim(rows[0][name]) else "direction", values)
            for name in rows[0]
            for values in [np.array([row[name] for row in rows])]
        },
        coords={"direction": ["up", "down"], **{n: table[n] for n in (size, "rate")}},
    )
    apart = float(found["spinodal"][0] - found["spinodal"][1])
    error = float(np.hypot(*found["spinodal_error"].to_numpy()))
    if np.isfinite(apart) and not apart > SURE * error:
        found["status"][:] = int(SpinodalStatus.CLOSED)
    found["status"].attrs["flag_meanings"] = " ".join(s.name.lower() for s in SpinodalStatus)
    return found


def _branch(
    table: xr.Dataset, direction: str, size: FloatArray, rate: FloatArray
) -> dict[str, float | FloatArray]:
    side = 1.0 if direction == "up" else -1.0
    value = side * table[f"switching_{direction}"].to_numpy()
    error = table[f"switching_{direction}_error"].to_numpy()
    usable = np.isfinite(value) & (error > 0)
    nothing = np.full(size.shape, np.nan)
    points = int(usable.sum())
    few = points < 6 or np.unique(size[usable]).size < 2 or np.unique(rate[usable]).size < 3
    if few:
        numbers = dict.fromkeys(_NUMBERS, np.nan)
        status = int(SpinodalStatus.TOO_FEW)
        return {**numbers, "points": points, "status": status, "place": nothing, "lag": nothing}
    fit = _fit(_base, usable, (size, rate, value, error))
    limit, delay, root, log_scale = fit.values
    systematic = _systematic(fit, usable, (size, rate, value, error))
    scale = float(np.exp(log_scale))
    predicted_delay = delay * rate**TWO_THIRDS * deterministic_share(size, rate, scale)
    fits = not fit.freedom or chi2.sf(fit.chi_square, fit.freedom) > WORST_PREDICTIVE
    return {
        "spinodal": side * limit,
        "spinodal_error": float(np.hypot(fit.errors[0], systematic)),
        "statistical_error": float(fit.errors[0]),
        "systematic_error": systematic,
        "two_thirds": float(delay),
        "barrier_root": float(root),
        "log_rate_scale": float(log_scale),
        "chi_square": fit.chi_square,
        "freedom": float(fit.freedom),
        "points": points,
        "status": int(SpinodalStatus.RESOLVED if fits else SpinodalStatus.MISFIT),
        "place": np.where(usable, activated_place(size, rate, scale), np.nan),
        "lag": np.where(usable, limit + predicted_delay - value, np.nan),
    }


_NUMBERS: Final = (
    "spinodal",
    "spinodal_error",
    "statistical_error",
    "systematic_error",
    "two_thirds",
    "barrier_root",
    "log_rate_scale",
    "chi_square",
    "freedom",
)


def _base(size: FloatArray, rate: FloatArray, log_scale: float) -> FloatArray:
    scale = float(np.exp(log_scale))
    delay = rate**TWO_THIRDS * deterministic_share(size, rate, scale)
    early = -(activated_place(size, rate, scale) ** TWO_THIRDS)
    return np.stack([np.ones_like(rate), delay, early], axis=1)


def _with_linear_delay(size: FloatArray, rate: FloatArray, log_scale: float) -> FloatArray:
    share = deterministic_share(size, rate, float(np.exp(log_scale)))
    return np.concatenate([_base(size, rate, log_scale), (rate * share)[:, None]], axis=1)


def _with_second_order(size: FloatArray, rate: FloatArray, log_scale: float) -> FloatArray:
    base = _base(size, rate, log_scale)
    return np.concatenate([base, base[:, 2:] ** 2], axis=1)


def _fit(columns: Columns, chosen: BoolArray, data: tuple[FloatArray, ...]) -> LeastSquares:
    size, rate, value, error = (each[chosen] for each in data)

    def design(log_scale: float) -> FloatArray:
        return columns(size, rate, log_scale)

    return profiled_fit(design, value, error, grid=LOG_SCALES)


def _systematic(fit: LeastSquares, usable: BoolArray, data: tuple[FloatArray, ...]) -> float:
    size, rate = data[0], data[1]
    variants = [
        (_with_linear_delay, usable),
        (_with_second_order, usable),
        (_base, usable & (size > size[usable].min())),
        (_base, usable & (rate < rate[usable].max())),
    ]
    changes = [0.0]
    for columns, chosen in variants:
        if chosen.sum() > 5:
            other = _fit(columns, chosen, data)
            changes.append(abs(float(other.values[0] - fit.values[0])))
    return max(changes)
