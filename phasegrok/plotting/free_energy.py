"""A free energy along a coordinate, with its wells and its barrier."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from phasegrok.errors import InvalidValueError
from phasegrok.plotting.saving import Table
from phasegrok.plotting.style import label_of, new_axes, number, shade, style

__all__ = ["free_energy", "free_energy_table"]


def free_energy_table(
    profile: xr.Dataset, wells: xr.Dataset | None = None, *, exact: ArrayLike | None = None
) -> Table:
    """Collect the numbers of `free_energy`; its parameters are described there."""
    heat = float(profile.attrs["temperature"])
    free = profile["free_energy"].to_numpy() / heat
    lowest = float(free.min())
    place = profile["coordinate"].to_numpy()
    if exact is not None and np.shape(exact) != place.shape:
        raise InvalidValueError(
            f"an exact free energy must be one number a bin, received shape {np.shape(exact)} "
            f"for {place.size} bins."
        )
    error = profile["error"].to_numpy() / heat
    parts = [Table.of("measured", coordinate=place, free_energy=free - lowest, error=error)]
    if exact is not None:
        parts.append(
            Table.of("exact", coordinate=place, free_energy=np.asarray(exact) / heat - lowest)
        )
    if wells is not None:
        for name in ("lower", "saddle", "upper"):
            height = float(wells[f"{name}_free_energy"]) / heat - lowest
            there = Table.of(name, coordinate=float(wells[name]), free_energy=height)
            parts.append(there)
    return Table.joined(parts)


def free_energy(
    profile: xr.Dataset,
    wells: xr.Dataset | None = None,
    *,
    exact: ArrayLike | None = None,
    coordinate: str = "coordinate $q$",
    ax: Axes | None = None,
) -> Axes:
    """Draw F/T along a coordinate, from its minimum.

    Parameters
    ----------
    profile : Dataset
        Of `phasegrok.transitions.free_energy_profile`; the band is one standard error.
    wells : Dataset, optional
        Of `phasegrok.transitions.profile_wells` from it: minima and saddle are marked.
    exact : (bin,) array_like, optional
        Known F of the bins, with the normalisation of the profile.
    coordinate : str
        For the axis.
    ax : Axes, optional
        Where to draw; a figure of its own by default.

    Returns
    -------
    Axes

    Raises
    ------
    InvalidValueError
        For exact numbers that are not one a bin.
    """
    if ax is None:
        with style():
            return free_energy(
                profile, wells, exact=exact, coordinate=coordinate, ax=new_axes()
            )
    numbers = free_energy_table(profile, wells, exact=exact)
    line = numbers.where(series="measured")
    q, free, error = (line[name] for name in ("coordinate", "free_energy", "error"))
    seen = np.isfinite(free)
    colour = shade(0)[0]
    ax.fill_between(
        q[seen], (free - error)[seen], (free + error)[seen], color=colour, alpha=0.25, lw=0.0
    )
    at = [f"{label_of(n, symbol=True)} = {number(v)}" for n, v in _point(profile).items()]
    ax.plot(q[seen], free[seen], color=colour, label=", ".join(at))
    known = numbers.where(series="exact")
    if len(known):
        ax.plot(known["coordinate"], known["free_energy"], "k--", lw=0.9, label="exact")
    if wells is not None:
        for name, marker in (("lower", "o"), ("saddle", "^"), ("upper", "o")):
            one = numbers.where(series=name)
            ax.plot(one["coordinate"], one["free_energy"], marker, color=shade(1)[0], zorder=4)
        saddle = float(numbers.where(series="saddle")["free_energy"][0])
        heat = float(profile.attrs["temperature"])
        for name in ("up", "down"):
            barrier = float(wells[f"barrier_{name}"]) / heat
            error_bar = float(wells[f"barrier_{name}_error"]) / heat
            text = rf"$\Delta F/T$ {name}: {barrier:.2f} ± {error_bar:.2f}"
            ax.plot([], [], " ", label=text)
        ax.axhline(saddle, color="black", lw=0.5, ls=":")
    ax.set(xlabel=coordinate, ylabel="$F/T$")
    ax.legend(loc="best", handlelength=1.2)
    return ax


def _point(profile: xr.Dataset) -> dict[str, float]:
    return {
        str(name): value for name, value in profile.attrs.items() if isinstance(value, float)
    }
