"""Which sizes enter a fit to points of coexistence, and the weighted line through them."""

from dataclasses import dataclass
from typing import final

import numpy as np
import xarray as xr
from scipy.special import gammaincc

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.samples import FloatArray, Status

__all__ = ["WeightedLine", "fit_weighted", "resolved_sizes"]


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class WeightedLine:
    """Weighted least squares on a few columns.

    Parameters
    ----------
    parameters, errors : (parameter,) array
        Errors grow with √(χ²/degrees of freedom) where that exceeds one.
    chi_squared : float
        Weighted sum of squared residuals.
    degrees_of_freedom : int
        Points less parameters.
    """

    parameters: FloatArray
    errors: FloatArray
    chi_squared: float
    degrees_of_freedom: int

    @property
    def probability(self) -> float:
        """Of a larger χ² by chance; NaN where no degree of freedom is left."""
        if self.degrees_of_freedom < 1:
            return float("nan")
        return float(gammaincc(0.5 * self.degrees_of_freedom, 0.5 * self.chi_squared))


def resolved_sizes(
    points: xr.Dataset, name: str, *, statistic: str, required: int
) -> xr.Dataset:
    """Keep the sizes at which a quantity is RESOLVED."""
    wanted = {name, f"{name}_error", f"{name}_status"}
    missing = sorted(wanted - set(map(str, points.data_vars)))
    if missing or "dimension" not in points.attrs:
        raise InvalidValueError(
            f"{statistic} needs a dataset with {missing or ['the attribute dimension']}, "
            f"received {sorted(map(str, points.data_vars))}; give what coexistence_points "
            "returns."
        )
    sound = points[f"{name}_status"].to_numpy() == int(Status.RESOLVED)
    if np.count_nonzero(sound) < required:
        raise InsufficientSamplesError(
            f"{statistic} (sizes with a resolved {name})",
            required=required,
            received=int(np.count_nonzero(sound)),
        )
    return points.isel(size=np.flatnonzero(sound))


def fit_weighted(points: xr.Dataset, name: str, design: FloatArray) -> WeightedLine:
    """Weighted least squares on the columns of a design (size, parameter)."""
    weight = 1.0 / points[f"{name}_error"].to_numpy()
    scaled, values = design * weight[:, None], points[name].to_numpy() * weight
    parameters, *_ = np.linalg.lstsq(scaled, values, rcond=None)
    chi_squared = float(np.sum((values - scaled @ parameters) ** 2))
    freedom = design.shape[0] - design.shape[1]
    covariance = np.linalg.inv(scaled.T @ scaled)
    excess = max(1.0, chi_squared / freedom) if freedom else 1.0
    return WeightedLine(
        parameters=np.asarray(parameters, dtype=np.float64),
        errors=np.sqrt(excess * np.diagonal(covariance)),
        chi_squared=chi_squared,
        degrees_of_freedom=freedom,
    )
