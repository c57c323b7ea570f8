"""Escapes from metastable phases against exact means."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

import phasegrok
from phasegrok.errors import InvalidValueError
from phasegrok.exact import (
    curie_weiss_escape_time,
    curie_weiss_escapes,
    double_well_escapes,
    double_well_passage_time,
)

Distance = Callable[[Any, float], float]
SPINS: dict[str, Any] = {"size": 40, "inverse_temperature": 1.5, "exit_magnetization": 0.5}


def spins(*, replicas: int, stop: float, field: Any = 0.08, **changes: Any) -> xr.Dataset:
    settings = {**SPINS, "field": field, "seed": 1, **changes}
    return curie_weiss_escapes(stop_time=stop, replica_count=replicas, **settings)


def test_mean_time_of_spins_is_the_exact_sum(errors_away: Distance) -> None:
    samples = spins(replicas=1000, stop=5000.0)
    times = samples["event_escape_upper"].values / 40
    exact = curie_weiss_escape_time(field=0.08, **SPINS)
    assert np.isfinite(times).all()
    assert errors_away(times, exact) < 4.0


def test_mean_time_in_the_double_well_is_the_exact_quadrature(errors_away: Distance) -> None:
    samples = double_well_escapes(
        barrier=1.0, temperature=0.35, stop_time=2000.0, replica_count=2000, seed=1
    )
    times = 0.01 * samples["event_escape_upper"].values
    exact = double_well_passage_time(barrier=1.0, temperature=0.35)
    assert errors_away(times, exact) < 4.0


def test_bounds_lie_one_update_apart_and_censored_ones_are_open() -> None:
    samples = spins(replicas=60, stop=40.0)
    lower, upper = (samples[f"event_escape_{side}"].values for side in ("lower", "upper"))
    escaped = np.isfinite(upper)
    assert 5 < escaped.sum() < 55
    np.testing.assert_array_equal(upper[escaped] - lower[escaped], 1.0)
    np.testing.assert_array_equal(lower[~escaped], 40.0 * 40)
    np.testing.assert_array_equal(samples["outcome"].values == "truncated", escaped)
    np.testing.assert_allclose(samples["time"].values, samples["step"].values / 40)
    np.testing.assert_array_equal(samples["magnetization"].values[escaped, -1], 0.5)
    assert (samples["magnetization"].values[~escaped, -1] < 0.5).all()
    assert phasegrok.validate(samples) == []


def test_a_later_stop_and_more_runs_change_no_escape() -> None:
    few, many = spins(replicas=20, stop=30.0), spins(replicas=30, stop=90.0, field=[0.1, 0.08])
    same = many.isel(run=(many["field"].values == 0.08) & (many["replica"].values < 20))
    escaped = np.isfinite(few["event_escape_upper"].values)
    assert escaped.any()
    np.testing.assert_array_equal(
        same["event_escape_upper"].values[escaped], few["event_escape_upper"].values[escaped]
    )
    assert (same["event_escape_upper"].values[~escaped] > 30.0 * 40).all()
    assert same["run_id"].values.tolist() == few["run_id"].values.tolist()


def test_what_cannot_escape_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="begin below its exit"):
        spins(replicas=1, stop=1.0, field=1.0)
    with pytest.raises(InvalidValueError, match="stop_time must be positive"):
        spins(replicas=1, stop=0.0)
    with pytest.raises(InvalidValueError, match="temperature must be positive"):
        double_well_escapes(
            barrier=1.0, temperature=0.0, stop_time=1.0, replica_count=1, seed=1
        )
