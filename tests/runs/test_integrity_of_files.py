"""check_study of one file: a shard by itself, and what consolidate and exports make."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import FormatError
from phasegrok.runs import (
    attribute_text,
    check_study,
    consolidate,
    export_netcdf,
    grid_view,
    open_runs,
    write_shard,
)
from phasegrok.study import Plan, plain_study, requested_runs


@pytest.fixture
def whole_file(whole_study: Path, tmp_path: Path) -> Path:
    """A study of two shapes and weights, in one file."""
    return consolidate(whole_study, tmp_path / "study.nc")


def test_nothing_is_found_in_a_whole_file(whole_study: Path, whole_file: Path) -> None:
    report, of_folder = check_study(whole_file), check_study(whole_study)
    assert report.findings == (), str(report)
    assert (report.shards, report.runs, report.missing) == (1, of_folder.runs, 0)
    assert report.size == whole_file.stat().st_size
    assert report.folder == whole_file


def test_a_shard_by_itself_lacks_nothing(whole_study: Path) -> None:
    """Its siblings are missing in no sense, and without them nothing is said of them."""
    for path in whole_study.glob("shard-*.h5"):
        report = check_study(path)
        assert report.findings == (), str(report)
        assert report.runs == open_runs(path).sizes["run"]


def test_a_renamed_file_is_no_renamed_shard(whole_study: Path, tmp_path: Path) -> None:
    path = next(whole_study.glob("shard-*.h5"))
    assert check_study(path.rename(tmp_path / "mine.h5")).findings == ()
    (finding,) = check_study((tmp_path / "mine.h5").rename(tmp_path / "shard-1.h5")).findings
    assert finding.kind == "name"


def test_a_selection(whole_study: Path, tmp_path: Path) -> None:
    runs = open_runs(whole_study).isel(run=[0, 2])
    report = check_study(export_netcdf(runs, tmp_path / "two.nc"))
    assert report.ok, str(report)
    assert report.runs == 2


def test_every_array_of_every_group(whole_file: Path) -> None:
    content = whole_file.read_bytes()
    with h5py.File(whole_file) as file:
        places: dict[str, int] = {}
        file.visititems(
            lambda name, each: places.update(
                {name: each.id.get_offset()}
                if isinstance(each, h5py.Dataset) and each.id.get_offset() is not None
                else {}
            )
        )
        arrays = {
            name: place
            for name, place in places.items()
            if file[name].dtype.kind in "iuf" and "_FillValue" not in file[name].attrs
        }
    assert {name.partition("/")[0] for name in arrays} >= {"states", "neuron=3", "neuron=5"}
    for name, place in arrays.items():
        damaged = bytearray(content)
        damaged[place] ^= 1
        whole_file.write_bytes(damaged)
        report = check_study(whole_file)
        assert not report.ok, name
        assert name in str(report)


@pytest.mark.parametrize(
    ("owner", "attribute", "told"),
    [
        ("neuron=3/overlap", "units", "neuron=3/overlap (attributes)"),
        ("states/parameters", "layout", "states/parameters (attributes)"),
        ("neuron=5", "title", "neuron=5/ (attributes)"),
        ("loss", "units", "loss (attributes)"),
    ],
)
def test_changed_attributes(whole_file: Path, owner: str, attribute: str, told: str) -> None:
    with h5py.File(whole_file, "r+") as file:
        file[owner].attrs[attribute] = "mine"
    (finding,) = check_study(whole_file).of_kind("damaged")
    assert told in finding.text
    assert "export the study again, or collect again where it was a shard" in finding.text


def test_a_lost_dimension_of_a_group(whole_file: Path) -> None:
    with h5py.File(whole_file, "r+") as file:
        del file["neuron=3/member"].attrs["CLASS"]
    (finding,) = check_study(whole_file).of_kind("damaged")
    assert "neuron=3/overlap (attributes)" in finding.text
    assert "neuron=5" not in finding.text


def test_arrays_that_somebody_added(whole_file: Path) -> None:
    with h5py.File(whole_file, "r+") as file:
        file["states/mine"] = np.arange(3)
    (finding,) = check_study(whole_file).of_kind("damaged")
    assert "states/mine (not in its table of contents)" in finding.text


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99])
def test_truncated_files(whole_file: Path, share: float) -> None:
    os.truncate(whole_file, int(share * whole_file.stat().st_size))
    (finding,) = check_study(whole_file).findings
    assert finding.kind == "damaged"
    assert "export the study again" in finding.text
    assert "sets it aside" not in finding.text


def test_what_to_do_about_a_shard_is_to_collect(whole_study: Path) -> None:
    path = next(whole_study.glob("shard-*.h5"))
    with h5py.File(path, "r+") as file:
        file["loss"].attrs["units"] = "mine"
    (finding,) = check_study(path).of_kind("damaged")
    assert "collect again, which makes its runs anew" in finding.text
    assert "export" not in finding.text


def test_an_exported_grid_says_nothing_of_itself(whole_study: Path, tmp_path: Path) -> None:
    grid = grid_view(open_runs(whole_study), most_cells=1000.0)
    (finding,) = check_study(export_netcdf(grid, tmp_path / "grid.nc")).findings
    assert finding.kind == "unreadable"
    assert "no table of its contents" in finding.text


def test_runs_of_points_that_no_plan_names_any_more(
    tmp_path: Path, make_dataset: Callable[..., Any], make_study: Callable[..., Any]
) -> None:
    """Points that set some of the controls, exported after the plan was replaced."""
    plan = Plan(points=[{"temperature": 0.3}, {"width": 6}, {"temperature": 0.5, "width": 5}])
    older = make_study(plan=plan)
    runs = make_dataset(runs=3, study=older)
    requests = requested_runs(older)
    runs = runs.assign_coords(
        run_id=("run", np.array([each.run_id for each in requests], dtype=object)),
        disorder=("run", [0, 0, 0]),
        replica=("run", [0, 0, 0]),
        temperature=("run", [0.3, 0.0, 0.5]),
        width=("run", [4, 6, 5]),
    )
    write_shard(tmp_path / "runs", runs)
    assert check_study(next((tmp_path / "runs").iterdir())).ok
    latest = make_study(plan=Plan(grid={"temperature": [0.1]}))
    opened = open_runs(tmp_path / "runs")
    attribute = {**json.loads(opened.attrs["phasegrok"]), "study": plain_study(latest)}
    renewed = opened.assign_attrs(phasegrok=attribute_text(attribute))
    report = check_study(export_netcdf(renewed, tmp_path / "all.nc"))
    assert report.findings == (), str(report)
    swapped = renewed.load().assign_coords(temperature=("run", [0.5, 0.0, 0.3]))
    (finding,) = check_study(export_netcdf(swapped, tmp_path / "swapped.nc")).findings
    assert finding.kind == "label"


def test_files_of_other_programs(tmp_path: Path) -> None:
    other, text = tmp_path / "other.nc", tmp_path / "notes.txt"
    xr.Dataset({"a": ("x", np.arange(3.0))}).to_netcdf(other, engine="h5netcdf")
    text.write_text("no file of numbers")
    assert [each.kind for each in check_study(other).findings] == ["unreadable"]
    assert [each.kind for each in check_study(text).findings] == ["damaged"]


def test_a_description_is_no_study(whole_study: Path) -> None:
    with pytest.raises(FormatError, match="a study is a folder"):
        check_study(whole_study / "study.json")
