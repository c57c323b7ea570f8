"""Closed forms against printed numbers, against finite sizes and against their own cubic."""

import math
from dataclasses import replace

import numpy as np
import pytest

from phasegrok.errors import InvalidValueError
from phasegrok.theory.cubic_teacher import CubicTeacherSystem
from phasegrok.theory.finite_size import solve_finite_size
from phasegrok.theory.large_size import (
    gaussian_phase,
    large_size_onset,
    large_size_well_limit,
    solve_large_size,
)

PAPER = CubicTeacherSystem.paper(noise_variance=0.2)


def test_onset_at_the_parameters_of_the_paper() -> None:
    onset = large_size_onset(PAPER, solve_for="noise_variance")
    assert onset.system.noise_variance == pytest.approx(0.17872, abs=0.5e-5)
    assert onset.system.interaction == pytest.approx(30.67, abs=0.005)
    assert onset.linear_discrepancy == pytest.approx(0.2920, abs=0.5e-4)
    assert onset.aligned_overlap == pytest.approx(0.721, abs=0.5e-3)
    assert onset.droplets == 0.0


def test_onset_obeys_the_published_closed_forms() -> None:
    onset = large_size_onset(PAPER, solve_for="noise_variance")
    b, c, g, prior = onset.linear_discrepancy, 0.3, 2.0, 0.5
    interaction = 27.0 * math.pi * c * g / (16.0 * prior * (b + c) ** 3)
    assert onset.system.interaction == pytest.approx(interaction, rel=1e-10)
    assert onset.aligned_overlap == pytest.approx(
        math.sqrt(g * (2.0 * c - b) / (2.0 * (b + c))), rel=1e-10
    )


def test_onset_driven_by_examples_and_by_width() -> None:
    onset = large_size_onset(PAPER, solve_for="example_count").system
    assert onset.example_count / PAPER.noise_variance == pytest.approx(16786.0, abs=0.5)
    assert round(onset.example_count) == 3357
    for noise_variance, width in ((0.1, 1784), (0.2, 582), (0.25, 404), (0.3, 298)):
        system = replace(PAPER, noise_variance=noise_variance)
        # 582.52 is printed as 582: cut, not rounded.
        found = large_size_onset(system, solve_for="width").system.width
        assert found == pytest.approx(width, abs=0.55)


@pytest.mark.parametrize(
    ("cubic", "noise_variance", "interaction", "step"),
    [
        (-0.1, 0.063, 245, 1.0),
        (-0.2, 0.123, 64.9, 0.1),
        (-0.5, 0.279, 12.6, 0.1),
        (-0.8, 0.402, 6.05, 0.01),
        (-1.2, 0.531, 3.48, 0.01),
    ],
)
def test_onset_for_other_amplitudes(
    cubic: float, noise_variance: float, interaction: float, step: float
) -> None:
    onset = large_size_onset(replace(PAPER, cubic=cubic), solve_for="noise_variance").system
    # 0.5305 is printed as 0.531.
    assert onset.noise_variance == pytest.approx(noise_variance, abs=0.00053)
    assert onset.interaction == pytest.approx(interaction, abs=0.51 * step)


def test_second_minimum_exists_below_0_191() -> None:
    limit = large_size_well_limit(PAPER, solve_for="noise_variance").system
    assert limit.noise_variance == pytest.approx(0.191, abs=0.0005)


def test_onset_of_appendix_d() -> None:
    system = CubicTeacherSystem(
        noise_variance=0.05,
        example_count=600,
        width=1400,
        input_size=150,
        first_variance=0.5,
        readout_variance=0.011,
        cubic=-1.2,
    )
    onset = large_size_onset(system, solve_for="width")
    assert round(onset.system.width) == 2541
    assert onset.aligned_overlap == pytest.approx(0.98, abs=0.005)


@pytest.mark.parametrize(
    ("noise_variance", "linear", "cubic", "droplets"),
    [
        (0.10, 0.130, -0.2455, 3.74),
        (0.15, 0.234, -0.281, 2.24),
        (0.0735, None, -0.2236, 3.76),
        (0.051, None, -0.2014, 3.51),
        (0.041, None, -0.189, 3.33),
    ],
)
def test_mixed_phase_to_the_digit_printed(
    noise_variance: float, linear: float | None, cubic: float, droplets: float
) -> None:
    found = solve_large_size(replace(PAPER, noise_variance=noise_variance))
    digits = len(str(abs(cubic))) - 2
    assert found.mixed
    assert found.cubic_discrepancy == pytest.approx(cubic, abs=0.51 * 10.0**-digits)
    assert found.droplets == pytest.approx(droplets, abs=0.0051)
    if linear is not None:
        assert found.linear_discrepancy == pytest.approx(linear, abs=0.51e-3)


def test_aligned_overlap_reaches_0_98_at_low_noise() -> None:
    found = solve_large_size(replace(PAPER, noise_variance=0.1))
    assert found.aligned_overlap == pytest.approx(0.98, abs=0.005)


@pytest.mark.parametrize(
    ("noise_variance", "linear"),
    [(0.18, 0.2940), (0.20, 0.3252), (0.25, 0.4016), (0.30, 0.4747)],
)
def test_gaussian_phase_solves_its_cubic(noise_variance: float, linear: float) -> None:
    system = replace(PAPER, noise_variance=noise_variance)
    found = solve_large_size(system)
    assert not found.mixed
    assert found.cubic_discrepancy == -0.3
    assert found.linear_discrepancy == pytest.approx(linear, abs=0.5e-4)
    b = 4.0 * system.interaction / (2.0 * math.pi)
    a = 4.0 * system.kappa / (2.0 * math.pi)
    roots = np.roots([b, -b, -(a + 2.0), 2.0])
    admissible = [root for root in roots if 0.0 < root < 1.0 and 2.0 > b * root**2]
    assert len(admissible) == 1
    assert found.linear_discrepancy == pytest.approx(float(admissible[0]), rel=1e-12)
    assert found.central_variance == pytest.approx(1.0 / (2.0 - b * admissible[0] ** 2))


@pytest.mark.parametrize(
    ("cubic", "noise_variance"), [(-0.3, 0.03), (-0.3, 0.1), (-0.3, 0.25), (0.5, 0.05)]
)
def test_finite_sizes_approach_it_as_the_inverse_input_size(
    cubic: float, noise_variance: float
) -> None:
    system = replace(PAPER, cubic=cubic, noise_variance=noise_variance)
    limit = solve_large_size(system)
    errors = []
    for beta in (1e4, 1e6):
        scaled = system.scaled(beta, beta)
        found = solve_finite_size(scaled)
        errors.append(
            math.hypot(
                found.linear_discrepancy - limit.linear_discrepancy,
                found.cubic_discrepancy - limit.cubic_discrepancy,
            )
        )
        if limit.mixed:
            weight = found.droplet_weight
            assert weight is not None
            assert weight * scaled.input_size == pytest.approx(limit.droplets, rel=0.02)
    # Corrections are of order (log d)/d in the mixed phase.
    assert errors[1] < 0.2 * errors[0]
    assert errors[1] < 1e-3


@pytest.mark.parametrize("cubic", [-0.3, 0.3])
def test_phases_join_continuously(cubic: float) -> None:
    system = replace(PAPER, cubic=cubic)
    onset = large_size_onset(system, solve_for="noise_variance")
    noise_variance = onset.system.noise_variance
    mixed = solve_large_size(replace(system, noise_variance=noise_variance * (1.0 - 1e-6)))
    gaussian = solve_large_size(replace(system, noise_variance=noise_variance * (1.0 + 1e-6)))
    assert mixed.mixed
    assert not gaussian.mixed
    assert 0.0 < mixed.droplets < 1e-3
    assert mixed.aligned_overlap == pytest.approx(onset.aligned_overlap, rel=1e-4)
    assert mixed.linear_discrepancy == pytest.approx(gaussian.linear_discrepancy, rel=1e-4)


def test_the_gaussian_branch_continues_into_the_mixed_phase() -> None:
    found = gaussian_phase(replace(PAPER, noise_variance=0.1))
    assert found.linear_discrepancy > solve_large_size(found.system).linear_discrepancy
    assert found.central_variance > 0.0


def test_refuses_other_controls_and_a_linear_teacher() -> None:
    with pytest.raises(
        InvalidValueError, match=r"solve_for must be one of .*Did you mean 'width'"
    ):
        large_size_onset(PAPER, solve_for="widht")
    with pytest.raises(InvalidValueError, match="smooth crossover only"):
        large_size_onset(replace(PAPER, cubic=0.0), solve_for="width")
