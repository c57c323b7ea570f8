"""Parameters, scaling and the Gaussian moments of the activation."""

import math
from dataclasses import replace

import numpy as np
import pytest

from phasegrok.errors import InvalidValueError
from phasegrok.theory.cubic_teacher import CubicTeacherSystem, erf_moments

PAPER = CubicTeacherSystem.paper(noise_variance=0.18)


def test_the_paper_quotes_an_interaction_of_30_2_at_its_transition() -> None:
    assert PAPER.interaction == pytest.approx(30.23, abs=0.005)
    # The prior variance of one readout weight at β = 1.
    assert PAPER.readout_variance / PAPER.width == pytest.approx(8.0 / 700.0**2, rel=1e-14)


def test_the_smallest_system_is_rounded_to_whole_numbers() -> None:
    small = CubicTeacherSystem.paper(1 / 8, noise_variance=0.18)
    assert (small.width, small.input_size, small.example_count) == (88, 53, 375)
    assert small.readout_variance == pytest.approx(8.0 / 700.0 * 8.0**0.5, rel=1e-14)


@pytest.mark.parametrize(("alpha", "beta"), [(2.0, 3.0), (0.1, 0.1), (1.0, 50.0)])
def test_scaling_keeps_interaction_and_kernel_strength(alpha: float, beta: float) -> None:
    scaled = PAPER.scaled(alpha, beta)
    assert scaled.interaction == pytest.approx(PAPER.interaction, rel=1e-13)
    assert scaled.kappa == pytest.approx(PAPER.kappa, rel=1e-13)
    assert scaled.width == pytest.approx(beta * PAPER.width)
    assert scaled.input_size == pytest.approx(math.sqrt(beta) * PAPER.input_size)


def test_examples_and_noise_enter_as_their_ratio_only() -> None:
    doubled = replace(PAPER, noise_variance=0.36, example_count=6000.0)
    assert doubled.interaction == pytest.approx(PAPER.interaction, rel=1e-14)
    assert doubled.kappa == pytest.approx(PAPER.kappa, rel=1e-14)


@pytest.mark.parametrize("perpendicular", [0.0, 0.5, 1.7])
@pytest.mark.parametrize("overlap", [-1.3, 0.2, 0.9])
def test_moments_match_two_dimensional_gauss_hermite(
    overlap: float, perpendicular: float
) -> None:
    nodes, weights = np.polynomial.hermite_e.hermegauss(180)
    weights = weights / weights.sum()
    along, across = nodes[:, None], nodes[None, :]
    features = np.vectorize(math.erf)(overlap * along + math.sqrt(perpendicular) * across)
    joint = weights[:, None] * weights[None, :] * features
    linear, cubic = erf_moments(overlap, perpendicular=perpendicular)
    # erf is entire but steep; 180 nodes leave 1e-9 at the steepest case.
    assert linear == pytest.approx((joint * along).sum(), abs=1e-8)
    assert cubic == pytest.approx((joint * (along**3 - 3.0 * along)).sum(), abs=1e-8)


def test_moments_match_monte_carlo_over_inputs_of_many_dimensions() -> None:
    rng = np.random.default_rng(11)
    inputs = rng.normal(size=(200_000, 6))
    weights = np.array([0.8, 0.3, -0.4, 0.2, 0.1, -0.5])
    features = np.vectorize(math.erf)(inputs @ weights)
    teacher = inputs[:, 0]
    linear, cubic = erf_moments(weights[0], perpendicular=float(weights[1:] @ weights[1:]))
    for polynomial, expected in ((teacher, linear), (teacher**3 - 3.0 * teacher, cubic)):
        draws = polynomial * features
        standard_error = draws.std(ddof=1) / len(draws) ** 0.5
        assert abs(draws.mean() - expected) < 4.0 * standard_error


@pytest.mark.parametrize(
    "field", ["noise_variance", "width", "input_size", "first_variance", "readout_variance"]
)
@pytest.mark.parametrize("value", [0.0, -1.0, math.inf, math.nan])
def test_refuses_values_that_no_system_has(field: str, value: float) -> None:
    with pytest.raises(InvalidValueError, match=rf"{field} must be positive and finite"):
        replace(PAPER, **{field: value})


def test_refuses_an_infinite_cubic_part_and_scales_without_neurons() -> None:
    with pytest.raises(InvalidValueError, match="give the amplitude ε"):
        replace(PAPER, cubic=math.inf)
    with pytest.raises(InvalidValueError, match="beta must be finite and at least 1/1400"):
        CubicTeacherSystem.paper(1e-5, noise_variance=0.1)
    with pytest.raises(InvalidValueError, match="alpha and beta must be positive"):
        PAPER.scaled(1.0, 0.0)
