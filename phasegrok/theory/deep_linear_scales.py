"""States of one mode of a deep linear network, in units in which its target is one.

With every layer carrying b and m = b^L, the energy ½ (s - m)² + (L/2) λ b² is stationary at
m = 0 and where λ = m^((L-2)/L) (s - m). Its units are those of the target: m ~ s,
λ ~ s^(2 - 2/L), energies and temperatures ~ s², squared weights ~ s^(2/L).
"""

import numpy as np

from phasegrok.errors import InvalidValueError
from phasegrok.exact.checking import FloatArray, whole_number
from phasegrok.exact.deep_linear_transition import deep_linear_transition
from phasegrok.exact.limits import moderate_positive

__all__ = ["LARGEST_DEPTH", "checked_depth", "energy_of_product", "positive_row", "products"]

LARGEST_DEPTH = 1000
"""Powers of a weight with as many layers are numbers still."""

# Every halving gives one binary digit; a product has 53.
HALVINGS = 60


def checked_depth(layer_count: int) -> int:
    """Take a number of layers between 2 and 1000, or refuse it with `InvalidValueError`."""
    layers = whole_number("layer_count", layer_count, minimum=2)
    if layers > LARGEST_DEPTH:
        raise InvalidValueError(
            f"layer_count must be at most {LARGEST_DEPTH}, received {layers:.3g}; take a "
            "network of fewer layers."
        )
    return layers


def positive_row(name: str, values: object) -> FloatArray:
    """Take one or several numbers above zero along one dimension.

    Parameters
    ----------
    name : str
        For the error message.
    values : array_like
        One number, or a row of them.

    Returns
    -------
    (value,) array

    Raises
    ------
    InvalidValueError
        Where there is none, one is no number above zero, or rows lie in rows.
    """
    if np.ndim(np.asarray(values, dtype=object)) > 1:
        raise InvalidValueError(
            f"{name} must be one number or a row of numbers, received {values!r}; flatten it."
        )
    row = np.atleast_1d(np.asarray(values, dtype=object))
    if row.size == 0:
        raise InvalidValueError(f"{name} must hold at least one number, received none.")
    return np.array([moderate_positive(f"every {name}", each) for each in row])


def energy_of_product(
    product: FloatArray, *, weight_decay: FloatArray, depth: int
) -> FloatArray:
    """Energy ½ (1 - m)² + (L/2) λ m^(2/L) of a mode whose layers are all alike.

    Parameters
    ----------
    product : (...) array
        m ≥ 0, in units of the target.
    weight_decay : (...) array
        λ, in its units; broadcast against the product.
    depth : int
        L.

    Returns
    -------
    (...) array
    """
    norm = np.asarray(product) ** (2.0 / depth)
    result: FloatArray = (1.0 - product) ** 2 / 2.0 + depth * weight_decay * norm / 2.0
    return result


def products(weight_decay: FloatArray, *, depth: int) -> tuple[FloatArray, FloatArray]:
    """Product of the layers at the learned minimum and at the saddle that guards it.

    Parameters
    ----------
    weight_decay : (...) array
        λ, in units of the target.
    depth : int
        L.

    Returns
    -------
    tuple of (...) arrays
        NaN beyond the spinodal; the saddle also for two layers, where there is none.
    """
    decay = np.asarray(weight_decay, dtype=np.float64)
    spinodal = deep_linear_transition(layer_count=depth).spinodal_weight_decay
    last = (depth - 2) / (2.0 * depth - 2.0)
    exists = decay < spinodal if depth == 2 else decay <= spinodal
    learned = _halved(decay, np.full(decay.shape, last), np.ones(decay.shape), depth)
    if depth == 2:
        return np.where(exists, 1.0 - decay, np.nan), np.full(decay.shape, np.nan)
    # The saddle can lie at any order of magnitude: m ~ λ^(L/(L-2)).
    lowest = np.log(decay) * depth / (depth - 2.0) - 1.0
    saddle = np.exp(_halved_logarithm(decay, lowest, np.log(last), depth))
    return np.where(exists, learned, np.nan), np.where(exists, saddle, np.nan)


def _halved(decay: FloatArray, low: FloatArray, high: FloatArray, depth: int) -> FloatArray:
    """Product at which λ is reached where it falls with the product."""
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        above = middle ** (1.0 - 2.0 / depth) * (1.0 - middle) > decay
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return (low + high) / 2.0


def _halved_logarithm(
    decay: FloatArray, lowest: FloatArray, highest: float, depth: int
) -> FloatArray:
    """Logarithm of the product at which λ is reached where it rises with the product."""
    low: FloatArray = np.minimum(lowest, highest - 1.0)
    high: FloatArray = np.full(decay.shape, highest)
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        reached = (1.0 - 2.0 / depth) * middle + np.log1p(-np.exp(middle)) > np.log(decay)
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    return (low + high) / 2.0
