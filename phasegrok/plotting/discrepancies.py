"""A measured quantity against the noise, with the theory at this size and in the limit."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from phasegrok.plotting.saving import Table
from phasegrok.plotting.style import (
    axes_of,
    label_of,
    new_axes,
    new_axes_row,
    number,
    shade,
    style,
)

__all__ = ["against_noise", "against_noise_table", "discrepancies"]

_LINES: Final = {"this size": "-", "large sizes": "--"}


def against_noise_table(
    points: xr.Dataset,
    curves: xr.Dataset | None,
    *,
    quantity: str,
    beside: str = "example_count",
    values: Sequence[float] | None = None,
    across: str = "noise_variance",
) -> Table:
    """Collect the numbers of `against_noise`; its parameters are described there."""
    measured = points.sel(quantity=quantity)
    at = measured[beside].to_numpy().astype(np.float64)
    chosen = np.unique(at) if values is None else np.asarray(values, dtype=np.float64)
    parts = []
    for value in chosen:
        here = measured.isel(point=np.flatnonzero(at == value)).sortby(across)
        parts.append(
            Table.of(
                "measured",
                **{beside: np.full(here.sizes["point"], value)},
                **{across: here[across].to_numpy().astype(np.float64)},
                value=here["mean"].to_numpy(),
                standard_error=here["standard_error"].to_numpy(),
            )
        )
        if curves is None or quantity not in curves or value not in curves[beside]:
            continue
        for size in curves["size"].to_numpy().tolist():
            line = curves[quantity].sel({"size": size, beside: value})
            noise = curves[across].to_numpy()
            place = {beside: np.full(noise.size, value), across: noise}
            parts.append(Table.of(f"theory, {size}", **place, value=line.to_numpy()))
    return Table.joined(parts)


def against_noise(
    points: xr.Dataset,
    curves: xr.Dataset | None,
    *,
    quantity: str,
    beside: str = "example_count",
    values: Sequence[float] | None = None,
    across: str = "noise_variance",
    ax: Axes | None = None,
) -> Axes:
    """Draw a quantity with errors over disorders against the noise variance.

    Parameters
    ----------
    points : Dataset
        ``mean`` and ``standard_error`` (quantity, point), controls on ``point``.
    curves : Dataset or None
        The theory's ``quantity`` (size, beside, noise_variance); ``size`` is "this size" or
        "large sizes".
    quantity : str
        Which quantity.
    beside : str
        The other control, one colour for each of its values.
    values : sequence of float, optional
        Which of those values; all by default.
    across : str
        The control drawn across.
    ax : Axes, optional
        Where to draw; a figure of its own, one column wide, by default.

    Returns
    -------
    Axes
    """
    options = {"quantity": quantity, "beside": beside, "across": across}
    if ax is None:
        with style():
            return against_noise(points, curves, values=values, ax=new_axes(), **options)
    table = against_noise_table(points, curves, values=values, **options)
    for index, value in enumerate(table.distinct(beside)):
        colour, marker = shade(index)
        part = table.where(**{beside: value})
        for size, line in _LINES.items():
            curve = part.where(series=f"theory, {size}")
            ax.plot(curve[across], curve["value"], line, color=colour, lw=1.0)
        measured = part.where(series="measured")
        ax.errorbar(
            measured[across],
            measured["value"],
            measured["standard_error"],
            fmt=marker,
            color=colour,
            capsize=1.5,
            label=f"{label_of(beside, symbol=True)} = {number(value)}",
        )
    ax.set(xlabel=label_of(across), ylabel=label_of(quantity))
    _legend(ax, table.distinct("series"))
    return ax


def discrepancies(
    points: xr.Dataset,
    curves: xr.Dataset | None,
    *,
    beside: str = "example_count",
    values: Sequence[float] | None = None,
    panels: Sequence[Axes] | None = None,
) -> list[Axes]:
    """Draw b and c against the noise variance, side by side.

    Parameters
    ----------
    points, curves, beside, values
        See `against_noise`.
    panels : sequence of two Axes, optional
        Where to draw; a figure of its own, two columns wide, by default.

    Returns
    -------
    list of Axes
    """
    if panels is None:
        with style():
            row = new_axes_row(2, aspect=0.4)
            return discrepancies(points, curves, beside=beside, values=values, panels=row)
    names = ("linear_discrepancy", "cubic_discrepancy")
    for ax, quantity in zip(axes_of(list(panels)), names, strict=True):
        against_noise(points, curves, quantity=quantity, beside=beside, values=values, ax=ax)
    return list(panels)


def _legend(ax: Axes, series: Sequence[str]) -> None:
    handles, labels = ax.get_legend_handles_labels()
    for size, line in _LINES.items():
        if f"theory, {size}" in series:
            handles.append(Line2D([], [], color="0.3", ls=line, lw=1.0))
            labels.append(f"theory, {size}")
    ax.legend(handles, labels)
