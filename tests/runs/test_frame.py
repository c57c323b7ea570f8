"""Runs from a table."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from phasegrok.errors import InvalidValueError
from phasegrok.runs import attribute_of, from_frame, open_runs, validate, write_shard

ROWS = pd.DataFrame(
    {
        "id": ["b", "a", "a", "b", "b", "c"],
        "step": [20, 0, 10, 0, 10, 0],
        "temperature": [0.2, 0.1, 0.1, 0.2, 0.2, 0.1],
        "loss": [3.0, 0.5, 0.25, 1.0, 2.0, 9.0],
        "correct": [3, 1, 2, 1, 2, 7],
    }
)


def test_rows_become_records_of_their_runs() -> None:
    runs = from_frame(ROWS, controls=["temperature"], run="id", record="step")
    assert validate(runs) == []
    assert runs["run_id"].values.tolist() == ["b", "a", "c"]
    assert runs["record_count"].values.tolist() == [3, 2, 1]
    assert runs["temperature"].values.tolist() == [0.2, 0.1, 0.1]
    assert runs["loss"].values[0].tolist() == [1.0, 2.0, 3.0]
    assert runs["correct"].values.tolist() == [[1, 2, 3], [1, 2, -1], [7, -1, -1]]
    assert runs["step"].values[1].tolist() == [0, 10, -1]
    assert runs["replica"].values.tolist() == [0, 0, 1]
    assert set(runs.data_vars) == {"loss", "correct"}
    assert attribute_of(runs)["controls"] == ["temperature"]


def test_a_mapping_of_columns_does_too() -> None:
    columns = {name: ROWS[name].tolist() for name in ROWS.columns}
    given = from_frame(ROWS, controls=["temperature"], run="id", record="step")
    plain = from_frame(columns, controls=["temperature"], run="id", record="step")
    for name in given.variables:
        np.testing.assert_array_equal(plain[name].values, given[name].values)


def test_one_row_a_run_needs_no_record() -> None:
    runs = from_frame(
        {"k": [7, 8], "width": [4, 8], "q": [0.1, 0.9]}, controls=["width"], run="k"
    )
    assert runs["q"].values.tolist() == [[0.1], [0.9]]
    assert runs["run_id"].values.tolist() == ["7", "8"]
    assert runs["width"].dtype == np.int64


def test_labels_come_from_columns() -> None:
    table: dict[str, Any] = {
        "k": list("abcd"),
        "T": [0.1] * 4,
        "draw": [0, 0, 1, 1],
        "seed": [5, 6, 5, 6],
        "end": ["finished", "diverged", "finished", "finished"],
        "loss": [1, 2, 3, 4],
    }
    runs = from_frame(
        table, controls=["T"], run="k", disorder="draw", replica="seed", outcome="end"
    )
    assert runs["disorder"].values.tolist() == [0, 0, 1, 1]
    assert runs["replica"].values.tolist() == [5, 6, 5, 6]
    assert runs["outcome"].values[1] == "diverged"
    assert runs["outcome_reason"].values.tolist() == ["", "not stated in the table", "", ""]
    assert runs["loss"].dtype == np.float64


def test_can_be_stored_and_opened(tmp_path: Path) -> None:
    runs = from_frame(ROWS, controls=["temperature"], run="id", record="step")
    write_shard(tmp_path, runs)
    opened = open_runs(tmp_path)
    assert opened["run_id"].values.tolist() == ["a", "c", "b"]
    assert opened["step"].dims == ("record",)
    assert opened["loss"].sel(run=2).values.tolist() == [1.0, 2.0, 3.0]


IN_RUN_A = [ROWS["id"][row] == "a" for row in range(6)]
MIXED = np.array(["high" if here else 0.1 for here in IN_RUN_A], dtype=object)


def changed(**columns: Any) -> dict[str, Any]:
    return {**{name: ROWS[name].tolist() for name in ROWS.columns}, **columns}


@pytest.mark.parametrize(
    ("table", "arguments", "match"),
    [
        (changed(), {"controls": ["temprature"]}, "Did you mean 'temperature'"),
        (changed(), {"record": None}, "3 rows; name the column of their steps"),
        (changed(step=[0] * 6), {}, "two rows with one step"),
        (changed(step=[0.5, 0, 1, 1, 2, 0]), {}, "whole numbers of steps"),
        (changed(temperature=[0.1] * 5 + [None]), {}, "'temperature' must be a finite number"),
        (changed(temperature=[1, 2, 3, 4, 5, 6]), {}, "must have one value in a run"),
        (changed(loss=[np.nan, 1, 1, 1, 1, 1]), {}, "'loss' misses 1 values in the run 'b'"),
        (changed(loss=list("abcdef")), {}, "'loss' must be real numbers"),
        (changed(loss=[1.0]), {}, "must be of one length"),
        (changed(temperature=np.full(6, np.nan)), {}, r"'temperature' misses a value \(NaN\)"),
        (changed(temperature=MIXED), {}, "a number in all runs or text in all"),
        (changed(temperature=["x", *MIXED[1:]]), {}, "must have one value in a run"),
        (changed(), {"controls": "temperature"}, "controls must be a list of columns"),
        (changed(), {"controls": None}, "controls must be a list of columns"),
        ({name: [] for name in ROWS.columns}, {}, "at least one row"),
    ],
)
def test_refuses_what_has_no_meaning(
    table: dict[str, Any], arguments: dict[str, Any], match: str
) -> None:
    keywords = {"controls": ["temperature"], "run": "id", "record": "step", **arguments}
    with pytest.raises(InvalidValueError, match=match):
        from_frame(table, **keywords)


def test_an_unknown_outcome_breaches_the_schema() -> None:
    table = {"k": ["a"], "end": ["done"], "loss": [1.0]}
    with pytest.raises(ValueError, match="outcome 'done' is not one of"):
        from_frame(table, controls=[], run="k", outcome="end")


@pytest.mark.parametrize("table", [3, None, [[1.0, 2.0]], np.zeros((2, 2))])
def test_what_has_no_named_columns_is_refused(table: Any) -> None:
    with pytest.raises(InvalidValueError, match="the table must have named columns"):
        from_frame(table, controls=["T"], run="id")


TABLE: dict[str, Any] = {
    "k": ["a", "b"],
    "T": [0.1, 0.1],
    "draw": [0.0, 1.0],
    "seed": [3, 3],
    "loss": [1.0, 2.0],
}


def test_whole_numbers_of_any_type_are_labels() -> None:
    runs = from_frame(pd.DataFrame(TABLE), controls=["T"], run="k", disorder="draw")
    assert runs["disorder"].values.tolist() == [0, 1]
    assert runs["disorder"].dtype == np.int64


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        ({"draw": [0.5, 1.0]}, r"column 'draw', in the run 'a', must be a whole number.*0\.5"),
        ({"draw": ["x", "y"]}, "column 'draw', in the run 'a', must be a whole number"),
        ({"draw": [0, -1]}, "the disorder must be 0 or more"),
        ({"draw": [0, 0]}, "the runs 'a' and 'b' have the same T, disorder, replica, start"),
    ],
)
def test_labels_that_tell_no_runs_apart_are_refused(
    columns: dict[str, Any], match: str
) -> None:
    table = {**TABLE, **columns}
    with pytest.raises(ValueError, match=match):
        from_frame(table, controls=["T"], run="k", disorder="draw", replica="seed")


def test_two_columns_of_one_name_are_refused() -> None:
    frame = pd.DataFrame([["a", 0.1, 1.0, 2.0]], columns=["id", "T", "loss", "loss"])
    with pytest.raises(InvalidValueError, match="two columns of the name 'loss'"):
        from_frame(frame, controls=["T"], run="id")


@pytest.mark.parametrize("step", [np.nan, np.inf, 1e300 + 0.5, 0.5])
def test_a_step_that_is_no_number_is_named(step: float) -> None:
    table = changed(step=[20.0, 0.0, 10.0, 0.0, 10.0, step])
    with pytest.raises(InvalidValueError, match=r"whole numbers of steps, received"):
        from_frame(table, controls=["temperature"], run="id", record="step")
