"""What collecting leaves behind is what checking a study expects there."""

import os
from pathlib import Path

import torch

from phasegrok.collect import collect
from phasegrok.collect.checkpoints import CheckpointFile
from phasegrok.runs import StudyFolder, check_study
from phasegrok.study import Plan, Recording, Study, part, requested_runs


def study() -> Study:
    return Study(
        name="checked",
        seed=3,
        task=part("cubic_teacher", input_size=4, example_count=8, cubic=-0.3),
        network=part("two_layer", width=4, activation="erf"),
        dynamics=part("langevin", step_size=1e-3),
        recording=Recording(steps=20, every=5, states="last"),
        plan=Plan(points=[{"temperature": 0.1}, {"width": 6}], replicas=2),
    )


def test_a_checkpoint_is_known_whole_and_damaged(tmp_path: Path) -> None:
    folder = StudyFolder.create(tmp_path, study())
    requests = requested_runs(study())
    kept = CheckpointFile(folder.path, study(), requests, device="cpu", seconds=1.0)
    kept.keep({"next_step": 10, "total": 20, "parameters": torch.zeros(3)})
    (path,) = (tmp_path / ".checkpoints").iterdir()
    (finding,) = check_study(tmp_path).of_kind("checkpoint")
    assert (finding.path, finding.severity) == (path, "note")
    assert "the state of 4 unfinished runs" in finding.text
    os.truncate(path, path.stat().st_size - 3)
    (finding,) = check_study(tmp_path).of_kind("checkpoint")
    assert finding.severity == "warning"
    assert "will not be used" in finding.text


def test_nothing_is_found_in_what_was_collected(tmp_path: Path) -> None:
    collect(study(), tmp_path, workers=0, progress=False)
    report = check_study(tmp_path)
    assert report.findings == ()
    assert (report.runs, report.missing) == (4, 0)
