"""Random numbers of many runs, each from its own generator, handed out sweep by sweep."""

from collections.abc import Iterator, Sequence

import numpy as np

from phasegrok.exact.checking import FloatArray

__all__ = ["uniform_sweeps"]

# Numbers that one run draws at once, since a call costs as much as some hundred numbers.
BLOCK_NUMBERS = 2**10


def uniform_sweeps(
    generators: Sequence[np.random.Generator], count: int
) -> Iterator[FloatArray]:
    """Draw uniform numbers for one sweep after another, without end.

    Parameters
    ----------
    generators : sequence of Generator
        One per run; they advance.
    count : int
        Numbers that a run needs for one sweep.

    Yields
    ------
    (run, number) array
        In [0, 1). What a run receives depends on its generator alone. The array is
        overwritten later: use it before the next one.
    """
    sweeps = max(1, BLOCK_NUMBERS // count)
    block = np.empty((len(generators), sweeps, count))
    while True:
        for numbers, generator in zip(block, generators, strict=True):
            generator.random(out=numbers)
        for sweep in range(sweeps):
            yield block[:, sweep]
