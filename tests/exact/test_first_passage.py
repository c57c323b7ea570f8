"""Mean times of escape against linear equations, nested quadrature and their limits."""

import numpy as np
import pytest
from scipy.integrate import quad

from phasegrok.errors import InvalidValueError
from phasegrok.exact import (
    birth_death_passage_time,
    curie_weiss_barrier,
    curie_weiss_escape_time,
    double_well_escape_time,
    double_well_passage_time,
)
from phasegrok.exact.curie_weiss_kinetics import curie_weiss_rates


@pytest.mark.parametrize(("start", "target"), [(0, 30), (5, 22), (29, 30)])
def test_the_sum_solves_the_equation_of_mean_times(start: int, target: int) -> None:
    up, down = curie_weiss_rates(size=30, inverse_temperature=1.4, field=0.05)
    generator = np.diag(up[:-1], 1) + np.diag(down[1:], -1) - np.diag(up + down)
    times = np.linalg.solve(generator[:target, :target], -np.ones(target))
    assert birth_death_passage_time(up, down, start=start, target=target) == pytest.approx(
        times[start], rel=1e-9
    )


@pytest.mark.parametrize("field", [0.0, 0.05, 0.1])
def test_lifetimes_grow_with_the_barrier_per_spin(field: float) -> None:
    barrier = curie_weiss_barrier(inverse_temperature=1.5, field=field)
    logs = [
        np.log(
            curie_weiss_escape_time(
                size=size, inverse_temperature=1.5, field=field, exit_magnetization=0.6
            )
        )
        for size in (1000, 2000)
    ]
    # ln τ = N b + ln τ₀ + O(1/N), and the start and exit are whole numbers of spins.
    assert (logs[1] - logs[0]) / 1000 == pytest.approx(barrier, abs=5e-5)


@pytest.mark.parametrize("temperature", [0.3, 1.0])
def test_the_quadrature_is_the_nested_integral(temperature: float) -> None:
    def energy(x: float) -> float:
        return (x**2 - 1) ** 2 / temperature

    def outer(y: float) -> float:
        below, _ = quad(lambda z: np.exp(-energy(z)), -4.0, y, epsabs=1e-12)
        return float(np.exp(energy(y)) * below)

    expected, _ = quad(outer, -1.0, 0.5, epsabs=1e-10)
    found = double_well_passage_time(barrier=1.0, temperature=temperature)
    assert found == pytest.approx(expected / temperature, rel=1e-6)


def test_for_a_high_barrier_it_is_kramers_time() -> None:
    ratios = [
        double_well_passage_time(barrier=1.0, temperature=each)
        / double_well_escape_time(barrier=1.0, temperature=each)
        for each in (0.04, 0.02)
    ]
    # Corrections are linear in T, so extrapolating them away leaves their square.
    assert 2 * ratios[1] - ratios[0] == pytest.approx(1.0, abs=2e-3)
    assert ratios[0] > ratios[1] > 1.0


def test_what_has_no_passage_is_refused() -> None:
    up, down = curie_weiss_rates(size=4, inverse_temperature=1.0, field=0.0)
    with pytest.raises(InvalidValueError, match="target must lie above the start"):
        birth_death_passage_time(up, down, start=3, target=2)
    with pytest.raises(InvalidValueError, match="no barrier"):
        curie_weiss_barrier(inverse_temperature=0.9, field=0.0)
    with pytest.raises(InvalidValueError, match="no barrier"):
        curie_weiss_barrier(inverse_temperature=1.5, field=0.2)
    with pytest.raises(InvalidValueError, match="exit must lie above"):
        double_well_passage_time(barrier=1.0, temperature=0.1, exit_coordinate=-2.0)
