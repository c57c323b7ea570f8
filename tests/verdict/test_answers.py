"""Words that files, tables and models share."""

import numpy as np
import pytest

from phasegrok.verdict import Verdict, order_of_transition
from phasegrok.verdict.answers import (
    ANSWERS,
    CONTINUOUS,
    CROSSOVER,
    FIRST_ORDER,
    NAMED,
    NO_LATENT_HEAT,
    UNDETERMINED,
)
from phasegrok.verdict.laws import Sizes
from phasegrok.verdict.models import energy_models, scaling_models
from phasegrok.verdict.weighing import Comparison

SIZES = Sizes.of(np.array([50.0, 100.0, 200.0]), None)
CENTRES = np.zeros(3)


def test_the_spelling_is_that_of_the_files() -> None:
    assert ANSWERS == ("first-order", "continuous", "crossover", "undetermined")
    assert NO_LATENT_HEAT == "no latent heat"


def test_what_is_named_is_everything_but_undetermined() -> None:
    assert set(NAMED) == set(ANSWERS) - {UNDETERMINED}
    assert len(set(ANSWERS)) == 4
    assert (FIRST_ORDER, CONTINUOUS, CROSSOVER) == NAMED


def test_models_of_an_order_parameter_speak_for_every_answer() -> None:
    assert {each.answer for each in scaling_models(SIZES, CENTRES)} == set(ANSWERS)


def test_an_energy_has_an_answer_of_its_own_that_no_verdict_gives() -> None:
    spoken = {each.answer for each in energy_models(SIZES, CENTRES)}
    assert spoken == {FIRST_ORDER, NO_LATENT_HEAT, UNDETERMINED}
    assert NO_LATENT_HEAT not in ANSWERS


@pytest.mark.parametrize("kind", [*NAMED, "weak", "none"])
def test_probabilities_of_kinds_become_those_of_the_four_answers(kind: str) -> None:
    models = {each.kind: each for each in scaling_models(SIZES, CENTRES)}
    comparison = Comparison(features=(), sizes=SIZES, models=models)
    found = comparison.by_answer(dict.fromkeys(models, 0.0) | {kind: 1.0})
    assert tuple(found) == ANSWERS
    assert found[kind if kind in NAMED else UNDETERMINED] == 1.0
    assert sum(found.values()) == 1.0


def test_the_room_gives_two_names() -> None:
    assert Verdict.__module__ == "phasegrok.verdict.result"
    assert order_of_transition.__module__ == "phasegrok.verdict.order"
