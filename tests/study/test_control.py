"""Grid axes: what is listed, what is spaced, what is refused."""

import math
from typing import Any

import pytest

from phasegrok.errors import InvalidStudyError
from phasegrok.study import axis_values, grid_points


def test_a_list_is_taken_as_it_stands() -> None:
    assert axis_values("width", [88, 44]) == [88, 44]


def test_linear_and_logarithmic_axes_hold_both_ends() -> None:
    assert axis_values("t", {"from": 0.1, "to": 0.3, "count": 3}) == [0.1, 0.2, 0.3]
    axis = {"from": 0.01, "to": 1.0, "count": 3, "spacing": "logarithmic"}
    assert axis_values("t", axis) == [0.01, 0.1, 1.0]


def test_an_integer_axis_holds_each_number_once() -> None:
    axis = {"from": 1, "to": 3, "count": 9, "integer": True}
    values = axis_values("width", axis)
    assert values == [1, 2, 3]
    assert all(type(value) is int for value in values)


def test_the_last_axis_varies_fastest() -> None:
    points = grid_points({"a": [1, 2], "b": [3, 4]})
    assert points == [{"a": 1, "b": 3}, {"a": 1, "b": 4}, {"a": 2, "b": 3}, {"a": 2, "b": 4}]
    assert grid_points({}) == [{}]


@pytest.mark.parametrize(
    ("axis", "message"),
    [
        ([], "at least one value, received none"),
        ({"from": 0.0, "to": 1.0, "count": 0}, "at least one value"),
        ([0.1, 0.1], "holds a value twice"),
        ([4, 4.0], "holds a value twice"),
        (0.1, "must be a list, received 0.1"),
        ("0.1", "must be a list, received '0.1'"),
        ([None], "numbers, words or booleans, received None"),
        ([[0.1]], "numbers, words or booleans"),
        ([10**400], "finite numbers"),
        ({"from": "0", "to": 1.0, "count": 3}, "must be a finite number, received '0'"),
        ({"from": 0.0, "to": math.inf, "count": 3}, "must be a finite number, received inf"),
        ({"from": 0.0, "to": 1.0, "count": 2.5}, r"must be a whole number, received 2\.5"),
        ({"from": 0, "to": 1, "count": 2, "integer": "no"}, "must be true or false"),
        ({"from": 0, "to": 1, "count": 2, 3: 4}, "no key 3"),
        ([0.1, math.nan], "finite numbers, received nan"),
        ({"from": 0.0, "to": 1.0, "cuont": 3}, r"no key 'cuont'\. Did you mean 'count'\?"),
        ({"from": 0.0, "to": 1.0}, "'count' is missing"),
        ({"from": 0, "to": 1, "count": 3, "spacing": "log"}, "received 'log'"),
        ({"from": 0, "to": 1, "count": 3, "spacing": "logarithmic"}, "needs positive ends"),
    ],
)
def test_refuses_an_axis_that_means_nothing(axis: Any, message: str) -> None:
    with pytest.raises(InvalidStudyError, match=f"'temperature'.*{message}"):
        axis_values("temperature", axis)
