"""Scaling functions as cubic splines, and what they say of every measured point.

With r = N/N_min and u = (g - g_c) r^y,
⟨m⟩ = r^-x [f(u) + r^-ω h(u) + r^-2ω k(u)] and Var m = r^-2x [F(u) + r^-ω H(u) + r^-2ω K(u)].
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from phasegrok.statistics.samples import FloatArray
from phasegrok.transitions.scaling.measured_points import MeasuredPoint

__all__ = ["LEADING", "ScalingData", "leading_columns", "scaling_data", "spline_basis"]

LEADING: Final = 10
"""Coefficients of a scaling function."""

_CORRECTION: Final = 5
_LEADING_SPREAD, _CORRECTION_SPREAD, _SECOND_SPREAD = 2.0, 1.0, 0.5


def spline_basis(place: FloatArray, count: int) -> FloatArray:
    """Cubic basis splines on equal intervals of (0, 1).

    Parameters
    ----------
    place : (..., datum) array
        Between 0 and 1.
    count : int
        Number of splines, at least 4.

    Returns
    -------
    (..., datum, spline) array
        Sums to one over the splines.
    """
    intervals = count - 3
    distance = np.abs(place[..., np.newaxis] * intervals + 1.0 - np.arange(count))
    near = 2.0 / 3.0 - distance**2 + 0.5 * distance**3
    far = np.maximum(2.0 - distance, 0.0) ** 3 / 6.0
    basis: FloatArray = np.where(distance < 1.0, near, far)
    return basis


def leading_columns(place: FloatArray) -> FloatArray:
    """Columns of a scaling function itself, (..., datum, column), in units of its prior.

    Parameters
    ----------
    place : (..., datum) array
        0 at the least scaled control, 1 at the greatest.
    """
    return _LEADING_SPREAD * spline_basis(place, LEADING)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ScalingData:
    """Measured points as the data of a collapse.

    Parameters
    ----------
    controls, ratio : (point,) array
        g, and r = N/N_min.
    values : (point, quantity) array
        Some of ⟨m⟩ and Var m.
    whitening : (point, quantity, quantity) array
        Lower triangular W with WᵀW the inverse covariance.
    powers : (quantity,) array
        How many x each scales with: 1 and 2.
    scale : (quantity,) array
        Largest magnitude, the unit of the prior of the functions.
    """

    controls: FloatArray
    ratio: FloatArray
    values: FloatArray
    whitening: FloatArray
    powers: FloatArray
    scale: FloatArray

    @property
    def whitened(self) -> FloatArray:
        """Values over their errors, (datum,): quantities of a point side by side."""
        whitened: FloatArray = np.einsum("pij,pj->pi", self.whitening, self.values).ravel()
        return whitened

    @property
    def log_determinant(self) -> float:
        """Ln |det| of the whitening."""
        return float(np.log(np.diagonal(self.whitening, axis1=1, axis2=2)).sum())

    def scaled_controls(self, parameters: Mapping[str, FloatArray]) -> FloatArray:
        """Scaled controls u, (walker, point)."""
        y = parameters["width_exponent"][:, np.newaxis]
        g = parameters["transition"][:, np.newaxis]
        scaled: FloatArray = (self.controls - g) * self.ratio**y
        return scaled

    def shrinking(self, parameters: Mapping[str, FloatArray]) -> FloatArray:
        """Factors r^-x and r^-2x, (walker, point, quantity)."""
        x = parameters["order_exponent"][:, np.newaxis, np.newaxis]
        factor: FloatArray = self.ratio[:, np.newaxis] ** (-self.powers * x)
        return factor

    def functions(self, parameters: Mapping[str, FloatArray]) -> FloatArray:
        """Columns of leading and correcting splines of the points, (walker, point, column)."""
        u = self.scaled_controls(parameters)
        low, high = u.min(axis=1, keepdims=True), u.max(axis=1, keepdims=True)
        place: FloatArray = (u - low) / (high - low)
        w = parameters["correction_exponent"][:, np.newaxis, np.newaxis]
        correction, power = spline_basis(place, _CORRECTION), self.ratio[:, np.newaxis] ** -w
        return np.concatenate(
            [
                leading_columns(place),
                _CORRECTION_SPREAD * correction * power,
                _SECOND_SPREAD * correction * power**2,
            ],
            axis=2,
        )

    def design(self, parameters: Mapping[str, FloatArray]) -> FloatArray:
        """Columns of all coefficients over the errors, (walker, datum, column)."""
        columns = self.functions(parameters)
        factor = self.shrinking(parameters) * self.scale
        walkers, points, width = columns.shape
        quantities = self.scale.size
        design = np.zeros((walkers, points, quantities, quantities, width))
        for index in range(quantities):
            shrunk = columns * factor[:, :, index, np.newaxis]
            weights = self.whitening[np.newaxis, :, :, index, np.newaxis]
            design[:, :, :, index, :] = weights * shrunk[:, :, np.newaxis, :]
        return design.reshape(walkers, points * quantities, quantities * width)


def scaling_data(points: Sequence[MeasuredPoint], quantities: Sequence[int]) -> ScalingData:
    """Lay measured points out.

    Parameters
    ----------
    points : sequence of MeasuredPoint
        Of all sizes.
    quantities : sequence of int
        0 for the mean, 1 for the variance.
    """
    chosen = list(quantities)
    values = np.stack([each.values[chosen] for each in points])
    volume = np.array([each.volume for each in points])
    covariance = np.stack([each.covariance[np.ix_(chosen, chosen)] for each in points])
    return ScalingData(
        controls=np.array([each.control for each in points]),
        ratio=volume / volume.min(),
        values=values,
        whitening=np.linalg.inv(np.linalg.cholesky(covariance)),
        powers=np.array([1.0, 2.0])[chosen],
        scale=np.abs(values).max(axis=0),
    )
