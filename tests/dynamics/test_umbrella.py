"""Umbrellas: the bias and its gradient, the law that it makes, and ladders of centers."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from scipy.integrate import quad

from phasegrok.dynamics import check_study, simulate
from phasegrok.dynamics.batch import build_batch
from phasegrok.dynamics.building import build_run
from phasegrok.errors import InvalidStudyError
from phasegrok.runs import validate
from phasegrok.study import (
    Energy,
    Exchange,
    Plan,
    Recording,
    Study,
    Umbrella,
    part,
    requested_runs,
)

TEMPERATURE, DECAY, STRENGTH = 0.5, 0.7, 4.0
PARAMETERS = 6


def described(**changes: Any) -> Study:
    fields: dict[str, Any] = {
        "name": "held",
        "seed": 23,
        "task": part("swept_parts:Nothing"),
        "network": part("two_layer", width=2),
        "dynamics": part("hmc", step_size=0.3, leapfrog_steps=6, coordinates="plain"),
        "energy": Energy(temperature=TEMPERATURE, weight_decay=DECAY),
        "recording": Recording(steps=400, start=40),
        "umbrella": Umbrella(center=2.0, strength=STRENGTH),
        "plan": Plan(grid={"umbrella.center": [1.0, 3.0]}, replicas=20),
        "dtype": "float64",
    }
    fields.update(changes)
    return Study(**fields)


def exact_mean(center: float, strength: float = STRENGTH) -> float:
    """⟨Q⟩ of p(Q) ∝ Q^(P/2-1) exp{-[λQ + ½κ(Q - Q₀)²]/T}."""

    def density(q: float) -> float:
        energy = DECAY * q + 0.5 * strength * (q - center) ** 2
        return float(q ** (PARAMETERS / 2 - 1) * np.exp(-energy / TEMPERATURE))

    norm, _ = quad(density, 0.0, 40.0, points=[center])
    first, _ = quad(lambda q: q * density(q), 0.0, 40.0, points=[center])
    return float(first / norm)


def half_square_norm(dataset: xr.Dataset) -> xr.DataArray:
    total: xr.DataArray = dataset.half_square_norm_first + dataset.half_square_norm_readout
    return total


def assert_mean(values: xr.DataArray, exact: float) -> None:
    """Runs are independent: the error of their mean is that of their means."""
    means = values.mean("record").values
    error = means.std(ddof=1) / np.sqrt(means.size)
    assert abs(means.mean() - exact) < 4.0 * error
    assert error < 0.03 * exact


@pytest.mark.parametrize("coordinates", ["plain", "whitened"])
def test_the_gradient_is_that_of_the_energy(coordinates: str) -> None:
    study = described(
        task=part("cubic_teacher", example_count=7, input_size=2, cubic=-0.3),
        dynamics=part("langevin", step_size=0.01, coordinates=coordinates),
    )
    runs = [build_run(study, each) for each in requested_runs(study)[:4]]
    batch = build_batch(study, runs, torch.device("cpu"))
    system, position = batch.system, batch.state.position
    data = system.data_gradient(position, None, None).rows
    gradient = system.assemble(data, position, torch.empty_like(position))
    step = 1e-6
    for place in (0, 1, 33):
        moved = []
        for sign in (1.0, -1.0):
            there = position.clone()
            there[:, place] += sign * step
            moved.append(system.energy(there, system.loss(there)))
        slope = (moved[0] - moved[1]) / (2.0 * step)
        torch.testing.assert_close(gradient[:, place], slope, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    "dynamics",
    [
        part("hmc", step_size=0.3, leapfrog_steps=6, coordinates="plain"),
        part("hmc", step_size=0.4, leapfrog_steps=6, coordinates="whitened"),
        part("langevin", step_size=0.01),
    ],
    ids=["hmc", "whitened", "langevin"],
)
def test_the_law_that_it_makes(dynamics: Any) -> None:
    long = 4000 if dynamics.kind == "langevin" else 400
    study = described(dynamics=dynamics, recording=Recording(steps=long, start=40, every=5))
    dataset = simulate(study, requested_runs(study)).dataset
    assert validate(dataset) == []
    norms = half_square_norm(dataset)
    for center in (1.0, 3.0):
        assert_mean(norms[dataset["umbrella.center"] == center], exact_mean(center))
    assert set(dataset["umbrella.strength"].values) == {STRENGTH}
    # What is stored is the energy without the bias.
    np.testing.assert_array_equal(dataset.loss, 0.0)


def test_without_strength_there_is_none() -> None:
    study = described(umbrella=Umbrella(center=9.0, strength=0.0), plan=Plan(replicas=3))
    free = replace(study, umbrella=None)
    one, other = (simulate(each, requested_runs(each)).dataset for each in (study, free))
    np.testing.assert_array_equal(half_square_norm(one), half_square_norm(other))


def test_exchange_of_centers_keeps_the_law_of_every_rung() -> None:
    centers = [1.0, 2.0, 3.0]
    study = described(
        exchange=Exchange(control="umbrella.center", rungs=centers), plan=Plan(replicas=20)
    )
    dataset = simulate(study, requested_runs(study)).dataset
    assert validate(dataset) == []
    np.testing.assert_allclose(
        dataset["umbrella.center_now"], np.array(centers)[dataset.rung.values]
    )
    norms = half_square_norm(dataset).values.reshape(20, 3, -1)
    rungs = dataset.rung.values.reshape(20, 3, -1)
    for rung, center in enumerate(centers):
        at_rung = np.where(rungs == rung, norms, 0.0).sum(axis=1)
        assert_mean(xr.DataArray(at_rung, dims=("run", "record")), exact_mean(center))
    assert int(dataset.round_trip_count.sum()) > 20


def test_the_same_in_every_batch(same_in_every_batch: Any) -> None:
    study = described(
        task=part("cubic_teacher", example_count=7, input_size=2, cubic=-0.3),
        plan=Plan(grid={"umbrella.center": [1.0, 3.0], "umbrella.strength": [1.0, 2.0]}),
        recording=Recording(steps=12, every=3, states="all"),
        dtype="float32",
    )
    same_in_every_batch(study, [[0], [3], [2, 1]])


def test_centers_are_exchanged_only_under_an_umbrella() -> None:
    study = described(
        umbrella=None,
        plan=Plan(),
        exchange=Exchange(control="umbrella.center", rungs=[1.0, 2.0]),
    )
    with pytest.raises(InvalidStudyError, match="cannot change within a run"):
        check_study(study, requested_runs(study))
