"""Controls that are swept at rates and in directions of each run."""

import importlib
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from phasegrok.dynamics import batch_key, check_study, estimate, failed_dataset, simulate
from phasegrok.errors import InvalidStudyError
from phasegrok.runs import validate
from phasegrok.study import (
    Energy,
    Event,
    Plan,
    Ramp,
    Recording,
    Study,
    Sweep,
    part,
    requested_runs,
)

STEP = 0.01
COUNT = 5
DECAY = Sweep(control="weight_decay", low=0.5, high=2.5, rate=10.0)
RATES = [25.0, 10.0]
# Steps of one way: 8 and 20.


def described(**changes: Any) -> Study:
    fields: dict[str, Any] = {
        "name": "swept",
        "seed": 11,
        "task": part("cubic_teacher", example_count=20, input_size=4, cubic=-0.3, test_count=7),
        "network": part("two_layer", width=3),
        "dynamics": part("langevin", step_size=STEP),
        "energy": Energy(temperature=0.1, weight_decay=0.3),
        "recording": Recording(spacing="sweep", count=COUNT, states="all"),
        "sweep": DECAY,
        "plan": Plan(grid={"rate": RATES, "direction": ["up", "down", "around"]}, replicas=2),
    }
    fields.update(changes)
    return Study(**fields)


def test_rates_and_directions_share_a_batch(same_in_every_batch: Any) -> None:
    picks = [[0], [11], [6], [0, 7], [5, 3, 8, 1], [10, 11]]
    dataset = same_in_every_batch(described(), picks)
    assert set(dataset.outcome.values) == {"finished"}
    np.testing.assert_array_equal(dataset.record_count, COUNT)
    ways = {
        "up": np.linspace(0.5, 2.5, COUNT),
        "down": np.linspace(2.5, 0.5, COUNT),
        "around": np.array([0.5, 1.5, 2.5, 1.5, 0.5]),
    }
    steps = {25.0: 8, 10.0: 20}
    for run in dataset.run.values:
        each = dataset.isel(run=run)
        direction, rate = str(each.direction.values), float(each.rate)
        np.testing.assert_allclose(each.weight_decay_now, ways[direction], rtol=1e-12)
        length = steps[rate] * (2 if direction == "around" else 1)
        np.testing.assert_array_equal(each.step, np.linspace(0, length, COUNT))
        np.testing.assert_allclose(each.time, STEP * np.linspace(0, length, COUNT), rtol=1e-6)
        np.testing.assert_array_equal(each.gradient_count, length)
        moved = np.abs(np.diff(each.weight_decay_now)) / np.diff(each.time)
        np.testing.assert_allclose(moved, rate, rtol=1e-6)


def test_a_sweep_is_a_ramp_between_its_ends() -> None:
    swept = described(plan=Plan(replicas=2), sweep=replace(DECAY, wait=0.1))
    first, last = 10, 30
    ramped = replace(
        swept,
        sweep=None,
        ramps=[Ramp(control="weight_decay", knots=[(first, 0.5), (last, 2.5)])],
        recording=Recording(steps=last, start=first, every=5, states="all"),
    )
    one, other = (simulate(each, requested_runs(each)) for each in (swept, ramped))
    np.testing.assert_array_equal(one.dataset.step, other.dataset.step)
    np.testing.assert_array_equal(one.dataset.loss, other.dataset.loss)
    assert one.states is not None
    assert other.states is not None
    np.testing.assert_array_equal(one.states.parameters, other.states.parameters)


def test_what_it_costs_and_what_is_left_of_it_when_it_fails() -> None:
    study = described()
    requests = requested_runs(study)
    assert len({batch_key(study, each) for each in requests}) == 1
    steps = [estimate(study, each).steps for each in requests[::2]]
    assert steps == [8, 8, 16, 20, 20, 40]
    failed = failed_dataset(study, requests, "no room")
    assert validate(failed) == []
    assert "weight_decay_now" in failed
    np.testing.assert_array_equal(failed.step[:, -1], np.repeat(steps, 2))


def test_an_event_is_dated_at_every_step_of_a_sweep(same_in_every_batch: Any) -> None:
    event = Event(name="fall", observable=part("train_loss"), threshold=5.0, direction="below")
    heated = described(
        energy=Energy(temperature=0.05, weight_decay=0.1),
        events=[event],
        plan=Plan(grid={"rate": [2.0, 4.0]}, replicas=3),
        sweep=replace(DECAY, low=0.1, high=0.5),
    )
    dataset = same_in_every_batch(heated, [[0], [5], [3, 1]])
    happened = np.isfinite(dataset.event_fall_upper.values)
    assert happened.any()
    gaps = (dataset.event_fall_upper - dataset.event_fall_lower).values[happened]
    assert set(gaps) <= {0.0, 1.0}
    lengths = dataset.step.values[:, -1]
    np.testing.assert_array_equal(
        dataset.event_fall_lower.values[~happened], lengths[~happened]
    )


@pytest.mark.parametrize("control", ["temperature", "weight_decay.first", "friction"])
def test_other_controls(same_in_every_batch: Any, control: str) -> None:
    study = described(
        sweep=Sweep(control=control, low=0.2, high=1.0, rate=5.0),
        dynamics=part("underdamped", step_size=STEP, friction=1.0),
        energy=Energy(temperature=0.1, weight_decay={"first": 0.3, "readout": 0.2}),
        plan=Plan(grid={"rate": [5.0, 10.0], "direction": ["up", "down"]}),
    )
    dataset = same_in_every_batch(study, [[0], [3], [2, 1]])
    np.testing.assert_allclose(
        dataset[control + "_now"][0], np.linspace(0.2, 1.0, COUNT), rtol=1e-6
    )


@pytest.mark.parametrize("network", ["two_layer", "contract_parts:TwoLayersOneRun"])
@pytest.mark.parametrize("minibatch_size", [0, 6])
def test_a_number_of_the_task(
    same_in_every_batch: Any, network: str, minibatch_size: int
) -> None:
    """Targets at every record are those that the task draws at the value of that record."""
    study = described(
        network=part(network, width=3),
        sweep=Sweep(control="cubic", low=0.1, high=0.9, rate=10.0),
        dynamics=part("langevin", step_size=STEP, minibatch_size=minibatch_size),
        plan=Plan(grid={"rate": [10.0, 5.0], "direction": ["up", "down"]}, disorders=2),
        recording=Recording(
            spacing="sweep", count=COUNT, states="all", observables=[part("test_loss")]
        ),
    )
    dataset = same_in_every_batch(study, [[0], [7], [2, 1], [3, 4, 5]])
    states = simulate(study, requested_runs(study)).states
    assert states is not None
    values = dataset.cubic_now.values
    np.testing.assert_allclose(values[0], np.linspace(0.1, 0.9, COUNT), rtol=1e-12)
    first = requested_runs(study)[0]
    for record in range(COUNT):
        still = replace(
            study,
            sweep=None,
            task=study.task.with_options({"cubic": float(values[0, record])}),
            plan=Plan(starts=("swept_starts:stored",)),
            recording=Recording(steps=1, observables=[part("test_loss")]),
        )
        stored = states.parameters.values[0, record]
        fresh = _measured(still, stored)
        for name in ("loss", "test_loss"):
            np.testing.assert_allclose(
                float(fresh[name][0, 0]), float(dataset[name][0, record]), rtol=1e-5
            )
    assert first.disorder == 0


def _measured(study: Study, row: np.ndarray[Any, Any]) -> Any:
    """The study's runs begun at given weights."""
    importlib.import_module("swept_starts").ROW = row  # type: ignore[attr-defined]
    return simulate(study, requested_runs(study)).dataset


def test_an_observable_sees_the_number_as_it_is_now() -> None:
    discrepancy = part("cubic_discrepancy")
    study = described(
        sweep=Sweep(control="cubic", low=0.1, high=0.9, rate=80.0),
        plan=Plan(starts=("zero",)),
        energy=Energy(temperature=0.0, weight_decay=0.0),
        recording=Recording(spacing="sweep", count=2, observables=[discrepancy]),
    )
    dataset = simulate(study, requested_runs(study)).dataset
    np.testing.assert_allclose(dataset.cubic_discrepancy[0], [0.1, 0.9], rtol=1e-6)


@pytest.mark.parametrize("number", ["curvature", "stretch"])
def test_numbers_that_change_more_than_targets_affinely_are_refused(number: str) -> None:
    line = part("swept_parts:Line", slope=1.0, curvature=0.2, stretch=1.0)
    affine = described(
        task=line,
        sweep=Sweep(control="slope", low=0.1, high=0.9, rate=8.0),
        plan=Plan(replicas=2),
    )
    simulate(affine, requested_runs(affine))
    other = replace(affine, sweep=replace(affine.sweep, control=number))  # type: ignore[type-var]
    with pytest.raises(InvalidStudyError, match=f"{number!r} of the task Line cannot change"):
        check_study(other, requested_runs(other))


def test_two_numbers_of_the_task_are_refused() -> None:
    study = described(
        task=part("swept_parts:Line", slope=1.0, curvature=0.2),
        ramps=[Ramp(control="curvature", knots=[(0, 0.1), (5, 0.2)])],
        sweep=Sweep(control="slope", low=0.1, high=0.9, rate=8.0),
        plan=Plan(),
    )
    with pytest.raises(InvalidStudyError, match="one number of the task"):
        check_study(study, requested_runs(study))


def test_more_records_than_steps_are_refused() -> None:
    study = described(plan=Plan(grid={"rate": [25.0, 100.0]}))
    with pytest.raises(InvalidStudyError, match=r"2 steps of 0\.01, which is less than"):
        check_study(study, requested_runs(study))


def test_a_ramp_and_a_sweep_of_two_controls() -> None:
    ramp = Ramp(control="temperature", knots=[(0, 0.1), (8, 0.5)])
    study = described(ramps=[ramp], plan=Plan())
    dataset = simulate(study, requested_runs(study)).dataset
    np.testing.assert_allclose(dataset.weight_decay_now[0], np.linspace(0.5, 2.5, COUNT))
    np.testing.assert_allclose(dataset.temperature_now[0], [0.1, 0.35, 0.5, 0.5, 0.5])
    assert dataset.rate.values.tolist() == [10.0]
    assert all(a < b for a, b in pairwise(dataset.weight_decay_now.values[0]))
