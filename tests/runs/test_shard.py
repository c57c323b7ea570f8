"""Shards: bit for bit what was given, whole or not at all."""

import errno
import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import FormatError, StorageError
from phasegrok.runs import disk, write_shard
from phasegrok.runs.shard import checksum
from phasegrok.runs.verification import corrupted

MakeDataset = Callable[..., xr.Dataset]


def assert_same_bits(actual: xr.DataArray, expected: xr.DataArray) -> None:
    if expected.dtype.kind == "O":
        assert actual.values.astype(object).tolist() == expected.values.tolist()
    else:
        assert actual.dtype == expected.dtype
        assert actual.values.tobytes() == expected.values.tobytes()


def test_xarray_reads_back_every_bit(tmp_path: Path, make_dataset: MakeDataset) -> None:
    dataset = make_dataset(record_count=[5, 5, 3, 5, 0, 5])
    with xr.open_dataset(write_shard(tmp_path, dataset), engine="h5netcdf") as read:
        assert set(read.data_vars) == set(dataset.data_vars)
        assert set(read.coords) == set(dataset.coords)
        for name in set(dataset.variables) - {"step", "time"}:
            assert_same_bits(read[name], dataset[name])
            assert read[name].dims == dataset[name].dims
        for name in dataset.data_vars:
            assert read[name].attrs == dataset[name].attrs


def test_nan_payloads_and_signed_zeros_survive(
    tmp_path: Path, make_dataset: MakeDataset
) -> None:
    dataset = make_dataset(record_count=[5, 5, 5, 5, 5, 4])
    dataset["loss"].values[0, 0] = -0.0
    dataset["loss"].values[5, 4] = np.array([0x7FF8000000000123], dtype=np.uint64).view(float)[
        0
    ]
    with h5py.File(write_shard(tmp_path, dataset)) as file:
        assert file["loss"][...].tobytes() == dataset["loss"].values.tobytes()


def test_plain_h5py_reads_it(tmp_path: Path, make_dataset: MakeDataset) -> None:
    dataset = make_dataset()
    with h5py.File(write_shard(tmp_path, dataset)) as file:
        assert file["run_id"].asstr()[...].tolist() == dataset["run_id"].values.tolist()
        np.testing.assert_array_equal(file["temperature"][...], dataset["temperature"].values)
        assert file["loss"].dims[1][0].name == "/record"
        assert file["overlap"].attrs["symmetry"] == "sign"
        stored = json.loads(file.attrs["phasegrok"])
    given = json.loads(dataset.attrs["phasegrok"])
    assert {key: stored[key] for key in given if key != "checksum"} | {
        "checksum": given["checksum"]
    } == given
    assert stored["contents"]["overlap"][:3] == [
        ["run", "record", "neuron"],
        [6, 5, 4],
        "float32",
    ]


def test_steps_are_stored_once_where_all_runs_agree(
    tmp_path: Path, make_dataset: MakeDataset
) -> None:
    early = make_dataset(record_count=[3, 5, 5, 5, 5, 5])
    with h5py.File(write_shard(tmp_path / "a", early)) as file:
        assert file["step"][...].tolist() == [0, 10, 20, 30, 40]
    all_early = make_dataset(record_count=[3, 2, 1, 0, 1, 1])
    with h5py.File(write_shard(tmp_path / "b", all_early)) as file:
        assert file["step"][...].tolist() == [0, 10, 20, -1, -1]
        np.testing.assert_array_equal(file["time"][...], [0.0, 0.1, 0.2, np.nan, np.nan])


def test_steps_that_were_only_planned_are_not_stored(
    tmp_path: Path, make_dataset: MakeDataset
) -> None:
    dataset = make_dataset(record_count=[3, 2, 1, 0, 1, 1])
    dataset["step"].values[:] = 10 * np.arange(5)
    with h5py.File(write_shard(tmp_path, dataset)) as file:
        assert file["step"][...].tolist() == [0, 10, 20, -1, -1]


def test_steps_are_stored_per_run_where_one_differs(
    tmp_path: Path, make_dataset: MakeDataset
) -> None:
    dataset = make_dataset()
    dataset["time"].values[2, 3] += 1e-15
    with h5py.File(write_shard(tmp_path, dataset)) as file:
        assert file["step"].shape == (5,)
        assert file["time"][...].tobytes() == dataset["time"].values.tobytes()


def test_states_lie_in_a_group_of_their_own(
    tmp_path: Path, make_dataset: MakeDataset, make_states: MakeDataset
) -> None:
    dataset = make_dataset()
    states = make_states(dataset)
    path = write_shard(tmp_path, dataset, states)
    with xr.open_dataset(path, engine="h5netcdf", group="states") as read:
        assert_same_bits(read["parameters"], states["parameters"])
        assert read.attrs["layout"] == states.attrs["layout"]


def test_refuses_states_of_other_runs(
    tmp_path: Path, make_dataset: MakeDataset, make_states: MakeDataset
) -> None:
    with pytest.raises(FormatError, match="only runs of their dataset"):
        write_shard(tmp_path, make_dataset(), make_states(make_dataset(first=3)))
    assert list(tmp_path.iterdir()) == []


def test_the_name_depends_on_the_runs_and_not_on_their_order(
    tmp_path: Path, make_dataset: MakeDataset
) -> None:
    dataset = make_dataset()
    first = write_shard(tmp_path / "a", dataset)
    second = write_shard(tmp_path / "b", dataset.isel(run=slice(None, None, -1)))
    other = write_shard(tmp_path / "a", make_dataset(first=6))
    assert first.name == second.name != other.name


def test_never_overwrites(tmp_path: Path, make_dataset: MakeDataset) -> None:
    path = write_shard(tmp_path, make_dataset())
    before = path.read_bytes()
    with pytest.raises(FormatError, match="never overwritten"):
        write_shard(tmp_path, make_dataset(records=7))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_never_overwrites_without_links(
    tmp_path: Path, make_dataset: MakeDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", no_links)
    path = write_shard(tmp_path, make_dataset())
    with pytest.raises(FormatError, match="never overwritten"):
        write_shard(tmp_path, make_dataset())
    assert list(tmp_path.iterdir()) == [path]


def test_refuses_what_breaches_the_schema(tmp_path: Path, make_dataset: MakeDataset) -> None:
    broken = make_dataset().drop_vars(["replica", "outcome"])
    with pytest.raises(FormatError, match=r"(?s)'replica'.*'outcome'"):
        write_shard(tmp_path, broken)
    assert list(tmp_path.iterdir()) == []


def test_takes_at_most_a_fifth_more_than_the_numbers(
    tmp_path: Path, make_dataset: MakeDataset
) -> None:
    dataset = make_dataset(runs=64, records=100, width=32)
    numbers = sum(variable.nbytes for variable in dataset.data_vars.values())
    numbers += dataset["step"].nbytes // 64 + dataset["time"].nbytes // 64
    assert numbers > 2**19
    assert write_shard(tmp_path, dataset).stat().st_size < 1.2 * numbers


def test_is_of_the_oldest_file_version(tmp_path: Path, make_dataset: MakeDataset) -> None:
    with h5py.File(write_shard(tmp_path, make_dataset())) as file:
        assert file.id.get_create_plist().get_version()[0] == 0


def test_does_not_change_what_it_is_given(tmp_path: Path, make_dataset: MakeDataset) -> None:
    dataset = make_dataset()
    before = dataset.copy(deep=True)
    write_shard(tmp_path, dataset)
    xr.testing.assert_identical(dataset, before)


def test_long_descriptions_fit(tmp_path: Path, make_dataset: MakeDataset) -> None:
    dataset = make_dataset(changes={"provenance": {"source": "x" * 300_000}})
    with h5py.File(write_shard(tmp_path, dataset)) as file:
        assert len(json.loads(file.attrs["phasegrok"])["provenance"]["source"]) == 300_000


def test_a_flipped_bit_breaks_one_checksum(
    tmp_path: Path, make_dataset: MakeDataset, make_states: MakeDataset
) -> None:
    dataset = make_dataset()
    path = write_shard(tmp_path, dataset, make_states(dataset))
    assert corrupted(path) == []
    with h5py.File(path) as file:
        places = {name: file[name].id.get_offset() for name in ("loss", "states/parameters")}
    for name, place in places.items():
        content = bytearray(path.read_bytes())
        content[place + 3] ^= 1
        path.write_bytes(content)
        assert name in corrupted(path)
    assert len(corrupted(path)) == 2


def test_checksums_ignore_memory_layout() -> None:
    values = np.arange(12.0).reshape(3, 4)
    assert checksum(np.asfortranarray(values)) == checksum(values)
    assert checksum(values.astype(">f8")) == checksum(values)
    assert checksum(-values) != checksum(values)


WRITER = """
import os, pickle, resource, signal, sys
from pathlib import Path
from phasegrok.runs import write_shard
folder, pickled, moment = sys.argv[1:]
dataset = pickle.loads(Path(pickled).read_bytes())
def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)
if moment == "limit":
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
else:
    setattr(os, moment, kill)
write_shard(folder, dataset)
"""


def run_writer(
    folder: Path, dataset: xr.Dataset, moment: str, scratch: Path
) -> subprocess.CompletedProcess[str]:
    pickled = scratch / "dataset.pickle"
    pickled.write_bytes(pickle.dumps(dataset))
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", WRITER, str(folder), str(pickled), moment],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("moment", ["fsync", "link"])
def test_a_kill_leaves_no_shard(tmp_path: Path, make_dataset: MakeDataset, moment: str) -> None:
    folder = tmp_path / "study"
    older = write_shard(folder, make_dataset())
    killed = run_writer(folder, make_dataset(first=6), moment, tmp_path)
    assert killed.returncode == -signal.SIGKILL
    assert list(folder.glob("shard-*")) == [older]
    assert len(disk.partial_files(folder)) == 1
    assert corrupted(older) == []


def test_a_kill_after_the_name_was_given_leaves_a_whole_shard(
    tmp_path: Path, make_dataset: MakeDataset
) -> None:
    folder = tmp_path / "study"
    killed = run_writer(folder, make_dataset(), "unlink", tmp_path)
    assert killed.returncode == -signal.SIGKILL
    (shard,) = folder.glob("shard-*")
    for path in disk.partial_files(folder):
        path.unlink()
    assert corrupted(shard) == []


def test_a_full_disk_leaves_nothing_and_says_so(
    tmp_path: Path, make_dataset: MakeDataset
) -> None:
    folder = tmp_path / "study"
    older = write_shard(folder, make_dataset())
    failed = run_writer(folder, make_dataset(first=6, records=50), "limit", tmp_path)
    assert failed.returncode == 1
    last = failed.stderr.strip().splitlines()[-1]
    assert "StorageError" in last
    assert "raise it (ulimit -f). Finished shards stay valid." in last
    assert list(folder.iterdir()) == [older]
    assert corrupted(older) == []


@pytest.mark.parametrize(
    ("number", "advice"),
    [(errno.ENOSPC, "disk is full: free some space"), (errno.EROFS, "choose another folder")],
)
def test_a_failing_disk_is_told_in_words(
    tmp_path: Path,
    make_dataset: MakeDataset,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    advice: str,
) -> None:
    def fail(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageError, match=advice) as raised:
        write_shard(tmp_path, make_dataset())
    assert raised.value.errno == number
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_place_of_the_folder_is_told_in_words(
    tmp_path: Path, make_dataset: MakeDataset
) -> None:
    (tmp_path / "study").write_text("in the way")
    with pytest.raises(StorageError, match="A file stands where a folder is needed"):
        write_shard(tmp_path / "study", make_dataset())
