"""Derivatives from fluctuations against finite differences of exact averages."""

import itertools

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.linear_response import response, temperature_response
from phasegrok.statistics.samples import FloatArray, Status

SPINS = np.array(list(itertools.product([-1.0, 1.0], repeat=8)))
MAGNETISATION = SPINS.mean(axis=1)
BONDS = (SPINS * np.roll(SPINS, 1, axis=1)).sum(axis=1)
FIELD, COUPLING, TEMPERATURE = 0.2, 0.7, 1.5


def energy(field: float, coupling: float) -> FloatArray:
    result: FloatArray = -coupling * BONDS - 8.0 * field * MAGNETISATION
    return result


def probabilities(field: float, coupling: float, temperature: float) -> FloatArray:
    weights = np.exp(-energy(field, coupling) / temperature)
    result: FloatArray = weights / weights.sum()
    return result


def exact_mean(
    field: float = FIELD, coupling: float = COUPLING, temperature: float = TEMPERATURE
) -> float:
    return float(probabilities(field, coupling, temperature) @ MAGNETISATION)


def drawn(shape: tuple[int, ...], seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    chances = probabilities(FIELD, COUPLING, TEMPERATURE)
    return np.random.default_rng(seed).choice(len(SPINS), p=chances, size=shape)


STEP = 1e-4


@pytest.mark.parametrize("control", ["field", "coupling", "temperature"])
def test_equals_the_finite_difference_of_the_exact_ising_ring(control: str) -> None:
    states = drawn((600, 500), seed=1)
    order = MAGNETISATION[states]
    here = {"field": FIELD, "coupling": COUPLING, "temperature": TEMPERATURE}[control]
    upper, lower = (exact_mean(**{control: here + sign * STEP}) for sign in (1.0, -1.0))
    exact = (upper - lower) / (2.0 * STEP)
    if control == "field":
        estimate = response(order, -order, temperature=TEMPERATURE, system_size=8.0)
    elif control == "coupling":
        estimate = response(order, -BONDS[states], temperature=TEMPERATURE)
    else:
        total = energy(FIELD, COUPLING)[states]
        estimate = temperature_response(order, total, temperature=TEMPERATURE)
    spread = estimate.value.std(ddof=1)
    assert abs(estimate.value.mean() - exact) < 4.0 * spread / 600**0.5
    predicted = (estimate.error**2).mean() ** 0.5
    assert abs(predicted / spread - 1.0) < 4.0 / 1200**0.5 + 0.04


def test_few_samples_show_no_bias() -> None:
    states = drawn((20_000, 12), seed=2)
    order = MAGNETISATION[states]
    estimate = response(order, -order, temperature=TEMPERATURE, system_size=8.0)
    exact = (exact_mean(field=FIELD + STEP) - exact_mean(field=FIELD - STEP)) / (2.0 * STEP)
    noise = 4.0 * estimate.value.std() / 20_000**0.5
    assert abs(estimate.value.mean() - exact) < noise
    assert abs(estimate.value.mean() * 11.0 / 12.0 - exact) > noise  # What ddof 0 would say.


def test_correlated_samples_of_a_harmonic_well() -> None:
    # U = k x²/2 - h x: d⟨x⟩/dh = 1/k whatever T, and d⟨x²⟩/dk = -T/k² at h = 0.
    stiffness, temperature, count = 2.0, 0.5, 400
    noise = np.random.default_rng(3).normal(size=(count, 6000))
    noise[:, 1:] *= np.sqrt(1.0 - 0.8**2)
    x = scipy.signal.lfilter([1.0], [1.0, -0.8], noise) * np.sqrt(temperature / stiffness)
    for estimate, exact in (
        (response(x, -x, temperature=temperature), 1.0 / stiffness),
        (response(x**2, x**2 / 2.0, temperature=temperature), -temperature / stiffness**2),
    ):
        spread = estimate.value.std(ddof=1)
        assert abs(estimate.value.mean() - exact) < 4.0 * spread / count**0.5
        predicted = (estimate.error**2).mean() ** 0.5
        assert abs(predicted / spread - 1.0) < 4.0 / (2.0 * count) ** 0.5 + 0.04
        assert np.mean(estimate.status == Status.RESOLVED) > 0.99


def test_points_temperatures_and_sizes_broadcast() -> None:
    generator = np.random.default_rng(4)
    first, second = generator.normal(size=(3, 1, 60)), generator.normal(size=(2, 60))
    heat = np.array([[1.0], [2.0], [4.0]])
    together = response(first, second, temperature=heat, system_size=[5.0, 7.0])
    assert together.value.shape == (3, 2)
    alone = response(first[1, 0], second[1], temperature=2.0, system_size=7.0)
    np.testing.assert_allclose(together.value[1, 1], alone.value, rtol=1e-10)
    np.testing.assert_allclose(together.error[1, 1], alone.error, rtol=1e-10)


def test_what_does_not_fluctuate_does_not_respond() -> None:
    moving = np.random.default_rng(5).normal(size=40)
    estimate = response(np.full(40, 0.1), moving, temperature=1.0)
    assert estimate.value == 0.0
    assert estimate.error == 0.0
    assert response(np.ones(9), np.ones(9), temperature=1.0).status == Status.CONSTANT


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6) | st.booleans(), min_size=2, max_size=40))
def test_any_finite_numbers_give_a_number(samples: list[float]) -> None:
    estimate = response(samples, samples[::-1], temperature=1.0)
    assert np.isfinite(estimate.value)
    assert np.isfinite(estimate.error)


def test_refusals() -> None:
    ones = np.ones(5)
    with pytest.raises(InvalidValueError, match="temperature must be positive"):
        response(ones, ones, temperature=0.0)
    with pytest.raises(InvalidValueError, match="system_size must be positive"):
        response(ones, ones, temperature=1.0, system_size=-3.0)
    with pytest.raises(InvalidValueError, match="received 5 and 4 samples"):
        response(ones, ones[:4], temperature=1.0)
    with pytest.raises(InvalidValueError, match="quantities that broadcast"):
        response(np.ones((2, 5)), np.ones((3, 5)), temperature=1.0)
    with pytest.raises(InsufficientSamplesError, match="at least 2 samples, received 1"):
        temperature_response([1.0], [1.0], temperature=1.0)
    with pytest.raises(InvalidValueError, match="1 NaN or infinite"):
        temperature_response([0.0, np.nan], [1.0, 2.0], temperature=1.0)
