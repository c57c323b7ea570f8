"""Walkers on their way between the ends of a ladder."""

from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from phasegrok.errors import FormatError
from phasegrok.plotting.saving import Table
from phasegrok.plotting.style import new_axes, shade, style
from phasegrok.transitions.round_trips import RoundTrips

__all__ = ["round_trips", "round_trips_table"]

_WALKERS: Final = 3


def round_trips_table(dataset: xr.Dataset, *, walkers: int = _WALKERS) -> Table:
    """Collect the numbers of `round_trips`; its parameters are described there."""
    if "rung" not in dataset or set(dataset["rung"].dims) != {"run", "record"}:
        raise FormatError(
            "a figure of round trips needs the variable 'rung' on (run, record); give "
            "walkers of an exchange ladder."
        )
    rung = dataset["rung"].transpose("run", "record").to_numpy()[:walkers]
    step = np.arange(rung.shape[1])
    if "step" in dataset.coords:
        step = (
            dataset["step"]
            .broadcast_like(dataset["rung"])
            .transpose("run", "record")
            .to_numpy()
        )
    steps = np.broadcast_to(step, (dataset.sizes["run"], rung.shape[1]))[: len(rung)]
    return Table.joined(
        Table.of(f"walker {index}", step=along[row >= 0], rung=row[row >= 0])
        for index, (along, row) in enumerate(zip(steps, rung, strict=True))
    )


def round_trips(
    dataset: xr.Dataset, found: RoundTrips, *, walkers: int = _WALKERS, ax: Axes | None = None
) -> Axes:
    """Draw the rungs of the first walkers against the step.

    Parameters
    ----------
    dataset : Dataset
        Walkers of a ladder, with ``rung(run, record)``.
    found : RoundTrips
        Of `phasegrok.transitions.ladder_round_trips` from all of them.
    walkers : int
        How many are drawn.
    ax : Axes, optional
        Where to draw; a figure of its own by default.

    Returns
    -------
    Axes

    Raises
    ------
    FormatError
        Without rungs.
    """
    if ax is None:
        with style():
            return round_trips(dataset, found, walkers=walkers, ax=new_axes(aspect=0.6))
    numbers = round_trips_table(dataset, walkers=walkers)
    for index, name in enumerate(dict.fromkeys(numbers["series"].tolist())):
        line = numbers.where(series=name)
        ax.plot(line["step"], line["rung"], color=shade(index)[0], lw=0.9, label=name)
    mean = f"{found.mean_time:.3g} ± {found.mean_time_error:.1g} steps each"
    ax.set_title(f"{found.count} round trips, {mean}", fontsize=7.0, loc="left")
    ax.set(xlabel="step", ylabel="rung")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.28), ncols=3)
    return ax
