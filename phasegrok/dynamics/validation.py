"""Checks that several integrators share."""

from phasegrok.errors import InvalidStudyError

__all__ = ["check_coordinates", "require_non_negative", "require_positive"]


def require_positive(kind: str, **options: float) -> None:
    """Refuse options that are not positive numbers.

    Raises
    ------
    InvalidStudyError
        With the name of the option.
    """
    for name, value in options.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise InvalidStudyError(f"{kind} needs {name} > 0, received {value!r}.")


def require_non_negative(kind: str, **options: float) -> None:
    """Refuse options that are not numbers of at least zero.

    Raises
    ------
    InvalidStudyError
        With the name of the option.
    """
    for name, value in options.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
            raise InvalidStudyError(f"{kind} needs {name} >= 0, received {value!r}.")


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
