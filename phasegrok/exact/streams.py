"""Random numbers of many runs, each from its own generator, one number a run and update."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from phasegrok.exact.checking import FloatArray

__all__ = ["STREAM_BYTES", "normal_updates", "uniform_updates"]

# Updates whose numbers are drawn at once, since a call costs as much as some hundred numbers.
BLOCK_UPDATES = 512

# Of one run: its generator, and its block twice.
STREAM_BYTES = 3000.0 + 16 * BLOCK_UPDATES


def uniform_updates(generators: Sequence[np.random.Generator]) -> Iterator[FloatArray]:
    """Draw one number in [0, 1) for every run, update after update.

    Parameters
    ----------
    generators : sequence of Generator
        One per run; they advance by blocks.

    Yields
    ------
    (run,) array
        What a run receives depends on its generator alone. Overwritten later.
    """
    return _updates(generators, lambda generator, row: generator.random(out=row))


def normal_updates(generators: Sequence[np.random.Generator]) -> Iterator[FloatArray]:
    """Draw one standard normal number for every run, update after update.

    Parameters
    ----------
    generators : sequence of Generator
        One per run; they advance by blocks.

    Yields
    ------
    (run,) array
        As of `uniform_updates`.
    """
    return _updates(generators, lambda generator, row: generator.standard_normal(out=row))


def _updates(
    generators: Sequence[np.random.Generator],
    fill: Callable[[np.random.Generator, FloatArray], object],
) -> Iterator[FloatArray]:
    block = np.empty((len(generators), BLOCK_UPDATES))
    while True:
        for row, generator in zip(block, generators, strict=True):
            fill(generator, row)
        yield from np.ascontiguousarray(block.T)
