"""The convex problem whose minimum is the free energies of all states at once.

With ω_n the weight of a sample, M_k = Σ ω_n over the samples of state k, u_k(n) the energies
over T and f_k the free energies over T, the function
Σ_n ω_n ln Σ_k M_k e^{f_k - u_k(n)} - Σ_k M_k f_k has its minimum where
e^{-f_k} = Σ_n ω_n e^{-u_k(n)}/Σ_j M_j e^{f_j - u_j(n)} (Shirts and Chodera, J. Chem. Phys. 129,
124105 (2008)). It is solved by Newton's method with a damping that vanishes.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import scipy.linalg
import scipy.sparse.csgraph
import scipy.special

from phasegrok.errors import NoConvergenceError
from phasegrok.statistics.samples import FloatArray

__all__ = ["Mixture", "Problem", "initial_guess", "minimum", "mixtures"]

_CHUNK: Final = 2**15
# So many samples at a time: their energies in all states stay in cache.

_ITERATIONS: Final = 200
_TOLERANCE: Final = 1e-9


class Problem(NamedTuple):
    """What the function to be minimised is made of."""

    coefficients: FloatArray
    """(state, control)."""
    terms: FloatArray
    """(control, sample)."""
    weights: FloatArray
    """ω, (sample,)."""
    counts: FloatArray
    """M, positive, (state,)."""


class Mixture(NamedTuple):
    """A stretch of samples seen from all states."""

    where: slice
    """Which samples."""
    log_density: FloatArray
    """ln Σ_k M_k e^{f_k - u_k}, (sample,)."""
    shares: FloatArray
    """Probability that a sample of this place came from each state, (state, sample)."""


class _Point(NamedTuple):
    value: float
    gradient: FloatArray
    hessian: FloatArray


def mixtures(problem: Problem, free_energy: FloatArray) -> Iterator[Mixture]:
    """Look at the samples from all states, a stretch at a time.

    Parameters
    ----------
    problem : Problem
        States and samples.
    free_energy : (state,) array, dimensionless
        f of each state.

    Yields
    ------
    Mixture
        In the order of the samples.
    """
    offset = (np.log(problem.counts) + free_energy)[:, np.newaxis]
    for start in range(0, problem.weights.size, _CHUNK):
        where = slice(start, start + _CHUNK)
        exponent = offset - problem.coefficients @ problem.terms[:, where]
        highest = exponent.max(axis=0)
        shares = np.exp(exponent - highest)
        total = shares.sum(axis=0)
        yield Mixture(where, highest + np.log(total), shares / total)


def initial_guess(coefficients: FloatArray, means: FloatArray) -> FloatArray:
    """Start from mean energies, passed from state to state along the nearest pairs.

    Parameters
    ----------
    coefficients : (state, control) array
        a of each state.
    means : (state, control) array
        Mean of each term at each state.

    Returns
    -------
    (state,) array
        f with f_0 = 0; exact where the terms are Gaussian of equal variance.
    """
    energy = means @ coefficients.T
    own = np.diagonal(energy)
    forward = energy - own[:, np.newaxis]
    difference = 0.5 * (forward - forward.T)
    distance = 1.0 + np.abs(forward + forward.T)
    tree = scipy.sparse.csgraph.minimum_spanning_tree(np.triu(distance, 1))
    order, before = scipy.sparse.csgraph.breadth_first_order(tree, 0, directed=False)
    guess = np.zeros(len(means))
    for state in order[1:]:
        guess[state] = guess[before[state]] + difference[before[state], state]
    return guess


def minimum(problem: Problem, start: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Solve for the free energies.

    Parameters
    ----------
    problem : Problem
        States and samples.
    start : (state,) array
        Where to begin.

    Returns
    -------
    (state,) array and (state, state) array
        f with f_0 = 0, met to 1e-9 of each count, and the curvature there.

    Raises
    ------
    NoConvergenceError
        Where 200 iterations are not enough; the last f is its estimate.
    """
    here = np.asarray(start, dtype=np.float64) - start[0]
    point, damping = _evaluated(problem, here), 0.0
    for _ in range(_ITERATIONS):
        miss = _miss(point, problem)
        if miss < _TOLERANCE:
            return here, point.hessian
        ahead = here + _step(point, problem.counts, damping)
        trial = _evaluated(problem, ahead)
        # Near the minimum rounding hides the decrease, and the gradient tells.
        if trial.value < point.value or _miss(trial, problem) < 0.5 * miss:
            here, point, damping = ahead, trial, 0.1 * damping if damping > 1e-9 else 0.0
        else:
            damping = max(10.0 * damping, 1e-6)
            if damping > 1e12:
                break
    if _miss(point, problem) < 1e3 * _TOLERANCE:
        return here, point.hessian
    raise NoConvergenceError(
        f"free energies of {here.size} states need their equations met to {_TOLERANCE:g}, "
        f"received {_miss(point, problem):.2g}; look for states far from all others.",
        estimate=here,
    )


def _evaluated(problem: Problem, free_energy: FloatArray) -> _Point:
    counts = problem.counts
    value, sums = -float(counts @ free_energy), np.zeros(counts.size)
    products = np.zeros((counts.size, counts.size))
    for mixture in mixtures(problem, free_energy):
        weights = problem.weights[mixture.where]
        value += float(weights @ mixture.log_density)
        weighted = mixture.shares * weights
        sums += weighted.sum(axis=1)
        products += weighted @ mixture.shares.T
    return _Point(value, sums - counts, np.diag(sums) - products)


def _miss(point: _Point, problem: Problem) -> float:
    return float(np.max(np.abs(point.gradient) / problem.counts))


def _step(point: _Point, counts: FloatArray, damping: float) -> FloatArray:
    """Newton's step with f_0 held; the ridge keeps states that share nothing in place."""
    ridge = np.diag((damping + 1e-13) * counts[1:])
    inner = scipy.linalg.solve(
        point.hessian[1:, 1:] + ridge, -point.gradient[1:], assume_a="sym"
    )
    return np.concatenate([[0.0], inner])
