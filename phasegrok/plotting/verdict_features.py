"""What a verdict rests on: features against size, beside what each kind of transition says."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes

from phasegrok.plotting.saving import Table
from phasegrok.plotting.style import axes_of, new_axes_row, shade, style
from phasegrok.verdict import Verdict

__all__ = ["verdict_features", "verdict_features_table"]

_TITLES: Final = {
    "log_slope": r"steepest slope $\ln S$",
    "log_variance": r"largest variance $\ln V$",
    "barrier": r"barrier $B$ (nats)",
}

_ANSWERS: Final = ("first-order", "continuous", "crossover")


def verdict_features_table(verdict: Verdict) -> Table:
    """Collect the numbers of `verdict_features`."""
    table = verdict.table
    measured = {"volume": table["volume"].to_numpy()}
    for name in _TITLES:
        measured[name] = table[name].to_numpy()
        measured[f"{name}_error"] = table[f"{name}_error"].to_numpy()
    # A slope that rests on frozen weights of phases took no part.
    known = table["slope_known"].to_numpy() > 0.0
    measured["log_slope"] = np.where(known, measured["log_slope"], np.nan)
    parts = [Table.of("measured", **measured)]
    if "predicted" in table:
        for kind in _ANSWERS:
            one = table.sel(kind=kind)
            columns = {"volume": one["grid_volume"].to_numpy()}
            for name in _TITLES:
                columns[name] = one["predicted"].sel(feature=name).to_numpy()
                columns[f"{name}_lower"] = one["predicted_lower"].sel(feature=name).to_numpy()
                columns[f"{name}_upper"] = one["predicted_upper"].sel(feature=name).to_numpy()
            parts.append(Table.of(kind, **columns))
    return Table.joined(parts)


def verdict_features(verdict: Verdict, *, panels: Sequence[Axes] | None = None) -> list[Axes]:
    """Draw slope, variance and barrier against size beside the kinds of transitions.

    Parameters
    ----------
    verdict : Verdict
        With its table. Bands are the 68 % intervals of each kind's posterior, so a kind that
        cannot follow the points is seen to fail.
    panels : sequence of three Axes, optional
        Where to draw; a figure of its own, two columns wide, by default.

    Returns
    -------
    list of Axes
    """
    if panels is None:
        with style():
            return verdict_features(verdict, panels=new_axes_row(3, aspect=0.34))
    table = verdict_features_table(verdict)
    drawn = axes_of(list(panels))
    for ax, (name, title) in zip(drawn, _TITLES.items(), strict=True):
        for index, kind in enumerate(_ANSWERS):
            part = table.where(series=kind)
            if not len(part):
                continue
            colour, _ = shade(index)
            chance = verdict.probabilities[kind]
            ax.fill_between(
                part["volume"],
                part[f"{name}_lower"],
                part[f"{name}_upper"],
                color=colour,
                alpha=0.2,
                lw=0.0,
            )
            ax.plot(part["volume"], part[name], color=colour, label=f"{kind} ({chance:.3f})")
        points = table.where(series="measured")
        ax.errorbar(
            points["volume"],
            points[name],
            points[f"{name}_error"],
            fmt="o",
            color="black",
            zorder=3,
        )
        ax.set(xscale="log", xlabel=r"degrees of freedom $N$", ylabel=title)
    if len(table.distinct("series")) > 1:
        drawn[0].legend(loc="best")
    return drawn
