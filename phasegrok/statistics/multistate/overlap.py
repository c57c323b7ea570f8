"""Whether the states share enough samples to be compared at all."""

from typing import Final, NamedTuple

import numpy as np
import scipy.sparse.csgraph

from phasegrok.errors import InsufficientSamplesError
from phasegrok.statistics.samples import FloatArray

__all__ = ["MINIMUM_SHARED_SAMPLES", "Overlap", "require_overlap", "state_overlap"]

MINIMUM_SHARED_SAMPLES: Final = 10.0
"""Fewer effective samples shared between neighbouring states refuse a comparison."""

_FLOOR: Final = 1e-12


class Overlap(NamedTuple):
    """How far the samples of each state could have come from the others."""

    matrix: FloatArray
    """Chance that a sample of the row's state came from the column's; rows add to 1."""
    second_eigenvalue: float
    """Of the matrix: 1 where some states share nothing with the rest, 0 where all are one."""
    shared_samples: FloatArray
    """Effective samples by which each pair is compared, over all paths; inf to itself."""
    weakest: tuple[tuple[int, int], ...]
    """Neighbouring states, the nearest pairs that join all, weakest first."""


def state_overlap(curvature: FloatArray, counts: FloatArray) -> Overlap:
    """Read the overlap off the curvature of the problem.

    The curvature is the Laplacian of a network of states whose conductances are the effective
    samples S_ij = Σ_n ω_n p_i p_j that two states share. The conductance between two states
    over all paths is therefore 1/(variance of their free-energy difference + 1/M_i + 1/M_j).

    Parameters
    ----------
    curvature : (state, state) array
        From `equations.minimum`.
    counts : (state,) array
        Effective samples of each state.

    Returns
    -------
    Overlap
        Of the sampled states.
    """
    shared = np.maximum(np.diag(counts) - curvature, 0.0)
    matrix = shared / counts[:, np.newaxis]
    symmetric = shared / np.sqrt(counts[:, np.newaxis] * counts)
    values = np.linalg.eigvalsh(symmetric)
    conductance = _conductance(curvature)
    return Overlap(
        matrix=matrix / matrix.sum(axis=1, keepdims=True),
        second_eigenvalue=float(np.clip(values[-2], 0.0, 1.0)) if values.size > 1 else 0.0,
        shared_samples=conductance,
        weakest=_weakest(conductance),
    )


def require_overlap(overlap: Overlap, states: FloatArray, *, minimum: float) -> None:
    """Refuse states that nothing joins, naming the pairs.

    Parameters
    ----------
    overlap : Overlap
        From `state_overlap`.
    states : (state, control) array
        Coefficients of each state, for the message.
    minimum : float
        Effective samples that neighbours must share.

    Raises
    ------
    InsufficientSamplesError
        Where a pair of neighbours shares fewer.
    """
    failing = [pair for pair in overlap.weakest if overlap.shared_samples[pair] < minimum]
    if failing:
        pairs = "; ".join(
            f"state {i} {states[i].tolist()} and state {j} {states[j].tolist()}"
            for i, j in failing[:5]
        )
        more = "" if len(failing) <= 5 else f"; and {len(failing) - 5} more pairs"
        raise InsufficientSamplesError(
            f"multistate reweighting without overlap between {pairs}{more} (put states between "
            "them; samples are effective ones that the pair shares)",
            required=int(np.ceil(minimum)),
            received=int(overlap.shared_samples[failing[0]]),
        )


def _conductance(curvature: FloatArray) -> FloatArray:
    """Between all pairs; what shares nothing gets a floor instead of a division by zero."""
    count = len(curvature)
    uniform = np.full((count, count), 1.0 / count)
    scale = max(float(np.diagonal(curvature).max()), 1.0)
    values, vectors = np.linalg.eigh(curvature + scale * uniform)
    inverse = (vectors / np.maximum(values, _FLOOR * scale)) @ vectors.T
    own = np.diagonal(inverse)
    resistance = own[:, np.newaxis] + own - 2.0 * inverse
    conductance: FloatArray = 1.0 / np.maximum(resistance, np.finfo(np.float64).tiny)
    np.fill_diagonal(conductance, np.inf)
    return conductance


def _weakest(conductance: FloatArray) -> tuple[tuple[int, int], ...]:
    """The spanning tree of strongest joins, from its weakest on."""
    distance = np.triu(1.0 / conductance, 1)
    tree = scipy.sparse.csgraph.minimum_spanning_tree(distance).tocoo()
    order = np.argsort(-tree.data)
    return tuple((int(tree.row[k]), int(tree.col[k])) for k in order)
