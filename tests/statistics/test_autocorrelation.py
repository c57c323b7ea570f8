"""Autocorrelation times against AR(1), whose times are exact, and against a direct sum."""

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.autocorrelation import (
    autocorrelation_function,
    effective_sample_size,
    grouped_autocorrelation_time,
    integrated_autocorrelation_time,
    pooled_autocorrelation_time,
    pooled_effective_sample_size,
    ragged_autocorrelation_time,
)
from phasegrok.statistics.layout import run_layout
from phasegrok.statistics.samples import FloatArray, Status


def autoregression(
    coefficient: float, shape: tuple[int, ...], generator: np.random.Generator
) -> FloatArray:
    """Stationary AR(1) of unit variance along the last axis."""
    noise = generator.normal(size=shape)
    noise[..., 1:] *= np.sqrt(1.0 - coefficient**2)
    series: FloatArray = scipy.signal.lfilter([1.0], [1.0, -coefficient], noise, axis=-1)
    return series


def exact_time(coefficient: float) -> float:
    return (1.0 + coefficient) / (2.0 * (1.0 - coefficient))


def direct(series: list[FloatArray], window: int) -> tuple[float, float]:
    """Wolff's estimator for one set of chains, written out as sums over pairs of samples."""
    chain_count, length = len(series), len(series[0])
    centre = sum(float(chain.sum()) for chain in series) / (chain_count * length)
    covariance = []
    for lag in range(window + 1):
        products = [
            (chain[i] - centre) * (chain[i + lag] - centre)
            for chain in series
            for i in range(length - lag)
        ]
        covariance.append(sum(products) / len(products))
    total = covariance[0] + 2.0 * sum(covariance[1:])
    corrected = [value + total / (chain_count * length) for value in covariance]
    return (
        (corrected[0] + 2.0 * sum(corrected[1:])) / (2.0 * corrected[0]),
        corrected[0],
    )


@pytest.mark.parametrize("coefficient", [-0.5, 0.0, 0.5, 0.8, 0.95])
def test_matches_the_exact_time_of_ar1(coefficient: float) -> None:
    generator = np.random.default_rng(20240601)
    count = 150
    series = autoregression(coefficient, (count, 20_000), generator)

    result = integrated_autocorrelation_time(series)

    exact = exact_time(coefficient)
    standard_error = result.time.std(ddof=1) / count**0.5
    # The window may cut e^(-W/τ_exp) of the sum, which averaging over series does not remove.
    decay = abs(coefficient) ** (result.window.mean() + 1) / (1.0 - abs(coefficient))
    assert abs(result.time.mean() - exact) < 4.0 * standard_error + decay
    assert np.all(result.status == Status.RESOLVED)
    pulls = (result.time - exact) / result.error
    assert 0.7 < pulls.std(ddof=1) < 1.5
    assert abs(result.variance.mean() - 1.0) < 4.0 * result.variance.std() / count**0.5


def test_short_series_are_freed_of_the_bias_of_their_mean() -> None:
    generator = np.random.default_rng(3)
    count, length = 20_000, 40
    result = integrated_autocorrelation_time(generator.normal(size=(count, length)))
    standard_error = result.variance.std() / count**0.5
    assert abs(result.variance.mean() - 1.0) < 4.0 * standard_error  # Uncorrected: 1 - 1/40.


@pytest.mark.parametrize(("coefficient", "chains"), [(0.6, 1), (0.9, 3), (-0.4, 2)])
def test_equals_the_direct_sum(coefficient: float, chains: int) -> None:
    series = autoregression(coefficient, (chains, 301), np.random.default_rng(5)) + 3.0
    result = pooled_autocorrelation_time(series)
    time, variance = direct(list(series), int(result.window))
    np.testing.assert_allclose(result.time, time, rtol=1e-10)
    np.testing.assert_allclose(result.variance, variance, rtol=1e-10)


def test_pooling_chains_about_their_common_mean_shows_stuck_chains() -> None:
    chains = np.random.default_rng(1).normal(size=(4, 500))
    apart = chains + np.arange(4.0)[:, np.newaxis]
    assert pooled_autocorrelation_time(chains).time < 0.8
    stuck = pooled_autocorrelation_time(apart)
    assert stuck.time > 20.0
    assert stuck.status == Status.UNRESOLVED


def test_pooling_knows_the_time_better() -> None:
    series = autoregression(0.7, (60, 8, 2000), np.random.default_rng(2))
    pooled = pooled_autocorrelation_time(series)
    exact = exact_time(0.7)
    assert abs(pooled.time.mean() - exact) < 4.0 * pooled.time.std() / 60**0.5 + 0.02 * exact
    alone = integrated_autocorrelation_time(series)
    np.testing.assert_allclose(alone.error.mean() / pooled.error.mean(), 8**0.5, rtol=0.15)


def test_many_points_are_the_same_as_one_by_one() -> None:
    series = autoregression(0.6, (2, 3, 700), np.random.default_rng(8))
    together = integrated_autocorrelation_time(series)
    for index in np.ndindex(2, 3):
        alone = integrated_autocorrelation_time(series[index])
        for left, right in zip(together, alone, strict=True):
            np.testing.assert_allclose(left[index], right, rtol=1e-12)


def test_groups_of_one_disorder_are_pooled_chains() -> None:
    series = autoregression(0.6, (7, 400), np.random.default_rng(8))
    point = np.array([1, 0, 1, 0, 1, 1, 0])
    layout = run_layout(disorder=np.zeros(7), point=point)
    grouped = grouped_autocorrelation_time(series, layout=layout)
    for label in (0, 1):
        pooled = pooled_autocorrelation_time(series[point == label])
        for left, right in zip(grouped, pooled, strict=True):
            np.testing.assert_allclose(left[label], right, rtol=1e-10)


def test_means_of_disorders_are_no_fluctuation() -> None:
    generator = np.random.default_rng(4)
    disorder = np.repeat(np.arange(20), 3)
    series = autoregression(0.5, (60, 1000), generator) + 10.0 * disorder[:, np.newaxis]
    result = grouped_autocorrelation_time(series, layout=run_layout(disorder=disorder))
    assert abs(result.time[0] - exact_time(0.5)) < 4.0 * result.error[0]
    assert abs(result.variance[0] - 1.0) < 4.0 * (2.0 * 3.0 / 60_000) ** 0.5


def test_every_disorder_costs_a_mean_in_short_runs() -> None:
    samples = np.random.default_rng(9).normal(size=(16_000, 16))
    disorder, point = np.arange(16_000) // 2, np.arange(16_000) // 40
    layout = run_layout(disorder=disorder, point=point)
    variance = grouped_autocorrelation_time(samples, layout=layout).variance
    # Uncorrected, a mean per 32 samples would cost 3 %; the correction is good to its square.
    assert abs(variance.mean() - 1.0) < 4.0 * variance.std(ddof=1) / 400**0.5 + 2.0 / 32**2


def test_disorders_that_stand_still_are_constant() -> None:
    samples = np.repeat([[0.1], [0.3], [0.7]], 49, axis=1)
    result = grouped_autocorrelation_time(samples, layout=run_layout(disorder=[0, 1, 2]))
    assert result.status[0] == Status.CONSTANT
    assert result.variance[0] == 0.0


def test_a_window_beyond_the_first_lags_is_found() -> None:
    series = autoregression(0.998, (4, 60_000), np.random.default_rng(10))
    result = integrated_autocorrelation_time(series)
    assert np.all(result.window > 1024)
    assert np.all(result.window < 10_000)
    assert np.all(np.abs(result.time - exact_time(0.998)) < 4.0 * result.error)


def test_effective_samples_predict_the_error_of_the_mean() -> None:
    series = autoregression(0.8, (400, 2000), np.random.default_rng(6))
    predicted = effective_sample_size(series).mean()
    observed = 1.0 / series.mean(axis=-1).var(ddof=1)
    assert abs(observed / predicted - 1.0) < 4.0 * (2.0 / 400) ** 0.5
    pooled = pooled_effective_sample_size(series[:8])
    assert abs(pooled / (8.0 * predicted) - 1.0) < 0.3


def test_autocorrelation_function_of_ar1() -> None:
    series = autoregression(0.8, (200, 4000), np.random.default_rng(7))
    function = autocorrelation_function(series)[:, :6]
    deviation = function.mean(axis=0) - 0.8 ** np.arange(6)
    bias = 2.0 * exact_time(0.8) / 4000
    assert np.all(np.abs(deviation) <= 4.0 * function.std(axis=0) / 200**0.5 + 1.5 * bias)


@pytest.mark.parametrize("value", [0.0, 0.1, -7.3e20])
@pytest.mark.parametrize("length", [2, 3, 50])
def test_a_constant_series_is_told_apart(value: float, length: int) -> None:
    result = integrated_autocorrelation_time(np.full((2, length), value))
    assert np.all(result.status == Status.CONSTANT)
    assert np.all(result.time == 0.5)
    assert np.all(result.error == 0.0)
    assert np.all(result.variance == 0.0)
    np.testing.assert_allclose(effective_sample_size(np.full(length, value)), length)
    function = autocorrelation_function(np.full(length, value))
    assert function[0] == 1.0
    assert np.all(function[1:] == 0.0)


def test_chains_constant_at_different_values_are_not_resolved() -> None:
    chains = np.repeat([[0.1], [0.3]], 40, axis=1)
    result = pooled_autocorrelation_time(chains)
    assert result.status == Status.UNRESOLVED
    assert result.time > 10.0


def test_a_short_series_is_not_resolved() -> None:
    series = autoregression(0.9, (10, 60), np.random.default_rng(0))
    assert np.all(integrated_autocorrelation_time(series).status == Status.UNRESOLVED)


@pytest.mark.parametrize("dtype", [np.int8, np.bool_, np.float32])
def test_other_number_types_give_the_same(dtype: type) -> None:
    samples = np.random.default_rng(0).integers(0, 2, size=(3, 200))
    left = integrated_autocorrelation_time(samples.astype(dtype))
    right = integrated_autocorrelation_time(samples.astype(np.float64))
    np.testing.assert_array_equal(left.time, right.time)


def test_no_points_give_no_times() -> None:
    assert integrated_autocorrelation_time(np.ones((0, 5))).time.shape == (0,)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 90),
    st.floats(-100.0, 100.0),
    st.floats(1e-3, 1e3),
    st.integers(0, 2**31),
)
def test_shift_scale_sign_and_direction_of_time(
    length: int, shift: float, scale: float, seed: int
) -> None:
    samples = np.random.default_rng(seed).normal(size=length).cumsum()
    before = integrated_autocorrelation_time(samples)
    after = integrated_autocorrelation_time(-scale * (samples[::-1] + shift))
    assert before.window == after.window
    np.testing.assert_allclose(after.time, before.time, rtol=1e-6)
    np.testing.assert_allclose(after.variance, before.variance * scale**2, rtol=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6, allow_subnormal=True), min_size=2, max_size=30))
def test_any_finite_numbers_give_a_positive_time(samples: list[float]) -> None:
    result = integrated_autocorrelation_time(samples)
    assert np.isfinite(result.time)
    assert result.time > 0.0
    assert result.variance >= 0.0


def test_refuses_too_few_samples() -> None:
    with pytest.raises(InsufficientSamplesError, match="at least 2 samples, received 1"):
        integrated_autocorrelation_time(np.zeros((4, 1)))
    with pytest.raises(InsufficientSamplesError, match="at least 1 samples, received 0"):
        pooled_autocorrelation_time(np.zeros((0, 10)))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_refuses_samples_that_are_not_finite(bad: float) -> None:
    with pytest.raises(InvalidValueError, match="received 1 NaN or infinite of 10"):
        integrated_autocorrelation_time([0.0] * 9 + [bad])


def test_refuses_what_is_no_series() -> None:
    with pytest.raises(InvalidValueError, match="real numbers, received dtype complex128"):
        integrated_autocorrelation_time(np.zeros(5, dtype=np.complex128))
    with pytest.raises(InvalidValueError, match=r"at least 1 dimension\(s\), received 0"):
        integrated_autocorrelation_time(3.0)
    with pytest.raises(InvalidValueError, match=r"below 1e\+150, received 1e\+200"):
        integrated_autocorrelation_time([1e200, 0.0])


def test_refuses_a_layout_of_other_runs() -> None:
    layout = run_layout(disorder=[0, 0, 1])
    with pytest.raises(InvalidValueError, match=r"shape \(run, sample\) with 3 runs"):
        grouped_autocorrelation_time(np.zeros((4, 10)), layout=layout)


def test_ragged_chains_of_equal_length_are_pooled_chains() -> None:
    series = autoregression(0.6, (4, 2, 500), np.random.default_rng(21))
    ragged = ragged_autocorrelation_time(list(series))
    pooled = pooled_autocorrelation_time(np.moveaxis(series, 0, 1))
    for left, right in zip(ragged, pooled, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-10)


def test_ragged_chains_are_unbiased() -> None:
    generator, exact = np.random.default_rng(22), exact_time(0.8)
    lengths = (4000, 150, 900, 40)
    times, errors = [], []
    for _ in range(300):
        chains = [autoregression(0.8, (n,), generator) for n in lengths]
        result = ragged_autocorrelation_time(chains)
        times.append(float(result.time))
        errors.append(float(result.error))
    decay = 0.8**20 / 0.2
    assert abs(np.mean(times) - exact) < 4.0 * np.std(times) / 300**0.5 + decay
    assert 0.7 < np.std((np.array(times) - exact) / errors) < 1.5


def test_direct_sum_over_ragged_chains() -> None:
    generator = np.random.default_rng(23)
    chains = [autoregression(0.7, (n,), generator) + 2.0 for n in (80, 7, 33)]
    result = ragged_autocorrelation_time(chains)
    mean, count = np.concatenate(chains).mean(), 120
    covariance = []
    for lag in range(int(result.window) + 1):
        products = [np.sum((c - mean)[: len(c) - lag] * (c - mean)[lag:]) for c in chains]
        pairs = sum(max(len(c) - lag, 0) for c in chains)
        covariance.append(sum(products) / pairs)
    total = covariance[0] + 2.0 * sum(covariance[1:])
    corrected = [value + total / count for value in covariance]
    time = (corrected[0] + 2.0 * sum(corrected[1:])) / (2.0 * corrected[0])
    np.testing.assert_allclose(result.time, time, rtol=1e-10)


def test_ragged_refusals() -> None:
    assert ragged_autocorrelation_time([np.ones(3), np.ones(5)]).status == Status.CONSTANT
    with pytest.raises(InsufficientSamplesError, match="of no series"):
        ragged_autocorrelation_time([])
    with pytest.raises(InsufficientSamplesError, match="at least 2 samples, received 1"):
        ragged_autocorrelation_time([np.zeros(5), np.zeros(1)])
    with pytest.raises(InvalidValueError, match="alike but for their last axis"):
        ragged_autocorrelation_time([np.zeros((2, 5)), np.zeros((3, 5))])
