"""Metastable chains pass the gate, slow ones do not."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from phasegrok.transitions.chains import SizeChains, gather_chains
from phasegrok.verdict.gate import LARGEST_RATIO, looks_even, mixing_ratio


def chains(rows: NDArray[np.float64]) -> SizeChains:
    coords = {"g": ("run", np.zeros(len(rows))), "N": ("run", np.full(len(rows), 10.0))}
    samples = xr.DataArray(rows, dims=("run", "record"), coords=coords)
    (found,) = gather_chains(samples, control="g", size="N", dimension=None)
    return found


def test_chains_stuck_in_two_phases_have_mixed_within_each() -> None:
    noise = np.random.default_rng(1).standard_normal((6, 1000))
    stuck = np.array([0.0, 0.0, 0.0, 30.0, 30.0, 30.0])[:, None] + noise
    # Means of 500 draws within a phase: the ratio is 1/500 of the variance.
    assert mixing_ratio(chains(stuck)) < 0.02


def test_wandering_chains_have_not_mixed() -> None:
    generator = np.random.default_rng(2)
    steps = generator.standard_normal((6, 1000))
    wandering = np.cumsum(steps, axis=1)
    assert mixing_ratio(chains(wandering)) > LARGEST_RATIO


def test_a_constant_has_mixed() -> None:
    assert mixing_ratio(chains(np.ones((3, 50)))) == 0.0


def by_control(rows: NDArray[np.float64]) -> SizeChains:
    """Rows (control, record) at the controls 0, 1, ..."""
    controls = np.arange(len(rows), dtype=float)
    coords = {"g": ("run", controls), "N": ("run", np.full(len(rows), 10.0))}
    samples = xr.DataArray(rows, dims=("run", "record"), coords=coords)
    (found,) = gather_chains(samples, control="g", size="N", dimension=None)
    return found


def test_an_even_law_that_was_not_folded_is_recognised() -> None:
    generator = np.random.default_rng(3)
    signs = generator.choice([-1.0, 1.0], (5, 2000))
    sizes = np.linspace(0.1, 1.0, 5)[:, None]
    assert looks_even(by_control(signs * sizes + 0.1 * generator.standard_normal((5, 2000))))


def test_a_field_that_drives_through_zero_is_no_even_law() -> None:
    noise = np.random.default_rng(4).standard_normal((5, 2000))
    assert not looks_even(by_control(np.linspace(-2.0, 2.0, 5)[:, None] + noise))
    assert not looks_even(by_control(np.abs(noise)))
