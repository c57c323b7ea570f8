"""Kaufman's energies against sums over all states, duality, and the infinite lattice."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from phasegrok.errors import InvalidValueError
from phasegrok.exact import (
    ISING_CRITICAL_INVERSE_TEMPERATURE,
    ising_energy,
    ising_energy_of_the_infinite_lattice,
    ising_log_partition_function,
    ising_spontaneous_magnetization,
)

CRITICAL = ISING_CRITICAL_INVERSE_TEMPERATURE


@pytest.mark.parametrize("shape", [(2, 2), (2, 3), (3, 3), (3, 4), (4, 3), (4, 4), (2, 8)])
@pytest.mark.parametrize("beta", [0.01, 0.3, CRITICAL, 0.7, 2.0])
def test_energy_is_the_sum_over_all_states(
    shape: tuple[int, int], beta: float, ising_sum: Callable[..., Any]
) -> None:
    exact = ising_sum(shape, beta).energy
    assert float(ising_energy(*shape, inverse_temperature=beta)) == pytest.approx(
        exact, rel=1e-12, abs=1e-14
    )


def test_partition_function_counts_states() -> None:
    beta = 0.37
    # Two by two with doubled bonds: 2 states at -8, 2 at +8, 12 at 0.
    exact = np.log(12 + 2 * np.exp(8 * beta) + 2 * np.exp(-8 * beta))
    value = ising_log_partition_function(2, 2, inverse_temperature=beta)
    assert float(value) == pytest.approx(exact, rel=1e-13)
    free = ising_log_partition_function(5, 7, inverse_temperature=1e-9)
    assert float(free) == pytest.approx(35 * np.log(2), rel=1e-12)


@pytest.mark.parametrize("beta", [0.2, CRITICAL, 0.6])
def test_energy_is_the_slope_of_the_partition_function(beta: float) -> None:
    step = 1e-4
    above, below = (
        float(ising_log_partition_function(12, 20, inverse_temperature=beta + sign * step))
        for sign in (1, -1)
    )
    energy = float(ising_energy(12, 20, inverse_temperature=beta))
    # The third derivative, N times a few units, enters with step²/6.
    assert -(above - below) / (2 * step * 240) == pytest.approx(energy, abs=1e-6)


def test_rows_and_columns_are_alike() -> None:
    betas = np.array([[0.1, 0.3], [CRITICAL, 0.9]])
    one = ising_energy(6, 17, inverse_temperature=betas)
    other = ising_energy(17, 6, inverse_temperature=betas)
    assert one.shape == betas.shape
    np.testing.assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize(
    ("extent", "digits"), [(8, "-1.491589"), (16, "-1.453065"), (32, "-1.433658")]
)
def test_critical_energies_stay_what_they_are(extent: int, digits: str) -> None:
    energy = float(ising_energy(extent, extent, inverse_temperature=CRITICAL))
    assert f"{energy:.6f}" == digits


def test_critical_energies_have_the_correction_of_ferdinand_and_fisher() -> None:
    # Theta constants of the square torus at the nome e^(-π); Phys. Rev. 185, 832 (1969).
    order = np.arange(-6, 7)
    second = np.exp(-np.pi * (order + 0.5) ** 2).sum()
    third, fourth = (np.sum(sign**order * np.exp(-np.pi * order**2.0)) for sign in (1.0, -1.0))
    amplitude = 2 * second * third * fourth / (second + third + fourth)
    energy = float(ising_energy(400, 400, inverse_temperature=CRITICAL))
    # The next correction is of order 1/L³.
    assert 400 * (-(2**0.5) - energy) == pytest.approx(amplitude, rel=1e-5)


def test_critical_energy_tends_to_minus_root_two() -> None:
    assert float(ising_energy_of_the_infinite_lattice(CRITICAL)) == pytest.approx(-(2**0.5))
    finite = [
        float(ising_energy(extent, extent, inverse_temperature=CRITICAL))
        for extent in (50, 100, 200)
    ]
    gaps = -(2**0.5) - np.array(finite)
    np.testing.assert_allclose(gaps[:-1] / gaps[1:], 2.0, rtol=1e-3)


@pytest.mark.parametrize("beta", [0.05, 0.3, 0.6, 3.0, 50.0])
def test_large_lattices_are_onsagers_off_the_critical_point(beta: float) -> None:
    finite = float(ising_energy(400, 400, inverse_temperature=beta))
    infinite = float(ising_energy_of_the_infinite_lattice(beta))
    assert finite == pytest.approx(infinite, rel=1e-10)


def test_first_terms_of_the_high_temperature_series() -> None:
    beta = 1e-3
    # ⟨s s'⟩ = t + 2 t³ + ..., t = tanh β, and two bonds a site.
    t = np.tanh(beta)
    expected = pytest.approx(-2 * (t + 2 * t**3), rel=1e-11)
    assert float(ising_energy_of_the_infinite_lattice(beta)) == expected
    assert float(ising_energy(20, 20, inverse_temperature=beta)) == expected


def test_magnetization_vanishes_at_the_critical_point_and_saturates() -> None:
    values = ising_spontaneous_magnetization([0.3, CRITICAL, 0.5, 300.0])
    assert values[0] == 0.0
    assert values[1] < 0.02
    assert values[2] == pytest.approx((1 - np.sinh(1.0) ** -4.0) ** 0.125)
    assert values[3] == 1.0


@pytest.mark.parametrize("beta", [0.0, -1.0, np.nan, 301.0, [0.4, np.inf]])
def test_temperatures_without_meaning_are_refused(beta: Any) -> None:
    for function in (ising_energy_of_the_infinite_lattice, ising_spontaneous_magnetization):
        with pytest.raises(InvalidValueError, match="inverse_temperature must lie above 0"):
            function(beta)
    with pytest.raises(InvalidValueError, match="inverse_temperature must lie above 0"):
        ising_energy(4, 4, inverse_temperature=beta)


@pytest.mark.parametrize("sizes", [(1, 4), (4, 1), (4, 2.5), (True, 4)])
def test_sizes_without_meaning_are_refused(sizes: tuple[Any, Any]) -> None:
    with pytest.raises(InvalidValueError, match="whole number of at least 2"):
        ising_log_partition_function(*sizes, inverse_temperature=0.4)
