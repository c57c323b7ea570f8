"""Durations as people read them."""

__all__ = ["readable_time"]


def readable_time(seconds: float) -> str:
    """Write a duration for people.

    Parameters
    ----------
    seconds : float
        Duration.

    Returns
    -------
    str
        Such as "40 s", "12 min" or "3.5 h".
    """
    if seconds < 90.0:
        return f"{seconds:.0f} s"
    return f"{seconds / 60.0:.0f} min" if seconds < 5400.0 else f"{seconds / 3600.0:.1f} h"
