"""Means and free energies at any controls, from the samples of all states.

Errors follow each estimate back to blocks of samples: to first order an estimate is a sum over
samples, directly and through the free energies, and blocks of that sum count as independent.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy.special
from numpy.typing import ArrayLike

from phasegrok.errors import InvalidValueError
from phasegrok.statistics.autocorrelation import ragged_autocorrelation_time
from phasegrok.statistics.multistate.blocks import (
    StateBlocks,
    answer,
    spread,
    state_blocks,
)
from phasegrok.statistics.multistate.equations import mixtures
from phasegrok.statistics.multistate.samples import StateSamples
from phasegrok.statistics.multistate.solution import Multistate, problem_of
from phasegrok.statistics.samples import (
    FloatArray,
    IntArray,
    Status,
    as_samples,
    ragged_samples,
)
from phasegrok.statistics.windows import MINIMUM_EFFECTIVE_SAMPLES

__all__ = [
    "MultistateEstimate",
    "multistate_free_energy",
    "multistate_mean",
    "sample_shares",
]


class MultistateEstimate(NamedTuple):
    """Estimates at other controls, from the samples of all states."""

    value: FloatArray
    """NaN where REFUSED, (..., target)."""
    error: FloatArray
    """Standard error, NaN where REFUSED, (..., target)."""
    effective_samples: FloatArray
    """Independent samples that still speak for the target, (..., target)."""
    status: IntArray
    """`Status`; REFUSED with too few effective samples, (..., target)."""


def multistate_mean(
    solution: Multistate,
    observable: Sequence[ArrayLike],
    *,
    coefficients: ArrayLike,
    minimum_effective_samples: float = MINIMUM_EFFECTIVE_SAMPLES,
) -> MultistateEstimate:
    """Mean of an observable at any controls.

    Parameters
    ----------
    solution : Multistate
        From `solution.solve_states`.
    observable : sequence of (..., sample) array_like
        The observable in each run, in the order and of the lengths of the terms.
    coefficients : (target, control) array_like
        a_k = g_k/T of each target.
    minimum_effective_samples : float
        Fewer than this refuse a target.

    Returns
    -------
    MultistateEstimate
        Σ_n v_n m_n with v_n ∝ ω_n e^{-u(n)}/Σ_k M_k e^{f_k - u_k(n)}; 1/Σ v² 2τ effective
        samples, τ the longest of observable and terms at each state. Targets share samples:
        their errors are correlated, and they are not new data.

    Raises
    ------
    InsufficientSamplesError
        For a run of fewer than two samples.
    InvalidValueError
        For numbers that are not finite, or shapes that do not fit.
    """
    samples = solution.samples
    runs = ragged_samples(observable, statistic="a multistate mean", required=2)
    lengths = [run.shape[-1] for run in runs]
    if lengths != np.diff(samples.run_bounds).tolist():
        raise InvalidValueError(
            f"a multistate mean needs the observable on the samples of the states, received "
            f"lengths {lengths} for {np.diff(samples.run_bounds).tolist()}."
        )
    leading = runs[0].shape[:-1]
    rows = np.concatenate([run.reshape(-1, run.shape[-1]) for run in runs], axis=1)
    columns = [
        _means_of_one(solution, row, coefficients, minimum_effective_samples) for row in rows
    ]
    stacked = (np.stack(column) for column in zip(*columns, strict=True))
    return MultistateEstimate(*(part.reshape(*leading, part.shape[-1]) for part in stacked))


def multistate_free_energy(
    solution: Multistate,
    *,
    coefficients: ArrayLike,
    minimum_effective_samples: float = MINIMUM_EFFECTIVE_SAMPLES,
) -> MultistateEstimate:
    """Free energy -ln Z at any controls, less that of the first state.

    Parameters
    ----------
    solution, coefficients, minimum_effective_samples
        See `multistate_mean`, also for what is raised.

    Returns
    -------
    MultistateEstimate
        Dimensionless, (target,); at the sampled states the values are those of the solution.
    """
    samples = solution.samples
    targets = _checked_targets(coefficients, samples)
    times, status = samples.inefficiency / 2.0, int(samples.status.max())
    blocks = state_blocks(samples, times)
    logarithms = _log_shares(solution, targets)
    totals = scipy.special.logsumexp(logarithms, axis=1)
    shares = np.exp(logarithms - totals[:, np.newaxis])
    value = -totals + (targets - samples.coefficients[0]) @ samples.centre
    # -ln Σ v falls as Σ v grows, and rises by its own share as the free energies do.
    sums, through = _block_sums(solution, -shares, blocks)
    first = np.zeros((len(targets), len(samples.coefficients)))
    first[:, 0] = 1.0
    effect = sums + (through + first) @ _answer_of(solution, blocks)
    return _judged(
        value,
        spread(effect, blocks),
        _effective(shares, times, samples),
        status=status,
        minimum=minimum_effective_samples,
    )


def sample_shares(solution: Multistate, *, coefficients: ArrayLike) -> FloatArray:
    """Weight of every sample at other controls.

    Parameters
    ----------
    solution, coefficients
        See `multistate_mean`, also for what is raised.

    Returns
    -------
    (target, sample) array
        Each row sums to one: the mean of an observable is its product with one.
    """
    targets = _checked_targets(coefficients, solution.samples)
    shares: FloatArray = scipy.special.softmax(_log_shares(solution, targets), axis=1)
    return shares


def _means_of_one(
    solution: Multistate, row: FloatArray, coefficients: ArrayLike, minimum: float
) -> MultistateEstimate:
    samples = solution.samples
    targets = _checked_targets(coefficients, samples)
    times, status = _slowest(samples, row)
    blocks = state_blocks(samples, times)
    logarithms = _log_shares(solution, targets)
    shares = scipy.special.softmax(logarithms, axis=1)
    constant = row.max() == row.min()
    value = np.full(len(targets), row[0]) if constant else shares @ row
    weighted = shares * (row - value[:, np.newaxis])
    sums, through = _block_sums(solution, weighted, blocks)
    effect = sums + through @ _answer_of(solution, blocks)
    return _judged(
        value,
        spread(effect, blocks),
        _effective(shares, times, samples),
        status=int(Status.CONSTANT) if constant else status,
        minimum=minimum,
    )


def _checked_targets(coefficients: ArrayLike, samples: StateSamples) -> FloatArray:
    targets = as_samples(coefficients, statistic="controls of a target", core_dimensions=2)
    if targets.ndim != 2 or targets.shape[1] != len(samples.centre):
        raise InvalidValueError(
            f"controls of targets need shape (target, control) with {len(samples.centre)} "
            f"controls, received {targets.shape}."
        )
    return targets


def _log_shares(solution: Multistate, targets: FloatArray) -> FloatArray:
    """Logarithms of ω_n e^{-u(n)}/Σ_k M_k e^{f_k - u_k(n)} of each target, (target, sample)."""
    samples = solution.samples
    with np.errstate(divide="ignore"):  # Blocks that a bootstrap did not draw weigh nothing.
        logarithm = np.log(samples.weights)
    result: FloatArray = logarithm - targets @ samples.terms - solution.log_density
    return result


def _slowest(samples: StateSamples, row: FloatArray) -> tuple[FloatArray, int]:
    """Longest time of observable and terms at each state, and the worst status."""
    times = samples.inefficiency / 2.0
    status = int(np.where(samples.status == Status.CONSTANT, 0, samples.status).max())
    for state in range(len(times)):
        runs = np.flatnonzero(samples.run_state == state)
        parts = [row[samples.run_bounds[r] : samples.run_bounds[r + 1]] for r in runs]
        result = ragged_autocorrelation_time(parts)
        times[state] = max(times[state], float(result.time))
        if int(result.status) == Status.UNRESOLVED:
            status = int(Status.UNRESOLVED)
    return times, status


def _block_sums(
    solution: Multistate, series: FloatArray, blocks: StateBlocks
) -> tuple[FloatArray, FloatArray]:
    """Sums of (target, sample) over blocks, and over each state's share: (target, state)."""
    problem = problem_of(solution.samples)
    through = np.zeros((len(series), len(problem.counts)))
    for mixture in mixtures(problem, solution.inner_free_energy):
        through += series[:, mixture.where] @ mixture.shares.T
    return np.add.reduceat(series, blocks.bounds[:-1], axis=1), through


def _answer_of(solution: Multistate, blocks: StateBlocks) -> FloatArray:
    problem = problem_of(solution.samples)
    return answer(problem, solution.inner_free_energy, solution.curvature, blocks)


def _effective(shares: FloatArray, times: FloatArray, samples: StateSamples) -> FloatArray:
    inefficiency = np.maximum(2.0 * times, 1.0)[samples.sample_state]
    result: FloatArray = 1.0 / (shares**2 @ inefficiency)
    return result


def _judged(
    value: FloatArray, error: FloatArray, effective: FloatArray, *, status: int, minimum: float
) -> MultistateEstimate:
    refused = effective < minimum
    return MultistateEstimate(
        value=np.where(refused, np.nan, value),
        error=np.where(refused, np.nan, error),
        effective_samples=effective,
        status=np.where(refused, Status.REFUSED, status).astype(np.int64),
    )
