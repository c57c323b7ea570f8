"""Plans put together ask for the runs of each and for no other, and are written shortly."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phasegrok.study import Plan, Recording, Study, asks_for, joined_plan, part, requested_runs

STUDY = Study(
    name="union",
    seed=1,
    task=part("some_task", size=7),
    network=part("some_network", width=4),
    dynamics=part("some_dynamics"),
    recording=Recording(steps=10),
)


def ids(plan: Plan) -> set[str]:
    return {run.run_id for run in requested_runs(replace(STUDY, plan=plan))}


values = st.lists(st.sampled_from([0.1, 0.3, 0.5]), min_size=1, max_size=2, unique=True)
widths = st.lists(st.sampled_from([8, 16]), min_size=1, max_size=2, unique=True)
points = st.lists(
    st.fixed_dictionaries(
        {"temperature": st.sampled_from([0.1, 0.7]), "width": widths.map(max)}
    ),
    max_size=2,
)
plans = st.builds(
    Plan,
    grid=st.fixed_dictionaries({"temperature": values, "width": widths}),
    points=points,
    disorders=st.integers(1, 2),
    replicas=st.integers(1, 3),
    starts=st.sampled_from([("prior",), ("prior", "zero"), ("zero",)]),
)


@settings(deadline=None, max_examples=150, derandomize=True)
@given(st.lists(plans, min_size=1, max_size=4))
def test_the_union_asks_for_every_run_and_no_other(several: list[Plan]) -> None:
    joined = joined_plan(several)
    assert ids(joined) == set().union(*map(ids, several))
    assert all(asks_for(joined, each) for each in several)
    # What is joined asks for nothing twice over.
    assert joined_plan([joined, *several]) == joined


@settings(deadline=None, max_examples=150, derandomize=True)
@given(plans, plans)
def test_a_plan_asks_for_another_where_it_holds_its_runs(one: Plan, other: Plan) -> None:
    assert asks_for(one, other) == (ids(one) >= ids(other))


def test_a_plan_that_asks_for_all_stays_as_it_is_written() -> None:
    wide = Plan(grid={"width": {"from": 8, "to": 16, "count": 3}}, replicas=3)
    assert joined_plan([Plan(grid={"width": [8.0, 12]}), wide]) is wide


def test_grids_that_differ_along_one_axis_become_one() -> None:
    one = Plan(grid={"temperature": [0.1, 0.3], "width": [8, 4]}, replicas=2)
    other = Plan(grid={"temperature": [0.2, 0.1], "width": [4, 8]}, replicas=2)
    grid = {"temperature": [0.1, 0.2, 0.3], "width": [8, 4]}
    assert joined_plan([one, other]) == Plan(grid=grid, replicas=2)


def test_what_makes_no_product_is_asked_for_besides() -> None:
    one = Plan(grid={"temperature": [0.1, 0.3]}, replicas=2)
    at = {"temperature": 0.3}
    joined = joined_plan([one, Plan(points=[at], replicas=5), Plan(points=[at], replicas=4)])
    assert joined == replace(one, more=(Plan(points=[at], replicas=5),))
    again = joined_plan([joined, Plan(points=[{"temperature": 0.1}], replicas=5)])
    points = [{"temperature": 0.3}, {"temperature": 0.1}]
    assert again == Plan(points=points, replicas=5)


@pytest.mark.parametrize("more", [Plan(disorders=2), Plan(replicas=2), Plan(starts=["zero"])])
def test_every_kind_of_growth_is_seen(more: Plan) -> None:
    assert not asks_for(Plan(), more)
    assert ids(joined_plan([Plan(), more])) == ids(Plan()) | ids(more)
