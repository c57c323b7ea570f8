"""check_study of one file: a shard by itself, and what consolidate and exports make."""

import os
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import FormatError
from phasegrok.runs import check_study, consolidate, export_netcdf, open_runs


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
    assert "export its study again" in finding.text
    assert "collect" not in finding.text


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
    assert "export its study again" in finding.text


def test_files_of_other_programs(tmp_path: Path) -> None:
    other, text = tmp_path / "other.nc", tmp_path / "notes.txt"
    xr.Dataset({"a": ("x", np.arange(3.0))}).to_netcdf(other, engine="h5netcdf")
    text.write_text("no file of numbers")
    assert [each.kind for each in check_study(other).findings] == ["unreadable"]
    assert [each.kind for each in check_study(text).findings] == ["damaged"]


def test_a_description_is_no_study(whole_study: Path) -> None:
    with pytest.raises(FormatError, match="a study is a folder"):
        check_study(whole_study / "study.json")
