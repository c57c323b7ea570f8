"""Runs that are alike in chosen coordinates, gathered into points."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from phasegrok.errors import FormatError, did_you_mean
from phasegrok.schema import RUN
from phasegrok.statistics.samples import IntArray

__all__ = ["groups_of"]


def groups_of(
    dataset: xr.Dataset, by: Sequence[str], *, dim: str = RUN
) -> tuple[dict[str, NDArray[Any]], list[IntArray]]:
    """Gather entries with equal coordinates.

    Parameters
    ----------
    dataset : Dataset
        With the coordinates on `dim`.
    by : sequence of str
        Names of coordinates.
    dim : str
        Dimension that is gathered.

    Returns
    -------
    keys : dict of str to (point,) array
        Value of every coordinate at every point, sorted in the order of `by`.
    members : list of (entry,) array
        Indices of the entries of each point.

    Raises
    ------
    FormatError
        Where a coordinate is missing, or there is no entry.
    """
    if isinstance(by, str) or not by:
        raise FormatError(
            f"points need a list of coordinates on {dim!r}, received {by!r}; name at least one."
        )
    for name in by:
        if name not in dataset.coords or dataset[name].dims != (dim,):
            known = [each for each in dataset.coords if dataset[each].dims == (dim,)]
            raise FormatError(
                f"points need the coordinate {name!r} on {dim!r}." + did_you_mean(name, known)
            )
    columns = [dataset[name].to_numpy().tolist() for name in by]
    rows: dict[tuple[Any, ...], list[int]] = {}
    for index, key in enumerate(zip(*columns, strict=True)):
        _require_label(key, by)
        rows.setdefault(key, []).append(index)
    if not rows:
        raise FormatError(f"points need at least one entry along {dim!r}, received none.")
    keys = sorted(rows, key=lambda key: [(isinstance(each, str), each) for each in key])
    values = {name: np.array([key[place] for key in keys]) for place, name in enumerate(by)}
    return values, [np.array(rows[key], dtype=np.int64) for key in keys]


def _require_label(key: tuple[Any, ...], by: Sequence[str]) -> None:
    for name, label in zip(by, key, strict=True):
        # A label that differs from itself, as NaN does, belongs to no point.
        if not isinstance(label, str | int | float) or label != label:
            raise FormatError(
                f"points need a number or a word in {name!r} for each entry, received "
                f"{label!r}; label all, or group by another coordinate."
            )
