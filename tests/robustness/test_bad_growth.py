"""Growing, merging and refining under bad input: refused in words, before anything is done."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from phasegrok.errors import FormatError, InvalidStudyError, InvalidValueError, PhasegrokError
from phasegrok.growth import collect_until, refine
from phasegrok.runs import StudyFolder, merge_studies
from phasegrok.study import (
    Energy,
    Event,
    Exchange,
    Plan,
    Recording,
    Study,
    Sweep,
    part,
    study_from_plain,
)


def small_study(**changes: Any) -> Study:
    described: dict[str, Any] = {
        "name": "small",
        "seed": 3,
        "task": part("cubic_teacher", input_size=5, example_count=12, cubic=-0.3),
        "network": part("two_layer", width=6),
        "dynamics": part("langevin", step_size=1e-3),
        "energy": Energy(temperature=0.2, weight_decay="prior"),
        "recording": Recording(steps=4, observables=[part("teacher_overlap")]),
        "plan": Plan(grid={"temperature": [0.1, 0.2, 0.3, 0.4]}, replicas=2),
    }
    return Study(**{**described, **changes})


UNTIL: dict[str, Any] = {"observable": "loss", "error": 0.1, "workers": 0, "progress": False}
REFINE: dict[str, Any] = {
    "control": "temperature",
    "observable": "loss",
    "resolution": 0.01,
    "workers": 0,
    "progress": False,
}
LADDER = Exchange(control="temperature", rungs=[0.1, 0.2])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"observable": "los"}, "Did you mean 'loss'"),
        ({"observable": "teacher_overlap"}, "one number a record"),
        ({"observable": 3}, "one number a record"),
        ({"error": 0.0}, "error must be a finite number above zero"),
        ({"error": float("nan")}, "error must be"),
        ({"error": "0.1"}, "error must be"),
        ({"error": True}, "error must be"),
        ({"relative": "yes"}, "relative must be one of"),
        ({"relative": 1}, "relative must be one of"),
        ({"grow": "replica"}, "Did you mean 'replicas'"),
        ({"grow": ["replicas"]}, "grow must be one of"),
        ({"factor": 1.0}, "above 1"),
        ({"factor": float("inf")}, "factor must be"),
        ({"fewest": 1}, "fewest must be a whole number of at least 2"),
        ({"fewest": 2.5}, "fewest must be"),
        ({"most_replicas": 0}, "most_replicas must be"),
        ({"most_disorders": None}, "most_disorders must be"),
        ({"most_gradients": -1.0}, "most_gradients must be"),
        ({"most_gradients": float("nan")}, "most_gradients must be"),
        ({"start_record": -1}, "start_record must be"),
        ({"worker": 2}, "Did you mean 'workers'"),
        ({"workers": -1}, "whole number of workers"),
        ({"replace_plan": True}, "growth keeps what was asked for"),
    ],
)
def test_growth_refuses_before_it_begins(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidValueError, match=message):
        collect_until(small_study(), tmp_path / "runs", **{**UNTIL, **changes})
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"control": "temperatur"}, "Did you mean 'temperature'"),
        ({"control": None}, "no control of this study"),
        ({"observable": "loos"}, "Did you mean 'loss'"),
        ({"resolution": 0.0}, "resolution must be"),
        ({"resolution": 0.5}, "wider than the resolution"),
        ({"resolution": float("nan")}, "resolution must be"),
        ({"points": 0}, "points must be"),
        ({"rounds": -1}, "rounds must be"),
        ({"rounds": 1.5}, "rounds must be"),
        ({"low": 0.4}, "wider than the resolution"),
        ({"high": float("inf")}, "high must be a finite number"),
        ({"widen": 1}, "widen must be one of"),
        ({"most_runs": 1}, "most_runs must be"),
        ({"start_record": "first"}, "start_record must be"),
        ({"devise": "cpu"}, "Did you mean 'device'"),
    ],
)
def test_refining_refuses_before_it_begins(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidValueError, match=message):
        refine(small_study(), tmp_path / "runs", **{**REFINE, **changes})
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (Plan(grid={"temperature": [0.1, 0.2, 0.3]}, replicas=2), "four numbers or more"),
        (Plan(grid={"width": [2, 4, 6, 8]}, replicas=2), "varies nothing else"),
        (
            Plan(grid={"temperature": [0.1, 0.2, 0.3, 0.4], "width": [2, 4]}, replicas=2),
            "varies nothing else",
        ),
        (
            Plan(grid={"temperature": [0.1, 0.2, 0.3, 0.4]}, starts=["prior", "zero"]),
            "varies nothing else",
        ),
        (Plan(grid={"temperature": [0.1, 0.2, 0.3, 0.4]}), "at least two disorders or two"),
    ],
)
def test_refining_refuses_plans_that_are_no_line(
    tmp_path: Path, plan: Plan, message: str
) -> None:
    with pytest.raises(InvalidStudyError, match=message):
        refine(small_study(plan=plan), tmp_path / "runs", **REFINE)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    "work",
    [
        lambda study, folder: collect_until(study, folder, **UNTIL),
        lambda study, folder: refine(study, folder, **REFINE),
    ],
)
def test_both_refuse_what_is_no_study_and_ladders(
    tmp_path: Path, work: Callable[[Any, Path], object]
) -> None:
    with pytest.raises(InvalidStudyError, match="is needed, received"):
        work("study.toml", tmp_path / "runs")
    plan = Plan(grid={"width": [2, 4, 6, 8]}, replicas=2)
    with pytest.raises(InvalidStudyError, match="exchange ladder"):
        work(small_study(exchange=LADDER, plan=plan), tmp_path / "runs")
    swept: dict[str, Any] = {
        "sweep": Sweep(control="weight_decay", low=0.1, high=0.2, rate=1.0),
        "recording": Recording(spacing="sweep", count=5),
    }
    with pytest.raises(InvalidStudyError, match="a run that is swept"):
        work(small_study(plan=plan, **swept), tmp_path / "runs")
    stop = Event(name="up", observable=part("test_loss"), threshold=1.0, stop=True)
    with pytest.raises(InvalidStudyError, match="'up' stops the runs that meet it"):
        work(small_study(events=[stop], plan=plan), tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
    for folder in (None, 3):
        with pytest.raises(InvalidValueError, match="must be a path"):
            work(small_study(), folder)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sources", "target"),
    [
        ([], "t"),
        ("a", "t"),
        (None, "t"),
        ([3], "t"),
        ([None], "t"),
        ([""], "t"),
        (["a"], ""),
        (["a"], None),
        (["a"], "a"),
        (["a"], "b/../a"),
        (["a", "a"], "t"),
        (["a", "b", "./a"], "t"),
        (["a"], "a/inside"),
        (["a/inside"], "a"),
        ({"a": 1}, "t"),
    ],
)
def test_merging_refuses_folders_that_are_no_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sources: Any, target: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    StudyFolder.create("a", small_study())
    StudyFolder.create("b", small_study())
    with pytest.raises(InvalidValueError):
        merge_studies(sources, target)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_merging_refuses_what_is_no_study(tmp_path: Path) -> None:
    StudyFolder.create(tmp_path / "a", small_study())
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("text", encoding="utf-8")
    for name in ("empty", "file", "nothing"):
        with pytest.raises(FormatError, match=r"a study is a folder with a study\.json"):
            merge_studies([tmp_path / "a", tmp_path / name], tmp_path / "t")
    with pytest.raises(PhasegrokError):
        merge_studies([tmp_path / "a"], tmp_path / "file")
    with pytest.raises(InvalidValueError, match="keep must be 'first' or None"):
        merge_studies([tmp_path / "a"], tmp_path / "t", keep="last")  # type: ignore[arg-type]
    assert not (tmp_path / "t").exists()


@pytest.mark.parametrize("more", [3, "text", [3], [{"replica": 2}], [{"more": []}, 1]])
def test_plans_within_a_plan_are_checked(more: Any) -> None:
    plain = {
        "name": "small",
        "seed": 3,
        "task": "cubic_teacher",
        "network": "two_layer",
        "dynamics": "langevin",
        "recording": {"steps": 4},
        "plan": {"more": more},
    }
    with pytest.raises(InvalidStudyError):
        study_from_plain(plain)
    with pytest.raises(InvalidStudyError):
        Plan(more=more)
