"""The driven single well: its closed-form moments at every size and field."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

import phasegrok
from phasegrok.errors import InvalidValueError
from phasegrok.exact import driven_single_well

Distance = Callable[[Any, float], float]


@pytest.mark.parametrize("size", [10, 1000])
@pytest.mark.parametrize("skewness", [0.0, 1.0, -1.5])
def test_moments(size: int, skewness: float, errors_away: Distance) -> None:
    samples = driven_single_well(
        size=size,
        field=[-0.5, 2.0],
        skewness=skewness,
        record_count=500,
        replica_count=100,
        seed=3,
    )
    for field in (-0.5, 2.0):
        draws = samples["order_parameter"].values[samples["field"].values == field]
        deviation = (draws - np.tanh(field)) * size**0.5
        assert errors_away(deviation.mean(axis=1), 0.0) < 4
        assert errors_away((deviation**2).mean(axis=1), 1.0) < 4
        assert errors_away((deviation**3).mean(axis=1), skewness) < 4
        assert errors_away((deviation**4).mean(axis=1), 3 + 1.5 * skewness**2) < 4


def test_without_skewness_it_is_the_gaussian_well() -> None:
    samples = driven_single_well(size=50, field=0.3, record_count=20_000, seed=1)
    law = stats.norm(np.tanh(0.3), 50**-0.5)
    assert stats.kstest(samples["order_parameter"].values[0], law.cdf).pvalue > 1e-3


def test_dataset_follows_the_schema() -> None:
    samples = driven_single_well(
        size=8, field=np.linspace(-1, 1, 5), record_count=4, replica_count=2, seed=1
    )
    assert phasegrok.validate(samples) == []
    assert samples.sizes == {"run": 10, "record": 4}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": 0}, "size must be a whole number"),
        ({"size": 10.0}, "size must be a whole number"),
        ({"field": [0.0, 0.0]}, "none twice"),
        # Both zeros have one seed.
        ({"field": [0.0, -0.0]}, "none twice"),
        ({"skewness": np.inf}, "skewness must be a finite number"),
        ({"record_count": -1}, "record_count must be a whole number"),
    ],
)
def test_refusals(change: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {"size": 8, "field": [0.0], "record_count": 5, "seed": 1}
    with pytest.raises(InvalidValueError, match=message):
        driven_single_well(**{**good, **change})
