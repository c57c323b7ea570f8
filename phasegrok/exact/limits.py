"""How large numbers may be, and how long a run, before a sampler refuses them."""

from collections.abc import Iterable
from typing import Final

from phasegrok.errors import InvalidValueError
from phasegrok.exact.checking import finite_number, require_memory, require_positive

__all__ = [
    "LARGEST_MODERATE",
    "UPDATE_LIMIT",
    "moderate_number",
    "moderate_positive",
    "require_moderate",
    "require_run_memory",
    "require_updates",
]

LARGEST_MODERATE: Final = 1e60
"""Of numbers up to it, and down to its inverse, products of four are numbers still."""

UPDATE_LIMIT: Final = 10**10
"""Updates of all runs at once, which take about a day at ten microseconds each."""

# Labels, name and coordinates of one run.
RUN_BYTES: Final = 1000.0


def require_moderate(name: str, values: Iterable[float]) -> None:
    """Refuse numbers whose powers are none.

    Parameters
    ----------
    name : str
        For the error message.
    values : iterable of float
        Finite; zeros pass.

    Raises
    ------
    InvalidValueError
        Where one is above 1e60 or below 1e-60 in size.
    """
    for value in values:
        if value and not 1.0 / LARGEST_MODERATE <= abs(value) <= LARGEST_MODERATE:
            raise InvalidValueError(
                f"{name} must be zero or between {1.0 / LARGEST_MODERATE:g} and "
                f"{LARGEST_MODERATE:g} in size, received {value:g}, whose powers are no "
                "numbers; change the unit."
            )


def moderate_number(name: str, value: float) -> float:
    """Take one real number whose powers are numbers, or refuse it with `InvalidValueError`."""
    number = finite_number(name, value)
    require_moderate(name, [number])
    return number


def moderate_positive(name: str, value: float) -> float:
    """Take one such number above zero, or refuse it with `InvalidValueError`."""
    number = require_positive(name, value)
    require_moderate(name, [number])
    return number


def require_updates(purpose: str, count: float) -> None:
    """Refuse what would take longer than anybody waits.

    Parameters
    ----------
    purpose : str
        What takes the updates.
    count : float
        Updates one after another.

    Raises
    ------
    InvalidValueError
        Beyond `UPDATE_LIMIT`.
    """
    if count > UPDATE_LIMIT:
        raise InvalidValueError(
            f"{purpose} would take {count:.3g} updates one after another, and at "
            f"most {UPDATE_LIMIT:.0e} are allowed, about a day; ask for a shorter time, a "
            "faster rate or a longer step."
        )


def require_run_memory(run_count: int, *, other_bytes: float = 0.0) -> None:
    """Refuse more runs than can be listed.

    Parameters
    ----------
    run_count : int
        Runs of one call.
    other_bytes : float
        What each needs besides its labels.

    Raises
    ------
    InvalidValueError
        With the estimate.
    """
    require_memory(f"{run_count:.3g} runs", (RUN_BYTES + other_bytes) * run_count)
