"""The demonstration from end to end, at the smallest size that still has every figure."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import phasegrok.demo
from phasegrok import open_runs, read_study, validate
from phasegrok.demo import demo_study, run_demo
from phasegrok.report import read_analysis
from phasegrok.study import Plan, Recording, Study, part, requested_runs
from phasegrok.theory import CubicTeacherSystem

EXAMPLE = Path(__file__).parents[1] / "examples" / "batch" / "study.toml"


def test_the_example_is_the_same_study() -> None:
    assert read_study(EXAMPLE) == demo_study()


def test_its_size_is_that_of_the_paper_at_one_eighth() -> None:
    study = demo_study()
    system = CubicTeacherSystem.paper(0.125, noise_variance=0.18)
    assert study.task.options["input_size"] == system.input_size
    assert study.task.options["example_count"] == system.example_count
    assert study.task.options["cubic"] == system.cubic
    assert study.network.options["width"] == system.width
    assert study.network.options["first_variance"] == system.first_variance
    assert study.network.options["readout_variance"] == pytest.approx(system.readout_variance)


def test_every_point_has_four_disorders_of_four_replicas_from_two_starts() -> None:
    plan = demo_study().plan
    assert plan.disorders == 4
    assert plan.replicas * len(plan.starts) == 4
    assert len(requested_runs(demo_study())) == 16 * 24


def tiny(*, quick: bool = False) -> Study:
    """Two points of a network that takes no time."""
    study = demo_study(quick=quick)
    return replace(
        study,
        task=study.task.with_options({"input_size": 8, "example_count": 24, "test_count": 8}),
        network=study.network.with_options({"width": 12}),
        dynamics=part("hmc", leapfrog_steps=4, burn_in=10, step_size=0.1),
        recording=Recording(steps=60, every=2, observables=study.recording.observables),
        plan=Plan(
            grid={"temperature": [0.1, 0.4]},
            disorders=3,
            replicas=1,
            starts=("prior", "aligned"),
        ),
    )


def test_from_description_to_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phasegrok.demo, "demo_study", tiny)
    report = run_demo(tmp_path / "demo", quick=True, workers=0)
    assert report == tmp_path / "demo" / "report.html"
    runs = open_runs(tmp_path / "demo")
    assert validate(runs) == []
    analysis = read_analysis(tmp_path / "demo")
    assert analysis.summary["outcomes"]["finished"] == 12
    assert analysis.tables["fits"].sizes["point"] == 2
    points = analysis.tables["points"].sel(quantity="linear_discrepancy")
    # More noise, less learned.
    assert float(points["mean"][0]) < float(points["mean"][1])
    late = runs["linear_discrepancy"].isel(
        record=slice(analysis.summary["cut"]["record"], None)
    )
    first = late.isel(run=np.flatnonzero(runs["temperature"] == 0.1)).mean()
    assert float(points["mean"][0]) == pytest.approx(float(first))
    page = report.read_text(encoding="utf-8")
    assert "12 runs at 2 points" in page
