"""What docs/extending.md and docs/studies.md show is carried out as it stands there."""

import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from phasegrok.collect import collect
from phasegrok.dynamics import estimate
from phasegrok.runs import StudyFolder, open_runs, validate
from phasegrok.study import (
    Part,
    Plan,
    Recording,
    Study,
    identity,
    part,
    plug_in_sources,
    read_study,
    requested_runs,
    study_from_plain,
)

NumbersOf = Callable[[Path], dict[str, dict[str, bytes | str]]]

DOCS = Path(__file__).parents[2] / "docs"


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of docs/extending.md."""
    code = "\n".join(blocks("extending.md", "python"))
    (tmp_path / "mine.py").write_text(code, encoding="utf-8")
    (description,) = blocks("extending.md", "toml")
    (tmp_path / "study.toml").write_text(description, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("mine", None)


def test_the_study_of_the_page_runs_in_a_worker(shown: Path, numbers_of: NumbersOf) -> None:
    study = read_study(shown / "study.toml")
    report = collect(study, shown / "runs", workers=1, progress=False)
    assert report.outcomes == {"finished": 16}
    runs = open_runs(shown / "runs")
    assert validate(runs) == []
    starts = runs["start"].values == "mine:constant_start"
    assert runs["largest_weight"].values[starts, 0].tolist() == [0.5] * 8
    assert set(runs["penalty_sparse.strength"].values.tolist()) == {0.0, 0.1}
    stored = StudyFolder.open(shown / "runs").plug_in_sources
    source = (shown / "mine.py").read_text(encoding="utf-8")
    assert stored["mine:SineTask"] == source

    here = shown / "here"
    collect(study, here, workers=0, progress=False)
    assert numbers_of(here) == numbers_of(shown / "runs")


@pytest.mark.parametrize(
    ("network", "observables"),
    [
        (part("mine:DiagonalNetwork"), []),
        (part("mine:LinearNetwork"), [part("mine:LargestWeight")]),
        (part("two_layer", width=3), [part("mine:NeuronNorms")]),
    ],
)
def test_the_other_parts_of_the_page_work(
    shown: Path, network: Part, observables: list[Part]
) -> None:
    study = read_study(shown / "study.toml")
    recording = Recording(steps=20, every=10, observables=tuple(observables))
    changed = replace(study, network=network, recording=recording, plan=Plan(replicas=2))
    report = collect(changed, shown / "runs", workers=0, progress=False)
    assert report.outcomes == {"finished": 2}
    assert validate(open_runs(shown / "runs")) == []
    assert set(plug_in_sources(changed)) > {"mine:SineTask", "mine:HeavyBall", "mine:Sparse"}


def test_the_two_descriptions_of_the_page_are_the_same_study(tmp_path: Path) -> None:
    toml, _ = blocks("studies.md", "toml")
    (tmp_path / "study.toml").write_text(toml, encoding="utf-8")
    described, *_ = blocks("studies.md", "python")
    names: dict[str, object] = {}
    exec(described, names)
    study = names["study"]
    if not isinstance(study, Study):
        pytest.fail("the page describes no study")
    read = read_study(tmp_path / "study.toml")
    assert identity(read) == identity(study)

    assert requested_runs(read) == requested_runs(study)
    small = replace(
        read,
        recording=replace(read.recording, steps=2, start=0, every=1),
        plan=Plan(),
    )
    report = collect(small, tmp_path / "runs", workers=0, progress=False)
    assert report.outcomes == {"finished": 1}


def test_the_sweep_of_the_page_is_one() -> None:
    whole, sweep = (tomllib.loads(text) for text in blocks("studies.md", "toml"))
    study = study_from_plain(whole | sweep)
    lengths = {estimate(study, request).steps for request in requested_runs(study)}
    assert len(lengths) == 3
