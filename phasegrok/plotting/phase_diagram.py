"""The measured aligned fraction over two controls, with the theory's lines."""

from typing import Any, Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from phasegrok.plotting.saving import Table
from phasegrok.plotting.style import COLOUR_MAP, label_of, new_axes, style

__all__ = ["LINE_NAMES", "phase_diagram", "phase_diagram_table"]

LINE_NAMES: Final = {
    "first_order_line": "first-order line, large sizes",
    "crossover_line": "steepest change, this size",
    "well_limit_line": "second minimum appears, this size",
}
"""Lines of `phasegrok.theory` that may be drawn, with their entry in the legend."""

_DRAWN_AS: Final = {
    "first_order_line": ("white", "-"),
    "crossover_line": ("#FF8A3D", "--"),
    "well_limit_line": ("#8FD0FF", ":"),
}
_LARGEST_MARKER: Final = 7.0
# Diameter in points of the disc at the least well known point.


def phase_diagram_table(
    points: xr.Dataset,
    lines: xr.Dataset | None,
    *,
    plane: tuple[str, str] = ("noise_variance", "example_count"),
    quantity: str = "aligned_fraction",
) -> Table:
    """Collect the numbers of `phase_diagram`; its parameters are described there."""
    measured = points.sel(quantity=quantity)
    across, up = plane
    parts = [
        Table.of(
            "measured",
            **{name: measured[name].to_numpy().astype(np.float64) for name in plane},
            mean=measured["mean"].to_numpy(),
            standard_error=measured["standard_error"].to_numpy(),
        )
    ]
    if lines is not None and {lines.attrs["along"], lines.attrs["solve_for"]} == set(plane):
        for name in lines["line"].to_numpy().tolist():
            ends = {
                lines.attrs["along"]: lines["along"].to_numpy(),
                lines.attrs["solve_for"]: lines["critical"].sel(line=name).to_numpy(),
            }
            there = np.isfinite(ends[across]) & np.isfinite(ends[up])
            parts.append(Table.of(name, **{name: ends[name][there] for name in plane}))
    return Table.joined(parts)


def phase_diagram(
    points: xr.Dataset,
    lines: xr.Dataset | None,
    *,
    plane: tuple[str, str] = ("noise_variance", "example_count"),
    quantity: str = "aligned_fraction",
    ax: Axes | None = None,
) -> Axes:
    """Draw a measured quantity as colour over two controls.

    The white disc in each cell grows with the standard error of the point, over disorders.

    Parameters
    ----------
    points : Dataset
        ``mean`` and ``standard_error`` (quantity, point), controls on ``point``.
    lines : Dataset or None
        ``critical`` (line, along): the value of the control named by the attribute
        ``solve_for`` at values ``along`` of the one named by ``along``.
    plane : (str, str)
        Controls drawn across and up.
    quantity : str
        What the colour shows.
    ax : Axes, optional
        Where to draw; a figure of its own, one column wide, by default.

    Returns
    -------
    Axes
    """
    if ax is None:
        with style():
            return phase_diagram(
                points, lines, plane=plane, quantity=quantity, ax=new_axes(aspect=0.95)
            )
    table = phase_diagram_table(points, lines, plane=plane, quantity=quantity)
    measured = table.where(series="measured")
    _draw_cells(ax, measured, plane, label_of(quantity))
    _draw_errors(ax, measured, plane)
    limits = ax.get_xlim(), ax.get_ylim()
    for name, text in LINE_NAMES.items():
        line = table.where(series=name)
        if len(line):
            colour, dashes = _DRAWN_AS[name]
            drawn: dict[str, Any] = {"color": colour, "ls": dashes, "zorder": 4, "lw": 1.3}
            # A dark rim, to be seen on any colour.
            rim = [withStroke(linewidth=2.4, foreground="black")]
            ax.plot(line[plane[0]], line[plane[1]], label=text, path_effects=rim, **drawn)
    ax.set(xlim=limits[0], ylim=limits[1], xlabel=label_of(plane[0]), ylabel=label_of(plane[1]))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=1, handlelength=2.4)
    return ax


def _draw_cells(ax: Axes, measured: Table, plane: tuple[str, str], label: str) -> None:
    across, up = measured[plane[0]], measured[plane[1]]
    columns, rows = np.unique(across), np.unique(up)
    mean = measured["mean"]
    drawn: Any
    if columns.size * rows.size <= 2 * len(measured) and min(columns.size, rows.size) > 1:
        cells = np.full((rows.size, columns.size), np.nan)
        cells[np.searchsorted(rows, up), np.searchsorted(columns, across)] = mean
        drawn = ax.pcolormesh(
            _edges(columns),
            _edges(rows),
            cells,
            cmap=COLOUR_MAP,
            vmin=0.0,
            antialiased=False,
            rasterized=True,
        )
    else:
        drawn = ax.scatter(across, up, c=mean, s=130.0, marker="s", cmap=COLOUR_MAP, vmin=0.0)
    for axis, name in (("x", plane[0]), ("y", plane[1])):
        _logarithmic(ax, axis, columns if name == plane[0] else rows)
    if ax.figure is not None:
        bar = ax.figure.colorbar(drawn, ax=ax, pad=0.02)
        bar.set_label(label)


def _logarithmic(ax: Axes, axis: str, values: NDArray[np.float64]) -> None:
    """Logarithmic scale with a tick at every measured value."""
    set_scale, target = (ax.set_xscale, ax.xaxis) if axis == "x" else (ax.set_yscale, ax.yaxis)
    if values.min() > 0.0:
        set_scale("log")
    shown = values if values.size <= 8 else values[:: values.size // 8 + 1]
    target.set_ticks(shown, labels=[f"{value:.4g}" for value in shown])
    target.set_ticks([], minor=True)


def _edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Borders of cells halfway between values, in the logarithm."""
    scale = np.log(values)
    middle = 0.5 * (scale[1:] + scale[:-1])
    ends = (2.0 * scale[0] - middle[0], 2.0 * scale[-1] - middle[-1])
    edges: NDArray[np.float64] = np.exp(np.concatenate([ends[:1], middle, ends[1:]]))
    return edges


def _draw_errors(ax: Axes, measured: Table, plane: tuple[str, str]) -> None:
    error = np.nan_to_num(measured["standard_error"])
    largest = float(error.max(initial=0.0))
    if largest == 0.0:
        return
    look: dict[str, Any] = {"marker": "o", "color": "white", "edgecolors": "black"}
    look |= {"linewidths": 0.4, "zorder": 5}
    area = (_LARGEST_MARKER * error / largest) ** 2
    ax.scatter(measured[plane[0]], measured[plane[1]], s=area, **look)
    for reference in (float(f"{largest:.0e}"), float(f"{0.3 * largest:.0e}")):
        size = (_LARGEST_MARKER * reference / largest) ** 2
        ax.scatter([], [], s=size, label=f"standard error {reference:g}", **look)
