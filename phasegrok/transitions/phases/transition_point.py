"""The control at which phases coexist in the infinite system."""

from dataclasses import dataclass
from typing import final

import numpy as np
import xarray as xr

from phasegrok.transitions.demands import require_dataset
from phasegrok.transitions.phases.size_fits import fit_weighted, resolved_sizes

__all__ = ["TransitionPoint", "transition_point_of_the_infinite_system"]


@final
@dataclass(frozen=True, kw_only=True)
class TransitionPoint:
    """Control at which the phases coexist in the infinite system.

    Parameters
    ----------
    point, error : float
        Control with its standard error.
    slope, slope_error : float
        a in g(N) = g_∞ + a/N; 0 where corrections are exponentially small.
    chi_squared : float
        Of the fit.
    degrees_of_freedom : int
        Sizes less parameters.
    probability : float
        Of a larger χ² by chance; NaN where no degree of freedom is left.
    sizes : tuple of float
        Those that entered.
    """

    point: float
    error: float
    slope: float
    slope_error: float
    chi_squared: float
    degrees_of_freedom: int
    probability: float
    sizes: tuple[float, ...]


def transition_point_of_the_infinite_system(points: xr.Dataset) -> TransitionPoint:
    """Extrapolate the points at which the phases have the asked ratio of weights.

    Parameters
    ----------
    points : Dataset
        From `phase_points.coexistence_points`. Sizes whose point is not RESOLVED are left out.

    Returns
    -------
    TransitionPoint
        In d dimensions the weighted mean: on periodic lattices the ratio of weights that is
        the ratio of copies leaves corrections that are exponentially small. Without a
        dimension the weighted line g_∞ + a/N, whose a holds the unknown ratio of weights of
        mean-field phases. Errors grow with √(χ²/degrees of freedom) where that exceeds one.

    Raises
    ------
    InsufficientSamplesError
        With no size, or with fewer than two without a dimension.
    InvalidValueError
        Where the dataset is not one of points of coexistence.

    References
    ----------
    .. [1] Borgs and Kotecký, J. Stat. Phys. 61, 79 (1990).
    .. [2] Borgs and Janke, Phys. Rev. Lett. 68, 1738 (1992).
    """
    require_dataset("points of coexistence", points)
    dimension = points.attrs.get("dimension")
    mean_field = not isinstance(dimension, int | np.integer) or dimension < 1
    kept = resolved_sizes(
        points,
        "equal_weight_point",
        statistic="a transition point of the infinite system",
        required=2 if mean_field else 1,
    )
    constant = np.ones((kept.sizes["size"], 1))
    inverse = 1.0 / kept["volume"].to_numpy()[:, None]
    design = np.concatenate([constant, inverse], axis=1) if mean_field else constant
    line = fit_weighted(kept, "equal_weight_point", design)
    return TransitionPoint(
        point=float(line.parameters[0]),
        error=float(line.errors[0]),
        slope=float(line.parameters[1]) if mean_field else 0.0,
        slope_error=float(line.errors[1]) if mean_field else 0.0,
        chi_squared=line.chi_squared,
        degrees_of_freedom=line.degrees_of_freedom,
        probability=line.probability,
        sizes=tuple(kept["size"].to_numpy().tolist()),
    )
