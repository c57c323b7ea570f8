"""Runs by their labels: growth changes no run, controls reach the parts they belong to."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phasegrok.errors import InvalidStudyError
from phasegrok.seeding import seed
from phasegrok.study import (
    Energy,
    Exchange,
    Plan,
    Ramp,
    Recording,
    Study,
    known_controls,
    part,
    requested_runs,
    resolve,
)


def small_study(plan: Plan, **changes: Any) -> Study:
    study = Study(
        name="small",
        seed=1,
        task=part("some_task", input_size=3, size=7),
        network=part("some_network", width=4, size=9),
        dynamics=part("some_dynamics", step_size=0.1),
        energy=Energy(temperature=0.2, weight_decay={"first": 1.0, "readout": 2.0}),
        recording=Recording(steps=10),
        plan=plan,
    )
    return replace(study, **changes)


PLAN = Plan(grid={"temperature": [0.1, 0.2], "width": [4, 8]}, disorders=2, replicas=2)
GROWN = Plan(
    grid={"width": [2, 4, 8], "temperature": [0.05, 0.1, 0.2]},
    points=[{"temperature": 0.3, "width": 5}],
    disorders=3,
    replicas=4,
    starts=("aligned", "prior"),
)


def test_every_combination_is_asked_for_once() -> None:
    requests = requested_runs(small_study(PLAN))
    assert len(requests) == 2 * 2 * 2 * 2
    assert len({request.run_id for request in requests}) == len(requests)


def test_growth_of_the_plan_keeps_identifiers_and_seeds() -> None:
    small = {run.run_id: run.labels() for run in requested_runs(small_study(PLAN))}
    grown = {run.run_id: run.labels() for run in requested_runs(small_study(GROWN))}
    assert set(small) < set(grown)
    for run_id, labels in small.items():
        assert seed(1, "noise", labels) == seed(1, "noise", grown[run_id])


@given(st.integers(1, 10**6))
def test_numbers_count_by_value_not_by_kind(width: int) -> None:
    whole, real = (
        requested_runs(small_study(Plan(points=[{"width": value}])))[0]
        for value in (width, float(width))
    )
    assert whole.run_id == real.run_id


def test_controls_reach_the_parts_they_belong_to() -> None:
    point = {
        "temperature": 0.7,
        "weight_decay.first": 3.0,
        "step_size": 0.5,
        "width": 16,
        "task.size": 11,
        "steps": 20,
    }
    study = small_study(Plan(points=[point]))
    run = resolve(study, requested_runs(study)[0])
    assert run.energy.temperature == 0.7
    assert run.energy.weight_decay == {"first": 3.0, "readout": 2.0}
    assert run.dynamics.options["step_size"] == 0.5
    assert dict(run.network.options) == {"width": 16, "size": 9}
    assert dict(run.task.options) == {"input_size": 3, "size": 11}
    assert run.recording.steps == 20


def test_the_strength_of_a_penalty_is_a_control() -> None:
    energy = Energy(penalties=[part("my:sextic", strength=0.1), part("my:other", strength=1.0)])
    plan = Plan(grid={"penalty_sextic.strength": [0.0, 0.5]})
    study = small_study(plan, energy=energy)
    strengths = [
        [penalty.options["strength"] for penalty in resolve(study, run).energy.penalties]
        for run in requested_runs(study)
    ]
    assert strengths == [[0.0, 1.0], [0.5, 1.0]]


def test_a_ladder_is_one_unit_with_a_walker_on_each_rung() -> None:
    exchange = Exchange(control="temperature", rungs=[0.1, 0.2, 0.4])
    study = small_study(Plan(grid={"width": [4, 8]}), exchange=exchange)
    requests = requested_runs(study)
    assert [run.rung for run in requests] == [0, 1, 2, 0, 1, 2]
    assert len({run.unit for run in requests}) == 2
    assert len({run.run_id for run in requests}) == 6
    assert [resolve(study, run).energy.temperature for run in requests[:3]] == [0.1, 0.2, 0.4]


def test_a_name_that_two_parts_share_is_written_with_its_part() -> None:
    known = known_controls(small_study(PLAN))
    assert known["task.size"] == "task"
    assert known["network.size"] == "network"
    assert "size" not in known


def test_refuses_a_control_that_no_part_states() -> None:
    with pytest.raises(InvalidStudyError, match=r"Did you mean 'temperature'\?"):
        requested_runs(small_study(Plan(grid={"temprature": [0.1]})))


def test_refuses_a_negative_temperature_among_the_controls() -> None:
    study = small_study(Plan(grid={"temperature": [0.1, -0.1]}))
    with pytest.raises(InvalidStudyError, match=r"not negative, received -0\.1"):
        [resolve(study, run) for run in requested_runs(study)]


def test_refuses_a_layer_control_without_a_table_by_layer() -> None:
    study = small_study(Plan(points=[{"weight_decay.first": 1.0}]))
    run = requested_runs(study)[0]
    plain = replace(study, energy=Energy(weight_decay=1.0))
    with pytest.raises(InvalidStudyError, match=r"'weight_decay\.first' is not a control"):
        resolve(plain, run)


RAMP = Ramp(control="temperature", knots=[(0, 0.1), (9, 0.2)])
DECAY = Ramp(control="weight_decay", knots=[(0, 0.1), (9, 0.2)])
LADDER = Exchange(control="temperature", rungs=[0.1, 0.2])


@pytest.mark.parametrize(
    ("control", "changes", "message"),
    [
        (
            "temperature",
            {"exchange": LADDER},
            "exchange of 'temperature' and the control 'temp",
        ),
        ("temperature", {"ramps": [RAMP]}, "a ramp of 'temperature' and the control 'temp"),
        ("weight_decay.first", {"ramps": [DECAY]}, "ramp of 'weight_decay' and the control"),
        ("width", {"ramps": [RAMP, RAMP]}, "a ramp of 'temperature' and a ramp of 'temp"),
        ("width", {"ramps": [RAMP], "exchange": LADDER}, "and the exchange of 'temperature'"),
    ],
)
def test_refuses_two_things_that_set_one_control(
    control: str, changes: dict[str, Any], message: str
) -> None:
    study = small_study(Plan(points=[{control: 3}]), **changes)
    with pytest.raises(InvalidStudyError, match=f"by one thing.*{message}.*remove one"):
        requested_runs(study)


def test_ramps_ladders_and_the_plan_may_set_different_controls() -> None:
    study = small_study(Plan(grid={"width": [4, 8]}), ramps=[DECAY], exchange=LADDER)
    assert len(requested_runs(study)) == 4


def test_equal_points_of_different_kinds_of_number_are_run_once() -> None:
    plan = Plan(grid={"width": [4, 8]}, points=[{"width": 4.0}, {"width": 5.0}])
    assert len(requested_runs(small_study(plan))) == 3


def test_a_run_is_the_same_whether_its_plan_varies_an_option_or_states_it() -> None:
    narrow = small_study(Plan(grid={"temperature": [0.1, 0.3]}, replicas=2))
    wide = small_study(Plan(grid={"temperature": [0.1, 0.3], "width": [4, 8]}, replicas=2))
    before = {run.run_id: run.labels() for run in requested_runs(narrow)}
    after = {run.run_id: run for run in requested_runs(wide)}
    assert set(before) < set(after)
    for run_id, labels in before.items():
        assert after[run_id].labels() == labels
        assert after[run_id].controls["width"] == 4
    at_rest = requested_runs(small_study(Plan(points=[{"task.size": 7, "width": 4.0}])))
    assert [run.labels() for run in at_rest] == [
        run.labels() for run in requested_runs(small_study(Plan()))
    ]


def test_every_run_has_all_controls_of_the_plan() -> None:
    plan = Plan(grid={"width": [8]}, points=[{"temperature": 0.3}], replicas=1)
    assert [dict(run.controls) for run in requested_runs(small_study(plan))] == [
        {"width": 8, "temperature": 0.2},
        {"width": 4, "temperature": 0.3},
    ]


def test_refuses_a_control_that_some_points_leave_open() -> None:
    study = small_study(Plan(points=[{"weight_decay": 1.0}, {"temperature": 0.3}]))
    with pytest.raises(InvalidStudyError, match="'weight_decay' must be set at every point"):
        requested_runs(study)


def test_what_several_plans_ask_for_is_run_once() -> None:
    more = [
        Plan(points=[{"temperature": 0.1}], replicas=4),
        Plan(grid={"temperature": [0.1, 0.2]}, disorders=2),
    ]
    plan = Plan(grid={"temperature": [0.1, 0.3]}, replicas=2, more=more)
    runs = requested_runs(small_study(plan))
    labels = [(run.controls["temperature"], run.disorder, run.replica) for run in runs]
    assert len(set(labels)) == len(runs) == 9
    assert set(labels) == {
        *((0.1, 0, replica) for replica in range(4)),
        *((0.3, 0, replica) for replica in range(2)),
        *((value, disorder, 0) for value in (0.1, 0.2) for disorder in range(2)),
    }
    assert plan.controls() == ["temperature"]
    assert plan.control_points() == [{"temperature": each} for each in (0.1, 0.3, 0.2)]


def test_refuses_plans_within_plans_within_a_plan() -> None:
    inner = Plan(more=[Plan(replicas=2)])
    with pytest.raises(InvalidStudyError, match="without more of their own"):
        Plan(more=[inner])
    with pytest.raises(InvalidStudyError, match="asks for 1000001 runs"):
        Plan(more=[Plan(replicas=10**6)])
