"""Densities against known laws, and their errors against the spread of repeated studies."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.histograms import histogram_density, negative_log_density

EDGES = np.array([-4.0, -1.0, -0.25, 0.0, 0.5, 2.0, 4.0])


def test_counts_equal_numpy_in_each_disorder() -> None:
    generator = np.random.default_rng(0)
    values = np.round(generator.normal(scale=2.0, size=(6, 3, 50)), 1)  # Hits the edges.
    disorder = np.array([3, 1, 1, 3, 2, 1])
    result = histogram_density(values, edges=EDGES, disorder=disorder)
    for row, label in enumerate([1, 2, 3]):
        members = values[disorder == label].ravel()
        counts, _ = np.histogram(members, bins=EDGES)
        np.testing.assert_array_equal(result.counts[row], counts)
    np.testing.assert_allclose(np.sum(result.density * np.diff(EDGES)), 1.0 - result.outside)
    assert result.outside > 0.0


def test_density_of_a_gaussian() -> None:
    values = np.random.default_rng(1).normal(size=(40, 2000))
    result = histogram_density(values, edges=EDGES, disorder=np.arange(40))
    exact = np.diff(scipy.stats.norm.cdf(EDGES)) / np.diff(EDGES)
    assert np.all(np.abs(result.density - exact) < 4.0 * result.standard_error)
    potential = negative_log_density(result)
    assert np.all(np.abs(potential.value + np.log(exact)) < 4.5 * potential.standard_error)


def test_errors_are_those_of_disorders_not_of_entries() -> None:
    generator = np.random.default_rng(2)
    studies, disorders, replicas = 300, 8, 3
    offsets = 0.8 * generator.normal(size=(studies, disorders, 1, 1))
    entries = offsets + 0.3 * generator.normal(size=(studies, disorders, replicas, 50))
    labels = np.repeat(np.arange(disorders), replicas)
    results = [
        histogram_density(study.reshape(-1, 50), edges=EDGES, disorder=labels)
        for study in entries
    ]
    observed = np.std([result.density for result in results], axis=0, ddof=1)
    squares = np.array([result.standard_error**2 for result in results])
    predicted = squares.mean(axis=0) ** 0.5
    # Seven degrees of freedom and far from normal: the spread of the squares themselves counts.
    noise = squares.std(axis=0) / squares.mean(axis=0) / (2.0 * studies**0.5)
    inner = slice(1, 5)
    bound = 4.0 * np.hypot(noise, 1.0 / (2.0 * studies) ** 0.5)
    assert np.all(np.abs(predicted / observed - 1.0)[inner] < bound[inner])


def test_disorders_weigh_the_same_whatever_their_replicas() -> None:
    few = np.full((1, 10), 0.25)
    many = np.full((9, 10), 0.75)
    result = histogram_density(
        np.concatenate([few, many]), edges=[0.0, 0.5, 1.0], disorder=[0] + [1] * 9
    )
    np.testing.assert_allclose(result.density, [1.0, 1.0])
    np.testing.assert_allclose(result.standard_error, [1.0, 1.0])


def test_empty_bins_are_infinite_and_counted_zero() -> None:
    result = histogram_density([[0.1], [0.2]], edges=[0.0, 0.5, 1.0], disorder=[0, 1])
    potential = negative_log_density(result)
    assert potential.total_count.tolist() == [2, 0]
    np.testing.assert_allclose(potential.value[0], -np.log(2.0))
    assert potential.value[1] == np.inf
    assert potential.standard_error[1] == np.inf
    assert result.density[1] == 0.0


@settings(max_examples=40, deadline=None)
@given(st.integers(-20, 20), st.integers(-6, 6), st.integers(0, 2**31))
def test_shift_and_scale(shift: int, exponent: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    values = generator.integers(0, 16, size=(5, 20)) / 8.0  # Exact in binary, so no bin flips.
    edges = np.array([0.0, 0.5, 0.625, 2.0])
    scale = 2.0**exponent
    before = histogram_density(values, edges=edges, disorder=[0, 0, 1, 2, 2])
    after = histogram_density(
        scale * (values + shift), edges=scale * (edges + shift), disorder=[0, 0, 1, 2, 2]
    )
    np.testing.assert_array_equal(after.counts, before.counts)
    np.testing.assert_allclose(after.density, before.density / scale, rtol=1e-12)


def test_refusals() -> None:
    with pytest.raises(InsufficientSamplesError, match=r"disorders.*at least 2.*received 1"):
        histogram_density(np.zeros((3, 4)), edges=EDGES, disorder=[0, 0, 0])
    with pytest.raises(InvalidValueError, match="increasing values"):
        histogram_density(np.zeros((2, 4)), edges=[0.0, 0.0, 1.0], disorder=[0, 1])
    with pytest.raises(InvalidValueError, match="received 3 labels for 2 runs"):
        histogram_density(np.zeros((2, 4)), edges=EDGES, disorder=[0, 1, 2])
    with pytest.raises(InvalidValueError, match="1 NaN or infinite"):
        histogram_density([[np.nan], [0.0]], edges=EDGES, disorder=[0, 1])
