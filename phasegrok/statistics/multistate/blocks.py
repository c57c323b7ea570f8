"""Samples of many states cut into blocks, whose effects on an estimate are independent."""

from typing import NamedTuple

import numpy as np

from phasegrok.statistics.blocks import block_bounds, block_count
from phasegrok.statistics.multistate.equations import Problem, mixtures
from phasegrok.statistics.multistate.samples import StateSamples
from phasegrok.statistics.samples import FloatArray, IntArray

__all__ = ["StateBlocks", "answer", "spread", "state_blocks"]


class StateBlocks(NamedTuple):
    """All samples cut into blocks that lie within one run each."""

    bounds: IntArray
    """Where each block begins, and the end, (block + 1,)."""
    state: IntArray
    """State of each block, (block,)."""


def state_blocks(samples: StateSamples, times: FloatArray) -> StateBlocks:
    """Cut every run into blocks of at least 16τ of its state, up to 64 of them.

    Parameters
    ----------
    samples : StateSamples
        Runs side by side.
    times : (state,) array, in records
        Integrated autocorrelation time at each state.

    Returns
    -------
    StateBlocks
        No block crosses from one run to the next.
    """
    bounds, state = [0], []
    for run, length in enumerate(np.diff(samples.run_bounds).tolist()):
        # The states together have blocks enough to make each twice as long as a series would
        # have it: 3 % of an error are lost at most.
        count = int(block_count(2.0 * times[samples.run_state[run]], length))
        bounds += (samples.run_bounds[run] + block_bounds(length, count)[1:]).tolist()
        state += [int(samples.run_state[run])] * count
    return StateBlocks(np.array(bounds, dtype=np.int64), np.array(state, dtype=np.int64))


def answer(
    problem: Problem, free_energy: FloatArray, curvature: FloatArray, blocks: StateBlocks
) -> FloatArray:
    """What each block adds to minus the change of each free energy.

    Parameters
    ----------
    problem : Problem
        States and samples.
    free_energy : (state,) array
        At the minimum.
    curvature : (state, state) array
        There.
    blocks : StateBlocks
        Of the same samples.

    Returns
    -------
    (state, block) array
        To first order, up to what is common to all states.
    """
    shares = np.empty((len(problem.counts), problem.weights.size))
    for mixture in mixtures(problem, free_energy):
        shares[:, mixture.where] = mixture.shares * problem.weights[mixture.where]
    sums = np.add.reduceat(shares, blocks.bounds[:-1], axis=1)
    inverse = np.linalg.pinv(curvature, hermitian=True)
    return np.asarray(inverse @ sums, dtype=np.float64)


def spread(effect: FloatArray, blocks: StateBlocks) -> FloatArray:
    """Standard error of a sum over independent blocks, each state's compared with its own.

    Parameters
    ----------
    effect : (target, block) array
        What each block adds.
    blocks : StateBlocks
        Which state each belongs to.

    Returns
    -------
    (target,) array
        In the unit of the sums.
    """
    sizes = np.diff(blocks.bounds).astype(np.float64)
    squares = np.zeros_like(effect)
    for state in np.unique(blocks.state):
        members = blocks.state == state
        count = int(np.count_nonzero(members))
        part, size = effect[:, members], sizes[members]
        excess = part - part.sum(axis=1, keepdims=True) * size / size.sum()
        squares[:, members] = excess**2 * (count / max(count - 1.0, 1.0))
    error: FloatArray = np.sqrt(squares.sum(axis=1))
    return error
