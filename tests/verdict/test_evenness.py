"""Phases of both signs that are alike are recognised, however chains are stuck in them."""

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray

from phasegrok import exact
from phasegrok.transitions.chains import SizeChains, gather_chains
from phasegrok.verdict.evenness import looks_even


def by_control(rows: NDArray[np.float64], chains: int = 1) -> SizeChains:
    """Rows (chain, record), as many at each of the controls 0, 1, ..."""
    controls = np.repeat(np.arange(len(rows) // chains, dtype=float), chains)
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


GENERATOR = np.random.default_rng(5)
CONTROLS, RECORDS = 8, 200


def noise(chains: int) -> NDArray[np.float64]:
    drawn: NDArray[np.float64] = 0.1 * GENERATOR.standard_normal((CONTROLS * chains, RECORDS))
    return drawn


def magnitudes(chains: int) -> NDArray[np.float64]:
    """Spontaneous values that grow with the control, (chain, 1)."""
    return np.repeat(np.linspace(0.4, 1.0, CONTROLS), chains)[:, None]


@pytest.mark.parametrize("chains", [2, 3, 4])
def test_chains_that_are_stuck_with_a_sign_of_their_own_are_recognised(chains: int) -> None:
    found = [
        looks_even(
            by_control(
                GENERATOR.choice([-1.0, 1.0], (CONTROLS * chains, 1)) * magnitudes(chains)
                + noise(chains),
                chains,
            )
        )
        for _ in range(40)
    ]
    # Three tests of a hundredth each.
    assert sum(found) >= 35


def test_one_of_three_chains_on_the_other_side_is_recognised() -> None:
    signs = np.tile([1.0, 1.0, -1.0], CONTROLS)[:, None]
    assert looks_even(by_control(signs * magnitudes(3) + noise(3), 3))


def test_chains_that_flip_now_and_then_are_recognised() -> None:
    steps = GENERATOR.random((CONTROLS * 3, RECORDS)) < 0.02
    signs = GENERATOR.choice([-1.0, 1.0], (CONTROLS * 3, 1)) * (-1.0) ** np.cumsum(steps, 1)
    assert looks_even(by_control(signs * magnitudes(3) + noise(3), 3))


def test_noise_about_zero_that_becomes_positive_is_not_even() -> None:
    # What is learned has one sign; where nothing is learned there is noise about zero.
    rising = np.repeat([0.0, 0.0, 0.0, 0.0, 0.8, 0.9, 1.0, 1.0], 2)[:, None]
    assert not looks_even(by_control(rising + noise(2), 2))


def test_signs_that_follow_the_control_are_not_even() -> None:
    signs = np.sign(np.repeat(np.arange(CONTROLS), 2) - 3.5)[:, None]
    assert not looks_even(by_control(signs * 0.8 + noise(2), 2))


def test_sides_of_unequal_magnitude_are_not_even() -> None:
    signs = np.tile([1.0, -1.0], CONTROLS)[:, None]
    skewed = np.where(signs > 0.0, 0.9, 0.6)
    assert not looks_even(by_control(signs * skewed + noise(2), 2))
    assert looks_even(by_control(signs * 0.9 + noise(2), 2))


def test_two_phases_about_zero_that_a_field_drives_are_not_even() -> None:
    law = exact.GaussianMixture()
    drawn = exact.gaussian_mixture(
        law,
        size=100,
        field=np.linspace(-6.0, 6.0, 12) / 100,
        record_count=300,
        replica_count=3,
        seed=3,
    )["order_parameter"]
    (size,) = gather_chains(drawn, control="field", size="size", dimension=None)
    assert not looks_even(size)


def test_a_zero_has_no_sign() -> None:
    # A mean over an even number of spins is zero now and then.
    signs = np.tile([1.0, 1.0, -1.0], CONTROLS)[:, None]
    values = signs * magnitudes(3) + noise(3)
    values[:, ::20] = 0.0
    assert looks_even(by_control(values, 3))
