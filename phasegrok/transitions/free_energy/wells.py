"""Two wells of a free energy along a coordinate, and the barrier between them."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np

from phasegrok.statistics.samples import BoolArray, FloatArray

__all__ = ["TwoWells", "two_wells"]

LEAST_WEIGHT: Final = 1e-6
"""Probability that a well must hold: empty bins in a tail are none."""

NEAR: Final = 0.7
"""Bins about an extremum, up to the first so many temperatures from it, shape its parabola."""

FEWEST_BINS: Final = 4


@final
@dataclass(frozen=True, kw_only=True)
class TwoWells:
    """What is read off a free energy along a coordinate.

    Parameters
    ----------
    lower, saddle, upper : float
        Places of the minimum below, of the maximum between and of the minimum above.
    lower_free_energy, saddle_free_energy, upper_free_energy : float
        F there, by parabolas through the bins about them.
    lower_curvature, saddle_curvature, upper_curvature : float
        F'' there; that of the saddle is negative. NaN where too few bins say.
    upper_weight : float
        Probability above the saddle.
    """

    lower: float
    saddle: float
    upper: float
    lower_free_energy: float
    saddle_free_energy: float
    upper_free_energy: float
    lower_curvature: float
    saddle_curvature: float
    upper_curvature: float
    upper_weight: float

    @property
    def barrier_up(self) -> float:
        """F of the saddle less that of the lower minimum."""
        return self.saddle_free_energy - self.lower_free_energy

    @property
    def barrier_down(self) -> float:
        """F of the saddle less that of the upper minimum."""
        return self.saddle_free_energy - self.upper_free_energy


def two_wells(
    edges: FloatArray,
    free_energy: FloatArray,
    *,
    temperature: float,
    least_weight: float = LEAST_WEIGHT,
) -> TwoWells | None:
    """Find the deepest valley of the density between two wells.

    Parameters
    ----------
    edges : (bin + 1,) array
        Of the coordinate.
    free_energy : (bin,) array
        F = -T ln p of the bins, p a density; infinite where nothing is.
    temperature : float
        T.
    least_weight : float
        That either side of the saddle holds: a few samples in a tail are no phase.

    Returns
    -------
    TwoWells or None
        The saddle is the bin from which it is farthest down to the higher of the minima on its
        two sides; None where no bin lies above both.
    """
    scaled = free_energy / temperature
    mass = np.exp(-scaled + np.min(scaled)) * np.diff(edges)
    mass /= mass.sum()
    left = np.minimum.accumulate(scaled)
    right = np.minimum.accumulate(scaled[::-1])[::-1]
    below = np.cumsum(mass)
    inner = (below > least_weight) & (below < 1.0 - least_weight) & np.isfinite(scaled)
    higher = np.where(inner, np.maximum(left, right), 0.0)
    depth = np.where(inner, scaled, 0.0) - higher
    if not depth.max() > 0.0:
        return None
    top = int(np.argmax(depth))
    bottoms = int(np.argmin(scaled[:top])), top + 1 + int(np.argmin(scaled[top + 1 :]))
    middle = 0.5 * (edges[1:] + edges[:-1])
    found = [
        _extremum(middle, side * scaled, place, weights=mass)
        for side, place in ((1.0, bottoms[0]), (-1.0, top), (1.0, bottoms[1]))
    ]
    found[1] = (found[1][0], -found[1][1], -found[1][2])
    names = ("lower", "saddle", "upper")
    numbers: dict[str, float] = {}
    for name, (place, value, curvature) in zip(names, found, strict=True):
        numbers |= {
            name: place,
            f"{name}_free_energy": temperature * value,
            f"{name}_curvature": temperature * curvature,
        }
    weight = float(mass[top + 1 :].sum() + 0.5 * mass[top])
    return TwoWells(**numbers, upper_weight=weight)


def _extremum(
    middle: FloatArray, scaled: FloatArray, place: int, *, weights: FloatArray
) -> tuple[float, float, float]:
    """Place, value and curvature of the parabola through the bins about a minimum."""
    near = _run_about(scaled - scaled[place] < NEAR, place)
    near &= np.isfinite(scaled)
    if np.count_nonzero(near) < FEWEST_BINS:
        return float(middle[place]), float(scaled[place]), np.nan
    away = middle[near] - middle[place]
    design = np.stack([np.ones_like(away), away, away**2], axis=1)
    root = np.sqrt(weights[near])
    fit = np.linalg.lstsq(design * root[:, None], scaled[near] * root, rcond=None)[0]
    value, slope, half = (float(each) for each in fit)
    shift = -slope / (2.0 * half) if half > 0.0 else np.inf
    if not away.min() <= shift <= away.max():
        return float(middle[place]), float(scaled[place]), np.nan
    return float(middle[place]) + shift, value + 0.5 * slope * shift, 2.0 * half


def _run_about(chosen: BoolArray, place: int) -> BoolArray:
    """Bins that are chosen without a gap from one bin on."""
    run = np.cumsum(~chosen)
    connected: BoolArray = chosen & (run == run[place])
    return connected
