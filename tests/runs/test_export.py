"""Exports: what other programs read back is what was there, to the bit."""

import importlib.util
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import InvalidValueError, MissingDependencyError, StorageError
from phasegrok.runs import export as export_module
from phasegrok.runs import (
    export_netcdf,
    export_zarr,
    grid_view,
    open_runs,
    open_tree,
    write_shard,
)

MakeDataset = Callable[..., xr.Dataset]
needs_zarr = pytest.mark.skipif(
    importlib.util.find_spec("zarr") is None, reason="zarr is not installed"
)


@pytest.fixture
def folder(tmp_path: Path, make_dataset: MakeDataset) -> Path:
    path = tmp_path / "study"
    write_shard(path, make_dataset(first=0, record_count=[5, 5, 2, 5, 0, 5]))
    write_shard(path, make_dataset(first=6))
    return path


@pytest.fixture
def mixed(folder: Path, make_dataset: MakeDataset) -> Path:
    write_shard(folder, make_dataset(first=12, width=7))
    return folder


@pytest.fixture
def grid(folder: Path) -> xr.Dataset:
    """Temperature and disorder, with empty cells."""
    runs = open_runs(folder)
    return grid_view(runs, missing="mask", most_cells=9)


def same(found: xr.Dataset, given: xr.Dataset) -> None:
    """Equal in every value, coordinate and attribute; text may be of another type."""
    given = given.load()
    assert {*found.coords} == {*given.coords}
    assert found.attrs == given.attrs
    for name, each in given.variables.items():
        assert found[name].dims == each.dims
        assert found[name].attrs == each.attrs
        if each.dtype.kind == "O":
            assert found[name].values.tolist() == each.values.tolist()
        else:
            assert found[name].dtype == each.dtype
            assert found[name].values.tobytes() == each.values.tobytes()


def numbers(grid: xr.Dataset) -> xr.Dataset:
    return grid.assign_coords(is_there=grid["is_there"].astype(np.int8))


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
def test_netcdf_of_a_flat_view(folder: Path, tmp_path: Path, engine: Any) -> None:
    if engine == "netcdf4":
        pytest.importorskip("netCDF4")
    chosen = open_runs(folder).isel(run=slice(1, 9, 2))
    target = export_netcdf(chosen, tmp_path / "some.nc")
    with xr.open_dataset(target, engine=engine) as found:
        text = found.attrs.pop("phasegrok")
        same(found, chosen.drop_attrs(deep=False))
        assert '"contents"' in text
    same(open_runs(target).drop_attrs(deep=False), chosen.drop_attrs(deep=False))


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
def test_netcdf_of_a_grid(grid: xr.Dataset, tmp_path: Path, engine: Any) -> None:
    if engine == "netcdf4":
        pytest.importorskip("netCDF4")
    target = export_netcdf(grid, tmp_path / "grid.nc")
    with xr.open_dataset(target, engine=engine) as found:
        same(found, numbers(grid))
        assert (
            (found["outcome"].values == "missing").sum() == (grid["run"].values < 0).sum() > 0
        )


def test_netcdf_of_a_study_is_its_consolidation(mixed: Path, tmp_path: Path) -> None:
    target = export_netcdf(mixed, tmp_path / "study.nc")
    xr.testing.assert_identical(open_runs(target).load(), open_runs(mixed).load())
    assert {*open_tree(target).children} == {"neuron=4", "neuron=7"}


@needs_zarr
def test_zarr_of_a_flat_view(folder: Path, tmp_path: Path) -> None:
    runs = open_runs(folder)
    with xr.open_zarr(export_zarr(runs, tmp_path / "a.zarr"), consolidated=False) as found:
        same(found, runs)


@needs_zarr
def test_zarr_of_a_grid(grid: xr.Dataset, tmp_path: Path) -> None:
    with xr.open_zarr(export_zarr(grid, tmp_path / "a.zarr"), consolidated=False) as found:
        same(found, numbers(grid))


@needs_zarr
@pytest.mark.parametrize("block", [1, 300, 1 << 25])
def test_zarr_of_a_study_in_blocks(
    mixed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(export_module, "_BLOCK", block)
    target = export_zarr(mixed, tmp_path / "a.zarr")
    with xr.open_zarr(target, consolidated=False) as found:
        same(found, open_runs(mixed, origin=True))
    with xr.open_datatree(target, engine="zarr", consolidated=False) as tree:
        assert {*tree.children} == {"neuron=4", "neuron=7"}
        node = tree.children["neuron=7"].to_dataset(inherit=False)
        given = open_tree(mixed).children["neuron=7"].to_dataset()
        assert node["overlap"].values.tobytes() == given["overlap"].values.tobytes()
        assert node["run_id"].values.tolist() == given["run_id"].values.tolist()


@needs_zarr
def test_a_store_is_replaced_only_where_it_is_asked(folder: Path, tmp_path: Path) -> None:
    target = export_zarr(open_runs(folder).isel(run=[0]), tmp_path / "a.zarr")
    with pytest.raises(InvalidValueError, match=r"is there already, .* overwrite=True"):
        export_zarr(folder, target)
    export_zarr(folder, target, overwrite=True)
    with xr.open_zarr(target, consolidated=False) as found:
        assert found.sizes["run"] == 12
    assert {*tmp_path.iterdir()} == {folder, target}
    with pytest.raises(InvalidValueError, match="a folder with other things in it"):
        export_zarr(open_runs(folder), folder, overwrite=True)
    (target / "notes.txt").write_text("mine")
    with pytest.raises(InvalidValueError, match="a folder with other things in it"):
        export_zarr(folder, target, overwrite=True)
    assert (target / "notes.txt").read_text() == "mine"


@needs_zarr
def test_one_format_does_not_replace_the_other(folder: Path, tmp_path: Path) -> None:
    file = export_netcdf(folder, tmp_path / "a.nc")
    store = export_zarr(folder, tmp_path / "a.zarr")
    before = file.read_bytes()
    with pytest.raises(InvalidValueError, match="is no Zarr store"):
        export_zarr(folder, file, overwrite=True)
    with pytest.raises(InvalidValueError, match="a folder with other things in it"):
        export_netcdf(folder, store, overwrite=True)
    assert file.read_bytes() == before
    assert {*tmp_path.iterdir()} == {folder, file, store}


@needs_zarr
@pytest.mark.parametrize("consolidated", [None, True, False])
def test_xarray_opens_a_store_without_a_warning(
    mixed: Path, tmp_path: Path, consolidated: bool | None
) -> None:
    target = export_zarr(mixed, tmp_path / "a.zarr")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with xr.open_zarr(target, consolidated=consolidated) as found:
            assert found["loss"].values.tobytes() == open_runs(mixed)["loss"].values.tobytes()
        with xr.open_zarr(target, group="neuron=7", consolidated=consolidated) as node:
            assert node.sizes["member"] == 6
        with xr.open_datatree(target, engine="zarr") as tree:
            assert {*tree.children} == {"neuron=4", "neuron=7"}


LIMITED = """
import resource, sys
from phasegrok.runs import export_zarr
resource.setrlimit(resource.RLIMIT_FSIZE, (700, 700))
export_zarr(sys.argv[1], sys.argv[2])
"""


@needs_zarr
def test_a_full_disk_leaves_no_store(folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", LIMITED, str(folder), str(tmp_path / "a.zarr")]
    failed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert StorageError.__name__ in failed.stderr.strip().splitlines()[-1]
    assert list(tmp_path.iterdir()) == [folder]


def test_without_zarr_the_command_to_install_it_is_told(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'phasegrok\[export\]'"):
        export_zarr(folder, tmp_path / "a.zarr")
