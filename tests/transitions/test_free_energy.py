"""Free energies along a coordinate: exact wells, windows under a bias, bounds on lifetimes."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import InvalidValueError
from phasegrok.exact import (
    deep_linear,
    deep_linear_learned_weight,
    double_well,
    double_well_escape_time,
    double_well_law,
    double_well_passage_time,
)
from phasegrok.statistics import ControlStates, solve_controls
from phasegrok.transitions.free_energy.passage import (
    escape_from_profile,
    kramers_time,
    mean_first_passage_time,
    norm_diffusion,
)
from phasegrok.transitions.free_energy.profiles import free_energy_profile, profile_wells
from phasegrok.transitions.free_energy.wells import two_wells

BARRIER = 0.022503  # Of the scalar chain of three layers at λ = 0.35, from the unlearned side.
DECAY = 0.35


def fine_well(*, count: int = 6000) -> Any:
    edges = np.linspace(-2.5, 2.5, count + 1)
    middle = 0.5 * (edges[1:] + edges[:-1])
    return edges, (middle**2 - 1) ** 2


def constant(value: float) -> Callable[[Any], Any]:
    return lambda x: np.full(x.shape, value)


def wells_at(seed: int, *, fields: Any = (-0.15, 0.0, 0.15)) -> ControlStates:
    """Draws of x in (x² - 1)² - h x: the field multiplies -x."""
    samples = double_well(
        barrier=1.0,
        temperature=0.3,
        field=np.array(fields),
        record_count=150,
        replica_count=12,
        seed=seed,
    )
    return solve_controls(
        samples.assign(minus=-samples["order_parameter"]), fields={"field": "minus"}
    )


def test_the_double_integral_is_the_exact_passage_time() -> None:
    for heat in (0.15, 0.25, 0.5):
        edges, free = fine_well()
        wanted = double_well_passage_time(barrier=1.0, temperature=heat)
        for side in (1.0, -1.0):
            found = mean_first_passage_time(
                edges,
                free,
                temperature=heat,
                diffusion=constant(heat),
                start=-side,
                exit_coordinate=0.5 * side,
            )
            assert found == pytest.approx(wanted, rel=2e-5)


def test_a_constant_and_the_unit_of_the_coordinate_do_not_matter() -> None:
    edges, free = fine_well()
    asked: dict[str, Any] = {"temperature": 0.25, "start": -1.0, "exit_coordinate": 0.5}
    once = mean_first_passage_time(edges, free, diffusion=lambda x: 0.25 + 0 * x, **asked)
    lifted = mean_first_passage_time(
        edges, free + 7.0, diffusion=lambda x: 0.25 + 0 * x, **asked
    )
    asked |= {"start": -3.0, "exit_coordinate": 1.5}
    wider = mean_first_passage_time(
        3.0 * edges, free, diffusion=lambda x: 9 * 0.25 + 0 * x, **asked
    )
    assert once == pytest.approx(lifted, rel=1e-9)
    assert once == pytest.approx(wider, rel=1e-9)


def test_norms_of_gaussian_weights_diffuse_as_they_should() -> None:
    """For one weight in U = λθ²/2, the time from 0 until |θ| first is b is known."""
    heat, decay, bound = 0.5, 1.3, 1.7
    edges = np.linspace(0.0, 2.0, 20001) ** 2 / 2
    q = 0.5 * (edges[1:] + edges[:-1])
    free = decay * q + 0.5 * heat * np.log(q)  # p(q) ∝ q^(-1/2) e^(-λq/T)
    found = mean_first_passage_time(
        edges,
        free,
        temperature=heat,
        diffusion=norm_diffusion(heat),
        start=0.0,
        exit_coordinate=bound**2 / 2,
    )
    # The same in θ, by the double integral with D = T and a wall at θ = 0.
    theta = np.linspace(0.0, bound, 200001)
    weight = np.exp(-decay * theta**2 / (2 * heat))
    step = theta[1]
    below = np.concatenate([[0.0], np.cumsum(0.5 * (weight[1:] + weight[:-1]))]) * step
    wanted = np.sum(below / weight) * step / heat
    assert found == pytest.approx(wanted, rel=2e-3)


def test_wells_and_kramers_of_an_exact_free_energy() -> None:
    heat = 0.05
    edges, free = fine_well()
    wells = two_wells(edges, free, temperature=heat)
    assert wells is not None
    assert (wells.lower, wells.saddle, wells.upper) == pytest.approx((-1, 0, 1), abs=4e-3)
    assert wells.barrier_up == pytest.approx(1.0, abs=2e-3)
    assert wells.lower_curvature == pytest.approx(8.0, rel=0.03)
    assert wells.saddle_curvature == pytest.approx(-4.0, rel=0.03)
    assert wells.upper_weight == pytest.approx(0.5, abs=1e-3)
    found = kramers_time(wells, temperature=heat, diffusion=constant(heat), up=True)
    wanted = double_well_escape_time(barrier=1.0, temperature=heat)
    assert found == pytest.approx(wanted, rel=0.05)
    assert two_wells(edges, edges[1:] ** 2, temperature=heat) is None


def test_a_profile_from_several_fields_is_the_exact_one_within_its_errors() -> None:
    law = double_well_law(barrier=1.0, temperature=0.3, field=0.05)
    edges = np.linspace(-1.3, 1.4, 28)
    inside = law.distribution(edges[-1:]) - law.distribution(edges[:1])
    mass = np.diff(law.distribution(edges)) / inside
    exact = -0.3 * np.log(mass / np.diff(edges))
    squares, stated, ups, downs = [], [], [], []
    for seed in range(12):
        profile = free_energy_profile(
            wells_at(seed),
            "order_parameter",
            at={"temperature": 0.3, "field": 0.05},
            edges=edges,
            seed=seed,
        )
        squares.append(((profile["free_energy"] - exact) ** 2).to_numpy())
        stated.append((profile["error"] ** 2).to_numpy())
        wells = profile_wells(profile)
        weight = 1.0 - float(law.distribution(np.array([0.0]))[0])
        ups.append(float((wells["upper_weight"] - weight) / wells["upper_weight_error"]))
        # The exact barrier in bins of this width.
        away = float(wells["barrier_up"]) - (exact[13] - exact[3])
        downs.append(away / float(wells["barrier_up_error"]))
    # 12 repeats of 27 bins, of which some ten are independent: 4 √(2/120).
    ratio = np.mean(np.mean(squares, axis=0) / np.mean(stated, axis=0))
    assert ratio == pytest.approx(1.0, abs=0.5)
    assert np.mean(np.square(ups)) < 1 + 4 * np.sqrt(2 / 12)
    # The highest of noisy bins is too high, by less than the error.
    assert np.mean(np.square(downs)) < 1 + 4 * np.sqrt(2 / 12)
    assert abs(np.mean(downs)) < 1


def chain_energy(weights: Any) -> Any:
    return 0.5 * (1 - weights.prod(axis=0)) ** 2 + 0.5 * DECAY * (weights**2).sum(axis=0)


@cache
def windows(heat: float, seed: int) -> xr.Dataset:
    """Metropolis draws of the scalar chain under κ/2 (Q - Q_i)², Q = ½ Σ θ²."""
    centers = np.repeat(np.arange(0.0, 1.2, 0.06), 6)
    strength, generator = heat / 0.05**2, np.random.default_rng(seed)

    def biased(weights: Any) -> Any:
        norm = 0.5 * (weights**2).sum(axis=0)
        return chain_energy(weights) + 0.5 * strength * (norm - centers) ** 2

    weights = np.sqrt(2 * np.maximum(centers, 0.01) / 3) * np.ones((3, 1))
    energy = biased(weights)
    norms, losses = [], []
    for sweep in range(4800):
        size = (0.15, 0.06, 0.02)[sweep % 3]
        ahead = weights + size * generator.normal(size=weights.shape)
        trial = biased(ahead)
        taken = generator.random(energy.size) < np.exp(np.minimum(0.0, (energy - trial) / heat))
        weights, energy = np.where(taken, ahead, weights), np.where(taken, trial, energy)
        if sweep >= 300 and sweep % 15 == 0:
            norms.append(0.5 * (weights**2).sum(axis=0))
            losses.append(0.5 * (1 - weights.prod(axis=0)) ** 2)
    count = centers.size
    return xr.Dataset(
        {
            "loss": (("run", "record"), np.array(losses).T),
            "half_square_norm_all": (("run", "record"), np.array(norms).T),
        },
        coords={
            "temperature": ("run", np.full(count, heat)),
            "weight_decay": ("run", np.full(count, DECAY)),
            "umbrella.center": ("run", centers),
            "umbrella.strength": ("run", np.full(count, strength)),
            "outcome": ("run", np.full(count, "finished", dtype=object)),
        },
    )


def chain_profile(heat: float, seed: int) -> xr.Dataset:
    states = solve_controls(windows(heat, seed), umbrella="half_square_norm_all")
    edges = np.concatenate([np.linspace(0.0, 0.06, 13)[:-1], np.linspace(0.06, 1.3, 63)])
    return free_energy_profile(
        states,
        "half_square_norm_all",
        at={"temperature": heat, "weight_decay": DECAY},
        edges=edges,
        seed=seed,
        resamples=20,
    )


@cache
def chain_lifetime(heat: float) -> tuple[float, float]:
    """Mean time until m > 0.4 from the unlearned state, by Euler's rule, with its error."""
    generator, step, count = np.random.default_rng(5), 0.05, 300
    weights, times = np.zeros((3, count)), np.zeros(count)
    alive = np.ones(count, dtype=bool)
    noise = np.sqrt(2 * heat * step)
    for number in range(1, 60000):
        product = weights.prod(axis=0)
        others = np.stack(
            [weights[1] * weights[2], weights[0] * weights[2], weights[0] * weights[1]]
        )
        force = (1 - product) * others - DECAY * weights
        weights += step * force + noise * generator.normal(size=weights.shape)
        out = alive & (weights.prod(axis=0) > 0.4)
        times[out] = number * step
        alive &= ~out
        if not alive.any():
            break
    assert not alive.any()
    return float(times.mean()), float(times.std(ddof=1) / np.sqrt(count))


def test_windows_under_a_bias_bound_the_lifetime_of_the_unlearned_chain() -> None:
    heat = BARRIER / 3
    escape = escape_from_profile(
        chain_profile(heat, 1), diffusion=norm_diffusion(heat), up=True, start=0.0
    )
    found, error = float(escape["time"]), float(escape["time_error"])
    lifetime, spread = chain_lifetime(heat)
    assert lifetime == pytest.approx(223, abs=4 * np.hypot(spread, 5))
    # A bound from below, and a close one: Q is nearly the reaction coordinate.
    assert 0.8 * lifetime < found < lifetime + 3 * np.hypot(error, spread)
    assert escape.attrs["meaning"] == "lower bound of the lifetime"
    # In temperatures: ΔF/T = 3 in the energy, and some entropy.
    assert 3.0 < float(escape["barrier"]) / heat < 4.5


@pytest.mark.parametrize(("part", "lifetime"), [(4, 596.0), (5, 1581.0)])
def test_bounds_rise_with_the_known_lifetimes(part: int, lifetime: float) -> None:
    heat = BARRIER / part
    escape = escape_from_profile(
        chain_profile(heat, part), diffusion=norm_diffusion(heat), up=True
    )
    assert 0.75 * lifetime < float(escape["time"]) < lifetime + 3 * float(escape["time_error"])


def test_windows_and_a_ladder_of_decays_give_the_same_profile() -> None:
    heat = BARRIER / 3
    samples = deep_linear(
        layer_count=3,
        width=1,
        temperature=heat,
        weight_decay=np.array([0.35, 0.37, 0.39, 0.41]),
        record_count=2000,
        replica_count=4,
        seed=3,
    )
    edges = np.linspace(0.0, 1.3, 27)
    at = {"temperature": heat, "weight_decay": DECAY}
    ladder = free_energy_profile(
        solve_controls(samples), "half_square_norm", at=at, edges=edges, seed=1
    )
    biased = free_energy_profile(
        solve_controls(windows(heat, 1), umbrella="half_square_norm_all"),
        "half_square_norm_all",
        at=at,
        edges=edges,
        seed=1,
    )
    away = ladder["free_energy"] - biased["free_energy"]
    scores = away / np.hypot(ladder["error"], biased["error"])
    assert np.mean(scores**2) == pytest.approx(1.0, abs=0.8)
    learned = deep_linear_learned_weight(
        layer_count=3, width=1, temperature=heat, weight_decay=DECAY, cut=0.2
    )
    wells = profile_wells(biased)
    assert float(wells["upper_weight"]) == pytest.approx(
        learned, abs=4 * float(wells["upper_weight_error"]) + 5e-4
    )


def test_what_has_no_meaning_is_refused() -> None:
    states = wells_at(1)
    at = {"temperature": 0.3, "field": 0.0}
    with pytest.raises(InvalidValueError, match="rising numbers"):
        free_energy_profile(states, "order_parameter", at=at, edges=[1, 0, 2, 3], seed=1)
    with pytest.raises(InvalidValueError, match="hold no sample"):
        free_energy_profile(states, "order_parameter", at=at, edges=[7, 8, 9, 10], seed=1)
    with pytest.raises(InvalidValueError, match="2 resamples"):
        free_energy_profile(states, "order_parameter", at=at, seed=1, resamples=1)
    far = wells_at(2, fields=(1.0, 1.3))
    one = free_energy_profile(
        far,
        "order_parameter",
        at={"temperature": 0.3, "field": 1.2},
        seed=1,
        resamples=4,
        edges=np.linspace(0.8, 1.6, 7),
    )
    with pytest.raises(InvalidValueError, match="one well"):
        profile_wells(one)
    with pytest.raises(InvalidValueError, match="two wells"):
        escape_from_profile(one, diffusion=norm_diffusion(0.3), up=True)
    edges, free = fine_well(count=50)
    asked: dict[str, Any] = {"temperature": 0.3, "start": -1.0, "exit_coordinate": 0.5}
    with pytest.raises(InvalidValueError, match="must be positive at every"):
        mean_first_passage_time(edges, free, diffusion=lambda x: x, **asked)
    with pytest.raises(InvalidValueError, match="one more than bins"):
        mean_first_passage_time(edges[1:], free, diffusion=lambda x: 1 + 0 * x, **asked)
    with pytest.raises(InvalidValueError, match="lie within the bins"):
        mean_first_passage_time(
            edges, free, diffusion=lambda x: 1 + 0 * x, **(asked | {"start": -9.0})
        )
    with pytest.raises(InvalidValueError, match="free energies must be numbers"):
        mean_first_passage_time(edges, free * np.nan, diffusion=lambda x: 1 + 0 * x, **asked)
