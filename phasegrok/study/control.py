"""Control values: grids, axes and scattered points."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from phasegrok.errors import InvalidStudyError, did_you_mean

__all__ = ["Point", "Scalar", "axis_values", "grid_points"]

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
        For an empty axis, a repeated value, a number that is not finite or an unknown key.
    """
    values = _spaced(name, axis) if isinstance(axis, Mapping) else list(axis)
    if not values:
        raise InvalidStudyError(
            f"the grid axis {name!r} must hold at least one value, received none; "
            "list the values, or give from, to and count."
        )
    for value in values:
        if isinstance(value, float) and not math.isfinite(value):
            raise InvalidStudyError(
                f"the grid axis {name!r} must hold finite numbers, received {value}."
            )
    if len({repr(value) for value in values}) < len(values):
        raise InvalidStudyError(
            f"the grid axis {name!r} holds a value twice in {values}; remove the copy."
        )
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


def _spaced(name: str, axis: Mapping[str, Any]) -> list[Scalar]:
    for key in axis:
        if key not in _AXIS_KEYS:
            raise InvalidStudyError(
                f"the grid axis {name!r} has no key {key!r}." + did_you_mean(key, _AXIS_KEYS)
            )
    missing = [key for key in ("from", "to", "count") if key not in axis]
    if missing:
        raise InvalidStudyError(
            f"the grid axis {name!r} needs from, to and count; {missing[0]!r} is missing."
        )
    first, last, count = float(axis["from"]), float(axis["to"]), int(axis["count"])
    spacing = axis.get("spacing", "linear")
    if spacing not in ("linear", "logarithmic"):
        raise InvalidStudyError(
            f"the spacing of the grid axis {name!r} must be 'linear' or 'logarithmic', "
            f"received {spacing!r}."
        )
    if spacing == "logarithmic" and min(first, last) <= 0.0:
        raise InvalidStudyError(
            f"the logarithmic grid axis {name!r} needs positive ends, received {first}, {last}."
        )
    make = np.linspace if spacing == "linear" else np.geomspace
    values: Sequence[float] = make(first, last, count).tolist()
    if axis.get("integer", False):
        return [int(value) for value in dict.fromkeys(round(each) for each in values)]
    return [float(f"{value:.12g}") for value in values]
