"""A lone run that raises is handed over as failed, with the records it has."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from phasegrok.dynamics import Progress, simulate
from phasegrok.dynamics.batch import Batch
from phasegrok.dynamics.exchange import Ladders
from phasegrok.dynamics.recorder import Recorder
from phasegrok.errors import InvalidStudyError
from phasegrok.observables import Measurement, TeacherOverlap, TrainLoss
from phasegrok.runs import validate
from phasegrok.study import (
    Energy,
    Exchange,
    Plan,
    Recording,
    RunRequest,
    Study,
    part,
    requested_runs,
)


def study_of(**changes: Any) -> Study:
    described: dict[str, Any] = {
        "name": "trouble",
        "seed": 2,
        "task": part("cubic_teacher", input_size=5, example_count=12, cubic=-0.3),
        "network": part("two_layer", width=6),
        "dynamics": part("langevin", step_size=1e-3),
        "energy": Energy(temperature=0.2, weight_decay="prior"),
        "recording": Recording(
            steps=40,
            every=10,
            observables=[part("train_loss"), part("teacher_overlap")],
            states="all",
        ),
        "plan": Plan(),
    }
    return Study(**(described | changes))


def one(study: Study) -> list[RunRequest]:
    return requested_runs(study)[:1]


def raises_at_call(monkeypatch: pytest.MonkeyPatch, owner: type, name: str, call: int) -> None:
    """Let a method raise at one of its calls, counted from 1."""
    original, calls = getattr(owner, name), itertools.count(1)

    def troubled(*arguments: Any, **options: Any) -> Any:
        if next(calls) == call:
            raise ArithmeticError("the trouble that was asked for")
        return original(*arguments, **options)

    monkeypatch.setattr(owner, name, troubled)


@pytest.mark.parametrize(
    ("owner", "name", "call", "records", "gradients"),
    [
        (TrainLoss, "measure", 4, 3, 30),
        (TeacherOverlap, "measure", 2, 1, 10),
        (Batch, "advance", 26, 3, 25),  # Outside of any observable.
        (Recorder, "_column", 22, 3, 30),  # In the middle of a record.
    ],
)
def test_the_records_until_then_are_those_of_a_calm_run(
    monkeypatch: pytest.MonkeyPatch,
    owner: type,
    name: str,
    call: int,
    records: int,
    gradients: int,
) -> None:
    study = study_of()
    calm = simulate(study, one(study))
    raises_at_call(monkeypatch, owner, name, call)
    kept = simulate(study, one(study), keep_failed=True)
    assert kept.raised.startswith("ArithmeticError: the trouble that was asked for (")
    found = kept.dataset
    assert validate(found) == []
    assert found["outcome"].values.tolist() == ["failed"]
    assert found["outcome_reason"].values.tolist() == [kept.raised]
    assert found["record_count"].values.tolist() == [records]
    assert found["gradient_count"].values.tolist() == [gradients]
    for variable in ("loss", "train_loss", "teacher_overlap", "half_square_norm_first"):
        made, expected = found[variable].values, calm.dataset[variable].values
        np.testing.assert_array_equal(made[:, :records], expected[:, :records])
        assert np.isnan(made[:, records:]).all()
    assert kept.states is not None
    assert calm.states is not None
    weights, expected = kept.states["parameters"].values, calm.states["parameters"].values
    np.testing.assert_array_equal(weights[:, :records], expected[:, :records])
    assert np.isnan(weights[:, records:]).all()


@pytest.mark.parametrize(
    ("owner", "name", "call"),
    [(TrainLoss, "measure", 3), (Ladders, "attempt", 15)],
)
def test_a_ladder_fails_as_a_whole(
    monkeypatch: pytest.MonkeyPatch, owner: type, name: str, call: int
) -> None:
    study = study_of(
        energy=Energy(temperature=0.5, weight_decay=1.0),
        exchange=Exchange(control="temperature", rungs=[0.5, 0.7, 0.9]),
    )
    requests = requested_runs(study)
    calm = simulate(study, requests).dataset
    raises_at_call(monkeypatch, owner, name, call)
    kept = simulate(study, requests, keep_failed=True).dataset
    assert validate(kept) == []
    assert kept["outcome"].values.tolist() == ["failed"] * 3
    assert kept["record_count"].values.tolist() == [2] * 3
    np.testing.assert_array_equal(kept["rung"].values[:, :2], calm["rung"].values[:, :2])
    np.testing.assert_array_equal(kept["loss"].values[:, :2], calm["loss"].values[:, :2])


def test_nothing_is_kept_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    study = study_of()
    raises_at_call(monkeypatch, TrainLoss, "measure", 3)
    with pytest.raises(ArithmeticError, match="the trouble"):
        simulate(study, one(study))


def test_without_a_record_there_is_nothing_to_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    study = study_of()
    raises_at_call(monkeypatch, TrainLoss, "measure", 1)
    with pytest.raises(ArithmeticError, match="the trouble"):
        simulate(study, one(study), keep_failed=True)


def test_of_two_runs_nobody_knows_which_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    study = study_of(plan=Plan(replicas=2))
    raises_at_call(monkeypatch, TrainLoss, "measure", 3)
    with pytest.raises(ArithmeticError, match="the trouble"):
        simulate(study, requested_runs(study), keep_failed=True)


def test_what_was_taken_is_told_before_an_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    study = study_of(plan=Plan(replicas=3))
    told: list[Progress] = []
    raises_at_call(monkeypatch, TrainLoss, "measure", 3)
    with pytest.raises(ArithmeticError):
        simulate(study, requested_runs(study), report=told.append)
    assert [each.gradients for each in told] == [*range(0, 60, 3), 60]


def test_progress_counts_the_gradients_of_runs_that_left() -> None:
    study = study_of(plan=Plan(grid={"step_size": [1e-3, 1e9]}, replicas=2))
    told: list[Progress] = []
    done = simulate(study, requested_runs(study), report=told.append)
    counts = done.dataset["gradient_count"].values
    assert sorted(set(counts.tolist())) != [40]
    assert told[-1].gradients == done.gradients == counts.sum()


def test_an_observable_that_changes_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    original, calls = TeacherOverlap.measure, itertools.count(1)

    def shrinking(self: TeacherOverlap, measurement: Measurement) -> torch.Tensor:
        values = original(self, measurement)
        return values if next(calls) < 3 else values[:, :-1]

    study = study_of()
    calm = simulate(study, one(study)).dataset
    monkeypatch.setattr(TeacherOverlap, "measure", shrinking)
    with pytest.raises(InvalidStudyError, match=r"must keep its sizes, received \(5,\) after"):
        simulate(study, one(study))
    calls = itertools.count(1)
    kept = simulate(study, one(study), keep_failed=True).dataset
    assert validate(kept) == []
    assert kept["record_count"].values.tolist() == [2]
    np.testing.assert_array_equal(kept["loss"].values[:, :2], calm["loss"].values[:, :2])


def test_complex_numbers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    original = TrainLoss.measure

    def turned(self: TrainLoss, measurement: Measurement) -> torch.Tensor:
        return original(self, measurement) * 1j

    monkeypatch.setattr(TrainLoss, "measure", turned)
    study = replace(study_of(), recording=Recording(steps=2, observables=[part("train_loss")]))
    with pytest.raises(InvalidStudyError, match="'train_loss' must give real numbers"):
        simulate(study, one(study))
