"""The command line: growing, refining, merging and exporting studies."""

import json
import shutil
import sys
from pathlib import Path

import pytest
import xarray as xr

from phasegrok.cli import main
from phasegrok.runs import StudyFolder, open_runs

STUDY = """
name = "to grow"
seed = 4
task = { kind = "cubic_teacher", input_size = 4, example_count = 6, cubic = -0.3 }
network = { kind = "two_layer", width = 3 }
dynamics = { kind = "langevin", step_size = 1e-3 }
energy = { temperature = 0.2, weight_decay = "prior" }
recording = { steps = 20, every = 10 }

[plan]
replicas = REPLICAS
grid = { temperature = [0.1, 0.3, 0.5, 0.7] }
"""

RAISING = """
from dataclasses import dataclass
import torch
from phasegrok.observables import Observable

@dataclass(frozen=True, kw_only=True)
class Raising(Observable):
    name: str = "raising"
    long_name: str = "zero, but for runs that begin with a large weight"

    def measure(self, measurement):
        if (measurement.rows.abs().amax(dim=1) > 1.2).any():
            raise ValueError("a large weight")
        return torch.zeros(len(measurement.rows))
"""

QUIET = ("--workers", "0", "--quiet")


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return written(tmp_path / "study.toml", replicas=2)


def written(path: Path, *, replicas: int) -> Path:
    path.write_text(STUDY.replace("REPLICAS", str(replicas)), encoding="utf-8")
    return path


def collect(study: Path, folder: Path, *options: str) -> int:
    return main(["collect", str(study), "--out", str(folder), *QUIET, *options])


def stored(folder: Path) -> int:
    return open_runs(folder).sizes["run"]


def test_a_study_grows_until_an_error_is_reached(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "runs"
    goal = ("--until-error", "0.3", "--of", "loss", "--relative", "--fewest", "4")
    assert collect(study, folder, *goal) == 0
    shown = capsys.readouterr().out
    assert "loss is known to ±0.3 of its size at 4 of 4 places" in shown
    runs = stored(folder)
    assert runs >= 16
    assert collect(study, folder, *goal) == 0
    assert stored(folder) == runs
    assert main(["status", str(folder)]) == 0


def test_an_error_that_is_not_reached_is_told_by_the_exit_code(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    goal = ("--until-error", "1e-9", "--of", "loss", "--fewest", "2", "--most-replicas", "3")
    assert collect(study, tmp_path / "runs", *goal) == 3
    assert "loss is known to ±1e-09 at 0 of 4 places" in capsys.readouterr().out
    assert stored(tmp_path / "runs") == 12


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--of", "loss"), "--of: beside --until-error only"),
        (("--fewest", "4", "--relative"), "--relative, --fewest: beside --until-error"),
        (("--until-error", "0.1"), "--until-error needs the observable"),
        (("--until-error", "0.1", "--of", "loss", "--dry-run"), "give one of them"),
        (("--until-error", "0.1", "--of", "loss", "--replace-plan"), "give one of them"),
        (("--until-error", "0.1", "--of", "lost"), "Did you mean 'loss'?"),
        (("--until-error", "nan", "--of", "loss"), "received nan"),
        (("--until-error", "-1", "--of", "loss"), "received -1"),
    ],
)
def test_a_goal_that_means_nothing_is_refused(
    study: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    message: str,
) -> None:
    assert collect(study, tmp_path / "runs", *options) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert not (tmp_path / "runs").exists()


def test_failed_runs_are_told_by_the_exit_code_of_growth_too(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "raising_observable.py").write_text(RAISING, encoding="utf-8")
    text = study.read_text(encoding="utf-8").replace(
        "every = 10 }", 'every = 10, observables = ["raising_observable:Raising"] }'
    )
    study.write_text(text.replace("replicas = 2", "replicas = 6"), encoding="utf-8")
    goal = ("--until-error", "100", "--of", "loss", "--fewest", "2")
    assert collect(study, tmp_path / "runs", *goal) == 1


def test_an_older_description_undoes_nothing_unless_it_is_told_to(
    study: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "runs"
    assert collect(written(tmp_path / "more.toml", replicas=3), folder) == 0
    assert collect(study, folder) == 0
    assert main(["status", str(folder)]) == 0
    assert StudyFolder.open(folder).description().plan.replicas == 3
    assert collect(study, folder, "--replace-plan") == 0
    assert StudyFolder.open(folder).description().plan.replicas == 2
    assert stored(folder) == 12


def test_a_study_is_refined_where_its_observable_changes(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "runs"
    arguments = ["refine", str(study), "--out", str(folder), *QUIET]
    asked = ["--control", "temperature", "--of", "loss", "--resolution", "0.01"]
    code = main([*arguments, *asked, "--rounds", "1", "--points", "2"])
    shown = capsys.readouterr().out
    assert code in (0, 3), shown
    assert "temperature" in shown
    assert main([*arguments, *asked[:2], "--of", "lost", *asked[4:]]) == 2
    assert "Did you mean 'loss'?" in capsys.readouterr().err


def test_studies_are_merged(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two, both = (tmp_path / name for name in ("one", "two", "both"))
    collect(study, one)
    collect(written(tmp_path / "more.toml", replicas=3), two)
    capsys.readouterr()
    assert main(["merge", str(one), str(two), "--out", str(both)]) == 0
    shown = capsys.readouterr().out
    assert "12 runs in" in shown
    assert "8 copies were there already, equal in every bit" in shown
    xr.testing.assert_identical(
        open_runs(both).load().drop_attrs(), open_runs(two).load().drop_attrs()
    )
    assert main(["merge", str(one), "--out", str(one)]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_study_is_exported_as_its_target_is_named(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, file, store = (tmp_path / name for name in ("runs", "all.nc", "all.zarr"))
    collect(study, folder)
    capsys.readouterr()
    runs = open_runs(folder).load()
    assert main(["export", str(folder), str(file)]) == 0
    assert capsys.readouterr().out == f"{file}\n"
    xr.testing.assert_identical(open_runs(file).load().drop_attrs(), runs.drop_attrs())
    assert main(["export", str(folder), str(file)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert main(["export", str(folder), str(file), "--overwrite"]) == 0
    pytest.importorskip("zarr")
    assert main(["export", str(folder), str(store)]) == 0
    assert store.is_dir()
    shutil.rmtree(store)
    assert main(["export", str(folder), str(store), "--format", "netcdf"]) == 0
    assert store.is_file()


def test_check_and_status_speak_json_of_a_grown_study(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "runs"
    collect(study, folder, "--until-error", "0.5", "--of", "loss", "--relative")
    for command in ("check", "status"):
        capsys.readouterr()
        assert main([command, str(folder), "--json"]) == 0
        json.loads(capsys.readouterr().out)
