"""Functions of means against closed forms, and their errors against known spreads."""

from collections.abc import Callable

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.blocks import (
    BlockMeans,
    block_means,
    disorder_blocks,
    ragged_block_means,
)
from phasegrok.statistics.disorder import disorder_average
from phasegrok.statistics.functions_of_means import (
    FunctionEstimate,
    bootstrap_of_means,
    bootstrap_of_means_distribution,
    jackknife_of_means,
    jackknife_of_series,
)
from phasegrok.statistics.samples import FloatArray, Status


def autoregression(coefficient: float, shape: tuple[int, ...], seed: int) -> FloatArray:
    noise = np.random.default_rng(seed).normal(size=shape)
    noise[..., 1:] *= np.sqrt(1.0 - coefficient**2)
    series: FloatArray = scipy.signal.lfilter([1.0], [1.0, -coefficient], noise, axis=-1)
    return series


def first(means: FloatArray) -> FloatArray:
    result: FloatArray = means[0]
    return result


def last(means: FloatArray) -> FloatArray:
    result: FloatArray = means[-1]
    return result


def square(means: FloatArray) -> FloatArray:
    result: FloatArray = means[0] ** 2
    return result


def ratio(means: FloatArray) -> FloatArray:
    result: FloatArray = means[0] / means[1]
    return result


def test_jackknife_of_a_mean_is_its_standard_error() -> None:
    samples = np.random.default_rng(0).normal(size=(1, 3, 40))
    blocks = block_means(samples, block_length=5)
    estimate = jackknife_of_means(first, blocks)
    means = samples[0].reshape(3, 8, 5).mean(axis=-1)
    np.testing.assert_allclose(estimate.value, samples[0].mean(axis=-1), rtol=1e-12)
    np.testing.assert_allclose(estimate.error, means.std(axis=-1, ddof=1) / 8**0.5, rtol=1e-10)
    np.testing.assert_allclose(estimate.bias, 0.0, atol=1e-14)


def test_jackknife_removes_the_bias_of_a_square() -> None:
    samples = np.random.default_rng(1).normal(size=(1, 30)) + 1.0
    estimate = jackknife_of_means(square, block_means(samples, block_length=1))
    unbiased = samples.mean() ** 2 - samples.var(ddof=1) / 30
    np.testing.assert_allclose(estimate.value, unbiased, rtol=1e-10)
    np.testing.assert_allclose(estimate.bias, samples.var(ddof=1) / 30, rtol=1e-8)


def test_blocks_of_unequal_weight_give_the_error_of_their_mean() -> None:
    generator = np.random.default_rng(2)
    lengths = [30, 200, 90, 60, 150, 45]
    values, errors = [], []
    for _ in range(400):
        replicas = [generator.normal(size=(1, n)) for n in lengths]
        estimate = jackknife_of_means(square, ragged_block_means(replicas, block_length=30))
        values.append(float(estimate.value))
        mean = jackknife_of_means(first, ragged_block_means(replicas, block_length=30))
        errors.append(float(mean.error))
    total = sum(lengths)
    # E[m̄²] = 1/n is taken off exactly; the squared error of the mean is 1/n on average.
    assert abs(np.mean(values)) < 4.0 * np.std(values) / 400**0.5
    squares = np.square(errors) * total
    assert abs(squares.mean() - 1.0) < 4.0 * squares.std() / 400**0.5


@pytest.mark.parametrize("method", ["jackknife", "bootstrap"])
@pytest.mark.parametrize("coefficient", [0.0, 0.9])
def test_errors_match_the_spread_of_correlated_series(method: str, coefficient: float) -> None:
    count, length = 400, 6000
    series = autoregression(coefficient, (2, count, length), seed=3) + 3.0
    series[1] += series[0]
    if method == "jackknife":
        estimate = jackknife_of_series(ratio, series)
    else:
        generator = np.random.default_rng(4)
        blocks = block_means(series, block_length=160)
        estimate = bootstrap_of_means(ratio, blocks, generator=generator)
    predicted = (estimate.error**2).mean() ** 0.5
    observed = estimate.value.std(ddof=1)
    assert abs(predicted / observed - 1.0) < 4.0 / (2.0 * count) ** 0.5
    assert abs(estimate.value.mean() - 0.5) < 4.0 * observed / count**0.5
    assert np.all(estimate.status == Status.RESOLVED)


def test_blocks_of_short_series_are_long_enough() -> None:
    series = autoregression(0.8, (1, 10_000, 700), seed=14)
    estimate = jackknife_of_series(first, series)
    predicted = (estimate.error**2).mean() ** 0.5
    # Blocks of 9 to 19τ, whose scatter alone shows 3 to 6 % less, 25 % for blocks of 2τ. The
    # noise of τ, 4 √(2 · 8 · 4.5/700)/10 of which stays, leaves up to 1 %.
    excess = predicted / estimate.value.std(ddof=1) - 1.0
    assert abs(excess) < 4.0 / 20_000**0.5 + 0.01


def test_white_noise_needs_no_allowance_for_borders() -> None:
    series = np.random.default_rng(15).normal(size=(1, 10_000, 200))
    estimate = jackknife_of_series(first, series)
    predicted = (estimate.error**2).mean() ** 0.5
    assert abs(predicted * 200**0.5 - 1.0) < 4.0 / (2.0 * 10_000 * 15) ** 0.5 + 0.005
    chosen = block_means(series[:, :3], block_length=20)
    np.testing.assert_array_equal(chosen.shortfall, 0.0)


def test_the_allowance_is_that_of_the_quantity_that_decides() -> None:
    # The mean of the fast series alone decides; blocks are as long as the slow one asks.
    slow = autoregression(0.95, (1, 400, 8000), seed=16)
    fast = autoregression(0.0, (1, 400, 8000), seed=17)
    both = np.concatenate([slow, fast])
    blocks = block_means(both)
    shares = blocks.shortfall.mean(axis=-1)
    expected = 19.5 * blocks.count / 8000
    assert abs(shares[0] / expected - 1.0) < 0.2  # τ is biased low by its own error, 15 %.
    assert abs(shares[1]) < 0.1 * expected
    by_scatter = blocks.means.std(axis=-1, ddof=1) / blocks.count**0.5
    ratios = [
        float(np.mean(jackknife_of_means(pick, blocks).error / scatter)) - 1.0
        for pick, scatter in zip((first, last), by_scatter, strict=True)
    ]
    # The other quantity goes along by chance, 1/31 of it.
    assert 0.4 * expected < ratios[0] < 0.6 * expected
    assert abs(ratios[1]) < 0.1 * expected


def test_single_samples_would_miss_the_correlations() -> None:
    series = autoregression(0.9, (1, 200, 6000), seed=5)
    automatic = jackknife_of_series(first, series).error.mean()
    naive = jackknife_of_series(first, series, block_length=1)
    assert 3.7 < automatic / naive.error.mean() < 4.6  # √(2τ) = √19 = 4.36
    assert np.all(naive.status == Status.UNRESOLVED)


def test_bootstrap_and_jackknife_agree_on_bias() -> None:
    samples = np.random.default_rng(6).normal(size=(1, 400))
    blocks = block_means(samples, block_length=10)
    left = jackknife_of_means(square, blocks)
    right = bootstrap_of_means(
        square, blocks, generator=np.random.default_rng(7), resamples=20_000
    )
    noise = 5.0 * float(right.error) / 20_000**0.5
    assert abs(left.bias - right.bias) < noise
    few = block_means(samples, block_length=50)  # Eight blocks: draws alone are 6 % short.
    mean = bootstrap_of_means(first, few, generator=np.random.default_rng(8), resamples=20_000)
    exact = jackknife_of_means(first, few)
    assert abs(mean.error / exact.error - 1.0) < 5.0 / 40_000**0.5


def test_errors_over_disorders_are_those_of_the_disorder_average() -> None:
    generator = np.random.default_rng(9)
    labels = np.array([2, 0, 1, 1, 0, 2, 2, 3])
    values = generator.normal(size=(2, 8)) + labels
    estimate = jackknife_of_means(first, disorder_blocks(values, disorder=labels))
    expected = disorder_average(values[0], disorder=labels)
    np.testing.assert_allclose(estimate.value, expected.value, rtol=1e-12)
    np.testing.assert_allclose(estimate.error, expected.standard_error, rtol=1e-10)


def test_components_come_before_points() -> None:
    series = np.random.default_rng(10).normal(size=(2, 3, 4, 300)) + 2.0
    estimate = jackknife_of_series(lambda m: np.stack([m[0], m[1], m[0] * m[1]]), series)
    assert estimate.value.shape == (3, 3, 4)
    assert estimate.status.shape == (3, 3, 4)
    alone = jackknife_of_series(lambda m: m[0] * m[1], series[:, 1, 2])
    np.testing.assert_allclose(estimate.value[2, 1, 2], alone.value, rtol=1e-12)
    np.testing.assert_allclose(estimate.error[2, 1, 2], alone.error, rtol=1e-12)


def test_every_point_is_what_it_is_alone() -> None:
    series = np.stack([autoregression(c, (2, 2000), seed=11) for c in (0.95, 0.0, 0.5, 0.99)])
    moved = np.moveaxis(series, 0, 1) + 5.0
    together = jackknife_of_series(ratio, moved)
    for point in range(4):
        alone = jackknife_of_series(ratio, moved[:, point])
        for left, right in zip(together, alone, strict=True):
            np.testing.assert_allclose(left[point], right, rtol=1e-8, atol=1e-12)


def test_a_ratio_of_zeros_is_refused_and_no_accident() -> None:
    estimate = jackknife_of_series(ratio, np.zeros((2, 3, 50)))
    assert np.all(estimate.status == Status.REFUSED)
    assert np.all(np.isnan(estimate.value))
    assert np.all(np.isnan(estimate.error))


def test_scaling_by_known_factors() -> None:
    series = np.random.default_rng(12).normal(size=(1, 60))
    estimate = jackknife_of_series(square, series).scaled([-2.0, 3.0])
    plain = jackknife_of_series(square, series)
    np.testing.assert_allclose(estimate.value, [-2.0 * plain.value, 3.0 * plain.value])
    np.testing.assert_allclose(estimate.error, [2.0 * plain.error, 3.0 * plain.error])
    assert estimate.status.shape == (2,)


def test_draws_repeat_with_their_generator_alone() -> None:
    blocks = block_means(np.random.default_rng(13).normal(size=(1, 2, 60)), block_length=5)
    one, two, three = (
        bootstrap_of_means_distribution(
            first, blocks, generator=np.random.default_rng(seed), resamples=5
        )
        for seed in (1, 1, 2)
    )
    assert one.shape == (2, 5)
    np.testing.assert_array_equal(one, two)
    assert np.any(one != three)


Method = Callable[[BlockMeans], FunctionEstimate]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.floats(-1e9, 1e9) | st.integers(-9, 9), min_size=2, max_size=40),
    st.sampled_from([first, square, ratio]),
)
def test_any_finite_numbers_give_a_result_or_a_status(
    samples: list[float], function: Callable[[FloatArray], FloatArray]
) -> None:
    estimate = jackknife_of_series(function, [samples, samples[::-1]])
    finite = np.isfinite(estimate.value) & np.isfinite(estimate.error)
    assert finite == (estimate.status != Status.REFUSED)


def test_refusals() -> None:
    blocks = block_means(np.random.default_rng(0).normal(size=(2, 3, 20)))
    with pytest.raises(InvalidValueError, match=r"must keep the axes \(3,\) after the first"):
        jackknife_of_means(np.sum, blocks)
    with pytest.raises(InvalidValueError, match="at least 2 resamples, received 1"):
        bootstrap_of_means(first, blocks, generator=np.random.default_rng(0), resamples=1)
    with pytest.raises(InsufficientSamplesError, match="at least 2 samples, received 1"):
        jackknife_of_series(first, np.zeros((1, 1)))
    with pytest.raises(InvalidValueError, match="1 NaN or infinite"):
        jackknife_of_series(first, [[0.0, np.nan]])
    with pytest.raises(InsufficientSamplesError, match="blocks of 9 needs at least 18"):
        jackknife_of_series(first, np.zeros((1, 10)), block_length=9)
