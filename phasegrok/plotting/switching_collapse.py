"""Switching fields of all temperatures and rates on one curve, or not."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from phasegrok.plotting.saving import Table
from phasegrok.plotting.style import label_of, new_axes, number, shade, style

__all__ = ["switching_collapse", "switching_collapse_table"]


def switching_collapse_table(table: xr.Dataset, found: xr.Dataset) -> Table:
    """Collect the numbers of `switching_collapse`; its parameters are described there."""
    parts = []
    for name in ("up", "down"):
        one = found.sel(direction=name)
        parts.append(
            Table.of(
                name,
                size=found["size"].to_numpy(),
                rate=found["rate"].to_numpy(),
                place=one["place"].to_numpy(),
                field=one["field"].to_numpy(),
                error=table[f"switching_{name}_error"].to_numpy(),
                curve=one["curve"].to_numpy(),
            )
        )
    return Table.joined(parts)


def switching_collapse(
    table: xr.Dataset,
    found: xr.Dataset,
    *,
    comparison: xr.Dataset | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the switching fields of both branches against T ln(r₀/r).

    Parameters
    ----------
    table : Dataset
        Of `phasegrok.transitions.loops`.
    found : Dataset
        Of `phasegrok.transitions.switching_collapse` from it; the lines are its curves.
    comparison : Dataset, optional
        Of `phasegrok.transitions.compare_collapse`: its answer stands above.
    ax : Axes, optional
        Where to draw; a figure of its own by default.

    Returns
    -------
    Axes
    """
    if ax is None:
        with style():
            return switching_collapse(table, found, comparison=comparison, ax=new_axes())
    numbers = switching_collapse_table(table, found)
    sizes = sorted(set(found["size"].to_numpy().tolist()))
    for direction, full in (("up", True), ("down", False)):
        points = numbers.where(series=direction)
        order = np.argsort(points["place"])
        line = points["place"][order], points["curve"][order]
        ax.plot(*line, color="black", lw=0.8, ls="-" if full else "--")
        for index, size in enumerate(sizes):
            colour, marker = shade(index)
            part = points.where(size=size)
            look: dict[str, Any] = {"fmt": marker, "color": colour, "ms": 3.0, "lw": 0.6}
            look |= {"mfc": colour if full else "none"}
            look |= {"label": f"$N$ = {number(size)}" if full else None}
            ax.errorbar(part["place"], part["field"], part["error"], **look)
    if comparison is not None:
        weights = comparison["weight"].to_numpy()
        names = comparison["model"].to_numpy().tolist()
        told = ", ".join(f"{n} {w:.2f}" for n, w in zip(names, weights, strict=True))
        ax.set_title(f"{comparison.attrs['answer']}: {told}", fontsize=6.5, loc="left")
    control = str(found.attrs.get("control", "control"))
    ax.set(xlabel=r"$T\,\ln(r_0/r)$", ylabel=f"switching {label_of(control)}")
    ax.legend(loc="best")
    return ax
