"""TOML and Python describe the same study."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from phasegrok.errors import InvalidStudyError
from phasegrok.study import (
    Energy,
    Event,
    Exchange,
    Plan,
    Ramp,
    Recording,
    Study,
    identity,
    part,
    plain_study,
    read_study,
    requested_runs,
    study_from_plain,
)

TEXT = """
name = "everything"
seed = 7
dtype = "float64"

[task]
kind = "cubic_teacher"
input_size = 53
example_count = 375

[network]
kind = "two_layer"
width = 88
prior = { first = 0.5, readout = 0.25 }

[dynamics]
kind = "langevin"
step_size = 1e-4

[energy]
temperature = 0.2
weight_decay = "prior"
penalties = [{ kind = "sextic", strength = 0.1 }]

[recording]
steps = 1000
start = 100
every = 50
states = "last"
observables = ["teacher_overlap", { kind = "aligned_fraction", threshold = 0.5 }]

[plan]
disorders = 4
replicas = 2
starts = ["prior", "aligned"]
points = [{ temperature = 0.5, width = 44 }]

[plan.grid]
temperature = { from = 0.1, to = 0.3, count = 3 }
width = [44, 88]

[[ramps]]
control = "step_size"
knots = [[0, 1.0], [1000, 0.0]]

[[events]]
name = "escape"
observable = { kind = "aligned_fraction", threshold = 0.5 }
threshold = 0.1
stop = true

[exchange]
control = "weight_decay"
rungs = [0.1, 0.2]
every = 10
"""

STUDY = Study(
    name="everything",
    seed=7,
    dtype="float64",
    task=part("cubic_teacher", input_size=53, example_count=375),
    network=part("two_layer", width=88, prior={"first": 0.5, "readout": 0.25}),
    dynamics=part("langevin", step_size=1e-4),
    energy=Energy(
        temperature=0.2, weight_decay="prior", penalties=[part("sextic", strength=0.1)]
    ),
    recording=Recording(
        steps=1000,
        start=100,
        every=50,
        states="last",
        observables=[part("teacher_overlap"), part("aligned_fraction", threshold=0.5)],
    ),
    plan=Plan(
        grid={"temperature": [0.1, 0.2, 0.3], "width": [44, 88]},
        points=[{"temperature": 0.5, "width": 44}],
        disorders=4,
        replicas=2,
        starts=("prior", "aligned"),
    ),
    ramps=[Ramp(control="step_size", knots=[(0, 1.0), (1000, 0.0)])],
    events=[
        Event(
            name="escape",
            observable=part("aligned_fraction", threshold=0.5),
            threshold=0.1,
            stop=True,
        )
    ],
    exchange=Exchange(control="weight_decay", rungs=[0.1, 0.2], every=10),
)


def written(folder: Path, text: str) -> Path:
    path = folder / "study.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_toml_and_python_are_the_same_study(tmp_path: Path) -> None:
    read = read_study(written(tmp_path, TEXT))
    assert identity(read) == identity(STUDY)
    assert [run.run_id for run in requested_runs(read)] == [
        run.run_id for run in requested_runs(STUDY)
    ]
    spelt_out = replace(read.plan, grid=STUDY.plan.grid)
    assert replace(read, plan=spelt_out) == STUDY


def test_a_study_survives_json() -> None:
    plain = plain_study(STUDY)
    assert study_from_plain(json.loads(json.dumps(plain))) == STUDY


@pytest.mark.parametrize(
    ("line", "misspelt", "message"),
    [
        ("seed = 7", "sead = 7", r"no key 'sead'\. Did you mean 'seed'\?"),
        ("steps = 1000", "stesp = 1000", r"\[recording\] has no key 'stesp'.*'steps'"),
        ("disorders = 4", "disorder = 4", r"\[plan\] has no key 'disorder'.*'disorders'"),
        ("temperature = 0.2", "temprature = 0.2", r"\[energy\] has no key.*'temperature'"),
        ('kind = "two_layer"', 'sort = "two_layer"', r"\[network\] needs the key 'kind'"),
        ("rungs = [0.1, 0.2]", "rungs_ = [0.1, 0.2]", r"\[exchange\] has no key.*'rungs'"),
        ("seed = 7", "", "needs the key 'seed'; add it"),
        ("temperature = 0.2", "temperature = -0.2", "not negative, received -0.2"),
        ("width = [44, 88]", "width = []", "'width' must hold at least one value"),
        ('name = "everything"', "name = everything", "is not valid TOML"),
    ],
)
def test_refuses_a_slip_and_says_what_was_meant(
    tmp_path: Path, line: str, misspelt: str, message: str
) -> None:
    assert line in TEXT
    with pytest.raises(InvalidStudyError, match=f"study.toml.*{message}"):
        read_study(written(tmp_path, TEXT.replace(line, misspelt, 1)))


@pytest.mark.parametrize(
    ("line", "slip", "message"),
    [
        ("steps = 1000", 'steps = "1000"', "steps must be a whole number, received '1000'"),
        ("steps = 1000", "steps = 20.5", r"steps must be a whole number, received 20\.5"),
        ("start = 100", "start = true", "start must be a whole number, received True"),
        ('starts = ["prior", "aligned"]', 'starts = "prior"', "starts .* must be a list"),
        (
            "count = 3 }",
            'count = "3" }',
            "'count' of the grid axis 'temperature' must be a whole",
        ),
        ("width = [44, 88]", "width = 44", "the grid axis 'width' must be a list, received 44"),
        ("points = [{ temperature = 0.5, width = 44 }]", "points = [3]", "must be a table"),
        ("step_size = 1e-4", "step_size = inf", r"langevin\.step_size must be finite"),
        ("knots = [[0, 1.0], [1000, 0.0]]", "knots = [0, 1]", "every knot .* must be a list"),
        ('kind = "langevin"', "kind = 3", r"'kind' of \[dynamics\] must be text, received 3"),
    ],
)
def test_refuses_a_value_of_the_wrong_kind(
    tmp_path: Path, line: str, slip: str, message: str
) -> None:
    assert line in TEXT
    with pytest.raises(InvalidStudyError, match=f"study.toml.*{message}"):
        read_study(written(tmp_path, TEXT.replace(line, slip, 1)))


@pytest.mark.parametrize("key", ["ramps", "events", "task", "recording", "plan", "exchange"])
def test_refuses_a_number_for_a_table(key: str) -> None:
    with pytest.raises(InvalidStudyError, match=f"{key}.* must be a (list|table), received 5"):
        study_from_plain({**plain_study(STUDY), key: 5})


def test_refuses_a_file_that_is_not_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_bytes(TEXT.encode("utf-16"))
    with pytest.raises(InvalidStudyError, match=r"must be text in UTF-8.*save it as UTF-8"):
        read_study(path)


def test_arrays_describe_the_same_study_as_lists() -> None:
    whole: dict[str, Any] = {"seed": np.int64(7), "steps": np.int64(1000)}
    ladder: Any = np.array([0.1, 0.2])
    knots: Any = np.array([[0, 1.0], [1000, 0.0]])
    arrays = replace(
        STUDY,
        seed=whole["seed"],
        network=part("two_layer", width=np.int32(88), prior=STUDY.network.options["prior"]),
        energy=replace(STUDY.energy, temperature=np.float64(0.2)),
        recording=replace(STUDY.recording, steps=whole["steps"]),
        plan=replace(
            STUDY.plan,
            grid={"temperature": np.array([0.1, 0.2, 0.3]), "width": np.array([44, 88])},
            points=[{"temperature": np.float64(0.5), "width": np.int64(44)}],
        ),
        ramps=[Ramp(control="step_size", knots=knots)],
        exchange=Exchange(control="weight_decay", rungs=ladder, every=10),
    )
    assert arrays == STUDY
    assert study_from_plain(json.loads(json.dumps(plain_study(arrays)))) == STUDY
    assert [run.run_id for run in requested_runs(arrays)] == [
        run.run_id for run in requested_runs(STUDY)
    ]


@pytest.mark.parametrize("path", [None, 3, b"study.toml"])
def test_refuses_what_is_no_path(path: Any) -> None:
    with pytest.raises(InvalidStudyError, match=r"received .* for its path; give the path"):
        read_study(path)


def test_refuses_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidStudyError, match="cannot be read: No such file"):
        read_study(tmp_path / "missing.toml")


@pytest.mark.parametrize("role", ["task", "network", "dynamics", "recording"])
def test_refuses_a_study_without_one_of_its_tables(role: str) -> None:
    plain = plain_study(STUDY)
    del plain[role]
    with pytest.raises(InvalidStudyError, match=f"needs the key {role!r}"):
        study_from_plain(plain)


def test_a_mark_at_the_beginning_of_the_file_is_no_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(TEXT, encoding="utf-8")
    plain = read_study(path)
    path.write_text(TEXT, encoding="utf-8-sig")
    if not path.read_bytes().startswith(b"\xef\xbb\xbf"):
        pytest.fail("the file has no mark")
    assert read_study(path) == plain
