"""Moments along the control from probabilities of cells and what the samples in them average.

A cell is a bin of the order parameter or of the energy. Its own averages of powers stand for
its samples, so that the width of a bin adds nothing to a variance.
"""

from typing import Final

import numpy as np

from phasegrok.statistics.samples import FloatArray

__all__ = ["POWERS", "QUANTITIES", "cell_moments", "quantities_of"]

POWERS: Final = 4

QUANTITIES: Final = ("mean", "slope", "second", "fourth", "variance", "fourth_central")
"""⟨m⟩, d⟨m⟩/dg, ⟨m²⟩, ⟨m⁴⟩, ⟨δ²⟩ and ⟨δ⁴⟩ with δ = m - ⟨m⟩."""


def cell_moments(sums: FloatArray, totals: FloatArray) -> FloatArray:
    """Averages in every cell.

    Parameters
    ----------
    sums : (power, cell) array
        Weighted sums of the powers of m - c.
    totals : (cell,) array
        Weights; 0 where a cell holds no sample.

    Returns
    -------
    (power, cell) array
        0 in empty cells, which have no probability.
    """
    filled = totals > 0.0
    moments: FloatArray = np.where(filled, sums / np.where(filled, totals, 1.0), 0.0)
    return moments


def quantities_of(
    probabilities: FloatArray, moments: FloatArray, *, centre: float, score: FloatArray
) -> FloatArray:
    """Quantities along the control.

    Parameters
    ----------
    probabilities : (control, cell) array
        Of the cells; each row sums to one.
    moments : (power, cell) array
        Averages of (m - c)^k, k = 1...4, in every cell.
    centre : float
        c, near the mean: powers about it keep their digits.
    score : (control, cell) or (cell,) array
        ∂ ln p(cell)/∂g up to a constant.

    Returns
    -------
    (quantity, control) array
        In the order of `QUANTITIES`; the slope is Cov(m, score).
    """
    first, second, third, fourth = (probabilities @ moment for moment in moments)
    variance = second - first**2
    central = fourth - 4.0 * first * third + 6.0 * first**2 * second - 3.0 * first**4
    # Rows of p sum to one, so that (m - ⟨m⟩) takes the constant of the score away.
    slope = np.sum(probabilities * (moments[0] - first[:, np.newaxis]) * score, axis=1)
    raw_second = second + 2.0 * centre * first + centre**2
    raw_fourth = (
        fourth
        + 4.0 * centre * third
        + 6.0 * centre**2 * second
        + 4.0 * centre**3 * first
        + centre**4
    )
    return np.stack([centre + first, slope, raw_second, raw_fourth, variance, central])
