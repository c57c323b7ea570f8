"""Lines of the phase diagram: consistency between planes, limits and small systems."""

from dataclasses import replace

import numpy as np
import pytest

from phasegrok.errors import InvalidValueError
from phasegrok.theory.cubic_teacher import CubicTeacherSystem
from phasegrok.theory.finite_size import solve_finite_size
from phasegrok.theory.large_size import large_size_onset, large_size_well_limit
from phasegrok.theory.phase_boundary import (
    aligned_crossover,
    coexistence_range,
    crossover_line,
    first_order_line,
    well_limit_line,
)

PAPER = CubicTeacherSystem.paper(noise_variance=0.2)
SMALL = CubicTeacherSystem.paper(1 / 8, noise_variance=0.2)


def test_large_size_line_is_a_ray_in_the_plane_of_noise_and_examples() -> None:
    line = first_order_line(
        PAPER, solve_for="noise_variance", along="example_count", values=[500, 3000, 9000]
    )
    np.testing.assert_allclose(
        line.critical_values, 0.178719 * line.along_values / 3000, rtol=1e-5
    )
    assert line.absent_values.size == 0


@pytest.mark.parametrize(
    ("solve_for", "along"), [("width", "noise_variance"), ("example_count", "width")]
)
def test_lines_are_the_same_curve_from_either_side(solve_for: str, along: str) -> None:
    values = {"noise_variance": [0.1, 0.2, 0.3], "width": [200.0, 700.0, 2000.0]}[along]
    forth = first_order_line(PAPER, solve_for=solve_for, along=along, values=values)
    back = first_order_line(
        PAPER, solve_for=along, along=solve_for, values=forth.critical_values
    )
    np.testing.assert_allclose(back.critical_values, values, rtol=1e-10)


def test_well_limits_agree_with_the_landscape_on_both_sides() -> None:
    line = well_limit_line(
        PAPER, solve_for="noise_variance", along="width", values=[350.0, 700.0, 1400.0]
    )
    assert line.absent_values.size == 0
    for width, noise_variance in zip(line.along_values, line.critical_values, strict=True):
        wells = [
            solve_finite_size(
                replace(PAPER, width=width, noise_variance=noise_variance * factor)
            ).landscape.coexistence
            for factor in (1.0 - 1e-5, 1.0 + 1e-5)
        ]
        assert wells == [True, False]


@pytest.mark.parametrize(
    ("beta", "below", "above"), [(0.5, 0.12, 0.15), (1.0, 0.15, 0.16), (2.0, 0.16, 0.17)]
)
def test_the_second_minimum_appears_where_the_table_says(
    beta: float, below: float, above: float
) -> None:
    found = coexistence_range(PAPER.scaled(beta, beta), control="noise_variance")
    assert found is not None
    assert below < found.appearance < above


def test_the_well_limit_rises_to_that_of_large_sizes() -> None:
    limit = large_size_well_limit(PAPER, solve_for="noise_variance").system.noise_variance
    gaps = []
    for beta in (64.0, 1024.0):
        found = coexistence_range(PAPER.scaled(beta, beta), control="noise_variance")
        assert found is not None
        gaps.append(limit - found.appearance)
    # Deviations fall as 1/d, a factor four here.
    assert gaps[0] / gaps[1] == pytest.approx(4.0, rel=0.2)


def test_the_smallest_system_of_the_paper_coexists_in_a_window_only() -> None:
    found = coexistence_range(SMALL, control="noise_variance")
    assert found is not None
    assert found.central_loss is not None
    kinds = []
    for noise_variance in (found.appearance, found.central_loss):
        for factor in (1.001, 0.999):
            at = replace(SMALL, noise_variance=noise_variance * factor)
            kinds.append(solve_finite_size(at).landscape)
    assert [kind.coexistence for kind in kinds] == [False, True, True, False]
    assert [kind.central_is_minimum for kind in kinds] == [True, True, True, False]
    assert kinds[-1].aligned_well is not None


def test_a_tiny_system_has_no_second_minimum() -> None:
    tiny = PAPER.scaled(1 / 512, 1 / 512)
    assert coexistence_range(tiny, control="noise_variance") is None
    line = well_limit_line(tiny, solve_for="noise_variance", along="width", values=[1.0, 2.0])
    assert line.critical_values.size == 0
    np.testing.assert_array_equal(line.absent_values, [1.0, 2.0])


def test_the_crossover_is_the_steepest_place_of_the_aligned_fraction() -> None:
    critical = aligned_crossover(PAPER, control="noise_variance")
    assert critical is not None
    exponents = np.linspace(-0.5, 0.5, 201)
    fractions = [
        solve_finite_size(
            replace(PAPER, noise_variance=critical * float(np.exp(exponent)))
        ).aligned_fraction(0.5)
        for exponent in exponents
    ]
    steepest = exponents[np.argmin(np.gradient(fractions, exponents))]
    assert abs(steepest) <= 0.0051


def test_noise_and_examples_give_one_crossover_curve() -> None:
    line = crossover_line(
        SMALL, solve_for="noise_variance", along="example_count", values=[200.0, 375.0]
    )
    back = crossover_line(
        SMALL, solve_for="example_count", along="noise_variance", values=line.critical_values
    )
    np.testing.assert_allclose(back.critical_values, line.along_values, rtol=1e-5)


def test_the_crossover_tends_to_the_first_order_line() -> None:
    gaps = []
    for beta in (16.0, 4096.0):
        critical = aligned_crossover(PAPER.scaled(beta, beta), control="noise_variance")
        assert critical is not None
        gaps.append(0.178719 - critical)
    assert 0.0 < gaps[1] < 0.35 * gaps[0]
    assert gaps[1] < 0.003


def test_the_width_crossover_of_the_smallest_system_lies_near_its_width() -> None:
    critical = aligned_crossover(replace(SMALL, noise_variance=0.18), control="width")
    assert critical is not None
    assert 40.0 < critical < 100.0


def test_the_crossover_is_not_mistaken_for_the_emptying_of_the_centre() -> None:
    # Far beyond this system's transition nearly all neurons align, on a steeper slope.
    system = CubicTeacherSystem(
        noise_variance=0.2,
        example_count=3077,
        width=261,
        input_size=326,
        first_variance=0.25,
        readout_variance=0.0717,
        cubic=-1.12,
    )
    critical = aligned_crossover(system, control="noise_variance")
    onset = large_size_onset(system, solve_for="noise_variance").system.noise_variance
    assert critical is not None
    assert 0.7 * onset < critical < 1.1 * onset


def test_a_smeared_fraction_has_no_crossover() -> None:
    system = CubicTeacherSystem(
        noise_variance=0.2,
        example_count=2915,
        width=1421,
        input_size=30.5,
        first_variance=0.763,
        readout_variance=0.0662,
        cubic=-0.0709,
    )
    line = crossover_line(system, solve_for="width", along="noise_variance", values=[0.2])
    assert line.critical_values.size == 0
    np.testing.assert_array_equal(line.absent_values, [0.2])


def test_refusals_say_what_to_do() -> None:
    with pytest.raises(InvalidValueError, match="two different controls"):
        first_order_line(PAPER, solve_for="width", along="width", values=[1.0])
    with pytest.raises(InvalidValueError, match="along must be one of"):
        first_order_line(PAPER, solve_for="width", along="cubic", values=[1.0])
    with pytest.raises(InvalidValueError, match="noise_variance must be positive"):
        first_order_line(PAPER, solve_for="width", along="noise_variance", values=[-1.0])
    for threshold in (0.1, 1.0):
        with pytest.raises(InvalidValueError, match="choose one in between"):
            aligned_crossover(PAPER, control="width", threshold=threshold)
    with pytest.raises(InvalidValueError, match="solve_for must be one of"):
        well_limit_line(PAPER, solve_for="depth", along="width", values=[1.0])
