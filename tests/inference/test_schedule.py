"""A schedule that no ladder can be climbed by is refused before it is tried."""

from typing import Any

import numpy as np
import pytest

from phasegrok.errors import InvalidValueError
from phasegrok.inference import ParameterSpace, Schedule, climb, uniform
from phasegrok.statistics.samples import FloatArray

SEED = np.random.SeedSequence(11)


@pytest.mark.parametrize("walkers", [0, 3, -4, 4.0, True, "8", None, [8]])
def test_a_schedule_has_four_walkers_or_more(walkers: Any) -> None:
    with pytest.raises(InvalidValueError, match="a schedule needs walkers >= 4"):
        Schedule(walkers=walkers)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", 1),
        ("steps", 2.5),
        ("burn_in", -1),
        ("burn_in", 0.5),
        ("most_rungs", 0),
        ("most_rungs", 2.0),
        ("overlap", np.nan),
        ("overlap", "half"),
        ("overlap", True),
    ],
)
def test_a_schedule_counts_in_whole_numbers(name: str, value: Any) -> None:
    given: dict[str, Any] = {name: value}
    with pytest.raises(InvalidValueError, match=r"a schedule needs .* change what is outside"):
        Schedule(**given)


def test_a_schedule_takes_whole_numbers_of_numpy() -> None:
    schedule = Schedule(walkers=4, burn_in=0, steps=2, overlap=0.5, most_rungs=1)
    counts: dict[str, Any] = {
        "walkers": np.int64(4),
        "burn_in": np.int8(0),
        "steps": np.int64(2),
        "most_rungs": np.int32(1),
    }
    of_numpy = Schedule(overlap=np.float64(0.5), **counts)
    assert of_numpy == schedule


def test_walkers_are_twice_the_parameters() -> None:
    space = ParameterSpace(tuple(uniform(name, -1.0, 1.0, meaning="") for name in "abc"))

    def hill(standard: FloatArray) -> FloatArray:
        height: FloatArray = -0.5 * np.sum(standard**2, axis=-1)
        return height

    with pytest.raises(
        InvalidValueError, match="at least 6 walkers for 3 parameters, received 5"
    ):
        climb(space, hill, seed=SEED, schedule=Schedule(walkers=5, burn_in=2, steps=4))
    # Six are enough, and their number need not be even.
    for walkers in (6, 7):
        schedule = Schedule(walkers=walkers, burn_in=2, steps=4)
        found = climb(space, hill, seed=SEED, schedule=schedule)
        assert found.positions.shape == (walkers, 3)
