"""Twelve steps of every kind of study to come: one engine carries them all, in any batch."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from phasegrok.dynamics import batch_key, simulate
from phasegrok.errors import InvalidStudyError
from phasegrok.study import (
    Energy,
    Event,
    Exchange,
    Plan,
    Ramp,
    Recording,
    Study,
    part,
    requested_runs,
)

PICKS = [[0], [4, 1], [5, 3, 4]]
SPARSE = part("contract_parts:SparseTeacher", example_count=20, input_size=6)
TRAIN_LOSS, TEST_LOSS = part("train_loss"), part("test_loss")
LANGEVIN = part("langevin", step_size=0.01)


def described(**changes: Any) -> Study:
    fields: dict[str, Any] = {
        "name": "contract",
        "seed": 5,
        "task": SPARSE,
        "network": part("contract_parts:TwoLayersOneRun", width=4),
        "dynamics": LANGEVIN,
        "energy": Energy(temperature=0.1, weight_decay="prior"),
        "recording": Recording(steps=12, every=3, states="all", observables=[TRAIN_LOSS]),
        "plan": Plan(replicas=6),
    }
    fields.update(changes)
    return Study(**fields)


def test_convolution_with_cross_entropy_minibatches_and_adamw(same_in_every_batch: Any) -> None:
    study = described(
        task=part("contract_parts:Images", example_count=40),
        network=part("contract_parts:Convolution", channels=3),
        dynamics=part("adamw", step_size=0.01, minibatch_size=16),
        energy=Energy(weight_decay=0.1),
        recording=Recording(steps=12, every=3, observables=[TRAIN_LOSS, TEST_LOSS]),
        plan=Plan(replicas=6, starts=("own",)),
    )
    dataset = same_in_every_batch(study, PICKS)
    assert bool((dataset.loss.isel(record=-1) < dataset.loss.isel(record=0)).all())
    np.testing.assert_allclose(dataset.loss, dataset.train_loss, rtol=1e-12)
    assert "noise_variance" not in dataset.coords


@pytest.mark.parametrize("network", ["two_layer", "contract_parts:TwoLayersOneRun"])
def test_ramped_temperature_and_weight_decay(same_in_every_batch: Any, network: str) -> None:
    study = described(
        network=part(network, width=4),
        energy=Energy(temperature=0.1, weight_decay=0.3),
        ramps=[
            Ramp(control="temperature", knots=[(0, 0.1), (6, 0.7), (12, 0.1)]),
            Ramp(control="weight_decay", knots=[(0, 0.3), (12, 1.5)]),
            Ramp(control="step_size", knots=[(0, 0.01), (3, 0.02)]),
        ],
    )
    dataset = same_in_every_batch(study, PICKS)
    np.testing.assert_allclose(dataset.temperature_now[0], [0.1, 0.4, 0.7, 0.4, 0.1])
    np.testing.assert_allclose(dataset.weight_decay_now[0], [0.3, 0.6, 0.9, 1.2, 1.5])
    np.testing.assert_allclose(dataset.step_size_now[0, 1:], 0.02, rtol=1e-6)
    assert set(dataset.direction.values) == {"around"}
    np.testing.assert_allclose(dataset.rate, 1.2 / (12 * 0.01))


def test_ramp_acts_on_the_dynamics() -> None:
    cold = described(energy=Energy(temperature=0.0, weight_decay=0.1))
    ramp = Ramp(control="temperature", knots=[(6, 0.0), (7, 1.0)])
    frozen = simulate(cold, requested_runs(cold)).dataset
    heated = simulate(replace(cold, ramps=[ramp]), requested_runs(cold)).dataset
    same = (frozen.loss == heated.loss).all("run").values.tolist()
    assert same == [True, True, True, False, False]


def test_dropout_draws_noise_for_the_gradient_and_none_for_the_record(
    same_in_every_batch: Any,
) -> None:
    network = part("contract_parts:Dropout", width=5, dropped=0.5)
    study = described(
        network=network,
        dynamics=part("gradient_descent", step_size=0.01, minibatch_size=8),
        energy=Energy(),
    )
    dataset = same_in_every_batch(study, PICKS)
    without = replace(study, network=network.with_options({"dropped": 0.0}))
    plain = simulate(without, requested_runs(without)).dataset
    np.testing.assert_array_equal(dataset.loss[:, 0], plain.loss[:, 0])
    assert bool((dataset.loss[:, 1] != plain.loss[:, 1]).all())


def test_extra_penalty_with_its_strength_as_a_control(same_in_every_batch: Any) -> None:
    penalty = part("contract_parts:SmoothSparsity", name="sparsity", strength=0.5)
    study = described(
        energy=Energy(temperature=0.1, weight_decay=0.0, penalties=[penalty]),
        plan=Plan(grid={"penalty_sparsity.strength": [0.0, 0.5, 5.0]}, replicas=2),
    )
    dataset = same_in_every_batch(study, PICKS)
    states = simulate(study, requested_runs(study)).states
    assert states is not None
    weights = states.parameters.values.astype(float)  # Padding adds √0.01 each.
    padding = weights.shape[2] - 6 * 4 - 4
    exact = np.sqrt(weights**2 + 0.01).sum(-1) - 0.1 * padding
    np.testing.assert_allclose(dataset.penalty_sparsity, exact, rtol=1e-12)
    strong = dataset.penalty_sparsity[dataset["penalty_sparsity.strength"] == 5.0]
    assert bool((strong[:, -1] < strong[:, 0]).all())


@pytest.mark.parametrize("network", ["two_layer", "contract_parts:TwoLayersOneRun"])
@pytest.mark.parametrize("minibatch_size", [0, 7])
def test_two_disorders_and_data_of_each_run(
    same_in_every_batch: Any, network: str, minibatch_size: int
) -> None:
    study = described(
        task=SPARSE.with_options({"label_noise": 0.1}),
        network=part(network, width=4),
        dynamics=LANGEVIN.with_options({"minibatch_size": minibatch_size}),
        plan=Plan(grid={"label_noise": [0.0, 0.3]}, disorders=2, replicas=2),
        recording=Recording(steps=12, every=3, states="all", observables=[TEST_LOSS]),
    )
    dataset = same_in_every_batch(study, [[0], [1], [0, 1], [2, 1, 7], [6, 5]])
    assert len(np.unique(dataset.test_loss[:, 0])) == 8


@pytest.mark.parametrize("network", ["two_layer", "contract_parts:TwoLayersOneRun"])
def test_an_output_axis(same_in_every_batch: Any, network: str) -> None:
    study = described(
        task=SPARSE.with_options({"output_size": 3}),
        network=part(network, width=4),
        recording=Recording(
            steps=12, every=3, states="all", observables=[TRAIN_LOSS, TEST_LOSS]
        ),
    )
    dataset = same_in_every_batch(study, PICKS)
    np.testing.assert_allclose(dataset.loss, 20 * dataset.train_loss, rtol=1e-12)


def test_stopping_on_an_event_with_bounds_and_censoring(same_in_every_batch: Any) -> None:
    fall = part("train_loss")
    events = [
        Event(name="fall", observable=fall, threshold=0.25, direction="below", stop=True),
        Event(name="dip", observable=fall, threshold=0.5, direction="below", every=4),
    ]
    study = described(
        dynamics=part("gradient_descent", step_size=0.005),
        energy=Energy(),
        events=events,
        plan=Plan(replicas=6),
        recording=Recording(steps=12, every=1, observables=[TRAIN_LOSS]),
    )
    dataset = same_in_every_batch(study, PICKS)
    losses = dataset.train_loss.values
    below = losses < 0.25
    happened = below.any(1)
    assert happened.any()
    assert not happened.all()
    first = np.where(happened, below.argmax(1), 12)
    expected = np.where(happened, "truncated", "finished")
    assert dataset.outcome.values.tolist() == expected.tolist()
    np.testing.assert_array_equal(dataset.record_count, first + 1)
    np.testing.assert_array_equal(dataset.event_fall_upper, np.where(happened, first, np.inf))
    np.testing.assert_array_equal(dataset.event_fall_lower, np.where(happened, first - 1, 12))
    dipped = dataset.event_dip_upper.values
    gap = dipped - dataset.event_dip_lower.values
    assert set(gap[np.isfinite(dipped) & (dipped > 0)]) <= {4.0}
    assert all(
        np.isnan(run[count:]).all() for run, count in zip(losses, first + 1, strict=True)
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_diagonal_network(same_in_every_batch: Any, dtype: str) -> None:
    study = described(
        network=part("contract_parts:Diagonal"),
        dynamics=part("gradient_descent", step_size=0.002),
        energy=Energy(),
        plan=Plan(replicas=6),
        dtype=dtype,
    )
    dataset = same_in_every_batch(study, PICKS)
    assert bool((dataset.loss.diff("record") < 0.0).all())


def test_a_matrix_factorisation(same_in_every_batch: Any) -> None:
    study = described(
        task=part("contract_parts:MatrixEntries", example_count=15),
        network=part("contract_parts:MatrixFactorisation", size=5, rank=2),
        dynamics=part("gradient_descent", step_size=0.02),
        energy=Energy(weight_decay=0.01),
        plan=Plan(disorders=3, replicas=2),
    )
    dataset = same_in_every_batch(study, PICKS)
    assert bool((dataset.loss[:, -1] < dataset.loss[:, 0]).all())


@pytest.mark.parametrize("control", ["temperature", "weight_decay"])
@pytest.mark.parametrize(
    "dynamics",
    [
        part("underdamped", step_size=0.05),
        part("langevin", step_size=0.001),
        part("hmc", step_size=0.05, leapfrog_steps=3),
    ],
    ids=lambda dynamics: str(dynamics.kind),
)
def test_an_exchange_ladder(same_in_every_batch: Any, control: str, dynamics: Any) -> None:
    rungs = [0.5, 1.0, 2.0]
    study = described(
        dynamics=dynamics,
        energy=Energy(temperature=0.5, weight_decay=0.5),
        exchange=Exchange(control=control, rungs=rungs),
        plan=Plan(replicas=4),
        recording=Recording(steps=12, every=1, states="all"),
    )
    units = [[0, 1, 2], [3, 4, 5], [9, 10, 11, 3, 4, 5]]
    dataset = same_in_every_batch(study, units)
    assert dataset.rung.dtype == np.int64
    ladders = dataset.rung.values.reshape(4, 3, 13)
    assert (np.sort(ladders, axis=1) == np.arange(3)[None, :, None]).all()
    np.testing.assert_array_equal(ladders[:, :, 0], np.tile(np.arange(3), (4, 1)))
    assert len(np.unique(ladders, axis=0)) > 1
    np.testing.assert_allclose(dataset[control + "_now"], np.array(rungs)[dataset.rung.values])
    np.testing.assert_array_equal(dataset.first_rung, np.tile(np.arange(3), 4))


def test_plug_ins_of_every_other_kind(same_in_every_batch: Any) -> None:
    study = described(
        dynamics=part("contract_parts:SignDescent", step_size=0.1),
        recording=Recording(
            steps=12,
            every=6,
            observables=[part("contract_parts:LargestWeight"), part("contract_parts:Weights")],
        ),
        plan=Plan(
            grid={"step_size": [0.1, 0.2]}, replicas=3, starts=("contract_parts:ones_start",)
        ),
        energy=Energy(weight_decay=1.0),
    )
    dataset = same_in_every_batch(study, PICKS)
    np.testing.assert_array_equal(dataset.weights[:, 0], 1.0)
    assert dataset.weights.dims == ("run", "record", "weight")
    np.testing.assert_allclose(dataset.time[:, -1], 12 * dataset.step_size, rtol=1e-6)


def test_a_lone_ladder_walker_is_refused() -> None:
    study = described(
        energy=Energy(temperature=0.5, weight_decay=0.5),
        exchange=Exchange(control="temperature", rungs=[0.5, 0.6]),
    )
    with pytest.raises(InvalidStudyError, match="made whole"):
        simulate(study, requested_runs(study)[:1])


def test_numbers_of_examples_that_follow_from_a_fraction_do_not_share_a_batch() -> None:
    study = described(
        task=part("contract_parts:SeenFraction", fraction=0.5),
        plan=Plan(grid={"fraction": [0.25, 0.5]}, replicas=2),
    )
    requests = requested_runs(study)
    keys = [batch_key(study, each) for each in requests]
    assert keys[0] == keys[1]
    assert keys[1] != keys[2]
    with pytest.raises(InvalidStudyError, match="agree in shapes"):
        simulate(study, requests)
