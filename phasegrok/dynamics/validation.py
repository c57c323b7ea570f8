"""Checks of the options of parts, in the words of the part they belong to."""

from phasegrok.errors import InvalidStudyError
from phasegrok.study import checks

__all__ = [
    "check_coordinates",
    "check_minibatch",
    "require_fraction",
    "require_positive",
    "require_whole",
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
                f"{_option(name, kind)} must be at least 0 and below 1, received {value!r}; "
                "write one such as 0.9."
            )


def require_whole(kind: str, *, minimum: int, **options: int) -> None:
    """Refuse options that are not whole numbers of at least the minimum.

    Raises
    ------
    InvalidStudyError
        With the name of the option.
    """
    for name, value in options.items():
        checks.require_whole(_option(name, kind), value, minimum=minimum)


def check_minibatch(size: int, count: int) -> None:
    """Refuse a minibatch larger than the training set.

    Raises
    ------
    InvalidStudyError
        With both numbers.
    """
    if size > count:
        raise InvalidStudyError(
            f"a minibatch of {size} needs at least as many examples, received {count}; lower "
            "minibatch_size, or raise the number of examples of the task."
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
            f"coordinates must be 'plain' or 'whitened', received {coordinates!r}; write one "
            "of these."
        )


def _option(name: str, kind: str) -> str:
    return f"the option {name!r} of {kind!r}"
