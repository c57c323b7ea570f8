"""Which size would tell the likeliest answers apart."""

from typing import Final

import numpy as np

from phasegrok.statistics.samples import FloatArray
from phasegrok.verdict.scoring import CONSTANT_ERROR, RELATIVE_ERROR
from phasegrok.verdict.weighing import Weighing

__all__ = ["FARTHEST_DOUBLING", "deciding_size"]

FARTHEST_DOUBLING: Final = 12
_DISTANCE: Final = 4.0


def deciding_size(weighing: Weighing) -> float | None:
    """Smallest N, in doublings, where the two likeliest answers would be told apart.

    Parameters
    ----------
    weighing : Weighing
        With posteriors of the kinds.

    Returns
    -------
    float or None
        N at which predictions of variance or barrier lie four standard deviations apart, the
        spread of both posteriors and the error of a measurement like the last one included;
        None where none within twelve doublings does.
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
    means = [each.mean(axis=0) for each in predicted]
    relative = RELATIVE_ERROR * np.minimum(*[np.abs(each) for each in means])
    spread = np.sqrt(sum(each.var(axis=0) for each in predicted) + own**2 + relative**2)
    distance = np.abs(means[0] - means[1]) / spread
    apart = np.flatnonzero((distance[:, 1:] > _DISTANCE).any(axis=1))
    return float(volumes[apart[0]]) if apart.size else None
