"""Phases of a wide deep linear network at t = T h, temperature times width.

For one input and one output, weight decay λ and h → ∞ at fixed t the law of the norms of the
L - 1 hidden layers is exp(-h F/t), at equal squared norms y with

    F(y) = ((L-1)/2) λ y + ½ s² λ/(y^(L-1) + λ) - ((L-1)/2) t ln y,   m = s g,

g = y^(L-1)/(y^(L-1) + λ) the share of the target that is learned. This is derived here from
the energy of Ziyin and Ueda, arXiv:2205.12510; the weight of ln y is the entropy of h
directions.
"""

from dataclasses import dataclass
from math import log, nan
from typing import final

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from phasegrok.exact.checking import FloatArray
from phasegrok.exact.limits import moderate_positive
from phasegrok.theory.deep_linear_free_energy import (
    coexistence_slope,
    critical_share,
    crossover_share,
    log_decay_of,
    norm_and_free_energy,
    spinodal_shares,
    spinodal_temperature,
    stationary_shares,
)
from phasegrok.theory.deep_linear_scales import checked_depth, positive_row

__all__ = [
    "DeepLinearCriticalPoint",
    "deep_linear_critical_point",
    "deep_linear_large_width",
    "deep_linear_large_width_lines",
]

PHASES = ("unlearned", "saddle", "learned")


@final
@dataclass(frozen=True, kw_only=True)
class DeepLinearCriticalPoint:
    """Where the line of first-order transitions ends.

    Parameters
    ----------
    weight_decay : float
        λ*.
    scaled_temperature : float
        t* = T h.
    order_parameter : float
        m*, what the output is there.
    """

    weight_decay: float
    scaled_temperature: float
    order_parameter: float


def deep_linear_critical_point(
    *, layer_count: int, target: float = 1.0
) -> DeepLinearCriticalPoint | None:
    """Locate the critical end point of wide networks, in closed form.

    The spinodals lie where t = g (1 - g) [L - 2 - 2 (L - 1) g], with m = s g, and meet at its
    maximum.

    Parameters
    ----------
    layer_count : int
        L, at least 2.
    target : float
        s, above zero.

    Returns
    -------
    DeepLinearCriticalPoint or None
        (λ*, t*, m*) = (0.573939, 0.054964, 0.116204) for three layers and s = 1. None for two
        layers, which have a crossover at every t > 0.

    Raises
    ------
    InvalidValueError
        For numbers without meaning.
    """
    depth = checked_depth(layer_count)
    aim = moderate_positive("target", target)
    if depth == 2:
        return None
    share = critical_share(depth)
    heat = spinodal_temperature(share, depth)
    return DeepLinearCriticalPoint(
        weight_decay=float(np.exp(log_decay_of(share, heat, depth))) * aim ** (2 - 2 / depth),
        scaled_temperature=heat * aim**2,
        order_parameter=share * aim,
    )


def deep_linear_large_width(
    *,
    layer_count: int,
    weight_decay: ArrayLike,
    scaled_temperature: ArrayLike,
    target: float = 1.0,
) -> xr.Dataset:
    """Find every phase of wide networks on a grid of the two controls.

    Parameters
    ----------
    layer_count : int
        L, at least 2.
    weight_decay : (weight_decay,) array_like
        λ, above zero.
    scaled_temperature : (scaled_temperature,) array_like
        t = T h, above zero.
    target : float
        s, above zero.

    Returns
    -------
    Dataset
        On (scaled_temperature, weight_decay, phase), with the phases "unlearned", "saddle" and
        "learned": ``order_parameter`` m, ``square_norm`` y of each hidden layer,
        ``free_energy`` F. A network of one phase has it as "unlearned", or as "learned" where
        it lies beyond the steepest change of ln λ with m; the others are NaN. On
        (scaled_temperature, weight_decay): ``stable_order_parameter``, m of the phase of lower
        F, and ``bistable``.

    Raises
    ------
    InvalidValueError
        For numbers without meaning.
    """
    depth = checked_depth(layer_count)
    aim = moderate_positive("target", target)
    decay = positive_row("weight decay", weight_decay)
    heat = positive_row("scaled temperature", scaled_temperature)
    log_decay = np.log(decay / aim ** (2 - 2 / depth))
    scaled = heat / aim**2
    share = np.array([[stationary_shares(x, t, depth) for x in log_decay] for t in scaled])
    y, free = norm_and_free_energy(share, scaled[:, None, None], depth)
    # -((L-1)/2) t ln y in units of y.
    free -= (1 - 1 / depth) * log(aim) * scaled[:, None, None]
    lowest = np.nanargmin(free, axis=-1)[..., None]
    lower = np.take_along_axis(share, lowest, axis=-1)[..., 0]
    axes = ("scaled_temperature", "weight_decay", "phase")
    return xr.Dataset(
        {
            "order_parameter": (axes, share * aim),
            "square_norm": (axes, y * aim ** (2 / depth)),
            "free_energy": (axes, free * aim**2),
            "stable_order_parameter": (axes[:2], lower * aim),
            "bistable": (axes[:2], ~np.isnan(share[..., 1])),
        },
        coords={"scaled_temperature": heat, "weight_decay": decay, "phase": list(PHASES)},
        attrs={"layer_count": depth, "target": aim},
    )


def deep_linear_large_width_lines(
    *, layer_count: int, scaled_temperature: ArrayLike, target: float = 1.0
) -> xr.Dataset:
    """Draw the lines of the phase diagram of wide networks.

    Parameters
    ----------
    layer_count : int
        L, at least 2.
    scaled_temperature : (scaled_temperature,) array_like
        t = T h, above zero.
    target : float
        s, above zero.

    Returns
    -------
    Dataset
        On scaled_temperature, NaN where there is none: ``coexistence``, λ of equal F;
        ``slope``, its dλ/dt by Clausius and Clapeyron, from the two phases alone;
        ``jump`` of m; ``lower_spinodal``, where the unlearned state ceases to be a minimum on
        lowering λ, which is (L-1)^(1-1/L) (L-2)^(2/L-1) s² (t/s²)^(1-2/L)/s^(2/L) at small t;
        ``upper_spinodal``, where the learned one does on raising it; ``barrier`` between the
        phases at coexistence, in F: h/t of it are the nats. ``crossover``: where
        |d ln m/d ln λ| of the only phase is largest; it begins at the critical point, or at
        λ = s and t = 0 for two layers, and ends at t = (L - 1) s².

    Raises
    ------
    InvalidValueError
        For numbers without meaning.
    """
    depth = checked_depth(layer_count)
    aim = moderate_positive("target", target)
    heat = positive_row("scaled temperature", scaled_temperature)
    unit = aim ** (2 - 2 / depth)
    units = {
        "lower_spinodal": unit,
        "upper_spinodal": unit,
        "coexistence": unit,
        "slope": unit / aim**2,
        "jump": aim,
        "barrier": aim**2,
        "crossover": unit,
    }
    rows = [_lines(t, depth) for t in heat / aim**2]
    return xr.Dataset(
        {
            name: ("scaled_temperature", scale * np.array([row[name] for row in rows]))
            for name, scale in units.items()
        },
        coords={"scaled_temperature": heat},
        attrs={"layer_count": depth, "target": aim},
    )


def _lines(heat: float, depth: int) -> dict[str, float]:
    """All lines at one temperature, s = 1."""
    row = dict.fromkeys(
        ("lower_spinodal", "upper_spinodal", "coexistence", "slope", "jump", "barrier"), nan
    )
    spinodals = spinodal_shares(heat, depth)
    if spinodals is None:
        steepest = crossover_share(heat, depth)
        found = nan if steepest is None else float(np.exp(log_decay_of(steepest, heat, depth)))
        return {**row, "crossover": found}
    low, high = (log_decay_of(each, heat, depth) for each in spinodals)
    row |= {"lower_spinodal": float(np.exp(low)), "upper_spinodal": float(np.exp(high))}

    def excess(log_decay: float) -> float:
        _, free = _at(log_decay, heat, depth)
        return float(free[2] - free[0])

    # The coexistence is nowhere near the ends.
    margin = 1e-3 * (high - low)
    log_decay = float(brentq(excess, low + margin, high - margin, xtol=1e-13, rtol=1e-13))
    share, free = _at(log_decay, heat, depth)
    return {
        **row,
        "coexistence": float(np.exp(log_decay)),
        "slope": coexistence_slope(share, log_decay, heat, depth),
        "jump": float(share[2] - share[0]),
        "barrier": float(free[1] - free[0]),
        "crossover": nan,
    }


def _at(log_decay: float, heat: float, depth: int) -> tuple[FloatArray, FloatArray]:
    """Shares and F of all three stationary points between the spinodals."""
    share = np.array(stationary_shares(log_decay, heat, depth))
    return share, norm_and_free_energy(share, np.array(heat), depth)[1]
