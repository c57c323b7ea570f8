"""Checks that several integrators share."""

import math
from dataclasses import fields, is_dataclass

from phasegrok.errors import InvalidStudyError

__all__ = [
    "check_coordinates",
    "check_fields",
    "check_minibatch",
    "require_non_negative",
    "require_positive",
]


def require_positive(kind: str, **options: float) -> None:
    """Refuse options that are not positive numbers.

    Raises
    ------
    InvalidStudyError
        With the name of the option.
    """
    for name, value in options.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise InvalidStudyError(f"{kind} needs a number {name} > 0, received {value!r}.")


def require_non_negative(kind: str, **options: float) -> None:
    """Refuse options that are not numbers of at least zero.

    Raises
    ------
    InvalidStudyError
        With the name of the option.
    """
    for name, value in options.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
            raise InvalidStudyError(f"{kind} needs a number {name} >= 0, received {value!r}.")


def check_fields(kind: str, built: object) -> None:
    """Refuse options of the wrong type: whole numbers, finite numbers and words.

    Parameters
    ----------
    kind : str
        Name of the part, for the message.
    built : object
        A part; only the annotated fields of a dataclass are looked at.

    Raises
    ------
    InvalidStudyError
        With the name of the option, what it must be and what it is.
    """
    if not is_dataclass(built):
        return
    for field in fields(built):
        value = getattr(built, field.name)
        if field.type in (int, "int"):
            sound = isinstance(value, int) and not isinstance(value, bool) and value >= 0
            required = "a whole number of at least 0"
        elif field.type in (float, "float"):
            number = isinstance(value, int | float) and not isinstance(value, bool)
            sound, required = number and math.isfinite(value), "a finite number"
        elif field.type in (str, "str"):
            sound, required = isinstance(value, str), "a text"
        else:
            continue
        if not sound:
            raise InvalidStudyError(
                f"the option {field.name!r} of {kind!r} must be {required}, received {value!r}."
            )


def check_minibatch(size: int, count: int) -> None:
    """Refuse a minibatch larger than the training set.

    Raises
    ------
    InvalidStudyError
        With both numbers.
    """
    if size > count:
        raise InvalidStudyError(
            f"a minibatch of {size} needs at least as many examples, received {count}."
        )


def check_coordinates(coordinates: str) -> None:
    """Refuse an unknown word for the coordinates.

    Raises
    ------
    InvalidStudyError
        With the words that are known.
    """
    if coordinates not in ("plain", "whitened"):
        raise InvalidStudyError(
            f"coordinates must be 'plain' or 'whitened', received {coordinates!r}."
        )
