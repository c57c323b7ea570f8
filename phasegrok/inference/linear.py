"""Parameters on which data depend linearly, integrated out and drawn exactly.

Data y = b + A z of independent unit errors, with z standard normal beforehand: the law of y
and that of z given y are normal and known (Lindley and Smith, J. R. Stat. Soc. B 34, 1, 1972),
so that chains need to move only in the parameters that enter otherwise.
"""

import numpy as np

from phasegrok.statistics.samples import FloatArray

__all__ = ["draw_linear", "linear_prediction", "marginal_log_likelihood"]


def marginal_log_likelihood(residuals: FloatArray, design: FloatArray) -> FloatArray:
    """Log density of data with the linear parameters integrated out.

    Parameters
    ----------
    residuals : (draw, datum) array
        y - b in units of its errors.
    design : (draw, datum, parameter) array
        Change of the data in units of their errors with each standard coordinate.

    Returns
    -------
    (draw,) array
        -½ [r·r - g·M⁻¹g + ln det M], with g = Aᵀr and M = 1 + AᵀA; the constant
        -½ ln det(2π Σ) of the errors Σ is left to the caller.
    """
    factor, projected = _normal_equations(residuals, design)
    white = _solve(factor, projected)
    squares = np.sum(residuals * residuals, axis=1) - np.sum(white * white, axis=1)
    diagonal = np.diagonal(factor, axis1=1, axis2=2)
    density: FloatArray = -0.5 * squares - np.sum(np.log(diagonal), axis=1)
    return density


def draw_linear(
    residuals: FloatArray, design: FloatArray, generator: np.random.Generator
) -> FloatArray:
    """Draw the linear parameters given the data.

    Parameters
    ----------
    residuals : (draw, datum) array
        As in `marginal_log_likelihood`.
    design : (draw, datum, parameter) array
        As there.
    generator : numpy.random.Generator
        The only source of randomness.

    Returns
    -------
    (draw, parameter) array
        One draw in standard coordinates for each: normal of mean M⁻¹g and covariance M⁻¹.
    """
    factor, projected = _normal_equations(residuals, design)
    white = _solve(factor, projected) + generator.standard_normal(projected.shape)
    return _solve(factor.transpose(0, 2, 1), white)


def linear_prediction(
    residuals: FloatArray, design: FloatArray, further: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Predict what depends on the linear parameters, given the data.

    Parameters
    ----------
    residuals : (draw, datum) array
        As in `marginal_log_likelihood`.
    design : (draw, datum, parameter) array
        As there.
    further : (draw, prediction, parameter) array
        Change of what is predicted with each standard coordinate.

    Returns
    -------
    tuple of (draw, prediction) arrays
        Mean and variance of the change: FM⁻¹g and diag FM⁻¹Fᵀ.
    """
    factor, projected = _normal_equations(residuals, design)
    white = _solve(factor, projected)
    half = np.linalg.solve(factor, further.transpose(0, 2, 1))
    mean = np.einsum("dkp,dk->dp", half, white)
    variance = np.einsum("dkp,dkp->dp", half, half)
    return mean.astype(np.float64), variance.astype(np.float64)


def _normal_equations(
    residuals: FloatArray, design: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Lower factor of M, (draw, parameter, parameter), and g, (draw, parameter)."""
    transposed = design.transpose(0, 2, 1)
    matrix: FloatArray = transposed @ design + np.eye(design.shape[-1])
    factor = np.linalg.cholesky(matrix).astype(np.float64)
    projected: FloatArray = (transposed @ residuals[..., None])[..., 0]
    return factor, projected


def _solve(factor: FloatArray, right: FloatArray) -> FloatArray:
    return np.linalg.solve(factor, right[..., None])[..., 0].astype(np.float64)
