"""The posterior of a fit: each quantity, and each pair of them."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any, Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from phasegrok.errors import InvalidValueError
from phasegrok.plotting.saving import Table
from phasegrok.plotting.style import PALETTE, SINGLE_COLUMN, style

__all__ = ["corner", "corner_table"]

_BINS: Final = 24
_LEVELS: Final = (0.95, 0.68)
_LABELS: Final = {
    "position": r"position $q_*$",
    "width": r"spread $\sigma_q$",
    "weight": "weight",
    "depth": "depth (nats)",
    "barrier": "barrier (nats)",
}
_EDGES_WITHIN: Final = (0.002, 0.998)
# A few stray draws would squeeze everything else.


def corner_table(posterior: xr.Dataset, *, quantities: Sequence[str]) -> Table:
    """Collect the draws that `corner` shows; its parameters are described there."""
    draws = {name: posterior[name].to_numpy().ravel() for name in quantities}
    defined = np.all([np.isfinite(values) for values in draws.values()], axis=0)
    if np.count_nonzero(defined) < 2:
        raise InvalidValueError(
            f"a corner plot needs at least 2 draws in which all of {list(quantities)} are "
            f"defined, received {np.count_nonzero(defined)} of {defined.size}; there is no "
            "second phase to draw."
        )
    return Table.of("draw", **{name: values[defined] for name, values in draws.items()})


def corner(
    posterior: xr.Dataset,
    *,
    quantities: Sequence[str] = ("position", "width", "weight"),
    panels: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Draw marginal and pairwise densities of posterior draws.

    Dashed lines are median and 68 % bounds; contours hold 68 % and 95 % of the draws. Draws
    in which a quantity is undefined (no second maximum) are left out.

    Parameters
    ----------
    posterior : Dataset
        Each quantity (chain, draw).
    quantities : sequence of str
        Which of them.
    panels : (quantity, quantity) array of Axes, optional
        Where to draw; a figure of its own, one column wide, by default.

    Returns
    -------
    (quantity, quantity) array of Axes
    """
    if panels is None:
        with style():
            count = len(quantities)
            figure = Figure(figsize=(SINGLE_COLUMN, SINGLE_COLUMN), layout="constrained")
            grid: NDArray[Any] = figure.subplots(count, count, squeeze=False)
            return corner(posterior, quantities=quantities, panels=grid)
    table = corner_table(posterior, quantities=quantities)
    edges = {name: _edges(table[name]) for name in quantities}
    for place, name in enumerate(quantities):
        _marginal(panels[place, place], table[name], edges[name])
    for (left, first), (right, second) in combinations(enumerate(quantities), 2):
        panels[left, right].set_axis_off()
        ax = panels[right, left]
        _pair(ax, (table[first], table[second]), (edges[first], edges[second]))
    _labels(panels, quantities)
    return panels


def _edges(draws: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = np.quantile(draws, _EDGES_WITHIN)
    margin = 0.05 * (high - low) or 0.5
    return np.linspace(low - margin, high + margin, _BINS + 1)


def _marginal(ax: Axes, draws: NDArray[np.float64], edges: NDArray[np.float64]) -> None:
    ax.hist(draws, bins=edges.tolist(), density=True, histtype="step", color=PALETTE[0])
    low, middle, high = np.quantile(draws, (0.16, 0.5, 0.84))
    for value in (low, middle, high):
        ax.axvline(float(value), color=PALETTE[1], ls="--", lw=0.7)
    ax.set_title(
        f"${middle:.3g}_{{-{middle - low:.2g}}}^{{+{high - middle:.2g}}}$", fontsize=7.0
    )
    ax.set(yticks=[], xlim=(edges[0], edges[-1]))


def _pair(
    ax: Axes,
    draws: tuple[NDArray[np.float64], NDArray[np.float64]],
    edges: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> None:
    counts = np.histogram2d(*draws, bins=list(edges))[0].T
    centres = [0.5 * (each[1:] + each[:-1]) for each in edges]
    shades = LinearSegmentedColormap.from_list("draws", ["white", PALETTE[0]])
    ax.pcolormesh(edges[0], edges[1], counts, cmap=shades, rasterized=True)
    ranked = np.sort(counts, axis=None)[::-1]
    held = np.cumsum(ranked) / ranked.sum()
    levels = [float(ranked[np.searchsorted(held, level)]) for level in _LEVELS]
    if 0.0 < levels[0] < levels[1]:
        ax.contour(*centres, counts, levels=levels, colors="black", linewidths=0.6)
    ax.set(xlim=(edges[0][0], edges[0][-1]), ylim=(edges[1][0], edges[1][-1]))


def _labels(panels: NDArray[Any], quantities: Sequence[str]) -> None:
    last = len(quantities) - 1
    for row in range(last + 1):
        for column in range(row + 1):
            ax = panels[row, column]
            ax.tick_params(labelbottom=row == last, labelleft=column == 0 < row)
            ax.locator_params(nbins=3, axis="x")
            if row == last:
                ax.set_xlabel(_label(quantities[column]))
            if column == 0 < row:
                ax.set_ylabel(_label(quantities[row]))


def _label(name: str) -> str:
    return _LABELS.get(name, name.replace("_", " "))
