"""Maps over temperature and weight decay: exact means, honest errors, doubt where due."""

from typing import Any

import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import FormatError, InsufficientSamplesError, InvalidValueError
from phasegrok.exact import deep_linear, deep_linear_learned_weight, deep_linear_moments
from phasegrok.statistics import Status
from phasegrok.statistics.controls import energy_terms, reweighted_map, solve_controls

NETWORK: dict[str, Any] = {"layer_count": 3, "width": 4}
HEATS, DECAYS = np.array([0.004, 0.0065]), np.array([0.42, 0.45, 0.48, 0.51])
GRID = {"temperature": np.array([0.0045, 0.0055]), "weight_decay": np.array([0.44, 0.46, 0.5])}


def drawn(seed: int, *, records: int = 150, decays: Any = DECAYS) -> xr.Dataset:
    heat, decay = np.meshgrid(HEATS, decays)
    return deep_linear(
        **NETWORK,
        temperature=heat.ravel(),
        weight_decay=decay.ravel(),
        record_count=records,
        replica_count=3,
        seed=seed,
    )


def exact(grid: dict[str, Any], name: str) -> Any:
    return np.array(
        [
            [
                getattr(deep_linear_moments(**NETWORK, temperature=t, weight_decay=g), name)
                for g in grid["weight_decay"]
            ]
            for t in grid["temperature"]
        ]
    )


def as_stored(samples: xr.Dataset) -> xr.Dataset:
    """As a study stores them: the loss, and ½|θ_l|² of two layers."""
    decay = samples["weight_decay"]
    loss = samples["energy"] - decay * samples["half_square_norm"]
    norm = samples["half_square_norm"]
    return samples.drop_vars(["energy", "half_square_norm"]).assign(
        loss=loss, half_square_norm_layer_1=0.3 * norm, half_square_norm_layer_2=0.7 * norm
    )


def test_errors_within_the_trusted_region_are_those_of_repeats() -> None:
    truth = exact(GRID, "order_parameter"), exact(GRID, "half_square_norm")
    weights = np.array(
        [
            [
                deep_linear_learned_weight(**NETWORK, temperature=t, weight_decay=g, cut=0.25)
                for g in GRID["weight_decay"]
            ]
            for t in GRID["temperature"]
        ]
    )
    scores = []
    for seed in range(40):
        states = solve_controls(drawn(seed))
        learned = states.dataset["order_parameter"] > 0.25
        found = reweighted_map(
            states, {"m": "order_parameter", "Q": "half_square_norm", "w": learned}, at=GRID
        )
        assert found["trusted"].to_numpy().all()
        known = zip(("m", "Q", "w"), (*truth, weights), strict=True)
        scores.append([(found[n] - exact_) / found[f"{n}_error"] for n, exact_ in known])
    squares = np.mean(np.array(scores) ** 2, axis=0)
    # 40 repeats: the mean of squares has the standard error √(2/40) = 0.22.
    assert np.abs(squares - 1.0).max() < 4 * 0.22
    assert abs(squares.mean() - 1.0) < 0.25
    means = np.mean(scores, axis=0)
    assert np.abs(means).max() < 4 / np.sqrt(40)


def test_past_a_transition_that_was_never_seen_nothing_is_trusted() -> None:
    """Draws of the unlearned phase alone speak for themselves where the other one rules."""
    grid: dict[str, Any] = {"temperature": [0.004], "weight_decay": np.linspace(0.36, 0.6, 25)}
    truth = exact(grid, "order_parameter")[0]
    missed = 0
    for seed in range(5):
        samples = drawn(seed, decays=[0.58, 0.61])
        only = samples.isel(run=samples["temperature"].to_numpy() == 0.004)
        found = reweighted_map(solve_controls(only), {"m": "order_parameter"}, at=grid)
        row = found.isel(temperature=0)
        given = row["m_status"].to_numpy() != Status.REFUSED
        away = (np.abs(row["m"] - truth) / row["m_error"]).to_numpy()
        learned = truth > 0.3
        assert not row["trusted"].to_numpy()[learned].any()
        assert row["trusted"].to_numpy()[grid["weight_decay"] >= 0.56].all()
        missed += int((given & learned & (away > 5.0)).sum())
    # The effective samples alone would have let these pass.
    assert missed > 10


def test_the_distance_is_zero_between_states_and_grows_beyond() -> None:
    states = solve_controls(drawn(1))
    inside = reweighted_map(states, {"m": "order_parameter"}, at=GRID)
    np.testing.assert_array_equal(inside["distance"], 0.0)
    beyond: dict[str, Any] = {"temperature": 0.005, "weight_decay": np.linspace(0.52, 0.7, 8)}
    distance = reweighted_map(states, {"m": "order_parameter"}, at=beyond)["distance"]
    assert (np.diff(distance.to_numpy()[0]) > 0).all()


def test_stored_norms_of_layers_give_the_same_map_as_their_sum() -> None:
    samples = drawn(2)
    maps = [
        reweighted_map(solve_controls(each), {"m": "order_parameter"}, at=GRID)
        for each in (samples, as_stored(samples))
    ]
    np.testing.assert_allclose(maps[0]["m"], maps[1]["m"], rtol=1e-9)
    np.testing.assert_allclose(maps[0]["m_error"], maps[1]["m_error"], rtol=1e-6)


def test_a_bias_that_is_named_is_taken_off() -> None:
    """Draws at weight decay λ, seen as draws at λ' with a bias that is the difference."""
    samples = drawn(3, decays=[0.42, 0.44, 0.46, 0.48], records=300)
    norm, heat = samples["half_square_norm"], samples["temperature"]
    strength = 0.08
    # Weighted by the bias, some draws of each run: rejection keeps the law exact.
    generator = np.random.default_rng(4)
    center = 0.5
    bias = 0.5 * strength * (norm - center) ** 2
    kept = generator.random(norm.shape) < np.exp(-(bias / heat).to_numpy())
    length = int(kept.sum(axis=1).min())
    index = np.argsort(~kept, axis=1, kind="stable")[:, :length]
    chosen = xr.DataArray(index, dims=("run", "record"))
    labels = {
        "record_count": ("run", np.full(kept.shape[0], length)),
        "umbrella.center": ("run", np.full(kept.shape[0], center)),
        "umbrella.strength": ("run", np.full(kept.shape[0], strength)),
    }
    biased = samples.isel(record=chosen).assign_coords(labels)
    target = {"temperature": [0.0055], "weight_decay": [0.45]}
    states = solve_controls(biased, umbrella="half_square_norm")
    found = reweighted_map(states, {"Q": "half_square_norm"}, at=target).squeeze()
    truth = exact(target, "half_square_norm")[0, 0]
    assert abs(float(found["Q"]) - truth) < 4 * float(found["Q_error"])
    ignored = biased.assign_coords({"umbrella.strength": 0.0 * biased["umbrella.strength"]})
    wrong = reweighted_map(
        solve_controls(ignored), {"Q": "half_square_norm"}, at=target
    ).squeeze()
    assert abs(float(wrong["Q"]) - truth) > 5 * float(wrong["Q_error"])
    with pytest.raises(InvalidValueError, match="umbrella="):
        solve_controls(biased)


def test_whole_runs_drawn_again_give_the_errors_of_repeats() -> None:
    found, stated = [], []
    for seed in range(40):
        states = solve_controls(drawn(seed, records=60))
        assert states.error_units == "runs"
        generator = np.random.default_rng(seed)
        draws = [states.redrawn(generator).free_energy[-1] for _ in range(20)]
        found.append(states.solution.free_energy[-1])
        stated.append(np.var(draws, ddof=1))
    # Two variances from 40 and from 40 · 20 numbers, of three runs at each of eight states.
    assert np.mean(stated) / np.var(found, ddof=1) == pytest.approx(1.0, abs=4 * 0.25)
    assert 0.6 < np.mean(stated) / np.var(found, ddof=1) < 1.7


def test_runs_that_did_not_finish_are_left_out() -> None:
    samples = drawn(5)
    outcome = samples["outcome"].to_numpy().copy()
    outcome[0] = "diverged"
    broken = samples.assign_coords(outcome=("run", outcome))
    assert solve_controls(broken).dataset.sizes["run"] == samples.sizes["run"] - 1
    none = samples.assign_coords(outcome=("run", np.full(outcome.size, "failed", dtype=object)))
    with pytest.raises(InsufficientSamplesError, match="finished runs"):
        solve_controls(none)


def test_what_cannot_be_reweighted_is_refused() -> None:
    samples = drawn(6)
    stored = as_stored(samples)
    states = solve_controls(samples)
    with pytest.raises(InvalidValueError, match="temperatures above zero"):
        energy_terms(samples.assign_coords(temperature=0.0 * samples["temperature"]))
    with pytest.raises(FormatError, match="half_square_norm"):
        energy_terms(samples.drop_vars("half_square_norm"))
    apart = {
        f"weight_decay_layer_{k}": ("run", samples["weight_decay"].data * k) for k in (1, 2)
    }
    with pytest.raises(InvalidValueError, match="differ"):
        energy_terms(stored.assign_coords(apart))
    with pytest.raises(InvalidValueError, match="without strengths"):
        energy_terms(stored.assign(penalty_bend=stored["loss"]))
    with pytest.raises(FormatError, match="'loss'"):
        energy_terms(stored.drop_vars("loss"))
    with pytest.raises(InvalidValueError, match="each of the controls"):
        reweighted_map(states, {"m": "order_parameter"}, at={"temperature": [0.005]})
    with pytest.raises(InvalidValueError, match="above zero"):
        states.coefficients({"temperature": -1.0, "weight_decay": 0.4})
    with pytest.raises(InvalidValueError, match="runs and records that entered"):
        states.samples_of(samples["order_parameter"].isel(run=[0]))
    with pytest.raises(InvalidValueError, match="order_parameter"):
        states.samples_of("order_paramter")
    with pytest.raises(InvalidValueError, match="at least one observable"):
        reweighted_map(states, {}, at=GRID)
    with pytest.raises(InsufficientSamplesError, match="without overlap"):
        solve_controls(
            samples.isel(run=[0, 23]).assign_coords(temperature=("run", [1e-6, 1.0]))
        )
