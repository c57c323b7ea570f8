"""Cumulants that cross, and mean and variance of all sizes on one scaling function."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from phasegrok.plotting.saving import Table
from phasegrok.plotting.style import axes_of, label_of, new_axes_row, shade, style
from phasegrok.transitions import DataCollapse, Finding

__all__ = ["collapse", "collapse_table"]

_CUMULANT: Final = r"$U_4 = 1-\langle m^4\rangle/3\langle m^2\rangle^2$"

_TITLES: Final = {
    "mean": r"$r^{x}\,\langle m\rangle$",
    "variance": r"$r^{2x}\,\mathrm{Var}\,m$",
}


def collapse_table(
    fit: DataCollapse, curves: xr.Dataset, crossings: xr.Dataset | None = None
) -> Table:
    """Collect the numbers of `collapse`."""
    parts = []
    for size in curves["size"].to_numpy():
        one = curves.sel(size=size)
        parts.append(
            Table.of(
                "cumulant",
                size=np.full(one.sizes["place"], size),
                control=one["control"],
                value=one["cumulant"],
                error=one["cumulant_error"],
            )
        )
    if crossings is not None:
        clear = crossings.isel(pair=np.flatnonzero(crossings["finding"] == Finding.FOUND))
        parts.append(
            Table.of(
                "crossing",
                size=clear["smaller"],
                control=clear["control"],
                control_error=clear["control_error"],
                value=clear["value"],
                error=clear["value_error"],
            )
        )
    points, line = fit.points, fit.functions
    for name in _quantities(fit):
        parts.append(
            Table.of(
                name,
                size=points["size"],
                control=points["scaled_control"],
                value=points[f"{name}_value"] - points[f"{name}_correction"],
                uncorrected=points[f"{name}_value"],
                error=points[f"{name}_error"],
            )
        )
        parts.append(
            Table.of(
                f"{name} function",
                control=line["scaled_control"],
                value=line[f"{name}_function"],
            )
        )
    return Table.joined(parts)


def _quantities(fit: DataCollapse) -> list[str]:
    return [name for name in _TITLES if f"{name}_value" in fit.points]


def collapse(
    fit: DataCollapse,
    curves: xr.Dataset,
    crossings: xr.Dataset | None = None,
    *,
    control: str,
    panels: Sequence[Axes] | None = None,
) -> list[Axes]:
    """Draw the cumulants of all sizes, and what was collapsed beside its scaling function.

    Parameters
    ----------
    fit : DataCollapse
        The line is the scaling function of infinite size. Points with errors lie about it once
        the correction to scaling of their size is taken off; without that they are the dots.
    curves : Dataset
        From `transitions.curve_table`; bands are one standard error.
    crossings : Dataset, optional
        From `transitions.cumulant_crossings`; those that were found are marked.
    control : str
        Name of the control, for the axis.
    panels : sequence of Axes, optional
        Where to draw, one for the cumulants and one for each collapsed quantity; a figure of
        its own, two columns wide, by default.

    Returns
    -------
    list of Axes
    """
    names = _quantities(fit)
    if panels is None:
        with style():
            row = new_axes_row(1 + len(names), aspect=0.34)
            return collapse(fit, curves, crossings, control=control, panels=row)
    drawn, table = axes_of(list(panels)), collapse_table(fit, curves, crossings)
    sizes = sorted({*table.where(series="cumulant")["size"], *fit.points["size"].values})
    _cumulants(drawn[0], table, sizes)
    drawn[0].set(
        xlabel=label_of(control), ylabel=r"$1-\langle m^4\rangle/3\langle m^2\rangle^2$"
    )
    for ax, name in zip(drawn[1:], names, strict=True):
        line = table.where(series=f"{name} function")
        ax.plot(line["control"], line["value"], color="black", lw=0.8, zorder=3)
        for index, size in enumerate(sizes):
            colour, marker = shade(index)
            part = table.where(series=name, size=size)
            ax.plot(part["control"], part["uncorrected"], ".", color=colour, ms=1.5, alpha=0.5)
            ax.errorbar(
                part["control"],
                part["value"],
                part["error"],
                fmt=marker,
                color=colour,
                ms=2.5,
                lw=0.6,
                label=f"{size:g}",
            )
        ax.set(xlabel=r"$(g-g_c)\,r^{y}$", ylabel=_TITLES[name])
    drawn[-1].legend(title="size", loc="best")
    return drawn


def _cumulants(ax: Axes, table: Table, sizes: Sequence[float]) -> None:
    for index, size in enumerate(sizes):
        colour, _ = shade(index)
        part = table.where(series="cumulant", size=size)
        ax.fill_between(
            part["control"],
            part["value"] - part["error"],
            part["value"] + part["error"],
            color=colour,
            alpha=0.2,
            lw=0.0,
        )
        ax.plot(part["control"], part["value"], color=colour, lw=0.9)
    crossings = table.where(series="crossing")
    if len(crossings):
        ax.errorbar(
            crossings["control"],
            crossings["value"],
            crossings["error"],
            crossings["control_error"],
            fmt="o",
            color="black",
            ms=2.5,
            lw=0.6,
            zorder=3,
        )
