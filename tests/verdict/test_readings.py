"""Which sizes count, and what is said of those that do not."""

import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import InvalidValueError
from phasegrok.verdict.readings import Places, read_sizes, unexplained

PLACES = Places(control="g", size="N", dimension=None)
RECORDS = 300


def well(chains: int = 2, controls: int = 6) -> xr.DataArray:
    """A well of variance 1/N that follows its control, at two sizes."""
    place = [(g, n) for n in (50.0, 100.0) for g in np.linspace(-0.3, 0.3, controls)]
    g, n = np.repeat(place, chains, axis=0).T
    noise = np.random.default_rng(5).standard_normal((g.size, RECORDS)) / np.sqrt(n)[:, None]
    coords = {"g": ("run", g), "N": ("run", n)}
    return xr.DataArray(g[:, None] + noise, dims=("run", "record"), coords=coords)


def test_sound_sizes_count_without_a_word() -> None:
    reading = read_sizes(well(), PLACES, seed=[1])
    assert [each.size for each in reading.features] == [50.0, 100.0]
    assert reading.refused == ()
    assert not reading.even


def test_lone_chains_are_remarked() -> None:
    reading = read_sizes(well(chains=1), PLACES, seed=[1])
    assert len(reading.features) == 2
    assert "one chain at each control" in reading.refused[0]


def test_controls_that_differ_by_rounding_are_one() -> None:
    samples = well()
    shaken = samples["g"] + 1e-13 * np.arange(samples.sizes["run"])
    found = read_sizes(samples.assign_coords(g=shaken), PLACES, seed=[1])
    assert found.refused == ()
    expected = read_sizes(samples, PLACES, seed=[1])
    for one, other in zip(expected.features, found.features, strict=True):
        np.testing.assert_allclose(one.values, other.values, rtol=1e-6)


def test_too_few_controls_name_the_disorder_that_has_them() -> None:
    parts = [well().assign_coords(disorder=("run", np.full(24, each))) for each in range(6)]
    noise = np.random.default_rng(9).standard_normal((6, 24, RECORDS))
    parts = [each + 1e-3 * more for each, more in zip(parts, noise, strict=True)]
    parts[4] = parts[4].isel(run=[0, 1, 2, 3, 12, 13, 14, 15])
    reading = read_sizes(xr.concat(parts, "run"), PLACES, seed=[1])
    assert reading.features == ()
    assert "2 controls in the disorder 4, 4 are needed" in reading.refused[0]


def test_copies_of_a_run_are_refused() -> None:
    samples = well()
    with pytest.raises(InvalidValueError, match="leave the copy out"):
        read_sizes(xr.concat([samples, samples], "run"), PLACES, seed=[1])


def test_a_setting_that_differs_among_runs_of_one_point_is_told() -> None:
    samples = well()
    rates = np.tile([0.1, 0.2], samples.sizes["run"] // 2)
    doubts = unexplained(samples.assign_coords(learning_rate=("run", rates)), PLACES)
    assert len(doubts) == 1
    assert "differ in 'learning_rate'" in doubts[0]
    # What belongs to the point, or tells chains apart, is no such setting.
    known = samples.assign_coords(width=("run", samples["N"].to_numpy() ** 2))
    known = known.assign_coords(replica=("run", np.tile([0, 1], samples.sizes["run"] // 2)))
    assert unexplained(known, PLACES) == ()


def test_chains_of_unequal_lengths_are_read_whole() -> None:
    samples = well(chains=3)
    counts = np.tile([RECORDS, RECORDS, 10], samples.sizes["run"] // 3)
    cut = samples.assign_coords(record_count=("run", counts))
    whole = read_sizes(samples, PLACES, seed=[1]).features
    for one, other in zip(whole, read_sizes(cut, PLACES, seed=[1]).features, strict=True):
        error = np.hypot(*np.sqrt([np.diag(one.covariance), np.diag(other.covariance)]))
        np.testing.assert_array_less(np.abs(one.values - other.values), 4.0 * error + 1e-9)


def test_sizes_whose_chains_wander_are_listed() -> None:
    samples = well()
    walk = np.random.default_rng(8).standard_normal((samples.sizes["run"], RECORDS)).cumsum(1)
    large = samples["N"].to_numpy() > 70.0
    samples = samples.copy(data=np.where(large[:, None], 5.0 + 0.05 * walk, samples))
    reading = read_sizes(samples, PLACES, seed=[1])
    assert [each.size for each in reading.features] == [50.0]
    assert reading.unmixed == (100.0,)
    assert any("the size 100 does not count: its chains have not" in s for s in reading.refused)
