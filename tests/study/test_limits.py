"""Plans too large to be carried out are refused at once, by counting alone."""

from collections.abc import Callable
from typing import Any

import pytest

from phasegrok.errors import InvalidStudyError
from phasegrok.study import Exchange, Plan, Ramp, Recording, Study, axis_values, part
from phasegrok.study.control import VALUES_LIMIT
from phasegrok.study.description import RUNS_LIMIT
from phasegrok.study.recording import RECORDS_LIMIT, STEPS_LIMIT

LADDER = Exchange(control="temperature", rungs=[0.1, 0.2])
WIDE = {"from": 0.1, "to": 0.2, "count": 1000}


def study_of(plan: Plan, exchange: Exchange | None) -> Study:
    return Study(
        name="large",
        seed=1,
        task=part("some_task"),
        network=part("some_network"),
        dynamics=part("some_dynamics"),
        recording=Recording(steps=1),
        plan=plan,
        exchange=exchange,
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Plan(disorders=20_000_000, replicas=2, starts=["prior", "aligned"]),
            r"asks for 80000000 runs: 20000000 disorders, 2 starts, 2 replicas; at most "
            "1000000 can be asked for; lower",
        ),
        (lambda: Plan(grid={"a": WIDE, "b": WIDE, "c": WIDE}), "1000000000 runs: 10+ points"),
        (
            lambda: Plan(grid={"a": [1, 2]}, points=[{"a": 3}], replicas=RUNS_LIMIT),
            "3000000 runs: 3 points, 1000000 replicas",
        ),
        (
            lambda: axis_values("temperature", {"from": 0.1, "to": 0.2, "count": 10**11}),
            "'temperature' asks for 100000000000 values; at most 1000000 .*; lower its count",
        ),
        (
            lambda: axis_values("width", list(range(VALUES_LIMIT + 1))),
            "'width' asks for 1000001 values; .* list fewer",
        ),
        (
            lambda: Recording(steps=10**14, every=100),
            r"1000000000001 records of every run; at most 10000000 can be kept; raise 'every'",
        ),
        (
            lambda: Recording(steps=10**14, spacing="logarithmic", count=10**9),
            "1000000000 records of every run; .* lower 'count'",
        ),
        (
            lambda: Recording(steps=10**16, every=10**12),
            "steps must be at most 1000000000000000, received 10000000000000000; give",
        ),
        (
            lambda: Ramp(control="temperature", knots=[(0, 0.1), (10**30, 0.2)]),
            "every step of .* must be at most",
        ),
    ],
)
def test_refuses_what_no_machine_could_hold(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(InvalidStudyError, match=message):
        make()


def test_what_lies_at_a_limit_is_taken() -> None:
    assert Plan(replicas=RUNS_LIMIT).replicas == RUNS_LIMIT
    assert Recording(steps=RECORDS_LIMIT - 1).every == 1
    assert Recording(steps=STEPS_LIMIT, every=10**9).steps == STEPS_LIMIT
    assert len(axis_values("a", {"from": 0.0, "to": 1.0, "count": VALUES_LIMIT})) == 10**6


def test_walkers_of_a_ladder_count_as_runs() -> None:
    plan = Plan(replicas=600_000)
    assert study_of(plan, None).plan is plan
    with pytest.raises(InvalidStudyError, match="1200000 runs: 600000 replicas, 2 rungs"):
        study_of(plan, LADDER)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Recording(steps=40, start=50),
            "received start = 50 and steps = 40; lower start or raise steps",
        ),
        (lambda: Recording(steps=40, states="some"), "received 'some'; write one of these"),  # type: ignore[arg-type]
    ],
)
def test_refusals_say_what_to_do(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(InvalidStudyError, match=message):
        make()
