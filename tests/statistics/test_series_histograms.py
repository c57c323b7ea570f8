"""Densities of correlated chains: exact laws, and errors with their correlations."""

import numpy as np
import pytest
import scipy.signal
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.samples import FloatArray, Status
from phasegrok.statistics.series_histograms import series_histogram

EDGES = np.array([-2.5, -1.0, -0.25, 0.0, 0.5, 2.5])


def autoregression(coefficient: float, shape: tuple[int, ...], seed: int) -> FloatArray:
    noise = np.random.default_rng(seed).normal(size=shape)
    noise[..., 1:] *= np.sqrt(1.0 - coefficient**2)
    series: FloatArray = scipy.signal.lfilter([1.0], [1.0, -coefficient], noise, axis=-1)
    return series


@pytest.mark.parametrize("coefficient", [0.0, 0.8])
def test_errors_and_their_correlations_are_those_of_repeated_series(coefficient: float) -> None:
    count = 500
    series = autoregression(coefficient, (count, 2, 3000), seed=1)
    results = [series_histogram(each, edges=EDGES) for each in series]
    densities = np.array([result.density for result in results])
    exact = np.diff(scipy.stats.norm.cdf(EDGES)) / np.diff(EDGES)
    spread = densities.std(axis=0, ddof=1)
    assert np.all(np.abs(densities.mean(axis=0) - exact) < 4.0 * spread / count**0.5)
    predicted = np.mean([result.covariance for result in results], axis=0)
    ratio = np.sqrt(np.diagonal(predicted)) / spread
    assert np.all(np.abs(ratio - 1.0) < 4.0 / (2.0 * count) ** 0.5 + 0.06)
    unit = np.sqrt(np.diagonal(predicted))
    observed = np.corrcoef(densities.T)
    assert np.all(np.abs(predicted / unit / unit[:, np.newaxis] - observed) < 4.5 / count**0.5)
    assert observed[0, -1] < -0.2  # There is something to be seen.
    assert all(result.status == Status.RESOLVED for result in results)


def test_entries_are_counted_once() -> None:
    samples = np.round(np.random.default_rng(2).normal(size=(3, 101)), 1)
    result = series_histogram(samples, edges=EDGES, block_length=10)
    np.testing.assert_array_equal(result.counts, np.histogram(samples, EDGES)[0])
    np.testing.assert_allclose(np.sum(result.density * np.diff(EDGES)), 1.0 - result.outside)
    assert result.block_length == 10
    np.testing.assert_allclose(result.standard_error**2, np.diagonal(result.covariance))


def test_one_block_a_sample_is_the_multinomial_error() -> None:
    samples = np.random.default_rng(3).normal(size=200)
    result = series_histogram(samples, edges=[-9.0, 0.0, 1.0, 9.0], block_length=1)
    share = result.counts / 200
    width = np.array([9.0, 1.0, 8.0])
    expected = (np.diag(share) - np.outer(share, share)) / 199 / np.outer(width, width)
    np.testing.assert_allclose(result.covariance, expected, atol=1e-15)


def test_chains_stuck_apart_and_short_blocks_are_not_resolved() -> None:
    chains = np.random.default_rng(4).normal(size=(4, 500))
    assert series_histogram(chains, edges=EDGES).status == Status.RESOLVED
    apart = chains + 5.0 * np.arange(4.0)[:, np.newaxis]
    assert series_histogram(apart, edges=EDGES).status == Status.UNRESOLVED
    slow = autoregression(0.9, (5000,), seed=5)
    assert series_histogram(slow, edges=EDGES, block_length=5).status == Status.UNRESOLVED
    still = series_histogram(np.full(30, 0.1), edges=EDGES)
    assert still.status == Status.CONSTANT
    assert np.all(still.standard_error == 0.0)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-9.0, 9.0) | st.booleans(), min_size=2, max_size=40))
def test_any_finite_numbers_give_a_density(samples: list[float]) -> None:
    result = series_histogram(samples, edges=EDGES)
    assert np.all(np.isfinite(result.density))
    assert np.all(np.isfinite(result.covariance))
    assert -1e-12 <= result.outside <= 1.0


def test_refusals() -> None:
    with pytest.raises(InsufficientSamplesError, match="at least 2 samples, received 1"):
        series_histogram([1.0], edges=EDGES)
    with pytest.raises(InvalidValueError, match="two blocks or more"):
        series_histogram(np.zeros(9), edges=EDGES, block_length=5)
    with pytest.raises(InvalidValueError, match="two blocks or more"):
        series_histogram(np.zeros(9), edges=EDGES, block_length=0)
    with pytest.raises(InvalidValueError, match="increasing values"):
        series_histogram(np.zeros(9), edges=[1.0, 0.0])
    with pytest.raises(InvalidValueError, match="1 NaN or infinite"):
        series_histogram([0.0, np.nan], edges=EDGES)
