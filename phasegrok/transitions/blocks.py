"""Counts by block and control, and how far a density surface and the controls are sound."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from phasegrok.statistics.samples import FloatArray
from phasegrok.transitions.chains import Chain, SizeChains
from phasegrok.transitions.density import (
    Bins,
    DensitySurface,
    choose_bins,
    fit_surface,
    variance_over,
)

__all__ = [
    "LEAST_OVERLAP",
    "Blocks",
    "blocks_of",
    "distances",
    "fitted_surface",
    "overlaps",
    "readable_controls",
    "roughly_followed",
    "widest_leap",
]

LEAST_OVERLAP: Final = 0.05
"""Neighbouring controls whose histograms share less than this leave a gap between them."""

_GRID: Final = 161
_BLOCK_TIMES: Final = 10.0
_LARGEST_LEAP: Final = 0.2
_FEWEST_FITTED: Final = 5
_ROUGHLY: Final = 0.15


def _bins_of(size: SizeChains) -> Bins:
    parts = [size.pooled(float(control)) for control in size.controls]
    spreads = [part.std() for part in parts if part.std() > 0.0]
    return choose_bins(np.concatenate(parts), narrowest=min(spreads, default=1.0))


def _block_counts(chain: Chain, bins: Bins, time: float) -> FloatArray:
    """Effective counts of every block of a chain, (block, bin)."""
    length = max(1, int(np.ceil(_BLOCK_TIMES * time)))
    parts = np.array_split(chain.values, max(1, chain.values.size // length))
    return np.stack([bins.counts(part) for part in parts]) / max(1.0, 2.0 * time)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Blocks:
    """Effective counts of the blocks of all chains at each of some neighbouring controls.

    Parameters
    ----------
    controls : (control,) array
        Ascending.
    counts : tuple of (block, bin) arrays
        One array for each control.
    bins : Bins
        Of the order parameter.
    """

    controls: FloatArray
    counts: tuple[FloatArray, ...]
    bins: Bins

    @property
    def total(self) -> FloatArray:
        """Counts of all blocks, (control, bin)."""
        return np.stack([each.sum(axis=0) for each in self.counts])

    @property
    def shares(self) -> FloatArray:
        """Counts over their sum at each control, (control, bin)."""
        total = self.total
        shares: FloatArray = total / total.sum(axis=1, keepdims=True)
        return shares

    @property
    def effective(self) -> FloatArray:
        """Effective number of samples at each control, (control,)."""
        effective: FloatArray = self.total.sum(axis=1)
        return effective

    @property
    def variances(self) -> FloatArray:
        """Variance of the order parameter at each control, (control,)."""
        return variance_over(self.shares, self.bins.centres)

    def resampled(self, generator: np.random.Generator) -> FloatArray:
        """Counts of as many blocks drawn with replacement, (control, bin)."""
        drawn = [
            generator.multinomial(len(each), np.full(len(each), 1.0 / len(each))) @ each
            for each in self.counts
        ]
        return np.stack(drawn)

    def between(self, first: int, last: int) -> "Blocks":
        """Keep the controls from one to another, both included."""
        kept = slice(first, last + 1)
        return Blocks(controls=self.controls[kept], counts=self.counts[kept], bins=self.bins)


def blocks_of(size: SizeChains) -> Blocks:
    """Cut the chains of one size into blocks of ten autocorrelation times and count them."""
    bins = _bins_of(size)
    counts = []
    for control in size.controls:
        time = size.autocorrelation_time(float(control))
        chains = size.at(float(control))
        counts.append(np.concatenate([_block_counts(each, bins, time) for each in chains]))
    return Blocks(controls=size.controls, counts=tuple(counts), bins=bins)


def roughly_followed(blocks: Blocks, surface: DensitySurface) -> bool:
    """Whether fitted and measured distribution functions differ by at most 0.15."""
    return bool(distances(blocks, surface).max() <= _ROUGHLY)


def fitted_surface(
    blocks: Blocks, followed: Callable[[Blocks, DensitySurface], bool] = roughly_followed
) -> tuple[Blocks, DensitySurface]:
    """Fit the widest range of controls about the transition that the surface describes.

    Parameters
    ----------
    blocks : Blocks
        Of one size.
    followed : callable
        Whether a surface describes its blocks; while it does not, controls at an end are left
        out, down to five.

    Returns
    -------
    tuple
        The blocks kept, and the surface.
    """
    while True:
        surface = fit_surface(blocks.total, blocks.controls, bins=blocks.bins)
        count = blocks.controls.size
        if count <= _FEWEST_FITTED or followed(blocks, surface):
            return blocks, surface
        top = int(np.argmax(blocks.variances))
        # The end farther from the largest variance goes first.
        blocks = (
            blocks.between(1, count - 1)
            if 2 * top > count - 1
            else blocks.between(0, count - 2)
        )


def distances(blocks: Blocks, surface: DensitySurface) -> FloatArray:
    """Largest distance of fitted and measured distribution functions, (control,)."""
    measured = np.cumsum(blocks.shares, axis=1)
    fitted = np.cumsum(np.exp(surface.log_probabilities(blocks.controls)), axis=1)
    largest: FloatArray = np.abs(measured - fitted).max(axis=1)
    return largest


def overlaps(blocks: Blocks) -> FloatArray:
    """Share of the histograms that neighbouring controls have in common, (interval,)."""
    p = blocks.shares
    common: FloatArray = np.minimum(p[1:], p[:-1]).sum(axis=1)
    return common


def readable_controls(blocks: Blocks) -> FloatArray:
    """Controls to read at: all measured ones, and those between neighbours that overlap."""
    overlap = overlaps(blocks)
    dense = np.linspace(blocks.controls[0], blocks.controls[-1], _GRID)
    interval = np.clip(np.searchsorted(blocks.controls, dense) - 1, 0, overlap.size - 1)
    return np.union1d(blocks.controls, dense[overlap[interval] >= LEAST_OVERLAP])


def widest_leap(blocks: Blocks) -> tuple[float, float] | None:
    """Neighbouring controls between which the order parameter leaps unobserved.

    Parameters
    ----------
    blocks : Blocks
        Of one size.

    Returns
    -------
    tuple of float or None
        The two controls with the largest change of the mean, where their histograms do not
        overlap and the change is more than a fifth of that over all controls: whether two
        phases coexist between them, nothing tells. None where there is no such gap.
    """
    means = blocks.shares @ blocks.bins.centres
    change = np.abs(np.diff(means))
    unseen = np.where(overlaps(blocks) < LEAST_OVERLAP, change, 0.0)
    worst = int(np.argmax(unseen))
    if unseen[worst] <= _LARGEST_LEAP * np.ptp(means):
        return None
    return float(blocks.controls[worst]), float(blocks.controls[worst + 1])
