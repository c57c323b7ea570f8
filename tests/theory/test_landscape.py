"""Stationary points against a brute-force search of the action."""

from dataclasses import replace

import numpy as np
import pytest

from phasegrok.theory.cubic_teacher import CubicTeacherSystem
from phasegrok.theory.landscape import action, landscape, well_margin

PAPER = CubicTeacherSystem.paper(noise_variance=0.1)


def brute_force(
    system: CubicTeacherSystem, linear: float, cubic: float
) -> tuple[list[float], list[float]]:
    overlaps = np.linspace(0.0, 12.0, 240_001)
    nats = action(system, overlaps, linear=linear, cubic=cubic)
    rise = np.diff(nats) > 0.0
    turns = np.flatnonzero(rise[1:] != rise[:-1]) + 1
    return (
        [float(overlaps[i]) for i in turns if rise[i]],
        [float(overlaps[i]) for i in turns if not rise[i]],
    )


@pytest.mark.parametrize("seed", range(40))
def test_roots_of_the_quartic_are_the_turning_points(seed: int) -> None:
    rng = np.random.default_rng(seed)
    linear, cubic = rng.normal(size=2) * np.array([0.2, 0.3])
    system = replace(PAPER, noise_variance=float(np.exp(rng.uniform(-3.0, -1.0))))
    minima, maxima = brute_force(system, linear, cubic)
    found = landscape(system, linear=linear, cubic=cubic)

    well, barrier = found.aligned_well, found.barrier
    assert (well is not None) == bool(minima)
    assert (barrier is not None) == bool(maxima)
    if well is not None:
        assert well.overlap == pytest.approx(max(minima), abs=1e-4)
        assert well.height == pytest.approx(
            float(action(system, max(minima), linear=linear, cubic=cubic)), abs=1e-3
        )
    if barrier is not None:
        assert barrier.overlap == pytest.approx(max(maxima), abs=1e-4)
    near = float(action(system, 1e-4, linear=linear, cubic=cubic))
    assert found.central_is_minimum == (near > 0.0)
    assert (well_margin(system, linear=linear, cubic=cubic) > 0.0) == bool(minima)


def test_the_random_cases_cover_all_kinds_of_landscapes() -> None:
    kinds = set()
    for seed in range(40):
        rng = np.random.default_rng(seed)
        linear, cubic = rng.normal(size=2) * np.array([0.2, 0.3])
        system = replace(PAPER, noise_variance=float(np.exp(rng.uniform(-3.0, -1.0))))
        found = landscape(system, linear=linear, cubic=cubic)
        kinds.add((found.central_is_minimum, found.coexistence))
    assert kinds == {(True, True), (True, False), (False, False)}


def test_the_action_is_even_and_zero_at_the_centre() -> None:
    overlaps = np.linspace(0.0, 3.0, 50)
    plus = action(PAPER, overlaps, linear=0.2, cubic=-0.3)
    np.testing.assert_array_equal(plus, action(PAPER, -overlaps, linear=0.2, cubic=-0.3))
    np.testing.assert_array_equal(plus, action(PAPER, overlaps, linear=-0.2, cubic=0.3))
    assert plus[0] == 0.0


def test_no_discrepancy_leaves_the_prior() -> None:
    found = landscape(PAPER, linear=0.0, cubic=0.0)
    assert found.central_is_minimum
    assert found.aligned_well is None
    assert found.barrier is None
    assert well_margin(PAPER, linear=0.0, cubic=0.0) == -np.inf
