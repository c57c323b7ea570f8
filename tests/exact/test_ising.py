"""Ising lattices against sums over all states, Kaufman's energies and the symmetry of spins."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import phasegrok
from phasegrok.errors import InvalidValueError
from phasegrok.exact import ISING_CRITICAL_INVERSE_TEMPERATURE, Chains, ising, ising_energy

Distance = Callable[[Any, float], float]


@pytest.mark.parametrize(("extent", "beta"), [(2, 0.3), (3, 0.44), (4, 0.44), (4, 0.6)])
def test_samples_follow_the_sum_over_all_states(
    extent: int, beta: float, ising_sum: Callable[..., Any], errors_away: Distance
) -> None:
    chains = Chains(record_count=400, discarded_sweeps=30, replica_count=64)
    samples = ising(linear_extent=extent, inverse_temperature=beta, chains=chains, seed=11)
    exact = ising_sum((extent, extent), beta)
    spin, energy = samples["magnetization"], samples["energy"]
    for values, truth in (
        (energy, exact.energy),
        (energy**2, exact.square_energy),
        (samples["order_parameter"], exact.order_parameter),
        (spin, 0.0),
        (spin**2, exact.square_magnetization),
    ):
        assert errors_away(values.mean("record").values, truth) < 4


@pytest.mark.parametrize("extent", [8, 16, pytest.param(32, marks=pytest.mark.slow)])
@pytest.mark.parametrize("beta", [0.35, ISING_CRITICAL_INVERSE_TEMPERATURE, 0.5])
def test_energy_is_kaufmans(extent: int, beta: float, errors_away: Distance) -> None:
    records = 300 if extent < 32 else 1500
    chains = Chains(record_count=records, discarded_sweeps=60, replica_count=32)
    samples = ising(linear_extent=extent, inverse_temperature=beta, chains=chains, seed=21)
    means = samples["energy"].mean("record").values
    exact = float(ising_energy(extent, extent, inverse_temperature=beta))
    assert errors_away(means, exact) < 4
    # A check that could not see an error of a per cent would say little.
    assert means.std(ddof=1) / len(means) ** 0.5 < 0.01 * abs(exact)


def test_order_parameter_is_the_folded_magnetization() -> None:
    chains = Chains(record_count=200)
    samples = ising(linear_extent=6, inverse_temperature=0.4, chains=chains, seed=1)
    spin = samples["magnetization"]
    np.testing.assert_array_equal(np.abs(spin.values), samples["order_parameter"].values)
    assert spin.attrs["symmetry"] == "sign"
    assert (spin < 0).any()
    assert (spin > 0).any()


def test_cold_start_is_all_up() -> None:
    chains = Chains(record_count=1, starts=("cold",))
    samples = ising(linear_extent=6, inverse_temperature=0.4, chains=chains, seed=1)
    assert samples["magnetization"].item() == 1.0
    assert samples["energy"].item() == -2.0


def test_dataset_follows_the_schema() -> None:
    chains = Chains(record_count=3, starts=("hot", "cold"))
    samples = ising(linear_extent=4, inverse_temperature=[0.3, 0.4], chains=chains, seed=1)
    assert phasegrok.validate(samples) == []
    assert samples["start"].values.tolist() == ["hot", "cold"] * 2


def test_refusals() -> None:
    chains = Chains(record_count=2)
    with pytest.raises(InvalidValueError, match="linear_extent"):
        ising(linear_extent=0, inverse_temperature=0.4, chains=chains, seed=1)
    with pytest.raises(InvalidValueError, match="inverse_temperature must be positive"):
        ising(linear_extent=4, inverse_temperature=0.0, chains=chains, seed=1)
    with pytest.raises(InvalidValueError, match="no start 'up'"):
        ising(
            linear_extent=4,
            inverse_temperature=0.4,
            chains=Chains(record_count=2, starts=("up",)),
            seed=1,
        )
