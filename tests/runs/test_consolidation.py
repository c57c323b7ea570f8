"""One file of a study: what it gives is what the study gives, and it is whole or not there."""

import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import FormatError, InvalidValueError, StorageError
from phasegrok.runs import (
    StudyFolder,
    attribute_of,
    consolidate,
    open_runs,
    open_tree,
    pooled,
    states,
    validate,
    write_shard,
)
from phasegrok.runs import layout as layout_module
from phasegrok.runs.layout import SparseFile
from phasegrok.runs.verification import corrupted

MakeDataset = Callable[..., xr.Dataset]


@pytest.fixture
def folder(tmp_path: Path, make_dataset: MakeDataset, make_study: Callable[..., Any]) -> Path:
    path = tmp_path / "study"
    StudyFolder.create(path, make_study())
    write_shard(path, make_dataset(first=0, record_count=[5, 5, 2, 5, 5, 5]))
    write_shard(path, make_dataset(first=6, records=3))
    write_shard(path, make_dataset(first=12))
    return path


@pytest.fixture
def mixed(folder: Path, make_dataset: MakeDataset) -> Path:
    """Two widths, and a variable that one shard lacks."""
    write_shard(folder, make_dataset(first=18, width=7, records=4))
    write_shard(folder, make_dataset(first=24, width=7).drop_vars("rung"))
    return folder


def same(one: xr.Dataset, other: xr.Dataset) -> None:
    assert list(one.variables) == list(other.variables)
    assert list(one.coords) == list(other.coords)
    for name in one.variables:
        assert one[name].dtype == other[name].dtype
    assert one.attrs == other.attrs
    xr.testing.assert_identical(one.load(), other.load())


def test_one_file_gives_what_the_study_gives(folder: Path, tmp_path: Path) -> None:
    target = consolidate(folder, tmp_path / "study.nc")
    same(open_runs(target), open_runs(folder))
    same(open_runs(target, origin=True), open_runs(folder, origin=True))
    assert validate(open_runs(target)) == []
    assert corrupted(target) == []
    for name in open_tree(folder).children:
        same(open_tree(target)[name].to_dataset(), open_tree(folder)[name].to_dataset())


def test_what_the_flat_view_leaves_out_is_there_too(mixed: Path, tmp_path: Path) -> None:
    target = consolidate(mixed, tmp_path / "study.nc")
    assert {*attribute_of(open_runs(mixed))["left_out"]} == {"overlap", "rung"}
    same(open_runs(target), open_runs(mixed))
    given, found = open_tree(mixed), open_tree(target)
    assert {*given.children} == {*found.children} == {"neuron=4", "neuron=7", "neuron=7-2"}
    for name in given.children:
        one, other = found[name].to_dataset(), given[name].to_dataset()
        xr.testing.assert_identical(one.load(), other.load())
    assert found["neuron=7-2"].sizes["record"] == 4
    xr.testing.assert_identical(
        pooled(target, "overlap").load(), pooled(mixed, "overlap").load()
    )
    with pytest.raises(FormatError, match="Did you mean 'overlap'"):
        pooled(target, "overlaps")


def test_shards_without_a_record_keep_their_runs(
    folder: Path, tmp_path: Path, make_dataset: MakeDataset
) -> None:
    empty = make_dataset(first=18, runs=2, record_count=[0, 0], width=9)
    write_shard(folder, empty)
    target = consolidate(folder, tmp_path / "study.nc")
    same(open_runs(target), open_runs(folder))


def test_plain_xarray_reads_it(mixed: Path, tmp_path: Path) -> None:
    target = consolidate(mixed, tmp_path / "study.nc")
    runs = open_runs(mixed, origin=True).load()
    with xr.open_dataset(target, engine="h5netcdf") as plain:
        xr.testing.assert_equal(plain.load(), runs)
        assert {*plain.coords} == {*runs.coords}
        assert plain["loss"].attrs == runs["loss"].attrs
    with xr.open_datatree(target, engine="h5netcdf") as tree:
        node = tree.children["neuron=7-2"].to_dataset(inherit=False).load()
    narrow = runs.isel(run=node["run"].values)
    assert set(narrow["width"].values) == {7}
    assert node["run_id"].values.tolist() == narrow["run_id"].values.tolist()
    expected = open_tree(mixed).children["neuron=7-2"].to_dataset()["overlap"].values
    assert node["overlap"].dims == ("member", "record", "neuron")
    assert node["overlap"].values[:, :4].tobytes() == expected.tobytes()
    assert np.isnan(node["overlap"].values[:, 4:]).all()  # Filled to the common axis.


def test_the_netcdf_library_reads_it(mixed: Path, tmp_path: Path) -> None:
    netcdf = pytest.importorskip("netCDF4")
    target = consolidate(mixed, tmp_path / "study.nc")
    runs = open_runs(mixed).load()
    with netcdf.Dataset(target) as file:
        assert file["loss"].dimensions == ("run", "record")
        assert np.ma.getdata(file["loss"][...]).tobytes() == runs["loss"].values.tobytes()
        assert file["outcome"][...].tolist() == runs["outcome"].values.tolist()
        assert {*file.groups} == {"neuron=4", "neuron=7", "neuron=7-2"}
    with xr.open_dataset(target, engine="netcdf4") as plain:
        xr.testing.assert_equal(plain.drop_vars("origin").load(), runs)


def test_weights_come_along(
    tmp_path: Path, make_dataset: MakeDataset, make_states: MakeDataset
) -> None:
    first, second = make_dataset(first=0), make_dataset(first=6)
    write_shard(tmp_path / "study", first, make_states(first))
    write_shard(tmp_path / "study", second, make_states(second.isel(run=[0, 3])))
    target = consolidate(tmp_path / "study", tmp_path / "study.nc")
    assert states(target).sizes["run"] == 8
    same(states(target), states(tmp_path / "study"))
    with xr.open_datatree(target, engine="h5netcdf") as tree:
        assert tree["states/parameters"].shape == (8, 2, 12)
    write_shard(
        tmp_path / "study", make_dataset(first=12), make_states(make_dataset(first=12), 9)
    )
    both = consolidate(tmp_path / "study", tmp_path / "both.nc")
    with xr.open_datatree(both, engine="h5netcdf") as tree:
        assert {tree[f"states-{n}/parameters"].shape for n in (1, 2)} == {(8, 2, 12), (6, 2, 9)}
    with pytest.raises(FormatError, match="weights of 2 sizes"):
        states(both)


def test_origin_tells_the_shard_of_each_run(folder: Path, tmp_path: Path) -> None:
    for path in (folder, consolidate(folder, tmp_path / "study.nc")):
        runs = open_runs(path, origin=True)
        shards = attribute_of(runs)["shards"]
        assert [each["runs"] for each in shards] == [6, 6, 6]
        for number, each in enumerate(shards):
            mine = runs["run_id"].values[runs["origin"].values == number]
            assert {*mine} == {*open_runs(folder / each["file"])["run_id"].values}
            assert "wall_seconds" in each["provenance"]
        assert "origin" not in open_runs(path).coords


def test_something_else_called_origin_is_refused(
    tmp_path: Path, make_dataset: MakeDataset
) -> None:
    taken = make_dataset().assign_coords(origin=("run", np.arange(6)))
    write_shard(tmp_path / "study", taken)
    assert open_runs(tmp_path / "study")["origin"].values.tolist() == list(range(6))
    with pytest.raises(FormatError, match="have 'origin' already"):
        consolidate(tmp_path / "study", tmp_path / "study.nc")


def test_a_lone_shard_makes_a_file_too(folder: Path, tmp_path: Path) -> None:
    shard = StudyFolder.open(folder).shards()[0]
    target = consolidate(shard, tmp_path / "one.nc")
    same(open_runs(target), open_runs(shard))
    with pytest.raises(FormatError, match="already; copy it"):
        consolidate(target, tmp_path / "two.nc")


def test_files_may_be_left_out(folder: Path, tmp_path: Path) -> None:
    names = [path.name for path in StudyFolder.open(folder).shards()]
    target = consolidate(folder, tmp_path / "some.nc", without=names[:1])
    same(open_runs(target), open_runs(folder, without=names[:1]))


def test_two_makings_are_the_same_file(mixed: Path, tmp_path: Path) -> None:
    one, other = (consolidate(mixed, tmp_path / name) for name in ("one.nc", "other.nc"))
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("block", [1, 300, 1 << 25])
def test_blocks_of_any_length_give_the_same_file(
    mixed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    whole = consolidate(mixed, tmp_path / "whole.nc").read_bytes()
    monkeypatch.setattr(layout_module, "_BLOCK", block)
    assert consolidate(mixed, tmp_path / "blocks.nc").read_bytes() == whole


def test_memory_holds_a_block(
    tmp_path: Path, make_dataset: MakeDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    for first in range(40):
        write_shard(
            tmp_path / "study", make_dataset(first=first, runs=1, records=100, width=1000)
        )
    consolidate(tmp_path / "study", tmp_path / "warm.nc")
    monkeypatch.setattr(layout_module, "_BLOCK", 1 << 18)
    tracemalloc.start()
    target = consolidate(tmp_path / "study", tmp_path / "study.nc")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    size = target.stat().st_size
    assert size > 14e6
    assert peak < size / 4, f"{peak / 2**20:.1f} MB for a file of {size / 2**20:.1f} MB"


def test_nothing_is_overwritten_unasked(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "study.nc"
    xr.Dataset({"mine": 1}).to_netcdf(target, engine="h5netcdf")
    before = target.read_bytes()
    with pytest.raises(
        InvalidValueError, match=r"is there already, .* overwrite=True \(--overwrite on"
    ):
        consolidate(folder, target)
    assert target.read_bytes() == before
    same(open_runs(consolidate(folder, target, overwrite=True)), open_runs(folder))


def test_a_file_that_appears_meanwhile_is_not_overwritten(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "study.nc"

    def meanwhile(*given: Any) -> None:
        target.write_text("theirs")
        layout_module.stream(*given)

    monkeypatch.setattr("phasegrok.runs.consolidation.stream", meanwhile)
    with pytest.raises(InvalidValueError, match="is there already"):
        consolidate(folder, target)
    assert target.read_text() == "theirs"


def test_a_flipped_bit_is_not_sealed(folder: Path, tmp_path: Path) -> None:
    shard = StudyFolder.open(folder).shards()[1]
    with h5py.File(shard, "r+") as file:
        file["loss"][0, 0] += 1.0
    with pytest.raises(FormatError, match=r"checksums of loss do not hold"):
        consolidate(folder, tmp_path / "study.nc")
    assert {*tmp_path.iterdir()} == {folder}


LIMITED = """
import resource, sys
from phasegrok.runs import consolidate
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
consolidate(sys.argv[1], sys.argv[2], overwrite=True)
"""


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_full_disk_leaves_nothing_and_says_so(
    folder: Path, tmp_path: Path, share: float
) -> None:
    target = tmp_path / "out" / "study.nc"
    size = consolidate(folder, target).stat().st_size
    before = target.read_bytes()
    failed = subprocess.run(
        [sys.executable, "-W", "error", "-c", LIMITED, folder, target, str(int(size * share))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert failed.returncode == 1, failed.stderr
    assert "StorageError" in failed.stderr.strip().splitlines()[-1]
    assert list(target.parent.iterdir()) == [target]
    assert target.read_bytes() == before


def test_a_write_that_fails_midway_leaves_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageError, match="disk is full: free some space"):
        consolidate(folder, tmp_path / "study.nc")
    assert {*tmp_path.iterdir()} == {folder}


def test_a_control_of_numbers_and_words_is_refused(
    tmp_path: Path, make_dataset: MakeDataset
) -> None:
    numbers = make_dataset(first=0)
    words = make_dataset(first=6)
    words = words.assign_coords(temperature=("run", np.array(["warm"] * 6, dtype=object)))
    for each in (numbers, words):
        write_shard(tmp_path / "study", each)
    with pytest.raises(FormatError, match="'temperature' holds numbers and words"):
        consolidate(tmp_path / "study", tmp_path / "study.nc")


def test_what_differs_within_a_shape_would_be_lost(
    tmp_path: Path, make_dataset: MakeDataset
) -> None:
    for first in (0, 6):
        labelled = make_dataset(first=first).assign_coords(neuron=first + np.arange(4))
        write_shard(tmp_path / "study", labelled)
    with pytest.raises(FormatError, match=r"\['neuron'\] differ between runs of one shape"):
        consolidate(tmp_path / "study", tmp_path / "study.nc")


def test_a_sparse_file_is_a_file() -> None:
    generator = np.random.default_rng(5)
    sparse, plain = SparseFile(), bytearray(400_000)
    for _ in range(200):
        place = int(generator.integers(0, 300_000))
        piece = generator.bytes(int(generator.integers(0, 100_000)))[: 400_000 - place]
        sparse.seek(place)
        assert sparse.write(piece) == len(piece)
        plain[place : place + len(piece)] = piece
        place = int(generator.integers(0, 300_000))
        sparse.seek(place)
        found = bytearray(70_000)
        assert sparse.readinto(found) == 70_000
        assert found == plain[place : place + 70_000]
    sparse.seek(0, os.SEEK_END)
    assert sparse.tell() == sparse.length <= 400_000
