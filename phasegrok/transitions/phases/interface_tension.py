"""How the barrier between two phases grows with the area of an interface."""

from dataclasses import dataclass
from typing import final

import numpy as np
import xarray as xr

from phasegrok.errors import InvalidValueError
from phasegrok.transitions.phases.size_fits import fit_weighted, resolved_sizes

__all__ = ["InterfaceTension", "interface_tension"]


@final
@dataclass(frozen=True, kw_only=True)
class InterfaceTension:
    """Growth of the barrier between two phases with the area between them.

    Parameters
    ----------
    twice_tension, twice_tension_error : float
        2σ in barrier = 2σ L^(d-1) + c, in units of T; without a dimension the growth of the
        barrier for each degree of freedom.
    constant, constant_error : float
        c.
    chi_squared : float
        Of the weighted straight line.
    degrees_of_freedom : int
        Sizes less two.
    probability : float
        Of a larger χ² by chance; NaN where no degree of freedom is left.
    sizes : tuple of float
        Those that entered.
    """

    twice_tension: float
    twice_tension_error: float
    constant: float
    constant_error: float
    chi_squared: float
    degrees_of_freedom: int
    probability: float
    sizes: tuple[float, ...]

    @property
    def tension(self) -> float:
        """σ."""
        return 0.5 * self.twice_tension

    @property
    def tension_error(self) -> float:
        """Standard error of σ."""
        return 0.5 * self.twice_tension_error


def interface_tension(points: xr.Dataset) -> InterfaceTension:
    """Fit barrier = 2σ L^(d-1) + c by a weighted straight line.

    Parameters
    ----------
    points : Dataset
        From `phase_points.coexistence_points`. Sizes whose barrier is not RESOLVED are left
        out. In two dimensions and more phases that coexist in a periodic box are parted by two
        interfaces; without a dimension the barrier is fitted against N.

    Returns
    -------
    InterfaceTension
        Errors are those of the data, made larger by √(χ²/degrees of freedom) where that
        exceeds one.

    Raises
    ------
    InsufficientSamplesError
        With fewer than two sizes.
    InvalidValueError
        Where the dataset is not one of points of coexistence, or the dimension is one: there
        the barrier between phases does not grow.

    References
    ----------
    .. [1] Binder, Phys. Rev. A 25, 1699 (1982).
    .. [2] Lee and Kosterlitz, Phys. Rev. B 43, 3265 (1991).
    """
    kept = resolved_sizes(points, "barrier", statistic="an interface tension", required=2)
    dimension = int(points.attrs["dimension"])
    if dimension == 1:
        raise InvalidValueError(
            "an interface tension needs two dimensions or more, or none, received 1: there the "
            "barrier does not grow with the size."
        )
    extent = kept["size"].to_numpy() ** (dimension - 1.0 if dimension > 1 else 1.0)
    line = fit_weighted(kept, "barrier", np.stack([extent, np.ones_like(extent)], axis=1))
    return InterfaceTension(
        twice_tension=float(line.parameters[0]),
        twice_tension_error=float(line.errors[0]),
        constant=float(line.parameters[1]),
        constant_error=float(line.errors[1]),
        chi_squared=line.chi_squared,
        degrees_of_freedom=line.degrees_of_freedom,
        probability=line.probability,
        sizes=tuple(kept["size"].to_numpy().tolist()),
    )
