"""An interrupted run goes on from its snapshot, with every bit as if nothing had happened."""

import io
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr

from phasegrok.dynamics import Simulation, Snapshot, part_of, simulate
from phasegrok.study import (
    Energy,
    Event,
    Exchange,
    Part,
    Plan,
    Ramp,
    Recording,
    Study,
    Sweep,
    Umbrella,
    part,
    requested_runs,
)

INTEGRATORS = [
    part("hmc", burn_in=6, leapfrog_steps=3),
    part("hmc", step_size=0.01, coordinates="plain", leapfrog_steps=3),
    part("underdamped", step_size=0.15, coordinates="whitened"),
    part("underdamped", step_size=0.02, minibatch_size=11),
    part("langevin", step_size=1e-4),
    part("langevin", step_size=1e-4, minibatch_size=11),
    part("gradient_descent", step_size=1e-4, momentum=0.9),
    part("adamw", step_size=1e-3, minibatch_size=32),
]
OBSERVABLES = [part("test_loss"), part("cubic_discrepancy"), part("teacher_overlap")]
LOSS = part("train_loss")
STEPS = 12


class Killed(Exception):
    """As a kill: nothing after it is carried out."""


@dataclass
class Bytes:
    """Snapshots as they lie in a file; the process dies after some of them."""

    every: int = 1
    dies_at: int | None = None
    content: bytes | None = None
    kept: int = 0
    asked: int = field(default=0)

    def stored(self) -> Snapshot | None:
        if self.content is None:
            return None
        snapshot: Snapshot = torch.load(io.BytesIO(self.content), weights_only=True)
        return snapshot

    def is_due(self) -> bool:
        self.asked += 1
        return self.asked % self.every == 0

    def keep(self, snapshot: Snapshot) -> None:
        file = io.BytesIO()
        torch.save(snapshot, file)
        self.content = file.getvalue()
        self.kept += 1
        if self.kept == self.dies_at:
            raise Killed


def study_of(dynamics: Part, **changes: Any) -> Study:
    described: dict[str, Any] = {
        "name": "interrupted",
        "seed": 3,
        "task": part(
            "cubic_teacher", example_count=45, input_size=13, cubic=-0.3, test_count=20
        ),
        "network": part("two_layer", width=8),
        "dynamics": dynamics,
        "energy": Energy(temperature=0.1, weight_decay="prior"),
        "recording": Recording(steps=STEPS, every=3, states="all", observables=OBSERVABLES),
        "plan": Plan(grid={"temperature": [0.1, 0.4]}, replicas=2, disorders=2),
    }
    return Study(**(described | changes))


def interrupted(study: Study, *, after: int, every: int = 1, runs: slice = slice(None)) -> Any:
    """Die after some snapshots and go on from the last, again and again to the end."""
    requests = requested_runs(study)[runs]
    store = Bytes(every=every, dies_at=after)
    deaths = 0
    while True:
        try:
            done = simulate(study, requests, checkpoints=store)
        except Killed:
            deaths += 1
            store.kept = store.asked = 0
            continue
        return done, deaths


def assert_same(found: Simulation, whole: Simulation, *, warned: bool = True) -> None:
    for one, other in ((found.dataset, whole.dataset), (found.states, whole.states)):
        if one is None or other is None:
            assert one is other
            continue
        assert set(one.variables) == set(other.variables)
        for name in one.variables:
            same_bits(one[name], other[name])
    # Warnings count the runs of the batch that they were given for.
    assert not warned or found.warnings == whole.warnings


def same_bits(one: xr.DataArray, other: xr.DataArray) -> None:
    assert one.dtype == other.dtype
    assert one.attrs == other.attrs
    floats = one.dtype.kind == "f"
    assert np.array_equal(one.values, other.values, equal_nan=floats), one.name


@pytest.mark.parametrize("after", [1, 5])
@pytest.mark.parametrize(
    "dynamics", INTEGRATORS, ids=lambda each: f"{each.kind}-{'-'.join(map(str, each.options))}"
)
def test_every_integrator_goes_on_bitwise(dynamics: Part, after: int) -> None:
    study = study_of(dynamics)
    found, deaths = interrupted(study, after=after)
    assert deaths == STEPS // after - (STEPS % after == 0 and after == STEPS)
    assert_same(found, simulate(study, requested_runs(study)))


@pytest.mark.parametrize("dynamics", [INTEGRATORS[0], INTEGRATORS[5]], ids=["hmc", "langevin"])
def test_beyond_the_blocks_that_random_numbers_are_drawn_in(dynamics: Part) -> None:
    study = study_of(dynamics, recording=Recording(steps=150, every=30, states="all"))
    found, deaths = interrupted(study, after=1, every=40, runs=slice(0, 3))
    assert deaths == 3
    assert_same(found, simulate(study, requested_runs(study)[:3]))


@pytest.mark.parametrize("network", [part("two_layer", width=3, activation="tanh")])
def test_a_lone_run_goes_on_bitwise(network: Part) -> None:
    study = study_of(INTEGRATORS[4], network=network)
    found, deaths = interrupted(study, after=2, runs=slice(5, 6))
    assert deaths == STEPS // 2
    assert_same(found, simulate(study, requested_runs(study)[5:6]))


def test_a_network_that_is_mapped_over_runs_goes_on_bitwise() -> None:
    study = study_of(
        INTEGRATORS[5],
        network=part("contract_parts:TwoLayersOneRun", width=5),
        recording=Recording(steps=STEPS, every=4, states="last", observables=OBSERVABLES[:1]),
    )
    found, _ = interrupted(study, after=3)
    assert_same(found, simulate(study, requested_runs(study)))


@pytest.mark.parametrize("step_size", [0.2, 1e9], ids=["some leave", "all but one leave"])
def test_runs_that_left_stay_away(step_size: float) -> None:
    study = study_of(
        part("langevin", step_size=1e-4),
        plan=Plan(grid={"step_size": [1e-4, step_size]}, replicas=1, disorders=1),
        recording=Recording(steps=STEPS, every=1, states="all", observables=OBSERVABLES),
    )
    found, deaths = interrupted(study, after=1)
    assert deaths == STEPS
    whole = simulate(study, requested_runs(study))
    assert found.dataset.outcome.values.tolist() == ["finished", "diverged"]
    assert_same(found, whole)


def test_events_and_ramps_go_on_bitwise() -> None:
    study = study_of(
        part("langevin", step_size=1e-3),
        ramps=[Ramp(control="temperature", knots=[(2, 0.1), (9, 0.7)])],
        energy=Energy(temperature=0.1, weight_decay=0.3),
        plan=Plan(grid={"weight_decay": [0.1, 0.9]}, replicas=3, disorders=1),
        events=[
            Event(name="fall", observable=LOSS, threshold=0.5, direction="below", stop=True),
            Event(name="dip", observable=LOSS, threshold=0.7, direction="below", every=2),
        ],
    )
    found, _ = interrupted(study, after=1)
    whole = simulate(study, requested_runs(study))
    assert set(whole.dataset.outcome.values) == {"finished", "truncated"}
    assert_same(found, whole)


@pytest.mark.parametrize("control", ["weight_decay", "weight_decay.first"])
def test_ramps_of_the_weight_decay_go_on_bitwise(control: str) -> None:
    study = study_of(
        part("langevin", step_size=1e-3),
        ramps=[Ramp(control=control, knots=[(1, 0.1), (11, 5.0)])],
        energy=Energy(temperature=0.1, weight_decay=0.3),
        plan=Plan(replicas=3),
    )
    found, _ = interrupted(study, after=1)
    assert_same(found, simulate(study, requested_runs(study)))


SWEEPS = Plan(grid={"rate": [0.4, 0.2], "direction": ["up", "down", "around"]}, replicas=2)
# Ways of 8, 16 and 32 steps.


def swept(control: str) -> Study:
    return study_of(
        part("langevin", step_size=0.25e-1),
        sweep=Sweep(control=control, low=0.1, high=0.18, rate=0.2, wait=0.05),
        energy=Energy(temperature=0.01, weight_decay=0.3),
        recording=Recording(spacing="sweep", count=4, states="all", observables=OBSERVABLES),
        plan=SWEEPS,
    )


@pytest.mark.parametrize("control", ["weight_decay", "temperature", "cubic"])
def test_sweeps_of_all_rates_and_directions_go_on_bitwise(control: str) -> None:
    study = swept(control)
    found, deaths = interrupted(study, after=3)
    whole = simulate(study, requested_runs(study))
    assert deaths == 11
    assert len(np.unique(whole.dataset.step[:, -1])) == 3
    assert_same(found, whole)


@pytest.mark.parametrize("picks", [[0], [4, 11], [8, 1, 6]])
def test_some_sweeps_go_on_without_the_others(picks: list[int]) -> None:
    study = swept("cubic")
    requests = requested_runs(study)
    # By then those of eight steps have ended.
    store = Bytes(dies_at=14)
    with pytest.raises(Killed):
        simulate(study, requests, checkpoints=store)
    snapshot = store.stored()
    assert snapshot is not None
    file = io.BytesIO()
    torch.save(part_of(snapshot, picks), file)
    rest = Bytes(every=10**6, content=file.getvalue())
    found = simulate(study, [requests[run] for run in picks], checkpoints=rest)
    whole = simulate(study, requests)
    for name in whole.dataset.variables:
        same_bits(found.dataset[name], whole.dataset[name][picks])


def test_a_ladder_of_umbrellas_goes_on_bitwise() -> None:
    study = study_of(
        part("langevin", step_size=1e-2),
        energy=Energy(temperature=0.3, weight_decay=0.5),
        plan=Plan(replicas=2, disorders=1),
        umbrella=Umbrella(center=1.0, strength=2.0),
        exchange=Exchange(control="umbrella.center", rungs=[1.0, 1.3, 1.6], every=1),
    )
    found, deaths = interrupted(study, after=1)
    assert deaths == STEPS
    whole = simulate(study, requested_runs(study))
    assert int(whole.dataset["round_trip_count"].sum()) > 0
    assert_same(found, whole)


def test_the_time_before_a_snapshot_counts_for_the_limit() -> None:
    study = study_of(part("langevin", step_size=1e-3))
    requests = requested_runs(study)
    store = Bytes(dies_at=4)
    with pytest.raises(Killed):
        simulate(study, requests, checkpoints=store)
    snapshot = store.stored()
    assert snapshot is not None
    assert 0.0 < snapshot["own_seconds"] < 50.0
    snapshot["own_seconds"] = 50.0
    file = io.BytesIO()
    torch.save(snapshot, file)
    store = Bytes(every=10**6, content=file.getvalue())
    found = simulate(study, requests, checkpoints=store, run_seconds=50.0).dataset
    assert set(found.outcome.values) == {"truncated"}
    # The fifth step, which was still made, is no record.
    assert set(found.record_count.values) == {2}


def test_an_exchange_ladder_goes_on_bitwise() -> None:
    study = study_of(
        part("underdamped", step_size=0.02),
        energy=Energy(temperature=0.1, weight_decay=0.5),
        plan=Plan(replicas=2, disorders=1),
        exchange=Exchange(control="temperature", rungs=[0.1, 0.2, 0.4], every=1),
    )
    found, deaths = interrupted(study, after=1)
    assert deaths == STEPS
    whole = simulate(study, requested_runs(study))
    assert len(np.unique(whole.dataset["rung"].values)) == 3
    assert np.ptp(whole.dataset["rung"].values, axis=1).any()
    assert_same(found, whole)


def test_gradients_before_the_snapshot_are_not_taken_again() -> None:
    study = study_of(part("langevin", step_size=1e-4))
    requests = requested_runs(study)
    store = Bytes(every=5, dies_at=1)
    with pytest.raises(Killed):
        simulate(study, requests, checkpoints=store)
    store.dies_at = None
    found = simulate(study, requests, checkpoints=store)
    whole = simulate(study, requests)
    # Five of twelve steps were made before.
    assert whole.gradients == 12 * len(requests)
    assert found.gradients == 7 * len(requests)
    np.testing.assert_array_equal(found.dataset.gradient_count, whole.dataset.gradient_count)


PICKS = [[0, 1], [7], [3, 6, 2], list(range(8))]


@pytest.mark.parametrize("picks", PICKS, ids=str)
@pytest.mark.parametrize(
    "dynamics", [INTEGRATORS[0], INTEGRATORS[5]], ids=lambda each: each.kind
)
def test_some_runs_of_a_snapshot_go_on_without_the_others(
    dynamics: Part, picks: list[int]
) -> None:
    study = study_of(dynamics)
    requests = requested_runs(study)
    store = Bytes(every=5, dies_at=1)
    with pytest.raises(Killed):
        simulate(study, requests, checkpoints=store)
    part_store = Bytes(every=10**6)
    stored = store.stored()
    assert stored is not None
    file = io.BytesIO()
    torch.save(part_of(stored, picks), file)
    part_store.content = file.getvalue()
    some = [requests[run] for run in picks]
    found = simulate(study, some, checkpoints=part_store)
    assert_same(found, simulate(study, some))
    per_step = found.gradients / len(picks)
    assert per_step < simulate(study, some[:1]).gradients


def test_runs_that_ended_keep_their_ends_in_a_part() -> None:
    study = study_of(
        part("langevin", step_size=1e-4),
        plan=Plan(grid={"step_size": [1e-4, 1e9]}, replicas=2, disorders=1),
        recording=Recording(steps=STEPS, every=1, states="all", observables=OBSERVABLES),
    )
    requests = requested_runs(study)
    store = Bytes(every=5, dies_at=1)
    with pytest.raises(Killed):
        simulate(study, requests, checkpoints=store)
    stored = store.stored()
    assert stored is not None
    for picks in ([2], [3, 2], [0], [1, 3], [3, 0, 1]):
        file = io.BytesIO()
        torch.save(part_of(stored, picks), file)
        some = [requests[run] for run in picks]
        found = simulate(study, some, checkpoints=Bytes(every=10**6, content=file.getvalue()))
        assert_same(found, simulate(study, some), warned=False)


def test_a_ladder_of_two_goes_on_alone() -> None:
    study = study_of(
        part("underdamped", step_size=0.02),
        energy=Energy(temperature=0.1, weight_decay=0.5),
        plan=Plan(replicas=3, disorders=1),
        exchange=Exchange(control="temperature", rungs=[0.1, 0.2, 0.4], every=1),
    )
    requests = requested_runs(study)
    store = Bytes(every=7, dies_at=1)
    with pytest.raises(Killed):
        simulate(study, requests, checkpoints=store)
    stored = store.stored()
    assert stored is not None
    picks = [6, 7, 8, 0, 1, 2]
    file = io.BytesIO()
    torch.save(part_of(stored, picks), file)
    some = [requests[run] for run in picks]
    found = simulate(study, some, checkpoints=Bytes(every=10**6, content=file.getvalue()))
    assert_same(found, simulate(study, some))


def test_a_run_whose_time_is_up_is_truncated_and_its_records_stay() -> None:
    study = study_of(
        part("langevin", step_size=1e-4),
        recording=Recording(steps=10**6, every=1000, observables=OBSERVABLES),
    )
    requests = requested_runs(study)[:3]
    found = simulate(study, requests, run_seconds=0.05).dataset
    assert set(found.outcome.values) == {"truncated"}
    assert set(found.outcome_reason.values) == {"time limit of 0.05 s"}
    assert (found.record_count >= 1).all()
