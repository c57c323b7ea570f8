"""Sizes, colours and lettering that all figures share; nothing global is changed."""

from contextlib import AbstractContextManager
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

__all__ = [
    "COLOUR_MAP",
    "DOUBLE_COLUMN",
    "MARKERS",
    "PALETTE",
    "SINGLE_COLUMN",
    "axes_of",
    "label_of",
    "new_axes",
    "new_axes_row",
    "number",
    "shade",
    "style",
]

SINGLE_COLUMN: Final = 3.4
"""Width of one column of a journal, inches."""

DOUBLE_COLUMN: Final = 7.0
"""Width of a page of a journal, inches."""

PALETTE: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Colours of Okabe and Ito, told apart by most colour-blind readers."""

MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")

COLOUR_MAP: Final = "cividis"
"""Even in lightness, and alike for readers with and without red-green vision."""

_SETTINGS: Final[Any] = {
    "font.size": 8.0,
    "axes.labelsize": 8.0,
    "axes.titlesize": 8.0,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "axes.linewidth": 0.6,
    "lines.linewidth": 1.2,
    "lines.markersize": 4.0,
    "pdf.fonttype": 42,
    "savefig.dpi": 300.0,
}

_LABELS: Final = {
    "noise_variance": r"noise variance $\sigma^2$",
    "temperature": "temperature $T$",
    "example_count": "number of examples $n$",
    "width": "width $N$",
    "aligned_fraction": r"aligned fraction $P(|q|>0.5)$",
    "linear_discrepancy": "linear discrepancy $b$",
    "cubic_discrepancy": "cubic discrepancy $c$",
    "train_loss": "training loss",
    "test_loss": "test loss",
    "acceptance": "acceptance",
}

_SYMBOLS: Final = {
    "noise_variance": r"$\sigma^2$",
    "temperature": "$T$",
    "example_count": "$n$",
    "width": "$N$",
}


def style() -> AbstractContextManager[None]:
    """Apply the settings inside a ``with``; outside it the user's own are as they were."""
    return mpl.rc_context(_SETTINGS)


def new_axes(*, width: float = SINGLE_COLUMN, aspect: float = 0.8) -> Axes:
    """One panel on a figure of its own, which no global state knows of.

    Parameters
    ----------
    width : float
        Of the figure, inches.
    aspect : float
        Height over width.
    """
    return new_axes_row(1, width=width, aspect=aspect)[0]


def new_axes_row(
    count: int, *, width: float = DOUBLE_COLUMN, aspect: float = 0.36
) -> list[Axes]:
    """Panels side by side on one figure.

    Parameters
    ----------
    count : int
        Number of panels.
    width : float
        Of the figure, inches.
    aspect : float
        Height over width of the figure.
    """
    figure = Figure(figsize=(width, aspect * width), layout="constrained")
    panels: NDArray[Any] = figure.subplots(1, count, squeeze=False)
    return list(panels[0])


def axes_of(panels: Axes | NDArray[Any] | list[Axes]) -> list[Axes]:
    """Panels as a flat list, whichever way they were given."""
    flat: list[Axes] = list(np.asarray(panels, dtype=object).ravel())
    return flat


def label_of(name: str, *, symbol: bool = False) -> str:
    """Text for an axis or a legend; names without one are written as words."""
    known = _SYMBOLS if symbol else _LABELS
    return known.get(name, name.replace("_", " "))


def number(value: float) -> str:
    """Write a control's value without needless digits."""
    return f"{value:.4g}"


def shade(index: int) -> tuple[str, str]:
    """Colour and marker of the series at an index; they repeat after seven."""
    return PALETTE[index % len(PALETTE)], MARKERS[index % len(MARKERS)]
