"""A seed is a whole number or refused, by every door that takes one."""

import numpy as np
import pytest

from phasegrok.errors import InvalidValueError
from phasegrok.statistics.seeds import LARGEST_SEED, checked_seed


@pytest.mark.parametrize("value", [0, 7, np.int32(3), np.uint64(2**64 - 1), LARGEST_SEED - 1])
def test_whole_numbers_are_seeds(value: int) -> None:
    assert checked_seed(value) == int(value)
    assert type(checked_seed(value)) is int
    np.random.SeedSequence(checked_seed(value))


@pytest.mark.parametrize(
    "value", [-1, LARGEST_SEED, 1.0, np.float64(2.0), "1", None, True, np.True_, [1]]
)
def test_all_else_is_refused(value: object) -> None:
    with pytest.raises(InvalidValueError, match="a seed must be a whole number from 0"):
        checked_seed(value)  # type: ignore[arg-type]
