"""Studies refined where their transition lies: a jump and a smooth rise of known place."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from phasegrok.collect import collect
from phasegrok.growth import RefineReport, RefineStatus, refine, refinement
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


def test_where_there_is_no_transition_none_is_seen(
    make_line: StudyMaker, tmp_path: Path
) -> None:
    plan = Plan(grid={"place": [0.6, 0.7, 0.8, 0.9]}, replicas=3)
    report = refined(make_line(plan=plan), tmp_path / "runs", rounds=2)
    assert report.status in (RefineStatus.NOT_SEEN, RefineStatus.AT_EDGE)
