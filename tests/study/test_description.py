"""Descriptions refuse what could not be carried out, before anything is spent."""

import math
import pickle
from dataclasses import replace
from typing import Any

import pytest

from phasegrok.errors import InvalidStudyError
from phasegrok.study import Energy, Event, Exchange, Part, Plan, Ramp, Recording, Study, part


def small_study(**changes: Any) -> Study:
    study = Study(
        name="small",
        seed=1,
        task=part("some_task", input_size=3),
        network=part("some_network", width=4),
        dynamics=part("some_dynamics", step_size=0.1),
        recording=Recording(steps=10),
    )
    return replace(study, **changes)


@pytest.mark.parametrize("value", [-0.1, math.inf, math.nan, "hot", True])
def test_refuses_a_temperature_without_a_stationary_law(value: Any) -> None:
    with pytest.raises(InvalidStudyError, match="temperature must be a finite number and not"):
        Energy(temperature=value)


@pytest.mark.parametrize("value", [-1.0, math.nan, {"first": -1.0}])
def test_refuses_a_negative_weight_decay(value: Any) -> None:
    with pytest.raises(InvalidStudyError, match=r"weight_decay.* must be a finite number"):
        Energy(weight_decay=value)


def test_refuses_a_word_for_weight_decay_that_is_not_prior() -> None:
    with pytest.raises(InvalidStudyError, match=r"or 'prior', received 'proir'"):
        Energy(weight_decay="proir")


@pytest.mark.parametrize(("name", "value"), [("disorders", 0), ("replicas", -2)])
def test_refuses_a_plan_without_runs(name: str, value: int) -> None:
    changes: dict[str, Any] = {name: value}
    with pytest.raises(InvalidStudyError, match=f"{name} >= 1, received {value}"):
        replace(Plan(), **changes)


def test_refuses_a_plan_without_starts() -> None:
    with pytest.raises(InvalidStudyError, match="at least one start"):
        Plan(starts=())


def test_refuses_an_empty_grid_axis() -> None:
    with pytest.raises(InvalidStudyError, match="'temperature' must hold at least one value"):
        Plan(grid={"temperature": []})


def test_refuses_a_repeated_grid_value() -> None:
    with pytest.raises(InvalidStudyError, match="holds a value twice"):
        Plan(grid={"temperature": [0.1, 0.2, 0.1]})


def test_a_point_given_by_grid_and_by_hand_is_run_once() -> None:
    plan = Plan(grid={"temperature": [0.1, 0.2]}, points=[{"temperature": 0.2}, {"width": 3}])
    assert plan.control_points() == [{"temperature": 0.1}, {"temperature": 0.2}, {"width": 3}]


def test_scattered_points_alone_bring_no_empty_point() -> None:
    assert Plan(points=[{"width": 3}]).control_points() == [{"width": 3}]
    assert Plan().control_points() == [{}]


@pytest.mark.parametrize("knots", [[(0, 1.0)], [(0, 1.0), (0, 2.0)], [(5, 1.0), (3, 2.0)]])
def test_refuses_a_ramp_whose_steps_do_not_increase(knots: list[tuple[int, float]]) -> None:
    with pytest.raises(InvalidStudyError, match="two knots with increasing steps"):
        Ramp(control="temperature", knots=knots)


def test_refuses_a_ramp_through_a_negative_value() -> None:
    with pytest.raises(InvalidStudyError, match="not negative, received -1"):
        Ramp(control="temperature", knots=[(0, 1.0), (9, -1.0)])


@pytest.mark.parametrize(
    ("values", "direction"),
    [([0.0, 1.0], "up"), ([1.0, 0.0], "down"), ([0.0, 1.0, 0.0], "around")],
)
def test_a_ramp_tells_its_direction(values: list[float], direction: str) -> None:
    assert Ramp(control="temperature", knots=list(enumerate(values))).direction == direction


@pytest.mark.parametrize("rungs", [[0.1], [0.1, 0.1], [0.1, 0.2, 0.1]])
def test_refuses_a_ladder_that_cannot_exchange(rungs: list[float]) -> None:
    with pytest.raises(InvalidStudyError, match="at least two different rungs"):
        Exchange(control="temperature", rungs=rungs)


def test_refuses_an_event_in_an_unknown_direction() -> None:
    bad: Any = "over"
    with pytest.raises(InvalidStudyError, match="direction 'above' or 'below'"):
        Event(name="escape", observable=part("test_loss"), threshold=1.0, direction=bad)


def test_refuses_an_unknown_precision_and_a_seed_that_is_no_number() -> None:
    with pytest.raises(InvalidStudyError, match="dtype must be 'float32' or 'float64'"):
        small_study(dtype="float16")
    with pytest.raises(InvalidStudyError, match="seed must be a whole number, received True"):
        small_study(seed=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": 0},
        {"every": 0},
        {"start": 11},
        {"start": -1},
        {"spacing": "cubic"},
        {"states": "some"},
        {"spacing": "logarithmic"},
        {"spacing": "logarithmic", "count": 1},
    ],
)
def test_refuses_a_recording_that_records_nothing(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidStudyError, match=r"in the recording, .*received"):
        Recording(**{"steps": 10, **changes})


def test_record_steps_are_those_asked_for() -> None:
    assert Recording(steps=10, every=4).record_steps().tolist() == [0, 4, 8]
    assert Recording(steps=10, start=5, every=5).record_steps().tolist() == [5, 10]
    logarithmic = Recording(steps=1000, spacing="logarithmic", count=4).record_steps()
    assert logarithmic.tolist() == [0, 1, 10, 100, 1000]


def test_a_part_is_frozen_and_travels_between_processes() -> None:
    options = {"width": 4, "layers": [1, 2]}
    described = Part("some_network", options)
    options["width"] = 5
    assert described.options["width"] == 4
    assert pickle.loads(pickle.dumps(described)) == described
    assert hash(described) == hash(part("some_network", layers=[1, 2], width=4))
    frozen: Any = described.options
    with pytest.raises(TypeError, match="does not support item assignment"):
        frozen["width"] = 6
