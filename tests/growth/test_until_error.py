"""Studies that grow until an error is reached: the truth, the same bits, kills, limits."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from phasegrok.collect import collect
from phasegrok.growth import Extent, GrowthReport, Status, Units, collect_until, until_error
from phasegrok.runs import StudyFolder, open_runs
from phasegrok.study import Plan, Recording, Study, part, requested_runs

StudyMaker = Callable[..., Study]


def numbers(folder: Path) -> dict[str, bytes]:
    runs = open_runs(folder).load()
    ids = runs["run_id"].values.tolist()
    return {each: runs["loss"].values[i].tobytes() for i, each in enumerate(ids)}


def until(study: Study, folder: Path, error: float, **options: Any) -> GrowthReport:
    options = {"observable": "shifted", "workers": 0, "progress": False, **options}
    return collect_until(study, folder, error=error, **options)


def test_the_error_is_reached_and_holds_the_truth(
    make_study: StudyMaker, tmp_path: Path
) -> None:
    report = until(make_study(), tmp_path / "runs", 0.12)
    (place,) = report.places
    assert report.is_reached
    assert place.estimate.units is Units.REPLICAS
    assert place.estimate.margin <= 0.12
    assert abs(place.estimate.mean) < 4.0 * place.estimate.standard_error  # Exactly 0.
    assert place.extent.disorders == 1
    runs = open_runs(tmp_path / "runs").sizes["run"]
    assert (place.extent.replicas, sum(each.runs for each in report.rounds)) == (runs, runs)
    assert "shifted is known to ±0.12 at 1 of 1 places" in str(report)
    assert "round 1:" in str(report)
    # All is there already: no run is added.
    again = until(make_study(), tmp_path / "runs", 0.12)
    assert [each.runs for each in again.rounds] == [0]
    assert repr(again.places) == repr(report.places)


def test_disorders_grow_where_they_spread_and_only_where_it_is_needed(
    make_study: StudyMaker, tmp_path: Path
) -> None:
    task = part("growth_parts:Nothing", place=0.0, spread=1.0, breaks=-1.0)
    plan = Plan(grid={"place": [0.0, 1.0], "spread": [0.0, 1.0]}, disorders=2, replicas=1)
    study = make_study(task=task, plan=plan)
    report = until(study, tmp_path / "runs", 0.25)
    assert report.is_reached
    assert {each.estimate.units for each in report.places} == {Units.DISORDERS}
    wide = [each.extent.runs for each in report.places if each.controls["spread"] == 1.0]
    narrow = [each.extent.runs for each in report.places if each.controls["spread"] == 0.0]
    assert min(wide) > max(narrow)
    grown = StudyFolder.open(tmp_path / "runs").description()
    assert grown == report.study
    assert {run.run_id for run in requested_runs(grown)} == set(numbers(tmp_path / "runs"))


def test_what_grew_is_what_is_asked_for_at_once_also_after_a_kill(
    make_study: StudyMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = make_study(plan=Plan(grid={"place": [0.0, 1.0]}, replicas=2))
    undisturbed = until(study, tmp_path / "undisturbed", 0.15)
    assert len(undisturbed.rounds) > 2
    collect(undisturbed.study, tmp_path / "at_once", workers=0, progress=False)
    assert numbers(tmp_path / "undisturbed") == numbers(tmp_path / "at_once")

    calls = []

    def killed(study: Study, folder: Path, **options: Any) -> Any:
        calls.append(study)
        if len(calls) == 2:
            # Half of a round is stored, and its plan.
            collect(study, folder, **options)
            (last, *_) = sorted(
                folder.glob("shard-*"), key=lambda path: -path.stat().st_mtime_ns
            )
            last.unlink()
            raise KeyboardInterrupt
        return collect(study, folder, **options)

    with monkeypatch.context() as patch:
        patch.setattr(until_error, "collect", killed)
        with pytest.raises(KeyboardInterrupt):
            until(study, tmp_path / "killed", 0.15)
    resumed = until(study, tmp_path / "killed", 0.15)
    assert repr(resumed.places) == repr(undisturbed.places)  # NaN differs from itself.
    assert resumed.study == undisturbed.study
    assert numbers(tmp_path / "killed") == numbers(tmp_path / "undisturbed")


def test_a_place_that_fails_stops_and_says_so(make_study: StudyMaker, tmp_path: Path) -> None:
    task = part("growth_parts:Nothing", place=0.0, spread=0.0, breaks=1.0)
    study = make_study(task=task, plan=Plan(grid={"place": [0.0, 1.0]}, replicas=4))
    report = until(study, tmp_path / "runs", 0.3, fewest=4)
    assert [each.status for each in report.places] == [Status.REACHED, Status.FAILING]
    assert report.places[1].left_out == 4
    assert not report.is_reached
    assert "failing, 4 runs left out" in str(report)


def test_limits_and_budgets_are_told_with_what_would_be_enough(
    make_study: StudyMaker, tmp_path: Path
) -> None:
    report = until(make_study(), tmp_path / "few", 0.05, most_replicas=9)
    (place,) = report.places
    assert (place.status, place.extent) == (Status.AT_MOST, Extent(1, 9))
    assert place.enough.replicas > 40
    assert "would be enough" in str(report)
    budget = until(make_study(), tmp_path / "budget", 0.05, most_gradients=9 * 90)
    assert [each.status for each in budget.places] == [Status.BUDGET]
    assert open_runs(tmp_path / "budget")["gradient_count"].sum() <= 9 * 90


def test_one_long_run_is_enough_where_it_is_stationary(
    make_study: StudyMaker, tmp_path: Path
) -> None:
    recording = Recording(
        steps=6000, start=100, every=10, observables=[part("growth_parts:Shifted")]
    )
    study = make_study(recording=recording, plan=Plan())
    report = until(study, tmp_path / "runs", 0.08)
    (place,) = report.places
    assert (place.status, place.estimate.units) == (Status.REACHED, Units.RECORDS)
    assert place.extent == Extent(1, 1)
    assert abs(place.estimate.mean) < 4.0 * place.estimate.standard_error


def test_a_plan_that_is_no_rectangle_grows_and_costs_by_what_it_asks_for(
    make_study: StudyMaker, tmp_path: Path
) -> None:
    task = part("growth_parts:Nothing", place=0.0, spread=1.0, breaks=-1.0)
    more = Plan(disorders=4, replicas=1)
    study = make_study(task=task, plan=Plan(replicas=16, more=[more]))
    assert len(requested_runs(study)) == 19
    # The rectangle around the plan would ask for 64 runs at once.
    report = until(study, tmp_path / "runs", 0.2, grow="disorders", most_gradients=24 * 90)
    (place,) = report.places
    assert [each.runs for each in report.rounds] == [19, 4]
    assert (place.extent, place.requested, place.status) == (Extent(8, 1), 23, Status.BUDGET)
    assert "8 disorders x 1 replicas" in str(report)
    assert "15 more runs of some disorders" in str(report)
    assert len(requested_runs(report.study)) == 23
    assert open_runs(tmp_path / "runs").sizes["run"] == 23


def test_what_one_run_gives_cannot_be_predicted(make_study: StudyMaker, tmp_path: Path) -> None:
    text = str(until(make_study(plan=Plan(replicas=1)), tmp_path / "runs", 0.5, fewest=2))
    first = next(line for line in text.splitlines() if line.startswith("round"))
    assert first.endswith(", not predicted")
    assert "nan" not in text
