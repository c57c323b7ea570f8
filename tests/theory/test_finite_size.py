"""Self-consistent solutions against tabulated values and against adaptive quadrature.

The tables were computed beforehand from the corrected equations by an independent program;
four of their fractions at β = 1/8 were low by up to 1.6e-4 and are replaced by adaptive
quadrature (0.0805, 0.0614, 0.0498 and 0.0287 before).
"""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad

from phasegrok.errors import InvalidValueError
from phasegrok.theory.cubic_teacher import CubicTeacherSystem
from phasegrok.theory.finite_size import _evaluate, solve_finite_size

NOISE = (0.10, 0.15, 0.18, 0.20, 0.25, 0.30)
# β: rows of b, c and P(|q| > 0.5) in the order of NOISE, at sizes not rounded.
TABLE = {
    1 / 8: [
        (0.1204, -0.2494, 0.0936),
        (0.2183, -0.2740, 0.0806),
        (0.2744, -0.2804, 0.0615),
        (0.3105, -0.2832, 0.0500),
        (0.3966, -0.2878, 0.0288),
        (0.4769, -0.2909, 0.0162),
    ],
    1 / 2: [
        (0.1243, -0.2480, 0.0402),
        (0.2220, -0.2799, 0.0288),
        (0.2772, -0.2874, 0.0145),
        (0.3123, -0.2898, 0.0085),
        (0.3956, -0.2930, 0.0023),
        (0.4735, -0.2948, 0.0007),
    ],
    1: [
        (0.1259, -0.2471, 0.0272),
        (0.2245, -0.2814, 0.0181),
        (0.2797, -0.2902, 0.0064),
        (0.3144, -0.2924, 0.0027),
        (0.3963, -0.2948, 0.0003),
        (0.4732, -0.2962, 0.0001),
    ],
    2: [
        (0.1271, -0.2465, 0.0188),
        (0.2268, -0.2820, 0.0121),
        (0.2823, -0.2926, 0.0028),
        (0.3166, -0.2945, 0.0006),
        (0.3973, -0.2963, 0.0000),
        (0.4732, -0.2972, 0.0000),
    ],
}
CASES = [
    (beta, noise, row)
    for beta, rows in TABLE.items()
    for noise, row in zip(NOISE, rows, strict=True)
]
HALF_DIGIT = 0.5e-4 * (1.0 + 1e-9)
APPENDIX_D = CubicTeacherSystem(
    noise_variance=0.05,
    example_count=600,
    width=1400,
    input_size=150,
    first_variance=0.5,
    readout_variance=0.011,
    cubic=-1.2,
)


def paper(beta: float, noise_variance: float) -> CubicTeacherSystem:
    return CubicTeacherSystem.paper(noise_variance=noise_variance).scaled(beta, beta)


@pytest.mark.parametrize(("beta", "noise_variance", "row"), CASES)
def test_tabulated_values_to_the_digit_printed(
    beta: float, noise_variance: float, row: tuple[float, float, float]
) -> None:
    found = solve_finite_size(paper(beta, noise_variance))
    assert found.converged
    assert found.linear_discrepancy == pytest.approx(row[0], abs=HALF_DIGIT)
    assert found.cubic_discrepancy == pytest.approx(row[1], abs=HALF_DIGIT)
    assert found.aligned_fraction(0.5) == pytest.approx(row[2], abs=HALF_DIGIT)


def expectation(system: CubicTeacherSystem, linear: float, cubic: float, power: int) -> float:
    """⟨q^power / D^(power/2)⟩ by adaptive quadrature, written out from the paper's Eq. 13."""

    def weight(q: float) -> float:
        norm = 1.0 + 2.0 * (system.first_variance + q * q)
        force = q * q / norm * (linear - 2.0 * cubic * q * q / norm) ** 2
        ratio = system.example_count / system.noise_variance
        strength = ratio**2 * system.readout_variance / system.width
        prior = system.input_size * q * q / (2.0 * system.first_variance)
        return math.exp(2.0 / math.pi * strength * force - prior)

    def moment(q: float) -> float:
        norm = 1.0 + 2.0 * (system.first_variance + q * q)
        return weight(q) * float(q**power / norm ** (power / 2))

    points = [0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.5, 2.0]
    above = quad(moment, 0.0, 6.0, points=points, limit=500, epsabs=1e-13)[0]
    return float(above / quad(weight, 0.0, 6.0, points=points, limit=500, epsabs=1e-13)[0])


@pytest.mark.parametrize(
    "system",
    [
        paper(1, 0.1),
        paper(0.125, 0.18),
        paper(2, 0.15),
        APPENDIX_D,
        replace(paper(1, 0.05), cubic=0.5, first_variance=0.8),
    ],
)
def test_solution_obeys_the_matrix_equation_with_an_independent_kernel(
    system: CubicTeacherSystem,
) -> None:
    found = solve_finite_size(system)
    b, c = found.linear_discrepancy, found.cubic_discrepancy
    second, fourth, sixth = (expectation(system, b, c, power) for power in (2, 4, 6))
    off_diagonal = -8.0 * fourth / (math.sqrt(6.0) * math.pi)
    kernel = system.readout_variance * np.array(
        [
            [4.0 * second / math.pi, off_diagonal],
            [off_diagonal, 8.0 * sixth / (3.0 * math.pi)],
        ]
    )
    noise = system.noise_variance / system.example_count
    target = np.array([1.0, math.sqrt(6.0) * system.cubic])
    expected = noise * np.linalg.solve(kernel + noise * np.eye(2), target)
    np.testing.assert_allclose([b, math.sqrt(6.0) * c], expected, rtol=1e-8)


@pytest.mark.parametrize("beta", [1 / 8, 1, 2, 64])
@pytest.mark.parametrize("noise_variance", [0.02, 0.1, 0.15, 0.17, 0.25])
def test_five_starts_lead_to_one_solution(beta: float, noise_variance: float) -> None:
    system = paper(beta, noise_variance)
    starts = [(0.0, 0.0), (1.0, -0.3), (0.02, -0.2), (-1.0, 1.0), (1e3, -1e3)]
    found = [solve_finite_size(system, start=start) for start in starts]
    assert all(solution.converged for solution in found)
    default = solve_finite_size(system)
    for solution in found:
        assert solution.linear_discrepancy == pytest.approx(
            default.linear_discrepancy, abs=1e-10
        )
        assert solution.cubic_discrepancy == pytest.approx(default.cubic_discrepancy, abs=1e-10)


def test_the_equations_are_the_gradient_of_a_strictly_convex_function() -> None:
    # Strong monotonicity is what makes the solution unique.
    system = paper(1, 0.15)
    points = np.random.default_rng(5).uniform(-1.0, 1.0, size=(30, 2, 2))
    for first, second in points:
        difference = _evaluate(system, first).gradient - _evaluate(system, second).gradient
        step = first - second
        assert difference @ step >= step @ step
    for point in points[:5, 0]:
        hessian = _evaluate(system, point).hessian
        for axis in np.eye(2):
            rise = (
                _evaluate(system, point + 1e-5 * axis).gradient
                - _evaluate(system, point - 1e-5 * axis).gradient
            )
            np.testing.assert_allclose(rise / 2e-5, hessian @ axis, rtol=1e-3, atol=1e-3)


def test_the_default_start_needs_few_steps_from_small_to_huge_systems() -> None:
    for beta in (1 / 64, 1 / 8, 1.0, 1e3, 1e6):
        for noise_variance in (0.02, 0.1, 0.15, 0.178, 0.18, 0.3):
            found = solve_finite_size(paper(beta, noise_variance))
            assert found.converged
            assert found.iterations <= 20


def test_an_unfinished_solution_says_so() -> None:
    stopped = solve_finite_size(paper(1, 0.1), start=(1.0, -0.3), iteration_limit=2)
    assert not stopped.converged
    assert stopped.iterations == 2
    assert stopped.residual > 1e-9


@pytest.mark.parametrize("system", [paper(1 / 8, 0.1), paper(2, 0.15), APPENDIX_D])
def test_density_is_normalised_even_and_consistent_with_its_fractions(
    system: CubicTeacherSystem,
) -> None:
    found = solve_finite_size(system)
    # The trapezoidal rule converges geometrically for a smooth decaying function.
    overlaps = np.linspace(-6.0, 6.0, 60_001)
    density = found.density(overlaps)
    step = overlaps[1] - overlaps[0]
    assert density.sum() * step == pytest.approx(1.0, abs=1e-10)
    assert (density * overlaps**2).sum() * step == pytest.approx(found.moment(2), rel=1e-9)
    np.testing.assert_allclose(density, density[::-1], rtol=1e-9)
    np.testing.assert_allclose(density, np.exp(-found.negative_log_density(overlaps)))
    tail = 2.0 * quad(lambda q: float(found.density(q)), 0.7, 6.0, limit=400)[0]
    assert found.aligned_fraction(0.7) == pytest.approx(tail, rel=1e-8)
    assert found.aligned_fraction(0.0) == pytest.approx(1.0, abs=1e-10)


def test_deep_tails_keep_their_relative_precision() -> None:
    # Without interaction the prior is left, whose tail is known.
    system = replace(paper(1, 0.3), width=1e12)
    found = solve_finite_size(system)
    exact = math.erfc(1.0 * math.sqrt(system.input_size / (2.0 * system.first_variance)))
    assert found.aligned_fraction(1.0) == pytest.approx(exact, rel=1e-6, abs=0.0)
    few = replace(system, input_size=10.0)
    exact = math.erfc(2.5 * math.sqrt(few.input_size / (2.0 * few.first_variance)))
    assert solve_finite_size(few).aligned_fraction(2.5) == pytest.approx(
        exact, rel=1e-6, abs=0.0
    )


@pytest.mark.parametrize(
    ("beta", "noise_variance", "well", "barrier"),
    [
        (1, 0.10, (4.18, 0.951), (8.87, 0.544)),
        (1, 0.12, (4.31, 0.854), (6.46, None)),
        (1, 0.15, (4.77, 0.671), (4.82, None)),
        (2, 0.10, (4.52, None), (11.97, None)),
        (2, 0.15, (5.17, None), (5.87, None)),
        (1 / 2, 0.10, (3.85, None), (6.66, None)),
    ],
)
def test_wells_and_barriers(
    beta: float,
    noise_variance: float,
    well: tuple[float, float | None],
    barrier: tuple[float, float | None],
) -> None:
    found = solve_finite_size(paper(beta, noise_variance)).landscape
    assert found.coexistence
    for point, (height, overlap) in ((found.aligned_well, well), (found.barrier, barrier)):
        assert point is not None
        assert point.height == pytest.approx(height, abs=0.005)
        if overlap is not None:
            assert point.overlap == pytest.approx(overlap, abs=0.0005)


def test_wells_near_their_limit_are_shallow() -> None:
    # Published to 0.01 nats on a grid: 5.49 and 5.56 at β = 2 and σ² = 0.16.
    found = solve_finite_size(paper(2, 0.16)).landscape
    assert found.aligned_well is not None
    assert found.barrier is not None
    assert found.aligned_well.height == pytest.approx(5.49, abs=0.01)
    assert found.barrier.height == pytest.approx(5.56, abs=0.01)


@pytest.mark.parametrize(("beta", "noise_variance"), [(1, 0.16), (2, 0.17), (1 / 2, 0.15)])
def test_no_second_minimum_where_the_table_has_none(beta: float, noise_variance: float) -> None:
    found = solve_finite_size(paper(beta, noise_variance))
    assert found.landscape.aligned_well is None
    assert found.droplet_weight is None


def test_the_depth_of_the_well_grows_as_log_d_and_the_barrier_as_d() -> None:
    wells, barriers = [], []
    for beta in (100.0, 400.0):
        found = solve_finite_size(paper(beta, 0.12)).landscape
        assert found.aligned_well is not None
        assert found.barrier is not None
        wells.append(found.aligned_well.height)
        barriers.append(found.barrier.height)
    assert wells[1] - wells[0] == pytest.approx(math.log(2.0), abs=0.05)
    assert barriers[1] / barriers[0] == pytest.approx(2.0, rel=0.05)


@pytest.mark.parametrize(
    ("width", "linear", "cubic", "digits"),
    [
        (2800, 0.624, -1.1985, (3, 4)),
        (1400, 0.317, -1.148, (3, 3)),
        (700, 0.0505, -1.1, (4, 3)),
    ],
)
def test_discrepancies_of_appendix_d(
    width: float, linear: float, cubic: float, digits: tuple[int, int]
) -> None:
    found = solve_finite_size(replace(APPENDIX_D, width=width))
    assert round(found.linear_discrepancy, digits[0]) == linear
    assert round(found.cubic_discrepancy, digits[1]) == cubic


def test_wells_of_appendix_d() -> None:
    assert APPENDIX_D.kappa == pytest.approx(0.88, rel=1e-12)
    assert APPENDIX_D.interaction * APPENDIX_D.width == pytest.approx(10560.0, rel=1e-12)
    wide = solve_finite_size(replace(APPENDIX_D, width=2800))
    assert wide.landscape.aligned_well is None
    for width, overlap, height, fraction in (
        (1400, 1.13, 4.98, 0.0124),
        (700, 1.35, 4.35, 0.0227),
    ):
        found = solve_finite_size(replace(APPENDIX_D, width=width))
        well = found.landscape.aligned_well
        assert well is not None
        assert well.overlap == pytest.approx(overlap, abs=0.005)
        assert well.height == pytest.approx(height, abs=0.005)
        assert found.aligned_fraction(0.5) == pytest.approx(fraction, abs=HALF_DIGIT)
        assert found.droplet_weight == pytest.approx(fraction, abs=HALF_DIGIT)


def test_components_complete_the_discrepancies() -> None:
    found = solve_finite_size(paper(1, 0.1))
    assert found.linear_component == pytest.approx(1.0 - found.linear_discrepancy)
    assert found.cubic_component == pytest.approx(-0.3 - found.cubic_discrepancy)
    assert found.learned_cubic_fraction == pytest.approx(0.18, abs=0.005)


def test_only_n_over_noise_matters() -> None:
    one = solve_finite_size(paper(1, 0.1))
    two = solve_finite_size(replace(paper(1, 0.2), example_count=6000.0))
    assert one.linear_discrepancy == pytest.approx(two.linear_discrepancy, rel=1e-12)
    assert one.cubic_discrepancy == pytest.approx(two.cubic_discrepancy, rel=1e-12)


def test_refusals_say_what_to_do() -> None:
    found = solve_finite_size(paper(1, 0.1))
    with pytest.raises(InvalidValueError, match="threshold must be finite and not negative"):
        found.aligned_fraction(-0.1)
    with pytest.raises(InvalidValueError, match="order must be even"):
        found.moment(3)
    with pytest.raises(InvalidValueError, match="start must be two finite numbers"):
        solve_finite_size(paper(1, 0.1), start=(math.nan, 0.0))
    with pytest.raises(InvalidValueError, match="use large_size"):
        solve_finite_size(paper(1, 1e-7), start=(1.0, -0.3))
    linear_only = solve_finite_size(replace(paper(1, 0.1), cubic=0.0))
    with pytest.raises(InvalidValueError, match="use cubic_component"):
        _ = linear_only.learned_cubic_fraction
