"""Moments against exact answers: coverage of the mean, mixtures, Gaussians, delta peaks."""

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.moments import binder_cumulant, kurtosis_ratio, mean, susceptibility
from phasegrok.statistics.samples import FloatArray, Status

STUDIES, SAMPLES = 4000, 20  # Few samples each, so that a biased estimator fails.


def autoregression(coefficient: float, shape: tuple[int, ...], seed: int) -> FloatArray:
    noise = np.random.default_rng(seed).normal(size=shape)
    noise[..., 1:] *= np.sqrt(1.0 - coefficient**2)
    series: FloatArray = scipy.signal.lfilter([1.0], [1.0, -coefficient], noise, axis=-1)
    return series


@pytest.mark.parametrize("coefficient", [-0.5, 0.0, 0.7, 0.9])
@pytest.mark.parametrize(("width", "level"), [(1.0, 0.6827), (1.96, 0.95)])
def test_intervals_of_the_mean_cover(coefficient: float, width: float, level: float) -> None:
    count = 1500
    estimate = mean(autoregression(coefficient, (count, 3000), seed=11) + 2.0)
    covered = np.mean(np.abs(estimate.mean - 2.0) < width * estimate.error)
    # 4 binomial errors, and what the noise of τ (8 % at the longest time) costs at most.
    assert abs(covered - level) < 4.0 * (level * (1.0 - level) / count) ** 0.5 + 0.005
    assert np.all(estimate.status == Status.RESOLVED)


def test_mean_of_constants_is_exact() -> None:
    estimate = mean(np.full((2, 30), 0.1))
    assert np.all(estimate.mean == 0.1)
    assert np.all(estimate.error == 0.0)
    assert np.all(estimate.effective_samples == 30.0)
    assert np.all(estimate.status == Status.CONSTANT)


@pytest.mark.parametrize("system_size", [10.0, 100.0, 1000.0])
@pytest.mark.parametrize("weight", [0.0, 0.2, 0.5])  # Weight 0 is a single phase.
def test_susceptibility_of_two_phases(weight: float, system_size: float) -> None:
    generator = np.random.default_rng(20240607)
    gap = 0.8
    in_second_phase = generator.random((STUDIES, SAMPLES)) < weight
    thermal_noise = generator.normal(scale=system_size**-0.5, size=in_second_phase.shape)

    estimates = susceptibility(gap * in_second_phase + thermal_noise, system_size=system_size)

    exact = 1.0 + system_size * weight * (1.0 - weight) * gap**2
    standard_error = estimates.std(ddof=1) / STUDIES**0.5
    assert abs(estimates.mean() - exact) < 4.0 * standard_error


def test_susceptibility_of_correlated_samples_is_corrected() -> None:
    series = autoregression(0.8, (STUDIES, 200), seed=12)
    corrected = susceptibility(series, system_size=7.0, autocorrelation_time=4.5)
    standard_error = corrected.std(ddof=1) / STUDIES**0.5
    second_order = 7.0 * (9.0 / 200) ** 2
    assert abs(corrected.mean() - 7.0) < 4.0 * standard_error + second_order
    naive = susceptibility(series, system_size=7.0)
    assert naive.mean() < 7.0 - 4.0 * standard_error  # The correction is there to be seen.


def test_susceptibility_ignores_shifts_and_is_quadratic_in_scale() -> None:
    samples = np.random.default_rng(0).normal(size=(3, 50))
    expected = 4.0 * susceptibility(samples, system_size=7.0)
    actual = susceptibility(2.0 * samples + 5.0, system_size=7.0)
    np.testing.assert_allclose(actual, expected, rtol=1e-12)
    sizes = np.array([1.0, 2.0, 3.0])
    actual = susceptibility(samples, system_size=sizes, autocorrelation_time=sizes)
    for row, size in enumerate(sizes):
        expected = susceptibility(samples[row], system_size=size, autocorrelation_time=size)
        np.testing.assert_allclose(actual[row], expected)


def test_binder_cumulant_of_known_laws() -> None:
    generator = np.random.default_rng(13)
    signs = generator.choice([-1.0, 1.0], size=(200, 2000))
    np.testing.assert_allclose(binder_cumulant(signs), 2.0 / 3.0, rtol=1e-12)
    gaussian = binder_cumulant(3.0 * generator.normal(size=(200, 2000)))
    bias = 4.0 / 2000  # Of order 1/n.
    assert abs(gaussian.mean()) < 4.0 * gaussian.std(ddof=1) / 200**0.5 + bias
    # Two Gaussians at ±1 of width 1/2: ⟨m²⟩ = 1 + v, ⟨m⁴⟩ = 1 + 6v + 3v² with v = 1/4.
    mixture = binder_cumulant(signs + 0.5 * generator.normal(size=signs.shape))
    exact = 1.0 - (1.0 + 6.0 / 4.0 + 3.0 / 16.0) / (3.0 * (5.0 / 4.0) ** 2)
    assert abs(mixture.mean() - exact) < 4.0 * mixture.std(ddof=1) / 200**0.5 + bias


def test_kurtosis_ratio_of_known_laws() -> None:
    generator = np.random.default_rng(14)
    peaks = np.repeat([0.2, 0.9], 50)
    np.testing.assert_allclose(kurtosis_ratio(peaks), 1.0, rtol=1e-12)
    gaussian = kurtosis_ratio(5.0 + generator.normal(size=(200, 2000)))
    exact = 3.0 * (2000 - 1) / (2000 + 1)  # For the ratio of sample moments.
    assert abs(gaussian.mean() - exact) < 4.0 * gaussian.std(ddof=1) / 200**0.5


def test_undefined_ratios_are_nan_and_do_not_warn() -> None:
    assert np.isnan(binder_cumulant(np.zeros(5)))
    np.testing.assert_allclose(binder_cumulant(np.full(5, 0.1)), 2.0 / 3.0)
    assert np.all(np.isnan(kurtosis_ratio(np.full((2, 5), 0.1))))


@settings(max_examples=50, deadline=None)
@given(st.integers(3, 60), st.floats(-50.0, 50.0), st.floats(1e-2, 1e2), st.integers(0, 2**31))
def test_shift_and_scale(length: int, shift: float, scale: float, seed: int) -> None:
    samples = np.random.default_rng(seed).normal(size=length)
    moved = -scale * samples + shift
    np.testing.assert_allclose(kurtosis_ratio(moved), kurtosis_ratio(samples), rtol=1e-7)
    np.testing.assert_allclose(
        binder_cumulant(-scale * samples), binder_cumulant(samples), rtol=1e-9, atol=1e-12
    )
    before, after = mean(samples), mean(moved)
    np.testing.assert_allclose(after.mean, shift - scale * before.mean, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(after.error, scale * before.error, rtol=1e-6)


def test_integers_work() -> None:
    samples = np.random.default_rng(0).integers(0, 3, size=(2, 100))
    for function in (binder_cumulant, kurtosis_ratio):
        np.testing.assert_allclose(function(samples), function(samples.astype(float)))
    np.testing.assert_allclose(mean(samples).mean, samples.mean(axis=-1))


def test_refusals() -> None:
    with pytest.raises(InsufficientSamplesError, match="at least 2 samples"):
        susceptibility(np.zeros((5, 1)), system_size=10.0)
    with pytest.raises(InsufficientSamplesError, match="at least 21 samples, received 20"):
        susceptibility(np.zeros(20), system_size=10.0, autocorrelation_time=10.0)
    with pytest.raises(InvalidValueError, match="system_size must be positive"):
        susceptibility(np.zeros(20), system_size=0.0)
    with pytest.raises(InsufficientSamplesError, match="mean needs at least 2"):
        mean([1.0])
    with pytest.raises(InsufficientSamplesError, match="Binder cumulant needs at least 1"):
        binder_cumulant([])
