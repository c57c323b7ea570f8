"""Studies collected apart become one: nothing twice, nothing lost, nothing chosen silently."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import FormatError, StorageError, StudyBusyError, StudyChangedError
from phasegrok.runs import (
    StudyFolder,
    attribute_of,
    merge_studies,
    merging,
    open_runs,
    record,
    states,
    write_shard,
)
from phasegrok.seeding import digest
from phasegrok.study import Plan, Study, requested_runs

MakeDataset = Callable[..., xr.Dataset]
MakeStudy = Callable[..., Study]


@pytest.fixture
def begin(make_study: MakeStudy, tmp_path: Path) -> Callable[..., Path]:
    """Begin a folder with the given datasets, one a shard."""

    def begun(name: str, *shards: xr.Dataset, plan: Plan | None = None, **changes: Any) -> Path:
        study = make_study(**({"plan": plan} if plan else {}), **changes)
        StudyFolder.create(tmp_path / name, study)
        for shard in shards:
            write_shard(tmp_path / name, shard)
        return tmp_path / name

    return begun


def numbers(folder: Path) -> dict[str, dict[str, bytes | str]]:
    runs = open_runs(folder).load()
    return {
        str(runs["run_id"].values[i]): {
            str(name): str(each.values) if each.dtype == object else each.values.tobytes()
            for name, each in runs.isel(run=i).variables.items()
        }
        for i in range(runs.sizes["run"])
    }


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def altered(dataset: xr.Dataset, run: int, name: str = "loss") -> xr.Dataset:
    """Change the last bit of one number."""
    changed = dataset.copy(deep=True)
    values = changed[name].values
    values[run, 0] = np.nextafter(values[run, 0], np.inf)
    return changed


def test_all_runs_of_all_sources_are_there_and_the_sources_as_they_were(
    make_dataset: MakeDataset, begin: Callable[..., Path], tmp_path: Path
) -> None:
    one, other = make_dataset(), make_dataset(first=6)
    a, b = begin("a", one), begin("b", other)
    at_once = begin("at_once", one, other)
    before = files(a), files(b)
    report = merge_studies([a, str(b)], tmp_path / "target")
    assert numbers(tmp_path / "target") == numbers(at_once)
    assert (report.runs, len(report.shards), report.rewritten, report.equal) == (12, 2, 0, 0)
    assert (files(a), files(b)) == before
    assert "12 runs in 2 shards copied from 2 studies" in str(report)
    both = files(a) | files(b)
    assert all(path.read_bytes() == both[path.name] for path in report.shards)


def test_merging_again_copies_nothing(
    make_dataset: MakeDataset, begin: Callable[..., Path], tmp_path: Path
) -> None:
    a, b = begin("a", make_dataset()), begin("b", make_dataset(first=6))
    merge_studies([a, b], tmp_path / "target")
    before = files(tmp_path / "target")
    report = merge_studies([b, a], tmp_path / "target")
    assert (report.runs, report.shards, report.equal) == (0, (), 12)
    assert "12 copies were there already" in str(report)
    assert files(tmp_path / "target") == before


def test_shards_that_overlap_partly_are_rewritten_with_what_is_new(
    make_dataset: MakeDataset,
    make_states: MakeDataset,
    make_study: MakeStudy,
    tmp_path: Path,
) -> None:
    whole = make_dataset(runs=8, record_count=[5, 5, 5, 5, 5, 3, 5, 0])
    weights = make_states(whole)
    parts = {"a": [0, 1, 2, 5], "b": [7, 5, 4, 3, 2, 6]}
    for name, rows in parts.items():
        StudyFolder.create(tmp_path / name, make_study())
        write_shard(tmp_path / name, whole.isel(run=rows), weights.isel(run=rows))
    StudyFolder.create(tmp_path / "at_once", make_study())
    write_shard(tmp_path / "at_once", whole, weights)

    target = tmp_path / "target"
    report = merge_studies([tmp_path / "a", tmp_path / "b"], target)
    assert (report.runs, report.equal, report.rewritten) == (8, 2, 1)
    assert numbers(target) == numbers(tmp_path / "at_once")
    xr.testing.assert_identical(
        states(target).load().drop_attrs(), states(tmp_path / "at_once").load().drop_attrs()
    )
    assert states(target).attrs["layout"] == weights.attrs["layout"]
    (source,) = StudyFolder.open(tmp_path / "b").shards()
    notes = [attribute_of(open_runs(path))["provenance"] for path in report.shards]
    assert [note.get("taken_from") for note in notes] == [None, source.name]
    assert [note["wall_seconds"] for note in notes] == [0.0, 0.0]


def test_other_weights_are_a_conflict_too(
    make_dataset: MakeDataset,
    make_states: MakeDataset,
    make_study: MakeStudy,
    tmp_path: Path,
) -> None:
    dataset = make_dataset()
    weights = make_states(dataset)
    for name, added in (("a", 0.0), ("b", 1.0)):
        StudyFolder.create(tmp_path / name, make_study())
        weights["parameters"].values[3, 1, 2] += added
        write_shard(tmp_path / name, dataset, weights)
    with pytest.raises(
        FormatError, match=f"(?s)a run is .*{digest(3)} differs in states/parameters"
    ):
        merge_studies([tmp_path / "a", tmp_path / "b"], tmp_path / "target")


def test_records_that_other_runs_of_a_shard_made_do_not_count(
    make_dataset: MakeDataset, begin: Callable[..., Path], tmp_path: Path
) -> None:
    whole = make_dataset(runs=3, record_count=[2, 5, 2])
    short = whole.isel(run=[0, 2], record=slice(0, 2))
    report = merge_studies([begin("a", short), begin("b", whole)], tmp_path / "target")
    assert (report.runs, report.equal) == (3, 2)
    assert numbers(tmp_path / "target") == numbers(begin("at_once", whole))


@pytest.mark.parametrize(
    "name", ["loss", "overlap", "gradient_count", "outcome_reason", "time"]
)
def test_conflicting_runs_are_refused_with_all_that_tells_them_apart(
    make_dataset: MakeDataset, begin: Callable[..., Path], tmp_path: Path, name: str
) -> None:
    one = make_dataset(
        changes={"provenance": {"packages": {"torch": "9.1"}, "machine": "mips"}}
    )
    other = one.copy(deep=True)
    values = other[name].values
    step = 1 if values.dtype == np.int64 else 1e-3
    values.flat[2] = "another" if name == "outcome_reason" else values.flat[2] + step
    a, b = begin("a", one, make_dataset(first=6)), begin("b", other)
    with pytest.raises(FormatError) as caught:
        merge_studies([a, b], tmp_path / "target")
    text = str(caught.value)
    run_id = digest(2 if name in ("gradient_count", "outcome_reason") else 0)
    for part in (f"the run {run_id} differs in {name}: ", "(mips, torch 9.1)", "keep='first'"):
        assert part in text
    assert all(str(path) in text for path in (*a.glob("shard-1*"), *b.glob("shard*")))
    assert not (tmp_path / "target").exists()


def test_the_first_copy_is_kept_where_that_is_asked_for(
    make_dataset: MakeDataset, begin: Callable[..., Path], tmp_path: Path
) -> None:
    one = make_dataset()
    second = altered(one, 4).isel(run=[4, 5]).assign_attrs(make_dataset(first=6).attrs)
    a, b = begin("a", one), begin("b", second)
    target = tmp_path / "target"
    report = merge_studies([a, b], target, keep="first")
    assert (report.runs, report.equal, report.settled, report.rewritten) == (6, 1, 1, 1)
    assert "1 copies with other bits were left out" in str(report)
    assert numbers(target) == numbers(a)
    (note,) = attribute_of(open_runs(target))["provenance"]["kept_over"]
    assert (note["run_id"], note["differs_in"]) == (digest(4), ["loss"])
    assert note["provenance"]["wall_seconds"] == 6.0
    # The same again finds all settled; another copy of that run is a new conflict.
    assert merge_studies([a, b], target, keep="first").settled == 1
    third = begin("third", altered(one, 4, "time"))
    with pytest.raises(FormatError, match="What the target holds is never changed"):
        merge_studies([third], target, keep="first")
    other_way = merge_studies([b, a], tmp_path / "other", keep="first")
    assert (other_way.runs, other_way.rewritten) == (6, 2)
    assert numbers(tmp_path / "other")[digest(4)]["loss"] == numbers(b)[digest(4)]["loss"]


def test_the_plan_asks_for_what_all_ask_for(
    make_dataset: MakeDataset, begin: Callable[..., Path], make_study: MakeStudy, tmp_path: Path
) -> None:
    plans = [
        Plan(grid={"temperature": [0.1]}, replicas=3),
        Plan(grid={"temperature": [0.3, 0.1]}, replicas=3),
        Plan(points=[{"temperature": 0.1, "width": 8}], disorders=2),
    ]
    datasets = [make_dataset(first=6 * i) for i in range(3)]
    sources = [
        begin(f"source{i}", each, plan=plan)
        for i, (each, plan) in enumerate(zip(datasets, plans, strict=True))
    ]
    merge_studies(sources[:2], tmp_path / "target")
    merge_studies(sources[2:], tmp_path / "target")
    study = StudyFolder.open(tmp_path / "target").description()

    def asked(plan: Plan) -> set[str]:
        return {run.run_id for run in requested_runs(replace(study, plan=plan))}

    assert asked(study.plan) == set().union(*map(asked, plans))
    assert study == make_study(plan=study.plan)


def test_another_study_is_refused_with_what_differs(
    make_dataset: MakeDataset, begin: Callable[..., Path], tmp_path: Path
) -> None:
    a, b = begin("a", make_dataset()), begin("b", seed=8)
    with pytest.raises(
        StudyChangedError, match=r"b holds another.*a:\n  seed: stored 7, there 8"
    ):
        merge_studies([a, b], tmp_path / "target")
    with pytest.raises(StudyChangedError, match="seed"):
        merge_studies([a], b)
    assert not (tmp_path / "target").exists()


def test_the_sources_of_plug_ins_are_compared(tmp_path: Path) -> None:
    from phasegrok.runs.folder import begin_folder

    for name, source in (("a", "x = 1\ny = 2\n"), ("b", "x = 1\ny = 3\n")):
        identity = {"seed": 1, "plug_ins": {"mine:Task": digest(source)}}
        given = {"identity": identity, "study": None, "title": "t"}
        begin_folder(tmp_path / name, {**given, "plug_in_sources": {"mine:Task": source}})
    with pytest.raises(
        StudyChangedError, match=r"(?s)source of 'mine:Task' has.*-y = 2.*\+y = 3"
    ):
        merge_studies([tmp_path / "a", tmp_path / "b"], tmp_path / "target")


def test_recorded_runs_merge_as_well(tmp_path: Path) -> None:
    for name, decay in (("a", 0.1), ("b", 0.2)):
        with record(tmp_path / name, controls={"weight_decay": decay}) as run:
            for step in range(3):
                run.log(step=step, loss=decay * step)
    report = merge_studies([tmp_path / "a", tmp_path / "b"], tmp_path / "target")
    assert report.runs == 2
    assert open_runs(tmp_path / "target")["weight_decay"].values.tolist() == [0.1, 0.2]
    with record(tmp_path / "c", controls={"width": 3}) as run:
        run.log(step=0, loss=1.0)
    with pytest.raises(FormatError, match="the same controls"):
        merge_studies([tmp_path / "a", tmp_path / "c"], tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_corrupted_source_is_refused_by_name(
    make_dataset: MakeDataset, begin: Callable[..., Path], tmp_path: Path
) -> None:
    a, b = begin("a", make_dataset()), begin("b", make_dataset(first=6))
    (shard,) = b.glob("shard-*")
    with h5py.File(shard, "r+") as file:
        file["loss"][0, 0] += 1.0
    with pytest.raises(FormatError, match=rf"(?s)nothing was copied.*{shard.name}.*loss"):
        merge_studies([a, b], tmp_path / "target")
    shard.write_bytes(shard.read_bytes()[:3000])
    with pytest.raises(FormatError, match=rf"(?s){shard.name}.*truncated"):
        merge_studies([a, b], tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_an_interrupted_merge_goes_on(
    make_dataset: MakeDataset,
    begin: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = make_dataset()
    shards = [make_dataset(first=6 * i) for i in range(1, 4)]
    a, b = begin("a", one, *shards), begin("b", altered(one, 1))
    target = tmp_path / "target"
    real, count = merging._copied, iter(range(9))

    def interrupted(*args: Any) -> Path:
        if next(count) == 2:
            raise KeyboardInterrupt
        return real(*args)

    with monkeypatch.context() as patch:
        patch.setattr(merging, "_copied", interrupted)
        with pytest.raises(KeyboardInterrupt):
            merge_studies([a, b], target, keep="first")
    assert len(StudyFolder.open(target).shards()) == 2
    (target / ".partial-1-dead").write_bytes(b"half")
    report = merge_studies([a, b], target, keep="first")
    assert len(report.shards) == 2
    assert numbers(target) == numbers(a)
    assert not list(target.glob(".partial*"))


def test_a_full_disk_is_refused_before_anything_is_copied(
    make_dataset: MakeDataset,
    begin: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a = begin("a", make_dataset())
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10))
    with pytest.raises(StorageError, match="free some space"):
        merge_studies([a], tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_a_copy_with_other_numbers_does_not_stay(
    make_dataset: MakeDataset,
    begin: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a = begin("a", make_dataset())
    monkeypatch.setattr(merging, "corrupted", lambda _: ["loss"])
    with pytest.raises(StorageError, match="holds other numbers"):
        merge_studies([a], tmp_path / "target")
    assert StudyFolder.open(tmp_path / "target").shards() == []


@pytest.mark.parametrize("began", [True, False])
def test_what_a_collector_stored_meanwhile_stays(
    make_dataset: MakeDataset,
    make_study: MakeStudy,
    begin: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    began: bool,
) -> None:
    """Between the first look at the target and the lock the plan there grows."""
    a = begin("a", make_dataset(), plan=Plan(grid={"temperature": [0.1, 0.2]}))
    if began:
        begin("target", plan=Plan(grid={"temperature": [0.2]}))
    grown = make_study(plan=Plan(grid={"temperature": [0.2, 0.3, 0.4]}, replicas=3))
    real = merging._check_room

    def collected(*args: Any) -> None:
        real(*args)
        StudyFolder.create(tmp_path / "target", grown)
        with StudyFolder.open(tmp_path / "target").lock() as held:
            held.store_plan(grown)
            write_shard(tmp_path / "target", make_dataset(first=6))

    monkeypatch.setattr(merging, "_check_room", collected)
    report = merge_studies([a], tmp_path / "target")
    asked = requested_runs(StudyFolder.open(tmp_path / "target").description())
    wanted = {each.run_id for each in requested_runs(grown)}
    wanted |= {each.run_id for each in requested_runs(StudyFolder.open(a).description())}
    assert {each.run_id for each in asked} == wanted
    assert report.runs == 6
    assert open_runs(tmp_path / "target").sizes["run"] == 12


def test_a_target_that_another_study_began_meanwhile_is_refused(
    make_dataset: MakeDataset,
    make_study: MakeStudy,
    begin: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a = begin("a", make_dataset())
    other = make_study(seed=99)
    monkeypatch.setattr(
        merging, "_check_room", lambda *_: StudyFolder.create(tmp_path / "target", other)
    )
    with pytest.raises(StudyChangedError, match="seed"):
        merge_studies([a], tmp_path / "target")
    assert StudyFolder.open(tmp_path / "target").description() == other
    assert StudyFolder.open(tmp_path / "target").shards() == []


@pytest.fixture
def busy(begin: Callable[..., Path]) -> Iterator[Path]:
    folder = begin("busy")
    with StudyFolder.open(folder).lock():
        yield folder


def test_a_target_that_is_collected_into_is_refused(
    make_dataset: MakeDataset, begin: Callable[..., Path], busy: Path, tmp_path: Path
) -> None:
    a = begin("a", make_dataset())
    with pytest.raises(StudyBusyError, match="holds"):
        merge_studies([a], busy)
    assert merge_studies([busy, a], tmp_path / "target").runs == 6  # A source may be busy.
