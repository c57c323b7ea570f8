"""Jackknife and bootstrap against closed forms and against known spreads."""

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.moments import kurtosis_ratio
from phasegrok.statistics.resampling import (
    block_bootstrap,
    block_bootstrap_distribution,
    block_jackknife,
)
from phasegrok.statistics.samples import FloatArray


def average(samples: FloatArray) -> FloatArray:
    result: FloatArray = samples.mean(axis=-1)
    return result


def square_of_average(samples: FloatArray) -> FloatArray:
    result: FloatArray = samples.mean(axis=-1) ** 2
    return result


def autoregression(coefficient: float, shape: tuple[int, ...], seed: int) -> FloatArray:
    noise = np.random.default_rng(seed).normal(size=shape)
    noise[..., 1:] *= np.sqrt(1.0 - coefficient**2)
    series: FloatArray = scipy.signal.lfilter([1.0], [1.0, -coefficient], noise, axis=-1)
    return series


def test_jackknife_of_a_mean_is_its_standard_error() -> None:
    samples = np.random.default_rng(0).normal(size=(3, 40))
    estimate = block_jackknife(average, samples)
    expected = samples.std(axis=-1, ddof=1) / 40**0.5
    np.testing.assert_allclose(estimate.error, expected, rtol=1e-12)
    np.testing.assert_allclose(estimate.bias, 0.0, atol=1e-14)
    blocks = samples.reshape(3, 8, 5).mean(axis=-1)
    estimate = block_jackknife(average, samples, block_length=5)
    np.testing.assert_allclose(estimate.error, blocks.std(axis=-1, ddof=1) / 8**0.5, rtol=1e-12)


def test_jackknife_removes_the_bias_of_a_square() -> None:
    samples = np.random.default_rng(1).normal(size=(30,)) + 1.0
    estimate = block_jackknife(square_of_average, samples)
    # E[m̄²] = μ² + var/n: the jackknife finds exactly the unbiased var/n.
    np.testing.assert_allclose(estimate.bias, samples.var(ddof=1) / 30, rtol=1e-10)


@pytest.mark.parametrize("method", ["jackknife", "bootstrap"])
def test_errors_of_a_ratio_match_the_spread_of_correlated_series(method: str) -> None:
    count, length, block = 300, 2000, 50
    series = autoregression(0.6, (count, length), seed=2)
    if method == "jackknife":
        estimate = block_jackknife(kurtosis_ratio, series, block_length=block)
    else:
        generator = np.random.default_rng(3)
        estimate = block_bootstrap(
            kurtosis_ratio, series, block_length=block, generator=generator, resamples=100
        )
    predicted = (estimate.error**2).mean() ** 0.5
    observed = estimate.value.std(ddof=1)
    # Blocks of 50 = 12 τ lose some 4 % of the error; the spread is known to 4/√600.
    assert abs(predicted / observed - 1.0) < 4.0 / (2.0 * count) ** 0.5 + 0.05


def test_single_samples_underestimate_correlated_series() -> None:
    series = autoregression(0.8, (100, 2000), seed=4)
    alone = block_jackknife(average, series).error.mean()
    blocks = block_jackknife(average, series, block_length=100).error.mean()
    assert 2.5 < blocks / alone < 3.2  # √(2τ) = 3, less the loss of finite blocks.


def test_bootstrap_of_a_mean_has_the_plug_in_spread() -> None:
    samples = np.random.default_rng(5).normal(size=(50, 60))
    estimate = block_bootstrap(
        average, samples, generator=np.random.default_rng(6), resamples=400
    )
    expected = samples.std(axis=-1) / 60**0.5
    ratio = estimate.error / expected
    # All series share the draws, so their noise need not average out.
    assert np.all(np.abs(ratio - 1.0) < 4.5 / (2.0 * 400) ** 0.5)
    assert np.all(np.abs(estimate.bias) < 4.5 * expected / 400**0.5)


def test_bootstrap_keeps_what_is_correlated_between_series() -> None:
    first = np.random.default_rng(7).normal(size=100)
    both = np.stack([first, -first])
    drawn = block_bootstrap_distribution(
        average, both, generator=np.random.default_rng(8), block_length=7, resamples=20
    )
    assert drawn.shape == (2, 20)
    np.testing.assert_allclose(drawn[0], -drawn[1], rtol=1e-12)


def test_bootstrap_repeats_with_its_generator_alone() -> None:
    samples = np.random.default_rng(9).normal(size=50)
    first, second, other = (
        block_bootstrap(average, samples, generator=np.random.default_rng(seed)).error
        for seed in (1, 1, 2)
    )
    assert first == second
    assert first != other


def test_a_remainder_at_the_beginning_is_left_out() -> None:
    samples = np.random.default_rng(10).normal(size=23)
    left = block_jackknife(average, samples, block_length=5)
    right = block_jackknife(average, samples[3:], block_length=5)
    np.testing.assert_array_equal(left, right)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 40), st.floats(-20.0, 20.0), st.floats(1e-2, 1e2), st.integers(0, 2**31))
def test_shift_and_scale(length: int, shift: float, scale: float, seed: int) -> None:
    samples = np.random.default_rng(seed).integers(0, 100, size=length)
    before = block_jackknife(average, samples)
    after = block_jackknife(average, shift - scale * samples)
    np.testing.assert_allclose(after.value, shift - scale * before.value, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(after.error, scale * before.error, rtol=1e-7, atol=1e-9)


def test_refusals() -> None:
    generator = np.random.default_rng(0)
    with pytest.raises(InsufficientSamplesError, match="blocks of 5 needs at least 10 samples"):
        block_jackknife(average, np.zeros(9), block_length=5)
    with pytest.raises(InvalidValueError, match="block length of at least 1, received 0"):
        block_bootstrap(average, np.zeros(9), block_length=0, generator=generator)
    with pytest.raises(InvalidValueError, match="at least 2 resamples, received 1"):
        block_bootstrap(average, np.zeros(9), resamples=1, generator=generator)
