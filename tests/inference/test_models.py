"""The two families: normalised, folded, equal to named laws in their limits."""

import numpy as np
import pytest
from scipy import stats

from phasegrok.inference.counts import bin_folded
from phasegrok.inference.models import OnePhase, TwoPhases, bin_probabilities
from phasegrok.statistics.samples import FloatArray

GRID = np.linspace(0.0, 60.0, 600_001)


def draws(model: OnePhase | TwoPhases, count: int = 4) -> FloatArray:
    return model.space.draw(count, np.random.default_rng(4))


@pytest.mark.parametrize("model", [OnePhase(spread=0.1), TwoPhases(spread=0.1)], ids=str)
def test_densities_of_the_folded_overlap_are_normalised(model: OnePhase | TwoPhases) -> None:
    standard = 0.5 * draws(model)
    norm = np.trapezoid(model.density(standard, GRID), GRID, axis=1)
    np.testing.assert_allclose(norm, 1.0, atol=2e-3)  # Student's tail beyond the grid.


def test_one_phase_is_student_folded() -> None:
    model = OnePhase(spread=0.2)
    standard = draws(model, 1)
    values = model.space.values(standard)
    law = stats.t(values["central_tail"][0], scale=values["central_scale"][0])
    np.testing.assert_allclose(
        model.density(standard, GRID[:3000])[0], 2.0 * law.pdf(GRID[:3000]), rtol=1e-10
    )


def test_unskewed_droplets_are_two_gaussians_that_share_all_parameters() -> None:
    model = TwoPhases(spread=0.1)
    standard = np.zeros((1, 6))
    standard[0, 3] = -4.0  # So near q = 0 that the droplets of either sign overlap there.
    values = {name: float(v[0]) for name, v in model.space.values(standard).items()}
    assert values["component_skewness"] == 0.0
    x = GRID[:20_000]
    central = 2.0 * stats.t(values["central_tail"], scale=values["central_scale"]).pdf(x)
    position, width = values["component_position"], values["component_width"]
    droplet = stats.norm(position, width).pdf(x) + stats.norm(-position, width).pdf(x)
    weight = values["component_weight"]
    expected = (1.0 - weight) * central + weight * droplet
    np.testing.assert_allclose(model.density(standard, x)[0], expected, rtol=1e-9, atol=1e-12)


def test_skewness_keeps_the_mean_and_the_width_nearly() -> None:
    model = TwoPhases(spread=0.1)
    standard = np.zeros((1, 6))
    standard[0, 2], standard[0, 5] = 12.0, -1.0  # All droplets, skewness -2.
    values = {name: float(v[0]) for name, v in model.space.values(standard).items()}
    density = model.density(standard, GRID[:40_000])[0]
    step = GRID[1]
    mean = np.sum(GRID[:40_000] * density) * step
    width = np.sqrt(np.sum((GRID[:40_000] - mean) ** 2 * density) * step)
    assert mean == pytest.approx(values["component_position"], rel=0.01)
    assert width == pytest.approx(values["component_width"], rel=0.03)


def test_the_prior_keeps_its_meaning_under_a_change_of_units() -> None:
    small, large = TwoPhases(spread=0.1), TwoPhases(spread=10.0)
    x = np.linspace(0.0, 1.0, 50)
    np.testing.assert_allclose(
        small.density(draws(small), x),
        100.0 * large.density(draws(large), 100.0 * x),
        rtol=1e-9,
    )


def test_bins_cover_outliers_without_losing_the_bulk() -> None:
    overlaps = np.concatenate([np.linspace(0.0, 1.0, 50_000), [30.0]])
    data = bin_folded(overlaps)
    assert data.counts.sum() == overlaps.size
    assert data.edges[0] == 0.0
    assert data.edges[-1] > 30.0
    assert data.widths[0] < 0.015
    probabilities = bin_probabilities(OnePhase(spread=0.5), np.zeros((2, 2)), data)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-12)
