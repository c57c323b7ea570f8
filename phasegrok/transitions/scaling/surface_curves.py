"""Moments along the control from the smooth surface of densities, where there is no energy."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np

from phasegrok.errors import InsufficientSamplesError, NoConvergenceError
from phasegrok.statistics.samples import FloatArray
from phasegrok.transitions.blocks import (
    LEAST_OVERLAP,
    Blocks,
    blocks_of,
    distances,
    fitted_surface,
    overlaps,
)
from phasegrok.transitions.chains import SizeChains
from phasegrok.transitions.density import (
    Bins,
    DensitySurface,
    fit_surface,
    variance_over,
)
from phasegrok.transitions.scaling.cells import POWERS, cell_moments, quantities_of

__all__ = ["SurfaceReading", "surface_quantities", "surface_reading"]

_LARGEST_DISTANCE: Final = 0.02
_KOLMOGOROV: Final = 1.4
_LARGEST_EXCESS: Final = 0.05
_STANDARD_ERRORS: Final = 2.0


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
        Controls at an end are left out, down to five, while fitted and measured distribution
        functions differ by more than 0.02, or variances by more than 5 %, beyond chance: a
        phase that moves by many of its widths is not followed.

    Raises
    ------
    NoConvergenceError
        Where not even five controls are described.
    """
    blocks, surface = fitted_surface(blocks_of(size), _followed)
    if not _followed(blocks, surface):
        raise NoConvergenceError(
            "no smooth surface of densities follows the order parameter over five controls; "
            "set them closer together, or give the energy.",
            estimate=float("nan"),
        )
    moments, centre = _bin_moments(size, blocks.bins)
    return SurfaceReading(blocks=blocks, surface=surface, moments=moments, centre=centre)


def _followed(blocks: Blocks, surface: DensitySurface) -> bool:
    effective = np.maximum(blocks.effective, 1.0)
    apart = distances(blocks, surface) - _KOLMOGOROV / np.sqrt(effective)
    p = np.exp(surface.log_probabilities(blocks.controls))
    variances, measured = variance_over(p, blocks.bins.centres), blocks.variances
    broad = measured > 0.5 * measured.max()
    wrong = np.abs(variances[broad] / measured[broad] - 1.0)
    wrong -= _STANDARD_ERRORS * np.sqrt(2.0 / effective[broad])
    return bool(apart.max() <= _LARGEST_DISTANCE and wrong.max() <= _LARGEST_EXCESS)


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
