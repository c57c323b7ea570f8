"""Lines of coexistence by their slopes, and held against lines of equal weights."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from scipy.interpolate import CubicSpline
from scipy.linalg import block_diag
from scipy.stats import chi2

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.samples import FloatArray, IntArray
from phasegrok.transitions.demands import (
    finite_number,
    real_numbers,
    require_dataset,
    require_magnitude,
)

__all__ = ["compare_line", "integrated_line", "joined_lines"]


def integrated_line(
    slopes: xr.Dataset, *, start: float, start_error: float = 0.0, first: int = 0
) -> xr.Dataset:
    """Follow a line by its slopes from one known point (Gibbs and Duhem).

    Parameters
    ----------
    slopes : Dataset
        Of `clausius_clapeyron`, at two points or more; points without a slope are left out.
    start, start_error : float
        The control on the line at one of the points, with its error.
    first : int
        Which of the points that is, by the rising control that the line is followed against.

    Returns
    -------
    Dataset
        Along ``point``, sorted: the control ``<along>`` with ``_error`` and ``covariance``,
        by the integral of a cubic spline through the slopes [1]_; ``truncation``, the
        difference from the trapezoidal rule, which bounds the error of having few points.

    Raises
    ------
    InsufficientSamplesError
        For fewer than two slopes.
    InvalidValueError
        For a table without slopes, or a first point that is not there.

    References
    ----------
    .. [1] Kofke, J. Chem. Phys. 98, 4149 (1993).
    """
    require_dataset("slopes of a line", slopes)
    names = ("slope", "slope_error", str(slopes.attrs.get("against")))
    if "along" not in slopes.attrs or any(
        name not in slopes.variables or slopes[name].dims != ("point",) for name in names
    ):
        raise InvalidValueError(
            "an integrated line needs the slopes of clausius_clapeyron, received "
            f"{list(slopes.data_vars)}."
        )
    along, against = str(slopes.attrs["along"]), str(slopes.attrs["against"])
    columns = np.stack([real_numbers(name, slopes[name].to_numpy()) for name in names])
    columns = columns[:, np.isfinite(columns).all(axis=0) & (columns[1] >= 0.0)]
    require_magnitude("slopes of a line", columns)
    slope, error, place = columns[:, np.argsort(columns[2], kind="stable")]
    if np.unique(place).size < 2 or np.unique(place).size < place.size:
        raise InsufficientSamplesError(
            f"an integrated line (slopes at different {against})",
            required=max(2, place.size),
            received=int(np.unique(place).size),
        )
    if not 0 <= first < place.size:
        raise InvalidValueError(f"first must be from 0 to {place.size - 1}, received {first}.")
    operator = _integral(place, first)
    offset = finite_number("start_error", start_error) ** 2
    covariance = operator @ np.diag(error**2) @ operator.T + offset
    steps = 0.5 * (slope[1:] + slope[:-1]) * np.diff(place)
    straight = np.concatenate([[0.0], np.cumsum(steps)])
    line = float(start) + operator @ slope
    return xr.Dataset(
        {
            along: ("point", line),
            f"{along}_error": ("point", np.sqrt(np.diag(covariance))),
            "covariance": (("point", "other_point"), covariance),
            "truncation": ("point", line - start - (straight - straight[first])),
        },
        coords={against: ("point", place)},
        attrs={"along": along, "against": against, "first": first},
    )


def _integral(place: FloatArray, first: int) -> FloatArray:
    """Matrix from slopes to the integral of their spline from one place, (point, point)."""
    # Through two slopes the spline is a straight line.
    rows = CubicSpline(place, np.eye(place.size)).antiderivative()(place)
    matrix: FloatArray = rows - rows[first]
    return matrix


def joined_lines(lines: Sequence[xr.Dataset]) -> xr.Dataset:
    """Put points of a line that were found from different runs behind one another.

    Parameters
    ----------
    lines : sequence of Dataset
        Of `coexistence_line`, of the same controls, from runs that have nothing in common.

    Returns
    -------
    Dataset
        All points; the covariance between those of different lines is zero.

    Raises
    ------
    InvalidValueError
        For no line, or lines of different controls.
    """
    kinds = {(each.attrs.get("along"), each.attrs.get("controls", [None])[0]) for each in lines}
    if len(kinds) != 1 or None in next(iter(kinds)):
        raise InvalidValueError(
            f"lines to be joined need one control, received {sorted(map(str, kinds))}; give "
            "what coexistence_line returns."
        )
    parts = [each.drop_vars("covariance") for each in lines]
    joined = xr.concat(parts, dim="point", data_vars="minimal", combine_attrs="override")
    blocks = block_diag(*(each["covariance"].to_numpy() for each in lines))
    return joined.assign(covariance=(("point", "other_point"), blocks))


def compare_line(line: xr.Dataset, integrated: xr.Dataset) -> xr.Dataset:
    """Hold a line of equal weights against one that was integrated from its slopes.

    The identity behind the slopes is exact for Boltzmann weights at one cut, which the line and
    the slopes must share. It tests weights that were found apart: points of the line from runs
    at their own value of the control, by `joined_lines`, and slopes from other runs still.
    Points that were reweighted out of one body of samples obey it whatever its weights are.

    Parameters
    ----------
    line : Dataset
        Of `coexistence_line`.
    integrated : Dataset
        Of `integrated_line`, at points of the line.

    Returns
    -------
    Dataset
        Along ``point``: ``difference`` of the line's distance from the first point less that
        of the integral, ``error``; ``chi_square``, ``freedom``, ``probability`` of a larger
        one by chance; small ones speak against the weights.

    Raises
    ------
    InsufficientSamplesError
        For fewer than two common points.
    InvalidValueError
        For lines of other controls, or an integral whose first point the line lacks.
    """
    along, against = (str(integrated.attrs[name]) for name in ("along", "against"))
    received = tuple(line.attrs.get(name) for name in ("along", "against"))
    if received != (along, against):
        raise InvalidValueError(
            f"lines to be compared need the same controls, received {received} and "
            f"{(along, against)}; follow both alike."
        )
    pairs = _common(line, integrated, against)
    own, other = pairs[:, 0], pairs[:, 1]
    first = int(integrated.attrs["first"])
    if first not in other or own.size < 2:
        raise InsufficientSamplesError(
            "a comparison of lines (common points, with the first one)",
            required=2,
            received=int(own.size),
        )
    base = int(np.flatnonzero(other == first)[0])
    shift = np.delete(np.eye(own.size), base, axis=0)
    shift[:, base] = -1.0
    values = line[along].to_numpy()[own], integrated[along].to_numpy()[other]
    parts = [
        each["covariance"].to_numpy()[np.ix_(chosen, chosen)]
        for each, chosen in ((line, own), (integrated, other))
    ]
    difference = shift @ (values[0] - values[1])
    covariance = shift @ (parts[0] + parts[1]) @ shift.T
    chi_square = float(difference @ np.linalg.pinv(covariance, hermitian=True) @ difference)
    freedom = int(np.linalg.matrix_rank(covariance, hermitian=True))
    return xr.Dataset(
        {
            "difference": ("point", difference),
            "error": ("point", np.sqrt(np.diag(covariance))),
            "chi_square": chi_square,
            "freedom": freedom,
            "probability": float(chi2.sf(chi_square, freedom)),
        },
        coords={against: ("point", np.delete(integrated[against].to_numpy()[other], base))},
    )


def _common(line: xr.Dataset, integrated: xr.Dataset, against: str) -> IntArray:
    """Indices of points that both have, (pair, 2)."""
    known = np.isfinite(line[str(line.attrs["along"])].to_numpy())
    places = line[against].to_numpy()
    found = [
        (int(index), number)
        for number, place in enumerate(integrated[against].to_numpy())
        for index in np.flatnonzero(known & np.isclose(places, place, rtol=1e-9, atol=0.0))[:1]
    ]
    return np.array(found, dtype=np.int64).reshape(-1, 2)
