"""Where along the control fluctuation and slope of the order parameter are largest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import xarray as xr

from phasegrok.statistics.samples import BoolArray, FloatArray
from phasegrok.transitions.scaling.curve_demands import (
    CurveOf,
    quantity_along,
    require_curves,
)
from phasegrok.transitions.scaling.curves import MomentCurves, moment_curves
from phasegrok.transitions.scaling.findings import Finding

__all__ = ["Peaks", "largest", "peak_positions", "peaks_of"]

_NEAR_EDGE: Final = 0.02
_MOST_AT_EDGE: Final = 0.05

_READ: Final[Mapping[str, CurveOf]] = {
    "fluctuation": lambda each: each.fluctuation,
    "slope": lambda each: np.abs(each.of("slope")),
}


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Peaks:
    """The maximum of a curve and of its bootstrap draws.

    Parameters
    ----------
    positions, heights : (draw,) array
        Of the samples first; NaN where there is none.
    finding : Finding
        Whether it lies within the window.
    """

    positions: FloatArray
    heights: FloatArray
    finding: Finding


def largest(curve: FloatArray, controls: FloatArray) -> Peaks:
    """Find the maximum of each draw, by a parabola through the three highest points.

    Parameters
    ----------
    curve : (draw, control) array
        NaN where unknown.
    controls : (control,) array
        Equally spaced.

    Returns
    -------
    Peaks
        At the edge where it is so for the samples or for more than a twentieth of the draws.
    """
    known: BoolArray = np.asarray(np.isfinite(curve).all(axis=0))
    if np.count_nonzero(known) < 3 or not controls[0] < controls[-1]:
        nothing = np.full(len(curve), np.nan)
        return Peaks(positions=nothing, heights=nothing, finding=Finding.REFUSED)
    top = np.argmax(np.where(known, curve, -np.inf), axis=1)
    left, right = np.maximum(top - 1, 0), np.minimum(top + 1, controls.size - 1)
    inner = known[left] & known[right] & (left < top) & (top < right)
    row = np.arange(len(curve))
    middle, below, above = curve[row, top], curve[row, left], curve[row, right]
    bend = np.where(inner, below - 2.0 * middle + above, -1.0)
    lean = np.where(inner, 0.5 * (above - below), 0.0)
    shift = -lean / np.where(bend < 0.0, bend, -1.0)
    margin = _NEAR_EDGE * (controls[-1] - controls[0])
    distance = np.minimum(controls[top] - controls[0], controls[-1] - controls[top])
    at_edge = np.logical_or(~inner, distance < margin)
    lost = bool(at_edge[0]) or float(np.mean(at_edge)) > _MOST_AT_EDGE
    return Peaks(
        positions=controls[top] + shift * (controls[1] - controls[0]),
        heights=middle + 0.5 * lean * shift,
        finding=Finding.AT_EDGE if lost else Finding.FOUND,
    )


def peak_positions(
    samples: xr.DataArray,
    *,
    control: str,
    size: str,
    dimension: int | None,
    energy: xr.DataArray | None = None,
    seed: int = 0,
) -> xr.Dataset:
    """Controls at which each size fluctuates most and changes fastest.

    Parameters
    ----------
    samples, control, size, dimension, energy, seed
        See `curves.moment_curves`, also for what is raised.

    Returns
    -------
    Dataset
        See `peaks_of`.
    """
    curves = moment_curves(
        samples, control=control, size=size, dimension=dimension, energy=energy, seed=seed
    )
    return peaks_of(curves)


def peaks_of(curves: Sequence[MomentCurves]) -> xr.Dataset:
    """Read the peaks off curves.

    Parameters
    ----------
    curves : sequence of MomentCurves
        One for each size.

    Returns
    -------
    Dataset
        Along ``size``, for ``fluctuation`` (N Var m) and ``slope`` (size of d⟨m⟩/dg):
        ``..._control`` and ``..._peak`` with their ``_error`` by bootstrap, and
        ``..._finding``, a `Finding`; besides ``volume``.

    Raises
    ------
    InvalidValueError, InsufficientSamplesError
        See `curve_demands.require_curves`.
    """
    sizes = require_curves(curves, what="a table of peaks")
    columns: dict[str, list[float | str]] = {"volume": [each.volume for each in sizes]}
    for name, curve in _READ.items():
        peaks = [largest(quantity_along(each, curve), each.controls) for each in sizes]
        for part, draws in (
            ("control", [peak.positions for peak in peaks]),
            ("peak", [peak.heights for peak in peaks]),
        ):
            columns[f"{name}_{part}"] = [float(each[0]) for each in draws]
            columns[f"{name}_{part}_error"] = [float(each[1:].std(ddof=1)) for each in draws]
        columns[f"{name}_finding"] = [peak.finding.value for peak in peaks]
    return xr.Dataset(
        {name: ("size", values) for name, values in columns.items()},
        coords={"size": [each.size for each in sizes]},
    )
