"""Round trips: walks whose times are known, stored counts, phases that shiver."""

from typing import Any

import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import FormatError, InsufficientSamplesError, InvalidValueError
from phasegrok.transitions.round_trips import (
    ladder_round_trips,
    phase_round_trips,
    round_trip_statistics,
)

TOP = 3
EXACT = 2 * TOP * (TOP + 1)  # A walk that stays where it would leave takes n(n + 1) each way.


def walks(seed: int, *, walkers: int = 8, records: int = 4000, every: int = 1) -> xr.Dataset:
    generator = np.random.default_rng(seed)
    rung = np.zeros((walkers, records), dtype=np.int64)
    rung[:, 0] = generator.integers(0, TOP + 1, walkers)
    for record in range(1, records):
        step = 2 * generator.integers(0, 2, walkers) - 1
        rung[:, record] = np.clip(rung[:, record - 1] + step, 0, TOP)
    return xr.Dataset(
        {"rung": (("run", "record"), rung)},
        coords={
            "step": ("record", every * np.arange(records)),
            "outcome": ("run", np.full(walkers, "finished", dtype=object)),
            "record_count": ("run", np.full(walkers, records)),
        },
    )


def test_a_walk_on_a_ladder_has_its_exact_time_and_error() -> None:
    found = [ladder_round_trips(walks(seed)) for seed in range(30)]
    rates = np.array([each.rate for each in found])
    # Trips under way at either end are half a trip of each walker of 166.
    assert rates.mean() == pytest.approx(1 / EXACT, rel=0.01)
    stated = np.mean([each.rate_error**2 for each in found])
    assert stated / rates.var(ddof=1) == pytest.approx(1.0, abs=4 * np.sqrt(2 / 30))
    one = found[0]
    assert one.mean_time == pytest.approx(1 / one.rate)
    assert one.mean_time_error == pytest.approx(one.rate_error / one.rate**2)


def test_times_are_in_steps_and_only_valid_records_count() -> None:
    often, seldom = (ladder_round_trips(walks(1, every=each)) for each in (1, 10))
    assert seldom.count == often.count
    assert seldom.mean_time == pytest.approx(10 * often.mean_time)
    samples = walks(2)
    cut = samples.assign_coords(record_count=("run", [100, 1, *[4000] * 6]))
    kept = ladder_round_trips(cut)
    assert kept.counts.size == 7
    alone = ladder_round_trips(samples.isel(run=[0], record=slice(100)))
    assert kept.counts[0] == alone.counts[0]
    broken = samples.assign_coords(
        outcome=("run", np.array(["diverged", *["finished"] * 7], dtype=object))
    )
    assert ladder_round_trips(broken).counts.size == 7


def test_a_stored_count_is_taken() -> None:
    samples = walks(3).assign(round_trip_count=("run", np.arange(8)))
    np.testing.assert_array_equal(ladder_round_trips(samples).counts, np.arange(8))
    without = samples.drop_vars("rung")
    assert ladder_round_trips(without.assign_coords(record=np.arange(4000))).count == 28


def series(*values: float) -> xr.Dataset:
    return xr.Dataset(
        {"q": (("run", "record"), [list(values)])},
        coords={"outcome": ("run", np.array(["finished"], dtype=object))},
    )


def test_shivering_at_a_cut_is_no_journey() -> None:
    bounds: dict[str, Any] = {"lower": -1.0, "upper": 1.0}
    there = series(-1, 0.1, -0.1, 0.1, -0.1, 1, 0.1, -0.1, -1, 0, 2, 0)
    assert phase_round_trips(there, "q", **bounds).count == 1
    assert phase_round_trips(series(0.1, -0.1, 0.1, -0.1), "q", **bounds).count == 0
    turned = there.assign(q=-there["q"])
    assert phase_round_trips(turned, "q", **bounds).count == 1


def test_walkers_that_never_return_have_no_mean_time() -> None:
    found = round_trip_statistics([0, 0], [10.0, 20.0])
    assert (found.count, found.rate) == (0, 0.0)
    assert np.isinf(found.mean_time)
    assert np.isnan(found.rate_error)
    lone = round_trip_statistics([9], [90.0])
    assert lone.rate_error == pytest.approx(3 / 90)


def test_walkers_that_differ_more_than_chance_have_a_wider_error() -> None:
    found = round_trip_statistics([0, 40], [100.0, 100.0])
    assert found.rate_error == pytest.approx(np.std([0.0, 0.4], ddof=1) / np.sqrt(2))


def test_what_has_no_meaning_is_refused() -> None:
    samples = walks(4, records=10)
    with pytest.raises(FormatError, match="exchange ladder"):
        ladder_round_trips(samples.drop_vars("rung"))
    with pytest.raises(InvalidValueError, match="two rungs or more"):
        ladder_round_trips(samples.assign(rung=0 * samples["rung"]))
    with pytest.raises(FormatError, match="parts the phases"):
        phase_round_trips(samples, "q", lower=0, upper=1)
    with pytest.raises(InvalidValueError, match="above the lower"):
        phase_round_trips(samples, "rung", lower=1, upper=1)
    with pytest.raises(InvalidValueError, match="whole counts"):
        round_trip_statistics([0.5], [1.0])
    with pytest.raises(InvalidValueError, match="one count and one time"):
        round_trip_statistics([1, 2], [1.0])
    with pytest.raises(InsufficientSamplesError, match="round trips"):
        round_trip_statistics([], [])
