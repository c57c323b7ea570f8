"""-log p(q) of the neurons' overlaps with the teacher: measured against theory."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from phasegrok.plotting.saving import Table
from phasegrok.plotting.style import label_of, new_axes, number, shade, style

__all__ = ["overlap_density", "overlap_density_table"]


def overlap_density_table(
    overlaps: xr.Dataset, theory: xr.Dataset | None, *, points: Sequence[int]
) -> Table:
    """Collect the numbers of `overlap_density`; its parameters are described there."""
    parts = []
    for point in points:
        one = overlaps.sel(point=point)
        place = {name: float(one[name]) for name in _controls(overlaps)}
        seen = one["total_count"].to_numpy() > 0
        columns = {
            "overlap": one["bin_center"].to_numpy()[seen],
            "negative_log_density": one["negative_log_density"].to_numpy()[seen],
            "standard_error": one["standard_error"].to_numpy()[seen],
        }
        parts.append(_placed("measured", place, columns))
        if theory is not None:
            line = theory["negative_log_density"].sel(point=point)
            columns = {
                "overlap": line["overlap"].to_numpy(),
                "negative_log_density": line.to_numpy(),
            }
            parts.append(_placed("theory", place, columns))
    return Table.joined(parts)


def overlap_density(
    overlaps: xr.Dataset,
    theory: xr.Dataset | None,
    *,
    points: Sequence[int],
    ax: Axes | None = None,
) -> Axes:
    """Draw -log p(q) at some points, with errors over disorders.

    Parameters
    ----------
    overlaps : Dataset
        ``negative_log_density``, ``standard_error`` and ``total_count`` (point, bin), nats,
        with ``bin_center``.
    theory : Dataset or None
        ``negative_log_density`` (point, overlap).
    points : sequence of int
        Labels along ``point``.
    ax : Axes, optional
        Where to draw; a figure of its own, one column wide, by default.

    Returns
    -------
    Axes
    """
    if ax is None:
        with style():
            return overlap_density(overlaps, theory, points=points, ax=new_axes(aspect=0.9))
    table = overlap_density_table(overlaps, theory, points=points)
    for index, point in enumerate(points):
        place = {name: float(overlaps[name].sel(point=point)) for name in _controls(overlaps)}
        colour, marker = shade(index)
        part = table.where(**place)
        measured, line = part.where(series="measured"), part.where(series="theory")
        ax.errorbar(
            measured["overlap"],
            measured["negative_log_density"],
            measured["standard_error"],
            fmt=marker,
            ms=2.8,
            color=colour,
            elinewidth=0.7,
            label=_name(place, overlaps, points),
        )
        ax.plot(line["overlap"], line["negative_log_density"], color=colour)
    shown = table.where(series="measured")["negative_log_density"]
    ax.set(
        xlabel=r"overlap with the teacher $|q|$",
        ylabel=r"$-\log\,p(q)$ (nats)",
        ylim=(float(shown.min()) - 0.5, float(shown.max()) + 0.8),
        xlim=(0.0, float(table.where(series="measured")["overlap"].max()) * 1.04),
    )
    ax.legend(loc="upper left", title="points: measured; lines: theory", title_fontsize=6.5)
    return ax


def _controls(overlaps: xr.Dataset) -> list[str]:
    known = ("noise_variance", "example_count", "width", "temperature")
    return [name for name in known if name in overlaps.coords]


def _placed(series: str, place: dict[str, float], columns: dict[str, np.ndarray]) -> Table:
    count = len(columns["overlap"])
    placed = {name: np.full(count, value) for name, value in place.items()}
    return Table.of(series, **placed, **columns)


def _name(place: dict[str, float], overlaps: xr.Dataset, points: Sequence[int]) -> str:
    """Say what tells this point from the others drawn; all of it where it is alone."""
    chosen = overlaps.sel(point=list(points))
    names = [name for name in place if name != "temperature" or "noise_variance" not in place]
    apart = [name for name in names if np.unique(chosen[name].to_numpy()).size > 1] or names
    return ", ".join(f"{label_of(name, symbol=True)} = {number(place[name])}" for name in apart)
