"""Loops of a driven system, and the switching fields of all sizes on one line."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from phasegrok.plotting.saving import Table
from phasegrok.plotting.style import axes_of, label_of, new_axes_row, number, shade, style

__all__ = ["hysteresis", "hysteresis_table"]


def hysteresis_table(table: xr.Dataset, spinodals: xr.Dataset) -> Table:
    """Collect the numbers of `hysteresis`."""
    size, rate = (table[name].to_numpy() for name in ("size", "rate"))
    parts = []
    for name in ("up", "down"):
        one = spinodals.sel(direction=name)
        parts.append(
            Table.of(
                name,
                size=size,
                rate=rate,
                switching=table[f"switching_{name}"].to_numpy(),
                switching_error=table[f"switching_{name}_error"].to_numpy(),
                place=one["place"].to_numpy(),
                lag=one["lag"].to_numpy(),
            )
        )
        line = np.linspace(0.0, float(np.nanmax([*one["place"].to_numpy(), 1e-12])), 60)
        root = float(one["barrier_root"])
        parts.append(Table.of(f"{name} line", place=line, lag=root * line ** (2 / 3)))
        spread = float(one["spinodal_error"])
        limit = float(one["spinodal"])
        parts.append(Table.of(f"{name} limit", switching=limit, switching_error=spread))
    return Table.joined(parts)


def hysteresis(
    table: xr.Dataset, spinodals: xr.Dataset, *, panels: Sequence[Axes] | None = None
) -> list[Axes]:
    """Draw the switching fields against the rate, and their collapse.

    Parameters
    ----------
    table : Dataset
        Of `phasegrok.transitions.loops`, with one size and rate a point.
    spinodals : Dataset
        Of `phasegrok.transitions.spinodal_estimate` from it.
    panels : sequence of two Axes, optional
        Where to draw; a figure of its own, two columns wide, by default. On the left both
        branches, with the limits of metastability as bands; on the right what a branch
        switches before its limit against T ln(1 + ρT/r), on one line for all sizes where the
        phases are metastable.

    Returns
    -------
    list of Axes
    """
    if panels is None:
        with style():
            return hysteresis(table, spinodals, panels=new_axes_row(2, aspect=0.42))
    drawn = axes_of(list(panels))
    numbers = hysteresis_table(table, spinodals)
    sizes = sorted(set(table["size"].to_numpy().tolist()))
    for direction, full in (("up", True), ("down", False)):
        points = numbers.where(series=direction)
        for index, size in enumerate(sizes):
            colour, marker = shade(index)
            part = points.where(size=size)
            look: dict[str, Any] = {
                "fmt": marker,
                "color": colour,
                "mfc": colour if full else "none",
                "label": f"$N$ = {number(size)}" if full else None,
            }
            drawn[0].errorbar(part["rate"], part["switching"], part["switching_error"], **look)
            drawn[1].errorbar(part["place"], part["lag"], part["switching_error"], **look)
        _draw_limits(drawn, numbers, direction, full)
    control = str(table.attrs.get("control", "control"))
    drawn[0].set(xscale="log", xlabel="rate $r$", ylabel=f"switching {label_of(control)}")
    drawn[1].set(xlabel=r"$T\,\ln(1+\rho T/r)$", ylabel="distance to the spinodal")
    drawn[1].legend(loc="best")
    return drawn


def _draw_limits(drawn: list[Axes], numbers: Table, direction: str, full: bool) -> None:
    limit = numbers.where(series=f"{direction} limit")
    middle, error = float(limit["switching"][0]), float(limit["switching_error"][0])
    dashes = "-" if full else "--"
    if np.isfinite(middle):
        drawn[0].axhline(middle, color="black", lw=0.8, ls=dashes)
        drawn[0].axhspan(middle - error, middle + error, color="black", alpha=0.15, lw=0.0)
    line = numbers.where(series=f"{direction} line")
    drawn[1].plot(line["place"], line["lag"], color="black", lw=0.8, ls=dashes)
