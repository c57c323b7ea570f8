"""One point seen from others: closed forms of wells and an enumerated ring of spins."""

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.reweighting import log_weights, reweighted_mean
from phasegrok.statistics.samples import FloatArray, Status

COUNT = 250


def autoregression(coefficient: float, shape: tuple[int, ...], seed: int) -> FloatArray:
    noise = np.random.default_rng(seed).normal(size=shape)
    noise[..., 1:] *= np.sqrt(1.0 - coefficient**2)
    series: FloatArray = scipy.signal.lfilter([1.0], [1.0, -coefficient], noise, axis=-1)
    return series


@pytest.mark.parametrize("coefficient", [0.0, 0.8])
def test_a_well_at_other_fields_and_stiffnesses(coefficient: float) -> None:
    # U/T = k x²/2 - h x, sampled at k = 1, h = 0; ⟨x⟩ = h/k and ⟨x²⟩ = 1/k + h²/k².
    x = autoregression(coefficient, (COUNT, 4000), seed=1)
    change = np.array([[0.0, 0.4], [0.5, 0.0], [0.5, -0.6], [0.0, 0.0]])
    stiffness, field = 1.0 + change[:, 0], change[:, 1]
    for power, exact in ((1, field / stiffness), (2, 1 / stiffness + (field / stiffness) ** 2)):
        result = reweighted_mean(x**power, np.stack([x**2 / 2.0, -x]), change=change)
        assert result.value.shape == (COUNT, 4)
        spread = result.value.std(axis=0, ddof=1)
        assert np.all(np.abs(result.value.mean(axis=0) - exact) < 4.0 * spread / COUNT**0.5)
        predicted = np.sqrt((result.error**2).mean(axis=0))
        assert np.all(np.abs(predicted / spread - 1.0) < 4.0 / (2.0 * COUNT) ** 0.5 + 0.06)
        assert np.all(result.status == Status.RESOLVED)


def test_without_a_change_it_is_the_mean() -> None:
    x = np.random.default_rng(2).normal(size=300)
    result = reweighted_mean(x, [x], change=[[0.0]])
    np.testing.assert_allclose(result.value, [x.mean()], rtol=1e-10)
    assert result.effective_samples[0] > 200.0


def test_effective_samples_of_a_shifted_gaussian() -> None:
    # Kish's share for a shift h of a unit Gaussian is exp(-h²).
    x = np.random.default_rng(3).normal(size=400_000)
    result = reweighted_mean(x, [-x], change=[[0.5], [1.0]])
    share = result.effective_samples / 400_000
    np.testing.assert_allclose(share, np.exp([-0.25, -1.0]), rtol=0.05)
    slow = autoregression(0.9, (400_000,), seed=4)
    result = reweighted_mean(slow, [-slow], change=[[0.5]])
    np.testing.assert_allclose(result.effective_samples, 400_000 * np.exp(-0.25) / 19, rtol=0.1)


def test_targets_out_of_reach_are_refused_and_harm_no_other() -> None:
    x = np.random.default_rng(5).normal(size=2000)
    result = reweighted_mean(x, [-x], change=[[0.3], [6.0]])
    assert result.status.tolist() == [Status.RESOLVED, Status.REFUSED]
    assert np.isnan(result.value[1])
    assert np.isnan(result.error[1])
    assert 0.0 < result.effective_samples[1] < 50.0
    assert abs(result.value[0] - 0.3) < 4.0 * result.error[0]
    few = reweighted_mean(x, [-x], change=[[6.0]], minimum_effective_samples=0.5)
    assert np.isfinite(few.value[0])  # And far from 6: that is why it is refused.
    assert few.value[0] < 4.0


def test_weights_do_not_overflow() -> None:
    energies = 1e6 * np.random.default_rng(6).normal(size=(1, 100))
    logarithms = log_weights(energies, change=[[1.0], [-1.0]])
    assert logarithms.shape == (2, 100)
    assert np.all(logarithms.max(axis=-1) == 0.0)
    assert np.argmax(logarithms[0]) == np.argmin(energies[0])


def test_points_broadcast_against_common_terms() -> None:
    generator = np.random.default_rng(7)
    values, terms = generator.normal(size=(2, 3, 400)), generator.normal(size=(1, 400))
    together = reweighted_mean(values, terms, change=[[0.2], [0.4]])
    alone = reweighted_mean(values[1, 2], terms, change=[[0.4]])
    for left, right in zip(together, alone, strict=True):
        np.testing.assert_allclose(left[1, 2, 1], right[0], rtol=1e-9)


def test_constants() -> None:
    x = np.random.default_rng(8).normal(size=500)
    result = reweighted_mean(np.full(500, 0.1), [x], change=[[0.3]])
    np.testing.assert_allclose(result.value, 0.1, rtol=1e-12)
    assert result.error[0] < 1e-12
    still = reweighted_mean(np.full(100, 0.1), np.ones((1, 100)), change=[[3.0]])
    assert still.status[0] == Status.CONSTANT
    np.testing.assert_allclose(still.value, 0.1)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.floats(-1e4, 1e4) | st.booleans(), min_size=2, max_size=40),
    st.floats(-10.0, 10.0),
)
def test_any_finite_numbers_give_a_result_or_a_status(samples: list[float], by: float) -> None:
    result = reweighted_mean(samples, [samples[::-1]], change=[[by]])
    finite = np.isfinite(result.value) & np.isfinite(result.error)
    assert finite[0] == (result.status[0] != Status.REFUSED)


@settings(max_examples=25, deadline=None)
@given(st.floats(-1e3, 1e3), st.integers(0, 999))
def test_shifts_of_the_energy_change_nothing(shift: float, seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=200)
    before = reweighted_mean(x, [x**2], change=[[0.1]])
    after = reweighted_mean(x, [x**2 + shift], change=[[0.1]])
    np.testing.assert_allclose(after.value, before.value, rtol=1e-7, atol=1e-9)


def test_refusals() -> None:
    ones = np.ones(5)
    with pytest.raises(InvalidValueError, match="with 1 controls, received"):
        reweighted_mean(ones, [ones], change=[[0.0, 1.0]])
    with pytest.raises(InvalidValueError, match="the same samples, received 5 and 4"):
        reweighted_mean(ones, np.ones((1, 4)), change=[[0.0]])
    with pytest.raises(InvalidValueError, match="need the same points"):
        reweighted_mean(np.ones((2, 5)), np.ones((1, 3, 5)), change=[[0.0]])
    with pytest.raises(InsufficientSamplesError, match="change of controls needs at least 1"):
        reweighted_mean(ones, [ones], change=np.zeros((0, 1)))
    with pytest.raises(InsufficientSamplesError, match="at least 2 samples, received 1"):
        reweighted_mean([1.0], [[1.0]], change=[[0.0]])
    with pytest.raises(InvalidValueError, match="1 NaN or infinite"):
        reweighted_mean([0.0, np.nan], [[1.0, 1.0]], change=[[0.0]])
