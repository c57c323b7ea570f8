"""Every breach of the schema is found, and all of them at once."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import FormatError, InvalidValueError
from phasegrok.runs import validate
from phasegrok.runs.validation import require_valid
from phasegrok.schema import RUN_COORDINATES

MakeDataset = Callable[..., xr.Dataset]
Breach = Callable[[xr.Dataset], xr.Dataset]


def coordinate(name: str, values: Any, dims: Any = "run") -> Breach:
    return lambda dataset: dataset.assign_coords({name: (dims, values)})


def first_value(name: str, value: Any) -> Breach:
    def change(dataset: xr.Dataset) -> xr.Dataset:
        dataset[name].values.flat[0] = value
        return dataset

    return change


def last_value(name: str, value: Any) -> Breach:
    """Plant a value in the last record of the last run, which ended early."""

    def change(dataset: xr.Dataset) -> xr.Dataset:
        dataset[name].values.flat[-1] = value
        return dataset

    return change


def dtype(name: str, kind: str) -> Breach:
    return lambda dataset: dataset.assign({name: dataset[name].astype(kind, keep_attrs=True)})


def attribute(name: str, key: str, value: Any) -> Breach:
    def change(dataset: xr.Dataset) -> xr.Dataset:
        dataset[name].attrs[key] = value
        return dataset

    return change


def without(name: str) -> Breach:
    return lambda dataset: dataset.drop_vars(name)


def text(value: Any) -> Breach:
    return lambda dataset: dataset.assign_attrs(phasegrok=value)


BREACHES: dict[str, tuple[Breach, str]] = {
    "no attribute": (lambda d: d.drop_attrs(), "needs the attribute 'phasegrok'"),
    "no JSON": (text("{"), "must be JSON"),
    "no identity": (text('{"schema_version": 1, "study": null}'), "lacks the keys"),
    "list": (text("[]"), "lacks the keys"),
    "version": (
        text('{"schema_version": 9, "study": 0, "identity": 0, "provenance": 0}'),
        "schema version 9",
    ),
    "no record": (lambda d: d.drop_dims("record"), "dimension 'record' is missing"),
    "no runs": (lambda d: d.isel(run=slice(0)), "dimension 'run' is empty"),
    "name": (lambda d: d.rename(loss="training loss"), "must be one word"),
    "slash": (lambda d: d.rename(loss="training/loss"), "must be one word"),
    "entry": (lambda d: d.rename(loss="entry"), "name 'entry' is that of a dimension"),
    "outcome": (first_value("outcome", "exploded"), "outcome 'exploded' is not one of"),
    "reason": (last_value("outcome_reason", ""), "1 runs did not finish and give no"),
    "twice": (first_value("run_id", "a"), ""),
    "negative count": (first_value("record_count", -1), "between 0 and the number of records"),
    "long count": (first_value("record_count", 6), "between 0 and the number of records"),
    "control": (without("temperature"), "control 'temperature' of the study must be"),
    "infinite": (first_value("temperature", np.inf), "'temperature' must be finite"),
    "float32": (coordinate("friction", np.zeros(6, "f4")), "'friction' must be float64"),
    "steps back": (coordinate("step", [0, 2, 1, 3, 4], "record"), "'step' must increase"),
    "steps stand": (coordinate("step", [0, 2, 2, 3, 4], "record"), "'step' must increase"),
    "times back": (coordinate("time", [0.0, 2, 1, 3, 4], "record"), "'time' must increase"),
    "times absent": (coordinate("time", [0.0, 2, 1, np.nan, 4], "record"), "not finite"),
    "no step": (without("step"), "'step' must lie on"),
    "step dtype": (coordinate("step", np.arange(5.0), "record"), "'step' must be int64"),
    "half event": (without("event_escape_lower"), "'event_escape_lower' is missing"),
    "event": (first_value("event_escape_lower", np.inf), ""),
    "units": (attribute("loss", "units", 3), "'loss' needs the attribute 'units'"),
    "long_name": (attribute("loss", "long_name", None), "needs the attribute 'long_name'"),
    "symmetry": (attribute("overlap", "symmetry", "odd"), "received 'odd'"),
    "loss dtype": (dtype("loss", "f4"), "'loss' must be float64, not float32"),
    "bool": (dtype("rung", "bool"), "'rung' must be float64 or float32 or int64, not bool"),
    "order": (
        lambda d: d.assign(loss=d["loss"].transpose()),
        r"'loss' must lie on \(run\[, record\]\[, ...\]\)",
    ),
    "absent": (first_value("overlap", np.nan), "'overlap' holds NaN within valid records, 1"),
    "beyond": (last_value("overlap", 0.5), "'overlap' holds values beyond record_count"),
    "beyond int": (last_value("rung", 0), "'rung' holds values beyond record_count"),
    "absent run": (first_value("event_escape_upper", np.nan), "in runs that finished, 1"),
}
BREACHES["twice"] = (
    lambda d: d.assign_coords(run_id=("run", np.array(["a", "a", "b", "c", "d", "e"], "O"))),
    "run_id 'a' occurs 2 times",
)
BREACHES["event"] = (
    lambda d: d.assign(event_escape_upper=d["event_escape_upper"].copy(data=np.zeros(6))),
    "lower bounds above the upper",
)


@pytest.mark.parametrize("name", list(BREACHES))
def test_each_breach_is_found(make_dataset: MakeDataset, name: str) -> None:
    breach, match = BREACHES[name]
    dataset = make_dataset(record_count=[5, 5, 5, 5, 5, 3])
    assert validate(dataset) == []
    with pytest.raises(FormatError, match=match):
        require_valid(breach(dataset))


@pytest.mark.parametrize("name", list(RUN_COORDINATES))
def test_each_coordinate_is_asked_for(make_dataset: MakeDataset, name: str) -> None:
    dataset = make_dataset()
    (missing,) = validate(dataset.drop_vars(name))
    assert missing.startswith(f"the coordinate {name!r} (")
    (wrong,) = validate(dataset.assign_coords({name: ("run", np.zeros(6, dtype="f2"))}))
    assert f"the coordinate {name!r} must be" in wrong
    (elsewhere,) = validate(dataset.drop_vars(name).assign_coords({name: ("record", [0] * 5)}))
    assert "must lie on (run,)" in elsewhere


def test_all_breaches_are_told_at_once(make_dataset: MakeDataset) -> None:
    dataset = make_dataset(record_count=[5, 5, 5, 5, 5, 3])
    planted = ["reason", "units", "symmetry", "absent", "beyond int", "steps back", "float32"]
    for name in planted:
        dataset = BREACHES[name][0](dataset)
    assert len(validate(dataset)) == len(planted)


def test_runs_that_failed_may_lack_what_is_measured_once(make_dataset: MakeDataset) -> None:
    dataset = make_dataset(record_count=[5, 5, 5, 5, 5, 0])
    dataset["outcome"].values[5] = "failed"
    dataset["event_escape_lower"].values[5] = np.nan
    assert validate(dataset) == []


def test_validation_changes_nothing(make_dataset: MakeDataset) -> None:
    dataset = make_dataset()
    before = dataset.copy(deep=True)
    validate(dataset)
    xr.testing.assert_identical(dataset, before)
    json.loads(dataset.attrs["phasegrok"])


def test_what_is_no_dataset_is_refused() -> None:
    with pytest.raises(InvalidValueError, match=r"only an xarray Dataset.*received int"):
        validate(3)  # type: ignore[arg-type]


def test_a_missing_coordinate_hides_no_other_breach(make_dataset: MakeDataset) -> None:
    dataset = make_dataset(record_count=[5, 5, 5, 5, 5, 3])
    planted = ["outcome", "units", "symmetry", "absent", "beyond int", "steps back", "float32"]
    for name in planted:
        dataset = BREACHES[name][0](dataset)
    told = validate(dataset)
    for name in ("replica", "integrator"):
        assert len(validate(dataset.drop_vars(name))) == len(told) + 1
    without_text = dataset.drop_attrs(deep=False)
    assert len(validate(without_text)) == len(told) + 1
    # What needs the number of records is not told without it, the rest is.
    rest = validate(dataset.drop_vars("record_count"))
    assert [each for each in told if each not in rest] == [
        each for each in told if "increase" in each or "holds" in each
    ]


LABEL_BREACHES: dict[str, tuple[Breach, str]] = {
    "replica": (first_value("replica", -1), "replica must be 0 or more"),
    "disorder": (first_value("disorder", -1), "disorder must be 0 or more"),
    "start": (first_value("start", ""), "the start is empty"),
    "same": (coordinate("replica", np.zeros(6, dtype=np.int64)), "give one of them another"),
}


@pytest.mark.parametrize("name", list(LABEL_BREACHES))
def test_labels_must_tell_runs_apart(make_dataset: MakeDataset, name: str) -> None:
    breach, match = LABEL_BREACHES[name]
    assert any(match in each for each in validate(breach(make_dataset())))


def test_walkers_of_one_ladder_share_their_labels(make_dataset: MakeDataset) -> None:
    dataset = make_dataset().assign_coords(
        replica=("run", np.zeros(6, dtype=np.int64)), first_rung=("run", np.arange(6))
    )
    assert validate(dataset) == []
