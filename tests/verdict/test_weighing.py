"""Probabilities of answers and the checks that a named answer must survive."""

from dataclasses import replace

import numpy as np
import pytest

from phasegrok.statistics.samples import FloatArray
from phasegrok.verdict.answers import CROSSOVER, FIRST_ORDER, UNDETERMINED
from phasegrok.verdict.features import SizeFeatures
from phasegrok.verdict.laws import Sizes
from phasegrok.verdict.models import scaling_models
from phasegrok.verdict.scoring import feature_table
from phasegrok.verdict.signatures import named_answer
from phasegrok.verdict.weighing import WINDOW, Comparison, Weighing, weigh

VOLUMES = np.array([50.0, 100.0, 200.0, 400.0])
ERROR = 0.03


def first_order_features(volumes: FloatArray = VOLUMES) -> tuple[SizeFeatures, ...]:
    """S = N/4, V = 1/4 and B = N/40, read with errors of 3 %."""
    noise = ERROR * np.random.default_rng(7).standard_normal((volumes.size, 3))
    exact = np.stack(
        [np.log(volumes / 4.0), np.full(volumes.size, np.log(0.25)), volumes / 40.0], axis=1
    )
    return tuple(
        SizeFeatures(
            size=float(volume),
            volume=float(volume),
            values=row,
            covariance=ERROR**2 * np.eye(3),
            slope_known=True,
            at_edge=False,
            transition=0.0,
            transition_spread=float("nan"),
            gap=1.0,
            barrier_bounded=False,
            mixing=0.0,
            disorders=1,
        )
        for volume, row in zip(volumes, exact + noise, strict=True)
    )


def weighed(features: tuple[SizeFeatures, ...]) -> Weighing:
    sizes = Sizes.of(np.array([each.volume for each in features]), None)
    centres = np.mean([each.values for each in features], axis=0)
    models = {each.kind: each for each in scaling_models(sizes, centres)}
    comparison = Comparison(features=features, sizes=sizes, models=models)
    return weigh(comparison, seed=np.random.SeedSequence(3))


def test_first_order_features_pass_every_check() -> None:
    found = weighed(first_order_features())
    assert found.probabilities[FIRST_ORDER] > 0.95
    assert sum(found.probabilities.values()) == pytest.approx(1.0)
    assert all(each.passed for each in found.checks)
    names = {each.name for each in found.checks}
    assert {"range of sizes", "evidences", "fit", "prediction of the largest size"} <= names


def test_a_narrow_range_of_sizes_names_nothing() -> None:
    found = weighed(first_order_features(np.array([150.0, 200.0, 300.0, 450.0])))
    assert named_answer(found.probabilities) is None
    failed = [each.name for each in found.checks if not each.passed]
    assert failed == ["range of sizes"]


def test_fluctuations_at_the_edge_withdraw_every_answer() -> None:
    features = tuple(replace(each, at_edge=True) for each in first_order_features())
    found = weighed(features)
    assert found.probabilities[UNDETERMINED] == pytest.approx(1.0)
    assert [each.name for each in found.checks] == [WINDOW]
    # What was likely before is kept.
    assert found.kinds[FIRST_ORDER] > 0.95
    assert found.probabilities[CROSSOVER] == 0.0


def test_what_is_unknown_takes_no_part_and_a_bound_is_no_value() -> None:
    features = list(first_order_features())
    features[0] = replace(features[0], slope_known=False)
    features[3] = replace(features[3], barrier_bounded=True)
    table = feature_table(features, 50.0)
    assert table.positions.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert table.bound_positions.tolist() == [11]
    np.testing.assert_array_equal(table.bounds, features[3].values[2:])


def test_a_barrier_beyond_its_bound_speaks_for_growth() -> None:
    features = list(first_order_features())
    # The bound is lower than the value was: still more than any kind without growth has.
    low = np.array([*features[3].values[:2], 4.0])
    features[3] = replace(features[3], values=low, barrier_bounded=True)
    found = weighed(tuple(features))
    assert found.probabilities[FIRST_ORDER] > 0.95
    # As a value it would refute the growth from 1.25, 2.5 and 5 that it is part of.
    features[3] = replace(features[3], barrier_bounded=False)
    assert weighed(tuple(features)).scores[FIRST_ORDER].predictive < 0.05
