"""How far controls lie from the sampled states, in widths of what the samples vary by."""

from typing import Final

import numpy as np
import scipy.optimize
from numpy.typing import ArrayLike

from phasegrok.errors import InvalidValueError
from phasegrok.statistics.multistate.solution import Multistate
from phasegrok.statistics.samples import FloatArray, as_samples

__all__ = ["MOST_WIDTHS", "distance_to_states"]

MOST_WIDTHS: Final = 0.5
"""Distance beyond which a reweighted mean is not trusted, however many samples seem to speak
for it: those of one phase speak for themselves far beyond where another takes over."""

_HELD: Final = 1e3
"""Weight of the condition that shares add to one, over the largest coordinate."""


def distance_to_states(solution: Multistate, *, coefficients: ArrayLike) -> FloatArray:
    """Distance from the region that the states span, in standard deviations of U/T.

    Parameters
    ----------
    solution : Multistate
        From `solution.solve_states`.
    coefficients : (target, control) array_like
        a_k = g_k/T of each target.

    Returns
    -------
    (target,) array
        Least √(δ·C·δ) over the ways δ from a point of the convex hull of the sampled
        coefficients to the target, C the mean over states of the covariance of the terms: 0
        within the hull. √(δ·C·δ) is the standard deviation of the change of U/T; where it is
        σ for Gaussian terms, n samples are worth n e^(-σ²).

    Raises
    ------
    InvalidValueError
        For coefficients of another shape.
    """
    samples = solution.samples
    targets = as_samples(coefficients, statistic="controls of a target", core_dimensions=2)
    if targets.ndim != 2 or targets.shape[1] != len(samples.centre):
        raise InvalidValueError(
            f"controls of targets need shape (target, control) with {len(samples.centre)} "
            f"controls, received {targets.shape}."
        )
    root = _root(solution)
    states = samples.coefficients
    return np.array([_to_hull((states - target) @ root.T) for target in targets])


def _root(solution: Multistate) -> FloatArray:
    """R with RᵀR the mean over states of the covariance within each, (control, control)."""
    samples = solution.samples
    state = samples.sample_state
    each = [np.cov(samples.terms[:, state == k]) for k in range(len(samples.coefficients))]
    values, vectors = np.linalg.eigh(np.atleast_2d(np.mean(each, axis=0)))
    root: FloatArray = np.sqrt(np.maximum(values, 0.0))[:, np.newaxis] * vectors.T
    return root


def _to_hull(corners: FloatArray) -> float:
    """Distance of the origin from the convex hull of corners (corner, control)."""
    largest = float(np.abs(corners).max())
    if largest == 0.0:
        return 0.0
    held = np.full((1, len(corners)), _HELD)
    system = np.concatenate([corners.T / largest, held])
    wanted = np.concatenate([np.zeros(corners.shape[1]), [_HELD]])
    shares, _ = scipy.optimize.nnls(system, wanted)
    found = (shares / shares.sum()) @ corners
    distance = float(np.linalg.norm(found))
    # What rounding leaves within the hull.
    return distance if distance > 1e-6 * largest else 0.0
