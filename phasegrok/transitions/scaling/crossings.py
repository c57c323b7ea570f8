"""Where the cumulants of successive sizes cross, and how low they fall."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, final

import numpy as np
import xarray as xr

from phasegrok.errors import InvalidValueError
from phasegrok.statistics.samples import FloatArray
from phasegrok.transitions.scaling.curve_demands import (
    CurveOf,
    quantity_along,
    require_curves,
)
from phasegrok.transitions.scaling.curves import MomentCurves, moment_curves
from phasegrok.transitions.scaling.findings import Finding
from phasegrok.transitions.scaling.peaks import largest

__all__ = [
    "crossings_of",
    "cumulant_crossings",
    "cumulant_minima",
    "kurtosis_crossings",
    "minima_of",
]

_GRID: Final = 481
_LEAST_SIGNIFICANCE: Final = 2.0
_MOST_WITHOUT: Final = 0.05


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class _Crossing:
    positions: FloatArray
    values: FloatArray
    finding: Finding


def cumulant_crossings(
    samples: xr.DataArray,
    *,
    control: str,
    size: str,
    dimension: int | None,
    energy: xr.DataArray | None = None,
    seed: int = 0,
) -> xr.Dataset:
    """Where the Binder cumulants 1 - ⟨m⁴⟩/(3⟨m²⟩²) of successive sizes cross.

    Parameters
    ----------
    samples, control, size, dimension, energy, seed
        See `curves.moment_curves`, also for what is raised. The order parameter vanishes, or
        has an even law, on one side of the transition; folding by symmetry leaves the cumulant
        as it is.

    Returns
    -------
    Dataset
        See `crossings_of`. At a continuous transition the controls tend to the transition and
        the values to a constant of its universality class [1]_.

    References
    ----------
    .. [1] K. Binder, Z. Phys. B 43, 119 (1981).
    """
    curves = moment_curves(
        samples, control=control, size=size, dimension=dimension, energy=energy, seed=seed
    )
    return crossings_of(curves, lambda each: each.cumulant)


def kurtosis_crossings(
    samples: xr.DataArray,
    *,
    control: str,
    size: str,
    dimension: int | None,
    energy: xr.DataArray | None = None,
    seed: int = 0,
) -> xr.Dataset:
    """Where the ratios ⟨δ⁴⟩/⟨δ²⟩², δ = m - ⟨m⟩, of successive sizes cross.

    Parameters
    ----------
    samples, control, size, dimension, energy, seed
        See `curves.moment_curves`, also for what is raised. The order parameter may have any
        origin.

    Returns
    -------
    Dataset
        See `crossings_of`.
    """
    curves = moment_curves(
        samples, control=control, size=size, dimension=dimension, energy=energy, seed=seed
    )
    return crossings_of(curves, lambda each: each.kurtosis)


def cumulant_minima(
    samples: xr.DataArray,
    *,
    control: str,
    size: str,
    dimension: int | None,
    energy: xr.DataArray | None = None,
    seed: int = 0,
) -> xr.Dataset:
    """How low the Binder cumulant of every size falls.

    Parameters
    ----------
    samples, control, size, dimension, energy, seed
        See `curves.moment_curves`, also for what is raised.

    Returns
    -------
    Dataset
        See `minima_of`. Of an order parameter that jumps from 0 the minimum falls without limit
        as -N [1]_; where it rises continuously the cumulant falls to the edge of the window. Of
        an energy that jumps from e_d to e_o it tends to 2/3 - (e_o/e_d - e_d/e_o)²/12 [2]_.

    References
    ----------
    .. [1] K. Vollmayr, J. D. Reger, M. Scheucher and K. Binder, Z. Phys. B 91, 113 (1993).
    .. [2] M. S. S. Challa, D. P. Landau and K. Binder, Phys. Rev. B 34, 1841 (1986).
    """
    curves = moment_curves(
        samples, control=control, size=size, dimension=dimension, energy=energy, seed=seed
    )
    return minima_of(curves, lambda each: each.cumulant)


def minima_of(curves: Sequence[MomentCurves], curve: CurveOf) -> xr.Dataset:
    """Lowest point of a quantity of every size.

    Parameters
    ----------
    curves : sequence of MomentCurves
        One for each size.
    curve : callable
        Which quantity.

    Returns
    -------
    Dataset
        Along ``size``: ``control`` and ``minimum`` with their ``_error``, ``finding``.

    Raises
    ------
    InvalidValueError, InsufficientSamplesError
        See `curve_demands.require_curves` and `curve_demands.quantity_along`.
    """
    sizes = require_curves(curves, what="a table of minima")
    lowest = [largest(-quantity_along(each, curve), each.controls) for each in sizes]
    return xr.Dataset(
        {
            **_estimates("control", [each.positions for each in lowest], "size"),
            **_estimates("minimum", [-each.heights for each in lowest], "size"),
            "finding": ("size", [each.finding.value for each in lowest]),
            "volume": ("size", [each.volume for each in sizes]),
        },
        coords={"size": [each.size for each in sizes]},
    )


def crossings_of(curves: Sequence[MomentCurves], curve: CurveOf) -> xr.Dataset:
    """Where a quantity of successive sizes crosses.

    Parameters
    ----------
    curves : sequence of MomentCurves
        One for each size, ascending.
    curve : callable
        Which quantity.

    Returns
    -------
    Dataset
        Along ``pair``: ``smaller`` and ``larger`` (sizes), ``control`` and ``value`` of the
        crossing with their ``_error`` by bootstrap, and ``finding``: absent where the sizes do
        not cross within the controls that both were sampled at, unresolved where the difference
        does not exceed twice its error on both sides, or a twentieth of the draws do not cross.
        Crossings of neighbouring pairs share a size, so their errors are correlated.

    Raises
    ------
    InvalidValueError
        For sizes that do not rise; see `curve_demands.require_curves` and
        `curve_demands.quantity_along` besides.
    InsufficientSamplesError
        For fewer than two sizes.
    """
    sizes = require_curves(curves, fewest=2, what="a table of crossings")
    if not all(a.size < b.size for a, b in pairwise(sizes)):
        raise InvalidValueError(
            "crossings need each size to be larger than the one before, received "
            f"{[each.size for each in sizes]}; sort the curves, one for each size."
        )
    found = [_crossing(a, b, curve) for a, b in pairwise(sizes)]
    return xr.Dataset(
        {
            "smaller": ("pair", [a.size for a, _ in pairwise(sizes)]),
            "larger": ("pair", [b.size for _, b in pairwise(sizes)]),
            **_estimates("control", [each.positions for each in found], "pair"),
            **_estimates("value", [each.values for each in found], "pair"),
            "finding": ("pair", [each.finding.value for each in found]),
        }
    )


def _estimates(
    name: str, draws: Sequence[FloatArray], dimension: str
) -> dict[str, tuple[str, list[float]]]:
    errors = [
        float(np.nanstd(each[1:], ddof=1)) if np.isfinite(each[1:]).sum() > 1 else float("nan")
        for each in draws
    ]
    return {
        name: (dimension, [float(each[0]) for each in draws]),
        f"{name}_error": (dimension, errors),
    }


def _crossing(smaller: MomentCurves, larger: MomentCurves, curve: CurveOf) -> _Crossing:
    low = max(smaller.controls[0], larger.controls[0])
    high = min(smaller.controls[-1], larger.controls[-1])
    grid = np.linspace(low, max(low, high), _GRID)
    first = smaller.at(quantity_along(smaller, curve), grid)
    difference = larger.at(quantity_along(larger, curve), grid) - first
    nothing = np.full(len(difference), np.nan)
    known = np.isfinite(difference).all(axis=0)
    if not low < high or np.count_nonzero(known) < 3:
        return _Crossing(positions=nothing, values=nothing, finding=Finding.REFUSED)
    # The difference has its sign from either phase on the two sides of the crossing, and is
    # largest there; far away both sizes agree, and chance crosses them at will.
    centre = np.where(known, difference[0], 0.0)
    lowest, highest = int(np.argmin(centre)), int(np.argmax(centre))
    if not centre[lowest] < 0.0 < centre[highest]:
        return _Crossing(positions=nothing, values=nothing, finding=Finding.ABSENT)
    first_point, last_point = sorted((lowest, highest))
    between = slice(first_point, last_point + 1)
    positions = _zeros(difference[:, between], grid[between])
    inside = np.nan_to_num(positions, nan=float(grid[0]))
    values = np.array([np.interp(x, grid, row) for x, row in zip(inside, first, strict=True)])
    spread = difference[1:, [lowest, highest]].std(axis=0, ddof=1)
    clear = np.abs(centre[[lowest, highest]]) > _LEAST_SIGNIFICANCE * spread
    lost = np.isnan(positions)
    resolved = bool(clear.all()) and float(lost.mean()) <= _MOST_WITHOUT
    return _Crossing(
        positions=positions,
        values=np.where(lost, np.nan, values),
        finding=Finding.FOUND if resolved else Finding.UNRESOLVED,
    )


def _zeros(difference: FloatArray, grid: FloatArray) -> FloatArray:
    """Zero of each draw that is nearest to that of the first; NaN without, (draw,)."""
    changes = [
        # From -0 to 0 the sign changes without a crossing.
        np.flatnonzero(
            np.diff(np.signbit(row)) & np.isfinite(np.diff(row)) & (np.diff(row) != 0.0)
        )
        for row in difference
    ]
    zeros = [
        grid[at] - row[at] * (grid[at + 1] - grid[at]) / (row[at + 1] - row[at])
        for at, row in zip(changes, difference, strict=True)
    ]
    middle = float(np.median(zeros[0])) if zeros[0].size else float("nan")
    chosen = [
        float(each[np.argmin(np.abs(each - middle))]) if each.size else float("nan")
        for each in zeros
    ]
    return np.array(chosen)
