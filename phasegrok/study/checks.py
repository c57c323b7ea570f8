"""Kinds of values in a description: each check returns the value as plain data or refuses."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from phasegrok.errors import InvalidStudyError

__all__ = [
    "is_finite",
    "plain_value",
    "require_boolean",
    "require_finite_options",
    "require_kind",
    "require_kinds",
    "require_list",
    "require_non_negative",
    "require_number",
    "require_positive",
    "require_table",
    "require_text",
    "require_whole",
]

Kind = TypeVar("Kind")


def plain_value(value: Any) -> Any:
    """Replace arrays and array scalars, at any depth, by the numbers and lists they hold."""
    if hasattr(value, "tolist") and not isinstance(value, type):
        return value.tolist()
    if isinstance(value, Mapping):
        return {name: plain_value(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain_value(each) for each in value]
    if isinstance(value, tuple):
        return tuple(plain_value(each) for each in value)
    return value


def require_whole(
    name: str, value: Any, *, minimum: int | None = None, maximum: int | None = None
) -> int:
    """Refuse what is no whole number; 20.0 is one, 20.5, "20" and True are not.

    Parameters
    ----------
    name : str
        What the value is, which begins the error message.
    value : object
        What was received.
    minimum, maximum : int or None
        Smallest and largest value allowed.

    Returns
    -------
    int
        The number.

    Raises
    ------
    InvalidStudyError
        For another kind of value, a fraction, or a number out of bounds.
    """
    plain = plain_value(value)
    number = isinstance(plain, int | float) and not isinstance(plain, bool)
    if not number or (isinstance(plain, float) and not plain.is_integer()):
        raise InvalidStudyError(
            f"{name} must be a whole number, received {plain!r}; "
            "write one such as 20, with neither quotes nor a fraction."
        )
    if minimum is not None and plain < minimum:
        raise InvalidStudyError(
            f"{name} must be at least {minimum}, received {plain}; give a larger number."
        )
    if maximum is not None and plain > maximum:
        raise InvalidStudyError(
            f"{name} must be at most {maximum}, received {plain}; give a smaller number."
        )
    return int(plain)


def require_number(name: str, value: Any) -> float:
    """Refuse what is no finite number; True is none.

    Parameters
    ----------
    name : str
        What the value is, which begins the error message.
    value : object
        What was received.

    Returns
    -------
    float or int
        The number, of the kind it was given as.

    Raises
    ------
    InvalidStudyError
        For another kind of value, an infinity or not-a-number.
    """
    plain = plain_value(value)
    if not is_finite(plain):
        raise InvalidStudyError(
            f"{name} must be a finite number, received {plain!r}; "
            "write one such as 0.5, without quotes."
        )
    return plain  # type: ignore[no-any-return]


def require_non_negative(name: str, value: Any) -> float:
    """Refuse what is no finite number, or a negative one.

    Raises
    ------
    InvalidStudyError
        With what was received.
    """
    plain = plain_value(value)
    if not is_finite(plain) or plain < 0.0:
        raise InvalidStudyError(
            f"{name} must be a finite number and not negative, received {plain!r}; "
            "write zero or more, without quotes."
        )
    return plain  # type: ignore[no-any-return]


def require_positive(name: str, value: Any) -> float:
    """Refuse what is no finite number above zero.

    Raises
    ------
    InvalidStudyError
        With what was received.
    """
    plain = plain_value(value)
    if not is_finite(plain) or plain <= 0.0:
        raise InvalidStudyError(
            f"{name} must be a finite number above zero, received {plain!r}; "
            "write one such as 0.5, without quotes."
        )
    return plain  # type: ignore[no-any-return]


def require_text(name: str, value: Any) -> str:
    """Refuse what is no text.

    Raises
    ------
    InvalidStudyError
        With what was received.
    """
    if not isinstance(value, str):
        raise InvalidStudyError(f"{name} must be text, received {value!r}; write it in quotes.")
    return str(value)


def require_boolean(name: str, value: Any) -> bool:
    """Refuse what is neither true nor false.

    Raises
    ------
    InvalidStudyError
        With what was received.
    """
    plain = plain_value(value)
    if not isinstance(plain, bool):
        raise InvalidStudyError(
            f"{name} must be true or false, received {plain!r}; write it without quotes."
        )
    return plain


def require_list(name: str, value: Any) -> list[Any]:
    """Refuse what is no list: text, tables and single numbers are none.

    Returns
    -------
    list
        The elements, arrays among them as lists.

    Raises
    ------
    InvalidStudyError
        With what was received.
    """
    plain = plain_value(value)
    if isinstance(plain, str | bytes) or not isinstance(plain, Sequence):
        raise InvalidStudyError(
            f"{name} must be a list, received {plain!r}; put it in square brackets."
        )
    return list(plain)


def require_table(name: str, value: Any) -> dict[str, Any]:
    """Refuse what is no table with names of text.

    Raises
    ------
    InvalidStudyError
        With what was received.
    """
    if not isinstance(value, Mapping):
        raise InvalidStudyError(
            f"{name} must be a table, received {value!r}; give names with their values."
        )
    return {require_text(f"every name in {name}", key): each for key, each in value.items()}


def require_kind(name: str, value: Any, kind: type[Kind]) -> Kind:
    """Refuse what is no description of one kind, such as a number for a `Part`.

    Raises
    ------
    InvalidStudyError
        With what was received.
    """
    if not isinstance(value, kind):
        raise InvalidStudyError(
            f"{name} must be of the kind {kind.__name__}, received {value!r}; "
            f"make it with phasegrok.study.{kind.__name__}."
        )
    return value


def require_kinds(name: str, values: Any, kind: type[Kind]) -> tuple[Kind, ...]:
    """Refuse what is no list of descriptions of one kind.

    Raises
    ------
    InvalidStudyError
        With what was received.
    """
    return tuple(
        require_kind(f"every element of {name}", each, kind)
        for each in require_list(name, values)
    )


def require_finite_options(name: str, value: Any) -> None:
    """Refuse infinities and not-a-number at any depth of the options of a part.

    Raises
    ------
    InvalidStudyError
        With the option that holds one.
    """
    if isinstance(value, Mapping):
        for key, each in value.items():
            require_finite_options(f"{name}.{key}", each)
    elif isinstance(value, list | tuple):
        for each in value:
            require_finite_options(name, each)
    elif isinstance(value, float) and not math.isfinite(value):
        raise InvalidStudyError(
            f"the option {name} must be finite, received {value!r}; "
            "give a finite number, or leave the option out."
        )


def is_finite(value: Any) -> bool:
    """Tell whether a value is a number that 64 bits can hold; True is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
