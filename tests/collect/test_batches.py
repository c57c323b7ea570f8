"""Batches hold every unit once, whole, among its like, and are worth a shard."""

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phasegrok.collect.batches import (
    SHARD_BYTES,
    Batch,
    Limits,
    group_units,
    halves,
    make_batches,
)
from phasegrok.collect.speed import Speed
from phasegrok.dynamics import batch_key
from phasegrok.study import Exchange, Plan, RunRequest, Study, requested_runs

StudyMaker = Callable[..., Study]

PLAN = Plan(
    grid={"temperature": [0.1, 0.2, 0.3], "width": [6, 10], "example_count": [8, 12]},
    disorders=3,
    replicas=2,
)


SUMS = Speed(call=0.0, run=1e-3)
"""A run of 40 gradients takes 0.04 s, in whatever batch."""


def split(study: Study, *, limits: Limits, speed: Speed = SUMS) -> list[Batch]:
    groups = group_units(study, requested_runs(study))
    return make_batches(study, groups, [speed] * len(groups), limits)


def ids(batches: list[Batch]) -> list[str]:
    return sorted(run.run_id for batch in batches for run in batch.requests)


LIMITS = Limits(workers=2, target_seconds=1.0)


@pytest.mark.parametrize("target", [1e-3, 1.0, 1e6])
@pytest.mark.parametrize("workers", [1, 2, 7])
def test_every_run_is_in_one_batch_among_its_like(
    make_study: StudyMaker, workers: int, target: float
) -> None:
    study = make_study(plan=PLAN)
    batches = split(study, limits=Limits(workers=workers, target_seconds=target))
    assert ids(batches) == sorted(run.run_id for run in requested_runs(study))
    for batch in batches:
        assert len({batch_key(study, run) for run in batch.requests}) == 1


def test_a_ladder_is_never_cut(make_study: StudyMaker) -> None:
    ladder = Exchange(control="temperature", rungs=[0.1, 0.2, 0.4])
    plan = Plan(grid={"cubic": [-0.3, -0.2]}, disorders=2, replicas=3)
    study = make_study(plan=plan, exchange=ladder)
    batches = split(study, limits=Limits(workers=3, target_seconds=1e-3))
    assert ids(batches) == sorted(run.run_id for run in requested_runs(study))
    for batch in batches:
        assert all(len(unit) == 3 for unit in batch.units)


def test_runs_that_share_their_data_stand_together(make_study: StudyMaker) -> None:
    study = make_study(plan=PLAN)
    for group in group_units(study, requested_runs(study)):
        labels = [(unit[0].disorder, unit[0].controls["example_count"]) for unit in group]
        assert len([label for label, _ in groupby(labels)]) == len(set(labels))


def test_batches_are_cut_between_sets_of_data(make_study: StudyMaker) -> None:
    study = make_study(plan=Plan(grid={"temperature": [0.1, 0.2]}, disorders=6, replicas=5))
    run_seconds = 40 / 1000.0
    limits = Limits(workers=1, target_seconds=13 * run_seconds)
    batches = split(study, limits=replace(limits, memory_bytes=math.inf))
    disorders = [{run.disorder for run in batch.requests} for batch in batches]
    assert sum(len(each) for each in disorders) == 6


def test_the_longest_comes_first(make_study: StudyMaker) -> None:
    plan = Plan(grid={"steps": [20, 400, 60]}, replicas=2)
    batches = split(make_study(plan=plan), limits=LIMITS)
    seconds = [batch.seconds for batch in batches]
    assert len(set(seconds)) == 3
    assert seconds == sorted(seconds, reverse=True)


def test_a_batch_lasts_its_target_but_longer_where_its_shard_would_be_small(
    make_study: StudyMaker,
) -> None:
    study = make_study(plan=Plan(replicas=4000))
    limits = Limits(workers=1, target_seconds=4.0)  # 100 runs of 40 gradients.
    by_size = split(study, limits=limits)
    assert all(4.0 < batch.seconds <= 16.0 for batch in by_size)
    first = by_size[0]
    per_run = first.record_bytes / len(first.requests)
    bound = min(SHARD_BYTES, 400 * per_run)
    assert first.record_bytes == pytest.approx(bound, rel=0.1)

    longer = replace(study, recording=replace(study.recording, steps=40000))
    by_time = split(
        longer,
        speed=Speed(call=0.0, run=2.5e-5),
        limits=Limits(workers=1, target_seconds=100.0),
    )
    assert all(50.0 < batch.seconds <= 100.0 for batch in by_time)
    assert all(batch.record_bytes > SHARD_BYTES for batch in by_time)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_workers_of_a_short_study_all_have_work(
    make_study: StudyMaker, workers: int
) -> None:
    study = make_study(plan=Plan(replicas=64))
    batches = split(study, limits=Limits(workers=workers, target_seconds=100.0))
    assert len(batches) == workers
    assert max(b.seconds for b in batches) <= 1.2 * min(b.seconds for b in batches)


def test_the_workers_of_a_long_study_end_together(make_study: StudyMaker) -> None:
    study = make_study(plan=Plan(replicas=500))
    batches = split(study, limits=Limits(workers=4, target_seconds=1.0))
    ends = [0.0] * 4
    for batch in batches:
        ends[ends.index(min(ends))] += batch.seconds
    assert min(ends) > 0.7 * max(ends)


def test_a_batch_that_gains_nothing_by_more_runs_ends_early(make_study: StudyMaker) -> None:
    study = make_study(plan=Plan(disorders=1, replicas=20_000), steps=400)
    limits = Limits(workers=1, target_seconds=100.0)
    batches = split(study, speed=Speed(call=1e-4, run=5e-6), limits=limits)
    whole = sum(len(batch.requests) for batch in batches)
    assert whole == 20_000
    least = min(len(batch.requests) for batch in batches)
    # Of the time, calls are 1e-4 / (n 5e-6): two hundredths at a thousand runs.
    of_a_megabyte = 1e6 * whole / sum(batch.record_bytes for batch in batches)
    assert 0.9 * max(1000, of_a_megabyte) < least <= 1.1 * max(1000, of_a_megabyte)
    assert max(batch.seconds for batch in batches) < 25.0


def test_where_calls_cost_most_batches_are_large(make_study: StudyMaker) -> None:
    study = make_study(plan=Plan(replicas=3000))
    calls = Speed(call=1e-2, run=1e-4)  # Alone 0.404 s, 304 runs four times that.
    limits = Limits(workers=1, target_seconds=0.1)
    sizes = [len(batch.requests) for batch in split(study, speed=calls, limits=limits)]
    assert all(250 <= size <= 304 for size in sizes)
    seconds = [batch.seconds for batch in split(study, speed=calls, limits=limits)]
    assert max(seconds) <= 4 * 0.404

    # Their shards would be large enough with fewer runs.
    dense = replace(study, recording=replace(study.recording, every=1, steps=400))
    quick = Speed(call=1e-3, run=1e-5)
    sizes = [len(batch.requests) for batch in split(dense, speed=quick, limits=limits)]
    assert all(180 <= size <= 200 for size in sizes)

    few = make_study(plan=Plan(replicas=10))
    limits = Limits(workers=2, target_seconds=0.1)
    sizes = [len(batch.requests) for batch in split(few, speed=calls, limits=limits)]
    assert sizes == [5, 5]


def test_seconds_are_those_of_calls_and_sums(make_study: StudyMaker) -> None:
    study = make_study(plan=Plan(replicas=10))
    limits = Limits(workers=1, target_seconds=1e6)
    (batch,) = split(study, speed=Speed(call=0.1, run=0.01), limits=limits)
    assert batch.gradients == 400
    assert batch.seconds == pytest.approx(40 * (0.1 + 10 * 0.01))


def test_memory_bounds_a_batch_down_to_a_single_run(make_study: StudyMaker) -> None:
    study = make_study(plan=Plan(replicas=50))
    per_run = split(study, limits=LIMITS)[0].memory_bytes / len(
        split(study, limits=LIMITS)[0].requests
    )
    limits = Limits(workers=1, target_seconds=1e6, memory_bytes=7.5 * per_run)
    assert max(len(batch.requests) for batch in split(study, limits=limits)) == 7
    tiny = Limits(workers=1, target_seconds=1e6, memory_bytes=0.1 * per_run)
    assert {len(batch.requests) for batch in split(study, limits=tiny)} == {1}


def request(replica: int, rung: int) -> RunRequest:
    return RunRequest(controls={}, disorder=0, replica=replica, start="prior", rung=rung)


@given(units=st.integers(2, 30), rungs=st.integers(1, 3), deaths=st.integers(0, 2))
def test_halves_hold_whole_units_and_every_one(units: int, rungs: int, deaths: int) -> None:
    batch = Batch(
        requests=tuple(request(unit, rung) for unit in range(units) for rung in range(rungs)),
        steps=10,
        gradients=units * rungs * 10,
        record_bytes=units * rungs,
        memory_bytes=units * rungs,
        seconds=1.0,
        deaths=deaths,
    )
    first, second = halves(batch)
    assert first.requests + second.requests == batch.requests
    assert first.gradients + second.gradients == batch.gradients
    assert first.seconds + second.seconds == pytest.approx(1.0)
    for half in (first, second):
        assert {len(unit) for unit in half.units} == {rungs}
        assert half.deaths == (0 if len(half.units) == 1 else deaths)


def test_what_is_stored_is_left_out_of_a_batch() -> None:
    requests = tuple(request(replica, 0) for replica in range(4))
    batch = Batch(
        requests=requests, steps=10, gradients=40, record_bytes=4, memory_bytes=4, seconds=1.0
    )
    left = batch.without({requests[1].run_id, requests[3].run_id})
    assert left is not None
    assert left.requests == (requests[0], requests[2])
    assert left.gradients == 20
    assert batch.without({run.run_id for run in requests}) is None
