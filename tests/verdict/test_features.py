"""What is read off one size: against laws whose slope, variance and barrier are known."""

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray

from phasegrok.transitions.blocks import blocks_of
from phasegrok.transitions.chains import gather_chains
from phasegrok.verdict.features import SizeFeatures, measure_features

SIZE = 60.0
CONTROLS = np.linspace(-8.0, 8.0, 10) / SIZE


def features_of(rows: NDArray[np.float64], controls: NDArray[np.float64]) -> SizeFeatures:
    """Features of rows (run, record) at one control each."""
    coords = {"g": ("run", controls), "N": ("run", np.full(len(rows), SIZE))}
    samples = xr.DataArray(rows, dims=("run", "record"), coords=coords)
    (size,) = gather_chains(samples, control="g", size="N", dimension=None)
    return measure_features(
        size, [blocks_of(size)], mixing=0.0, generator=np.random.default_rng(1)
    )


def upper_phase(shape: tuple[int, int], controls: NDArray[np.float64]) -> NDArray[np.bool_]:
    chance = 1.0 / (1.0 + np.exp(-SIZE * controls))
    chosen: NDArray[np.bool_] = np.random.default_rng(2).random(shape) < chance[:, None]
    return chosen


def test_two_phases_have_the_slope_variance_and_gap_of_a_mixture() -> None:
    controls = np.repeat(CONTROLS, 4)
    shape = (controls.size, 2000)
    noise = np.random.default_rng(3).standard_normal(shape) / np.sqrt(SIZE)
    found = features_of(upper_phase(shape, controls) + noise, controls)
    # logit w = N g, means 0 and 1: at w = 1/2 the slope is N/4, the variance 1/4 + 1/N.
    error = np.sqrt(np.diag(found.covariance))
    # A smooth surface is low by up to 6 %, within what verdicts allow at the smallest size.
    allowed = 4.0 * error[:2] + np.array([0.1, 0.05])
    exact = np.log([SIZE / 4.0, 0.25 + 1.0 / SIZE])
    np.testing.assert_array_less(np.abs(found.values[:2] - exact), allowed)
    # The largest of many nearly equal values lies above them by part of its error.
    assert abs(found.transition) < 2.0 / SIZE
    assert abs(found.gap - 1.0) < 0.05
    assert found.slope_known
    assert not found.at_edge


def test_chains_that_never_hop_leave_the_slope_unknown() -> None:
    # Two chains in either phase at every control, whatever the weights are.
    controls = np.repeat(CONTROLS, 4)
    noise = np.random.default_rng(4).standard_normal((controls.size, 500)) / np.sqrt(SIZE)
    phases = np.tile([0.0, 0.0, 1.0, 1.0], CONTROLS.size)[:, None]
    found = features_of(phases + noise, controls)
    assert not found.slope_known
    assert abs(found.gap - 1.0) < 0.05


def test_a_transition_beside_the_window_is_at_its_edge() -> None:
    below = np.repeat(CONTROLS - 10.0 / SIZE, 4)
    shape = (below.size, 1000)
    noise = np.random.default_rng(5).standard_normal(shape) / np.sqrt(SIZE)
    assert features_of(upper_phase(shape, below) + noise, below).at_edge


def test_a_level_variance_has_no_edge_to_lie_at() -> None:
    controls = np.repeat(np.linspace(-0.3, 0.3, 10), 4)
    noise = np.random.default_rng(6).standard_normal((controls.size, 1000)) / np.sqrt(SIZE)
    found = features_of(controls[:, None] + noise, controls)
    assert not found.at_edge
    # One well: the variance is 1/N, the slope 1, and no barrier.
    assert abs(found.values[1] + np.log(SIZE)) < 0.25
    assert abs(found.values[0]) < 0.1
    assert found.values[2] < 0.1


def test_the_covariance_over_disorders_is_unbiased_for_its_inverse() -> None:
    count, controls = 8, np.repeat(CONTROLS, 2)
    generator = np.random.default_rng(11)
    shape = (count, controls.size, 400)
    chance = 1.0 / (1.0 + np.exp(-SIZE * controls))
    rows = (generator.random(shape) < chance[:, None]) + generator.standard_normal(
        shape
    ) / np.sqrt(SIZE)
    single = np.stack([features_of(each, controls).values for each in rows])
    coords = {
        "g": ("run", np.tile(controls, count)),
        "N": ("run", np.full(count * controls.size, SIZE)),
        "disorder": ("run", np.repeat(np.arange(count), controls.size)),
    }
    samples = xr.DataArray(rows.reshape(-1, shape[2]), dims=("run", "record"), coords=coords)
    (size,) = gather_chains(samples, control="g", size="N", dimension=None)
    blocks = [blocks_of(size.of_disorder(each)) for each in size.disorders]
    found = measure_features(size, blocks, mixing=0.0, generator=generator)
    np.testing.assert_allclose(found.values, single.mean(axis=0), rtol=1e-9)
    # Eight disorders, three features: 7/(8 - 5) of the covariance of the mean.
    expected = np.cov(single.T, ddof=1) / count * 7.0 / 3.0
    np.testing.assert_allclose(found.covariance, expected, rtol=1e-6)


def disordered(distances: NDArray[np.float64]) -> SizeFeatures:
    """Two phases of equal weight at g = 0, a distance apart of its own in each disorder."""
    controls = np.repeat(CONTROLS, 2)
    generator = np.random.default_rng(17)
    shape = (distances.size, controls.size, 600)
    chance = 1.0 / (1.0 + np.exp(-SIZE * controls))
    rows = distances[:, None, None] * (generator.random(shape) < chance[:, None])
    rows = rows + 0.1 * generator.standard_normal(shape)
    coords = {
        "g": ("run", np.tile(controls, distances.size)),
        "N": ("run", np.full(distances.size * controls.size, SIZE)),
        "disorder": ("run", np.repeat(np.arange(distances.size), controls.size)),
    }
    samples = xr.DataArray(rows.reshape(-1, shape[2]), dims=("run", "record"), coords=coords)
    (size,) = gather_chains(samples, control="g", size="N", dimension=None)
    blocks = [blocks_of(size.of_disorder(each)) for each in size.disorders]
    return measure_features(size, blocks, mixing=0.0, generator=generator)


def test_the_relative_variance_over_disorders_is_that_of_their_laws() -> None:
    distances = np.repeat([0.6, 1.0, 1.4], 4)
    found = disordered(distances)
    # At equal weights the variance is Δ²/4 and that of one phase.
    heights = 0.25 * distances**2 + 0.01
    exact = heights.var(ddof=1) / heights.mean() ** 2
    assert abs(found.relative_variance - exact) < 4.0 * found.relative_variance_error
    # The laws are what they are: only sampling makes the estimate differ, within a few percent.
    assert abs(found.relative_variance / exact - 1.0) < 0.1
    assert 0.3 < found.relative_variance_error / exact < 1.0


def test_equal_disorders_have_no_relative_variance() -> None:
    found = disordered(np.ones(12))
    assert abs(found.relative_variance) < 4.0 * found.relative_variance_error
    assert found.relative_variance_error < 0.002


def test_one_disorder_has_no_relative_variance() -> None:
    rows = np.random.default_rng(3).standard_normal((2 * CONTROLS.size, 400))
    found = features_of(rows, np.repeat(CONTROLS, 2))
    assert np.isnan(found.relative_variance)
    assert np.isnan(found.relative_variance_error)


def far_apart(records: int, distance: float = 1.2, disorders: int = 1) -> SizeFeatures:
    """Two phases of width 0.1, far apart in the first disorder, of weights that turn over."""
    controls = np.repeat(CONTROLS, 2)
    generator = np.random.default_rng(23)
    shape = (disorders, controls.size, records)
    chance = 1.0 / (1.0 + np.exp(-SIZE * controls))
    distances = np.where(np.arange(disorders) == 0, distance, 0.5)[:, None, None]
    rows = distances * (generator.random(shape) < chance[:, None])
    rows = rows + 0.1 * generator.standard_normal(shape)
    coords = {
        "g": ("run", np.tile(controls, disorders)),
        "N": ("run", np.full(disorders * controls.size, SIZE)),
        "disorder": ("run", np.repeat(np.arange(disorders), controls.size)),
    }
    samples = xr.DataArray(rows.reshape(-1, records), dims=("run", "record"), coords=coords)
    (size,) = gather_chains(samples, control="g", size="N", dimension=None)
    blocks = [blocks_of(size.of_disorder(each)) for each in size.disorders]
    return measure_features(size, blocks, mixing=0.0, generator=generator)


def test_a_barrier_whose_valley_was_never_seen_is_bounded_from_below() -> None:
    # Twelve widths apart: Δ²/(8 σ²) - ln 2 above the valley at equal weights.
    exact = 1.2**2 / (8.0 * 0.01) - np.log(2.0)
    few, many = far_apart(200), far_apart(1600)
    for found in (few, many):
        assert found.barrier_bounded
        assert 2.0 < found.values[2] < exact
    # Eight times the draws that might have fallen there say ln 8 more.
    assert abs(many.values[2] - few.values[2] - np.log(8.0)) < 0.5


@pytest.mark.xfail(
    strict=True,
    reason="the change of ln p with the control is a spline of five coefficients, too smooth "
    "for narrow phases: 1.01 instead of 2.43 at five widths",
)
def test_a_barrier_of_narrow_phases_is_a_value() -> None:
    found = far_apart(1600, distance=0.5)
    exact = 25.0 / 8.0 - np.log(2.0)
    assert not found.barrier_bounded
    assert abs(found.values[2] - exact) < 4.0 * found.covariance[2, 2] ** 0.5 + 0.1


def test_a_bound_of_one_disorder_bounds_the_mean() -> None:
    assert far_apart(200, disorders=8).barrier_bounded
    assert not far_apart(200, distance=0.5, disorders=8).barrier_bounded
