"""Draws of exponents, in powers of N and, in space, of the linear extent."""

from typing import Final

import numpy as np
import xarray as xr

from phasegrok.statistics.samples import FloatArray

__all__ = ["LEVELS", "derived_exponents", "summary_of"]

LEVELS: Final = {
    "lower_95": 0.025,
    "lower": 0.16,
    "median": 0.5,
    "upper": 0.84,
    "upper_95": 0.975,
}
"""Quantiles by name."""


def derived_exponents(
    width: FloatArray, order: FloatArray, *, dimension: int | None
) -> dict[str, FloatArray]:
    """Name what follows from the exponents of width and order parameter.

    Parameters
    ----------
    width : (draw,) array
        y: the transition is as wide as N^-y.
    order : (draw,) array
        x: the order parameter there is of the order N^-x.
    dimension : int or None
        d, where sizes are linear extents L.

    Returns
    -------
    dict
        ``width_exponent`` y, ``order_exponent`` x, ``fluctuation_exponent`` 1 - 2x of N Var m;
        in space also ``nu`` = 1/(d y), ``beta_over_nu`` = d x and ``gamma_over_nu`` =
        d (1 - 2x).
    """
    found = {
        "width_exponent": width,
        "order_exponent": order,
        "fluctuation_exponent": 1.0 - 2.0 * order,
    }
    if dimension is not None:
        found["nu"] = 1.0 / (dimension * width)
        found["beta_over_nu"] = dimension * order
        found["gamma_over_nu"] = dimension * (1.0 - 2.0 * order)
    return found


def summary_of(draws: dict[str, FloatArray]) -> xr.Dataset:
    """Mean, standard deviation and quantiles of named draws.

    Parameters
    ----------
    draws : dict
        Name to (draw,) array.

    Returns
    -------
    Dataset
        Along ``quantity``: ``mean``, ``error`` (posterior standard deviation) and the names of
        `LEVELS`.
    """
    table = np.stack(list(draws.values()))
    columns = {"mean": table.mean(axis=1), "error": table.std(axis=1, ddof=1)}
    columns |= {name: np.quantile(table, level, axis=1) for name, level in LEVELS.items()}
    return xr.Dataset(
        {name: ("quantity", values) for name, values in columns.items()},
        coords={"quantity": list(draws)},
    )
