"""The seed that a user hands to what draws random numbers."""

from operator import index
from typing import Final, SupportsIndex

from phasegrok.errors import InvalidValueError

__all__ = ["LARGEST_SEED", "checked_seed"]

LARGEST_SEED: Final = 10**60


def checked_seed(value: SupportsIndex) -> int:
    """Take the seed that a user gave.

    Parameters
    ----------
    value : int
        Python or numpy integer; a truth value is none.

    Returns
    -------
    int

    Raises
    ------
    InvalidValueError
        For anything but a whole number of at least 0 with at most 60 digits.
    """
    try:
        number = None if isinstance(value, bool) else index(value)
    except TypeError:
        number = None
    if number is None or not 0 <= number < LARGEST_SEED:
        shown = f"a {type(value).__name__}" if number is None else f"{float(number):.3g}"
        raise InvalidValueError(
            f"a seed must be a whole number from 0 to below {LARGEST_SEED:.0e}, received "
            f"{shown}; with the same one the same numbers are drawn again."
        )
    return number
