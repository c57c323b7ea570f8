"""A study written as TOML reads as the same study."""

from pathlib import Path
from typing import Any

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
    study_toml,
)

PLAIN: dict[str, Any] = {
    "name": 'a "quoted" \\ name\twith ½|θ|² and \x7f',
    "seed": 10**18,
    "task": part("cubic_teacher", input_size=5, example_count=12, cubic=-3e-300),
    "network": part("two_layer", width=6),
    "dynamics": part("langevin", step_size=1e-05),
    "recording": Recording(steps=10),
}
RICH: dict[str, Any] = {
    "energy": Energy(
        temperature=0.1 + 0.2,
        weight_decay={"first": 1, "readout": 2.5},
        penalties=[part("power", layer="first", strength=0.1, name="sparse one")],
    ),
    "recording": Recording(
        steps=100, every=10, observables=[part("train_loss"), part("test_loss", name="t")]
    ),
    "plan": Plan(
        grid={
            "penalty_sparse one.strength": [0.0, 1],
            "width": {"from": 2, "to": 4, "count": 3},
        },
        points=[{"temperature": 0.3, "width": 4}],
        starts=("prior", "zero"),
        more=[Plan(points=[{"width": 3}], replicas=4), Plan(grid={"width": [8]}, disorders=2)],
    ),
    "ramps": [Ramp(control="temperature", knots=[(0, 0.1), (5, 0.2)])],
    "events": [Event(name="low", observable=part("train_loss"), threshold=0.1, stop=True)],
    "exchange": Exchange(control="weight_decay", rungs=[0.1, 0.2]),
    "dtype": "float64",
}


@pytest.mark.parametrize("changes", [{}, RICH, {"plan": Plan(replicas=3)}])
def test_it_reads_as_the_same_study(changes: dict[str, Any], tmp_path: Path) -> None:
    study = Study(**{**PLAIN, **changes})
    (tmp_path / "study.toml").write_text(study_toml(study), encoding="utf-8")
    read = read_study(tmp_path / "study.toml")
    assert plain_study(read) == plain_study(study)
    assert read.plan == study.plan
    assert identity(read) == identity(study)


def test_it_is_written_as_a_person_would() -> None:
    text = study_toml(Study(**{**PLAIN, **RICH}))
    for line in (
        "[plan.grid]",
        "[[plan.more]]",
        "[[events]]",
        "temperature = 0.30000000000000004",
    ):
        assert line in text.splitlines()
    assert "points = [{ temperature = 0.3, width = 4 }]" in text


def test_a_plan_without_more_is_written_as_before() -> None:
    assert "more" not in plain_study(Study(**PLAIN))["plan"]
    assert "more" not in study_toml(Study(**PLAIN))


def test_refuses_what_is_no_study() -> None:
    with pytest.raises(InvalidStudyError, match="a phasegrok"):
        study_toml("study.toml")  # type: ignore[arg-type]
