"""Opening, grids, one file of a study and exports under bad input: refused in words."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from phasegrok.errors import FormatError, InvalidValueError, PhasegrokError, StorageError
from phasegrok.runs import (
    consolidate,
    export_netcdf,
    export_zarr,
    from_frame,
    grid_view,
    open_runs,
    open_tree,
    pooled,
    states,
    write_shard,
)

TABLE = {
    "id": ["a", "b", "c", "d"],
    "temperature": [0.1, 0.1, 0.2, 0.2],
    "width": [4, 8, 4, 8],
    "loss": [1.0, 2.0, 3.0, 4.0],
}
Door = Callable[..., Any]
DOORS: tuple[Door, ...] = (consolidate, export_netcdf, export_zarr)


def runs_of(table: dict[str, Any]) -> xr.Dataset:
    return from_frame(table, controls=["temperature", "width"], run="id")


@pytest.fixture
def runs() -> xr.Dataset:
    return runs_of(TABLE)


@pytest.fixture
def folder(tmp_path: Path, runs: xr.Dataset) -> Path:
    write_shard(tmp_path / "study", runs)
    return tmp_path / "study"


@pytest.mark.parametrize("source", [None, 3, 1.5, ["study"], {"path": "study"}, b"study"])
@pytest.mark.parametrize("door", [open_runs, open_tree])
def test_what_is_no_path_opens_nothing(door: Door, source: Any) -> None:
    with pytest.raises(InvalidValueError, match="needs the path of a study or of a shard"):
        door(source)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("source", [None, 3, ["study"]])
def test_what_is_no_study_is_not_written(door: Door, source: Any, tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match="needs the path of a study"):
        door(source, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("door", DOORS)
def test_missing_and_empty_folders(door: Door, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="there is nothing at"):
        door(tmp_path / "missing", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FormatError, match="holds no runs yet"):
        door(tmp_path / "empty", tmp_path / "out")
    (tmp_path / "notes.txt").write_text("no shard")
    with pytest.raises(FormatError, match="cannot be read as a shard"):
        door(tmp_path / "notes.txt", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("target", [None, 3, "", ["out"], b"out"])
def test_what_is_no_target(door: Door, target: Any, folder: Path) -> None:
    with pytest.raises(InvalidValueError, match="must be the path of a file to be made"):
        door(folder, target)


@pytest.mark.parametrize("door", DOORS)
def test_a_target_that_would_be_taken_for_a_shard(door: Door, folder: Path) -> None:
    with pytest.raises(InvalidValueError, match="would be taken for one"):
        door(folder, folder / "shard-all.h5")
    assert len(list(folder.glob("shard-*"))) == 1


@pytest.mark.parametrize("door", DOORS)
def test_a_target_that_is_a_folder(door: Door, folder: Path, tmp_path: Path) -> None:
    for overwrite in (False, True):
        with pytest.raises(InvalidValueError, match="a folder with other things in it"):
            door(folder, tmp_path, overwrite=overwrite)
    assert len(list(folder.glob("shard-*"))) == 1


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "name",
    [
        "study.json",
        "Study.JSON",
        ".lock",
        ".live.json",
        ".partial-1-ab",
        ".recording-0123456789abcdef",
        ".checkpoints",
        "shard-0123456789abcdef.h5.damaged",
        "shard-0123456789abcdef.h5.damaged-2",
    ],
)
def test_a_target_that_bears_the_name_of_a_file_of_a_study(
    door: Door, name: str, folder: Path, tmp_path: Path
) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    for place in (folder, tmp_path):
        with pytest.raises(
            InvalidValueError, match="a file of the folder of a study is called"
        ):
            door(folder, place / name, overwrite=True)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("content", [b"", b"mine", b"{}", b"\x89HDX"])
def test_a_target_that_is_no_export(
    door: Door, content: bytes, folder: Path, tmp_path: Path
) -> None:
    target = tmp_path / "notes.nc"
    target.write_bytes(content)
    for overwrite in (False, True):
        with pytest.raises(InvalidValueError, match="is there already and is no"):
            door(folder, target, overwrite=overwrite)
    assert target.read_bytes() == content


@pytest.mark.parametrize("door", DOORS)
def test_a_target_below_a_file(door: Door, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StorageError, match="A file stands where a folder is needed"):
        door(folder, tmp_path / "file" / "out")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("door", DOORS)
def test_a_folder_that_may_not_be_written(door: Door, folder: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written"):
        door(folder, "/proc/study")


@pytest.mark.parametrize("door", DOORS)
def test_the_study_is_not_replaced_by_itself(door: Door, folder: Path) -> None:
    (shard,) = folder.glob("shard-*")
    before = shard.read_bytes()
    with pytest.raises(InvalidValueError, match="would be taken for one"):
        door(shard, shard, overwrite=True)
    copy = folder.parent / "copy.h5"
    copy.write_bytes(before)
    with pytest.raises(InvalidValueError, match=r"cannot be made of itself|is no Zarr store"):
        door(copy, copy, overwrite=True)
    assert copy.read_bytes() == before


READERS: tuple[Door, ...] = (open_runs, open_tree, partial(pooled, variable="loss"), states)


def calls(folder: Path, target: Path, without: Any) -> list[Callable[[], Any]]:
    return [
        *(partial(reader, folder, without=without) for reader in READERS),
        *(partial(door, folder, target, without=without) for door in DOORS),
    ]


@pytest.mark.parametrize("without", ["shard", b"shard", 3, None, [3], [Path("shard")]])
def test_what_is_no_list_of_names_leaves_nothing_out(
    without: Any, folder: Path, tmp_path: Path
) -> None:
    for call in calls(folder, tmp_path / "out", without):
        with pytest.raises(InvalidValueError, match="must be a list of names of files"):
            call()


def test_a_name_of_no_file_is_refused_with_the_nearest(folder: Path, tmp_path: Path) -> None:
    (shard,) = folder.glob("shard-*")
    near = shard.name.removesuffix(".h5")
    for call in calls(folder, tmp_path / "out", [near]):
        with pytest.raises(FormatError, match=f"received '{near}'.*{shard.name}"):
            call()
    for call in calls(shard, tmp_path / "out", [shard.name]):
        with pytest.raises(FormatError, match="no other files beside it"):
            call()
    assert not (tmp_path / "out").exists()


def test_a_damaged_file_is_known(folder: Path) -> None:
    (folder / "shard-damaged.h5").write_text("no shard")
    assert open_runs(folder, without={"shard-damaged.h5"}).sizes["run"] == 4


@pytest.mark.parametrize("door", DOORS[1:])
def test_a_dataset_has_no_files_to_leave_out(
    door: Door, runs: xr.Dataset, tmp_path: Path
) -> None:
    with pytest.raises(InvalidValueError, match="names files of a study"):
        door(runs, tmp_path / "out", without=["shard-1.h5"])


@pytest.mark.parametrize("door", DOORS[1:])
@pytest.mark.parametrize("values", [[1j, 2j], [np.datetime64("2000-01-01", "ns")] * 2])
def test_numbers_that_no_file_holds(door: Door, values: Any, tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match="only numbers and text can be written"):
        door(xr.Dataset({"odd": ("run", np.array(values))}), tmp_path / "out")
    mixed = xr.Dataset({"odd": ("run", np.array([1, "one"], dtype=object))})
    with pytest.raises(FormatError, match="'odd' holds numbers and words"):
        door(mixed, tmp_path / "out")


@pytest.mark.parametrize("door", DOORS[1:])
def test_empty_datasets_are_written(door: Door, runs: xr.Dataset, tmp_path: Path) -> None:
    for number, each in enumerate([xr.Dataset(), runs.isel(run=[])]):
        assert door(each, tmp_path / f"out-{number}").exists()


@pytest.mark.parametrize("wrong", [None, 3, "runs", [1, 2], {"run": [1]}])
def test_a_grid_of_what_is_no_dataset(wrong: Any) -> None:
    with pytest.raises(InvalidValueError, match="the dataset that open_runs returns"):
        grid_view(wrong)


def test_a_grid_of_no_runs(runs: xr.Dataset) -> None:
    with pytest.raises(InvalidValueError, match="at least one entry on the dimension 'run'"):
        grid_view(runs.isel(run=[]))
    with pytest.raises(InvalidValueError, match="at least one entry on the dimension 'run'"):
        grid_view(grid_view(runs))
    with pytest.raises(FormatError, match="the coordinate 'run_id'"):
        grid_view(runs.drop_vars("run_id"))
    with pytest.raises(FormatError, match="needs the attribute 'phasegrok'"):
        grid_view(runs.drop_attrs(deep=False))


@pytest.mark.parametrize(
    ("dimensions", "message"),
    [
        ("temperature", "must be a list of coordinates"),
        (3, "must be a list of coordinates"),
        (["temperatur", "width"], "Did you mean 'temperature'"),
        (["loss", "width"], "no coordinate 'loss'"),
        (["step", "width"], "no coordinate 'step'"),
        ([["temperature"], "width"], "no coordinate"),
        (["width", "width"], "must be named once"),
        (["width"], "both lie at"),
        ([], "both lie at"),
    ],
)
def test_dimensions_that_make_no_grid(runs: xr.Dataset, dimensions: Any, message: str) -> None:
    with pytest.raises(PhasegrokError, match=message):
        grid_view(runs, dimensions=dimensions)


@pytest.mark.parametrize("options", [{"missing": "nan"}, {"missing": None}, {"missing": True}])
def test_another_word_for_missing(runs: xr.Dataset, options: Any) -> None:
    with pytest.raises(InvalidValueError, match="must be 'refuse' or 'mask'"):
        grid_view(runs, **options)


@pytest.mark.parametrize("most", [None, "4", float("nan"), True, [4]])
def test_a_number_of_cells_that_is_none(runs: xr.Dataset, most: Any) -> None:
    with pytest.raises(InvalidValueError, match="most_cells must be a number"):
        grid_view(runs, most_cells=most)


def test_names_that_a_grid_takes(runs: xr.Dataset) -> None:
    with pytest.raises(InvalidValueError, match="'is_there' is that of a grid's mask"):
        grid_view(runs.assign_coords(is_there=("run", [1, 1, 1, 1])))
    numbered = runs.assign_coords(run=[5, 6, 7, 8])
    assert grid_view(numbered)["run"].values.tolist() == [[5, 6], [7, 8]]
    with pytest.raises(InvalidValueError, match="'run' is a dimension of the runs already"):
        grid_view(numbered, dimensions=["run"])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    points=st.lists(
        st.tuples(
            st.sampled_from([0.1, 0.2, -0.0, 0.0, 1e300]), st.sampled_from(["a", "b", 2, 3.5])
        ),
        min_size=1,
        max_size=7,
    ),
    missing=st.sampled_from(["refuse", "mask"]),
)
def test_any_points_make_a_grid_or_are_refused(
    points: list[tuple[float, Any]], missing: Any, bad: Any
) -> None:
    count = len(points)
    table = {"id": range(count), "temperature": [p[0] for p in points], "width": [4] * count}
    runs = runs_of({**table, "loss": np.arange(1.0, count + 1)})
    words = np.array([p[1] for p in points], dtype=object)
    runs = runs.assign_coords(width=("run", words))
    grid = bad.attempt(lambda: grid_view(runs, missing=missing))
    if grid is not None:
        there = grid["run"].values >= 0
        assert there.sum() == count
        values = grid["loss"].values[..., 0]
        assert values[there].tolist() == (1.0 + grid["run"].values[there]).tolist()
        assert np.isnan(values[~there]).all()
        assert missing == "mask" or there.all()
