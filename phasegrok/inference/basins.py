"""Phases read off a density: where its second maximum lies, what lies beyond the barrier."""

from typing import Final

import numpy as np

from phasegrok.statistics.samples import FloatArray

__all__ = ["BASIN_QUANTITIES", "basins"]

BASIN_QUANTITIES: Final[dict[str, str]] = {
    "position": "location q* of the second maximum of p(|q|)",
    "width": "standard deviation of |q| beyond the barrier",
    "weight": "probability of |q| beyond the barrier",
    "valley": "location of the minimum of p(|q|) between the two maxima",
    "barrier": "ln p(0) - ln p(valley): barrier seen from the central phase",
    "depth": "ln p(q*) - ln p(valley): barrier seen from the droplets; 0 without a valley",
}
"""What `basins` returns, with its meaning. All depend on the density alone, no family."""


def _vertex(
    log_density: FloatArray, index: FloatArray, centres: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Location and height (draw) of the parabola through three neighbouring bins."""
    rows = np.arange(len(log_density))
    at = index.astype(int)
    left, middle, right = (log_density[rows, at + step] for step in (-1, 0, 1))
    bend = left - 2.0 * middle + right
    slope = 0.5 * (right - left)
    shift = np.clip(-slope / np.where(bend == 0.0, np.inf, bend), -1.0, 1.0)
    height = middle + 0.5 * slope * shift
    return centres[at] + shift * (centres[at + 1] - centres[at]), height


def basins(
    log_density: FloatArray, edges: FloatArray, *, beyond: float = 0.0
) -> dict[str, FloatArray]:
    """Divide densities of |q| at their barrier.

    The barrier is the lowest point before the largest rise of ln p; the second maximum is
    where that rise ends. The phases are what lies on either side: a definition by the density
    alone, which a theory's p(q) and a fitted one share.

    Parameters
    ----------
    log_density : (draw, bin) array
        ln p(|q|), finite, at the centres of bins much narrower than either phase.
    edges : (bin + 1,) array
        Edges of the bins.
    beyond : float
        Least |q| of the second maximum, to leave out ripples on the flat top of the central
        phase; in the units of the edges.

    Returns
    -------
    dict of (draw,) arrays
        The `BASIN_QUANTITIES`. Where ln p never rises, all but the depth (0) are not a
        number: there is no second phase to describe.
    """
    centres = 0.5 * (edges[1:] + edges[:-1])
    last = centres.size - 2
    rise = log_density - np.minimum.accumulate(log_density, axis=1)
    allowed = np.where((centres > beyond) & (np.arange(centres.size) <= last), rise, -1.0)
    top = np.clip(np.argmax(allowed, axis=1), 1, last)
    before = np.where(np.arange(centres.size) <= top[:, None], log_density, np.inf)
    bottom = np.argmin(before, axis=1)
    there = (rise[np.arange(len(top)), top] > 0.0) & (bottom >= 1)
    bottom = np.clip(bottom, 1, last)
    position, height = _vertex(log_density, top, centres)
    valley, floor = _vertex(log_density, bottom, centres)
    probability = np.exp(log_density) * np.diff(edges)
    outside = probability * np.clip((edges[1:] - valley[:, None]) / np.diff(edges), 0.0, 1.0)
    weight = outside.sum(axis=1)
    mean = outside @ centres / weight
    square = np.sum(outside * (centres - mean[:, None]) ** 2, axis=1) / weight
    found = {
        "position": position,
        "width": np.sqrt(square),
        "weight": weight / probability.sum(axis=1),
        "valley": valley,
        "barrier": log_density[:, 0] - floor,
    }
    described = {name: np.where(there, value, np.nan) for name, value in found.items()}
    return described | {"depth": np.where(there, height - floor, 0.0)}
