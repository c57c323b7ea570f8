"""What numbers are taken for, and the sentences that refuse the others."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phasegrok.errors import InvalidValueError
from phasegrok.exact.checking import (
    MEMORY_LIMIT_BYTES,
    finite_number,
    points,
    require_memory,
    require_positive,
    whole_number,
)


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_whole_numbers_of_any_kind(value: Any) -> None:
    number = whole_number("count", value, minimum=3)
    assert number == 3
    assert type(number) is int


@pytest.mark.parametrize("value", [2, 3.0, True, np.True_, "3", None, np.nan])
def test_other_things_are_no_counts(value: Any) -> None:
    with pytest.raises(InvalidValueError, match="count must be a whole number of at least 3"):
        whole_number("count", value, minimum=3)


@pytest.mark.parametrize("value", [np.nan, np.inf, "x", None, [1.0, 2.0]])
def test_other_things_are_no_numbers(value: Any) -> None:
    with pytest.raises(InvalidValueError, match="width must be a finite number"):
        finite_number("width", value)
    with pytest.raises(InvalidValueError, match="width must be"):
        require_positive("width", value)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=6, unique=True))
def test_points_keep_values_and_order(values: list[float]) -> None:
    found = points({"field": values, "temperature": 2})
    assert [each["field"] for each in found] == values
    assert {each["temperature"] for each in found} == {2.0}


def test_points_of_two_axes_are_every_pair() -> None:
    found = points({"one": [[1.0], [2.0]], "other": [3.0, 4.0]})
    assert [tuple(each.values()) for each in found] == [(1, 3), (1, 4), (2, 3), (2, 4)]


@pytest.mark.parametrize(
    "values", [[1 + 1j], ["1"], [True], [None], [[1], [1, 2]], [[1.0], [np.inf]]]
)
def test_what_is_no_control_is_refused(values: Any) -> None:
    with pytest.raises(InvalidValueError, match="field must be finite numbers"):
        points({"field": values})


def test_memory_is_refused_with_its_size() -> None:
    require_memory("this", MEMORY_LIMIT_BYTES)
    with pytest.raises(InvalidValueError, match="that would take about 8 GiB, and at most 4"):
        require_memory("that", 8 * 2**30)
