"""Parameters on which data depend linearly, integrated out and drawn exactly.

Data y = b + A z of independent unit errors, with z standard normal beforehand: the law of y
and that of z given y are normal and known (Lindley and Smith, J. R. Stat. Soc. B 34, 1, 1972),
so that chains need to move only in the parameters that enter otherwise.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from phasegrok.statistics.samples import FloatArray

__all__ = ["LinearPosterior", "linear_posterior"]


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class LinearPosterior:
    """Law of the linear parameters given the data, at each draw of the others.

    Parameters
    ----------
    log_marginal : (draw,) array
        Log density of the data with the linear parameters integrated out,
        -½ [r·r - g·M⁻¹g + ln det M] with g = Aᵀr and M = 1 + AᵀA; the constant
        -½ ln det(2π Σ) of the errors Σ is left to the caller.
    factor : (draw, parameter, parameter) array
        Lower factor C of M = C Cᵀ.
    white_mean : (draw, parameter) array
        C⁻¹ g.
    """

    log_marginal: FloatArray
    factor: FloatArray
    white_mean: FloatArray

    def drawn(self, generator: np.random.Generator) -> FloatArray:
        """Draw the linear parameters once for each draw of the others.

        Parameters
        ----------
        generator : numpy.random.Generator
            The only source of randomness.

        Returns
        -------
        (draw, parameter) array
            In standard coordinates: normal of mean M⁻¹g and covariance M⁻¹.
        """
        white = self.white_mean + generator.standard_normal(self.white_mean.shape)
        return _solve(self.factor.transpose(0, 2, 1), white)

    def predicted(self, further: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Predict what depends on the linear parameters.

        Parameters
        ----------
        further : (draw, prediction, parameter) array
            F: change of what is predicted with each standard coordinate.

        Returns
        -------
        tuple of (draw, prediction) arrays
            Mean and variance of the change: F M⁻¹g and diag F M⁻¹Fᵀ.
        """
        half = np.linalg.solve(self.factor, further.transpose(0, 2, 1))
        mean = np.einsum("dkp,dk->dp", half, self.white_mean)
        variance = np.einsum("dkp,dkp->dp", half, half)
        return mean.astype(np.float64), variance.astype(np.float64)


def linear_posterior(residuals: FloatArray, design: FloatArray) -> LinearPosterior:
    """Find the law of linear parameters given the data.

    Parameters
    ----------
    residuals : (draw, datum) array
        r = y - b in units of its errors.
    design : (draw, datum, parameter) array
        A: change of the data in units of their errors with each standard coordinate.

    Returns
    -------
    LinearPosterior
    """
    transposed = design.transpose(0, 2, 1)
    matrix: FloatArray = transposed @ design + np.eye(design.shape[-1])
    factor = np.linalg.cholesky(matrix).astype(np.float64)
    white = _solve(factor, (transposed @ residuals[..., None])[..., 0])
    squares = np.sum(residuals * residuals, axis=1) - np.sum(white * white, axis=1)
    diagonal = np.diagonal(factor, axis1=1, axis2=2)
    return LinearPosterior(
        log_marginal=-0.5 * squares - np.sum(np.log(diagonal), axis=1),
        factor=factor,
        white_mean=white,
    )


def _solve(factor: FloatArray, right: FloatArray) -> FloatArray:
    return np.linalg.solve(factor, right[..., None])[..., 0].astype(np.float64)
