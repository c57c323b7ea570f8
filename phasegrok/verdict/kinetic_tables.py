"""What a verdict demands of tables of loops and lifetimes, before anything is fitted."""

from typing import Final

import numpy as np
import xarray as xr

from phasegrok.errors import InvalidValueError
from phasegrok.statistics.samples import FloatArray
from phasegrok.transitions.demands import (
    real_numbers,
    require_dataset,
    require_magnitude,
    require_variables,
)
from phasegrok.transitions.hysteresis.loop_tables import loop_columns

__all__ = ["ONE_SIZE", "lifetime_columns", "width_columns"]

ONE_SIZE: Final = 1e-6
"""Sizes that agree to that share are one."""


def width_columns(loops: xr.Dataset, *, size: str) -> tuple[FloatArray, ...]:
    """Take the columns of a table of loops that a verdict needs.

    Parameters
    ----------
    loops : Dataset
        Of `phasegrok.transitions.loops`.
    size : str
        Coordinate of the size.

    Returns
    -------
    tuple of (point,) arrays
        Sizes, rates, widths, their errors and statuses.

    Raises
    ------
    FormatError
        Where a column is missing.
    InvalidValueError
        For what is no table, one without points, or columns without meaning.
    """
    names = (size, "rate", "width", "width_error", "status")
    columns = loop_columns("loops", loops, names)
    _require_points("loops", columns[0])
    return tuple(columns)


def lifetime_columns(lifetimes: xr.Dataset, *, size: str) -> tuple[FloatArray, ...]:
    """Take the columns of a table of lifetimes that a verdict needs.

    Parameters
    ----------
    lifetimes : Dataset
        Of `phasegrok.transitions.lifetimes`, one point a size.
    size : str
        Coordinate of the size.

    Returns
    -------
    tuple of (point,) arrays
        Sizes, lifetimes, and what the escapes are worth, 0 where nothing escaped.

    Raises
    ------
    FormatError
        Where a column is missing.
    InvalidValueError
        For what is no table, one without points, several points of one size, or columns
        without meaning.
    """
    require_dataset("a table of lifetimes", lifetimes)
    names = (size, "value", "effective_escapes")
    require_variables("lifetimes", lifetimes, names, dims=("point",), advice="group by it")
    columns = tuple(
        real_numbers(f"{name!r} of lifetimes", lifetimes[name].to_numpy()) for name in names
    )
    extent, value, escapes = columns
    _require_points("lifetimes", extent)
    seen = escapes > 0.0
    lived = ~seen | ((value > 0.0) & np.isfinite(value))
    for name, needed, sound in (
        (size, "positive and finite", (extent > 0.0) & np.isfinite(extent)),
        ("effective_escapes", "zero or more", (escapes >= 0.0) & np.isfinite(escapes)),
        ("value", "positive and finite where there are escapes", lived),
    ):
        if not sound.all():
            raise InvalidValueError(
                f"lifetimes need {name!r} to be {needed}, received "
                f"{lifetimes[name].to_numpy().tolist()}; leave out points without one."
            )
    for name, each in ((size, extent), ("value", value[seen]), (names[2], escapes[seen])):
        require_magnitude(f"{name!r}", each, each=True)
    _refuse_several(extent, size)
    return columns


def _refuse_several(extent: FloatArray, size: str) -> None:
    """A phase far from the transition may live long for other reasons than a barrier."""
    values = np.sort(extent)
    same = np.diff(values) <= ONE_SIZE * values[1:]
    if same.any():
        raise InvalidValueError(
            "lifetimes need one point a size, the one nearest to the transition, received "
            f"several with {size!r} {float(values[1:][same][0]):g}; choose among them."
        )


def _require_points(name: str, column: FloatArray) -> None:
    if not column.size:
        raise InvalidValueError(
            f"{name} need at least one point, received an empty table; leave it out."
        )
