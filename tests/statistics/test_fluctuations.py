"""Susceptibility and cumulants of correlated series: bias gone, errors honest."""

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.fluctuations import (
    binder_cumulant_estimate,
    kurtosis_ratio_estimate,
    susceptibility_estimate,
)
from phasegrok.statistics.functions_of_means import FunctionEstimate
from phasegrok.statistics.moments import binder_cumulant, kurtosis_ratio
from phasegrok.statistics.samples import FloatArray, Status

COUNT = 1500


def autoregression(coefficient: float, shape: tuple[int, ...], seed: int) -> FloatArray:
    noise = np.random.default_rng(seed).normal(size=shape)
    noise[..., 1:] *= np.sqrt(1.0 - coefficient**2)
    series: FloatArray = scipy.signal.lfilter([1.0], [1.0, -coefficient], noise, axis=-1)
    return series


def two_phases(shape: tuple[int, ...], seed: int) -> FloatArray:
    """Hops between ±1 every 20 records on average, blurred by a width of ½."""
    generator = np.random.default_rng(seed)
    hops = generator.random(shape) < 0.05
    signs = (-1.0) ** np.cumsum(hops, axis=-1) * generator.choice([-1.0, 1.0], size=shape[:-1])[
        ..., np.newaxis
    ]
    phases: FloatArray = signs + 0.5 * generator.normal(size=shape)
    return phases


def check(
    estimate: FunctionEstimate, exact: float, *, short: float, long: float = 0.06
) -> None:
    """No bias beyond four errors of the average; an error off by so much at most."""
    spread = float(estimate.value.std(ddof=1))
    assert abs(estimate.value.mean() - exact) < 4.0 * spread / COUNT**0.5
    predicted = float((estimate.error**2).mean()) ** 0.5
    assert -short < predicted / spread - 1.0 < long
    assert np.mean(np.abs(estimate.value - exact) < 1.96 * estimate.error) > 0.95 - short


@pytest.mark.parametrize("coefficient", [0.0, 0.8])
def test_susceptibility_is_unbiased_with_an_honest_error(coefficient: float) -> None:
    series = autoregression(coefficient, (COUNT, 1500), seed=1) + 7.0
    estimate = susceptibility_estimate(series, system_size=4.0)
    check(estimate, 4.0, short=0.07)
    plain = estimate.value + estimate.bias
    if coefficient > 0.0:  # The plain variance is short by 2τ/n, six errors of the average.
        assert plain.mean() < 4.0 - 4.0 * plain.std() / COUNT**0.5 * 0.5
        np.testing.assert_allclose(plain.mean(), 4.0 * (1.0 - 9.0 / 1500), rtol=4e-3)


@pytest.mark.parametrize("coefficient", [0.0, 0.8])
def test_cumulants_of_correlated_gaussians(coefficient: float) -> None:
    series = autoregression(coefficient, (COUNT, 3000), seed=2)
    check(binder_cumulant_estimate(series), 0.0, short=0.08)
    check(kurtosis_ratio_estimate(series + 5.0), 3.0, short=0.08)


def test_cumulants_of_two_phases() -> None:
    series = two_phases((COUNT, 3000), seed=3)
    ratio = (1.0 + 6.0 / 4.0 + 3.0 / 16.0) / (5.0 / 4.0) ** 2
    check(binder_cumulant_estimate(series), 1.0 - ratio / 3.0, short=0.07)
    hopping = kurtosis_ratio_estimate(series + 5.0)
    # The ratio is least at equal weights: there a jackknife errs on the safe side.
    check(hopping, ratio, short=0.1, long=0.4)
    plain = hopping.value + hopping.bias
    # Without the correction the short stay in one phase shows: that is what it is for.
    assert abs(plain.mean() - ratio) > 4.0 * plain.std() / COUNT**0.5


def test_plain_values_are_those_of_moments() -> None:
    series = np.random.default_rng(4).normal(size=(3, 200)) + 0.3
    binder, kurtosis = binder_cumulant_estimate(series), kurtosis_ratio_estimate(series)
    np.testing.assert_allclose(binder.value + binder.bias, binder_cumulant(series), rtol=1e-10)
    np.testing.assert_allclose(
        kurtosis.value + kurtosis.bias, kurtosis_ratio(series), rtol=1e-10
    )
    plain = susceptibility_estimate(series, system_size=[1.0, 2.0, 5.0], block_length=1)
    np.testing.assert_allclose(
        plain.value, series.var(axis=-1, ddof=1) * [1.0, 2.0, 5.0], rtol=1e-10
    )


def test_many_points_are_the_same_as_one_by_one() -> None:
    series = np.stack([autoregression(c, (900,), seed=5) for c in (0.0, 0.95, 0.6)])
    for function in (binder_cumulant_estimate, kurtosis_ratio_estimate):
        together = function(series)
        for point in range(3):
            alone = function(series[point])
            for left, right in zip(together, alone, strict=True):
                np.testing.assert_allclose(left[point], right, rtol=1e-7, atol=1e-12)


def test_constants() -> None:
    still = np.full((2, 30), 0.1)
    flat = susceptibility_estimate(still, system_size=3.0)
    assert np.all(flat.value == 0.0)
    assert np.all(flat.error == 0.0)
    assert np.all(flat.status == Status.CONSTANT)
    assert np.all(kurtosis_ratio_estimate(still).status == Status.REFUSED)
    assert np.all(np.isnan(kurtosis_ratio_estimate(still).value))
    assert binder_cumulant_estimate(np.zeros(9)).status == Status.REFUSED
    deep = binder_cumulant_estimate(still)
    np.testing.assert_allclose(deep.value, 2.0 / 3.0)
    assert np.all(deep.status == Status.CONSTANT)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6) | st.booleans(), min_size=2, max_size=40))
def test_any_finite_numbers_give_a_result_or_a_status(samples: list[float]) -> None:
    for estimate in (
        susceptibility_estimate(samples, system_size=2.0),
        binder_cumulant_estimate(samples),
        kurtosis_ratio_estimate(samples),
    ):
        finite = np.isfinite(estimate.value) & np.isfinite(estimate.error)
        assert finite == (estimate.status != Status.REFUSED)


@settings(max_examples=25, deadline=None)
@given(st.integers(20, 90), st.floats(-50.0, 50.0), st.floats(1e-2, 1e2), st.integers(0, 999))
def test_shift_and_scale(length: int, shift: float, scale: float, seed: int) -> None:
    samples = np.random.default_rng(seed).normal(size=length)
    moved = shift - scale * samples
    before = susceptibility_estimate(samples, system_size=2.0)
    after = susceptibility_estimate(moved, system_size=2.0)
    np.testing.assert_allclose(after.value, scale**2 * before.value, rtol=1e-7)
    np.testing.assert_allclose(after.error, scale**2 * before.error, rtol=1e-6)
    left, right = kurtosis_ratio_estimate(samples), kurtosis_ratio_estimate(moved)
    np.testing.assert_allclose(right.value, left.value, rtol=1e-6)
    left, right = binder_cumulant_estimate(samples), binder_cumulant_estimate(-scale * samples)
    np.testing.assert_allclose(right.value, left.value, rtol=1e-6, atol=1e-9)


def test_refusals() -> None:
    for function in (binder_cumulant_estimate, kurtosis_ratio_estimate):
        with pytest.raises(InsufficientSamplesError, match="at least 2 samples, received 1"):
            function([1.0])
        with pytest.raises(InvalidValueError, match="1 NaN or infinite"):
            function([0.0, np.nan, 1.0])
    with pytest.raises(InvalidValueError, match="system_size must be positive"):
        susceptibility_estimate(np.zeros(5), system_size=-1.0)
    with pytest.raises(InsufficientSamplesError, match="received 0"):
        susceptibility_estimate([], system_size=1.0)
