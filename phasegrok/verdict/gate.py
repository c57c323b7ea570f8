"""Whether the samples of one size can be judged: mixed within phases."""

from typing import Final

import numpy as np

from phasegrok.statistics.samples import FloatArray
from phasegrok.transitions.chains import SizeChains

__all__ = ["BROAD", "LARGEST_RATIO", "mixing_ratio"]

LARGEST_RATIO: Final = 0.5
"""Chains whose halves differ more than this within a phase have not equilibrated."""

BROAD: Final = 0.5
"""Controls count where the variance exceeds this share of its largest value."""


def mixing_ratio(size: SizeChains) -> float:
    """Variance between the means of half chains in a phase, over that within half chains.

    Chains that are stuck in different phases have halves which agree with their phase, while
    slow chains have halves that wander inside one: only the latter is refused.

    Parameters
    ----------
    size : SizeChains
        Chains of one size, preferably started from both sides.

    Returns
    -------
    float
        The largest over disorders of the pooled ratio; 0 where the order parameter does not
        vary.
    """
    return max(_ratio(size.of_disorder(disorder)) for disorder in size.disorders)


def _ratio(size: SizeChains) -> float:
    variances = np.array([size.pooled(control).var() for control in size.controls])
    if not variances.max() > 0.0:
        return 0.0
    between, within = [], []
    for control in size.controls[variances > BROAD * variances.max()]:
        values = size.pooled(float(control))
        low, high = np.quantile(values, [0.05, 0.95])
        halves = [
            half
            for chain in size.at(float(control))
            for half in np.array_split(chain.values, 2)
        ]
        for side in (-1.0, 1.0):
            parts = [_on_side(half, 0.5 * (low + high), side) for half in halves]
            sizes = np.array([part.size for part in parts])
            if np.count_nonzero(sizes) < 2:
                continue
            # Short visits weigh little: a chain that crosses is not a phase of its own.
            means = np.array([part.mean() if part.size else 0.0 for part in parts])
            between.append(np.sum(sizes * (means - np.average(means, weights=sizes)) ** 2))
            within.append(np.sum([part.size * part.var() for part in parts if part.size]))
    total = float(np.sum(within))
    return float(np.sum(between)) / total if total > 0.0 else 0.0


def _on_side(values: FloatArray, level: float, side: float) -> FloatArray:
    return values[side * (values - level) > 0.0]
