"""Rates at which a deep linear chain learns and forgets over its barriers.

The chain has one neuron a layer, U = ½ (s - m)² + (λ/2) Σ_l θ_l² with the output m = Π θ_l, and
moves by dθ = -∇U dt + √(2T) dW. Where the barrier is many temperatures its escapes are those of
Kramers, Physica 7, 284 (1940), with the prefactor of Langer, Ann. Phys. 54, 258 (1969).
"""

from math import pi
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from phasegrok.errors import InvalidValueError
from phasegrok.exact.checking import FloatArray, finite_number, require_positive, whole_number
from phasegrok.exact.limits import moderate_positive
from phasegrok.theory.deep_linear_scales import (
    checked_depth,
    energy_of_product,
    positive_row,
    products,
)

__all__ = [
    "LOWEST_BARRIER",
    "ChainRates",
    "barred_depth",
    "chain_rates",
    "deep_linear_escape",
    "langer_rate",
]

LOWEST_BARRIER = 2.0
"""Barrier over temperature below which no rate is a rate: relaxation is as slow as escape."""


def langer_rate(
    *,
    minimum_curvatures: ArrayLike,
    saddle_curvatures: ArrayLike,
    barrier: float,
    temperature: float,
    exits: int = 1,
) -> float:
    """Rate of escape from a minimum over equal saddles in overdamped Langevin dynamics.

    k = exits (|κ₋|/2π) √(Π κ_minimum/|Π κ_saddle|) e^(-ΔF/T), with κ₋ the one negative
    curvature of the saddle [1]_. It is the limit of low temperature; the correction is of the
    order of T/ΔF.

    Parameters
    ----------
    minimum_curvatures : (direction,) array_like
        Eigenvalues of the Hessian at the minimum, all positive.
    saddle_curvatures : (direction,) array_like
        Those at the saddle, one of them negative. Directions along which both energies are
        flat are left out of both and belong into ``exits``.
    barrier : float
        ΔF, energy of the saddle above the minimum.
    temperature : float
        T.
    exits : int
        Number of equal saddles around the minimum.

    Returns
    -------
    float
        Escapes per unit of time.

    Raises
    ------
    InvalidValueError
        For numbers without meaning, curvatures of other signs or unequal number.

    References
    ----------
    .. [1] Langer, Ann. Phys. 54, 258 (1969); Hänggi, Talkner and Borkovec, Rev. Mod. Phys. 62,
       251 (1990).
    """
    minimum = positive_row("curvature of the minimum", minimum_curvatures)
    saddle = np.atleast_1d(np.asarray(saddle_curvatures, dtype=np.float64))
    if saddle.shape != minimum.shape or (saddle < 0).sum() != 1 or not (saddle != 0).all():
        raise InvalidValueError(
            f"saddle_curvatures must be {minimum.size} numbers, one of them negative and none "
            f"zero, received {saddle_curvatures!r}; leave flat directions out of both lists."
        )
    height = require_positive("barrier", finite_number("barrier", barrier))
    heat = require_positive("temperature", temperature)
    count = whole_number("exits", exits, minimum=1)
    log_ratio = (np.log(minimum).sum() - np.log(np.abs(saddle)).sum()) / 2
    return float(count * -saddle.min() / (2 * pi) * np.exp(log_ratio - height / heat))


def deep_linear_escape(
    *,
    layer_count: int,
    weight_decay: ArrayLike,
    temperature: ArrayLike,
    target: float = 1.0,
) -> xr.Dataset:
    """Evaluate both rates of the chain on a grid of its controls.

    Parameters
    ----------
    layer_count : int
        L, at least 3: with two layers there is no barrier.
    weight_decay : (weight_decay,) array_like
        λ, above zero.
    temperature : (temperature,) array_like
        T, above zero.
    target : float
        s, above zero.

    Returns
    -------
    Dataset
        On weight_decay, for both ways "to_learn" and "to_forget": ``barrier_<way>``,
        ``prefactor_<way>`` of the rate, and ``saddle_curvature``, the negative eigenvalue. On
        (temperature, weight_decay): ``rate_<way>`` and ``holds_<way>``, whether the barrier is
        at least two temperatures. NaN where the learned state does not exist.

    Raises
    ------
    InvalidValueError
        For numbers without meaning or two layers.

    Notes
    -----
    The minima of the product's sign are 2^(L-1) alike: the unlearned state has as many exits,
    each learned one a single one. With all layers b = m^(1/L) and P = m/b, the Hessian is
    λ + P² on the diagonal and P² - λ beside it where m ≠ 0, and λ on the diagonal at the
    origin; so its eigenvalues are 2 λ (L - 1 times) and L P² - (L - 2) λ.
    """
    depth = barred_depth(layer_count)
    aim = moderate_positive("target", target)
    decay = positive_row("weight decay", weight_decay)
    heat = positive_row("temperature", temperature)
    unit = aim ** (2 - 2 / depth)
    chain = chain_rates(decay / unit, depth)
    along = {
        "barrier_to_learn": chain.barrier_to_learn * aim**2,
        "barrier_to_forget": chain.barrier_to_forget * aim**2,
        "prefactor_to_learn": chain.prefactor_to_learn * unit,
        "prefactor_to_forget": chain.prefactor_to_forget * unit,
        "saddle_curvature": chain.saddle_curvature * unit,
    }
    grid: dict[str, FloatArray] = {}
    for way in ("to_learn", "to_forget"):
        exponent = along[f"barrier_{way}"] / heat[:, None]
        grid[f"rate_{way}"] = along[f"prefactor_{way}"] * np.exp(-exponent)
        grid[f"holds_{way}"] = exponent >= LOWEST_BARRIER
    return xr.Dataset(
        {name: ("weight_decay", values) for name, values in along.items()}
        | {name: (("temperature", "weight_decay"), values) for name, values in grid.items()},
        coords={"temperature": heat, "weight_decay": decay},
        attrs={"layer_count": depth, "target": aim},
    )


class ChainRates(NamedTuple):
    """Barriers and prefactors of the chain in units of its target, (weight_decay,) each."""

    barrier_to_learn: FloatArray
    barrier_to_forget: FloatArray
    prefactor_to_learn: FloatArray
    prefactor_to_forget: FloatArray
    saddle_curvature: FloatArray
    learned_product: FloatArray


def chain_rates(weight_decay: FloatArray, depth: int) -> ChainRates:
    """Evaluate Kramers' and Langer's numbers for s = 1.

    Parameters
    ----------
    weight_decay : (...) array
        λ.
    depth : int
        L, at least 3.

    Returns
    -------
    ChainRates
        NaN beyond the spinodal.
    """
    learned, saddle = products(weight_decay, depth=depth)
    height = energy_of_product(saddle, weight_decay=weight_decay, depth=depth)
    bottom = energy_of_product(learned, weight_decay=weight_decay, depth=depth)
    falling = _softest(saddle, weight_decay, depth)
    # All other curvatures are λ at the origin and 2 λ elsewhere.
    across = (depth - 1) / 2 * np.log(2.0)
    from_origin = np.sqrt(weight_decay * -falling) * np.exp(-across) * 2.0 ** (depth - 1)
    from_learned = np.sqrt(_softest(learned, weight_decay, depth) * -falling)
    return ChainRates(
        height - 0.5,
        height - bottom,
        from_origin / (2 * pi),
        from_learned / (2 * pi),
        falling,
        learned,
    )


def _softest(product: FloatArray, weight_decay: FloatArray, depth: int) -> FloatArray:
    """Curvature along all layers together, L P² - (L - 2) λ."""
    result: FloatArray = depth * product ** (2 - 2 / depth) - (depth - 2) * weight_decay
    return result


def barred_depth(layer_count: int) -> int:
    """Take a number of layers from 3 on, or refuse it with `InvalidValueError`."""
    depth = checked_depth(layer_count)
    if depth == 2:
        raise InvalidValueError(
            "layer_count must be at least 3, received 2: two layers learn without a barrier, "
            "so there is no escape."
        )
    return depth
