"""In which cell of a grid each run lies, and when runs make no grid."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from phasegrok.errors import FormatError, InvalidValueError, did_you_mean
from phasegrok.runs.arrangement import rank
from phasegrok.runs.attribute import attribute_of, control_names
from phasegrok.schema import LABELS, RUN

__all__ = ["Cells", "axis_values", "cells_of", "grid_dimensions", "require_full"]

_WALKER: Final = "first_rung"

_RAMPED: Final = ("direction", "rate")
"""Dimensions only where the others do not tell runs apart: a rate follows from a step size."""

_MOST_NAMED: Final = 3


class Cells(NamedTuple):
    """Runs on a grid."""

    names: tuple[str, ...]
    """Dimensions of the grid."""
    axes: tuple[npt.NDArray[Any], ...]
    """Values along each, numbers before words, ascending."""
    run: npt.NDArray[np.int64]
    """(*names) array: which run of the flat view lies in each cell; -1 for none."""

    @property
    def empty(self) -> int:
        """Number of cells without a run."""
        return int(np.sum(self.run < 0))


def grid_dimensions(runs: xr.Dataset, dimensions: Sequence[str] | None) -> tuple[str, ...]:
    """Choose the dimensions of a grid.

    Parameters
    ----------
    runs : Dataset
        The flat view.
    dimensions : sequence of str or None
        Coordinates on ``run``; None for what varies of the controls, in the order of the plan,
        the first rung, disorder, start and replica; then direction and rate if it takes them to
        tell all runs apart.

    Returns
    -------
    tuple of str

    Raises
    ------
    InvalidValueError
        For anything but names of coordinates on ``run``, each once.
    """
    known = [str(name) for name, each in runs.coords.items() if each.dims == (RUN,)]
    if dimensions is not None:
        return _checked(dimensions, known)
    controls = control_names([attribute_of(runs)])
    labels = (LABELS[0], LABELS[2], LABELS[1])  # The flat order: replicas innermost.
    candidates = dict.fromkeys((*controls, _WALKER, *labels))
    names = [name for name in candidates if name in known and _varies(runs[name].values)]
    count = runs.sizes[RUN]
    for name in _RAMPED:
        if name in known and _varies(runs[name].values) and _twice(_codes(runs, names), count):
            names.append(name)
    return tuple(names)


def cells_of(runs: xr.Dataset, names: tuple[str, ...], most: float) -> Cells:
    """Put each run into its cell.

    Parameters
    ----------
    runs : Dataset
        The flat view.
    names : tuple of str
        Coordinates on ``run``.
    most : float
        Cells that the grid may have for each run.

    Returns
    -------
    Cells

    Raises
    ------
    FormatError
        If two runs lie in one cell, or the grid would have too many cells.
    """
    codes = _codes(runs, names)
    axes = tuple(axis_values(runs[name].values) for name in names)
    shape = tuple(len(axis) for axis in axes)
    cells, count = float(np.prod([float(n) for n in shape])), runs.sizes[RUN]
    pair = _twice(codes, count)
    if pair:
        raise FormatError(_double(runs, names, pair))
    if cells > max(most, 1.0) * count:
        raise FormatError(
            f"{count} runs lie on no grid: {_product(names, shape)} are {cells:.0f} cells, "
            f"which take {cells / count:.1f} times the memory of the flat view. "
            f"{_follows(names, codes)}Stay with the flat view, select runs that make a grid, "
            f"or allow it by most_cells={int(np.ceil(cells / count))}, missing='mask'."
        )
    run = np.full(shape, -1, dtype=np.int64)
    run[tuple(codes)] = np.arange(count) if names else 0
    return Cells(names, axes, run)


def axis_values(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Distinct values in the order of `rank`."""
    ranks = rank(values)
    first = np.unique(ranks, return_index=True)[1]
    return np.asarray(values[first])


def _checked(dimensions: Sequence[str], known: list[str]) -> tuple[str, ...]:
    if isinstance(dimensions, str) or not isinstance(dimensions, Sequence):
        raise InvalidValueError(
            "dimensions must be a list of coordinates, such as ['temperature', 'disorder']; "
            f"received {dimensions!r}."
        )
    for name in dimensions:
        if name not in known:
            raise InvalidValueError(
                f"the runs have no coordinate {name!r} on {RUN!r} to lay them out along."
                + did_you_mean(name, known)
            )
    if len({*dimensions}) < len(dimensions):
        raise InvalidValueError(
            f"each dimension must be named once, received {list(dimensions)}; leave out one."
        )
    return tuple(dimensions)


def _varies(values: npt.NDArray[Any]) -> bool:
    return bool(np.any(values != values[:1]))


def _codes(runs: xr.Dataset, names: Sequence[str]) -> list[npt.NDArray[np.int64]]:
    return [rank(runs[name].values) for name in names]


def _twice(codes: Sequence[npt.NDArray[np.int64]], count: int) -> tuple[int, int] | None:
    """Find two runs with the same place on all axes."""
    first: dict[tuple[int, ...], int] = {}
    for run in range(count):
        other = first.setdefault(tuple(int(each[run]) for each in codes), run)
        if other != run:
            return other, run
    return None


def _double(runs: xr.Dataset, names: tuple[str, ...], pair: tuple[int, int]) -> str:
    one, other = (str(runs["run_id"].values[each]) for each in pair)
    apart = [
        str(name)
        for name, each in runs.coords.items()
        if each.dims == (RUN,)
        and name not in (*names, "run_id", "outcome_reason")
        and each.values[pair[0]] != each.values[pair[1]]
    ]
    place = ", ".join(f"{name}={runs[name].values[pair[0]]}" for name in names)
    return (
        f"each cell of a grid holds one run, and the runs {one!r} and {other!r} both lie at "
        f"({place}). They differ in {', '.join(apart) or 'run_id alone'}: name a coordinate "
        "that tells them apart in dimensions=, or select one of them first."
    )


def _product(names: tuple[str, ...], shape: tuple[int, ...]) -> str:
    return " x ".join(f"{n} {name}" for name, n in zip(names, shape, strict=True))


def _follows(names: tuple[str, ...], codes: Sequence[npt.NDArray[np.int64]]) -> str:
    """Tell of a dimension that follows from another, as where points lie on a line."""
    for name, own in zip(names, codes, strict=True):
        for other, theirs in zip(names, codes, strict=True):
            pairs = len(np.unique(np.stack([theirs, own]), axis=1)[0])
            if name != other and pairs == len(np.unique(theirs)):
                kept = [each for each in names if each != name]
                return f"{name} follows from {other}: dimensions={kept} needs fewer. "
    return ""


def _places(cells: Cells) -> str:
    places = np.argwhere(cells.run < 0)[:_MOST_NAMED]
    texts = [
        ", ".join(
            f"{name}={axis[index]}"
            for name, axis, index in zip(cells.names, cells.axes, place, strict=True)
        )
        for place in places
    ]
    more = cells.empty - len(places)
    return "; ".join(f"({text})" for text in texts) + (f" and {more} more" if more else "")


def require_full(cells: Cells) -> None:
    """Refuse a grid with an empty cell.

    Raises
    ------
    FormatError
        With the number of such cells, and the first of them.
    """
    if cells.empty:
        raise FormatError(
            f"{cells.empty} of {cells.run.size} cells of the grid have no run: "
            f"{_places(cells)}. Collect what is missing, select runs that fill a grid, or pass "
            "missing='mask', which gives a coordinate 'is_there'."
        )
