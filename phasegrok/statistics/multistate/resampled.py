"""Block bootstrap of everything that many states say together."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from phasegrok.errors import InvalidValueError
from phasegrok.statistics.multistate.blocks import StateBlocks, state_blocks
from phasegrok.statistics.multistate.solution import Multistate, solved
from phasegrok.statistics.samples import FloatArray

__all__ = ["bootstrap_of_states", "resampled_states"]


def resampled_states(
    solution: Multistate, *, generator: np.random.Generator, block_times: float = 1.0
) -> Multistate:
    """Solve again with blocks drawn with replacement, each state's from its own.

    Parameters
    ----------
    solution : Multistate
        From `solution.solve_states`.
    generator : numpy.random.Generator
        Source of the draws.
    block_times : float
        Times that the blocks of `blocks.state_blocks` are longer, for observables slower
        than the terms.

    Returns
    -------
    Multistate
        Samples are where they were, their weights times how often their block was drawn; so
        what is asked of the solution can be asked of it.

    Raises
    ------
    InvalidValueError
        For a factor that is not positive.
    NoConvergenceError
        Where the draw cannot be solved, as when states hardly overlap.
    """
    if not block_times > 0.0:
        raise InvalidValueError(f"block_times must be positive, received {block_times}.")
    samples = solution.samples
    blocks = state_blocks(samples, block_times * samples.inefficiency / 2.0)
    times_drawn = np.repeat(_draws(blocks, generator), np.diff(blocks.bounds))
    drawn = replace(samples, weights=samples.weights * times_drawn)
    return solved(drawn, start=solution.inner_free_energy)


def bootstrap_of_states(
    function: Callable[[Multistate], ArrayLike],
    solution: Multistate,
    *,
    generator: np.random.Generator,
    resamples: int = 100,
    block_times: float = 1.0,
) -> FloatArray:
    """Values of a function of the solution on blocks drawn with replacement.

    Parameters
    ----------
    function : callable
        Maps a `Multistate` to (...), such as ``lambda states: states.free_energy``.
    solution, generator, block_times
        See `resampled_states`, also for what is raised.
    resamples : int
        Number of draws.

    Returns
    -------
    (..., resample) array
        Its spread is the error; its percentiles bound intervals.

    Raises
    ------
    InvalidValueError
        For fewer than two resamples.
    """
    if resamples < 2:
        raise InvalidValueError(
            f"a bootstrap needs at least 2 resamples, received {resamples}; 100 suit an error."
        )
    drawn = [
        np.asarray(
            function(resampled_states(solution, generator=generator, block_times=block_times)),
            dtype=np.float64,
        )
        for _ in range(resamples)
    ]
    return np.stack(drawn, axis=-1)


def _draws(blocks: StateBlocks, generator: np.random.Generator) -> FloatArray:
    """How often each block is drawn, (block,)."""
    drawn = np.zeros(blocks.state.size)
    for state in np.unique(blocks.state):
        members = np.flatnonzero(blocks.state == state)
        share = np.full(members.size, 1.0 / members.size)
        drawn[members] = generator.multinomial(members.size, share)
    return drawn
