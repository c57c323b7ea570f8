"""The grid view: the same numbers as the flat view in every cell, and no cell made up."""

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import phasegrok
from phasegrok.errors import FormatError
from phasegrok.runs import StudyFolder, grid_view, open_runs, open_tree, write_shard
from phasegrok.runs.reading import opened

MakeDataset = Callable[..., xr.Dataset]
LABELS = ("temperature", "disorder", "replica")
SIZES = {"temperature": 2, "disorder": 3, "replica": 2}


def on_grid(dataset: xr.Dataset, first: int = 0) -> xr.Dataset:
    """Lay the labels of runs on a grid of 2 x 3 x 2."""
    labels = np.arange(first, first + dataset.sizes["run"])
    temperature = 0.1 + 0.1 * (labels // 6)
    return dataset.assign_coords(
        temperature=("run", temperature),
        disorder=("run", (labels // 2) % 3),
        replica=("run", labels % 2),
        noise_variance=("run", 20 * temperature),
        weight_decay_first=("run", temperature * (1 + (labels // 2) % 3)),
    )


@pytest.fixture
def make_grid(make_dataset: MakeDataset) -> Callable[..., xr.Dataset]:
    def make(first: int, runs: int, **options: Any) -> xr.Dataset:
        return on_grid(make_dataset(first=first, runs=runs, **options), first)

    return make


@pytest.fixture
def folder(
    tmp_path: Path, make_grid: Callable[..., xr.Dataset], make_study: Callable[..., Any]
) -> Path:
    path = tmp_path / "study"
    StudyFolder.create(path, make_study())
    for first, runs in ((0, 5), (5, 4), (9, 3)):
        counts = [5] * (runs - 1) + [3]
        write_shard(path, make_grid(first, runs, record_count=counts))
    return path


@pytest.fixture
def runs(folder: Path) -> xr.Dataset:
    return open_runs(folder)


def cells(grid: xr.Dataset) -> Any:
    names = [name for name in LABELS if name in grid.dims]
    for values in product(*(grid[name].values.tolist() for name in names)):
        yield dict(zip(names, values, strict=True))


def run_at(runs: xr.Dataset, cell: dict[str, Any]) -> xr.Dataset:
    here = np.logical_and.reduce([runs[name].values == value for name, value in cell.items()])
    (index,) = np.flatnonzero(here)
    return runs.isel(run=int(index))


def same(one: xr.DataArray, other: xr.DataArray) -> None:
    assert one.dtype == other.dtype
    assert one.dims == other.dims
    assert one.attrs == other.attrs
    if one.dtype.kind == "O":
        assert one.values.tolist() == other.values.tolist()
    else:
        assert one.values.tobytes() == other.values.tobytes()


def test_every_cell_holds_the_numbers_of_its_run(runs: xr.Dataset) -> None:
    grid = grid_view(runs)
    assert {name: grid.sizes[name] for name in SIZES} == SIZES
    assert grid["overlap"].dims == (*LABELS, "record", "neuron")
    for cell in cells(grid):
        one, here = run_at(runs, cell), grid.sel(cell)
        for name in runs.data_vars:
            same(here[name], one[name])
        for name in ("run_id", "outcome", "record_count", "noise_variance", "start"):
            same(here[name], one[name])


def test_the_dimensions_are_in_the_order_of_the_plan(runs: xr.Dataset) -> None:
    assert tuple(grid_view(runs)["gradient_count"].dims) == LABELS
    chosen = grid_view(runs, dimensions=["replica", "temperature", "disorder"])
    assert chosen["gradient_count"].dims == ("replica", "temperature", "disorder")


def test_the_order_of_runs_and_of_dimensions_changes_no_cell(runs: xr.Dataset) -> None:
    grid = grid_view(runs)
    shuffled = runs.isel(run=np.random.default_rng(3).permutation(12))
    turned = grid_view(runs, dimensions=["replica", "temperature", "disorder"])
    for name in ("overlap", "gradient_count", "outcome"):
        same(grid_view(shuffled)[name].drop_vars("run"), grid[name].drop_vars("run"))
        whole = turned[name].load().transpose(*grid[name].dims)
        same(whole, grid[name])


def test_a_selection_is_that_of_the_flat_view(runs: xr.Dataset) -> None:
    grid = grid_view(runs)["overlap"]
    chosen = grid.sel(temperature=0.2, replica=[1, 0]).isel(record=slice(None, None, -2))
    whole = grid.copy(deep=True).load()
    expected = whole.sel(temperature=0.2, replica=[1, 0]).isel(record=slice(None, None, -2))
    xr.testing.assert_identical(chosen, expected)
    points = {
        "disorder": xr.DataArray([2, 0], dims="p"),
        "replica": xr.DataArray([0, 1], dims="p"),
    }
    xr.testing.assert_identical(grid.isel(points), whole.isel(points))
    assert float(grid[1, 2, 0, 1, 3]) == float(whole.values[1, 2, 0, 1, 3])


def test_what_follows_from_dimensions_lies_on_them_alone(runs: xr.Dataset) -> None:
    grid = grid_view(runs)
    assert grid["noise_variance"].dims == ("temperature",)
    assert grid["noise_variance"].values.tolist() == [20 * 0.1, 20 * 0.2]
    assert grid["weight_decay_first"].dims == ("temperature", "disorder")
    assert grid["width"].dims == grid["start"].dims == ()
    assert grid["outcome"].dims == grid["run_id"].dims == LABELS
    assert grid["step"].dims == ("record",)


def test_axes_of_records_that_differ_lie_on_all_dimensions(runs: xr.Dataset) -> None:
    time = xr.DataArray(np.arange(60.0).reshape(12, 5), dims=("run", "record"))
    grid = grid_view(runs.assign_coords(time=time))
    assert grid["time"].dims == (*LABELS, "record")
    place = int(grid["run"].sel(temperature=0.2, disorder=1, replica=1))
    assert grid["time"].sel(temperature=0.2, disorder=1, replica=1).values.tolist() == (
        time.values[place].tolist()
    )


def test_nothing_is_read_before_it_is_used(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = open_runs(folder)
    seen: list[str] = []

    def noted(path: str) -> Any:
        seen.append(path)
        return opened(path)

    monkeypatch.setattr("phasegrok.runs.lazy.opened", noted)
    grid = grid_view(runs)
    lazily = grid["loss"].sel(temperature=0.1, disorder=0).isel(record=0)
    assert (repr(grid), seen) == (repr(grid), [])
    _ = lazily.values
    assert len(seen) == 1  # Both replicas lie in the first shard.
    _ = grid["loss"].sel(replica=0).values
    assert len(seen) == 1 + 3


def test_run_leads_back_to_the_flat_view(runs: xr.Dataset) -> None:
    grid = grid_view(runs)
    chosen = runs.isel(run=grid["run"].sel(temperature=0.2, disorder=2).values.ravel())
    assert chosen["temperature"].values.tolist() == [0.2, 0.2]
    assert chosen["replica"].values.tolist() == [0, 1]
    back = runs.isel(run=grid["run"].values.ravel())
    xr.testing.assert_identical(back, runs)


def test_cells_without_a_run_are_refused_and_named(runs: xr.Dataset) -> None:
    with pytest.raises(FormatError, match=r"1 of 12 cells .*temperature=0.1, disorder=0, rep"):
        grid_view(runs.isel(run=slice(1, None)))
    with pytest.raises(FormatError, match=r"4 of 12 .* and 1 more\. Collect"):
        grid_view(runs.isel(run=[1, 2, 4, 6, 8, 9, 10, 11]))


def test_a_mask_tells_of_cells_without_a_run(runs: xr.Dataset) -> None:
    kept = [
        0,
        1,
        2,
        4,
        5,
        6,
        7,
        8,
        9,
        10,
        11,
    ]  # Without temperature 0.1, disorder 1, replica 1.
    grid = grid_view(runs.isel(run=kept), missing="mask")
    assert grid["is_there"].dtype == bool
    assert int(grid["is_there"].sum()) == 11
    hole = grid.sel(temperature=0.1, disorder=1, replica=1)
    assert not hole["is_there"]
    assert np.isnan(hole["loss"].values).all()
    assert np.isnan(hole["overlap"].values).all()
    assert hole["overlap"].dtype == np.float32
    assert hole["rung"].values.tolist() == [-1] * 5
    assert hole["gradient_count"].item() == hole["run"].item() == -1
    assert (hole["outcome"].item(), hole["record_count"].item()) == ("missing", 0)
    assert (hole["run_id"].item(), hole["outcome_reason"].item()) == (
        "",
        "no run was made here",
    )
    assert grid["noise_variance"].values.tolist() == [2.0, 4.0]
    for cell in cells(grid):
        if grid["is_there"].sel(cell):
            same(grid["loss"].sel(cell), run_at(runs, cell)["loss"])


def test_a_full_grid_may_be_masked_too(runs: xr.Dataset) -> None:
    assert grid_view(runs, missing="mask")["is_there"].all()
    assert "is_there" not in grid_view(runs).coords


def test_two_runs_in_one_cell_are_refused(runs: xr.Dataset) -> None:
    with pytest.raises(FormatError, match=r"both lie at \(.*They differ in replica"):
        grid_view(runs, dimensions=["temperature", "disorder"])
    one = grid_view(runs.isel(run=runs["replica"].values == 1))
    assert one["gradient_count"].dims == ("temperature", "disorder")
    assert one["replica"].item() == 1


def test_a_scattered_study_is_refused_by_its_memory(runs: xr.Dataset) -> None:
    scattered = runs.assign_coords(temperature=("run", 0.1 + 0.01 * np.arange(12)))
    scattered = scattered.assign_coords(disorder=("run", np.arange(12)))
    with pytest.raises(
        FormatError, match=r"are 288 cells, which take 24\.0 times .*temperature follows from"
    ):
        grid_view(scattered, missing="mask")
    grid = grid_view(scattered, missing="mask", most_cells=24)
    assert int(grid["is_there"].sum()) == 12
    assert grid_view(scattered, dimensions=["disorder"])["temperature"].dims == ("disorder",)


def test_ramps_are_a_dimension_only_where_they_tell_runs_apart(runs: xr.Dataset) -> None:
    follows = runs.assign_coords(rate=("run", 2.0 * runs["temperature"].values))
    assert grid_view(follows)["rate"].dims == ("temperature",)
    ways = np.where(runs["replica"].values == 0, "down", "up").astype(object)
    ramped = runs.assign_coords(direction=("run", ways), replica=("run", np.zeros(12, int)))
    grid = grid_view(ramped)
    assert grid["gradient_count"].dims == ("temperature", "disorder", "direction")
    assert grid["direction"].values.tolist() == ["down", "up"]


def test_walkers_of_a_ladder_have_a_dimension(runs: xr.Dataset) -> None:
    rungs = runs.assign_coords(first_rung=runs["replica"]).drop_vars("replica")
    assert grid_view(rungs)["loss"].dims == ("temperature", "first_rung", "disorder", "record")


def test_a_control_of_numbers_and_words(runs: xr.Dataset) -> None:
    mixed = np.array(
        [0.5 if each == 0.1 else "prior" for each in runs["temperature"].values], object
    )
    grid = grid_view(runs.assign_coords(temperature=("run", mixed)))
    assert grid["temperature"].values.tolist() == [0.5, "prior"]
    same(
        grid["loss"].sel(temperature="prior", disorder=0, replica=0),
        grid_view(runs)["loss"]
        .sel(temperature=0.2, disorder=0, replica=0)
        .assign_coords(temperature="prior"),
    )


def test_a_lone_run_is_a_grid_without_dimensions(runs: xr.Dataset) -> None:
    grid = grid_view(runs.isel(run=[4]))
    assert grid["loss"].dims == ("record",)
    assert grid["loss"].values.tobytes() == runs["loss"].values[4].tobytes()


def test_a_node_of_the_tree_makes_a_grid(
    tmp_path: Path, make_grid: Callable[..., xr.Dataset]
) -> None:
    for width, first in ((4, 0), (6, 12)):
        whole = make_grid(first, 12, width=width)
        labels = on_grid(whole, 0).coords
        write_shard(tmp_path, whole.assign_coords({n: labels[n] for n in (*LABELS,)}))
    tree = open_tree(tmp_path)
    for width in (4, 6):
        node = tree[f"neuron={width}"].to_dataset()
        grid = grid_view(node)
        assert dict(grid["overlap"].sizes) == {**SIZES, "record": 5, "neuron": width}
        flat = grid["overlap"].values.reshape(12, 5, width)
        assert flat.tobytes() == node["overlap"].values[grid["run"].values.ravel()].tobytes()


def test_the_root_gives_it() -> None:
    assert phasegrok.grid_view is grid_view
