"""The surface of densities against exact laws, and bins on lattices."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom, norm

from phasegrok.transitions.density import Bins, choose_bins, fit_surface

CONTROLS = np.linspace(-1.0, 1.0, 7)


def gaussian_counts(bins: Bins, total: float) -> NDArray[np.float64]:
    """Expected counts of N(g, 1): ln p = -m²/2 + g m + ..., inside the family."""
    law = norm(loc=CONTROLS[:, None])
    p = law.cdf(bins.edges[None, 1:]) - law.cdf(bins.edges[None, :-1])
    counts: NDArray[np.float64] = total * p / p.sum(axis=1, keepdims=True)
    return counts


def test_a_surface_reproduces_a_law_of_its_family_between_the_controls() -> None:
    bins = Bins(edges=np.linspace(-5.0, 5.0, 41))
    surface = fit_surface(gaussian_counts(bins, 1e6), CONTROLS, bins=bins)
    between = np.array([-0.5, 0.2, 0.9])
    p = np.exp(surface.log_probabilities(between))
    mean = p @ bins.centres
    np.testing.assert_allclose(mean, between, atol=2e-3)
    variance = p @ bins.centres**2 - mean**2
    # Sheppard: bins of width w add w²/12.
    np.testing.assert_allclose(variance, 1.0 + bins.width**2 / 12.0, rtol=3e-3)
    slope = np.sum(p * (bins.centres - mean[:, None]) * surface.score(between), axis=1)
    np.testing.assert_allclose(slope, 1.0, rtol=1e-2)


def test_a_fit_does_not_depend_on_where_it_begins() -> None:
    bins = Bins(edges=np.linspace(-5.0, 5.0, 31))
    counts = gaussian_counts(bins, 300.0)
    first = fit_surface(counts, CONTROLS, bins=bins)
    start = first.coefficients + np.random.default_rng(3).standard_normal(
        first.coefficients.size
    )
    again = fit_surface(counts, CONTROLS, bins=bins, start=start)
    np.testing.assert_allclose(again.levels, first.levels, atol=1e-4)


@pytest.mark.parametrize("spins", [16, 100, 1000])
def test_bins_hold_equally_many_points_of_a_lattice(spins: int) -> None:
    generator = np.random.default_rng(4)
    up = binom(spins, 0.5).rvs(20_000, random_state=generator)
    values = (2.0 * up - spins) / spins
    bins = choose_bins(values, narrowest=float(values.std()))
    lattice = (2.0 * np.arange(spins + 1) - spins) / spins
    inside = lattice[(lattice > bins.edges[0]) & (lattice < bins.edges[-1])]
    held = np.bincount(((inside - bins.edges[0]) / bins.width).astype(int))
    assert np.unique(held).size == 1
