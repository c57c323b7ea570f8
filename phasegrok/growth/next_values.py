"""Which values of a control are worth runs next, given where the transition may lie."""

import math
from collections.abc import Callable, Sequence
from functools import partial

from phasegrok.growth.location import Location

__all__ = ["next_values", "short_value"]


def short_value(value: float, resolution: float) -> float:
    """Round a value to the fewest decimals that are finer than a fifth of the resolution.

    Parameters
    ----------
    value : float
        Of a control.
    resolution : float
        Above zero.

    Returns
    -------
    float
        The same for values that differ by less than what is told apart, so that descriptions
        stay readable and no value is asked for twice in two ways.
    """
    decimals = max(0, math.ceil(-math.log10(resolution / 5.0)))
    return round(value, decimals) + 0.0


def next_values(
    location: Location,
    known: Sequence[float],
    *,
    count: int,
    resolution: float,
    rounded: Callable[[float], float] | None = None,
) -> list[float]:
    """Choose values at quantiles of the posterior, where there are none yet.

    Parameters
    ----------
    location : Location
        Where the transition may lie.
    known : sequence of float
        Values that have runs.
    count : int
        How many to choose at most.
    resolution : float
        No value is closer than half of it to another one.
    rounded : callable, optional
        How values are rounded; as by `short_value` where left out.

    Returns
    -------
    list of float
        Increasing; fewer where the posterior leaves no room, and none where it is resolved.
    """
    low, high = location.edges[0], location.edges[-1]
    taken = list(known)
    near = rounded or partial(short_value, resolution=resolution)
    chosen = []
    for index in range(count):
        wanted = location.quantile((index + 0.5) / count)
        value = _nearest_free(wanted, taken, location, resolution, near)
        if value is not None and low <= value <= high:
            taken.append(value)
            chosen.append(value)
    return sorted(chosen)


def _nearest_free(
    wanted: float,
    taken: Sequence[float],
    location: Location,
    resolution: float,
    near: Callable[[float], float],
) -> float | None:
    """The value, or the middle of the gap it lies in where it is too close to an end."""
    spacing = 0.5 * resolution * (1.0 - 1e-9)
    value = near(wanted)
    if all(abs(value - each) >= spacing for each in taken):
        return value
    below = max((each for each in taken if each <= wanted), default=location.edges[0])
    above = min((each for each in taken if each > wanted), default=location.edges[-1])
    middle = near(0.5 * (below + above))
    return middle if all(abs(middle - each) >= spacing for each in taken) else None
