"""Weighted least squares that is linear but for one parameter, which is profiled."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from scipy.optimize import minimize_scalar

from phasegrok.statistics.samples import FloatArray

__all__ = ["LeastSquares", "linear_fit", "profiled_fit"]

Columns = Callable[[float], FloatArray]
"""Design matrix (point, coefficient) at a value of the nonlinear parameter."""

SMALLEST_SINGULAR: Final = 1e-10
DERIVATIVE_STEP: Final = 1e-4


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class LeastSquares:
    """A fit with the errors of its parameters.

    Parameters
    ----------
    values : (parameter,) array
        Coefficients, then the nonlinear parameter where there is one.
    errors : (parameter,) array
        Standard errors, widened by √(χ²/freedom) where it exceeds 1: points that scatter more
        than their errors say.
    chi_square : float
        At the minimum, with the errors as given.
    freedom : int
        Points less parameters.
    """

    values: FloatArray
    errors: FloatArray
    chi_square: float
    freedom: int


def linear_fit(design: FloatArray, values: FloatArray, errors: FloatArray) -> LeastSquares:
    """Fit coefficients of columns.

    Parameters
    ----------
    design : (point, coefficient) array
        Columns.
    values, errors : (point,) arrays
        Data with standard errors above zero.

    Returns
    -------
    LeastSquares
    """
    coefficients, square = _solved(design, values, errors)
    return _with_errors(coefficients, design, square, errors)


def profiled_fit(
    columns: Columns, values: FloatArray, errors: FloatArray, *, grid: FloatArray
) -> LeastSquares:
    """Fit coefficients of columns that depend on one further parameter.

    Parameters
    ----------
    columns : callable
        Design matrix (point, coefficient) at a value of the parameter.
    values, errors : (point,) arrays
        Data with standard errors above zero.
    grid : (place,) array
        Rising values of the parameter; the best is refined between its neighbours.

    Returns
    -------
    LeastSquares
        The nonlinear parameter comes last, with the others free in its error.
    """

    def square_at(parameter: float) -> float:
        return _solved(columns(parameter), values, errors)[1]

    squares = np.array([square_at(float(each)) for each in grid])
    best = int(np.argmin(squares))
    bounds = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, grid.size - 1)])
    found = minimize_scalar(square_at, bounds=bounds, method="bounded")
    place = float(found.x) if found.fun < squares[best] else float(grid[best])
    coefficients, square = _solved(columns(place), values, errors)
    ahead, behind = (columns(place + side * DERIVATIVE_STEP) for side in (1.0, -1.0))
    slope = (ahead - behind) @ coefficients / (2 * DERIVATIVE_STEP)
    jacobian = np.concatenate([columns(place), slope[:, None]], axis=1)
    return _with_errors(np.append(coefficients, place), jacobian, square, errors)


def _solved(
    design: FloatArray, values: FloatArray, errors: FloatArray
) -> tuple[FloatArray, float]:
    scaled, wanted = design / errors[:, None], values / errors
    norms = np.maximum(np.linalg.norm(scaled, axis=0), 1e-300)
    found = np.linalg.lstsq(scaled / norms, wanted, rcond=SMALLEST_SINGULAR)[0] / norms
    return found, float(np.sum((wanted - scaled @ found) ** 2))


def _with_errors(
    found: FloatArray, jacobian: FloatArray, square: float, errors: FloatArray
) -> LeastSquares:
    scaled = jacobian / errors[:, None]
    norms = np.maximum(np.linalg.norm(scaled, axis=0), 1e-300)
    covariance = np.linalg.pinv((scaled / norms).T @ (scaled / norms), rcond=1e-14)
    freedom = errors.size - found.size
    wider = max(1.0, square / freedom) if freedom > 0 else 1.0
    return LeastSquares(
        values=found,
        errors=np.sqrt(wider * np.maximum(np.diag(covariance), 0.0)) / norms,
        chi_square=square,
        freedom=freedom,
    )
