"""The Curie-Weiss Potts model against sums over all states and its limit of many spins."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

import phasegrok
from phasegrok.errors import InvalidValueError
from phasegrok.exact import (
    curie_weiss_ising_law,
    curie_weiss_potts,
    curie_weiss_potts_law,
    curie_weiss_potts_transition,
)

Distance = Callable[[Any, float], float]


@pytest.mark.parametrize(
    ("state_count", "size"), [(2, 1), (2, 6), (3, 2), (3, 6), (3, 9), (4, 6), (5, 4)]
)
@pytest.mark.parametrize("beta", [0.5, 2.7])
def test_law_is_the_sum_over_all_states(state_count: int, size: int, beta: float) -> None:
    states = np.array(list(product(range(state_count), repeat=size)))
    share = np.stack([(states == each).mean(axis=1) for each in range(state_count)])
    energy = -(share**2).sum(axis=0) / 2
    order = (state_count * share.max(axis=0) - 1) / (state_count - 1)
    weight = np.exp(-beta * size * energy)
    weight /= weight.sum()
    law = curie_weiss_potts_law(size=size, inverse_temperature=beta, state_count=state_count)
    for name, values in (("energy", energy), ("order_parameter", order)):
        assert law.mean(name) == pytest.approx(weight @ values, rel=1e-12)
        assert law.mean(name, power=3) == pytest.approx(weight @ values**3, rel=1e-12)
    value, probability = law.marginal("order_parameter")
    assert probability.sum() == pytest.approx(1.0)
    for each, p in zip(value, probability, strict=True):
        assert p == pytest.approx(weight[np.isclose(order, each)].sum(), rel=1e-11)


def test_two_states_are_the_ising_model() -> None:
    # x² + (1 - x)² = (1 + m²)/2: half the coupling and a constant.
    potts = curie_weiss_potts_law(size=51, inverse_temperature=2.2, state_count=2)
    ising = curie_weiss_ising_law(size=51, inverse_temperature=1.1)
    assert potts.mean("order_parameter") == pytest.approx(ising.mean("order_parameter"))
    assert potts.mean("energy") == pytest.approx(ising.mean("energy") / 2 - 0.25)


def test_three_states_jump_where_theory_says() -> None:
    transition = curie_weiss_potts_transition(3)
    assert transition.inverse_temperature == pytest.approx(4 * np.log(2))
    assert transition.order_parameter == pytest.approx(0.5)
    assert transition.latent_heat == pytest.approx(1 / 12)
    assert transition.energy_ordered == pytest.approx(-0.25)


@pytest.mark.parametrize("state_count", [2, 3, 4, 10])
def test_phases_have_equal_free_energies_at_the_transition(state_count: int) -> None:
    # f(s) = β e(s) - entropy(s) along one share [1 + (q - 1) s]/q, the others equal.
    transition = curie_weiss_potts_transition(state_count)

    def free_energy(order: float) -> float:
        major = (1 + (state_count - 1) * order) / state_count
        shares = np.array([major] + [(1 - major) / (state_count - 1)] * (state_count - 1))
        entropy = -np.sum(shares * np.log(shares))
        return float(-transition.inverse_temperature * (shares**2).sum() / 2 - entropy)

    jump = transition.order_parameter
    assert free_energy(jump) == pytest.approx(free_energy(0.0), abs=1e-12)
    slope = (free_energy(jump + 1e-5) - free_energy(jump - 1e-5)) / 2e-5
    assert slope == pytest.approx(0.0, abs=1e-7)


def test_phases_approach_those_of_the_limit() -> None:
    transition = curie_weiss_potts_transition(3)
    distances = []
    for size in (2048, 4096):
        law = curie_weiss_potts_law(
            size=size, inverse_temperature=transition.inverse_temperature
        )
        ordered = law.values["order_parameter"] > 0.25
        distances.append(
            [
                np.average(law.values[name][side], weights=law.probability[side]) - limit
                for side, name, limit in (
                    (ordered, "energy", transition.energy_ordered),
                    (~ordered, "energy", transition.energy_disordered),
                    (ordered, "order_parameter", transition.order_parameter),
                )
            ]
        )
    far, near = np.abs(distances)
    # The barrier is low, so that at these sizes tails of the phases are cut: 1/N and faster.
    assert (near < 0.5 * far).all()
    assert (near < [0.005, 0.002, 0.02]).all()


def test_little_lies_between_the_phases_of_the_largest_size() -> None:
    law = curie_weiss_potts_law(size=4096, inverse_temperature=4 * np.log(2))
    value, probability = law.marginal("order_parameter")
    parts = np.histogram(value, bins=[0, 0.1, 0.2, 0.3, 0.4, 0.6], weights=probability)[0]
    low, _, between, _, high = parts
    assert between < 0.02 * low
    assert between < 0.02 * high


def test_draws_follow_the_law(errors_away: Distance) -> None:
    samples = curie_weiss_potts(
        size=60,
        inverse_temperature=[2.5, 2.75],
        record_count=1000,
        replica_count=40,
        seed=5,
    )
    for beta in (2.5, 2.75):
        law = curie_weiss_potts_law(size=60, inverse_temperature=beta)
        here = samples.isel(run=samples["inverse_temperature"].values == beta)
        for name in ("energy", "order_parameter"):
            assert errors_away(here[name].mean("record").values, law.mean(name)) < 4
            spread = here[name].var("record", ddof=1).values
            assert errors_away(spread, law.variance(name)) < 4


def test_dataset_follows_the_schema() -> None:
    samples = curie_weiss_potts(
        size=4096, inverse_temperature=[2.7, 2.8], record_count=10, replica_count=2, seed=1
    )
    assert phasegrok.validate(samples) == []
    assert samples["size"].values.tolist() == [4096] * 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": 0}, "size must be a whole number of at least 1"),
        ({"state_count": 1}, "state_count must be a whole number of at least 2"),
        ({"size": 4096, "state_count": 6}, "the occupations of 6 states by 4096 spins"),
        ({"size": 10**9}, "GiB"),
        ({"inverse_temperature": 0.0}, "inverse_temperature must be positive"),
        ({"record_count": 2.0}, "record_count must be a whole number"),
    ],
)
def test_refusals(change: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {
        "size": 8,
        "inverse_temperature": 1.0,
        "record_count": 5,
        "seed": 1,
    }
    with pytest.raises(InvalidValueError, match=message):
        curie_weiss_potts(**{**good, **change})
