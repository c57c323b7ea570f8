"""Descriptions refuse what could not be carried out, before anything is spent."""

import math
import pickle
from dataclasses import replace
from typing import Any

import pytest

from phasegrok.errors import InvalidStudyError, did_you_mean
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


OBSERVABLE = part("test_loss")


@pytest.mark.parametrize(
    ("make", "fields", "message"),
    [
        (Recording, {"steps": 20.5}, r"steps must be a whole number, received 20\.5"),
        (Recording, {"steps": "20"}, "steps must be a whole number, received '20'"),
        (Recording, {"steps": True}, "steps must be a whole number, received True"),
        (Recording, {"steps": math.inf}, "steps must be a whole number, received inf"),
        (Recording, {"steps": None}, "steps must be a whole number, received None"),
        (Recording, {"steps": 9, "every": 2.5}, r"every must be a whole number, received 2\.5"),
        (Recording, {"steps": 9, "start": "0"}, "start must be a whole number, received '0'"),
        (Recording, {"steps": 9, "count": [2]}, "count must be a whole number"),
        (Recording, {"steps": 9, "observables": "norm"}, "observables .* must be a list"),
        (
            Recording,
            {"steps": 9, "observables": ["norm"]},
            "must be of the kind Part, received 'norm'",
        ),
        (Plan, {"disorders": 1.5}, r"disorders .* must be a whole number, received 1\.5"),
        (Plan, {"replicas": "2"}, "replicas .* must be a whole number, received '2'"),
        (Plan, {"replicas": True}, "replicas .* must be a whole number, received True"),
        (Plan, {"points": {"width": 3}}, "points .* must be a list"),
        (Plan, {"points": [3]}, "point .* must be a table, received 3"),
        (Plan, {"points": [{"width": None}]}, "'width' must hold numbers, words or booleans"),
        (Plan, {"points": [{"width": math.nan}]}, "'width' must hold finite numbers"),
        (Plan, {"starts": "prior"}, "starts .* must be a list, received 'prior'"),
        (Plan, {"starts": [1]}, "start .* must be text, received 1"),
        (Plan, {"starts": ["prior", "prior"]}, "every start once"),
        (Plan, {"grid": [1, 2]}, "grid .* must be a table"),
        (Plan, {"grid": {"width": 4}}, "'width' must be a list, received 4"),
        (Plan, {"grid": {"activation": "erf"}}, "'activation' must be a list, received 'erf'"),
        (Plan, {"grid": {3: [4]}}, "every name in grid .* must be text, received 3"),
        (Ramp, {"control": 3, "knots": []}, "control of a ramp must be text"),
        (Ramp, {"control": "a", "knots": 3}, "knots .* must be a list, received 3"),
        (Ramp, {"control": "a", "knots": [(0, 1, 2)]}, "must be a step and a value"),
        (Ramp, {"control": "a", "knots": [(0.5, 1)]}, r"step .* whole number, received 0\.5"),
        (Ramp, {"control": "a", "knots": [(0, "1")]}, "value .* finite number, received '1'"),
        (Exchange, {"control": None, "rungs": [1, 2]}, "control of the exchange must be text"),
        (Exchange, {"control": "a", "rungs": 3}, "rungs .* must be a list, received 3"),
        (Exchange, {"control": "a", "rungs": [1, "2"]}, "rung .* finite number, received '2'"),
        (Exchange, {"control": "a", "rungs": [1, 2], "every": 1.5}, "every .* whole number"),
        (Event, {"name": 3}, "name of an event must be text"),
        (Event, {"name": "a b"}, "only letters, digits, _ and -, received 'a b'"),
        (Event, {"name": ""}, "only letters, digits"),
        (Event, {"threshold": "1"}, "threshold .* finite number, received '1'"),
        (Event, {"threshold": math.nan}, "threshold .* finite number, received nan"),
        (Event, {"every": 2.5}, r"every .* whole number, received 2\.5"),
        (Event, {"observable": "loss"}, "observable .* must be of the kind Part"),
        (Event, {"stop": "no"}, "stop .* must be true or false"),
        (Energy, {"weight_decay": [1.0]}, "weight_decay must be a finite number"),
        (Energy, {"weight_decay": {3: 1.0}}, "every name in weight_decay must be text"),
        (
            Energy,
            {"penalties": ["sextic"]},
            "penalties must be of the kind Part, received 'sextic'",
        ),
        (small_study, {"name": 3}, "name of the study must be text, received 3"),
        (small_study, {"seed": "1"}, "seed must be a whole number, received '1'"),
        (small_study, {"seed": 1.5}, r"seed must be a whole number, received 1\.5"),
        (small_study, {"dtype": ["float32"]}, "dtype must be 'float32' or 'float64'"),
        (small_study, {"divergence_factor": "9"}, "divergence_factor must be a finite number"),
        (small_study, {"divergence_factor": 1.0}, "must be larger than 1"),
        (small_study, {"task": "teacher"}, "task must be of the kind Part, received 'teacher'"),
        (small_study, {"ramps": 3}, "ramps must be a list, received 3"),
        (small_study, {"exchange": 3}, "exchange must be of the kind Exchange, received 3"),
        (part, {"width": math.inf}, r"kind\.width must be finite, received inf"),
        (part, {"prior": {"first": [math.nan]}}, r"kind\.prior\.first must be finite"),
    ],
)
def test_refuses_a_field_of_the_wrong_kind_in_one_sentence(
    make: Any, fields: dict[str, Any], message: str
) -> None:
    defaults = {"name": "escape", "observable": OBSERVABLE, "threshold": 1.0}
    given = {**defaults, **fields} if make is Event else fields
    with pytest.raises(InvalidStudyError, match=message):
        make("kind", **given) if make is part else make(**given)


@pytest.mark.parametrize("kind", [3, None, ["two_layer"]])
def test_refuses_a_kind_that_is_no_text(kind: Any) -> None:
    with pytest.raises(InvalidStudyError, match="kind of a part must be text, received"):
        Part(kind)


def test_whole_numbers_count_with_and_without_a_point() -> None:
    steps: Any = 20.0
    assert Recording(steps=steps) == Recording(steps=20)
    assert type(Recording(steps=steps).steps) is int


def test_the_nearest_word_is_told_for_any_kind_of_value() -> None:
    assert did_you_mean(3, ["width", 44]) == " Known: '44', 'width'."
    assert did_you_mean(None, ["none"]) == " Did you mean 'none'?"
