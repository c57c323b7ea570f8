"""Phases read off known densities."""

import numpy as np
import pytest
from scipy import stats

from phasegrok.inference.basins import BASIN_QUANTITIES, basins
from phasegrok.statistics.samples import FloatArray

EDGES = np.linspace(0.0, 1.5, 121)
CENTRES = 0.5 * (EDGES[1:] + EDGES[:-1])


def two_gaussians(weight: float, position: float, width: float, x: FloatArray) -> FloatArray:
    density: FloatArray = (1.0 - weight) * 2.0 * stats.norm(0.0, 0.1).pdf(
        x
    ) + weight * stats.norm(position, width).pdf(x)
    return density


@pytest.mark.parametrize("weight", [0.003, 0.03, 0.4])
@pytest.mark.parametrize("position", [0.8, 0.8131])  # On and off the centres of bins.
def test_well_separated_gaussians_are_found_exactly(weight: float, position: float) -> None:
    density = two_gaussians(weight, position, 0.07, CENTRES)[None]
    found = {name: float(v[0]) for name, v in basins(np.log(density), EDGES).items()}
    assert set(found) == set(BASIN_QUANTITIES)
    # Bins of 0.0125 leave errors of second order; truncation beyond the valley is 1e-4.
    assert found["position"] == pytest.approx(position, abs=1e-5)
    assert found["width"] == pytest.approx(0.07, rel=0.01)
    assert found["weight"] == pytest.approx(weight, rel=0.01)
    assert 0.3 < found["valley"] < 0.6
    fine = np.linspace(0.1, 0.8, 70_001)
    floor = np.log(two_gaussians(weight, position, 0.07, fine)).min()
    top = np.log(two_gaussians(weight, position, 0.07, np.array([position])))[0]
    assert found["depth"] == pytest.approx(top - floor, abs=0.03)


def test_a_valley_inside_a_bin_divides_it() -> None:
    # A piecewise law whose exact weight beyond the valley is known from a fine grid.
    fine = np.linspace(0.0, 1.5, 150_001)
    for position in (0.5, 0.51, 0.52):
        exact = basins(
            np.log(two_gaussians(0.2, position, 0.12, fine[1:-1]))[None], fine[:-1] + 5e-6
        )
        coarse = basins(np.log(two_gaussians(0.2, position, 0.12, CENTRES))[None], EDGES)
        assert coarse["weight"][0] == pytest.approx(exact["weight"][0], rel=2e-3)
        assert coarse["width"][0] == pytest.approx(exact["width"][0], rel=1e-2)


def test_a_density_that_only_falls_has_no_second_phase() -> None:
    found = basins(np.log(stats.expon(scale=0.2).pdf(CENTRES))[None], EDGES)
    assert found["depth"][0] == 0.0
    assert np.isnan(found["position"][0])
    assert np.isnan(found["weight"][0])


def test_ripples_on_the_central_phase_are_left_out() -> None:
    ripple = -0.5 * (CENTRES / 0.3) ** 2 + 0.1 * np.cos(40.0 * CENTRES)
    assert basins(ripple[None], EDGES)["depth"][0] > 0.0
    assert basins(ripple[None], EDGES, beyond=0.45)["depth"][0] == 0.0


def test_draws_are_treated_one_by_one() -> None:
    pair = np.log([two_gaussians(0.1, p, 0.08, CENTRES) for p in (0.7, 0.9)])
    both = basins(pair, EDGES)
    for index in range(2):
        alone = basins(pair[index : index + 1], EDGES)
        for name, value in alone.items():
            assert both[name][index] == pytest.approx(float(value[0]), rel=1e-12)
