"""How large numbers may be before they are refused, and which ends are still taken."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from phasegrok.errors import InvalidValueError
from phasegrok.exact.checking import LARGEST_COUNT, finite_number, whole_number
from phasegrok.exact.limits import (
    LARGEST_MODERATE,
    UPDATE_LIMIT,
    moderate_number,
    moderate_positive,
    require_moderate,
    require_run_memory,
    require_updates,
)


@pytest.mark.parametrize(
    "value",
    [
        0.0,
        LARGEST_MODERATE,
        -LARGEST_MODERATE,
        1.0 / LARGEST_MODERATE,
        -1.0 / LARGEST_MODERATE,
        3,
    ],
)
def test_numbers_whose_powers_are_numbers_are_taken(value: float) -> None:
    require_moderate("width", [1.0, value])
    assert moderate_number("width", value) == value


@pytest.mark.parametrize(
    "value",
    [2 * LARGEST_MODERATE, -2 * LARGEST_MODERATE, 0.5 / LARGEST_MODERATE, 5e-324, 10**70],
)
def test_numbers_whose_powers_are_none_are_refused(value: float) -> None:
    with pytest.raises(InvalidValueError, match="width must be zero or between 1e-60 and 1e"):
        require_moderate("width", [1.0, value])
    with pytest.raises(InvalidValueError, match="change the unit"):
        moderate_number("width", value)


def test_zero_is_not_positive() -> None:
    with pytest.raises(InvalidValueError, match="width must be positive"):
        moderate_positive("width", 0.0)


def test_a_day_is_the_limit() -> None:
    require_updates("the ramp", UPDATE_LIMIT)
    for count in (UPDATE_LIMIT + 1, 1e300, np.inf):
        with pytest.raises(InvalidValueError, match=r"the ramp would take .* about a day"):
            require_updates("the ramp", count)


def test_runs_are_counted_with_what_each_needs() -> None:
    require_run_memory(10**5, other_bytes=1e4)
    with pytest.raises(InvalidValueError, match=r"1e\+06 runs would take about 10"):
        require_run_memory(10**6, other_bytes=1e4)


@pytest.mark.parametrize(
    "value", [2, 2.0, np.float32(2.0), np.int8(2), np.array(2.0), Fraction(2), 10**30]
)
def test_one_number_of_any_kind_is_one(value: Any) -> None:
    number = finite_number("width", value)
    assert number == float(value)
    assert type(number) is float


@pytest.mark.parametrize(
    "value",
    [True, np.True_, "2", b"2", np.array("2"), np.array([2.0]), 10**400, 10**5000, 2j],
    ids=lambda value: type(value).__name__,
)
def test_what_only_looks_like_a_number_is_none(value: Any) -> None:
    with pytest.raises(InvalidValueError, match="width must be a finite number"):
        finite_number("width", value)


def test_counts_end_where_their_products_would_be_no_floats() -> None:
    assert whole_number("count", LARGEST_COUNT, minimum=1) == LARGEST_COUNT
    for value in (LARGEST_COUNT + 1, 10**400, 10**5000):
        with pytest.raises(InvalidValueError, match="count must be at most 1e"):
            whole_number("count", value, minimum=1)
