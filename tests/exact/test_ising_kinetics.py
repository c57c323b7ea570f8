"""Single-spin dynamics: exact stationary laws, exact one-sweep means, quenches and escapes."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pytest

import phasegrok
from phasegrok.errors import InvalidValueError
from phasegrok.exact import Chains, glauber, ising_energy, metropolis

Distance = Callable[[Any, float], float]
Dynamics: TypeAlias = Callable[..., Any]
BOTH = pytest.mark.parametrize("dynamics", [metropolis, glauber])


@BOTH
@pytest.mark.parametrize(
    ("extent", "beta", "field"),
    [(2, 0.2, 0.1), (4, 0.35, 0.0), (4, 0.35, -0.15), (4, 0.5, 0.1)],
)
def test_stationary_law_is_the_sum_over_all_states(
    dynamics: Dynamics,
    extent: int,
    beta: float,
    field: float,
    ising_sum: Callable[..., Any],
    errors_away: Distance,
) -> None:
    chains = Chains(
        record_count=800, discarded_sweeps=100, replica_count=32, starts=("up", "down")
    )
    samples = dynamics(
        linear_extent=extent, inverse_temperature=beta, field=field, chains=chains, seed=3
    )
    exact = ising_sum((extent, extent), beta, field)
    for name, truth in (
        ("energy", exact.energy),
        ("magnetization", exact.magnetization),
        ("order_parameter", exact.order_parameter),
    ):
        assert errors_away(samples[name].mean("record").values, truth) < 4, name
    square = (samples["energy"] ** 2).mean("record").values
    assert errors_away(square, exact.square_energy) < 4


@BOTH
def test_energy_of_a_larger_lattice_is_kaufmans(
    dynamics: Dynamics, errors_away: Distance
) -> None:
    chains = Chains(record_count=300, discarded_sweeps=200, replica_count=24)
    samples = dynamics(linear_extent=16, inverse_temperature=0.38, chains=chains, seed=5)
    exact = float(ising_energy(16, 16, inverse_temperature=0.38))
    assert errors_away(samples["energy"].mean("record").values, exact) < 4


@pytest.mark.parametrize("field", [-0.7, 0.4])
@pytest.mark.parametrize("start", ["up", "down"])
def test_one_sweep_of_the_first_colour_has_the_rates_of_the_rule(
    field: float, start: str, errors_away: Distance
) -> None:
    # From all spins alike, each spin of the first colour sees four equal neighbours; those of
    # the second see four independent spins, so the mean after one sweep is a binomial sum.
    beta, side = 0.2, 1 if start == "up" else -1

    def up_metropolis(spin: int, total: float) -> float:
        flip = min(1.0, np.exp(-2 * beta * spin * (total + field)))
        return float(1 - flip if spin > 0 else flip)

    def up_glauber(_: int, total: float) -> float:
        return float(1 / (1 + np.exp(-2 * beta * (total + field))))

    rules: list[tuple[Dynamics, Callable[[int, float], float]]] = [
        (metropolis, up_metropolis),
        (glauber, up_glauber),
    ]
    for dynamics, up in rules:
        first = up(side, 4.0 * side)
        weight = (
            np.array([1, 4, 6, 4, 1])
            * first ** np.arange(5)
            * (1 - first) ** (4 - np.arange(5))
        )
        second = float(weight @ [up(side, 2.0 * count - 4) for count in range(5)])
        chains = Chains(record_count=2, replica_count=60, starts=(start,))
        samples = dynamics(
            linear_extent=32, inverse_temperature=beta, field=field, chains=chains, seed=9
        )
        assert (samples["magnetization"].isel(record=0) == side).all()
        after = samples["magnetization"].isel(record=1).values
        assert errors_away(after, first + second - 1) < 4


def test_walls_of_a_quench_vanish_as_the_root_of_time() -> None:
    # Curvature-driven growth: the excess energy falls as t^(-1/2) once domains are large.
    chains = Chains(record_count=81, replica_count=6)
    samples = glauber(linear_extent=128, inverse_temperature=1.5, chains=chains, seed=2)
    excess = samples["energy"].mean("run").values + 2.0
    assert excess[0] == pytest.approx(2.0, abs=0.05)
    assert excess[5] / excess[20] == pytest.approx(2.0, rel=0.12)
    assert excess[20] / excess[80] == pytest.approx(2.0, rel=0.12)


@BOTH
def test_energy_falls_at_once_after_a_quench(dynamics: Dynamics) -> None:
    chains = Chains(record_count=11, replica_count=8)
    samples = dynamics(linear_extent=32, inverse_temperature=1.0, chains=chains, seed=2)
    energy = samples["energy"].mean("run").values
    assert (energy[1] < -0.9) & (energy[2] < energy[1] - 0.1) & (energy[10] < -1.5)


def test_escape_from_the_wrong_side_is_slow_and_ends() -> None:
    chains = Chains(record_count=400, replica_count=12, starts=("down",))
    samples = glauber(
        linear_extent=24,
        inverse_temperature=0.55,
        field=[0.05, 0.35],
        chains=chains,
        seed=4,
    )
    spin = samples["magnetization"]
    weak, strong = (spin[samples["field"].values == each] for each in (0.05, 0.35))
    assert (weak.isel(record=20) < -0.7).all()
    assert (strong.isel(record=-1) > 0.7).all()
    escaped_at = (strong > 0).argmax("record")
    assert (escaped_at > 5).all()


def test_reversal_of_field_and_start_is_a_reversal_of_spins(errors_away: Distance) -> None:
    chains = {
        start: Chains(record_count=60, discarded_sweeps=20, replica_count=48, starts=(start,))
        for start in ("up", "down")
    }
    one, other = (
        metropolis(
            linear_extent=8,
            inverse_temperature=0.3,
            field=field,
            chains=chains[start],
            seed=6,
        )["magnetization"].mean("record")
        for field, start in ((0.2, "up"), (-0.2, "down"))
    )
    assert errors_away(one.values + other.values, 0.0) < 4


def test_dataset_follows_the_schema() -> None:
    chains = Chains(record_count=3, starts=("hot", "up", "down"))
    samples = glauber(
        linear_extent=4, inverse_temperature=[0.3, 0.4], field=0.1, chains=chains, seed=1
    )
    assert phasegrok.validate(samples) == []
    assert set(samples["physical_kinetics"].values) == {1}
    assert samples["magnetization"].attrs["symmetry"] == "none"
    even = metropolis(linear_extent=4, inverse_temperature=0.3, chains=chains, seed=1)
    assert phasegrok.validate(even) == []
    assert even["magnetization"].attrs["symmetry"] == "sign"
    # Walls move too fast where certain flips follow the checkerboard.
    assert set(even["physical_kinetics"].values) == {0}
    np.testing.assert_array_equal(even["time"].values[0], [0.0, 1.0, 2.0])


def test_refusals() -> None:
    chains = Chains(record_count=2)
    good: dict[str, Any] = {"linear_extent": 4, "inverse_temperature": 0.4, "chains": chains}
    for name, value, message in (
        ("linear_extent", 5, "must be even"),
        ("linear_extent", 0, "linear_extent must be a whole number"),
        ("linear_extent", 2 * 10**5, "GiB"),
        ("inverse_temperature", -0.1, "inverse_temperature must be positive"),
        ("field", np.inf, "field must be finite"),
        ("chains", Chains(record_count=2, starts=("cold",)), "no start 'cold'"),
    ):
        for dynamics in (metropolis, glauber):
            with pytest.raises(InvalidValueError, match=message):
                dynamics(**{**good, name: value}, seed=1)
    with pytest.raises(InvalidValueError, match="broadcast"):
        metropolis(**{**good, "inverse_temperature": [0.1, 0.2], "field": [1, 2, 3]}, seed=1)
