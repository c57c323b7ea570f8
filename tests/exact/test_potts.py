"""Potts lattices against sums over all states and the numbers of the exact solution."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import phasegrok
from phasegrok.errors import InvalidValueError
from phasegrok.exact import Chains, ising, potts, potts_transition

Sum = Callable[[tuple[int, int], int, float], Any]
Distance = Callable[[Any, float], float]


@pytest.mark.parametrize(
    ("extent", "state_count", "beta"),
    [(2, 2, 0.7), (2, 3, 0.5), (2, 10, 1.2), (3, 2, 0.9), (3, 3, 1.0), (4, 2, 0.8)],
)
@pytest.mark.parametrize("start", ["hot", "cold"])
def test_samples_follow_the_sum_over_all_states(
    extent: int,
    state_count: int,
    beta: float,
    start: str,
    potts_sum: Sum,
    errors_away: Distance,
) -> None:
    chains = Chains(record_count=400, discarded_sweeps=30, replica_count=64, starts=(start,))
    samples = potts(
        state_count=state_count,
        linear_extent=extent,
        inverse_temperature=beta,
        chains=chains,
        seed=7,
    )
    exact = potts_sum((extent, extent), state_count, beta)
    energy = samples["energy"]
    assert errors_away(energy.mean("record").values, exact.energy) < 4
    assert errors_away((energy**2).mean("record").values, exact.square_energy) < 4
    order = samples["order_parameter"].mean("record").values
    assert errors_away(order, exact.order_parameter) < 4


def test_two_states_are_the_ising_model_at_half_the_temperature() -> None:
    chains = Chains(record_count=300, discarded_sweeps=50, replica_count=48)
    one = potts(state_count=2, linear_extent=8, inverse_temperature=0.8, chains=chains, seed=1)
    other = ising(linear_extent=8, inverse_temperature=0.4, chains=chains, seed=2)
    # Σ s s' = Σ (2δ - 1) over two bonds a site.
    difference = 2 * one["energy"] + 2 - other["energy"].values
    means = difference.mean("record").values
    assert abs(means.mean()) < 4 * means.std(ddof=1) / len(means) ** 0.5
    assert means.std(ddof=1) > 0


def test_both_sides_meet_where_equilibration_is_fast() -> None:
    chains = Chains(
        record_count=200, discarded_sweeps=100, replica_count=24, starts=("hot", "cold")
    )
    samples = potts(
        state_count=3, linear_extent=12, inverse_temperature=0.98, chains=chains, seed=3
    )
    means = samples["energy"].mean("record").groupby("start")
    centre, error = means.mean(), means.std(ddof=1) / 24**0.5
    gap = float(abs(centre.sel(start="hot") - centre.sel(start="cold")))
    assert gap < 4 * float((error**2).sum() ** 0.5)


def test_starts_are_what_they_say() -> None:
    chains = Chains(record_count=1, replica_count=50, starts=("hot", "cold"))
    samples = potts(
        state_count=4, linear_extent=16, inverse_temperature=1.0, chains=chains, seed=3
    )
    energy = samples["energy"].isel(record=0).groupby("start")
    assert energy.max().sel(start="cold") == -2.0
    # 2 bonds a site, a quarter of which joins equal states.
    assert float(energy.mean().sel(start="hot")) == pytest.approx(-0.5, abs=0.02)
    order = samples["order_parameter"].isel(record=0)
    assert (order[samples["start"] == "cold"] == 1.0).all()
    assert samples["step"].values[0, 0] == 0


@pytest.mark.parametrize(
    ("state_count", "expected"),
    [
        (5, ("1.1743590", "-1.4207542", "-1.4736730", "0.0529188", "0.492141", "2512.25")),
        (8, ("1.3424540", "-1.1103744", "-1.5967324", "0.4863581", "0.799837", "23.88")),
        (10, ("1.4260624", "-0.9682031", "-1.6642525", "0.6960494", "0.857107", "10.5595")),
    ],
)
def test_transition_to_every_printed_digit(state_count: int, expected: tuple[str, ...]) -> None:
    transition = potts_transition(state_count)
    numbers = (
        transition.inverse_temperature,
        transition.energy_disordered,
        transition.energy_ordered,
        transition.latent_heat,
        transition.order_parameter,
        transition.correlation_length,
    )
    digits = [len(each.partition(".")[2]) for each in expected]
    assert [f"{x:.{n}f}" for x, n in zip(numbers, digits, strict=True)] == list(expected)
    assert transition.is_first_order


def test_interface_tension_of_ten_states() -> None:
    # Borgs and Janke, J. Phys. I France 2, 2011 (1992).
    assert f"{potts_transition(10).twice_interface_tension:.6f}" == "0.094701"


@pytest.mark.parametrize("state_count", [2, 3, 4])
def test_few_states_have_no_jump(state_count: int) -> None:
    transition = potts_transition(state_count)
    assert transition.latent_heat == transition.order_parameter == 0.0
    assert transition.twice_interface_tension == 0.0
    assert not transition.is_first_order
    # Both phases merge at the energy of self-duality.
    assert transition.energy_ordered == pytest.approx(-1 - state_count**-0.5)


def test_many_states_approach_a_jump_between_perfect_phases() -> None:
    transition = potts_transition(10**6)
    # Every bond satisfied against one in q: corrections are of order 1/√q = 10⁻³.
    assert transition.energy_ordered == pytest.approx(-2.0, abs=3e-3)
    assert transition.energy_disordered == pytest.approx(0.0, abs=3e-3)
    assert transition.order_parameter == pytest.approx(1.0, abs=3e-6)


def test_phases_have_the_energies_of_the_exact_solution(errors_away: Distance) -> None:
    # At 9 correlation lengths each start shows its own phase, and no trace of the size.
    transition = potts_transition(20)
    chains = Chains(
        record_count=400, discarded_sweeps=400, replica_count=12, starts=("hot", "cold")
    )
    samples = potts(
        state_count=20,
        linear_extent=24,
        inverse_temperature=transition.inverse_temperature,
        chains=chains,
        seed=5,
    )
    means = samples[["energy", "order_parameter"]].mean("record")
    hot, cold = (means.isel(run=samples["start"].values == each) for each in chains.starts)
    assert errors_away(hot["energy"].values, transition.energy_disordered) < 4
    assert errors_away(cold["energy"].values, transition.energy_ordered) < 4
    assert errors_away(cold["order_parameter"].values, transition.order_parameter) < 4
    assert float(cold["energy"].std()) < 0.05 * transition.latent_heat


def test_dataset_follows_the_schema() -> None:
    chains = Chains(record_count=5, sweeps_per_record=3, discarded_sweeps=2, replica_count=2)
    samples = potts(
        state_count=3, linear_extent=4, inverse_temperature=[0.9, 1.0], chains=chains, seed=1
    )
    assert phasegrok.validate(samples) == []
    assert samples["step"].values[0].tolist() == [2, 5, 8, 11, 14]
    assert samples["inverse_temperature"].values.tolist() == [0.9, 0.9, 1.0, 1.0]
    assert set(samples["size"].values) == {16}
    assert set(samples["physical_kinetics"].values) == {0}


def test_refusals() -> None:
    chains = Chains(record_count=2)
    good: dict[str, Any] = {
        "state_count": 3,
        "linear_extent": 4,
        "inverse_temperature": 1.0,
        "chains": chains,
        "seed": 0,
    }
    for name, value, message in (
        ("state_count", 1, "state_count must be a whole number of at least 2"),
        ("linear_extent", 1, "linear_extent must be a whole number of at least 2"),
        ("linear_extent", 4.0, "linear_extent must be a whole number"),
        ("linear_extent", 10**5, "GiB"),
        ("inverse_temperature", [1.0, -1.0], "inverse_temperature must be positive"),
        ("inverse_temperature", [1.0, np.nan], "inverse_temperature must be finite"),
        ("inverse_temperature", [1.0, 1.0], "none twice"),
        ("inverse_temperature", [], "at least one point"),
        ("chains", Chains(record_count=10**9), "GiB"),
        ("chains", Chains(record_count=2, starts=("warm",)), "no start 'warm'"),
        ("seed", -1, "seed must be a whole number of at least 0"),
    ):
        with pytest.raises(InvalidValueError, match=message):
            potts(**{**good, name: value})
    with pytest.raises(InvalidValueError, match="state_count"):
        potts_transition(1)
