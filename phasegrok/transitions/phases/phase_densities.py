"""What reading two phases asks of a density of the order parameter along a control."""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol, Self

import numpy as np

from phasegrok.statistics.samples import FloatArray, IntArray
from phasegrok.transitions.chains import Chain, SizeChains
from phasegrok.transitions.density import Bins, choose_bins

__all__ = ["PhaseDensities", "Sides", "block_lengths", "drawn_blocks", "phase_bins"]

_BLOCK_TIMES: Final = 10.0
_FEWEST_BLOCKS: Final = 4


class Sides(NamedTuple):
    """The density on either side of a cut in the order parameter."""

    upper_weight: float
    """Probability above the cut."""
    lower_mean: float
    """Mean of the order parameter below the cut."""
    upper_mean: float
    """Mean of the order parameter above the cut."""


class PhaseDensities(Protocol):
    """Density of the order parameter at any control of an interval."""

    @property
    def bins(self) -> Bins:
        """Bins of the order parameter."""
        ...

    @property
    def interval(self) -> tuple[float, float]:
        """Controls between which the density can be read."""
        ...

    @property
    def records(self) -> IntArray:
        """Records in every bin, over all controls, (bin,)."""
        ...

    @property
    def short(self) -> bool:
        """Whether blocks had to be shorter than ten autocorrelation times."""
        ...

    def log_probabilities(self, control: float) -> FloatArray:
        """Smooth log probabilities of the bins at a control, (bin,)."""
        ...

    def sides(self, control: float, *, cut: float) -> Sides:
        """Weights and means on either side of a cut at a control."""
        ...

    def resampled(self, generator: np.random.Generator) -> Self:
        """Return the density of as many blocks drawn with replacement."""
        ...


def phase_bins(size: SizeChains, *, per_width: float) -> Bins:
    """Cut the order parameter into bins of a fraction of the width of the narrower phase.

    Parameters
    ----------
    size : SizeChains
        Chains of one size.
    per_width : float
        Bins for each standard deviation of the narrower phase.

    Returns
    -------
    Bins
        24 to 72. At the control of largest variance the values are cut in two so that the
        variance within the parts is least (Otsu 1979), which needs no phase to be known.
    """
    pooled = [size.pooled(float(control)) for control in size.controls]
    broadest = np.sort(max(pooled, key=lambda values: float(values.var())))
    widths = [part.std() for part in _halves(broadest) if part.std() > 0.0]
    everything = np.concatenate(pooled)
    narrowest = min(widths, default=float(everything.std()))
    return choose_bins(everything, narrowest=narrowest / per_width)


def _halves(ordered: FloatArray) -> tuple[FloatArray, FloatArray]:
    # Within five per cent of an end a part is an outlier and no phase.
    places = np.unique((np.linspace(0.05, 0.95, 91) * ordered.size).astype(np.int64))
    places = places[(places > 1) & (places < ordered.size - 1)]
    if not places.size:
        return ordered, ordered
    centred = ordered - ordered.mean()
    sums = np.cumsum(centred)[places - 1]
    between = sums**2 * (1.0 / places + 1.0 / (ordered.size - places))
    cut = int(places[np.argmax(between)])
    return ordered[:cut], ordered[cut:]


def block_lengths(chains: Sequence[Chain], *, time: float) -> tuple[list[list[int]], bool]:
    """Cut the chains of one control into blocks of at least ten autocorrelation times.

    Parameters
    ----------
    chains : sequence of Chain
        All chains at one control.
    time : float
        Integrated autocorrelation time in records.

    Returns
    -------
    lengths : list of lists of int
        Records of every block of every chain.
    short : bool
        Whether that would leave fewer than four blocks, so that shorter ones were made: then
        errors are lower bounds.
    """
    wanted = max(1, int(np.ceil(_BLOCK_TIMES * time)))
    counts = [max(1, chain.values.size // wanted) for chain in chains]
    # A shorter chain is a block of its own: chains are independent of each other.
    short = sum(counts) < _FEWEST_BLOCKS
    if short:
        each = -(-_FEWEST_BLOCKS // len(chains))
        counts = [each] * len(chains)
    lengths = [
        [part.size for part in np.array_split(chain.values, count)]
        for chain, count in zip(chains, counts, strict=True)
    ]
    return lengths, short


def drawn_blocks(count: int, generator: np.random.Generator) -> FloatArray:
    """How often each of some blocks is drawn, scaled to their number, (block,).

    Parameters
    ----------
    count : int
        Blocks, at least 2.
    generator : numpy.random.Generator
        Source of the draw.

    Returns
    -------
    (block,) array
        One block fewer is drawn than there are: the spread of a mean is then that of the
        unbiased variance, which matters with few blocks (Rao and Wu, J. Am. Stat. Assoc. 83,
        231 (1988)).
    """
    drawn = generator.multinomial(count - 1, np.full(count, 1.0 / count))
    return np.asarray(drawn * (count / (count - 1.0)), dtype=np.float64)
