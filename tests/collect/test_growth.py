"""A study that grew is the study asked for at once, bit by bit, however it grew."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

from phasegrok.collect import collect, dry_run
from phasegrok.collect.execution import Setup, Stored, run_batch
from phasegrok.errors import InvalidValueError
from phasegrok.runs import (
    StudyFolder,
    check_study,
    merge_studies,
    open_runs,
    states,
    study_status,
    validate,
)
from phasegrok.study import (
    Energy,
    Event,
    Plan,
    Recording,
    Study,
    joined_plan,
    part,
    read_study,
    requested_runs,
    study_toml,
)

StudyMaker = Callable[..., Study]
NumbersOf = Callable[[Path], dict[str, dict[str, bytes | str]]]

SMALL = Plan(grid={"temperature": [0.1]}, replicas=2)
MORE_REPLICAS = Plan(grid={"temperature": [0.1]}, replicas=3)
MORE_POINTS = Plan(
    grid={"temperature": [0.1, 0.3]},
    points=[{"temperature": 0.2, "width": 4}],
    disorders=2,
    replicas=3,
)
WIDER = Plan(
    grid={"temperature": [0.05, 0.1, 0.3], "width": [6, 4]},
    points=[{"temperature": 0.2, "width": 4}],
    disorders=2,
    replicas=3,
)
ORDERS = {
    "step by step": [SMALL, MORE_REPLICAS, MORE_POINTS, WIDER],
    "the other way": [MORE_POINTS, SMALL, WIDER],
    "apart": [
        Plan(grid={"width": [4], "temperature": [0.3]}, replicas=1),
        Plan(points=[{"temperature": 0.1, "cubic": -0.3}], replicas=3),
        WIDER,
    ],
}


@pytest.fixture(params=["minibatches", "events"])
def study(request: pytest.FixtureRequest, make_study: StudyMaker) -> Study:
    """Resolved observables, and noise from minibatches or runs that stop at events."""
    if request.param == "minibatches":
        dynamics = part("gradient_descent", step_size=1e-3, minibatch_size=5)
        energy = Energy(temperature=0.0, weight_decay=0.1)
        return make_study(dynamics=dynamics, energy=energy)
    watched = part("train_loss")
    event = Event(
        name="low", observable=watched, threshold=0.6, direction="below", every=3, stop=True
    )
    return make_study(events=[event])


def grown(study: Study, plans: Sequence[Plan], folder: Path) -> Path:
    for plan in plans:
        changed = replace(study, plan=plan)
        # Batches of another cut each time, since runs must not feel their company.
        seconds = 20.0 if len(plan.points) else 0.001
        collect(changed, folder, workers=0, progress=False, target_seconds=seconds)
    return folder


@pytest.mark.parametrize("order", list(ORDERS))
def test_a_grown_study_is_the_study_asked_for_at_once(
    study: Study, order: str, numbers_of: NumbersOf, tmp_path: Path
) -> None:
    plans = ORDERS[order]
    if study.energy.temperature == 0.0:
        plans = [_with_learning_rates(plan) for plan in plans]
    folder = grown(study, plans, tmp_path / "grown")
    at_once = grown(study, [joined_plan(plans)], tmp_path / "at_once")
    assert numbers_of(folder) == numbers_of(at_once)
    runs = open_runs(folder)
    assert validate(runs) == []
    if study.events:
        assert set(runs["outcome"].values) == {"finished", "truncated"}
    stored = StudyFolder.open(folder).description()
    assert {each.run_id for each in requested_runs(stored)} == set(runs["run_id"].values)
    assert stored.plan == joined_plan(plans)


def _with_learning_rates(plan: Plan) -> Plan:
    """Vary the step size of dynamics without temperature."""

    def renamed(point: Mapping[str, Any]) -> dict[str, Any]:
        table = dict(point)
        values = table.pop("temperature")
        scaled = [0.01 * v for v in values] if isinstance(values, list) else 0.01 * values
        return {**table, "step_size": scaled}

    points = [renamed(point) for point in plan.points]
    return replace(plan, grid=renamed(plan.grid) if plan.grid else {}, points=points)


def test_an_option_that_begins_to_vary_makes_no_run_twice(
    make_study: StudyMaker, numbers_of: NumbersOf, tmp_path: Path
) -> None:
    narrow, wide = (
        Plan(replicas=2),
        Plan(grid={"width": [4, 6], "cubic": [-0.3, 0.1]}, replicas=2),
    )
    study = make_study(plan=narrow)
    folder = grown(study, [narrow], tmp_path / "runs")
    report = collect(replace(study, plan=wide), folder, workers=0, progress=False)
    assert (report.stored_before, report.outcomes) == (2, {"finished": 6})
    assert numbers_of(folder) == numbers_of(grown(study, [wide], tmp_path / "at_once"))
    runs = open_runs(folder)
    assert validate(runs) == []
    labels = ("width", "cubic", "disorder", "replica")
    assert len(set(zip(*(runs[name].values for name in labels), strict=True))) == 8


def test_points_that_set_different_controls_keep_their_values(
    make_study: StudyMaker, tmp_path: Path
) -> None:
    points = [{"temperature": 0.1}, {"cubic": 0.2}, {"weight_decay": 1.5}, {"step_size": 2e-3}]
    study = make_study(plan=Plan(points=points))
    runs = open_runs(grown(study, [study.plan], tmp_path / "runs"))
    found = zip(
        *(
            runs[n].values.tolist()
            for n in ("temperature", "cubic", "weight_decay", "step_size")
        ),
        strict=True,
    )
    assert set(found) == {
        (0.1, -0.3, "prior", 1e-3),
        (0.2, 0.2, "prior", 1e-3),
        (0.2, -0.3, 1.5, 1e-3),
        (0.2, -0.3, "prior", 2e-3),
    }


def test_a_smaller_plan_loses_no_run_and_no_request(
    make_study: StudyMaker, numbers_of: NumbersOf, tmp_path: Path
) -> None:
    study = make_study()
    folder = grown(study, [MORE_REPLICAS], tmp_path / "runs")
    before = numbers_of(folder)
    wide, narrow = replace(study, plan=MORE_POINTS), replace(study, plan=SMALL)
    with StudyFolder.open(folder).lock() as held:
        held.store_plan(wide)  # As a collection leaves it that was stopped at once.
    report = collect(narrow, folder, workers=0, progress=False)
    assert (report.stored_before, report.shards) == (2, ())
    assert report.beyond == len(requested_runs(wide)) - 3
    assert f"{report.beyond} runs that the folder was asked for before" in str(report)
    assert numbers_of(folder) == before
    assert StudyFolder.open(folder).description() == wide

    (tmp_path / "study.toml").write_text(study_toml(wide), encoding="utf-8")
    again = collect(read_study(tmp_path / "study.toml"), folder, workers=0, progress=False)
    assert (sum(again.outcomes.values()), again.beyond) == (report.beyond, 0)


def test_a_plan_may_be_replaced_in_so_many_words(
    make_study: StudyMaker, numbers_of: NumbersOf, tmp_path: Path
) -> None:
    study = make_study()
    folder = grown(study, [MORE_REPLICAS], tmp_path / "runs")
    before = numbers_of(folder)
    narrow = replace(study, plan=SMALL)
    report = collect(narrow, folder, workers=0, progress=False, replace_plan=True)
    assert report.beyond == 0
    assert StudyFolder.open(folder).description() == narrow
    assert numbers_of(folder) == before
    with pytest.raises(InvalidValueError, match="replace_plan must be True or False"):
        collect(narrow, folder, workers=0, replace_plan=1)  # type: ignore[arg-type]


def test_a_folder_without_runs_asks_for_what_is_asked_last(
    make_study: StudyMaker, tmp_path: Path
) -> None:
    study = make_study()
    StudyFolder.create(tmp_path / "runs", replace(study, plan=WIDER))
    grown(study, [SMALL], tmp_path / "runs")
    assert StudyFolder.open(tmp_path / "runs").description().plan == SMALL


def test_halves_collected_apart_and_merged_are_the_study_asked_for_at_once(
    make_study: StudyMaker, numbers_of: NumbersOf, tmp_path: Path
) -> None:
    recording = Recording(
        steps=20, every=10, observables=[part("teacher_overlap")], states="last"
    )
    study = make_study(recording=recording)
    plans = [
        Plan(grid={"temperature": [0.1, 0.2]}, replicas=3),
        Plan(grid={"temperature": [0.3, 0.2]}, replicas=2),
        Plan(points=[{"width": 4}], replicas=2),
    ]
    halves = [grown(study, [plan], tmp_path / f"half{i}") for i, plan in enumerate(plans)]
    at_once = grown(study, [joined_plan(plans)], tmp_path / "at_once")
    report = merge_studies(halves, tmp_path / "merged")
    assert (report.runs, report.equal) == (10, 2)
    assert numbers_of(tmp_path / "merged") == numbers_of(at_once)
    merged = StudyFolder.open(tmp_path / "merged").description()
    assert {run.run_id for run in requested_runs(merged)} == set(numbers_of(at_once))
    left = collect(merged, tmp_path / "merged", workers=0, progress=False)
    assert (left.stored_before, left.shards) == (10, ())
    narrow = [tmp_path / "half0", tmp_path / "half1"]
    merge_studies(narrow, tmp_path / "narrow")
    grown(study, plans[:2], tmp_path / "narrow_at_once")
    xr.testing.assert_identical(
        states(tmp_path / "narrow").load().drop_attrs(),
        states(tmp_path / "narrow_at_once").load().drop_attrs(),
    )


def test_runs_that_are_stored_under_older_labels_are_not_made_again(
    tmp_path: Path, make_study: StudyMaker, numbers_of: NumbersOf
) -> None:
    # Temperature 0.2 is what the description states: it was a label once, and is none now.
    plan = Plan(grid={"temperature": [0.1, 0.2], "width": [4, 6]}, replicas=2)
    study = make_study(plan=plan)
    StudyFolder.create(tmp_path, study)
    older = [replace(each, at_rest=()) for each in requested_runs(study)]
    assert {each.run_id for each in older} != {each.run_id for each in requested_runs(study)}
    for width in (4, 6):
        alike = [each for each in older if each.controls["width"] == width]
        assert isinstance(run_batch(Setup(study, tmp_path), alike), Stored)
    before = numbers_of(tmp_path)
    assert dry_run(study, workers=0, folder=tmp_path).runs == 0
    report = collect(study, tmp_path, workers=0, progress=False)
    assert (report.outcomes, report.stored_before) == ({}, 8)
    assert numbers_of(tmp_path) == before
    status = study_status(tmp_path)
    assert (status.left, status.beyond) == (0, 0)
    assert check_study(tmp_path).findings == ()
    more = replace(study, plan=replace(plan, replicas=3))
    assert collect(more, tmp_path, workers=0, progress=False).outcomes == {"finished": 4}
    assert validate(open_runs(tmp_path)) == []
