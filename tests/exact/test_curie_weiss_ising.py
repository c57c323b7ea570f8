"""The Curie-Weiss Ising model against sums over all states and its limit of many spins."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import gamma

import phasegrok
from phasegrok.errors import InvalidValueError
from phasegrok.exact import curie_weiss_ising, curie_weiss_ising_law

Distance = Callable[[Any, float], float]


@pytest.mark.parametrize("size", [1, 2, 7, 12])
@pytest.mark.parametrize(("beta", "field"), [(0.5, 0.0), (1.0, 0.3), (1.6, -0.1)])
def test_law_is_the_sum_over_all_states(size: int, beta: float, field: float) -> None:
    spins = np.array(list(product((-1, 1), repeat=size)))
    total = spins.sum(axis=1)
    energy = -(total**2) / (2 * size) - field * total
    weight = np.exp(-beta * energy)
    weight /= weight.sum()
    law = curie_weiss_ising_law(size=size, inverse_temperature=beta, field=field)
    assert law.mean("energy") == pytest.approx(weight @ energy / size, rel=1e-12)
    assert law.mean("magnetization") == pytest.approx(weight @ total / size, abs=1e-12)
    assert law.mean("order_parameter") == pytest.approx(weight @ abs(total) / size, rel=1e-12)
    variance = weight @ (total / size) ** 2 - (weight @ total / size) ** 2
    assert law.variance("magnetization") == pytest.approx(variance, rel=1e-11)
    value, probability = law.marginal("magnetization")
    expected = [weight[total == each].sum() for each in np.unique(total)]
    np.testing.assert_allclose(value * size, np.unique(total), atol=1e-12)
    np.testing.assert_allclose(probability, expected, rtol=1e-11)


def test_disordered_phase_has_the_curie_law() -> None:
    # N Var(m) → 1/(1 - β) for β < 1, with corrections of order 1/N.
    for beta in (0.3, 0.6):
        law = curie_weiss_ising_law(size=200_000, inverse_temperature=beta)
        fluctuation = 200_000 * law.variance("magnetization")
        assert fluctuation == pytest.approx(1 / (1 - beta), rel=1e-4)


def test_ordered_phase_solves_the_self_consistent_equation() -> None:
    root = brentq(lambda m: m - np.tanh(1.3 * m), 0.1, 1.0)
    law = curie_weiss_ising_law(size=50_000, inverse_temperature=1.3)
    assert law.mean("order_parameter") == pytest.approx(root, abs=1e-4)


def test_critical_point_has_the_quartic_law() -> None:
    # p(m) ∝ exp(-N m⁴/12): ⟨m²⟩ = √(12/N) Γ(3/4)/Γ(1/4).
    size = 400_000
    law = curie_weiss_ising_law(size=size, inverse_temperature=1.0)
    limit = (12 / size) ** 0.5 * gamma(0.75) / gamma(0.25)
    assert law.mean("magnetization", power=2) == pytest.approx(limit, rel=3e-3)


def test_draws_follow_the_law(errors_away: Distance) -> None:
    samples = curie_weiss_ising(
        size=64,
        inverse_temperature=1.1,
        field=[0.0, 0.02],
        record_count=2000,
        replica_count=40,
        seed=3,
    )
    for field in (0.0, 0.02):
        law = curie_weiss_ising_law(size=64, inverse_temperature=1.1, field=field)
        here = samples.isel(run=samples["field"].values == field)
        for name in ("energy", "magnetization", "order_parameter"):
            draws = here[name].values
            assert errors_away(draws.mean(axis=1), law.mean(name)) < 4
            assert errors_away(draws.var(axis=1, ddof=1), law.variance(name)) < 4
            # Independent: a record says nothing about the next.
            centred = draws - law.mean(name)
            assert errors_away((centred[:, 1:] * centred[:, :-1]).mean(axis=1), 0.0) < 4


def test_largest_size_is_drawn() -> None:
    samples = curie_weiss_ising(
        size=4096, inverse_temperature=[0.9, 1.0, 1.1], record_count=100, seed=1
    )
    assert phasegrok.validate(samples) == []
    assert samples["magnetization"].attrs["symmetry"] == "sign"
    ordered = samples["order_parameter"].mean("record").values
    assert ordered[0] < 0.1 < ordered[1] < 0.4 < ordered[2]


def test_a_field_breaks_the_symmetry() -> None:
    samples = curie_weiss_ising(
        size=16, inverse_temperature=1.0, field=0.5, record_count=10, seed=1
    )
    assert phasegrok.validate(samples) == []
    assert samples["magnetization"].attrs["symmetry"] == "none"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": 0}, "size must be a whole number of at least 1"),
        ({"inverse_temperature": -1.0}, "inverse_temperature must be positive"),
        ({"inverse_temperature": "cold"}, "inverse_temperature must be finite numbers"),
        ({"field": np.nan}, "field must be finite numbers"),
        ({"record_count": 0}, "record_count must be a whole number of at least 1"),
        ({"record_count": 10**12}, "GiB"),
        ({"replica_count": 0}, "replica_count must be a whole number of at least 1"),
        ({"seed": 0.5}, "seed must be a whole number"),
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
        curie_weiss_ising(**{**good, **change})


def test_the_law_refuses_unknown_quantities() -> None:
    law = curie_weiss_ising_law(size=4, inverse_temperature=1.0)
    with pytest.raises(InvalidValueError, match="Did you mean 'energy'"):
        law.mean("enery")
