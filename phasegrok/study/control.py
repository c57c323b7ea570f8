"""Control values: grids, axes and scattered points."""

import itertools
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from phasegrok.errors import InvalidStudyError, did_you_mean
from phasegrok.study.checks import (
    is_finite,
    plain_value,
    require_boolean,
    require_list,
    require_number,
    require_table,
    require_whole,
)

__all__ = [
    "VALUES_LIMIT",
    "Point",
    "Scalar",
    "axis_values",
    "grid_points",
    "point_key",
    "same_scalar",
    "scattered_point",
]

VALUES_LIMIT = 10**6
"""Most values of one control in a grid."""

Scalar: TypeAlias = float | int | str | bool
Point: TypeAlias = dict[str, Scalar]

_AXIS_KEYS = ("from", "to", "count", "spacing", "integer")


def axis_values(name: str, axis: Any) -> list[Scalar]:
    """Expand one axis of a grid.

    Parameters
    ----------
    name : str
        Control, for error messages.
    axis : sequence or mapping
        The values themselves, or ``{from, to, count, spacing, integer}`` with spacing
        "linear" or "logarithmic".

    Returns
    -------
    list
        Values in the order given.

    Raises
    ------
    InvalidStudyError
        For what is no axis, an empty one or one beyond `VALUES_LIMIT`, a value that is no
        finite number, word or boolean, a repeated value (4 and 4.0 are the same) or an unknown
        key.
    """
    where = f"the grid axis {name!r}"
    values = _spaced(name, axis) if isinstance(axis, Mapping) else require_list(where, axis)
    if not values:
        raise InvalidStudyError(
            f"the grid axis {name!r} must hold at least one value, received none; "
            "list the values, or give from, to and count."
        )
    _refuse_too_many(where, len(values), "list fewer")
    values = [_scalar(where, value) for value in values]
    if len({_scalar_key(value) for value in values}) < len(values):
        raise InvalidStudyError(f"{where} holds a value twice in {values}; remove the copy.")
    return values


def grid_points(axes: Mapping[str, Any]) -> list[Point]:
    """All combinations of the axes' values.

    Parameters
    ----------
    axes : mapping
        Control name to axis, as for `axis_values`.

    Returns
    -------
    list of dict
        One point per combination, the last axis varying fastest; one empty point for no axes.
    """
    expanded = [
        [(name, value) for value in axis_values(name, axis)] for name, axis in axes.items()
    ]
    return [dict(combination) for combination in itertools.product(*expanded)]


def scattered_point(point: Any) -> Point:
    """Check one scattered point of a plan.

    Parameters
    ----------
    point : mapping
        Control to value.

    Returns
    -------
    dict
        The same as plain data.

    Raises
    ------
    InvalidStudyError
        For what is no table, or a value that is no finite number, word or boolean.
    """
    table = require_table("every point of the plan", point)
    return {
        name: _scalar(f"the points' control {name!r}", each) for name, each in table.items()
    }


def point_key(point: Point) -> tuple[tuple[str, str, Scalar], ...]:
    """Make equal keys of points that are equal by value: 4 and 4.0 are one width."""
    return tuple(sorted((name, *_scalar_key(value)) for name, value in point.items()))


def same_scalar(one: Scalar | None, other: Scalar | None) -> bool:
    """Tell whether two values of a control are equal by value: 4 and 4.0 are."""
    if one is None or other is None:
        return False
    return _scalar_key(one) == _scalar_key(other)


def _scalar(where: str, value: Any) -> Scalar:
    plain = plain_value(value)
    if isinstance(plain, str | bool):
        return plain
    if not isinstance(plain, int | float):
        raise InvalidStudyError(
            f"{where} must hold numbers, words or booleans, received {plain!r}; "
            "give one value for each run."
        )
    if not is_finite(plain):
        raise InvalidStudyError(
            f"{where} must hold finite numbers, received {plain}; remove or replace it."
        )
    return plain


def _scalar_key(value: Scalar) -> tuple[str, Scalar]:
    if isinstance(value, str | bool):
        return type(value).__name__, value
    return "number", float(value)


def _spaced(name: str, axis: Mapping[str, Any]) -> list[Scalar]:
    for key in axis:
        if key not in _AXIS_KEYS:
            raise InvalidStudyError(
                f"the grid axis {name!r} has no key {key!r}." + did_you_mean(key, _AXIS_KEYS)
            )
    missing = [key for key in ("from", "to", "count") if key not in axis]
    if missing:
        raise InvalidStudyError(
            f"the grid axis {name!r} needs from, to and count; {missing[0]!r} is missing; add "
            "it."
        )
    where = f"the grid axis {name!r}"
    first = float(require_number(f"'from' of {where}", axis["from"]))
    last = float(require_number(f"'to' of {where}", axis["to"]))
    count = _count(where, axis["count"])
    integer = require_boolean(f"'integer' of {where}", axis.get("integer", False))
    spacing = axis.get("spacing", "linear")
    if spacing not in ("linear", "logarithmic"):
        raise InvalidStudyError(
            f"the spacing of the grid axis {name!r} must be 'linear' or 'logarithmic', "
            f"received {spacing!r}; write one of these."
        )
    if spacing == "logarithmic" and min(first, last) <= 0.0:
        raise InvalidStudyError(
            f"the logarithmic grid axis {name!r} needs positive ends, received {first}, "
            f"{last}; raise them above zero, or use linear spacing."
        )
    make = np.linspace if spacing == "linear" else np.geomspace
    values: list[float] = make(first, last, count).tolist()
    if integer:
        return [int(value) for value in dict.fromkeys(round(each) for each in values)]
    return [float(f"{value:.12g}") for value in values]


def _count(where: str, value: Any) -> int:
    count = require_whole(f"'count' of {where}", value)
    if count < 1:
        raise InvalidStudyError(
            f"{where} must hold at least one value, received a count of {count}; "
            "give a count of 1 or more."
        )
    _refuse_too_many(where, count, "lower its count")
    return count


def _refuse_too_many(where: str, count: int, cure: str) -> None:
    if count > VALUES_LIMIT:
        raise InvalidStudyError(
            f"{where} asks for {count} values; at most {VALUES_LIMIT} can be given; {cure}."
        )
