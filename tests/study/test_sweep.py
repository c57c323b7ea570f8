"""Descriptions of sweeps and umbrellas: what is said, what is refused."""

from typing import Any

import pytest

from phasegrok.errors import InvalidStudyError
from phasegrok.study import (
    Energy,
    Exchange,
    Plan,
    Ramp,
    Recording,
    Study,
    Sweep,
    Umbrella,
    identity,
    known_controls,
    part,
    plain_study,
    requested_runs,
    resolve,
    study_from_plain,
    study_toml,
)
from phasegrok.study.toml import read_study

SWEEP = Sweep(control="weight_decay", low=0.1, high=0.6, rate=0.5)


def described(**changes: Any) -> Study:
    fields: dict[str, Any] = {
        "name": "swept",
        "seed": 1,
        "task": part("cubic_teacher", example_count=20, input_size=4, cubic=-0.3),
        "network": part("two_layer", width=3),
        "dynamics": part("langevin", step_size=0.01),
        "energy": Energy(temperature=0.1, weight_decay=0.3),
        "recording": Recording(spacing="sweep", count=5),
        "sweep": SWEEP,
    }
    fields.update(changes)
    return Study(**fields)


@pytest.mark.parametrize(
    ("direction", "knots"),
    [
        ("up", ((20, 0.1), (120, 0.6))),
        ("down", ((20, 0.6), (120, 0.1))),
        ("around", ((20, 0.1), (120, 0.6), (220, 0.1))),
    ],
)
def test_its_way_in_steps(direction: Any, knots: Any) -> None:
    sweep = Sweep(
        control="weight_decay", low=0.1, high=0.6, rate=0.5, direction=direction, wait=0.2
    )
    ramp = sweep.ramp(0.01)
    assert ramp.knots == knots
    assert ramp.direction == direction


def test_read_as_written(tmp_path: Any) -> None:
    study = described(
        plan=Plan(grid={"rate": [0.1, 0.5], "direction": ["up", "down"]}, replicas=2),
        umbrella=Umbrella(center=0.4, strength=10.0),
    )
    (tmp_path / "study.toml").write_text(study_toml(study))
    assert read_study(tmp_path / "study.toml") == study
    assert study_from_plain(plain_study(study)) == study


def test_studies_without_them_are_what_they_were() -> None:
    study = described(sweep=None, recording=Recording(steps=10))
    assert not {"sweep", "umbrella"} & {*plain_study(study), *identity(study)}
    assert "steps" in known_controls(study)


def test_rate_and_direction_are_controls() -> None:
    study = described(plan=Plan(grid={"rate": [0.1, 0.5], "direction": ["up", "down"]}))
    runs = requested_runs(study)
    swept = [resolve(study, run).sweep for run in runs]
    assert [(each.rate, each.direction) for each in swept if each] == [
        (0.1, "up"),
        (0.1, "down"),
        (0.5, "up"),
        (0.5, "down"),
    ]
    # What stands at the stated value is no label: a plan may begin to vary it later.
    assert runs[2].run_id == requested_runs(described())[0].run_id
    assert "steps" not in known_controls(study)


def test_the_umbrella_is_a_control() -> None:
    study = described(
        sweep=None,
        recording=Recording(steps=5),
        umbrella=Umbrella(center=0.4, strength=10.0),
        plan=Plan(grid={"umbrella.center": [0.1, 0.2]}),
    )
    centers = [resolve(study, run).umbrella for run in requested_runs(study)]
    assert [(each.center, each.strength) for each in centers if each] == [
        (0.1, 10.0),
        (0.2, 10.0),
    ]


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"low": 0.6}, "high above low"),
        ({"rate": 0.0}, "rate above zero"),
        ({"rate": -1.0}, "rate above zero"),
        ({"rate": "fast"}, "rate of the sweep"),
        ({"direction": "upp"}, "Did you mean .up."),
        ({"wait": -1.0}, "wait of the sweep"),
        ({"control": 3}, "the control of the sweep"),
    ],
)
def test_sweeps_that_go_nowhere_are_refused(changes: Any, match: str) -> None:
    fields: dict[str, Any] = {"control": "weight_decay", "low": 0.1, "high": 0.6, "rate": 0.5}
    with pytest.raises(InvalidStudyError, match=match):
        Sweep(**(fields | changes))


def test_a_way_of_too_many_steps_is_refused() -> None:
    slow = Sweep(control="weight_decay", low=0.1, high=0.6, rate=1e-14)
    with pytest.raises(InvalidStudyError, match="raise the rate"):
        slow.ramp(0.01)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"recording": Recording(steps=10)}, "sets the length of its runs"),
        ({"sweep": None}, r"without \[sweep\]"),
        ({"recording": Recording(spacing="sweep", count=5, steps=10)}, "sets the length"),
        ({"exchange": Exchange(control="temperature", rungs=[0.1, 0.2])}, "no stationary law"),
        ({"sweep": "weight_decay"}, "sweep"),
        ({"umbrella": 0.3}, "umbrella"),
    ],
)
def test_studies_that_contradict_themselves_are_refused(changes: Any, match: str) -> None:
    with pytest.raises(InvalidStudyError, match=match):
        described(**changes)


def test_two_movers_of_one_control_are_refused() -> None:
    ramp = Ramp(control="weight_decay", knots=[(0, 0.1), (5, 0.2)])
    with pytest.raises(InvalidStudyError, match="moved by one thing"):
        requested_runs(described(ramps=[ramp]))
    with pytest.raises(InvalidStudyError, match="set by one thing"):
        requested_runs(described(plan=Plan(grid={"weight_decay": [0.1, 0.2]})))


@pytest.mark.parametrize(("center", "strength"), [("low", 1.0), (0.1, -1.0), (0.1, "weak")])
def test_umbrellas_without_meaning_are_refused(center: Any, strength: Any) -> None:
    with pytest.raises(InvalidStudyError, match="of the umbrella"):
        Umbrella(center=center, strength=strength)


def test_records_of_a_sweep_need_a_count() -> None:
    with pytest.raises(InvalidStudyError, match="a sweep needs count >= 2"):
        Recording(spacing="sweep")
