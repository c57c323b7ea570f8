"""What every signature demands of its arguments before it computes with them."""

from collections.abc import Iterable
from numbers import Integral
from typing import Final

import numpy as np
import xarray as xr

from phasegrok.errors import FormatError, InvalidValueError, did_you_mean
from phasegrok.statistics.kinds import real_numbers, require_array, require_dataset
from phasegrok.statistics.samples import FloatArray

__all__ = [
    "LARGEST_MAGNITUDE",
    "finite_number",
    "real_numbers",
    "require_array",
    "require_dataset",
    "require_dimension",
    "require_magnitude",
    "require_variables",
]

LARGEST_MAGNITUDE: Final = 1e60
"""Of numbers up to it, and down to its inverse, products of four are numbers still."""


def require_variables(
    name: str, dataset: xr.Dataset, wanted: Iterable[str], *, dims: tuple[str, ...], advice: str
) -> None:
    """Refuse a dataset that lacks a variable or coordinate, or has it on other dimensions.

    Parameters
    ----------
    name : str
        What needs them.
    dataset : Dataset
        To be looked at.
    wanted : iterable of str
        Names of variables or coordinates.
    dims : tuple of str
        Dimensions of all of them.
    advice : str
        What to do.

    Raises
    ------
    FormatError
        With the first at fault.
    """
    for each in wanted:
        if each not in dataset.variables:
            raise FormatError(
                f"{name} need the variable {each!r} on {dims}, which is not there; {advice}."
                + did_you_mean(each, dataset.variables)
            )
        there = dataset[each].dims
        if there != dims:
            raise FormatError(
                f"{name} need the variable {each!r} on {dims}, received {there}; {advice}."
            )


def require_magnitude(name: str, values: FloatArray, *, each: bool = False) -> None:
    """Refuse numbers whose powers are none.

    Parameters
    ----------
    name : str
        For the error message.
    values : array
        NaN, infinities and zeros pass.
    each : bool
        Whether all numbers count, as where they divide; else the largest does, since smaller
        ones add nothing to it.

    Raises
    ------
    InvalidValueError
        Where one that counts is above 1e60 or below 1e-60 in size.
    """
    found = np.abs(values[np.isfinite(values) & (values != 0.0)])
    if not found.size:
        return
    ends = (found.min() if each else found.max(), found.max())
    wrong = [
        float(end) for end in ends if not 1.0 / LARGEST_MAGNITUDE <= end <= LARGEST_MAGNITUDE
    ]
    if wrong:
        raise InvalidValueError(
            f"{name} must be zero or between {1.0 / LARGEST_MAGNITUDE:g} and "
            f"{LARGEST_MAGNITUDE:g} in size, "
            f"received {wrong[0]:g}, whose powers are no numbers; change the unit."
        )


def require_dimension(dimension: object) -> None:
    """Refuse what is no dimension of space.

    Parameters
    ----------
    dimension : object
        Should be a whole number of at least 1, or None where a size counts degrees of freedom;
        a truth value is neither.

    Raises
    ------
    InvalidValueError
        For anything else.
    """
    if dimension is None:
        return
    counted = isinstance(dimension, Integral) and not isinstance(dimension, bool)
    if not counted or dimension < 1:  # type: ignore[operator]
        raise InvalidValueError(
            "dimension must be a whole number of at least 1 where the size is a linear extent, "
            f"or None where it counts degrees of freedom; received {dimension!r}."
        )


def finite_number(name: str, value: object, *, positive: bool = False) -> float:
    """Take one number, zero or above.

    Parameters
    ----------
    name : str
        For the error message.
    value : object
        The number.
    positive : bool
        Whether zero is refused as well.

    Returns
    -------
    float

    Raises
    ------
    InvalidValueError
        For anything else.
    """
    number = np.array(np.nan)
    if np.ndim(value) == 0 and not isinstance(value, bool | np.bool_):  # type: ignore[arg-type]
        try:
            number = real_numbers(name, value)
        except InvalidValueError:
            number = np.array(np.nan)
    taken = float(number)
    if not np.isfinite(taken) or taken < 0.0 or (positive and taken == 0.0):
        wanted = "positive and finite" if positive else "zero or more"
        raise InvalidValueError(f"{name} must be {wanted}, received {value!r}; give a number.")
    return taken
