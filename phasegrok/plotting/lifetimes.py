"""Lifetimes of metastable phases against the size."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from phasegrok.errors import InvalidValueError
from phasegrok.plotting.saving import Table
from phasegrok.plotting.style import new_axes, shade, style
from phasegrok.transitions.escape.arrhenius_law import Arrhenius

__all__ = ["lifetimes", "lifetimes_table"]


def lifetimes_table(
    table: xr.Dataset, fit: Arrhenius, *, exact: ArrayLike | None = None
) -> Table:
    """Collect the numbers of `lifetimes`."""
    size = table["size"].to_numpy().astype(np.float64)
    if exact is not None and np.shape(exact) != size.shape:
        raise InvalidValueError(
            f"exact lifetimes must be one a point, received shape {np.shape(exact)} for "
            f"{size.size} points; give them in the order of the table."
        )
    names = ("value", "lower_68", "upper_68")
    measured = {name: table[name].to_numpy().astype(np.float64) for name in names}
    line = np.linspace(size.min(), size.max(), 60)
    fitted = np.exp(line * fit.barrier + fit.log_prefactor)
    parts = [
        Table.of("measured", size=size, **measured),
        Table.of("fit", size=line, value=fitted),
    ]
    if exact is not None:
        parts.append(Table.of("exact", size=size, value=exact))
    return Table.joined(parts)


def lifetimes(
    table: xr.Dataset,
    fit: Arrhenius,
    *,
    exact: ArrayLike | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw lifetimes against the size, with the fitted barrier.

    Parameters
    ----------
    table : Dataset
        Of `phasegrok.transitions.lifetimes`, with one size a point. A point without escapes
        is an arrow from its lower bound.
    fit : Arrhenius
        Of `phasegrok.transitions.arrhenius` from it.
    exact : (point,) array_like, optional
        Known lifetimes of the points.
    ax : Axes, optional
        Where to draw; a figure of its own by default.

    Returns
    -------
    Axes

    Raises
    ------
    InvalidValueError
        For exact lifetimes that are not one a point.
    """
    if ax is None:
        with style():
            return lifetimes(table, fit, exact=exact, ax=new_axes())
    numbers = lifetimes_table(table, fit, exact=exact)
    points = numbers.where(series="measured")
    seen = np.isfinite(points["value"])
    size, value = points["size"][seen], points["value"][seen]
    bars = np.abs(np.stack([points["lower_68"], points["upper_68"]])[:, seen] - value)
    ax.errorbar(size, value, bars, fmt="o", color=shade(0)[0], label="measured, 68 %", zorder=3)
    ax.plot(points["size"][~seen], points["lower_68"][~seen], "^", color=shade(0)[0])
    line = numbers.where(series="fit")
    slope = f"fit, barrier {fit.barrier:.3g} ± {fit.barrier_error:.1g}"
    ax.plot(line["size"], line["value"], color=shade(1)[0], label=slope)
    known = numbers.where(series="exact")
    if len(known):
        ax.plot(known["size"], known["value"], "k--", lw=0.9, label="exact")
    ax.set(yscale="log", xlabel="size $N$", ylabel=r"lifetime $\tau$")
    ax.legend(loc="best")
    return ax
