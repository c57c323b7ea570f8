"""Driven runs follow the schema, their labels, and nothing else."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

import phasegrok
from phasegrok.errors import InvalidValueError
from phasegrok.exact import (
    FieldRamp,
    concatenated,
    driven_curie_weiss_ising,
    driven_double_well,
)

Driven = Callable[[FieldRamp, int, int], xr.Dataset]


def ramp(**changes: Any) -> FieldRamp:
    plain: dict[str, Any] = {
        "lowest": -0.5,
        "highest": 0.5,
        "rates": (0.05, 0.1),
        "record_count": 11,
    }
    return FieldRamp(**{**plain, **changes})


SYSTEMS: dict[str, tuple[str, Driven]] = {
    "curie_weiss": (
        "magnetization",
        lambda each, replicas, seed: driven_curie_weiss_ising(
            size=20,
            inverse_temperature=[0.9, 1.4],
            ramp=each,
            replica_count=replicas,
            seed=seed,
        ),
    ),
    "double_well": (
        "order_parameter",
        lambda each, replicas, seed: driven_double_well(
            barrier=0.25, temperature=[0.1, 0.02], ramp=each, replica_count=replicas, seed=seed
        ),
    ),
}
EVERY = pytest.mark.parametrize(("variable", "driven"), SYSTEMS.values(), ids=SYSTEMS)


@EVERY
def test_runs_follow_the_schema_and_state_their_drive(variable: str, driven: Driven) -> None:
    samples = driven(ramp(directions=("up", "down", "around")), 2, 1)
    assert phasegrok.validate(samples) == []
    assert samples.sizes["run"] == 2 * 2 * 3 * 2
    assert set(samples["direction"].values) == {"up", "down", "around"}
    assert samples[variable].dtype == np.float64
    for run in range(samples.sizes["run"]):
        one = samples.isel(run=run)
        count = int(one["record_count"])
        now, time = one["field_now"].values[:count], one["time"].values[:count]
        speed = np.abs(np.diff(now)) / np.diff(time)
        np.testing.assert_allclose(speed, float(one["rate"]), rtol=1e-9)
        ends = {"up": (-0.5, 0.5), "down": (0.5, -0.5), "around": (-0.5, -0.5)}
        assert (now[0], now[-1]) == pytest.approx(ends[str(one["direction"].values)])
        assert float(one["field"]) == now[0]


@EVERY
def test_more_of_everything_changes_no_existing_run(variable: str, driven: Driven) -> None:
    few = driven(ramp(rates=(0.1,), directions=("down",)), 1, 3)
    many = driven(ramp(), 3, 3)
    for run in range(few.sizes["run"]):
        name = few["run_id"].values[run]
        match = int(np.flatnonzero(many["run_id"].values == name).item())
        np.testing.assert_array_equal(many[variable].values[match], few[variable].values[run])


@EVERY
def test_another_label_is_another_stream(variable: str, driven: Driven) -> None:
    samples = driven(ramp(rates=(0.1,)), 2, 3)
    other = driven(ramp(rates=(0.1,)), 2, 4)
    rows = np.concatenate([samples[variable].values, other[variable].values])
    assert len(np.unique(rows.round(12), axis=0)) == len(rows)


def test_sizes_are_joined() -> None:
    parts = [
        driven_curie_weiss_ising(size=size, inverse_temperature=1.2, ramp=ramp(), seed=1)
        for size in (8, 16)
    ]
    joined = concatenated(parts)
    assert phasegrok.validate(joined) == []
    assert sorted(set(joined["size"].values.tolist())) == [8, 16]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lowest": 0.5}, "lowest must lie below highest"),
        ({"highest": np.inf}, "highest must be a finite number"),
        ({"rates": ()}, "rates must be given and differ"),
        ({"rates": (0.1, 0.1)}, "rates must be given and differ"),
        ({"rates": (0.0,)}, "every rate must be positive"),
        ({"record_count": 1}, "record_count must be a whole number of at least 2"),
        ({"directions": ("upward",)}, "no direction 'upward'"),
        ({"directions": ()}, "directions must be given"),
    ],
)
def test_ramps_without_meaning_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValueError, match=message):
        ramp(**change)
