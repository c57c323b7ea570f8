"""The size that would decide, for features whose kinds are told apart at a known one."""

from collections.abc import Sequence

import numpy as np

from phasegrok.verdict.deciding import deciding_size
from phasegrok.verdict.features import SizeFeatures
from phasegrok.verdict.laws import Sizes
from phasegrok.verdict.models import scaling_models
from phasegrok.verdict.weighing import Comparison, Weighing, weigh

VOLUMES = (50.0, 100.0, 200.0)


def weighing(values: Sequence[Sequence[float]], error: float) -> Weighing:
    features = tuple(
        SizeFeatures(
            size=volume,
            volume=volume,
            values=np.array(row, dtype=float),
            covariance=error**2 * np.eye(3),
            slope_known=True,
            at_edge=False,
            transition=0.0,
            transition_spread=float("nan"),
            gap=0.0,
            barrier_bounded=False,
            mixing=0.0,
            disorders=1,
        )
        for volume, row in zip(VOLUMES, values, strict=True)
    )
    sizes = Sizes.of(np.array(VOLUMES), None)
    centres = np.mean([each.values for each in features], axis=0)
    models = {each.kind: each for each in scaling_models(sizes, centres)}
    comparison = Comparison(features=features, sizes=sizes, models=models)
    return weigh(comparison, seed=np.random.SeedSequence(5))


def ambiguous(error: float) -> Weighing:
    """Slopes as N^0.7, variances as N^-0.1, small barriers: two kinds remain."""
    u = np.log(np.array(VOLUMES) / VOLUMES[-1])
    return weighing(np.stack([0.7 * u, -2.0 - 0.1 * u, 0.3 + 0.0 * u], axis=1).tolist(), error)


def test_the_deciding_size_lies_beyond_the_data_on_a_ladder_of_doublings() -> None:
    needed = deciding_size(ambiguous(0.1))
    assert needed is not None
    assert np.log2(needed / VOLUMES[-1]) in range(1, 13)


def test_worse_data_need_no_smaller_a_size() -> None:
    good, bad = deciding_size(ambiguous(0.05)), deciding_size(ambiguous(0.6))
    assert good is not None
    assert bad is None or bad >= good
