"""Free energies of all sampled states at once, and how well they are known."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from phasegrok.statistics.multistate.blocks import answer, spread, state_blocks
from phasegrok.statistics.multistate.equations import (
    Problem,
    initial_guess,
    minimum,
    mixtures,
)
from phasegrok.statistics.multistate.overlap import (
    MINIMUM_SHARED_SAMPLES,
    Overlap,
    require_overlap,
    state_overlap,
)
from phasegrok.statistics.multistate.samples import StateSamples, state_samples
from phasegrok.statistics.samples import FloatArray

__all__ = ["Multistate", "problem_of", "solve_states", "solved", "state_covariance"]


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Multistate:
    """Samples of all states, made comparable.

    Attributes
    ----------
    samples : StateSamples
        What was given; it holds the coefficients of the states.
    free_energy : (state,) array, dimensionless
        -ln Z of each state less that of the first.
    covariance : (state, state) array
        Of the free energies, for many samples; zero in the row of the first [1]_. It takes
        the inefficiencies at their word, and so the longest of the terms: where a faster
        one decides it is too long, and `error` is not.
    overlap : Overlap
        Between the sampled states.
    inner_free_energy : (state,) array
        The same for centred terms; estimates at other controls start from it.
    log_density : (sample,) array
        ln Σ_k M_k e^{f_k - u_k} of each sample, terms centred.
    curvature : (state, state) array
        Of the problem at its minimum.

    References
    ----------
    .. [1] M. R. Shirts and J. D. Chodera, J. Chem. Phys. 129, 124105 (2008), equation (8).
    """

    samples: StateSamples
    free_energy: FloatArray
    covariance: FloatArray
    overlap: Overlap
    inner_free_energy: FloatArray
    log_density: FloatArray
    curvature: FloatArray

    @cached_property
    def error(self) -> FloatArray:
        """Standard error of each free energy less that of the first, from blocks, (state,)."""
        blocks = state_blocks(self.samples, self.samples.inefficiency / 2.0)
        problem = problem_of(self.samples)
        effect = answer(problem, self.inner_free_energy, self.curvature, blocks)
        return spread(effect - effect[0], blocks)


def solve_states(
    terms: Sequence[ArrayLike],
    *,
    coefficients: ArrayLike,
    inefficiency: ArrayLike | None = None,
    minimum_shared_samples: float = MINIMUM_SHARED_SAMPLES,
) -> Multistate:
    """Free energies of all sampled states at once, by multistate reweighting (MBAR).

    Every sample of a state enters with the weight 1/(2τ) of its correlations.

    Parameters
    ----------
    terms, coefficients, inefficiency
        See `samples.state_samples`, also for what is raised.
    minimum_shared_samples : float
        Effective samples that neighbouring states must share.

    Returns
    -------
    Multistate
        To be asked for means and free energies at sampled states and others by
        `multistate_mean` and `multistate_free_energy`.

    Raises
    ------
    InsufficientSamplesError
        Where states do not overlap; the message names the pairs.
    NoConvergenceError
        Where the equations could not be solved.

    References
    ----------
    .. [1] M. R. Shirts and J. D. Chodera, J. Chem. Phys. 129, 124105 (2008).
    """
    samples = state_samples(terms, coefficients=coefficients, inefficiency=inefficiency)
    solution = solved(samples)
    require_overlap(solution.overlap, samples.coefficients, minimum=minimum_shared_samples)
    return solution


def solved(samples: StateSamples, *, start: FloatArray | None = None) -> Multistate:
    """Solve for the free energies, whether or not the states overlap.

    Parameters
    ----------
    samples : StateSamples
        From `samples.state_samples`.
    start : (state,) array, optional
        `Multistate.inner_free_energy` of a similar problem.

    Returns
    -------
    Multistate
        Its overlap tells whether the free energies mean anything.

    Raises
    ------
    NoConvergenceError
        Where the equations could not be solved.
    """
    problem = problem_of(samples)
    if start is None:
        means = _state_means(samples)
        start = initial_guess(samples.coefficients, means)
    inner, curvature = minimum(problem, start)
    outer = inner + samples.coefficients @ samples.centre
    return Multistate(
        samples=samples,
        free_energy=outer - outer[0],
        covariance=state_covariance(curvature, problem.counts),
        overlap=state_overlap(curvature, problem.counts),
        inner_free_energy=inner,
        log_density=np.concatenate([m.log_density for m in mixtures(problem, inner)]),
        curvature=curvature,
    )


def problem_of(samples: StateSamples) -> Problem:
    """Write samples as the problem that their free energies solve."""
    return Problem(
        coefficients=samples.coefficients,
        terms=samples.terms,
        weights=samples.weights,
        counts=samples.counts,
    )


def state_covariance(curvature: FloatArray, counts: FloatArray) -> FloatArray:
    """Covariance of the free energies relative to the first, for many samples.

    Parameters
    ----------
    curvature : (state, state) array
        Of the problem at its minimum.
    counts : (state,) array
        Effective samples M of each state.

    Returns
    -------
    (state, state) array
        Inverse curvature with the first state held, less δ_ij/M_i + 1/M_0: how many samples
        each state has is no chance. For sampled states this is what Shirts and Chodera give.
    """
    result = np.zeros_like(curvature)
    if len(counts) > 1:
        inner = np.linalg.pinv(curvature[1:, 1:], hermitian=True)
        inner = inner - np.diag(1.0 / counts[1:]) - 1.0 / counts[0]
        # Where states coincide the difference is zero up to rounding.
        index = np.diag_indices_from(inner)
        inner[index] = np.maximum(inner[index], 0.0)
        result[1:, 1:] = inner
    return result


def _state_means(samples: StateSamples) -> FloatArray:
    state, count = samples.sample_state, len(samples.coefficients)
    sums = np.stack(
        [
            np.bincount(state, weights=samples.weights * x, minlength=count)
            for x in samples.terms
        ],
        axis=-1,
    )
    result: FloatArray = sums / samples.counts[:, np.newaxis]
    return result
