"""Whether the runs are in equilibrium: traces from both starts, acceptance, times, R̂."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

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

__all__ = ["health_of_points", "health_of_points_table", "start_traces", "start_traces_table"]

_TITLES = {
    "acceptance": "acceptance",
    "autocorrelation_time": r"time $\tau$ (records)",
    "split_r_hat": r"split $\hat{R}$, worst disorder",
    "start_z_score": "difference of starts / error",
}


def start_traces_table(traces: xr.Dataset, *, point: int) -> Table:
    """Collect the numbers of `start_traces`; its parameters are described there."""
    one = traces.sel(point=point)
    parts = []
    for start in one["start"].to_numpy().tolist():
        line = one.sel(start=start)
        seen = np.isfinite(line["mean"].to_numpy())
        parts.append(
            Table.of(
                start,
                step=one["step"].to_numpy()[seen],
                mean=line["mean"].to_numpy()[seen],
                standard_error=line["standard_error"].to_numpy()[seen],
            )
        )
    return Table.joined(parts)


def start_traces(traces: xr.Dataset, *, point: int, ax: Axes | None = None) -> Axes:
    """Draw how a quantity relaxes from each start, with errors over disorders.

    Parameters
    ----------
    traces : Dataset
        ``mean`` and ``standard_error`` (point, start, record), ``step`` on ``record``; the
        attributes ``quantity`` and ``cut_step``, from which on records enter averages.
    point : int
        Label along ``point``.
    ax : Axes, optional
        Where to draw; a figure of its own, one column wide, by default.

    Returns
    -------
    Axes
    """
    if ax is None:
        with style():
            return start_traces(traces, point=point, ax=new_axes())
    table = start_traces_table(traces, point=point)
    for index, start in enumerate(table.distinct("series")):
        colour, _ = shade(index)
        part = table.where(series=start)
        step = part["step"].astype(np.float64)
        low, high = (part["mean"] + sign * part["standard_error"] for sign in (-1.0, 1.0))
        ax.fill_between(step, low, high, color=colour, alpha=0.25, lw=0.0)
        ax.plot(step, part["mean"], color=colour, lw=0.9, label=f"start: {start}")
    ax.axvline(float(traces.attrs["cut_step"]), color="0.4", ls=":", lw=0.8)
    ax.set_xscale("symlog", linthresh=10.0)
    late = float(np.abs(table["mean"][-1]))
    if table["mean"].min() >= 0.0 and table["mean"].max() > 5.0 * late > 0.0:
        # Far starts would flatten what they relax to.
        ax.set_yscale("symlog", linthresh=2.0 * late, linscale=2.0)
        ax.set_ylim(bottom=0.0)
    ax.set(
        xlim=(0.0, float(table["step"].max())),
        xlabel="step",
        ylabel=label_of(str(traces.attrs["quantity"])),
    )
    ax.legend(loc="upper center")
    return ax


def health_of_points_table(
    health: xr.Dataset,
    *,
    quantities: Sequence[str],
    across: str = "noise_variance",
    beside: str = "example_count",
) -> Table:
    """Collect the numbers of `health_of_points`; its parameters are described there."""
    at = health[beside].to_numpy().astype(np.float64)
    parts = []
    for value in np.unique(at):
        here = health.isel(point=np.flatnonzero(at == value)).sortby(across)
        columns = {name: here[name].to_numpy() for name in quantities}
        columns[across] = here[across].to_numpy().astype(np.float64)
        parts.append(Table.of("point", **{beside: at[at == value]}, **columns))
    return Table.joined(parts)


def health_of_points(
    health: xr.Dataset,
    *,
    quantities: Sequence[str],
    across: str = "noise_variance",
    beside: str = "example_count",
    panels: Sequence[Axes] | None = None,
) -> list[Axes]:
    """Draw measures of a study's health against the noise variance.

    Parameters
    ----------
    health : Dataset
        Each quantity (point), controls on ``point``.
    quantities : sequence of str
        One panel for each, such as acceptance, autocorrelation_time, split_r_hat and
        start_z_score.
    across, beside : str
        Control drawn across, and the other one, one colour for each of its values.
    panels : sequence of Axes, optional
        Where to draw; a figure of its own, two columns wide, by default.

    Returns
    -------
    list of Axes
    """
    if panels is None:
        with style():
            row = new_axes_row(len(quantities), aspect=0.31)
            return health_of_points(
                health, quantities=quantities, across=across, beside=beside, panels=row
            )
    table = health_of_points_table(health, quantities=quantities, across=across, beside=beside)
    for ax, name in zip(axes_of(list(panels)), quantities, strict=True):
        for index, value in enumerate(table.distinct(beside)):
            colour, marker = shade(index)
            part = table.where(**{beside: value})
            text = f"{label_of(beside, symbol=True)} = {number(value)}"
            ax.plot(part[across], part[name], f"{marker}-", color=colour, lw=0.6, label=text)
        ax.set(xlabel=label_of(across), ylabel=_TITLES.get(name, label_of(name)))
        if name == "start_z_score":
            ax.axhspan(-2.0, 2.0, color="0.9", zorder=0)
    panels[min(1, len(panels) - 1)].legend()
    return list(panels)
