"""The autoregressive process: its memory, its law, and means that belong to the disorder."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import phasegrok
from phasegrok.errors import InvalidValueError
from phasegrok.exact import autoregressive, autoregressive_time

Distance = Callable[[Any, float], float]


@pytest.mark.parametrize("coefficient", [-0.6, 0.0, 0.9])
def test_correlations_are_powers_of_the_coefficient(
    coefficient: float, errors_away: Distance
) -> None:
    samples = autoregressive(
        coefficient=coefficient, record_count=400, replica_count=200, seed=3
    )
    series = samples["order_parameter"].values
    for lag in (0, 1, 3):
        product = series[:, lag:] * series[:, : series.shape[1] - lag]
        assert errors_away(product.mean(axis=1), coefficient**lag) < 4
    # Stationary from the first record on.
    assert abs(np.mean(series[:, 0] ** 2) - 1) < 4 * (2 / 200) ** 0.5


@pytest.mark.parametrize("coefficient", [-0.5, 0.7, 0.95])
def test_error_of_the_mean_is_that_of_the_exact_time(coefficient: float) -> None:
    count, runs = 2000, 2000
    samples = autoregressive(
        coefficient=coefficient, record_count=count, replica_count=runs, seed=7
    )
    means = samples["order_parameter"].mean("record").values
    predicted = 2 * float(samples["autocorrelation_time"][0]) / count
    # Relative error of a variance √(2/runs); the finite length costs about τ/count.
    assert means.var() / predicted == pytest.approx(1.0, abs=4 * (2 / runs) ** 0.5 + 0.02)


def test_time_is_the_sum_over_lags() -> None:
    for coefficient in (-0.3, 0.0, 0.8):
        series = 0.5 + np.sum(coefficient ** np.arange(1.0, 300.0))
        assert float(autoregressive_time(coefficient)) == pytest.approx(series)


def test_disorder_shifts_all_runs_of_its_own() -> None:
    samples = autoregressive(
        coefficient=[0.0, 0.5],
        record_count=300,
        replica_count=2,
        disorder_count=400,
        disorder_deviation=10**0.5,
        seed=5,
    )
    mean = samples["disorder_mean"].values.reshape(2, 400, 2)
    assert (mean == mean[:1, :, :1]).all()
    # Standard error of a variance: σ² √(2/n).
    assert abs(mean[0, :, 0].var(ddof=1) / 10 - 1) < 4 * (2 / 400) ** 0.5
    within = samples["order_parameter"].mean("record").values - samples["disorder_mean"].values
    assert abs(within).max() < 5 * (2 * 1.5 / 300) ** 0.5


def test_dataset_follows_the_schema() -> None:
    plain = autoregressive(coefficient=[0.1, 0.5], record_count=4, replica_count=2, seed=1)
    assert phasegrok.validate(plain) == []
    assert plain["order_parameter"].attrs["symmetry"] == "sign"
    shifted = autoregressive(
        coefficient=0.5, record_count=4, disorder_count=3, disorder_deviation=1.0, seed=1
    )
    assert phasegrok.validate(shifted) == []
    assert shifted["order_parameter"].attrs["symmetry"] == "none"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"coefficient": 1.0}, "coefficient must lie between -1 and 1"),
        ({"coefficient": np.nan}, "coefficient must be finite"),
        ({"disorder_deviation": -1.0}, "disorder_deviation must not be negative"),
        ({"disorder_count": 1.5}, "disorder_count must be a whole number"),
        ({"record_count": 10**12}, "GiB"),
    ],
)
def test_refusals(change: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {"coefficient": 0.5, "record_count": 4, "seed": 1}
    with pytest.raises(InvalidValueError, match=message):
        autoregressive(**{**good, **change})
