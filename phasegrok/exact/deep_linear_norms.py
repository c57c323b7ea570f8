"""Draws of the norms of several layers whose product is given, by rejection.

Both densities that are drawn from are log-concave, so that tangents of their logarithm bound
them and the draws are exact wherever the tangents touch [1]_.

References
----------
.. [1] Gilks and Wild, J. R. Stat. Soc. C 41, 337 (1992); Devroye, Statistics and Computing 24,
   239 (2014).
"""

from typing import NamedTuple

import numpy as np

from phasegrok.exact.checking import FloatArray
from phasegrok.exact.deep_linear_hidden import hidden

__all__ = ["sum_of_squares"]

HALVINGS = 20
# Products on which mode and tangents are sought; those of the draws lie between.
GRID_POINTS = 60
NEWTON_STEPS = 4
# By which the mode may be missed.
ROUNDING = 1e-9


def sum_of_squares(
    count: int, log_product: FloatArray, generator: np.random.Generator
) -> FloatArray:
    """Draw Σ e^(2u) of norms e^u with the weight exp(-Σ e^(2u)), given ξ = Σ u.

    Parameters
    ----------
    count : int
        k, number of norms.
    log_product : (draw,) array
        ξ.
    generator : Generator

    Returns
    -------
    (draw,) array
    """
    left = np.array(log_product, dtype=np.float64)
    total = np.zeros(left.shape)
    for remaining in range(count, 2, -1):
        log_norm = _one_norm(remaining, left, generator)
        total += np.exp(2 * log_norm)
        left -= log_norm
    if count == 1:
        total += np.exp(2 * left)
        return total
    # e^(2u) + e^(2ξ-2u) = 2 e^ξ cosh(2u - ξ).
    stiffness = 2 * np.exp(left)
    total += stiffness + _excess(stiffness, generator)
    return total


class _Bound(NamedTuple):
    """A constant around the mode and a tangent on either side, (draw,) each."""

    lowest: FloatArray  # exponent at the mode
    left: FloatArray
    right: FloatArray  # where the tangents reach the constant
    fall: FloatArray
    rise: FloatArray  # slopes of the tangents, in size


def _one_norm(count: int, total: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Logarithm of one of several norms of given product."""
    result = np.empty(total.shape)
    open_draws = np.arange(total.size)
    bound = _bound(count, total)
    while open_draws.size:
        here = _Bound(*(part[open_draws] for part in bound))
        shares = [here.right - here.left, 1 / here.fall, 1 / here.rise]
        chosen = generator.random(open_draws.size) * sum(shares)
        tail = generator.standard_exponential(open_draws.size)
        middle = chosen < shares[0]
        falling = chosen < shares[0] + shares[1]
        beyond = np.where(falling, here.left - tail / here.fall, here.right + tail / here.rise)
        proposed = np.where(middle, here.left + chosen, beyond)
        exponent, _, _ = _exponent(count, total[open_draws], proposed)
        excess = exponent - here.lowest - np.where(middle, 0.0, tail)
        taken = generator.standard_exponential(open_draws.size) > excess
        result[open_draws[taken]] = proposed[taken]
        open_draws = open_draws[~taken]
    return result


def _exponent(
    count: int, total: FloatArray, log_norm: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """-ln density of one norm's logarithm, its slope and its curvature."""
    others = hidden(count - 1, total - log_norm)
    square = np.exp(2 * log_norm)
    return (
        square + others.exponent,
        2 * square - others.slope,
        4 * square + others.curvature,
    )


def _bound(count: int, total: FloatArray) -> _Bound:
    """Find mode and tangents on a grid of products, and refine the mode of every draw."""
    grid = np.linspace(total.min(), total.max(), GRID_POINTS)
    low, high = np.minimum(grid, 0.0) - 3.0, np.maximum(grid, 0.0) + 3.0
    mode = _halved(count, grid, low, high)
    places = [_place(count, grid, mode, end) for end in (low, high)]
    here = np.interp(total, grid, mode)
    for _ in range(NEWTON_STEPS):
        _, slope, curvature = _exponent(count, total, here)
        here -= slope / curvature
    lowest = _exponent(count, total, here)[0] - ROUNDING
    # A tangent bounds wherever it touches.
    touching = [np.interp(total, grid, place) for place in places]
    left, right = (_exponent(count, total, place) for place in touching)
    return _Bound(
        lowest,
        touching[0] - (left[0] - lowest) / left[1],
        touching[1] - (right[0] - lowest) / right[1],
        -left[1],
        right[1],
    )


def _halved(count: int, total: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Place at which the slope changes its sign."""
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        rising = _exponent(count, total, middle)[1] > 0
        low, high = np.where(rising, low, middle), np.where(rising, middle, high)
    return (low + high) / 2


def _place(count: int, total: FloatArray, mode: FloatArray, end: FloatArray) -> FloatArray:
    """Place about a unit of the exponent above the mode, towards one end."""
    lowest, _, _ = _exponent(count, total, mode)
    near, far = mode, end
    for _ in range(HALVINGS):
        middle = (near + far) / 2
        inside = _exponent(count, total, middle)[0] < lowest + 1
        near, far = np.where(inside, middle, near), np.where(inside, far, middle)
    return far


def _excess(stiffness: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Draw z (cosh u - 1) where u has the density exp(-z cosh u).

    The constant is continued by the tangent at cosh u = 1 + 1/z. Some 0.8 to 1 of the
    proposals are taken, at any z.
    """
    result = np.empty(len(stiffness))
    left = np.arange(len(stiffness))
    while left.size:
        z = stiffness[left]
        touching = np.log1p(1 / z + np.sqrt(1 + 2 * z) / z)  # arcosh(1 + 1/z)
        slope = np.sqrt(1 + 2 * z)
        corner = touching - 1 / slope
        proposed = touching * generator.random(len(z))
        beyond = proposed > corner
        tail = generator.standard_exponential(len(z))
        proposed = np.where(beyond, corner + tail / slope, proposed)
        # 2 sinh² in place of cosh - 1, which loses its digits at small u.
        excess = 2 * z * np.sinh(proposed / 2) ** 2
        bound = np.where(beyond, tail, 0.0)
        taken = generator.standard_exponential(len(z)) > excess - bound
        result[left[taken]] = excess[taken]
        left = left[~taken]
    return result
