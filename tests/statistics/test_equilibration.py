"""Cuts of series whose relaxation is known, and drifts that are there or not."""

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.equilibration import (
    candidate_starts,
    equilibration_start,
    first_last_difference,
)
from phasegrok.statistics.samples import FloatArray, Status


def autoregression(coefficient: float, shape: tuple[int, ...], seed: int) -> FloatArray:
    noise = np.random.default_rng(seed).normal(size=shape)
    noise[..., 1:] *= np.sqrt(1.0 - coefficient**2)
    series: FloatArray = scipy.signal.lfilter([1.0], [1.0, -coefficient], noise, axis=-1)
    return series


@pytest.mark.parametrize("relaxation", [20.0, 80.0])
def test_cuts_where_the_relaxation_has_sunk_into_the_noise(relaxation: float) -> None:
    length = 4000
    time = np.arange(length)
    series = autoregression(0.5, (40, length), seed=1) + 20.0 * np.exp(-time / relaxation)

    result = equilibration_start(series)

    # The transient is below a tenth of the noise after ln(200) relaxation times; a candidate
    # every 168 records can only cut late by so much, or by chance somewhat more.
    sunk = relaxation * np.log(20.0)
    assert np.all(result.start > 0.5 * sunk)
    assert np.median(result.start) < relaxation * np.log(200.0) + 3 * 168
    assert np.all(result.status == Status.RESOLVED)
    kept = [row[start:].mean() for row, start in zip(series, result.start, strict=True)]
    deviation = np.mean(kept) / (np.std(kept, ddof=1) / 40**0.5)
    assert abs(deviation) < 4.5
    assert abs(series.mean(axis=-1).mean()) > 0.05  # Burn-in kept: the mean is visibly wrong.


def test_a_stationary_series_is_kept_almost_whole() -> None:
    result = equilibration_start(autoregression(0.5, (100, 2000), seed=2))
    assert np.median(result.start) == 0
    assert result.effective_samples.mean() > 0.95 * 2000 / 3.0


def test_a_steady_drift_is_not_called_equilibrium() -> None:
    series = autoregression(0.2, (20, 1000), seed=3) * 0.1 + np.linspace(0.0, 10.0, 1000)
    assert np.all(equilibration_start(series).status == Status.UNRESOLVED)


def test_a_cut_at_the_last_candidate_is_not_trusted() -> None:
    series = autoregression(0.0, (1000,), seed=7)
    series[:800] += 10.0
    result = equilibration_start(series)
    assert result.start == 800
    assert result.effective_samples > 100.0
    assert result.status == Status.UNRESOLVED


def test_a_run_that_freezes_is_marked_constant() -> None:
    series = np.concatenate([np.linspace(1.0, 0.0, 30), np.zeros(70)])
    result = equilibration_start(series)
    assert result.status == Status.CONSTANT
    assert 25 <= result.start <= 35


def test_every_point_is_cut_by_itself() -> None:
    series = autoregression(0.5, (2, 600), seed=4)
    series[1, :150] += 10.0
    both = equilibration_start(series)
    assert both.start[0] < both.start[1]
    for row, start, time in zip(series, both.start, both.time, strict=True):
        alone = equilibration_start(row)
        assert alone.start == start
        np.testing.assert_allclose(alone.time, time, rtol=1e-12)


def test_candidates() -> None:
    assert candidate_starts(1000, count=5, latest=0.8) == (0, 200, 400, 600, 800)
    assert candidate_starts(4) == (0, 1, 2)
    assert candidate_starts(100, count=1) == (0,)
    assert equilibration_start(np.arange(50.0) % 7, candidates=(10,)).start == 10
    with pytest.raises(InvalidValueError, match="count >= 1 and 0 <= latest < 1"):
        candidate_starts(100, latest=1.0)
    with pytest.raises(InvalidValueError, match="need to leave two of 50 samples"):
        equilibration_start(np.zeros(50), candidates=(0, 49))
    with pytest.raises(InvalidValueError, match="need to leave two of 50 samples"):
        equilibration_start(np.zeros(50), candidates=())


@pytest.mark.parametrize("coefficient", [0.0, 0.8])
def test_z_scores_are_unit_normal_without_drift(coefficient: float) -> None:
    count = 1000
    result = first_last_difference(autoregression(coefficient, (count, 4000), seed=5))
    spread = result.z_score.std(ddof=1)
    assert abs(result.z_score.mean()) < 4.0 / count**0.5
    assert abs(spread - 1.0) < 4.0 / (2.0 * count) ** 0.5 + 0.03  # τ itself is noisy by 5 %.


def test_a_drift_is_seen_with_its_sign() -> None:
    series = autoregression(0.5, (50, 2000), seed=6) + np.linspace(1.0, 0.0, 2000)
    result = first_last_difference(series)
    # First tenth 0.95, last half 0.25.
    standard_error = result.difference.std(ddof=1) / 50**0.5
    assert abs(result.difference.mean() - 0.7) < 4.0 * standard_error
    assert result.z_score.mean() > 4.0


def test_constant_parts() -> None:
    still = first_last_difference(np.full((2, 40), 0.1))
    assert np.all(still.z_score == 0.0)
    assert np.all(still.difference == 0.0)
    step = first_last_difference([1.0] * 10 + [0.1] * 30)
    assert step.z_score == np.inf
    assert first_last_difference([-1.0] * 10 + [0.1] * 30).z_score == -np.inf


@settings(max_examples=40, deadline=None)
@given(st.integers(4, 80), st.floats(-50.0, 50.0), st.floats(1e-2, 1e2), st.integers(0, 2**31))
def test_shift_and_scale(length: int, shift: float, scale: float, seed: int) -> None:
    samples = np.random.default_rng(seed).normal(size=length)
    before = first_last_difference(samples)
    after = first_last_difference(scale * samples + shift)
    np.testing.assert_allclose(
        after.difference, scale * before.difference, rtol=1e-6, atol=1e-8
    )
    np.testing.assert_allclose(after.error, scale * before.error, rtol=1e-6, atol=1e-8)
    assert equilibration_start(samples).start == equilibration_start(8.0 * samples).start


def test_refuses_short_series_and_overlapping_parts() -> None:
    with pytest.raises(
        InsufficientSamplesError, match="equilibration needs at least 4 samples"
    ):
        equilibration_start([1.0, 2.0, 3.0])
    with pytest.raises(InsufficientSamplesError, match="drift comparison needs at least 4"):
        first_last_difference([1.0, 2.0, 3.0])
    with pytest.raises(InvalidValueError, match=r"at most 1, received 0\.6 and 0\.5"):
        first_last_difference(np.zeros(50), first=0.6)
