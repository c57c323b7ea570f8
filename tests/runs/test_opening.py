"""Opening: one lazy dataset, a tree, pooled entries, stored weights."""

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import FormatError, InvalidValueError
from phasegrok.runs import (
    StudyFolder,
    attribute_of,
    open_runs,
    open_tree,
    pooled,
    record,
    states,
    validate,
    write_shard,
)
from phasegrok.runs.lazy import ShardedArray
from phasegrok.study import Plan, Study

MakeDataset = Callable[..., xr.Dataset]
MakeStudy = Callable[..., Study]


def run_order(dataset: xr.Dataset) -> list[tuple[Any, ...]]:
    names = ("temperature", "disorder", "start", "replica", "run_id")
    return list(zip(*(dataset[name].values.tolist() for name in names), strict=True))


@pytest.fixture
def study_path(tmp_path: Path, make_dataset: MakeDataset, make_study: MakeStudy) -> Path:
    StudyFolder.create(tmp_path / "study", make_study())
    for first in (0, 6, 12):
        write_shard(tmp_path / "study", make_dataset(first=first))
    return tmp_path / "study"


def by_run_id(dataset: xr.Dataset) -> xr.Dataset:
    return dataset.isel(run=np.argsort(dataset["run_id"].values.astype(str)))


def test_holds_every_number_of_every_shard(study_path: Path, make_dataset: MakeDataset) -> None:
    given = [make_dataset(first=first) for first in (0, 6, 12)]
    opened = by_run_id(open_runs(study_path))
    for name in ("loss", "rung", "overlap", "event_escape_upper", "temperature", "outcome"):
        expected = by_run_id(xr.concat(given, "run"))[name] if name != "width" else None
        assert expected is not None
        assert opened[name].dtype == expected.dtype
        assert opened[name].dims == expected.dims
        if expected.dtype.kind == "O":
            assert opened[name].values.tolist() == expected.values.tolist()
        else:
            assert opened[name].values.tobytes() == expected.values.tobytes()
    assert opened["overlap"].attrs == given[0]["overlap"].attrs


def test_what_is_opened_follows_the_schema(study_path: Path) -> None:
    assert validate(open_runs(study_path)) == []


def test_can_be_stored_as_one_shard_again(study_path: Path, tmp_path: Path) -> None:
    opened = open_runs(study_path)
    again = open_runs(write_shard(tmp_path / "one", opened))
    xr.testing.assert_equal(again, opened)


def test_runs_are_sorted_by_controls_and_labels(study_path: Path) -> None:
    opened = open_runs(study_path)
    assert run_order(opened) == sorted(run_order(opened))
    assert opened["disorder"].values.tolist() != sorted(opened["disorder"].values.tolist())


def test_the_order_does_not_depend_on_the_shards(
    study_path: Path, tmp_path: Path, make_dataset: MakeDataset
) -> None:
    whole = xr.concat([make_dataset(first=first) for first in (12, 0, 6)], "run")
    write_shard(tmp_path / "whole", whole)
    xr.testing.assert_equal(open_runs(tmp_path / "whole"), open_runs(study_path))


def test_a_single_shard_opens_too(study_path: Path) -> None:
    shard = StudyFolder.open(study_path).shards()[0]
    opened = open_runs(shard)
    assert opened.sizes["run"] == 6
    assert np.isfinite(opened["loss"].values).all()


def test_opening_reads_no_data(study_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    original = ShardedArray._read

    def noted(self: ShardedArray, key: tuple[Any, ...]) -> Any:
        read.append(self.pieces[0].name)
        return original(self, key)

    monkeypatch.setattr(ShardedArray, "_read", noted)
    opened = open_runs(study_path)
    _ = opened.isel(run=slice(3, 9)).sel(neuron=slice(2)), repr(opened), opened.sizes
    assert read == []
    opened["loss"].isel(record=0).load()
    assert read == ["loss"]


def test_a_selection_opens_only_its_shards(study_path: Path) -> None:
    opened = open_runs(study_path)
    first, *others = StudyFolder.open(study_path).shards()
    mine = set(open_runs(first)["run_id"].values)
    for path in others:
        path.unlink()
    chosen = opened["loss"].isel(run=[run in mine for run in opened["run_id"].values])
    assert np.isfinite(chosen.values).all()
    with pytest.raises(FormatError, match="cannot be opened"):
        opened["loss"].load()


INDICES: list[dict[str, Any]] = [
    {"run": 4},
    {"run": -1, "record": 2, "neuron": 0},
    {"run": slice(2, 15, 3), "record": slice(None, None, -1)},
    {"run": [7, 3, 3, 17, 0], "neuron": [3, 1]},
    {"record": [4, 0, 2], "neuron": slice(3, 0, -2)},
    {"run": slice(5, 5)},
    {"run": np.arange(18) % 5 == 0, "record": 1},
    {"run": xr.DataArray([3, 9, 9], dims="p"), "record": xr.DataArray([0, 4, 1], dims="p")},
]


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_every_index_gives_what_it_gives_in_memory(
    study_path: Path, index: dict[str, Any]
) -> None:
    lazy, loaded = open_runs(study_path)["overlap"], open_runs(study_path)["overlap"].load()
    xr.testing.assert_identical(lazy.isel(index).load(), loaded.isel(index))


def test_survives_pickling_and_chunks(study_path: Path) -> None:
    expected = open_runs(study_path).load()
    lazy = pickle.loads(pickle.dumps(open_runs(study_path)))
    xr.testing.assert_identical(lazy.load(), expected)
    chunked = open_runs(study_path).chunk({"run": 5, "record": 2})
    xr.testing.assert_identical(chunked.compute(), expected)
    np.testing.assert_allclose(chunked["loss"].mean().compute(), expected["loss"].mean())


def test_no_file_stays_open(study_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    opened = open_runs(study_path)
    opened["loss"].load()
    assert len(os.listdir("/proc/self/fd")) == before


def test_opens_while_another_process_may_lock(
    study_path: Path,
) -> None:
    import fcntl

    with StudyFolder.open(study_path).shards()[0].open("rb+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert np.isfinite(open_runs(study_path)["loss"].values).all()


def test_steps_are_one_dimensional_though_a_run_ended_early(
    tmp_path: Path, make_dataset: MakeDataset
) -> None:
    write_shard(tmp_path, make_dataset(record_count=[2, 0, 1, 2, 2, 2]))
    write_shard(tmp_path, make_dataset(first=6))
    opened = open_runs(tmp_path)
    assert opened["step"].dims == opened["time"].dims == ("record",)
    assert opened["step"].values.tolist() == [0, 10, 20, 30, 40]


def test_steps_are_two_dimensional_where_runs_differ(
    tmp_path: Path, make_dataset: MakeDataset
) -> None:
    slow = make_dataset(first=6)
    slow["time"].values[:] *= 2.0
    inside = make_dataset(first=12)
    inside["time"].values[1, 1] += 0.01
    for dataset in (make_dataset(), slow, inside):
        write_shard(tmp_path, dataset)
    opened = by_run_id(open_runs(tmp_path))
    assert opened["step"].dims == ("record",)
    assert opened["time"].dims == ("run", "record")
    expected = by_run_id(xr.concat([make_dataset(), slow, inside], "run"))
    np.testing.assert_array_equal(opened["time"].values, expected["time"].values)


def test_shorter_shards_are_filled_and_counted(
    tmp_path: Path, make_dataset: MakeDataset
) -> None:
    write_shard(tmp_path, make_dataset(records=3))
    write_shard(tmp_path, make_dataset(first=6, records=5))
    opened = open_runs(tmp_path)
    assert opened.sizes["record"] == 5
    made = np.arange(5) < opened["record_count"].values[:, None]
    np.testing.assert_array_equal(np.isfinite(opened["loss"].values), made)
    np.testing.assert_array_equal(opened["rung"].values, np.where(made, 3, -1))
    assert np.isnan(opened["overlap"].isel(record=[4, 3]).values[~made[:, 3]]).all()
    assert validate(opened) == []


def test_widths_share_the_flat_view_but_for_what_is_resolved(
    tmp_path: Path, make_dataset: MakeDataset
) -> None:
    write_shard(tmp_path, make_dataset(width=4))
    write_shard(tmp_path, make_dataset(first=6, width=8))
    opened = open_runs(tmp_path)
    assert "overlap" not in opened
    reason = attribute_of(opened)["left_out"]["overlap"]
    assert (
        reason
        == "its sizes differ between shards (neuron=4; neuron=8); use open_tree or pooled"
    )
    assert np.isfinite(opened["loss"].values).all()


def test_the_tree_has_a_node_for_each_shape(tmp_path: Path, make_dataset: MakeDataset) -> None:
    given = {4: make_dataset(width=4), 8: make_dataset(first=6, width=8)}
    for dataset in (*given.values(), make_dataset(first=12, width=4)):
        write_shard(tmp_path, dataset)
    tree = open_tree(tmp_path)
    assert list(tree.children) == ["neuron=4", "neuron=8"]
    assert tree["neuron=4"].sizes["run"] == 12
    wide = by_run_id(tree["neuron=8"].to_dataset())
    expected = by_run_id(given[8])
    assert wide["overlap"].values.tobytes() == expected["overlap"].values.tobytes()


def test_nodes_of_one_shape_and_other_variables_have_other_names(
    tmp_path: Path, make_dataset: MakeDataset
) -> None:
    write_shard(tmp_path, make_dataset())
    write_shard(tmp_path, make_dataset(first=6).drop_vars("rung"))
    assert list(open_tree(tmp_path).children) == ["neuron=4", "neuron=4-2"]
    flat = open_runs(tmp_path)
    assert "rung" not in flat
    assert "1 of 2 shards do not have it" in attribute_of(flat)["left_out"]["rung"]


def test_pooled_lines_up_the_entries_of_all_widths(
    tmp_path: Path, make_dataset: MakeDataset
) -> None:
    write_shard(tmp_path, make_dataset(width=4))
    write_shard(tmp_path, make_dataset(first=6, width=8, records=3))
    runs, entries = open_runs(tmp_path), pooled(tmp_path, "overlap")
    assert entries.sizes == {"entry": 6 * 4 + 6 * 8, "record": 5}
    assert entries.attrs["symmetry"] == "sign"
    given = {
        str(dataset["run_id"].values[row]): dataset["overlap"].values[row]
        for dataset in (make_dataset(width=4), make_dataset(first=6, width=8, records=3))
        for row in range(6)
    }
    for place in range(entries.sizes["entry"]):
        run_id = str(runs["run_id"].values[entries["run"].values[place]])
        expected = given[run_id][:, entries["neuron"].values[place]]
        actual = entries.isel(entry=place).values
        np.testing.assert_array_equal(actual[: len(expected)], expected)
        assert np.isnan(actual[len(expected) :]).all()
    np.testing.assert_array_equal(
        pooled(tmp_path, "overlap").isel(entry=[50, 3, 3], record=slice(2, 0, -1)).values,
        entries.values[[50, 3, 3]][:, 2:0:-1],
    )


def test_pooled_holds_two_resolved_dimensions_and_none_of_time(
    tmp_path: Path, make_dataset: MakeDataset
) -> None:
    attributes = {"units": "dimensionless", "long_name": "metric", "symmetry": "none"}
    given = {}
    for first, shape in ((0, (2, 3)), (6, (3, 2))):
        values = np.random.default_rng(first).normal(size=(6, *shape)).astype(np.float32)
        dataset = make_dataset(first=first)
        dataset["metric"] = (("run", "row", "column"), values, attributes)
        write_shard(tmp_path, dataset)
        for run_id, each in zip(dataset["run_id"].values, values, strict=True):
            given[run_id] = each
    entries = pooled(tmp_path, "metric")
    run_ids = open_runs(tmp_path)["run_id"].values
    assert entries.dims == ("entry",)
    expected = [
        given[run_ids[run]][row, column]
        for run, row, column in zip(
            entries["run"].values, entries["row"].values, entries["column"].values, strict=True
        )
    ]
    assert entries.values.tolist() == expected


def test_pooled_names_what_it_could_pool(study_path: Path) -> None:
    with pytest.raises(
        FormatError, match=r"no resolved variable 'overlaps'\. Did you mean 'overlap'"
    ):
        pooled(study_path, "overlaps")
    with pytest.raises(FormatError, match="no resolved variable 'loss'"):
        pooled(study_path, "loss")


def test_shards_without_a_record_take_nothing_down(
    tmp_path: Path, make_dataset: MakeDataset
) -> None:
    failed = make_dataset(first=6, record_count=[0] * 6, width=8).drop_vars("rung")
    write_shard(tmp_path, make_dataset())
    write_shard(tmp_path, failed)
    opened = open_runs(tmp_path)
    mine = opened["record_count"].values == 0
    assert opened["overlap"].sizes["neuron"] == 4
    assert np.isnan(opened["overlap"].values[mine]).all()
    assert (opened["rung"].values[mine] == -1).all()
    assert (opened["gradient_count"].values[mine] == 0).all()


def test_a_control_that_a_study_began_to_vary_is_known_for_older_runs(
    tmp_path: Path, make_dataset: MakeDataset, make_study: MakeStudy
) -> None:
    grown = make_study(plan=Plan(grid={"temperature": [0.1], "step_size": [0.01, 0.02]}))
    newer = make_dataset(first=6, study=grown)
    newer = newer.assign_coords(
        step_size=("run", np.full(6, 0.02)), start_angle=("run", [1.0] * 6)
    )
    write_shard(tmp_path, make_dataset())
    write_shard(tmp_path, newer)
    opened = open_runs(tmp_path)
    assert sorted(opened["step_size"].values.tolist()) == [0.01] * 6 + [0.02] * 6
    assert "start_angle" in attribute_of(opened)["left_out"]
    assert attribute_of(opened)["controls"] == ["temperature", "step_size"]


def test_a_control_that_nobody_states_is_refused(
    tmp_path: Path, make_dataset: MakeDataset
) -> None:
    write_shard(tmp_path, make_dataset())
    other = make_dataset(first=6, changes={"controls": ["charge"]})
    write_shard(tmp_path, other.assign_coords(charge=("run", np.ones(6))))
    with pytest.raises(FormatError, match=r"'charge'.*does not state its value"):
        open_runs(tmp_path)


def test_controls_of_numbers_and_words_sort(tmp_path: Path, make_dataset: MakeDataset) -> None:
    changes = {"controls": ["weight_decay"]}
    words = make_dataset(changes=changes).assign_coords(
        weight_decay=("run", np.array(["prior"] * 6, dtype=object))
    )
    numbers = make_dataset(first=6, changes=changes).assign_coords(
        weight_decay=("run", np.array([10.0, 9.0, 1.0, 1.0, 1.0, 1.0]))
    )
    write_shard(tmp_path, words)
    write_shard(tmp_path, numbers)
    opened = open_runs(tmp_path)
    cold = opened["weight_decay"].values[opened["temperature"].values < 0.15]
    assert cold.tolist() == [1.0, 1.0, 1.0, 1.0, "prior", "prior", "prior", "prior"]
    assert 10.0 in opened["weight_decay"].values


def test_provenance_is_merged(study_path: Path) -> None:
    attribute = attribute_of(open_runs(study_path))
    assert attribute["provenance"] == {"device": "cpu"}
    seconds = [each["provenance"]["wall_seconds"] for each in attribute["shards"]]
    assert sorted(seconds) == [0.0, 6.0, 12.0]
    assert sum(each["runs"] for each in attribute["shards"]) == 18


def test_bad_files_are_named_and_can_be_left_out(
    study_path: Path, make_dataset: MakeDataset, make_study: MakeStudy
) -> None:
    damaged = StudyFolder.open(study_path).shards()[1]
    os.truncate(damaged, damaged.stat().st_size // 2)
    foreign = write_shard(study_path, make_dataset(first=30, study=make_study(seed=9)))
    with pytest.raises(FormatError, match=r"(?s)truncated or damaged.*another study") as raised:
        open_runs(study_path)
    assert damaged.name in str(raised.value)
    assert foreign.name in str(raised.value)
    rest = open_runs(study_path, without=[damaged.name, foreign.name])
    assert rest.sizes["run"] == 12
    for door in (open_tree, lambda path: pooled(path, "overlap"), states):
        with pytest.raises(FormatError, match="truncated or damaged"):
            door(study_path)


def test_damage_inside_the_data_is_told_when_it_is_read(study_path: Path) -> None:
    opened = open_runs(study_path)
    path = StudyFolder.open(study_path).shards()[0]
    os.truncate(path, 3000)
    with pytest.raises(FormatError, match="truncated or damaged"):
        opened["loss"].load()


@pytest.mark.parametrize("name", ["temperature", "start"])
@pytest.mark.parametrize("values", [np.zeros(3), np.zeros(6, dtype="f4"), ["text"] * 6])
def test_an_array_that_is_not_as_announced_is_told(
    study_path: Path, name: str, values: Any
) -> None:
    path = StudyFolder.open(study_path).shards()[0]
    with h5py.File(path, "r+") as file:
        del file[name]
        file[name] = values if name == "temperature" else np.zeros(len(values))
    with pytest.raises(FormatError, match="table of contents says"):
        open_runs(study_path)


def test_text_that_is_no_text_is_told(study_path: Path) -> None:
    path = StudyFolder.open(study_path).shards()[0]
    with h5py.File(path, "r+") as file:
        del file["start"]
        file.create_dataset("start", (6,), dtype=h5py.vlen_dtype(np.int32))
    with pytest.raises(FormatError, match="table of contents says text"):
        open_runs(study_path)


def test_an_empty_or_missing_study_is_refused(tmp_path: Path, make_study: MakeStudy) -> None:
    StudyFolder.create(tmp_path / "empty", make_study())
    with pytest.raises(FormatError, match="holds no runs yet"):
        open_runs(tmp_path / "empty")
    with pytest.raises(FormatError, match="there is nothing at"):
        open_runs(tmp_path / "nowhere")


def test_stored_weights_open_in_the_order_of_the_runs(
    tmp_path: Path, make_dataset: MakeDataset, make_states: MakeDataset
) -> None:
    given = {}
    for first in (0, 6):
        dataset = make_dataset(first=first)
        weights = make_states(dataset.isel(run=slice(1, None)))
        write_shard(tmp_path, dataset, weights)
        values = zip(weights["run_id"].values, weights["parameters"].values, strict=True)
        given.update(dict(values))
    opened = states(tmp_path)
    assert opened["parameters"].dims == ("run", "state_record", "parameter")
    assert json.loads(opened.attrs["layout"]) == {"first": [3, 4]}
    assert attribute_of(opened)["study"]["name"] == "test"
    runs = [each for each in open_runs(tmp_path)["run_id"].values if each in given]
    assert opened["run_id"].values.tolist() == runs
    for run_id, values in zip(runs, opened["parameters"].values, strict=True):
        np.testing.assert_array_equal(values, given[run_id])


def test_weights_of_several_sizes_or_none_are_refused(
    tmp_path: Path, make_dataset: MakeDataset, make_states: MakeDataset
) -> None:
    dataset = make_dataset()
    write_shard(tmp_path, dataset)
    with pytest.raises(FormatError, match="holds no weights"):
        states(tmp_path)
    paths = []
    for first, size in ((6, 12), (12, 20)):
        dataset = make_dataset(first=first)
        paths.append(write_shard(tmp_path, dataset, make_states(dataset, parameters=size)))
    with pytest.raises(FormatError, match="weights of 2 sizes"):
        states(tmp_path)
    assert states(paths[1])["parameters"].sizes["parameter"] == 20


def test_the_latest_plan_is_told(study_path: Path, make_study: MakeStudy) -> None:
    grown = make_study(plan=Plan(grid={"temperature": [0.1, 0.2]}, replicas=5))
    with StudyFolder.open(study_path).lock() as held:
        held.store_plan(grown)
    assert attribute_of(open_runs(study_path))["study"]["plan"]["replicas"] == 5
    json.dumps(attribute_of(open_runs(study_path)))


def test_what_is_no_path_is_refused() -> None:
    with pytest.raises(InvalidValueError, match=r"needs the path of a study.*NoneType"):
        open_runs(None)  # type: ignore[arg-type]


def test_recorded_runs_of_other_controls_are_named(tmp_path: Path) -> None:
    for name in ("wd", "lr"):
        with record(tmp_path / name, controls={name: 0.1}) as run:
            run.log(step=0, loss=1.0)
    (wrong,) = StudyFolder.open(tmp_path / "lr").shards()
    moved = wrong.rename(tmp_path / "wd" / wrong.name)
    with pytest.raises(FormatError, match=r"need the same controls.*Move .* or leave") as told:
        open_runs(tmp_path / "wd")
    assert all(shard.name in str(told.value) for shard in (tmp_path / "wd").glob("*.h5"))
    assert open_runs(tmp_path / "wd", without=[moved.name])["wd"].item() == 0.1


def test_what_is_no_shard_is_told_without_advice_for_folders(tmp_path: Path) -> None:
    path = tmp_path / "r.py"
    path.write_text("print(1)\n", encoding="utf-8")
    with pytest.raises(FormatError, match="Give the folder of a study, or") as told:
        open_runs(path)
    assert "without" not in str(told.value)
    assert "Collecting" not in str(told.value)
