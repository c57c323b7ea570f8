"""What every sampler demands of its numbers before it spends time on them."""

from collections.abc import Mapping, Sequence
from math import isfinite
from numbers import Real
from operator import index
from typing import SupportsIndex

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from phasegrok.errors import InvalidValueError

__all__ = [
    "MEMORY_LIMIT_BYTES",
    "FloatArray",
    "finite_number",
    "points",
    "require_memory",
    "require_positive",
    "whole_number",
]

FloatArray = npt.NDArray[np.float64]

LARGEST_COUNT = 10**60
"""Of counts up to it products of four are floats still; seeds have 10³⁸ at most."""

MEMORY_LIMIT_BYTES = 4 * 2**30
"""Estimates beyond it are refused; several smaller calls can be concatenated."""


def whole_number(name: str, value: SupportsIndex, *, minimum: int) -> int:
    """Take a count or a size.

    Parameters
    ----------
    name : str
        For the error message.
    value : int
        Python or numpy integer; a truth value is none.
    minimum : int
        Smallest value that has a meaning.

    Returns
    -------
    int

    Raises
    ------
    InvalidValueError
        For anything else, 4.0 and what is above 10⁶⁰ included.
    """
    try:
        number = None if isinstance(value, bool | np.bool_) else index(value)
    except TypeError:
        number = None
    if number is None or number < minimum:
        raise InvalidValueError(
            f"{name} must be a whole number of at least {minimum}, received {_shown(value)}."
        )
    if number > LARGEST_COUNT:
        raise InvalidValueError(
            f"{name} must be at most {LARGEST_COUNT:.0e}, received {_shown(value)}."
        )
    return number


def _shown(value: object) -> str:
    try:
        return repr(value)
    except ValueError:  # Python writes no integer of more than some thousand digits.
        return "one of too many digits"


def finite_number(name: str, value: float) -> float:
    """Take one real number.

    Parameters
    ----------
    name : str
        For the error message.
    value : float
        The number.

    Returns
    -------
    float

    Raises
    ------
    InvalidValueError
        If it is no number, as a truth value or a word is none, or not finite.
    """
    number = float("nan")
    try:
        truth = isinstance(value, bool | np.bool_)
        if not truth and (isinstance(value, Real) or _is_one_number(value)):
            number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if not isfinite(number):
        raise InvalidValueError(f"{name} must be a finite number, received {_shown(value)}.")
    return number


def require_positive(name: str, value: float) -> float:
    """Take one number above zero.

    Parameters
    ----------
    name : str
        For the error message.
    value : float
        The number.

    Returns
    -------
    float

    Raises
    ------
    InvalidValueError
        If it is zero, negative or not finite.
    """
    number = finite_number(name, value)
    if number <= 0:
        raise InvalidValueError(f"{name} must be positive, received {value!r}.")
    return number


def points(
    controls: Mapping[str, ArrayLike], *, positive: Sequence[str] = ()
) -> list[dict[str, float]]:
    """Pair the values of several controls.

    Parameters
    ----------
    controls : mapping
        Name to numbers. They are broadcast against each other and flattened.
    positive : sequence of str
        Controls that must be above zero.

    Returns
    -------
    list of dict
        One value of each control per point.

    Raises
    ------
    InvalidValueError
        If a value is not a finite number or has the wrong sign, shapes do not fit, there is
        no point, or one point stands there twice.
    """
    arrays = [_numbers(name, values, name in positive) for name, values in controls.items()]
    try:
        flat = [each.reshape(-1).tolist() for each in np.broadcast_arrays(*arrays)]
    except ValueError as error:
        raise InvalidValueError(
            "the controls must have shapes that broadcast against each other, received "
            f"{dict(zip(controls, (each.shape for each in arrays), strict=True))}."
        ) from error
    rows = list(zip(*flat, strict=True))
    if not rows or len(set(rows)) < len(rows):
        raise InvalidValueError(
            f"the controls {list(controls)} must give at least one point and none twice, "
            f"received {len(rows)} points of which {len(set(rows))} differ; use replica_count "
            "for more runs of one point."
        )
    return [dict(zip(controls, row, strict=True)) for row in rows]


def _is_one_number(value: object) -> bool:
    """Whether an array holds one number and has no dimension."""
    array = np.asarray(value)
    return array.ndim == 0 and array.dtype.kind in "iuf"


def _numbers(name: str, values: ArrayLike, positive: bool) -> FloatArray:
    try:
        array = np.asarray(values)
    except (TypeError, ValueError):  # Rows of unequal length, or a dataset.
        array = np.array(None)
    if array.dtype.kind not in "iuf" or not np.isfinite(array).all():
        raise InvalidValueError(f"{name} must be finite numbers, received {_shown(values)}.")
    if positive and (array <= 0).any():
        raise InvalidValueError(f"{name} must be positive, received {values!r}.")
    # Adding zero turns -0.0 into 0.0, so that both have one seed.
    return array.astype(np.float64) + 0.0


def require_memory(purpose: str, byte_count: float) -> None:
    """Refuse what would not fit, before it is tried.

    Parameters
    ----------
    purpose : str
        What the memory is for.
    byte_count : float
        Estimate of the peak.

    Raises
    ------
    InvalidValueError
        Beyond `MEMORY_LIMIT_BYTES`.
    """
    if byte_count > MEMORY_LIMIT_BYTES:
        raise InvalidValueError(
            f"{purpose} would take about {byte_count / 2**30:.3g} GiB, and at most "
            f"{MEMORY_LIMIT_BYTES / 2**30:.0f} GiB are allowed; ask for less in one call and "
            "concatenate."
        )
