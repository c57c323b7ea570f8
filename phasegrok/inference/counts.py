"""Draws counted in bins, with the number that each draw is worth."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, final

import numpy as np

from phasegrok.errors import InvalidValueError
from phasegrok.inference.effective import EffectiveNumbers
from phasegrok.statistics.samples import FloatArray

__all__ = ["BINS", "Counts", "bin_folded", "with_effective_shares"]

BINS: Final = 110
"""Equal bins from 0 to a tenth beyond the bulk, much narrower than either phase."""


@final
@dataclass(frozen=True, kw_only=True)
class Counts:
    """Draws counted in bins, with the number that each is worth.

    Below and above the cut the shapes, and across the cut the balance, have effective
    shares of their own, since a neuron moves within a phase far faster than it changes
    phase. With equal shares this is the ordinary multinomial likelihood.

    Parameters
    ----------
    edges : (bin + 1,) array
        Increasing edges of the bins.
    counts : (bin,) array
        Draws in each.
    cut : int
        First bin above the cut; 0 for no cut, and then only `upper_share` counts.
    lower_share, upper_share : float
        Effective draws per draw, for the shape below and above the cut.
    balance_share : float
        Effective draws per draw, for the fraction above the cut.
    """

    edges: FloatArray
    counts: FloatArray
    cut: int = 0
    lower_share: float = 1.0
    upper_share: float = 1.0
    balance_share: float = 1.0

    def __post_init__(self) -> None:
        if self.edges.shape != (self.counts.size + 1,) or not np.all(np.diff(self.edges) > 0):
            message = (
                f"{self.counts.size} counts need {self.counts.size + 1} increasing edges, "
                f"received {self.edges.shape}; pass what numpy.histogram returns."
            )
            raise InvalidValueError(message)
        shares = (self.lower_share, self.upper_share, self.balance_share)
        if not all(0.0 < share <= 1.0 for share in shares):
            message = (
                f"effective shares must lie in (0, 1], received {shares}; a draw cannot be "
                "worth more than one."
            )
            raise InvalidValueError(message)
        if not 0 <= self.cut < self.counts.size:
            message = (
                f"the cut must be a bin from 0 to {self.counts.size - 1}, received {self.cut}; "
                "use 0 for none."
            )
            raise InvalidValueError(message)

    @cached_property
    def centres(self) -> FloatArray:
        """Centres (bin) of the bins."""
        centres: FloatArray = 0.5 * (self.edges[1:] + self.edges[:-1])
        return centres

    @cached_property
    def widths(self) -> FloatArray:
        """Widths (bin) of the bins."""
        return np.diff(self.edges)

    @cached_property
    def above(self) -> FloatArray:
        """Indicator (bin) of the bins above the cut."""
        return (np.arange(self.counts.size) >= self.cut).astype(float)

    @cached_property
    def sides(self) -> FloatArray:
        """Indicators (side, bin) of the parts whose shapes are weighted separately."""
        return np.stack([1.0 - self.above, self.above]) if self.cut else self.above[None]

    @cached_property
    def shape_counts(self) -> FloatArray:
        """Effective counts (bin) that the shapes rest on."""
        share = np.where(self.above > 0, self.upper_share, self.lower_share)
        effective: FloatArray = share * self.counts
        return effective


def bin_folded(overlaps: FloatArray, *, bins: int = BINS) -> Counts:
    """Count folded overlaps in equal bins, with wider ones for outliers.

    Parameters
    ----------
    overlaps : (draw,) array
        |q|, finite.
    bins : int
        Equal bins up to a tenth beyond the bulk (1.3 times the quantile 0.999, or the
        largest where that is less); outliers beyond fall in ten bins more.

    Returns
    -------
    Counts
        Without a cut, every draw worth one.
    """
    largest = float(overlaps.max())
    bulk = min(largest, 1.3 * float(np.quantile(overlaps, 0.999)))
    edges = np.linspace(0.0, 1.1 * bulk, bins + 1)
    if largest >= edges[-1]:
        edges = np.concatenate([edges, np.linspace(edges[-1], 1.1 * largest, 11)[1:]])
    return Counts(edges=edges, counts=np.histogram(overlaps, edges)[0].astype(float))


def with_effective_shares(data: Counts, numbers: EffectiveNumbers, cut: float | None) -> Counts:
    """Return the counts with each draw worth its effective share.

    Parameters
    ----------
    data : Counts
        As counted.
    numbers : EffectiveNumbers
        Shares on either side of the cut, and for the balance.
    cut : float or None
        Border of the phases; moved to the nearest edge of a bin.

    Returns
    -------
    Counts
        Of the same bins.
    """
    index = 0 if cut is None else int(np.argmin(np.abs(data.edges[:-1] - cut)))
    return Counts(
        edges=data.edges,
        counts=data.counts,
        cut=index,
        lower_share=numbers.lower_share,
        upper_share=numbers.upper_share,
        balance_share=numbers.balance_share,
    )
