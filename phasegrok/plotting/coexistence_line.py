"""A line of coexistence in the plane of two controls, with its slopes."""

from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from phasegrok.errors import InvalidValueError
from phasegrok.plotting.saving import Table
from phasegrok.plotting.style import label_of, new_axes, shade, style

__all__ = ["coexistence_line", "coexistence_line_table"]

_TICK: Final = 0.35
"""Half the length of a slope's mark, in distances between points."""


def coexistence_line_table(
    line: xr.Dataset,
    *,
    slopes: xr.Dataset | None = None,
    integrated: xr.Dataset | None = None,
    theory: xr.Dataset | None = None,
) -> Table:
    """Collect the numbers of `coexistence_line`; its parameters are described there."""
    along, against = (line.attrs.get(name) for name in ("along", "against"))
    if along is None or against is None:
        raise InvalidValueError(
            "a line of coexistence names its controls, received a table without them; give "
            "what phasegrok.transitions.coexistence_line returns."
        )
    parts = [_part("line", line, along, against, slope="slope")]
    for name, other in (("slopes", slopes), ("integrated", integrated), ("theory", theory)):
        if other is not None:
            slope = "slope" if "slope" in other else None
            parts.append(_part(name, other, along, against, slope=slope))
    return Table.joined(parts)


def coexistence_line(
    line: xr.Dataset,
    *,
    slopes: xr.Dataset | None = None,
    integrated: xr.Dataset | None = None,
    theory: xr.Dataset | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw where two phases have equal weight, and which way the line should go.

    Parameters
    ----------
    line : Dataset
        Of `phasegrok.transitions.coexistence_line`.
    slopes : Dataset, optional
        Of `phasegrok.transitions.clausius_clapeyron`: a stroke at every point.
    integrated : Dataset, optional
        Of `phasegrok.transitions.integrated_line`; the band is one standard error.
    theory : Dataset, optional
        With both controls along one dimension, such as a known line.
    ax : Axes, optional
        Where to draw; a figure of its own by default.

    Returns
    -------
    Axes

    Raises
    ------
    InvalidValueError
        For a table that names no controls.
    """
    if ax is None:
        with style():
            return coexistence_line(
                line, slopes=slopes, integrated=integrated, theory=theory, ax=new_axes()
            )
    numbers = coexistence_line_table(line, slopes=slopes, integrated=integrated, theory=theory)
    along, against = str(line.attrs["along"]), str(line.attrs["against"])
    _draw_curves(ax, numbers, along, against)
    marks = (
        numbers.where(series="slopes") if slopes is not None else numbers.where(series="line")
    )
    places = np.unique(numbers.where(series="line")[against])
    reach = _TICK * float(np.diff(places).min()) if places.size > 1 else 0.0
    for x, y, slope in zip(marks[against], marks[along], marks["slope"], strict=True):
        ends = np.array([-reach, reach])
        ax.plot(x + ends, y + slope * ends, color=shade(1)[0], lw=1.6, zorder=3)
    source = "slopes of other runs" if slopes is not None else "slopes, same runs"
    ax.plot([], [], color=shade(1)[0], lw=1.6, label=source)
    points = numbers.where(series="line")
    ax.errorbar(
        points[against],
        points[along],
        points["error"],
        fmt="o",
        ms=3.0,
        color=shade(0)[0],
        label="equal weights",
        zorder=4,
    )
    ax.set(xlabel=label_of(against), ylabel=label_of(along))
    ax.legend(loc="best")
    return ax


def _draw_curves(ax: Axes, numbers: Table, along: str, against: str) -> None:
    band = numbers.where(series="integrated")
    if len(band):
        low, high = band[along] - band["error"], band[along] + band["error"]
        ax.fill_between(band[against], low, high, color=shade(1)[0], alpha=0.2, lw=0.0)
        ax.plot(band[against], band[along], color=shade(1)[0], lw=0.8, label="integrated")
    known = numbers.where(series="theory")
    if len(known):
        ax.plot(known[against], known[along], "k--", lw=0.9, label="theory")


def _part(
    name: str, table: xr.Dataset, along: str, against: str, *, slope: str | None
) -> Table:
    columns = {each: table[each].to_numpy() for each in (against, along)}
    error = f"{along}_error"
    columns["error"] = (
        table[error].to_numpy() if error in table else np.full(columns[along].shape, np.nan)
    )
    if slope is not None:
        columns |= {each: table[each].to_numpy() for each in (slope, f"{slope}_error")}
    return Table.of(name, **columns)
