"""check_study: nothing is found in a whole study, and every planted fault is."""

import hashlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import FormatError
from phasegrok.runs import (
    Finding,
    IntegrityReport,
    Severity,
    StudyFolder,
    attribute_text,
    check_study,
    integrity,
    merge_studies,
    open_runs,
    record,
    write_shard,
)
from phasegrok.runs.shard import checksum, name_of_runs
from phasegrok.study import Plan, Study, identity, plain_study, requested_runs

STORED = Path(__file__).parent / "stored"


def narrow(folder: Path) -> Path:
    """The shard with weights."""
    return next(path for path in folder.glob("shard-*.h5") if h5py.File(path).get("states"))


def wide(folder: Path) -> Path:
    return next(path for path in folder.glob("shard-*.h5") if path != narrow(folder))


def only(report: IntegrityReport, kind: str) -> Finding:
    """The one finding, which is of this kind."""
    assert [finding.kind for finding in report.findings] == [kind], str(report)
    return report.findings[0]


def with_attribute(dataset: xr.Dataset, **changes: Any) -> xr.Dataset:
    plain = json.loads(dataset.attrs["phasegrok"])
    return dataset.assign_attrs(phasegrok=attribute_text({**plain, **changes}))


def grown(study: Study, **plan: Any) -> Study:
    return replace(study, plan=Plan(**{"grid": study.plan.grid, **plan}))


@pytest.mark.parametrize("version", [path.name for path in sorted(STORED.glob("version_*"))])
def test_nothing_is_found_in_a_whole_study(version: str) -> None:
    folder = STORED / version
    report = check_study(str(folder))
    assert report.findings == ()
    assert report.ok
    assert (report.shards, report.runs, report.missing) == (2, 8, 0)
    assert report.size == sum(path.stat().st_size for path in folder.glob("shard-*"))
    assert str(report).startswith("2 shards, 8 runs, 0 to be collected: 0 errors, 0 warnings")


def test_a_report_is_plain_data(whole_study: Path) -> None:
    narrow(whole_study).write_bytes(b"")
    (whole_study / ".partial-0-ab").touch()
    report = check_study(whole_study)
    plain = json.loads(json.dumps(report.as_plain(), allow_nan=False))
    assert plain["ok"] is False
    assert plain["counts"] == {"error": 1, "warning": 0, "note": 2}
    assert (plain["shards"], plain["runs"], plain["missing"]) == (2, 4, 4)
    assert [each["kind"] for each in plain["findings"]] == ["damaged", "missing", "partial"]
    assert str(report).splitlines()[0] == f"error (damaged): {plain['findings'][0]['text']}"
    assert "2 shards, 4 runs, 4 to be collected: 1 error, 0 warnings, 2 notes" in str(report)


def test_nothing_is_written_in_a_read_only_folder(whole_study: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in whole_study.rglob("*")}
    whole_study.chmod(0o500)
    try:
        assert check_study(whole_study).ok
    finally:
        whole_study.chmod(0o700)
    assert {path: path.stat().st_mtime_ns for path in whole_study.rglob("*")} == before


def test_no_lock_is_needed(whole_study: Path) -> None:
    with StudyFolder.open(whole_study).lock():
        assert check_study(whole_study).findings == ()


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99])
def test_truncated_shards(whole_study: Path, share: float) -> None:
    path = narrow(whole_study)
    os.truncate(path, int(share * path.stat().st_size))
    report = check_study(whole_study)
    (finding,) = report.of_kind("damaged")
    assert (finding.path, finding.severity) == (path, Severity.ERROR)
    assert "ollecting again" in finding.text
    assert report.missing == 4
    assert not report.ok


@pytest.mark.parametrize(
    "name", ["loss", "last_norm", "states/parameters", "event_escape_upper"]
)
def test_a_flipped_bit_in_an_array(whole_study: Path, name: str) -> None:
    path = narrow(whole_study)
    with h5py.File(path) as file:
        place = file[name].id.get_offset()
    content = bytearray(path.read_bytes())
    content[place + 1] ^= 4
    path.write_bytes(content)
    assert StudyFolder.open(whole_study).problems() == []
    finding = check_study(whole_study).of_kind("damaged")[0]
    assert f"not what was written are {name}." in finding.text


@pytest.mark.parametrize(
    ("owner", "attribute", "value", "told"),
    [
        ("loss", "units", "nats", "loss (attributes)"),
        ("overlap", "symmetry", "none", "overlap (attributes)"),
        ("time", "units", "step", "time (attributes)"),
        ("states", "kept", "all", "states/ (attributes)"),
        ("states/parameters", "layout", "{}", "states/parameters (attributes)"),
        ("/", "title", "mine", "/ (attributes)"),
        ("/", "coordinates", "loss", "/ (attributes)"),
    ],
)
def test_changed_attributes(
    whole_study: Path, owner: str, attribute: str, value: str, told: str
) -> None:
    path = narrow(whole_study)
    with h5py.File(path, "r+") as file:
        file[owner].attrs[attribute] = value
    finding = only(check_study(whole_study), "damaged")
    assert told in finding.text
    assert finding.severity == Severity.ERROR


def test_an_edited_copy(whole_study: Path) -> None:
    with h5py.File(narrow(whole_study), "r+") as file:
        file["mine"] = np.arange(3)
        file["loss"][0, 0] = 7.0
    finding = check_study(whole_study).of_kind("damaged")[0]
    assert "loss, mine (not in its table of contents)" in finding.text


def test_a_lost_dimension(whole_study: Path) -> None:
    with h5py.File(narrow(whole_study), "r+") as file:
        del file["neuron"].attrs["CLASS"]
    assert "overlap (attributes)" in only(check_study(whole_study), "damaged").text


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "cannot be read as the description"),
        (b"\xff\xfe", "cannot be read as the description"),
        (b'{"schema_version": 99}', "update phasegrok"),
    ],
)
def test_a_damaged_description(whole_study: Path, content: bytes, told: str) -> None:
    (whole_study / "study.json").write_bytes(content)
    finding = only(check_study(whole_study), "description")
    assert finding.severity == Severity.ERROR
    assert told in finding.text


def test_a_number_changed_in_the_description(whole_study: Path) -> None:
    path = whole_study / "study.json"
    text = path.read_text()
    assert '"step_size": 0.01' in text
    path.write_text(text.replace('"step_size": 0.01', '"step_size": 0.02'))
    finding = only(check_study(whole_study), "description")
    assert "its checksum does not hold" in finding.text
    assert "restore it" in finding.text


def test_a_folder_without_a_description(whole_study: Path) -> None:
    (whole_study / "study.json").unlink()
    report = check_study(whole_study)
    assert only(report, "description").severity == Severity.NOTE
    assert report.ok


def test_missing_points_are_counted(whole_study: Path, maker: ModuleType) -> None:
    study = StudyFolder.open(whole_study)
    with study.lock() as held:
        held.store_plan(grown(maker.study(), replicas=3))
    wide(whole_study).unlink()
    report = check_study(whole_study)
    finding = only(report, "missing")
    assert report.ok
    assert report.missing == 20
    assert finding.severity == Severity.NOTE
    assert (
        "20 of 24 runs are to be collected, at activation erf, temperature 0.125"
        in finding.text
    )
    assert "activation erf, temperature 0.125, width 3: 2 of 3; " in finding.text
    assert "activation erf, temperature 0.125, width 5: 3 of 3; " in finding.text
    assert finding.text.endswith("and 3 more.")


def test_runs_beyond_the_plan(whole_study: Path, maker: ModuleType) -> None:
    grid = {**maker.study().plan.grid, "temperature": [0.125]}
    with StudyFolder.open(whole_study).lock() as held:
        held.store_plan(grown(maker.study(), grid=grid))
    report = check_study(whole_study)
    finding = only(report, "unrequested")
    assert (finding.severity, report.missing) == (Severity.NOTE, 0)
    assert "4 stored runs are not asked for" in finding.text


def test_a_shard_of_another_study(whole_study: Path, maker: ModuleType) -> None:
    other = replace(maker.study(), seed=8)
    narrow(whole_study).unlink()
    runs = with_attribute(
        maker.parts()[0].runs, study=plain_study(other), identity=identity(other)
    )
    foreign = write_shard(whole_study, runs)
    report = check_study(whole_study)
    assert [finding.kind for finding in report.findings] == ["foreign", "missing"]
    assert (report.findings[0].path, report.runs, report.missing) == (foreign, 4, 4)
    assert "seed: stored 11, given 8" in report.findings[0].text


def test_files_that_only_look_like_shards(whole_study: Path) -> None:
    (whole_study / "shard-a.h5").write_text("not HDF5")
    (whole_study / "shard-b.h5").mkdir()
    (whole_study / "shard-c.h5").symlink_to(whole_study / "nowhere")
    (whole_study / "shard-d.h5").symlink_to(whole_study / "shard-d.h5")
    os.mkfifo(whole_study / "shard-e.h5")
    xr.Dataset({"x": 1}).to_netcdf(whole_study / "shard-f.h5", engine="h5netcdf")
    (whole_study / "notes.h5").write_text("not ours")
    report = check_study(whole_study)
    assert {finding.path.name for finding in report.findings} == {
        f"shard-{letter}.h5" for letter in "abcdef"
    }
    assert {finding.severity for finding in report.findings} == {Severity.ERROR}
    assert {finding.kind for finding in report.findings} == {"damaged", "unreadable"}


def test_a_renamed_shard(whole_study: Path) -> None:
    path = narrow(whole_study)
    path.rename(whole_study / "shard-0123456789abcdef.h5")
    finding = only(check_study(whole_study), "name")
    assert finding.severity == Severity.WARNING
    assert f"Rename it to {path.name}" in finding.text


def test_two_swapped_names(whole_study: Path) -> None:
    one, other = sorted(whole_study.glob("shard-*.h5"))
    aside = one.rename(whole_study / "aside")
    other.rename(one)
    aside.rename(other)
    report = check_study(whole_study)
    assert [finding.kind for finding in report.findings] == ["name", "name"]


def test_a_copy_under_another_name_may_be_removed(whole_study: Path) -> None:
    path = narrow(whole_study)
    copy = whole_study / "shard-0000000000000000.h5"
    shutil.copy(path, copy)
    report = check_study(whole_study)
    assert {finding.kind for finding in report.findings} == {"duplicate", "name"}
    (finding,) = report.of_kind("duplicate")
    assert finding.severity == Severity.WARNING
    assert "equal in every bit" in finding.text
    assert f"{copy.name} may be removed" in finding.text
    copy.unlink()
    assert check_study(whole_study).findings == ()


def test_equal_runs_in_batches_of_another_make(whole_study: Path, maker: ModuleType) -> None:
    """Records padded further and steps kept per run change no number of a run."""
    runs = maker.parts()[0].runs.isel(run=[1, 3])
    longer = runs.pad(record=(0, 2)).assign_coords(record_count=runs["record_count"])
    longer["step"] = longer["step"].fillna(-1).astype(np.int64)
    longer["rung"] = longer["rung"].fillna(-1).astype(np.int64)
    longer["overlap"] = longer["overlap"].astype(np.float32)
    longer = longer.assign_coords(width=longer["width"].astype(float))
    for name in runs.data_vars:
        longer[name].attrs = runs[name].attrs
    states = maker.parts()[0].states.isel(run=[1])
    smaller = write_shard(whole_study, longer, states)
    finding = only(check_study(whole_study), "duplicate")
    assert f"{smaller.name} may be removed" in finding.text


@pytest.mark.parametrize("name", ["loss", "event_escape_lower", "outcome_reason", "states"])
def test_conflicting_copies(whole_study: Path, maker: ModuleType, name: str) -> None:
    runs, states = maker.parts()[0]
    runs, states = runs.isel(run=[0, 1]).copy(deep=True), states.isel(run=[0]).copy(deep=True)
    runs = with_attribute(runs, provenance={"device": "cuda", "created": "2030-01-01"})
    told = f"'{name}'"
    if name == "outcome_reason":
        runs[name].values[1] = "something else"
    elif name == "states":
        states["parameters"].values[0, 0, 3] += 1.0
        told = "'states/parameters'"
    else:
        runs[name].values[0] = np.nextafter(runs[name].values[0], np.inf)
    other = write_shard(whole_study, runs, states)
    report = check_study(whole_study)
    (finding,) = report.of_kind("conflict")
    assert finding.severity == Severity.ERROR
    assert f"differ: '{runs['run_id'].values[int(name == 'outcome_reason')]}'" in finding.text
    assert f"in {told}. " in finding.text
    assert "device 'cpu'" in finding.text
    assert "created '2030-01-01'" in finding.text
    assert {narrow(whole_study).name, other.name} <= {
        *finding.text.replace(".h5 ", ".h5 ").split()
    }


@pytest.mark.parametrize(("cubic", "kind"), [(-0.3, "duplicate"), (-0.5, "conflict")])
def test_a_copy_from_before_a_control_was_varied(
    whole_study: Path, maker: ModuleType, tmp_path: Path, cubic: float, kind: str
) -> None:
    """A check and a merge agree on what is equal in every bit."""
    runs, weights = maker.parts()[0]
    grid = {**maker.study().plan.grid, "cubic": [cubic]}
    later = grown(maker.study(), grid=grid)
    runs = runs.assign_coords(cubic=("run", np.full(runs.sizes["run"], cubic)))
    other = tmp_path / "other"
    StudyFolder.create(other, later)
    path = write_shard(other, with_attribute(runs, study=plain_study(later)), weights)
    if kind == "duplicate":
        assert merge_studies([whole_study, other], tmp_path / "both").equal == 4
    else:
        with pytest.raises(FormatError, match="differs in cubic"):
            merge_studies([whole_study, other], tmp_path / "both")
    shutil.copy(path, whole_study / "shard-0000000000000000.h5")
    report = check_study(whole_study)
    assert {finding.kind for finding in report.findings} >= {kind}
    assert {"duplicate", "conflict"} & {each.kind for each in report.findings} == {kind}


def test_copies_beside_runs_of_their_own(whole_study: Path, maker: ModuleType) -> None:
    study = grown(maker.study(), replicas=2)
    one, another = requested_runs(study)[:2]
    assert (one.controls, one.replica, another.replica) == (another.controls, 0, 1)
    runs = maker.runs_of([one, another], {})
    given, states = maker.parts()[0]
    for name in given.data_vars:
        runs[name].values[0] = given[name].values[0]
    plain = plain_study(study)
    runs = with_attribute(runs, study=plain)
    assert given["run_id"].values[0] == runs["run_id"].values[0]
    write_shard(whole_study, runs, states.isel(run=[0]))
    (finding,) = check_study(whole_study).of_kind("duplicate")
    assert "each file holds runs of its own" in finding.text


def test_swapped_labels(whole_study: Path, maker: ModuleType) -> None:
    runs = maker.parts()[1].runs
    wide(whole_study).unlink()
    swapped = runs.assign_coords(temperature=("run", runs["temperature"].values[[2, 1, 0, 3]]))
    write_shard(whole_study, swapped)
    finding = only(check_study(whole_study), "label")
    assert finding.severity == Severity.ERROR
    told = [str(runs["run_id"].values[place]) in finding.text for place in range(4)]
    assert told == [True, False, True, False]


def test_labels_of_scattered_points_with_controls_of_their_own(
    tmp_path: Path, maker: ModuleType
) -> None:
    points: list[dict[str, Any]] = [{"temperature": 0.5}, {"activation": "linear"}]
    study = replace(maker.study(), plan=Plan(points=points))
    StudyFolder.create(tmp_path, study)
    requests = requested_runs(study)
    full = [{"width": 4, "temperature": 0.5, "activation": "tanh"}] * 2
    full[1] = {**full[1], "temperature": 0.0, "activation": "linear"}
    made = [
        type(each)(**{**vars(each), "controls": point})
        for each, point in zip(requests, full, strict=True)
    ]
    runs = maker.runs_of(made, {})
    runs = runs.assign_coords(run_id=("run", np.array([r.run_id for r in requests], object)))
    plain = json.loads(runs.attrs["phasegrok"])
    plain["study"] = dict(StudyFolder.open(tmp_path).study or {})
    runs = runs.assign_attrs(phasegrok=attribute_text(plain))
    path = write_shard(tmp_path, runs)
    assert check_study(tmp_path).findings == ()
    path.unlink()
    reversed_ids = runs["run_id"].values[::-1].copy()
    write_shard(tmp_path, runs.assign_coords(run_id=("run", reversed_ids)))
    assert only(check_study(tmp_path), "label").severity == Severity.ERROR


def test_recorded_runs(tmp_path: Path) -> None:
    for width in (3, 5):
        with record(tmp_path, controls={"width": width, "flag": True, "kind": "a"}) as run:
            run.log(step=0, loss=1.0)
    report = check_study(tmp_path)
    assert report.findings == ()
    assert (report.runs, report.missing) == (2, 0)
    path = sorted(tmp_path.glob("shard-*.h5"))[0]
    runs = open_runs(path).load()
    path.unlink()
    write_shard(tmp_path, runs.assign_coords(width=runs["width"] + 1))
    assert only(check_study(tmp_path), "label").severity == Severity.ERROR


def test_values_that_may_not_be(whole_study: Path, maker: ModuleType) -> None:
    path, runs = wide(whole_study), maker.parts()[1].runs
    path.unlink()
    runs["loss"].values[0, 1] = np.inf
    runs["last_norm"].values[1, 0] = -np.inf
    write_shard(whole_study, runs)
    report = check_study(whole_study)
    assert [finding.kind for finding in report.findings] == ["infinite", "infinite"]
    assert report.ok
    assert "'loss' is infinite 1 times" in report.findings[0].text


@pytest.mark.parametrize(
    ("name", "place", "value", "told"),
    [
        ("loss", (0, 1), np.nan, "holds NaN within valid records"),
        ("step", 2, 5, "must increase along record"),
        ("outcome", 0, "lost", "'lost' is not one of"),
        ("record_count", 0, 9, "must lie between 0 and the number of records"),
    ],
)
def test_breaches_of_the_schema(
    whole_study: Path, name: str, place: Any, value: Any, told: str
) -> None:
    """Such as no writer of today would store, with a checksum that holds."""
    path = wide(whole_study)
    with h5py.File(path, "r+") as file:
        values = file[name][...]
        values[place] = value
        file[name][...] = values
        plain = json.loads(file.attrs["phasegrok"])
        kept = file[name].asstr()[...] if values.dtype.kind == "O" else values
        plain["contents"][name][4] = checksum(kept)
        file.attrs["phasegrok"] = attribute_text(plain)
    found = check_study(whole_study).of_kind("schema")
    assert any(told in finding.text for finding in found)
    assert {finding.severity for finding in found} == {Severity.ERROR}


def test_what_was_set_aside_or_left_behind(whole_study: Path) -> None:
    shutil.copy(narrow(whole_study), whole_study / "shard-00.h5.damaged")
    (whole_study / ".partial-999999999-ab").write_text("half")
    (whole_study / f".partial-{os.getpid()}-ab").write_text("being written")
    report = check_study(whole_study)
    assert [finding.kind for finding in report.findings] == ["set aside", "partial"]
    assert "999999999" in report.findings[1].text
    assert {finding.severity for finding in report.findings} == {Severity.NOTE}


def test_shards_of_several_makes(whole_study: Path, maker: ModuleType) -> None:
    path, runs = wide(whole_study), maker.parts()[1].runs
    path.unlink()
    provenance = {"machine_type": {"device": "cpu"}, "packages": {"phasegrok": "0.9"}}
    write_shard(whole_study, with_attribute(runs, provenance=provenance))
    report = check_study(whole_study)
    assert [finding.kind for finding in report.findings] == ["mixed", "mixed"]
    assert "type of machine: device cpu (1, such as" in report.findings[0].text
    assert "agree in distribution only" in report.findings[0].text
    assert "version of phasegrok: 0.9 (1, such as" in report.findings[1].text


def test_shards_of_several_versions(tmp_path: Path, whole_study: Path) -> None:
    older = Path(shutil.copytree(STORED / "version_1", tmp_path / "older"))
    shutil.copy(narrow(whole_study), narrow(older))
    finding = only(check_study(older), "mixed")
    assert "schema version: 1 (1, such as" in finding.text
    assert "all of them are read" in finding.text


def test_a_shard_that_vanishes_meanwhile_is_no_finding(
    whole_study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_one_more(folder: Path) -> list[Path]:
        return [*sorted(folder.glob("shard-*.h5")), folder / "shard-gone.h5"]

    monkeypatch.setattr(integrity, "shard_paths", with_one_more)
    report = check_study(whole_study)
    assert (report.findings, report.shards) == ((), 2)


def checkpoint(folder: Path, run_ids: list[str], content: bytes = b"snapshot") -> Path:
    place = folder / ".checkpoints"
    place.mkdir(exist_ok=True)
    header = json.dumps({"run_ids": run_ids, "machine": "m", "fraction": 0.5}).encode()
    path = place / f"{len(list(place.iterdir()))}.checkpoint"
    digest = hashlib.sha256(content).hexdigest().encode()
    path.write_bytes(b"phasegrok checkpoint 1\n" + header + b"\n" + digest + content)
    return path


def test_checkpoints(whole_study: Path) -> None:
    stored = [str(each) for each in open_runs(whole_study)["run_id"].values]
    paths = [
        checkpoint(whole_study, ["a", "b", *stored[:1]]),
        checkpoint(whole_study, stored[:2]),
        checkpoint(whole_study, ["c"]),
    ]
    os.truncate(paths[2], paths[2].stat().st_size - 1)
    report = check_study(whole_study)
    told = {finding.path: finding for finding in report.findings}
    assert {*told} == {*paths}
    assert "the state of 2 unfinished runs" in told[paths[0]].text
    assert "the next collector removes it" in told[paths[1]].text
    assert told[paths[2]].severity == Severity.WARNING
    assert "will not be used" in told[paths[2]].text
    assert report.ok


def test_the_name_of_a_shard_is_that_of_its_runs(whole_study: Path) -> None:
    for path in whole_study.glob("shard-*.h5"):
        run_ids = open_runs(path)["run_id"].values
        assert name_of_runs(str(each) for each in run_ids) == path.name


@pytest.mark.parametrize("name", ["nowhere", "study.json"])
def test_what_is_no_folder_is_refused(whole_study: Path, name: str) -> None:
    with pytest.raises(FormatError, match="a study is a folder, and"):
        check_study(whole_study / name)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="has neither"):
        check_study(tmp_path)
