"""Curves of all sizes laid out with their errors."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Final

import numpy as np
import xarray as xr

from phasegrok.statistics.samples import FloatArray
from phasegrok.transitions.scaling.curve_demands import (
    CurveOf,
    quantity_along,
    require_curves,
)
from phasegrok.transitions.scaling.curves import MomentCurves

__all__ = ["curve_table"]

_READ: Final[Mapping[str, CurveOf]] = {
    "mean": lambda each: each.of("mean"),
    "slope": lambda each: each.of("slope"),
    "fluctuation": attrgetter("fluctuation"),
    "cumulant": attrgetter("cumulant"),
    "kurtosis": attrgetter("kurtosis"),
}


def curve_table(curves: Sequence[MomentCurves]) -> xr.Dataset:
    """Lay curves out with their errors, to be stored or drawn.

    Parameters
    ----------
    curves : sequence of MomentCurves
        One for each size.

    Returns
    -------
    Dataset
        Along ``size`` and ``place``: ``control``, and ``mean``, ``slope``, ``fluctuation``,
        ``cumulant`` and ``kurtosis`` with their ``_error`` by bootstrap; along ``size``:
        ``volume`` and ``refusal``.

    Raises
    ------
    InvalidValueError, InsufficientSamplesError
        See `curve_demands.require_curves`.
    """
    sizes = require_curves(curves)
    columns: dict[str, list[FloatArray]] = {"control": [each.controls for each in sizes]}
    for name, curve in _READ.items():
        draws = [quantity_along(each, curve) for each in sizes]
        columns[name] = [each[0] for each in draws]
        columns[f"{name}_error"] = [each[1:].std(axis=0, ddof=1) for each in draws]
    return xr.Dataset(
        {name: (("size", "place"), np.stack(rows)) for name, rows in columns.items()},
        coords={
            "size": [each.size for each in sizes],
            "volume": ("size", [each.volume for each in sizes]),
            "refusal": ("size", [each.refusal for each in sizes]),
        },
    )
