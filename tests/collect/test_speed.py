"""Speeds are those of the study's own runs, and one that raises stops nothing."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from phasegrok.collect.batches import group_units
from phasegrok.collect.speed import (
    DEFAULT_SPEED,
    Speed,
    measured_speeds,
    samples_of,
    single_thread,
)
from phasegrok.dynamics import simulate
from phasegrok.study import Plan, Study, part, requested_runs

StudyMaker = Callable[..., Study]


@pytest.fixture
def processor_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time what this process computes, not what it waits for others."""
    monkeypatch.setattr(time, "perf_counter", time.process_time)


def speeds(study: Study) -> list[Speed]:
    groups = group_units(study, requested_runs(study))
    return measured_speeds(study, samples_of(groups), device="cpu")


@pytest.mark.usefixtures("processor_clock")
def test_the_time_of_a_batch_is_foretold(make_study: StudyMaker) -> None:
    study = make_study(
        task=part("cubic_teacher", input_size=40, example_count=200, cubic=-0.3, test_count=0),
        network=part("two_layer", width=60),
        plan=Plan(replicas=24),
        steps=300,
    )
    (speed,) = speeds(study)
    with single_thread():
        begin = time.process_time()
        simulate(study, requested_runs(study))
        seconds = time.process_time() - begin
    foretold = 300 * (speed.call + 24 * speed.run)
    assert 0.5 * seconds < foretold < 2.0 * seconds
    assert speed.run * 24 > speed.call


@pytest.mark.usefixtures("processor_clock")
def test_small_networks_spend_their_time_in_calls(make_study: StudyMaker) -> None:
    (speed,) = speeds(make_study(plan=Plan(replicas=30), steps=4000))
    assert speed.call > 4 * speed.run > 0.0


def test_groups_that_are_not_timed_are_scaled(make_study: StudyMaker) -> None:
    plan = Plan(grid={"width": [2, 4, 6, 12]})
    found = speeds(make_study(plan=plan))
    assert len(found) == 4
    assert found[3].run == pytest.approx(2 * found[2].run)


def test_a_run_that_raises_is_left_to_collecting(
    make_study: StudyMaker, troublesome: Path
) -> None:
    del troublesome
    assert speeds(make_study(plan=Plan(), trouble={"cubic": -0.3})) == [DEFAULT_SPEED]


def test_the_number_of_threads_is_restored() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with single_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
