"""A reweighted mean over two controls, with the region in which it may be trusted."""

from typing import Any, Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from phasegrok.errors import InvalidValueError
from phasegrok.plotting.saving import Table
from phasegrok.plotting.style import COLOUR_MAP, label_of, new_axes, style

__all__ = ["control_map", "control_map_table"]

_SAMPLED: Final = "sampled"


def control_map_table(
    table: xr.Dataset, quantity: str, *, sampled: xr.Dataset | None = None
) -> Table:
    """Collect the numbers of `control_map`; its parameters are described there."""
    across, up = _plane(table, quantity)
    mesh = np.meshgrid(table[across], table[up], indexing="ij")
    columns = {
        name: table[name].transpose(across, up).to_numpy().ravel()
        for name in (quantity, f"{quantity}_error", f"{quantity}_effective_samples")
    }
    extra = {
        n: table[n].transpose(across, up).to_numpy().ravel() for n in ("distance", "trusted")
    }
    parts = [
        Table.of("map", **{across: mesh[0].ravel(), up: mesh[1].ravel()}, **columns, **extra)
    ]
    if sampled is not None:
        points = np.unique(np.stack([sampled[n].to_numpy() for n in (across, up)], 1), axis=0)
        parts.append(Table.of(_SAMPLED, **{across: points[:, 0], up: points[:, 1]}))
    return Table.joined(parts)


def control_map(
    table: xr.Dataset,
    quantity: str,
    *,
    sampled: xr.Dataset | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a mean as colour over two controls; what is not trusted is hatched.

    Parameters
    ----------
    table : Dataset
        Of `phasegrok.statistics.reweighted_map`, over two controls. Where it has no value
        there is no colour.
    quantity : str
        One of its observables.
    sampled : Dataset, optional
        With the controls on run, such as ``states.dataset``: the points that were sampled.
    ax : Axes, optional
        Where to draw; a figure of its own by default.

    Returns
    -------
    Axes

    Raises
    ------
    InvalidValueError
        For another quantity, or a map that has not two controls.
    """
    if ax is None:
        with style():
            return control_map(table, quantity, sampled=sampled, ax=new_axes(aspect=0.85))
    across, up = _plane(table, quantity)
    numbers = control_map_table(table, quantity, sampled=sampled)
    x, y = table[across].to_numpy(), table[up].to_numpy()
    cells = numbers.where(series="map")
    shape = (x.size, y.size)
    value, trusted = (
        cells[n].astype(np.float64).reshape(shape).T for n in (quantity, "trusted")
    )
    drawn = ax.pcolormesh(x, y, value, cmap=COLOUR_MAP, shading="nearest", rasterized=True)
    if ax.figure is not None:
        ax.figure.colorbar(drawn, ax=ax, pad=0.02).set_label(label_of(quantity))
    if (trusted == 0.0).any():
        ax.contourf(x, y, trusted, levels=[-0.5, 0.5], colors="none", hatches=["////"])
        if (trusted == 1.0).any():
            ax.contour(x, y, trusted, levels=[0.5], colors="white", linewidths=1.2)
    points = numbers.where(series=_SAMPLED)
    if len(points):
        look: dict[str, Any] = {
            "marker": "o",
            "s": 14.0,
            "color": "white",
            "edgecolors": "black",
        }
        ax.scatter(
            points[across], points[up], linewidths=0.6, zorder=4, label="sampled", **look
        )
        ax.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0))
    ax.set_title("hatched: not to be trusted", loc="left", fontsize=6.5)
    ax.set(xlabel=label_of(across), ylabel=label_of(up))
    return ax


def _plane(table: xr.Dataset, quantity: str) -> tuple[str, str]:
    if quantity not in table.attrs.get("observables", ()):
        raise InvalidValueError(
            f"a map must hold {quantity!r}, received {list(table.data_vars)}; name one "
            "of its observables."
        )
    dims = [str(each) for each in table[quantity].dims if table.sizes[each] > 1]
    if len(dims) != 2 or table[quantity].ndim != 2:
        raise InvalidValueError(
            f"a map is drawn over two controls, received {dict(table[quantity].sizes)}; select "
            "one value of each other control."
        )
    return dims[0], dims[1]
