"""TOML and Python describe the same study."""

import json
from dataclasses import replace
from pathlib import Path

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
control = "weight_decay"
knots = [[0, 1.0], [1000, 0.0]]

[[events]]
name = "escape"
observable = { kind = "aligned_fraction", threshold = 0.5 }
threshold = 0.1
stop = true

[exchange]
control = "temperature"
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
    ramps=[Ramp(control="weight_decay", knots=[(0, 1.0), (1000, 0.0)])],
    events=[
        Event(
            name="escape",
            observable=part("aligned_fraction", threshold=0.5),
            threshold=0.1,
            stop=True,
        )
    ],
    exchange=Exchange(control="temperature", rungs=[0.1, 0.2], every=10),
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


def test_refuses_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidStudyError, match="cannot be read: No such file"):
        read_study(tmp_path / "missing.toml")


@pytest.mark.parametrize("role", ["task", "network", "dynamics", "recording"])
def test_refuses_a_study_without_one_of_its_tables(role: str) -> None:
    plain = plain_study(STUDY)
    del plain[role]
    with pytest.raises(InvalidStudyError, match=f"needs the key {role!r}"):
        study_from_plain(plain)
