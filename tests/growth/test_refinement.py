"""Studies refined where their transition lies: a jump and a smooth rise of known place."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from phasegrok.collect import collect
from phasegrok.errors import InvalidStudyError, InvalidValueError
from phasegrok.growth import RefineReport, RefineStatus, refine, refinement
from phasegrok.growth.control_line import ControlLine
from phasegrok.growth.estimates import unit_estimate
from phasegrok.runs import StudyFolder, open_runs
from phasegrok.study import Plan, Recording, Study, part

StudyMaker = Callable[..., Study]


@pytest.fixture
def make_line(make_study: StudyMaker) -> StudyMaker:
    def line(width: float = 0.0, **changes: Any) -> Study:
        order = part("growth_parts:Order", at=0.4321, width=width)
        recording = Recording(steps=60, start=40, every=20, observables=[order])
        plan = Plan(grid={"place": [0.0, 0.25, 0.5, 0.75, 1.0]}, replicas=3)
        return make_study(**{"recording": recording, "plan": plan, **changes})

    return line


def refined(study: Study, folder: Path, **options: Any) -> RefineReport:
    given = {"control": "place", "observable": "order", "resolution": 0.02, **options}
    return refine(study, folder, workers=0, progress=False, **given)


def numbers(folder: Path) -> dict[str, bytes]:
    runs = open_runs(folder).load()
    ids = runs["run_id"].values.tolist()
    return {each: runs["order"].values[i].tobytes() for i, each in enumerate(ids)}


@pytest.mark.parametrize("width", [0.0, 0.03])
def test_the_place_is_found_with_fewer_values_than_an_even_grid(
    make_line: StudyMaker, tmp_path: Path, width: float
) -> None:
    report = refined(make_line(width), tmp_path / "runs")
    low, high = report.location.interval
    assert report.status is RefineStatus.RESOLVED
    assert high - low < 0.02
    assert abs(report.location.median - 0.4321) < 0.02
    values = set(open_runs(tmp_path / "runs")["place"].values.tolist())
    assert len(values) < 0.5 * 51
    assert all(value == round(value, 3) for value in values)
    assert "order changes most steeply at place = 0.4" in str(report)
    assert StudyFolder.open(tmp_path / "runs").description() == report.study


def test_a_refined_study_is_what_is_asked_for_at_once_also_after_a_kill(
    make_line: StudyMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = make_line()
    whole = refined(study, tmp_path / "whole", points=2)
    collect(whole.study, tmp_path / "at_once", workers=0, progress=False)
    assert numbers(tmp_path / "whole") == numbers(tmp_path / "at_once")
    calls = []

    def killed(study: Study, folder: Path, **options: Any) -> Any:
        calls.append(study)
        report = collect(study, folder, **options)
        if len(calls) == 2:
            report.shards[-1].unlink()
            raise KeyboardInterrupt
        return report

    with monkeypatch.context() as patch:
        patch.setattr(refinement, "collect", killed)
        with pytest.raises(KeyboardInterrupt):
            refined(study, tmp_path / "killed", points=2)
    resumed = refined(study, tmp_path / "killed", points=2)
    assert numbers(tmp_path / "killed") == numbers(tmp_path / "whole")
    assert resumed.location.interval == whole.location.interval


def test_a_transition_outside_is_told_or_looked_for(
    make_line: StudyMaker, tmp_path: Path
) -> None:
    plan = Plan(grid={"place": [0.44, 0.6, 0.8, 1.0]}, replicas=3)
    inside = make_line(0.05, plan=plan)
    cut = refined(inside, tmp_path / "cut", rounds=2)
    assert cut.status in (RefineStatus.AT_EDGE, RefineStatus.NOT_SEEN)
    assert min(open_runs(tmp_path / "cut")["place"].values) >= 0.44
    wide = refined(inside, tmp_path / "wide", widen=True, low=0.2, resolution=0.04)
    assert wide.status is RefineStatus.RESOLVED
    assert abs(wide.location.median - 0.4321) < 0.04


def shifted(make_line: StudyMaker) -> Study:
    """Each of four disorders has its step elsewhere, by 0.03 as their standard deviation."""
    task = part("growth_parts:Nothing", place=0.0, spread=0.03, breaks=-1.0)
    plan = Plan(grid={"place": [0.0, 0.2, 0.4, 0.6, 0.8]}, disorders=4)
    return make_line(0.03, seed=12, task=task, plan=plan)


def test_disorders_are_added_everywhere_where_they_limit_the_place(
    make_line: StudyMaker, tmp_path: Path
) -> None:
    report = refined(shifted(make_line), tmp_path / "runs", resolution=0.02, rounds=12)
    assert report.status is RefineStatus.RESOLVED
    runs = open_runs(tmp_path / "runs")
    counts = np.unique(runs["place"].values, return_counts=True)[1]
    assert counts.min() == counts.max() > 4
    first, last = report.location.interval
    assert last - first < 0.02
    # Of as many disorders as there are, three of their standard errors.
    assert abs(report.location.median - 0.4321) < 3.0 * 0.03 / np.sqrt(counts.min())
    assert any(not each.values and each.runs for each in report.rounds[1:])


def test_too_few_disorders_are_told_with_how_many_would_do(
    make_line: StudyMaker, tmp_path: Path
) -> None:
    report = refined(shifted(make_line), tmp_path / "runs", resolution=0.01, most_runs=4)
    assert report.status is RefineStatus.DISORDERS
    assert report.disorders_needed > 4
    assert f"about {report.disorders_needed} of them at every value" in str(report)


def test_values_that_the_study_refuses_end_it_with_what_is_known(
    make_line: StudyMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def collected_once(*arguments: Any, **options: Any) -> Any:
        if (tmp_path / "runs").exists():
            raise InvalidStudyError("the largest run needs more memory than there is.")
        return collect(*arguments, **options)

    monkeypatch.setattr(refinement, "collect", collected_once)
    report = refined(make_line(), tmp_path / "runs", resolution=0.001)
    assert report.status is RefineStatus.REFUSED
    assert len(report.rounds) == 1
    assert StudyFolder.open(tmp_path / "runs").description() == report.study


def test_where_there_is_no_transition_none_is_seen(
    make_line: StudyMaker, tmp_path: Path
) -> None:
    plan = Plan(grid={"place": [0.6, 0.7, 0.8, 0.9]}, replicas=3)
    report = refined(make_line(plan=plan), tmp_path / "runs", rounds=2)
    assert report.status in (RefineStatus.NOT_SEEN, RefineStatus.AT_EDGE)


def test_a_tiny_spread_by_chance_does_not_outweigh_all_others() -> None:
    spreads = [0.1, 0.1, 0.1, 1e-6]
    places = [
        SimpleNamespace(estimate=unit_estimate([-each, each], disorder=[0, 1]))
        for each in spreads
    ]
    # Two units that all have in common, beside the one that each has over its mean.
    variances = 2.0 * np.square(spreads)
    drawn = (variances + 2.0 * variances.mean()) / 3.0
    found = refinement._errors(places)  # type: ignore[arg-type]
    np.testing.assert_allclose(found, np.sqrt(drawn / 2.0), rtol=1e-9)


def test_whole_numbers_stay_whole(make_line: StudyMaker, tmp_path: Path) -> None:
    network = part("two_layer", width=2)
    plan = Plan(grid={"width": [2, 8, 16, 24]}, replicas=2)
    study = make_line(network=network, plan=plan)
    report = refined(
        study, tmp_path / "runs", control="width", resolution=2, rounds=1, widen=True, low=1
    )
    widths = open_runs(tmp_path / "runs")["width"].values
    assert all(float(each).is_integer() and each >= 1 for each in widths)
    assert len(set(widths.tolist())) > 4
    assert report.rounds


def test_a_range_widens_within_the_domain_alone(make_line: StudyMaker) -> None:
    plan = Plan(grid={"temperature": [0.1, 0.2, 0.3, 0.4]}, replicas=2)
    line = ControlLine.of(make_line(plan=plan), control="temperature", resolution=0.02)
    for _ in range(20):
        line = line.widened(below=True, above=False)
        assert 0.0 <= line.low < 0.1
    assert line.widened(below=True, above=False) == line
    assert line.takes(line.low)
    assert not line.takes(-0.1)
    with pytest.raises(InvalidValueError, match="that the study takes"):
        ControlLine.of(make_line(plan=plan), control="temperature", resolution=0.02, low=-1.0)
