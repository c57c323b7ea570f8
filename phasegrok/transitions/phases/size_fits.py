"""Which sizes enter a fit to points of coexistence, and the weighted line through them."""

from dataclasses import dataclass
from typing import final

import numpy as np
import xarray as xr
from scipy.special import gammaincc

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.samples import FloatArray, Status
from phasegrok.transitions.demands import real_numbers, require_dataset, require_magnitude

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
    require_dataset("points of coexistence", points)
    wanted = {name, f"{name}_error", f"{name}_status"}
    there = {str(each) for each in points.variables if points[each].dims == ("size",)}
    missing = sorted((wanted | {"size", "volume"}) - there)
    if missing or not isinstance(points.attrs.get("dimension"), int | np.integer):
        raise InvalidValueError(
            f"{statistic} needs a dataset with {missing or ['the attribute dimension']}, "
            f"received {sorted(map(str, points.data_vars))}; give what coexistence_points "
            "returns."
        )
    value, error = (real_numbers(each, points[each].to_numpy()) for each in sorted(wanted)[:2])
    for each in ("size", "volume"):
        _require_sizes(each, real_numbers(each, points[each].to_numpy()))
    sound = points[f"{name}_status"].to_numpy() == int(Status.RESOLVED)
    # A spread of zero over few draws is no error.
    sound &= np.isfinite(value) & np.isfinite(error) & (error > 0.0)
    require_magnitude(name, value[sound])
    require_magnitude(f"{name}_error", error[sound], each=True)
    if np.count_nonzero(sound) < required:
        raise InsufficientSamplesError(
            f"{statistic} (sizes with a resolved {name})",
            required=required,
            received=int(np.count_nonzero(sound)),
        )
    kept = points.isel(size=np.flatnonzero(sound))
    different = np.unique(kept["volume"].to_numpy()).size
    if different < required:
        raise InsufficientSamplesError(
            f"{statistic} (different sizes)", required=required, received=different
        )
    return kept


def _require_sizes(name: str, sizes: FloatArray) -> None:
    if not (np.isfinite(sizes) & (sizes > 0.0)).all():
        raise InvalidValueError(
            f"points of coexistence need a positive {name}, received {sizes.tolist()}; give "
            "what coexistence_points returns."
        )
    require_magnitude(name, sizes, each=True)


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
