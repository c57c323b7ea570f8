"""Further signatures support, oppose or contradict; they never multiply."""

import pytest

from phasegrok.verdict.answers import ANSWERS
from phasegrok.verdict.signatures import Signature, join_signatures, named_answer


def shares(*values: float) -> dict[str, float]:
    return dict(zip(ANSWERS, values, strict=True))


def join(
    before: dict[str, float], supports: float, opposes: float, *, silent: bool = False
) -> tuple[dict[str, float], tuple[str, ...]]:
    signature = Signature(name="energy", supports=supports, opposes=opposes)
    after, conflicts = join_signatures(before, [signature], silent=silent)
    assert sum(after.values()) == pytest.approx(1.0, abs=1e-12)
    assert all(value >= 0.0 for value in after.values())
    return after, conflicts


def test_support_raises_an_open_case_to_its_own_probability() -> None:
    after, conflicts = join(shares(0.6, 0.2, 0.1, 0.1), 0.96, 0.01)
    assert after["first-order"] == pytest.approx(0.96)
    # The others shrink in proportion.
    assert after["continuous"] / after["crossover"] == pytest.approx(2.0)
    assert named_answer(after) == "first-order"
    assert conflicts == ()


def test_agreement_never_multiplies() -> None:
    after, _ = join(shares(0.95, 0.02, 0.01, 0.02), 0.95, 0.01)
    assert after["first-order"] == pytest.approx(0.95)


def test_what_the_order_parameter_excludes_is_not_revived() -> None:
    before = shares(0.05, 0.8, 0.05, 0.1)
    assert join(before, 0.97, 0.0)[0] == before


def test_opposition_makes_no_other_answer_likelier() -> None:
    after, _ = join(shares(0.4, 0.55, 0.0, 0.05), 0.02, 0.97)
    assert after["first-order"] == pytest.approx(0.02)
    assert after["continuous"] == 0.55
    assert after["undetermined"] == pytest.approx(0.43)


@pytest.mark.parametrize(
    ("before", "supports", "opposes"),
    [
        (shares(0.0, 0.95, 0.0, 0.05), 0.6, 0.2),
        (shares(0.0, 0.0, 0.95, 0.05), 0.6, 0.2),
        (shares(0.95, 0.0, 0.0, 0.05), 0.02, 0.95),
    ],
)
def test_a_contradiction_names_nothing_and_is_told(
    before: dict[str, float], supports: float, opposes: float
) -> None:
    after, conflicts = join(before, supports, opposes)
    assert named_answer(after) is None
    assert len(conflicts) == 1
    assert "the energy contradicts it" in conflicts[0]


def test_undecided_signatures_change_nothing() -> None:
    for before in (shares(0.95, 0.02, 0.01, 0.02), shares(0.02, 0.95, 0.01, 0.02)):
        assert join(before, 0.2, 0.3) == (before, ())


def test_where_the_order_parameter_is_silent_support_is_taken_as_it_is() -> None:
    after, _ = join(shares(0.0, 0.0, 0.0, 1.0), 0.93, 0.02, silent=True)
    assert after["first-order"] == pytest.approx(0.93)
    assert after["undetermined"] == pytest.approx(0.07)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("before", [shares(0.0, 0.0, 0.0, 1.0), shares(0.5, 0.3, 0.1, 0.1)])
def test_signatures_that_contradict_each_other_name_nothing_in_either_order(
    before: dict[str, float], reverse: bool
) -> None:
    both = [
        Signature(name="loops", supports=0.02, opposes=0.95),
        Signature(name="lifetimes", supports=0.95, opposes=0.02),
    ]
    after, conflicts = join_signatures(before, both[::-1] if reverse else both, silent=True)
    assert after["first-order"] == 0.0
    assert named_answer(after) is None
    assert "the lifetimes for a first-order transition, the loops against one" in conflicts[0]
