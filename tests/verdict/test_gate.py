"""Metastable chains pass the gate, slow ones do not."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from phasegrok.transitions.chains import SizeChains, gather_chains
from phasegrok.verdict.gate import LARGEST_RATIO, mixing_ratio


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
