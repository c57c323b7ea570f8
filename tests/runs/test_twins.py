"""Twins: one run under two names is found, wherever both lie; runs that differ are none."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import xarray as xr

from phasegrok.runs import (
    Severity,
    StudyFolder,
    attribute_text,
    check_study,
    open_runs,
    write_shard,
)
from phasegrok.runs.twins import Twins
from phasegrok.runs.verification import read_whole
from phasegrok.study import Plan, Study, part, plain_study

MakeDataset = Callable[..., xr.Dataset]
MakeStudy = Callable[..., Study]


def under_other_names(runs: xr.Dataset) -> xr.Dataset:
    names = [str(each)[::-1] for each in runs["run_id"].values]
    return runs.assign_coords(run_id=("run", np.array(names, dtype=object)))


@pytest.fixture
def one(whole_study: Path, maker: ModuleType) -> tuple[Path, xr.Dataset]:
    """A shard of a whole study with what it holds."""
    runs = maker.parts()[1].runs
    path = next(
        each
        for each in whole_study.glob("shard-*.h5")
        if runs["run_id"].values[0] in open_runs(each)["run_id"].values
    )
    return path, runs


def test_twins_in_two_shards_are_told_with_both_files(
    whole_study: Path, one: tuple[Path, xr.Dataset]
) -> None:
    path, runs = one
    twin = under_other_names(runs.isel(run=[0, 2]))
    other = write_shard(whole_study, twin)
    assert open_runs(whole_study).sizes["run"] == 10
    report = check_study(whole_study)
    (finding,) = report.of_kind("twin")
    assert finding.severity == Severity.ERROR
    assert not report.ok
    for name in (path.name, other.name, *runs["run_id"].values[[0, 2]], *twin["run_id"].values):
        assert str(name) in finding.text
    assert str(runs["run_id"].values[1]) not in finding.text
    assert "activation, temperature, width, disorder, replica, start" in finding.text


def test_twins_in_one_shard(whole_study: Path, one: tuple[Path, xr.Dataset]) -> None:
    """Such as no writer of today would store: replicas edited, with checksums that hold."""
    path, runs = one
    path.unlink()
    again = under_other_names(runs)
    both = xr.concat([runs, again.assign_coords(replica=again["replica"] + 1)], dim="run")
    path = write_shard(whole_study, both)
    assert check_study(whole_study).of_kind("twin") == ()
    whole = read_whole(path)
    values = whole.runs["replica"].values
    values[4:6] -= 1
    check = Twins([whole.shard.attribute])
    check.look_at(whole)
    (finding,) = check.findings()
    assert f"both in {path}" in finding.text
    assert str(again["run_id"].values[1]) in finding.text
    assert str(again["run_id"].values[2]) not in finding.text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", 0.375),
        ("activation", "tanh"),
        ("disorder", 5),
        ("replica", 5),
        ("start", "zero"),
        ("direction", "up"),
        ("rate", 0.5),
        ("first_rung", 1),
    ],
)
def test_what_differs_in_one_label_is_no_twin(
    whole_study: Path, one: tuple[Path, xr.Dataset], name: str, value: Any
) -> None:
    runs = under_other_names(one[1].isel(run=[0]))
    values = np.array([value], dtype=object if isinstance(value, str) else None)
    write_shard(whole_study, runs.assign_coords({name: ("run", values)}))
    assert check_study(whole_study).of_kind("twin") == ()


def test_whole_numbers_count_by_value(whole_study: Path, one: tuple[Path, xr.Dataset]) -> None:
    runs = under_other_names(one[1].isel(run=[0]))
    write_shard(whole_study, runs.assign_coords(width=runs["width"].astype(float)))
    assert len(check_study(whole_study).of_kind("twin")) == 1


@pytest.mark.parametrize(("cubic", "count"), [(-0.3, 1), (-0.5, 0)])
def test_a_control_that_was_varied_later_stands_at_what_was_stated(
    tmp_path: Path, make_dataset: MakeDataset, make_study: MakeStudy, cubic: float, count: int
) -> None:
    task = part("cubic_teacher", input_size=5, example_count=20, cubic=-0.3)
    stated = make_study(task=task)
    later = make_study(task=task, plan=Plan(grid={"temperature": [0.1], "cubic": [cubic]}))
    StudyFolder.create(tmp_path / "s", stated)
    write_shard(tmp_path / "s", make_dataset(runs=2, study=stated))
    runs = under_other_names(make_dataset(runs=1, study=stated))
    plain = {**json.loads(runs.attrs["phasegrok"]), "study": plain_study(later)}
    runs = runs.assign_coords(cubic=("run", [cubic])).assign_attrs(
        phasegrok=attribute_text(plain)
    )
    write_shard(tmp_path / "s", runs)
    assert len(check_study(tmp_path / "s").of_kind("twin")) == count
