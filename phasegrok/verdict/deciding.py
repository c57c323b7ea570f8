"""Which size would tell the likeliest answers apart."""

from typing import Final

import numpy as np

from phasegrok.statistics.samples import FloatArray
from phasegrok.verdict.scoring import CONSTANT_ERROR, RELATIVE_ERROR
from phasegrok.verdict.weighing import Weighing

__all__ = ["FARTHEST_DOUBLING", "deciding_size"]

FARTHEST_DOUBLING: Final = 12
_ERRORS: Final = 2.0
"""Errors of a measurement beyond the range of what a kind predicts, on each side."""


def deciding_size(weighing: Weighing) -> float | None:
    """Smallest N, in doublings, where the two likeliest answers would be told apart.

    Parameters
    ----------
    weighing : Weighing
        With posteriors of the kinds.

    Returns
    -------
    float or None
        N at which the 95 % ranges that the two predict for slope, variance or barrier, widened
        by twice the error of a measurement like the last one, no longer overlap; None where
        they do at all of twelve doublings. The slope counts where the last size has it.
    """
    comparison = weighing.comparison
    first, second = sorted(comparison.answers, key=lambda kind: -weighing.kinds[kind])[:2]
    doublings = np.exp2(np.arange(1.0, FARTHEST_DOUBLING + 1.0))
    volumes: FloatArray = comparison.sizes.largest * doublings
    ahead = comparison.sizes.at(volumes)
    predicted = [
        comparison.models[kind].features(weighing.scores[kind].draws, ahead)
        for kind in (first, second)
    ]
    own = np.sqrt(np.diag(comparison.features[-1].covariance)) + CONSTANT_ERROR
    (low, high), (other_low, other_high) = [_expected(each, own) for each in predicted]
    disjoint = (low > other_high) | (other_low > high)
    known = np.array([comparison.features[-1].slope_known, True, True])
    apart = np.flatnonzero(disjoint[:, known].any(axis=1))
    return float(volumes[apart[0]]) if apart.size else None


def _expected(predicted: FloatArray, own: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Range that features (draw, size, feature) will be measured in, (size, feature) each."""
    low, high = np.quantile(predicted, [0.025, 0.975], axis=0)
    error = np.hypot(own, RELATIVE_ERROR * predicted.mean(axis=0))
    return low - _ERRORS * error, high + _ERRORS * error
