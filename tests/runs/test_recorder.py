"""Recording of somebody's own training loop."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import FormatError, InvalidValueError, StorageError, StudyBusyError
from phasegrok.runs import StudyFolder, open_runs, record, validate
from phasegrok.runs.column import BLOCK
from phasegrok.study import Study


def log_two_records(folder: Path, second: dict[str, Any]) -> None:
    """Record 1.0 and then what is given; what can be called is called in the loop."""
    with record(folder, controls={}) as run:
        run.log(step=0, loss=1.0)
        run.log(**{name: each() if callable(each) else each for name, each in second.items()})


def test_ten_lines_record_a_loop(tmp_path: Path) -> None:
    for weight_decay in (0.2, 0.1):
        with record(tmp_path, controls={"weight_decay": weight_decay}, name="decay") as run:
            weights = np.ones(3)
            for step in range(0, 100, 10):
                run.log(step=step, loss=float(weights @ weights), weights=weights)
                weights *= 1.0 - weight_decay
    runs = open_runs(tmp_path)
    assert validate(runs) == []
    assert runs["weight_decay"].values.tolist() == [0.1, 0.2]
    assert runs["step"].values.tolist() == list(range(0, 100, 10))
    np.testing.assert_allclose(runs["loss"].values[1], 3.0 * 0.8 ** (2 * np.arange(10)))
    np.testing.assert_allclose(runs["weights"].values[0, :, 2], 0.9 ** np.arange(10))
    assert set(runs["outcome"].values) == {"finished"}


def test_long_runs_pass_block_borders(tmp_path: Path) -> None:
    records = 2 * BLOCK + 3
    buffer = np.zeros(2)
    with record(tmp_path, controls={}) as run:
        for step in range(records):
            buffer[:] = step, -step
            run.log(step=step, pair=buffer)
    pairs = open_runs(tmp_path)["pair"].values[0]
    assert pairs[:, 0].tolist() == list(range(records))


@pytest.mark.parametrize(
    ("said", "told"), [("a\x00b", "ValueError: a\\x00b"), ("x\udce9", "ValueError: x\\udce9")]
)
def test_whatever_an_exception_says_the_records_are_kept(
    tmp_path: Path, said: str, told: str
) -> None:
    def trained() -> None:
        with record(tmp_path, controls={}) as run:
            run.log(step=0, loss=1.0)
            raise ValueError(said)

    with pytest.raises(ValueError, match=r"^[ax]"):
        trained()
    runs = open_runs(tmp_path)
    assert runs["outcome_reason"].item() == told
    assert runs["loss"].values.tolist() == [[1.0]]


def test_an_exception_keeps_the_records_and_goes_on(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError, match="by zero"):
        log_two_records(tmp_path, {"step": 1, "loss": lambda: 1 / 0})
    runs = open_runs(tmp_path)
    assert runs["outcome"].item() == "failed"
    assert runs["outcome_reason"].item() == "ZeroDivisionError: division by zero"
    assert runs["loss"].values.tolist() == [[1.0]]


def test_an_interrupt_truncates(tmp_path: Path) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        log_two_records(tmp_path, {"step": 1, "loss": interrupt})
    runs = open_runs(tmp_path)
    assert runs["outcome"].item() == "truncated"
    assert runs["record_count"].item() == 1


def test_a_failure_before_the_first_record_leaves_siblings_readable(tmp_path: Path) -> None:
    with record(tmp_path, controls={"x": 1}) as run:
        run.log(step=0, loss=1.0, spectrum=np.ones(3))
    with pytest.raises(RuntimeError, match="early"), record(tmp_path, controls={"x": 2}):
        raise RuntimeError("early")
    runs = open_runs(tmp_path)
    assert runs["outcome"].values.tolist() == ["finished", "failed"]
    assert runs["record_count"].values.tolist() == [1, 0]
    assert runs["spectrum"].sizes == {"run": 2, "record": 1, "spectrum_0": 3}
    assert np.isnan(runs["loss"].values[1]).all()
    assert validate(runs) == []


def test_the_first_nan_ends_the_records_as_diverged(tmp_path: Path) -> None:
    with record(tmp_path, controls={}) as run:
        for step, loss in enumerate([1.0, 2.0, float("nan"), float("nan"), 3.0]):
            run.log(step=step, loss=loss, pair=[0.0, loss])
    runs = open_runs(tmp_path)
    assert runs["loss"].values.tolist() == [[1.0, 2.0]]
    assert runs["outcome"].item() == "diverged"
    assert runs["outcome_reason"].item() == "loss is NaN at step 2"


def test_a_limit_is_told_by_end(tmp_path: Path) -> None:
    with record(tmp_path, controls={}) as run:
        run.log(step=0, loss=1.0)
        with pytest.raises(InvalidValueError, match="Did you mean 'truncated'"):
            run.end("truncate", "time")
        run.end("truncated", "time limit")
    assert open_runs(tmp_path)["outcome_reason"].item() == "time limit"


@pytest.mark.parametrize(
    ("second", "match"),
    [
        ({"step": 0, "loss": 1.0}, "increases"),
        ({"step": 1.5, "loss": 1.0}, "whole number"),
        ({"step": 1}, r"\['loss'\] are not in all"),
        ({"step": 1, "loss": 1.0, "more": 2.0}, r"\['more'\] are not in all"),
        ({"step": 1, "loss": [1.0, 2.0]}, r"keep its shape \(\), received \(2,\)"),
        ({"step": 1, "loss": "low"}, "'loss' must be real numbers"),
        ({"step": 1, "loss": 1j}, "'loss' must be real numbers"),
    ],
)
def test_refuses_records_that_do_not_fit(
    tmp_path: Path, second: dict[str, Any], match: str
) -> None:
    with pytest.raises(InvalidValueError, match=match):
        log_two_records(tmp_path, second)
    assert open_runs(tmp_path)["loss"].values.tolist() == [[1.0]]


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"rate": 1.0}, "rename what clashes"),
        ({"training loss": 1.0}, "must be one word"),
        ({"event_escape_lower": 1.0}, "'event_escape_upper' is missing"),
        ({"x": 1.0}, "cannot be called 'x'"),
        ({"run": [1.0]}, "'run'"),
    ],
)
def test_refuses_names_before_anything_is_lost(
    tmp_path: Path, values: dict[str, Any], match: str
) -> None:
    with record(tmp_path, controls={"x": 1}) as run:
        with pytest.raises(InvalidValueError, match=match):
            run.log(step=0, **values)
        run.log(step=0, loss=1, penalty_wells=2)
        with pytest.raises(InvalidValueError, match="rename what clashes"):
            run.describe("loss", dims=("h",))
    runs = open_runs(tmp_path)
    assert runs["loss"].dtype == runs["penalty_wells"].dtype == np.float64
    assert runs["penalty_wells"].values.tolist() == [[2.0]]


@pytest.mark.parametrize("name", ["replica", "step", "two words", "a/b", "entry"])
def test_refuses_controls_with_names_of_the_schema(tmp_path: Path, name: str) -> None:
    with (
        pytest.raises(InvalidValueError, match=rf"{name}"),
        record(tmp_path, controls={name: 1}),
    ):
        pass


@pytest.mark.parametrize("value", [None, float("nan"), [1.0], 1j])
def test_refuses_controls_that_are_no_numbers(tmp_path: Path, value: object) -> None:
    with (
        pytest.raises(InvalidValueError, match="'x' must be a finite number or text"),
        record(tmp_path, controls={"x": value}),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_refuses_an_unknown_symmetry(tmp_path: Path) -> None:
    with record(tmp_path, controls={}) as run:
        run.log(step=0, loss=1.0)
        with pytest.raises(InvalidValueError, match="symmetry must be one of"):
            run.describe("loss", symmetry="odd")


def test_a_run_is_recorded_once(tmp_path: Path) -> None:
    with record(tmp_path, controls={"x": 1}) as run:
        run.log(step=0, loss=1.0)
    with (
        pytest.raises(FormatError, match="give this one another replica"),
        record(tmp_path, controls={"x": 1.0}),
    ):
        pass
    with record(tmp_path, controls={"x": 1}, replica=1) as run:
        run.log(step=0, loss=1.0)
    assert open_runs(tmp_path).sizes["run"] == 2


def test_two_recorders_cannot_hold_one_run(tmp_path: Path) -> None:
    with record(tmp_path, controls={"x": 1}) as run:
        run.log(step=0, loss=1.0)
        with (
            pytest.raises(StudyBusyError, match="another recorder of this run"),
            record(tmp_path, controls={"x": 1}),
        ):
            pass
        with record(tmp_path, controls={"x": 2}) as other:
            other.log(step=0, loss=2.0)
    assert open_runs(tmp_path).sizes["run"] == 2
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".h5", ".h5", ".json"]


def test_refuses_the_folder_of_another_study(
    tmp_path: Path, make_study: Callable[..., Study]
) -> None:
    StudyFolder.create(tmp_path / "collected", make_study())
    with (
        pytest.raises(FormatError, match=r"holds the study 'test'.*choose another folder"),
        record(tmp_path / "collected", controls={}),
    ):
        pass


def test_a_disk_that_fails_at_the_end_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match="disk is full"):
        log_two_records(
            tmp_path, {"step": 1, "loss": lambda: monkeypatch.setattr("os.fsync", full) or 0.0}
        )


LOOP = """
import sys
from phasegrok.runs import record
for replica in range(3):
    with record(sys.argv[1], controls={"x": int(sys.argv[2])}, replica=replica) as run:
        for step in range(5):
            run.log(step=step, loss=step / 2)
if "torch" in sys.modules:
    raise SystemExit("torch was imported")
"""


def test_processes_record_into_one_folder_and_need_no_torch(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", LOOP, str(tmp_path)]
    processes = [subprocess.Popen([*command, str(x)]) for x in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    runs: xr.Dataset = open_runs(tmp_path)
    assert runs.sizes["run"] == 6
    assert runs["x"].values.tolist() == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("step", [None, "a", "3", np.nan, np.inf, 0.5, [1, 2]])
def test_a_step_that_is_no_whole_number_is_refused(tmp_path: Path, step: Any) -> None:
    with pytest.raises(InvalidValueError, match="step must be a whole number"):
        log_two_records(tmp_path, {"step": step, "loss": 1.0})
    assert open_runs(tmp_path)["loss"].values.tolist() == [[1.0]]


@pytest.mark.parametrize(
    ("second", "match"),
    [
        ({"loss": [[1.0], [1.0, 2.0]]}, "'loss' must be a number or an array whose rows"),
        ({"loss": 1.0, "time": "late"}, "'time' must be real numbers"),
        ({"loss": 1.0, "time": [1.0, 2.0]}, "time must be one number"),
    ],
)
def test_values_that_are_no_numbers_are_refused(
    tmp_path: Path, second: dict[str, Any], match: str
) -> None:
    with pytest.raises(InvalidValueError, match=match):
        log_two_records(tmp_path, {"step": 1, **second})


@pytest.mark.parametrize("controls", [None, ["T"], "T"])
def test_controls_must_have_names_and_values(tmp_path: Path, controls: Any) -> None:
    with (
        pytest.raises(InvalidValueError, match="controls must map names to values"),
        record(tmp_path, controls=controls),
    ):
        pass


def test_runs_of_other_controls_are_refused_before_the_loop(tmp_path: Path) -> None:
    with record(tmp_path, controls={"wd": 0.1}) as run:
        run.log(step=0, loss=1.0)
    with (
        pytest.raises(FormatError, match=r"the controls \['wd'\].*this one has \['lr'\]"),
        record(tmp_path, controls={"lr": 0.1}),
    ):
        pytest.fail("the loop was entered")
    assert open_runs(tmp_path).sizes["run"] == 1


def test_a_refused_control_stores_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(InvalidValueError, match="a control cannot be called 'loss'"),
        record(tmp_path, controls={"loss": 1.0}, replica=5) as run,
    ):
        run.log(step=0, loss=1.0)
    assert StudyFolder.open(tmp_path).shards() == []
    with record(tmp_path, controls={"wd": 1.0}, replica=5) as run:
        run.log(step=0, loss=1.0)
    assert open_runs(tmp_path)["outcome"].item() == "finished"


def test_a_refused_control_of_another_run_costs_no_records(tmp_path: Path) -> None:
    def nested() -> float:
        with record(tmp_path / "inner", controls={"loss": 1.0}) as other:
            other.log(step=0, loss=1.0)
        return 1.0

    with pytest.raises(InvalidValueError, match="cannot be called 'loss'"):
        log_two_records(tmp_path / "outer", {"step": 1, "loss": nested})
    assert open_runs(tmp_path / "outer")["outcome"].item() == "failed"


def test_a_label_that_is_taken_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match="increases"):
        log_two_records(tmp_path, {"step": 0, "loss": 1.0})
    (shard,) = StudyFolder.open(tmp_path).shards()
    with (
        pytest.raises(FormatError, match=rf"already, in {shard.name}; .*move that file away"),
        record(tmp_path, controls={}),
    ):
        pass
    shard.unlink()
    log_two_records(tmp_path, {"step": 1, "loss": 0.5})
    assert open_runs(tmp_path)["outcome"].item() == "finished"


@pytest.mark.parametrize(
    ("labels", "match"),
    [
        ({"replica": -1}, "the replica must be 0 or more for every run, received -1"),
        ({"disorder": -2}, "the disorder must be 0 or more"),
        ({"start": " "}, "the start is empty"),
        ({"start": 3}, "'start' must be text"),
        ({"replica": "a"}, "replica must be a whole number such as 0, 1 or 2, received 'a'"),
        ({"disorder": 0.5}, "disorder must be a whole number"),
        ({"replica": True}, "replica must be a whole number"),
    ],
)
def test_labels_without_a_meaning_are_refused(
    tmp_path: Path, labels: dict[str, Any], match: str
) -> None:
    with pytest.raises(InvalidValueError, match=match), record(tmp_path, controls={}, **labels):
        pytest.fail("the loop was entered")
    assert list(tmp_path.iterdir()) == []


def test_whole_labels_may_be_of_any_type(tmp_path: Path) -> None:
    with record(tmp_path, controls={}, replica=np.int32(2), disorder=1.0) as run:  # type: ignore[arg-type]
        run.log(step=0, loss=1.0)
    runs = open_runs(tmp_path)
    assert (runs["replica"].item(), runs["disorder"].item()) == (2, 1)
    assert runs["replica"].dtype == runs["disorder"].dtype == np.int64
    with (
        pytest.raises(FormatError, match="already"),
        record(tmp_path, controls={}, replica=2, disorder=1),
    ):
        pass
