"""Samples of many runs side by side, each with the weight its correlations leave it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from phasegrok.errors import InvalidValueError
from phasegrok.statistics.autocorrelation import ragged_autocorrelation_time
from phasegrok.statistics.samples import (
    FloatArray,
    IntArray,
    Status,
    as_samples,
    ragged_samples,
)

__all__ = ["StateSamples", "state_samples"]


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class StateSamples:
    """Runs at several states, a state being one setting of the controls.

    Attributes
    ----------
    coefficients : (state, control) array
        a_k = g_k/T of each state, sorted, in the inverse unit of the terms.
    terms : (control, sample) array
        X_k of the samples of all runs, less `centre`.
    centre : (control,) array
        Mean of X_k over all samples: taken off, lest large energies cost digits.
    run_bounds : (run + 1,) integer array
        Where each run begins among the samples.
    run_state : (run,) integer array
        State of each run.
    inefficiency : (state,) array
        2τ of the samples of each state.
    weights : (sample,) array
        Effective samples that each sample counts as: 1/(2τ).
    status : (state,) integer array
        `Status` of the inefficiencies.
    """

    coefficients: FloatArray
    terms: FloatArray
    centre: FloatArray
    run_bounds: IntArray
    run_state: IntArray
    inefficiency: FloatArray
    weights: FloatArray
    status: IntArray

    @property
    def sample_state(self) -> IntArray:
        """State of each sample, (sample,)."""
        return np.repeat(self.run_state, np.diff(self.run_bounds))

    @property
    def counts(self) -> FloatArray:
        """Effective samples of each state, (state,)."""
        counts: FloatArray = np.bincount(
            self.sample_state, weights=self.weights, minlength=len(self.coefficients)
        ).astype(np.float64)
        return counts


def state_samples(
    terms: Sequence[ArrayLike],
    *,
    coefficients: ArrayLike,
    inefficiency: ArrayLike | None = None,
) -> StateSamples:
    """Lay runs side by side; runs of equal controls are replicas at one state.

    Parameters
    ----------
    terms : sequence of (control, sample) array_like
        X_k of each run in equilibrium, total and not per degree of freedom. Lengths may
        differ.
    coefficients : (run, control) array_like
        a_k = g_k/T of each run, where U/T = Σ_k a_k X_k up to what is the same in all runs.
    inefficiency : (run,) array_like, optional
        2τ to use, equal for the runs of one state; where left out, the longest of the terms
        whose coefficient varies, over all runs of a state, and at least 1.

    Returns
    -------
    StateSamples
        States in the order of sorted coefficients.

    Raises
    ------
    InsufficientSamplesError
        For no run, or a run of fewer than two samples.
    InvalidValueError
        For numbers that are not finite, or shapes that do not fit.
    """
    each = ragged_samples(terms, statistic="multistate reweighting", required=2)
    per_run = as_samples(
        coefficients, statistic="multistate reweighting (coefficients)", core_dimensions=2
    )
    if each[0].ndim != 2 or per_run.shape != (len(each), len(each[0])):
        raise InvalidValueError(
            f"multistate reweighting needs terms (control, sample) and coefficients (run, "
            f"control), received {len(each)} runs of {each[0].shape} and {per_run.shape}."
        )
    states, run_state = np.unique(per_run, axis=0, return_inverse=True)
    run_state = run_state.reshape(-1).astype(np.int64)
    if inefficiency is None:
        by_state, status = _inefficiencies(each, states, run_state)
    else:
        by_state = _given(inefficiency, run_state, len(states))
        status = np.full(len(states), int(Status.RESOLVED), dtype=np.int64)
    joined = np.concatenate(each, axis=1)
    lengths = np.array([one.shape[1] for one in each])
    centre = joined.mean(axis=1)
    return StateSamples(
        coefficients=states,
        terms=joined - centre[:, np.newaxis],
        centre=centre,
        run_bounds=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        run_state=run_state,
        inefficiency=by_state,
        weights=np.repeat(1.0 / by_state[run_state], lengths),
        status=status,
    )


def _inefficiencies(
    runs: list[FloatArray], states: FloatArray, run_state: IntArray
) -> tuple[FloatArray, IntArray]:
    varies = np.any(states != states[0], axis=0)
    chosen = np.flatnonzero(varies) if varies.any() else np.arange(states.shape[1])
    times, status = [], []
    for state in range(len(states)):
        members = [runs[run][chosen] for run in np.flatnonzero(run_state == state)]
        result = ragged_autocorrelation_time(members)
        times.append(max(1.0, 2.0 * float(result.time.max())))
        status.append(int(result.status.max()))
    return np.array(times), np.array(status, dtype=np.int64)


def _given(inefficiency: ArrayLike, run_state: IntArray, state_count: int) -> FloatArray:
    per_run = as_samples(inefficiency, statistic="multistate reweighting (inefficiency)")
    if per_run.shape != run_state.shape or np.any(per_run <= 0.0):
        raise InvalidValueError(
            f"multistate reweighting needs one positive inefficiency for each of "
            f"{run_state.size} runs, received {per_run}; 2τ each, 1 for independent samples."
        )
    by_state = np.zeros(state_count)
    np.maximum.at(by_state, run_state, per_run)
    return by_state
