"""Checks of the options of parts, in the words of the part they belong to."""

from dataclasses import fields, is_dataclass

from phasegrok.errors import InvalidStudyError
from phasegrok.study import checks

__all__ = [
    "check_coordinates",
    "check_fields",
    "check_minibatch",
    "require_fraction",
    "require_non_negative",
    "require_positive",
]


def require_positive(kind: str, **options: float) -> None:
    """Refuse options that are not positive finite numbers.

    Raises
    ------
    InvalidStudyError
        With the name of the option.
    """
    for name, value in options.items():
        checks.require_positive(_option(name, kind), value)


def require_non_negative(kind: str, **options: float) -> None:
    """Refuse options that are not finite numbers of at least zero.

    Raises
    ------
    InvalidStudyError
        With the name of the option.
    """
    for name, value in options.items():
        checks.require_non_negative(_option(name, kind), value)


def require_fraction(kind: str, **options: float) -> None:
    """Refuse options that are not within [0, 1).

    Raises
    ------
    InvalidStudyError
        With the name of the option.
    """
    for name, value in options.items():
        if checks.require_non_negative(_option(name, kind), value) >= 1.0:
            raise InvalidStudyError(
                f"{_option(name, kind)} must be at least 0 and below 1, received {value!r}."
            )


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
        name, value = _option(field.name, kind), getattr(built, field.name)
        if field.type in (int, "int"):
            checks.require_whole(name, value, minimum=0)
            if isinstance(value, float):
                # 20.0 is a whole number, but counting with it is another matter.
                raise InvalidStudyError(
                    f"{name} must be a whole number, received {value!r}; leave out the point."
                )
        elif field.type in (float, "float"):
            checks.require_number(name, value)
        elif field.type in (str, "str"):
            checks.require_text(name, value)


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


def _option(name: str, kind: str) -> str:
    return f"the option {name!r} of {kind!r}"
