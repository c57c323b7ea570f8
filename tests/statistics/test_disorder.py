"""Errors over disorders where they are ten times the thermal ones, and two susceptibilities."""

import numpy as np
import pytest
import scipy.signal
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.disorder import (
    connected_susceptibility,
    connected_susceptibility_by_point,
    disconnected_susceptibility,
    disconnected_susceptibility_by_point,
    disorder_average,
    disorder_average_by_point,
)
from phasegrok.statistics.layout import run_layout
from phasegrok.statistics.samples import FloatArray

UNEQUAL = np.repeat(np.arange(8), [2, 5, 3, 2, 4, 2, 6, 3])
"""Disorder of each of 27 runs: eight disorders, two to six replicas."""


def run_means(studies: int, *, thermal: float, between: float, seed: int) -> FloatArray:
    """Normal run means (study, run): one offset per disorder, noise per replica."""
    generator = np.random.default_rng(seed)
    offsets = between * generator.normal(size=(studies, 8))
    noise: FloatArray = thermal * generator.normal(size=(studies, UNEQUAL.size))
    return offsets[:, UNEQUAL] + noise


@pytest.mark.parametrize("level", [0.6827, 0.95])
def test_intervals_cover_where_disorder_dominates(level: float) -> None:
    studies = 4000
    values = run_means(studies, thermal=0.1**0.5, between=1.0, seed=1) + 3.0
    average = disorder_average(values, disorder=UNEQUAL)
    # With normal offsets and nearly equal replica noise the pivot has Student's law.
    width = scipy.stats.t.ppf(0.5 + level / 2.0, df=7)
    covered = np.mean(np.abs(average.value - 3.0) < width * average.standard_error)
    assert abs(covered - level) < 4.0 * (level * (1.0 - level) / studies) ** 0.5
    assert average.disorder_count == 8


def test_equals_the_formula_written_out() -> None:
    values = np.array([1.0, 3.0, 10.0, 4.0, 5.0, 9.0])
    average = disorder_average(values, disorder=["a", "a", "b", "c", "c", "c"])
    replica_means = np.array([2.0, 10.0, 6.0])
    np.testing.assert_allclose(average.value, 6.0)
    expected = (np.sum((replica_means - 6.0) ** 2) / (3 * 2)) ** 0.5
    np.testing.assert_allclose(average.standard_error, expected)


def test_more_replicas_do_not_shrink_the_error() -> None:
    values = np.array([1.0, 2.0, 4.0])
    few = disorder_average(values, disorder=[0, 1, 2])
    many = disorder_average(np.repeat(values, 50), disorder=np.repeat([0, 1, 2], 50))
    np.testing.assert_allclose(many.standard_error, few.standard_error, rtol=1e-12)


def test_every_point_by_itself() -> None:
    generator = np.random.default_rng(2)
    point = generator.integers(0, 3, size=60)
    disorder = generator.integers(0, 4, size=60)
    values = generator.normal(size=(2, 60))
    samples = generator.normal(size=(60, 30))
    layout = run_layout(disorder=disorder, point=point)
    together = disorder_average_by_point(values, layout=layout)
    connected = connected_susceptibility_by_point(samples, layout=layout, system_size=[1, 2, 3])
    split = disconnected_susceptibility_by_point(values, layout=layout, system_size=[1, 2, 3])
    for label in range(3):
        here = point == label
        alone = disorder_average(values[:, here], disorder=disorder[here])
        np.testing.assert_allclose(together.value[:, label], alone.value)
        np.testing.assert_allclose(together.standard_error[:, label], alone.standard_error)
        size = label + 1.0
        one = connected_susceptibility(samples[here], disorder=disorder[here], system_size=size)
        np.testing.assert_allclose(connected.value[label], one.value)
        np.testing.assert_allclose(connected.standard_error[label], one.standard_error)
        one = disconnected_susceptibility(
            values[:, here], disorder=disorder[here], system_size=size
        )
        np.testing.assert_allclose(split.value[:, label], one.value)
        np.testing.assert_allclose(split.standard_error[:, label], one.standard_error)


def test_connected_susceptibility_is_unbiased_for_correlated_short_runs() -> None:
    generator = np.random.default_rng(3)
    studies, records, size = 1500, 12, 50.0
    noise = generator.normal(size=(studies, UNEQUAL.size, records))
    noise[..., 1:] *= (1.0 - 0.8**2) ** 0.5
    series = scipy.signal.lfilter([1.0], [1.0, -0.8], noise, axis=-1)
    offsets = 3.0 * generator.normal(size=(studies, 8))[:, UNEQUAL, np.newaxis]
    result = connected_susceptibility(series + offsets, disorder=UNEQUAL, system_size=size)
    standard_error = result.value.std(ddof=1) / studies**0.5
    assert abs(result.value.mean() - size) < 4.0 * standard_error
    predicted = (result.standard_error**2).mean() ** 0.5
    # Relative error of a variance of skewed values, with room for their kurtosis.
    assert abs(predicted / result.value.std(ddof=1) - 1.0) < 4.0 * (2.0 / studies) ** 0.5


@pytest.mark.parametrize("thermal", [0.3, 2.0])
def test_disconnected_susceptibility_is_freed_of_thermal_noise(thermal: float) -> None:
    studies, size = 6000, 10.0
    values = run_means(studies, thermal=thermal, between=0.7, seed=4)
    result = disconnected_susceptibility(values, disorder=UNEQUAL, system_size=size)
    spread = result.value.std(ddof=1)
    assert abs(result.value.mean() - size * 0.49) < 4.0 * spread / studies**0.5
    predicted = (result.standard_error**2).mean() ** 0.5
    assert 0.95 < predicted / spread < 1.15  # The jackknife is biased upwards by O(1/D).


def test_disconnected_error_is_the_jackknife_over_disorders() -> None:
    values = run_means(1, thermal=0.5, between=1.0, seed=5)[0]
    result = disconnected_susceptibility(values, disorder=UNEQUAL, system_size=1.0)
    without = np.array(
        [
            disconnected_susceptibility(
                values[UNEQUAL != d], disorder=UNEQUAL[UNEQUAL != d], system_size=1.0
            ).value
            for d in range(8)
        ]
    )
    expected = (7.0 / 8.0 * np.sum((without - without.mean()) ** 2)) ** 0.5
    np.testing.assert_allclose(result.standard_error, expected, rtol=1e-10)


def test_single_replicas_do_not_enter_susceptibilities() -> None:
    generator = np.random.default_rng(6)
    disorder = np.array([0, 0, 1, 1, 2, 2, 3])
    samples = generator.normal(size=(7, 40))
    samples[6] += 1000.0
    kept = slice(None, 6)
    for function, data in (
        (connected_susceptibility, samples),
        (disconnected_susceptibility, samples.mean(axis=-1)),
    ):
        left = function(data, disorder=disorder, system_size=1.0)
        right = function(data[kept], disorder=disorder[kept], system_size=1.0)
        np.testing.assert_allclose(left, right, rtol=1e-9)
        assert left.disorder_count == 3


def test_undefined_points_are_nan_beside_their_count() -> None:
    layout = run_layout(disorder=[0, 0, 0, 1, 1], point=[0, 0, 1, 1, 1])
    values = np.array([1.0, 2.0, 3.0, 4.0, 6.0])
    average = disorder_average_by_point(values, layout=layout)
    np.testing.assert_allclose(average.value, [1.5, 4.0])
    assert average.disorder_count.tolist() == [1, 2]
    assert np.isnan(average.standard_error).tolist() == [True, False]
    split = disconnected_susceptibility_by_point(values, layout=layout, system_size=1.0)
    assert np.all(np.isnan(split.value))
    assert split.disorder_count.tolist() == [1, 1]
    connected = connected_susceptibility_by_point(
        np.stack([values, values], axis=-1), layout=layout, system_size=1.0
    )
    np.testing.assert_allclose(connected.value, [0.5, 2.0])
    assert np.all(np.isnan(connected.standard_error))


@settings(max_examples=40, deadline=None)
@given(st.floats(-20.0, 20.0), st.floats(1e-2, 1e2), st.integers(0, 2**31))
def test_shift_scale_and_order_of_runs(shift: float, scale: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    samples = generator.normal(size=(UNEQUAL.size, 6))
    shuffled = generator.permutation(UNEQUAL.size)
    moved = (shift - scale * samples)[shuffled]
    labels = UNEQUAL[shuffled]
    before = connected_susceptibility(samples, disorder=UNEQUAL, system_size=3.0)
    after = connected_susceptibility(moved, disorder=labels, system_size=3.0)
    np.testing.assert_allclose(after.value, scale**2 * before.value, rtol=1e-7)
    before = disconnected_susceptibility(samples[:, 0], disorder=UNEQUAL, system_size=3.0)
    after = disconnected_susceptibility(moved[:, 0], disorder=labels, system_size=3.0)
    # The difference of two variances loses digits.
    np.testing.assert_allclose(after.value, scale**2 * before.value, rtol=1e-6, atol=1e-7)
    before = disorder_average(samples[:, 0], disorder=UNEQUAL)
    after = disorder_average(moved[:, 0], disorder=labels)
    np.testing.assert_allclose(after.value, shift - scale * before.value, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(after.standard_error, scale * before.standard_error, rtol=1e-7)


def test_refuses_too_few_disorders() -> None:
    with pytest.raises(InsufficientSamplesError, match=r"disorders.*at least 2.*received 1"):
        disorder_average([1.0, 2.0], disorder=[4, 4])
    with pytest.raises(InsufficientSamplesError, match=r"2 replicas.*at least 2.*received 1"):
        connected_susceptibility(np.zeros((3, 5)), disorder=[0, 0, 1], system_size=1.0)
    with pytest.raises(InsufficientSamplesError, match=r"2 replicas.*at least 3.*received 2"):
        disconnected_susceptibility(np.zeros(5), disorder=[0, 0, 1, 1, 2], system_size=1.0)


def test_refuses_labels_that_do_not_fit_and_sizes_that_are_none() -> None:
    with pytest.raises(InvalidValueError, match="received 3 values and 2 labels"):
        disorder_average([1.0, 2.0, 3.0], disorder=[0, 1])
    with pytest.raises(InvalidValueError, match="system_size must be positive"):
        connected_susceptibility(np.zeros((4, 5)), disorder=[0, 0, 1, 1], system_size=-1.0)
