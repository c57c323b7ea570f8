"""Moments along the control from the smooth surface of densities, where there is no energy."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np

from phasegrok.errors import InsufficientSamplesError
from phasegrok.statistics.samples import FloatArray
from phasegrok.transitions.blocks import LEAST_OVERLAP, Blocks, blocks_of, overlaps
from phasegrok.transitions.chains import SizeChains
from phasegrok.transitions.density import Bins, DensitySurface, fit_surface
from phasegrok.transitions.scaling.cells import POWERS, cell_moments, quantities_of

__all__ = ["SurfaceReading", "surface_quantities", "surface_reading"]

_LARGEST_MISFIT: Final = 0.02
_KOLMOGOROV: Final = 1.4
_FEWEST_CONTROLS: Final = 5


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class SurfaceReading:
    """A surface with what is needed to read moments off it.

    Parameters
    ----------
    blocks : Blocks
        At the controls that the surface describes.
    surface : DensitySurface
        Fitted to all of them.
    moments : (power, bin) array
        Averages of (m - c)^k in every bin.
    centre : float
        c.
    """

    blocks: Blocks
    surface: DensitySurface
    moments: FloatArray
    centre: float

    @property
    def window(self) -> tuple[float, float]:
        """First and last control."""
        return float(self.blocks.controls[0]), float(self.blocks.controls[-1])


def surface_reading(size: SizeChains) -> SurfaceReading:
    """Fit the surface over the widest range of controls that it describes.

    Parameters
    ----------
    size : SizeChains
        Chains at two or more controls.

    Returns
    -------
    SurfaceReading
        Controls at an end are left out while fitted and measured distribution functions differ
        by more than 0.02 beyond chance, down to five.
    """
    blocks = blocks_of(size)
    while True:
        surface = fit_surface(blocks.total, blocks.controls, bins=blocks.bins)
        count = blocks.controls.size
        if count <= _FEWEST_CONTROLS or _misfit(blocks, surface) <= _LARGEST_MISFIT:
            break
        p, centres = blocks.shares, blocks.bins.centres
        top = int(np.argmax(p @ centres**2 - (p @ centres) ** 2))
        # The end farther from the largest variance goes first.
        first, last = (1, count - 1) if 2 * top > count - 1 else (0, count - 2)
        blocks = blocks.between(first, last)
    moments, centre = _bin_moments(size, blocks.bins)
    return SurfaceReading(blocks=blocks, surface=surface, moments=moments, centre=centre)


def _misfit(blocks: Blocks, surface: DensitySurface) -> float:
    """Largest distance of distribution functions beyond what chance makes of it."""
    measured = np.cumsum(blocks.shares, axis=1)
    fitted = np.cumsum(np.exp(surface.log_probabilities(blocks.controls)), axis=1)
    chance = _KOLMOGOROV / np.sqrt(np.maximum(blocks.total.sum(axis=1), 1.0))
    return float((np.abs(measured - fitted).max(axis=1) - chance).max())


def _bin_moments(size: SizeChains, bins: Bins) -> tuple[FloatArray, float]:
    values = np.concatenate([chain.values for chain in size.chains])
    centre = float(values.mean())
    place = np.floor((values - bins.edges[0]) / bins.width).astype(np.int64)
    index = np.clip(place, 0, bins.count - 1)
    sums = np.stack(
        [
            np.bincount(index, weights=(values - centre) ** power, minlength=bins.count)
            for power in range(POWERS + 1)
        ],
        dtype=np.float64,
    )
    filled = cell_moments(sums[1:], sums[0])
    # The surface gives bins without samples a little probability.
    middle = (bins.centres - centre) ** np.arange(1, POWERS + 1)[:, np.newaxis]
    return np.where(sums[0] > 0.0, filled, middle), centre


def surface_quantities(
    reading: SurfaceReading,
    grid: FloatArray,
    *,
    resamples: int,
    generator: np.random.Generator,
) -> FloatArray:
    """Quantities along a grid of controls.

    Parameters
    ----------
    reading : SurfaceReading
        Of one size.
    grid : (control,) array
        Within the window of the surface.
    resamples : int
        Bootstrap draws of blocks of chains.
    generator : numpy.random.Generator
        Of the draws.

    Returns
    -------
    (draw, quantity, control) array
        Of the samples themselves first, then of the draws; NaN between controls whose
        histograms do not overlap.

    Raises
    ------
    InsufficientSamplesError
        Where no two neighbouring controls overlap.
    """
    blocks = reading.blocks
    overlap = overlaps(blocks)
    if not (overlap >= LEAST_OVERLAP).any():
        raise InsufficientSamplesError(
            "a smooth density (of neighbouring controls whose histograms overlap)",
            required=2,
            received=0,
        )
    rows = [_read(reading, reading.surface, grid)]
    for _ in range(resamples):
        refit = fit_surface(
            blocks.resampled(generator),
            blocks.controls,
            bins=blocks.bins,
            start=reading.surface.coefficients,
        )
        rows.append(_read(reading, refit, grid))
    interval = np.clip(np.searchsorted(blocks.controls, grid) - 1, 0, overlap.size - 1)
    return np.where(overlap[interval] >= LEAST_OVERLAP, np.stack(rows), np.nan)


def _read(reading: SurfaceReading, surface: DensitySurface, grid: FloatArray) -> FloatArray:
    p = np.exp(surface.log_probabilities(grid))
    return quantities_of(p, reading.moments, centre=reading.centre, score=surface.score(grid))
