"""What an argument must be before its dimensions and numbers are looked at."""

from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
import xarray as xr

from phasegrok.errors import InvalidValueError
from phasegrok.statistics.samples import FloatArray

__all__ = [
    "real_numbers",
    "require_array",
    "require_dataset",
    "require_mapping",
    "require_number_or_array",
]


def require_array(name: str, value: object) -> None:
    """Refuse what is no labelled array.

    Parameters
    ----------
    name : str
        For the error message.
    value : object
        Should be a DataArray.

    Raises
    ------
    InvalidValueError
        For anything else.
    """
    if not isinstance(value, xr.DataArray):
        raise InvalidValueError(
            f"{name} must be a labelled array (xarray.DataArray), received "
            f"{type(value).__name__}; take one variable of a dataset, or label the array by "
            "its dimensions and coordinates."
        )


def require_number_or_array(name: str, value: object) -> None:
    """Refuse what is neither one number nor a labelled array.

    Parameters
    ----------
    name : str
        For the error message.
    value : object
        Should be a real number or a DataArray.

    Raises
    ------
    InvalidValueError
        For anything else: an array without labels says not which run each number is of.
    """
    plain = np.asarray(value) if isinstance(value, Real | np.ndarray) else None
    if plain is None or plain.ndim > 0:
        require_array(f"{name}, unless it is one number,", value)


def require_dataset(name: str, value: object) -> None:
    """Refuse what is no dataset.

    Parameters
    ----------
    name : str
        For the error message.
    value : object
        Should be a Dataset.

    Raises
    ------
    InvalidValueError
        For anything else.
    """
    if not isinstance(value, xr.Dataset):
        raise InvalidValueError(
            f"{name} must be a dataset (xarray.Dataset), received {type(value).__name__}; give "
            "all variables, not one of them."
        )


def require_mapping(name: str, value: object) -> None:
    """Refuse what has no names.

    Parameters
    ----------
    name : str
        For the error message.
    value : object
        Should be a mapping.

    Raises
    ------
    InvalidValueError
        For anything else.
    """
    if not isinstance(value, Mapping):
        raise InvalidValueError(
            f"{name} must be given by name, received {type(value).__name__}; give a "
            "dictionary with one entry for each."
        )


def real_numbers(
    name: str, values: Any, *, advice: str = "give integers or floats"
) -> FloatArray:
    """Take an array of real numbers.

    Parameters
    ----------
    name : str
        For the error message.
    values : array_like
        Integers, booleans or floats.
    advice : str
        What to do instead.

    Returns
    -------
    array
        The same numbers; NaN and infinities pass.

    Raises
    ------
    InvalidValueError
        For anything else.
    """
    try:
        raw = np.asarray(values)
    except (TypeError, ValueError):  # Rows of unequal length, or a dataset.
        raw = np.array(None)
    if raw.dtype.kind not in "biuf":
        raise InvalidValueError(
            f"{name} must be an array of real numbers, received {type(values).__name__} of "
            f"dtype {raw.dtype}; {advice}."
        )
    return raw.astype(np.float64)
