"""Peaks of parabolas, and of the Curie-Weiss Ising model against its law."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from phasegrok.exact import concatenated, curie_weiss_ising, curie_weiss_ising_law
from phasegrok.transitions import Finding, peak_positions
from phasegrok.transitions.scaling.peaks import largest

GRID = np.linspace(0.0, 1.0, 101)
SIZES = (64, 256)


def test_a_parabola_is_read_exactly_between_the_points() -> None:
    tops = np.array([[0.3037], [0.711], [0.5]])
    peaks = largest(2.0 - 4.0 * (GRID - tops) ** 2, GRID)
    np.testing.assert_allclose(peaks.positions, tops[:, 0], rtol=1e-12)
    np.testing.assert_allclose(peaks.heights, 2.0, rtol=1e-12)
    assert peaks.finding is Finding.FOUND


@pytest.mark.parametrize("top", [-0.2, 0.005, 0.995, 1.3])
def test_a_peak_at_the_end_of_the_window_is_called_so(top: float) -> None:
    peaks = largest(-((GRID - np.full((3, 1), top)) ** 2), GRID)
    assert peaks.finding is Finding.AT_EDGE


def test_draws_that_run_to_the_edge_are_not_hidden() -> None:
    tops = np.full((40, 1), 0.5)
    tops[1:5] = 1.2
    assert largest(-((GRID - tops) ** 2), GRID).finding is Finding.AT_EDGE


def test_unknown_stretches_are_left_out() -> None:
    curve = -((GRID - np.array([[0.4], [0.5]])) ** 2)
    curve[:, 70:] = np.nan
    np.testing.assert_allclose(largest(curve, GRID).positions, [0.4, 0.5])
    curve[:, 2:] = np.nan
    assert largest(curve, GRID).finding is Finding.REFUSED


def exact_peak(size: int) -> tuple[float, float]:
    def negative(control: float) -> float:
        law = curie_weiss_ising_law(size=size, inverse_temperature=control)
        return -size * law.variance("order_parameter")

    best = minimize_scalar(negative, bounds=(0.9, 1.3), method="bounded")
    return float(best.x), -float(best.fun)


@pytest.mark.parametrize("with_energy", [True, False])
def test_peaks_are_where_the_law_has_them(with_energy: bool) -> None:
    exact = np.array([exact_peak(size) for size in SIZES])
    pulls = []
    for seed in range(3):
        runs = concatenated(
            [
                curie_weiss_ising(
                    size=size,
                    inverse_temperature=np.linspace(0.8, 1.3, 10),
                    record_count=1500,
                    seed=seed,
                )
                for size in SIZES
            ]
        )
        table = peak_positions(
            runs["magnetization"],
            control="inverse_temperature",
            size="size",
            dimension=None,
            energy=runs["energy"] if with_energy else None,
        )
        assert (table["fluctuation_finding"] == Finding.FOUND).all()
        for column, name in enumerate(("fluctuation_control", "fluctuation_peak")):
            pull = (table[name] - exact[:, column]) / table[f"{name}_error"]
            pulls.append(pull.to_numpy())
    # Position and height of six peaks: twelve squares, whose mean has 99.8 % of its law here.
    assert 0.43 < np.sqrt(np.mean(np.square(pulls))) < 1.66
    assert np.abs(pulls).max() < 4.0
