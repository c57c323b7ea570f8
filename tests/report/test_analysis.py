"""Every stored number against one computed here, by loops over the runs."""

import errno
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import FormatError, InsufficientSamplesError, StorageError
from phasegrok.report import Analysis, analyze_study, read_analysis, report_study
from phasegrok.report.analysis import current_analysis, require_writable
from phasegrok.report.overlaps import fit_points
from phasegrok.report.places import OBSERVED, open_study
from phasegrok.runs import StudyFolder, open_runs, record, write_shard
from phasegrok.study import Plan, part
from phasegrok.theory import CubicTeacherSystem, solve_finite_size

BURN_IN = 8
SMALL = Plan(grid={"temperature": [0.1], "example_count": [375]}, disorders=3, replicas=2)
MakeStudyFolder = Callable[..., Path]


@pytest.fixture(scope="module")
def analysis(analysed: Path) -> Analysis:
    return read_analysis(analysed)


@pytest.fixture(scope="module")
def runs(analysed: Path) -> xr.Dataset:
    return open_runs(analysed).load()


def finished_at(runs: xr.Dataset, point: xr.Dataset) -> xr.Dataset:
    here = (
        (runs["temperature"] == float(point["temperature"]))
        & (runs["example_count"] == int(point["example_count"]))
        & (runs["outcome"] == "finished")
    )
    return runs.isel(run=np.flatnonzero(here))


def test_means_and_errors_are_those_of_disorders(analysis: Analysis, runs: xr.Dataset) -> None:
    points = analysis.tables["points"].sel(quantity="cubic_discrepancy")
    for label in points["point"].to_numpy():
        point = points.sel(point=label)
        here = finished_at(runs, point)
        means = [
            np.mean([row[BURN_IN:].mean() for row in part["cubic_discrepancy"].to_numpy()])
            for part in (here.isel(run=np.flatnonzero(here["disorder"] == d)) for d in range(3))
        ]
        assert float(point["mean"]) == pytest.approx(np.mean(means), rel=1e-12)
        error = np.std(means, ddof=1) / np.sqrt(3.0)
        assert float(point["standard_error"]) == pytest.approx(error, rel=1e-9)


def test_runs_that_did_not_finish_are_counted_and_left_out(analysis: Analysis) -> None:
    assert analysis.summary["outcomes"] == {
        "finished": 46,
        "truncated": 0,
        "diverged": 1,
        "failed": 1,
    }
    assert int(analysis.tables["points"]["run_count"].isel(quantity=0).sum()) == 46
    outcomes = analysis.tables["outcomes"]["runs"]
    assert int(outcomes.sum()) == 48
    assert int(outcomes.sel(outcome="failed").sum()) == 1
    reasons = [failure["outcome_reason"] for failure in analysis.summary["failures"]]
    assert reasons == ["<failed> on purpose", "<diverged> on purpose"]


def test_averages_begin_after_the_burn_in(analysis: Analysis) -> None:
    assert analysis.summary["cut"] == {"record": BURN_IN, "step": BURN_IN}
    assert analysis.summary["records"] == {"kept": 32, "made": 40}


def test_theory_is_solved_for_the_system_of_each_point(analysis: Analysis) -> None:
    predicted, comparison = analysis.tables["predicted"], analysis.tables["comparison"]
    for label in predicted["point"].to_numpy():
        point = predicted.sel(point=label)
        system = CubicTeacherSystem(
            noise_variance=float(point["temperature"]),
            example_count=float(point["example_count"]),
            width=88,
            input_size=53,
            first_variance=0.5,
            readout_variance=0.0323,
            cubic=-0.3,
        )
        solution = solve_finite_size(system)
        here = point.sel(size="this size")
        expected = {
            "aligned_fraction": solution.aligned_fraction(0.5),
            "linear_discrepancy": solution.linear_discrepancy,
            "cubic_discrepancy": solution.cubic_discrepancy,
        }
        for name, value in expected.items():
            assert float(here[name]) == pytest.approx(value, rel=1e-6)
            one = comparison.sel(quantity=name, point=label)
            deviation = (float(one["measured"]) - value) / float(one["standard_error"])
            assert float(one["deviation"]) == pytest.approx(deviation, rel=1e-4)


def test_starts_are_compared_without_the_spread_of_disorders(
    analysis: Analysis, runs: xr.Dataset
) -> None:
    starts = analysis.tables["starts"]
    assert (starts.attrs["first"], starts.attrs["second"]) == ("prior", "aligned")
    point = starts.sel(quantity="linear_discrepancy", point=3)  # No run was lost there.
    here = finished_at(runs, point)["linear_discrepancy"].isel(record=slice(BURN_IN, None))
    by_start = {
        name: here.isel(run=np.flatnonzero(here["start"] == name)).to_numpy()
        for name in ("prior", "aligned")
    }
    difference = by_start["prior"].mean() - by_start["aligned"].mean()
    assert float(point["difference"]) == pytest.approx(difference, rel=1e-10)
    # Independent records of standard deviation 0.1 · 0.3 in 6 runs of 32 records a start.
    exact = 0.03 * np.sqrt(2.0 / (6 * 32))
    assert float(point["error"]) == pytest.approx(exact, rel=0.25)
    z_scores = starts["z_score"].to_numpy()
    assert np.abs(z_scores).max() < 4.0
    np.testing.assert_allclose(z_scores, starts["difference"] / starts["error"])


def test_traces_are_averages_over_disorders(analysis: Analysis, runs: xr.Dataset) -> None:
    traces = analysis.tables["traces"]
    assert traces.attrs["quantity"] == "aligned_fraction"
    line = traces.sel(point=3, start="prior")
    here = finished_at(runs, traces.sel(point=3))
    chosen = here.isel(run=np.flatnonzero(here["start"] == "prior"))
    samples, disorder = chosen["aligned_fraction"].to_numpy(), chosen["disorder"].to_numpy()
    by_disorder = np.stack([samples[disorder == d].mean(axis=0) for d in range(3)])
    np.testing.assert_allclose(line["mean"].to_numpy(), by_disorder.mean(axis=0))
    error = by_disorder.std(axis=0, ddof=1) / np.sqrt(3.0)
    np.testing.assert_allclose(line["standard_error"].to_numpy(), error)


def test_lines_cross_the_measured_rows(analysis: Analysis) -> None:
    lines = analysis.tables["lines"]
    assert {250.0, 375.0} <= set(lines["along"].to_numpy().tolist())
    first = lines["critical"].sel(line="first_order_line")
    # Noise and examples enter by their ratio alone.
    np.testing.assert_allclose(first / first["along"], float(first[0] / first["along"][0]))


def test_curves_pass_through_the_predictions(analysis: Analysis) -> None:
    curves, predicted = analysis.tables["curves"], analysis.tables["predicted"]
    for label in predicted["point"].to_numpy():
        point = predicted.sel(point=label, size="this size")
        row = curves["linear_discrepancy"].sel(
            size="this size", example_count=float(point["example_count"])
        )
        noise = float(point["noise_variance"])
        between = np.interp(noise, curves["noise_variance"], row)
        assert between == pytest.approx(float(point["linear_discrepancy"]), rel=2e-3)


def test_the_csv_files_hold_the_same_numbers(analysed: Path, analysis: Analysis) -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.read_csv(analysed / "analysis" / "comparison.csv")
    stored = analysis.tables["comparison"]["measured"].transpose("point", "quantity")
    np.testing.assert_array_equal(
        np.sort(table["measured"]), np.sort(stored.to_numpy().ravel())
    )


def test_an_analysis_is_made_again_when_runs_were_added(
    make_study_folder: MakeStudyFolder,
) -> None:
    grid = {"temperature": [0.1], "example_count": [375]}
    path = make_study_folder(plan=Plan(grid=grid, disorders=3, replicas=2))
    assert current_analysis(path).summary["outcomes"]["finished"] == 6
    summary = path / "analysis" / "summary.json"
    changed = json.loads(summary.read_text(encoding="utf-8")) | {"runs_digest": "other"}
    summary.write_text(json.dumps(changed), encoding="utf-8")
    assert current_analysis(path).summary["runs_digest"] != "other"


def test_a_study_without_a_theory_is_analysed_too(make_study_folder: MakeStudyFolder) -> None:
    path = make_study_folder(network=part("two_layer", width=88, activation="relu"))
    analyze_study(path)
    tables = read_analysis(path).tables
    assert "predicted" not in tables
    assert tables["points"].sizes == {"quantity": 4, "point": 4}


def test_one_disorder_has_no_error_and_is_told(make_study_folder: MakeStudyFolder) -> None:
    path = make_study_folder(
        neurons=8, plan=Plan(grid={"temperature": [0.1], "example_count": [375]}, replicas=1)
    )
    analyze_study(path)
    analysis = read_analysis(path)
    assert np.isnan(analysis.tables["points"]["standard_error"].to_numpy()).all()
    assert any("No density of overlaps" in note for note in analysis.summary["notes"])


def test_a_study_without_a_finished_run_is_refused(make_study_folder: MakeStudyFolder) -> None:
    plan = Plan(grid={"temperature": [0.1], "example_count": [375]})
    path = make_study_folder(plan=plan, outcomes={0: "failed"})
    with pytest.raises(InsufficientSamplesError, match="the only run did not finish: 1 failed"):
        analyze_study(path)


def test_a_folder_without_an_analysis_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="run phasegrok analyze"):
        read_analysis(tmp_path)


def test_without_a_predicted_quantity_nothing_is_compared(
    make_study_folder: MakeStudyFolder,
) -> None:
    folder = make_study_folder()
    (shard,) = StudyFolder.open(folder).shards()
    runs = open_runs(shard).load()
    shard.unlink()
    write_shard(folder, runs.drop_vars(list(OBSERVED)))
    report_study(folder)
    tables = read_analysis(folder).tables
    assert "predicted" in tables
    assert "comparison" not in tables
    assert tables["points"]["quantity"].to_numpy().tolist() == ["loss"]


def test_runs_without_numbers_are_refused_in_a_sentence(tmp_path: Path) -> None:
    with record(tmp_path / "empty", controls={"T": 0.1}):
        pass
    with record(tmp_path / "whole", controls={"T": 0.1}) as run:
        run.log(step=0, weights=[1.0, 2.0])
    for name in ("empty", "whole"):
        with pytest.raises(InsufficientSamplesError, match="have no record of a number"):
            analyze_study(tmp_path / name)


def test_where_no_run_finished_the_outcomes_are_told(
    make_study_folder: MakeStudyFolder,
) -> None:
    words = {run: "diverged" for run in range(47)} | {47: "failed"}
    folder = make_study_folder(outcomes=words)
    match = "none of the 48 runs finished: 47 diverged, 1 failed; see phasegrok status"
    with pytest.raises(InsufficientSamplesError, match=match) as raised:
        analyze_study(folder)
    again = pickle.loads(pickle.dumps(raised.value))
    assert (type(again), str(again)) == (type(raised.value), str(raised.value))


def test_a_disk_that_fills_up_leaves_the_older_analysis(
    make_study_folder: MakeStudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_study_folder(plan=SMALL)
    target = analyze_study(folder)
    before = {path.name: path.read_bytes() for path in target.iterdir()}
    (target / "stale.csv").write_text("of an older version", encoding="utf-8")
    flush, calls = os.fsync, []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == len(before):  # The last of the files.
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        flush(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match="The disk is full: free some space"):
            analyze_study(folder)
    (target / "stale.csv").unlink()
    assert {path.name: path.read_bytes() for path in target.iterdir()} == before


def test_a_fit_is_stored_whole_or_not_at_all(
    make_study_folder: MakeStudyFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    data = open_study(make_study_folder(plan=SMALL, neurons=6))

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="The disk is full"):
        fit_points(data, tmp_path / "fits", workers=1, notes=[])
    assert list((tmp_path / "fits").iterdir()) == []


def test_a_full_disk_is_not_taken_for_a_forbidden_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(StorageError, match="free some space on the disk"):
        require_writable(tmp_path / "analysis")
