"""Block bootstrap of everything that many states say together."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.multistate.blocks import StateBlocks, state_blocks
from phasegrok.statistics.multistate.solution import Multistate, solved
from phasegrok.statistics.samples import FloatArray, IntArray

__all__ = ["bootstrap_of_states", "independent_units", "resampled_runs", "resampled_states"]


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


def resampled_runs(
    solution: Multistate, *, generator: np.random.Generator, unit: ArrayLike | None = None
) -> Multistate:
    """Solve again with whole runs drawn with replacement: errors that no correlation can fool.

    Parameters
    ----------
    solution : Multistate
        From `solution.solve_states`.
    generator : numpy.random.Generator
        Source of the draws.
    unit : (run,) integer array_like, optional
        Runs of equal label stand or fall together, such as those of one exchange ladder; by
        default every run is a unit of its own.

    Returns
    -------
    Multistate
        Of the n units that visit the same states n - 1 are drawn, and count n/(n - 1) times
        as often: the variance of sums of so few is then right [1]_.

    Raises
    ------
    InsufficientSamplesError
        Where a unit has no other that visits the same states.
    InvalidValueError
        For units that are not one a run.
    NoConvergenceError
        Where the draw cannot be solved.

    References
    ----------
    .. [1] Rao and Wu, J. Am. Stat. Assoc. 83, 231 (1988).
    """
    samples = solution.samples
    strata = independent_units(solution, unit=unit)
    drawn = np.zeros(samples.run_state.size)
    for units in strata:
        count = len(units)
        if count < 2:
            raise InsufficientSamplesError(
                "an error by independent runs (runs at a state)", required=2, received=count
            )
        often = generator.multinomial(count - 1, np.full(count, 1.0 / count))
        for runs, times in zip(units, often.tolist(), strict=True):
            drawn[runs] = times * count / (count - 1.0)
    weights = samples.weights * np.repeat(drawn, np.diff(samples.run_bounds))
    return solved(replace(samples, weights=weights), start=solution.inner_free_energy)


def independent_units(
    solution: Multistate, *, unit: ArrayLike | None = None
) -> list[list[IntArray]]:
    """Gather runs into units, and units that visit the same states into strata.

    Parameters
    ----------
    solution, unit
        See `resampled_runs`, also for what is raised.

    Returns
    -------
    list of lists of (run,) integer arrays
        For each stratum the runs of each of its units.
    """
    state = solution.samples.run_state
    label = np.arange(state.size) if unit is None else np.asarray(unit)
    if label.shape != state.shape:
        raise InvalidValueError(
            f"units need one label for each of {state.size} runs, received shape "
            f"{label.shape}; label every run by what it shares its randomness with."
        )
    strata: dict[tuple[int, ...], list[IntArray]] = {}
    for each in np.unique(label):
        runs = np.flatnonzero(label == each)
        strata.setdefault(tuple(sorted(state[runs].tolist())), []).append(runs)
    return list(strata.values())


def _draws(blocks: StateBlocks, generator: np.random.Generator) -> FloatArray:
    """How often each block is drawn, (block,)."""
    drawn = np.zeros(blocks.state.size)
    for state in np.unique(blocks.state):
        members = np.flatnonzero(blocks.state == state)
        share = np.full(members.size, 1.0 / members.size)
        drawn[members] = generator.multinomial(members.size, share)
    return drawn
