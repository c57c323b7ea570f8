"""What may not change within a study, told as a person would."""

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from phasegrok.errors import InvalidStudyError, InvalidValueError, StudyChangedError
from phasegrok.seeding import canonical_json
from phasegrok.study import (
    Energy,
    Plan,
    Recording,
    Study,
    build_part,
    check_unchanged,
    find_plug_in,
    identity,
    part,
    plug_in_sources,
)

STUDY = Study(
    name="small",
    seed=1,
    task=part("some_task", input_size=3),
    network=part("some_network", width=4),
    dynamics=part("some_dynamics", step_size=0.1),
    energy=Energy(temperature=0.2),
    recording=Recording(steps=10, observables=[part("train_loss")]),
)

MODULE = "plug_in_of_the_identity_tests"


@pytest.fixture
def plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / f"{MODULE}.py"
    path.write_text("def mean_weight(state):\n    return state\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield path
    sys.modules.pop(MODULE, None)


def test_title_and_plan_may_change() -> None:
    grown = replace(STUDY, name="renamed", plan=Plan(grid={"width": [4, 8]}, replicas=5))
    check_unchanged(identity(STUDY), identity(grown))


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        (replace(STUDY, seed=2), "  seed: stored 1, given 2"),
        (
            replace(STUDY, network=part("some_network", width=8)),
            "  network.width: stored 4, given 8",
        ),
        (
            replace(STUDY, network=part("some_network", width=4, bias=True)),
            "  network.bias: stored 'nothing', given True",
        ),
        (
            replace(STUDY, recording=replace(STUDY.recording, observables=[part("norm")])),
            "  recording.observables[0].kind: stored 'train_loss', given 'norm'",
        ),
        (
            replace(STUDY, energy=Energy(temperature=0.3)),
            "  energy.temperature: stored 0.2, given 0.3",
        ),
    ],
)
def test_any_other_change_is_refused_with_the_difference(changed: Study, line: str) -> None:
    with pytest.raises(StudyChangedError, match="choose another folder") as caught:
        check_unchanged(identity(STUDY), identity(changed))
    differences = [each for each in str(caught.value).splitlines() if each.startswith("  ")]
    assert differences == [line]


def test_numbers_count_by_value_and_truth_is_no_number() -> None:
    written = replace(STUDY, task=part("some_task", input_size=3, cubic=0, size=[1, 2.5]))
    again = replace(STUDY, task=part("some_task", input_size=3, cubic=0.0, size=[1.0, 2.5]))
    assert canonical_json(identity(written)) == canonical_json(identity(again))
    check_unchanged(identity(written), identity(again))
    other = replace(STUDY, task=part("some_task", input_size=3, cubic=False, size=[1, 2.5]))
    with pytest.raises(StudyChangedError, match=r"task\.cubic: stored 0, given False"):
        check_unchanged(identity(written), identity(other))


def test_the_source_of_a_plug_in_is_part_of_the_identity(plug_in: Path) -> None:
    kind = f"{MODULE}:mean_weight"
    recording = replace(STUDY.recording, observables=[part(kind)])
    study = replace(STUDY, recording=recording)
    assert plug_in_sources(study) == {kind: plug_in.read_text(encoding="utf-8")}
    before = identity(study)

    plug_in.write_text("def mean_weight(state):\n    return 2 * state\n", encoding="utf-8")
    del sys.modules[MODULE]
    with pytest.raises(StudyChangedError, match=f"the source of '{kind}' has changed") as told:
        check_unchanged(before, identity(study))
    assert not re.search(r"[0-9a-f]{16}", str(told.value))


def test_the_source_of_a_start_is_part_of_the_identity(plug_in: Path) -> None:
    kind = f"{MODULE}:mean_weight"
    study = replace(STUDY, plan=Plan(starts=("prior", kind)))
    assert list(plug_in_sources(study)) == [kind]
    before = identity(study)
    check_unchanged(before, identity(replace(study, plan=Plan(starts=(kind,), replicas=3))))

    plug_in.write_text("def mean_weight(state):\n    return 2 * state\n", encoding="utf-8")
    del sys.modules[MODULE]
    with pytest.raises(StudyChangedError, match=f"the source of '{kind}' has changed") as told:
        check_unchanged(before, identity(study))
    assert not re.search(r"[0-9a-f]{16}", str(told.value))


def test_refuses_a_plug_in_that_is_not_there(plug_in: Path) -> None:
    assert find_plug_in(f"{plug_in.stem}:mean_weight")(3) == 3
    with pytest.raises(InvalidStudyError, match=r"no 'mean_wieght'\. Did you mean 'mean_wei"):
        find_plug_in(f"{MODULE}:mean_wieght")
    with pytest.raises(InvalidStudyError, match="Put the file beside the study description"):
        find_plug_in("no_such_module_anywhere:thing")


def make(*, width: int, bias: bool = False) -> tuple[int, bool]:
    return width, bias


def test_a_part_is_built_from_its_options() -> None:
    assert build_part(part("made", width=3), {"made": make}, "network") == (3, False)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (
            "mede",
            {"width": 3},
            r"no network of kind 'mede'\. Did you mean 'made'\?.*module:obj",
        ),
        ("made", {"widht": 3}, r"'made' has no option 'widht'\. Did you mean 'width'\?"),
        ("made", {}, "'made' needs the option 'width'"),
    ],
)
def test_refuses_an_unknown_kind_or_option(
    kind: str, options: dict[str, int], message: str
) -> None:
    with pytest.raises(InvalidStudyError, match=message):
        build_part(part(kind, **options), {"made": make}, "network")


def refuses(*, width: int) -> None:
    raise ValueError(f"{width} is too wide")


def careful(*, width: int) -> None:
    raise InvalidValueError(f"width must be even, received {width}")


def test_an_error_of_a_constructor_names_the_part() -> None:
    with pytest.raises(InvalidStudyError, match=r"network 'made' .*ValueError: 3 is too wide"):
        build_part(part("made", width=3), {"made": refuses}, "network")
    with pytest.raises(InvalidStudyError, match=r"network 'made' .*TypeError"):
        build_part(part("made", width="a"), {"made": lambda *, width: width + 1}, "network")
    with pytest.raises(InvalidValueError, match=r"^width must be even"):
        build_part(part("made", width=3), {"made": careful}, "network")


@pytest.mark.parametrize("kind", [":Thing", ".x:Thing", "x:", "x..y:Thing", "x"])
def test_refuses_a_plug_in_without_a_full_name(kind: str) -> None:
    with pytest.raises(InvalidStudyError, match="must be named as 'module:object'"):
        find_plug_in(kind)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def broken(:\n", "SyntaxError"),
        ("1 / 0\n", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)\n", "SystemExit: 3"),
        ("mean_weight = 3\n", "must be a class or a function, received int"),
    ],
)
def test_refuses_a_plug_in_that_cannot_be_used(plug_in: Path, text: str, message: str) -> None:
    plug_in.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidStudyError, match=f"'{MODULE}:mean_weight'.*{message}"):
        find_plug_in(f"{MODULE}:mean_weight")


def test_a_plug_in_that_comes_or_goes_is_told_in_words(plug_in: Path) -> None:
    recording = replace(STUDY.recording, observables=[part(f"{plug_in.stem}:mean_weight")])
    with_it, without = identity(replace(STUDY, recording=recording)), identity(STUDY)
    with pytest.raises(StudyChangedError, match=r"mean_weight' is used now, and was not"):
        check_unchanged(without, with_it)
    with pytest.raises(StudyChangedError, match=r"mean_weight' was used before, and is not"):
        check_unchanged(with_it, without)
