"""Every version of the schema that was ever written opens today, with every value."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import DamagedShardError, FormatError, StudyChangedError
from phasegrok.runs import (
    StudyFolder,
    attribute_of,
    attribute_text,
    open_runs,
    open_tree,
    pooled,
    states,
    validate,
    write_shard,
)
from phasegrok.runs.reading import read_shard
from phasegrok.runs.versions import ATTRIBUTE_LIFTS, DESCRIPTION_LIFTS, sealed, unsealed
from phasegrok.schema import SCHEMA_VERSION
from phasegrok.study import Plan, identity, requested_runs

STORED = Path(__file__).parent / "stored"
VERSIONS = range(1, SCHEMA_VERSION + 1)


def folder_of(version: int) -> Path:
    return STORED / f"version_{version}"


def expected_of(version: int) -> dict[str, Any]:
    text = (folder_of(version) / "expected.json").read_text(encoding="utf-8")
    expected: dict[str, Any] = json.loads(text)
    return expected


def numbers(values: Any) -> Any:
    """Lists as they were given, floats from their text in base 16."""
    if isinstance(values, list):
        return [numbers(each) for each in values]
    return float.fromhex(values) if isinstance(values, str) else values


def array_of(entry: dict[str, Any]) -> Any:
    if entry["dtype"] == "text":
        return np.array(entry["values"], dtype=object)
    return np.array(numbers(entry["values"]), dtype=entry["dtype"])


def assert_array(found: xr.DataArray, wanted: Any) -> None:
    if wanted.dtype.kind == "O":
        assert found.values.tolist() == wanted.tolist()
    else:
        assert found.dtype == wanted.dtype
        # Bit for bit; the one NaN that is stored is that of numpy.
        assert np.ascontiguousarray(found.values).tobytes() == wanted.tobytes()


def assert_runs(found: xr.Dataset, wanted: dict[str, Any]) -> None:
    """Every array of one shard, in whatever order its runs are."""
    given = [str(each) for each in wanted["run_id"]["values"]]
    places = [given.index(str(each)) for each in found["run_id"].values]
    for name, entry in wanted.items():
        values = array_of(entry)[places]
        assert (name in found.coords) == entry["coordinate"], name
        here = found[name]
        if name in ("step", "time"):  # Shared axes say more than each run alone.
            made = np.arange(values.shape[1]) < found["record_count"].values[:, None]
            here = here.broadcast_like(found["loss"]).where(made, values)
        else:
            assert list(here.dims) == entry["dims"], name
            assert here.attrs == entry["attributes"], name
        assert_array(here, values)


def shards_of(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Each shard with what is expected of it."""
    for path in StudyFolder.open(folder).shards():
        run_ids = {*read_shard(path, names=("run_id",)).run_ids}
        for part in json.loads((folder / "expected.json").read_text("utf-8"))["parts"]:
            if {*part["runs"]["run_id"]["values"]} == run_ids:
                yield path, part


def contents_of(path: Path) -> Any:
    with h5py.File(path) as file:
        return json.loads(file.attrs["phasegrok"])["contents"]


def test_every_version_is_stored() -> None:
    found = sorted(path.name for path in STORED.glob("version_*"))
    assert found == sorted(f"version_{version}" for version in VERSIONS)
    for version in VERSIONS:
        description = json.loads((folder_of(version) / "study.json").read_text("utf-8"))
        assert description["schema_version"] == version
        for path in folder_of(version).glob("shard-*.h5"):
            with h5py.File(path) as file:
                assert json.loads(file.attrs["phasegrok"])["schema_version"] == version


def test_every_older_version_can_be_lifted() -> None:
    assert sorted(ATTRIBUTE_LIFTS) == sorted(DESCRIPTION_LIFTS) == list(VERSIONS)[:-1]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_value_of_a_shard(version: int) -> None:
    shards = list(shards_of(folder_of(version)))
    assert len(shards) == 2
    for path, part in shards:
        opened = open_runs(path)
        assert_runs(opened, part["runs"])
        assert attribute_of(opened)["schema_version"] == SCHEMA_VERSION
        assert attribute_of(opened)["study"] == expected_of(version)["study"]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_whole_study(version: int) -> None:
    folder = folder_of(version)
    opened = open_runs(folder)
    assert opened.sizes == {"run": 8, "record": 4}
    assert validate(opened) == []
    assert attribute_of(opened)["identity"] == expected_of(version)["identity"]
    for _, part in shards_of(folder):
        wanted = {
            name: each for name, each in part["runs"].items() if "neuron" not in each["dims"]
        }
        here = np.isin(opened["run_id"].values.astype(str), wanted["run_id"]["values"])
        assert_runs(opened.isel(run=here), wanted)
    assert StudyFolder.open(folder).problems() == []
    assert StudyFolder.open(folder).corruption() == []


@pytest.mark.parametrize("version", VERSIONS)
def test_resolved_variables_and_weights(version: int) -> None:
    folder = folder_of(version)
    tree = open_tree(folder)
    overlaps = pooled(folder, "overlap")
    weights = states(folder)
    run_ids = open_runs(folder)["run_id"].values[overlaps["run"].values]
    for _, part in shards_of(folder):
        wanted = part["runs"]["overlap"]
        node = f"neuron={len(wanted['values'][0][0])}"
        assert_runs(tree[node].to_dataset(), part["runs"])
        for run_id, values in zip(
            part["runs"]["run_id"]["values"], array_of(wanted), strict=True
        ):
            assert overlaps.values[run_ids == run_id].tobytes() == values.T.tobytes()
        if part["states"] is not None:
            assert_runs(weights, part["states"])
    assert weights.attrs["kept"] == "last"
    assert weights.sizes == {"run": 2, "state_record": 1, "parameter": 7}


def test_the_newest_version_is_what_is_written_today(tmp_path: Path, maker: ModuleType) -> None:
    maker.make(tmp_path)
    stored = folder_of(SCHEMA_VERSION)
    names = sorted(path.name for path in stored.iterdir())
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    for name in ("study.json", "expected.json"):
        assert (tmp_path / name).read_bytes() == (stored / name).read_bytes()
    for path in stored.glob("shard-*.h5"):
        assert contents_of(tmp_path / path.name) == contents_of(path)
        with h5py.File(path) as old, h5py.File(tmp_path / path.name) as new:
            for name in contents_of(path):
                assert old[name].dtype == new[name].dtype
                if old[name].dtype.kind == "O":
                    assert old[name][...].tolist() == new[name][...].tolist()
                else:
                    assert old[name][...].tobytes() == new[name][...].tobytes()
            before, now = (json.loads(file.attrs["phasegrok"]) for file in (old, new))
        assert now == before


@pytest.mark.parametrize("version", VERSIONS)
def test_a_description_means_today_what_it_meant(version: int, maker: ModuleType) -> None:
    folder = StudyFolder.open(folder_of(version))
    study = folder.description()
    assert study == maker.study()
    assert identity(study) == folder.identity
    stored = folder.finished_run_ids()
    assert {request.run_id for request in requested_runs(study)} == stored


@pytest.mark.parametrize("version", VERSIONS)
def test_a_folder_of_any_version_goes_on(
    tmp_path: Path, version: int, maker: ModuleType
) -> None:
    shutil.copytree(folder_of(version), tmp_path / "study")
    before = open_runs(tmp_path / "study").load()
    grown = Plan(grid=maker.study().plan.grid, replicas=2)
    study = type(maker.study())(**{**vars(maker.study()), "plan": grown})
    begun = StudyFolder.create(tmp_path / "study", study)
    assert begun.description() == maker.study()
    with begun.lock() as held:
        stored = held.store_plan(study)
    assert stored.description() == study
    left = [run for run in requested_runs(study) if run.run_id not in stored.finished_run_ids()]
    assert len(left) == 8
    narrow = [run for run in left if run.controls["width"] == 3]
    write_shard(begun.path, maker.runs_of(narrow, {}))
    assert begun.problems() == begun.corruption() == []
    opened = open_runs(begun.path).load()
    assert opened.sizes["run"] == 12
    old = opened.isel(run=np.isin(opened["run_id"].values, before["run_id"].values))
    for name in before.variables:
        np.testing.assert_array_equal(old[name].values, before[name].values)
    with pytest.raises(StudyChangedError, match="seed: stored 11, given 12"):
        StudyFolder.create(begun.path, type(study)(**{**vars(study), "seed": 12}))


def test_an_older_description_is_written_anew_with_the_plan(
    tmp_path: Path, maker: ModuleType
) -> None:
    shutil.copytree(folder_of(1), tmp_path / "study")
    begun = StudyFolder.open(tmp_path / "study")
    before = (begun.path / "study.json").read_bytes()
    StudyFolder.create(begun.path, maker.study())
    assert (begun.path / "study.json").read_bytes() == before
    with begun.lock() as held:
        assert held.store_plan(maker.study()) == begun
        written = (begun.path / "study.json").read_bytes()
        assert json.loads(written)["schema_version"] == SCHEMA_VERSION
        place = (begun.path / "study.json").stat().st_ino
        held.store_plan(maker.study())
        assert (begun.path / "study.json").stat().st_ino == place


def test_a_dataset_of_version_1_is_valid(tmp_path: Path, maker: ModuleType) -> None:
    runs = maker.parts()[0].runs
    plain = json.loads(runs.attrs["phasegrok"])
    del plain["checksum"]
    old = runs.assign_attrs(phasegrok=json.dumps({**plain, "schema_version": 1}))
    assert validate(old) == []
    assert attribute_of(old) == attribute_of(runs)
    with h5py.File(write_shard(tmp_path, old)) as file:
        assert json.loads(file.attrs["phasegrok"])["schema_version"] == SCHEMA_VERSION


@pytest.mark.parametrize(
    "change",
    [
        lambda plain: plain["study"]["energy"].update(temperature=0.5),
        lambda plain: plain["identity"].update(seed=12),
        lambda plain: plain.update(checksum="0" * 16),
        lambda plain: plain.update(schema_version=1),
        lambda plain: plain["provenance"].update(device="cuda"),
        lambda plain: plain.update(more=1),
        lambda plain: plain.update(controls=[]),
    ],
)
def test_a_changed_attribute_is_refused(change: Any, maker: ModuleType) -> None:
    runs = maker.parts()[0].runs
    plain = json.loads(runs.attrs["phasegrok"])
    change(plain)
    edited = runs.assign_attrs(phasegrok=json.dumps(plain))
    with pytest.raises(DamagedShardError, match=r"not what was written.*edited by hand"):
        attribute_of(edited)
    again = runs.assign_attrs(phasegrok=attribute_text(plain))
    assert attribute_of(again)["schema_version"] == SCHEMA_VERSION


@pytest.mark.parametrize("version", [0, -1, SCHEMA_VERSION + 1, "2", 2.0, True, None, [2]])
def test_other_versions_are_refused(version: Any) -> None:
    content = {"schema_version": version, "study": None}
    with pytest.raises(FormatError, match=r"reads up to version \d+; update phasegrok"):
        unsealed(content, "the file", ATTRIBUTE_LIFTS, in_file=False)


def test_the_seal_depends_on_content_and_not_on_layout() -> None:
    content = {"b": [1, 2.5, {"x": None}], "a": float("inf"), "ü": "é", "n": {1: "one"}}
    seal = sealed(content)
    again = json.loads(json.dumps(dict(reversed(seal.items())), indent=3))
    assert unsealed(again, "it", ATTRIBUTE_LIFTS, in_file=True)["a"] == float("inf")
    assert sealed(seal) == seal
    assert sealed({**content, "b": [1, 2.5, {"x": 0}]})["checksum"] != seal["checksum"]


def test_a_file_without_a_seal_is_refused() -> None:
    seal = sealed({"study": None})
    del seal["checksum"]
    assert unsealed(seal, "it", ATTRIBUTE_LIFTS, in_file=False)["study"] is None
    with pytest.raises(DamagedShardError, match="checksum does not hold"):
        unsealed(seal, "it", ATTRIBUTE_LIFTS, in_file=True)
