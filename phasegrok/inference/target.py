"""What is fitted to folded overlaps: a family and its misfit, the likelihood and its peak."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from scipy.optimize import minimize

from phasegrok.inference.counts import BINS, Counts
from phasegrok.inference.likelihoods import (
    Misfit,
    deviate,
    misfit_draw,
    misfit_log_likelihood,
    misfit_mean,
    misfit_of,
    student_log_likelihood,
)
from phasegrok.inference.models import FoldedModel, bin_probabilities
from phasegrok.inference.sampling import LogProbability
from phasegrok.statistics.samples import FloatArray

__all__ = [
    "MISFIT_LENGTH",
    "MISFIT_SIZE",
    "Peak",
    "Target",
    "best_point",
    "draw_probabilities",
    "peak_of",
    "target_of",
]

MISFIT_SIZE: Final = 0.3
"""Prior standard deviation of the log density's deviation from the family."""

MISFIT_LENGTH: Final = 0.08
"""Its correlation length, in units of the range of the equal bins."""

MISFIT_MODES: Final = 18
"""Strongest modes of the misfit that are kept."""

FARTHEST: Final = 8.0
"""Standard deviations of the prior within which the best point is sought."""


@final
@dataclass(frozen=True, kw_only=True)
class Target:
    """A family, the counts it is fitted to and the misfit it is allowed.

    Parameters
    ----------
    model : FoldedModel
        Family of densities of |q|.
    data : Counts
        What was counted.
    misfit : Misfit
        Smooth deviation from the family, integrated out.
    freedom : float
        Degrees of freedom of the effective shares.
    """

    model: FoldedModel
    data: Counts
    misfit: Misfit
    freedom: float

    def log_likelihood(self, standard: FloatArray) -> FloatArray:
        """Return the log likelihood (walker), effective shares taken as known."""
        probabilities = bin_probabilities(self.model, standard, self.data)
        return misfit_log_likelihood(probabilities, self.data, self.misfit)

    def robust_log_likelihood(self, peak: "Peak") -> LogProbability:
        """Return the log likelihood with the shares' own uncertainty accounted for."""
        if np.isinf(self.freedom):
            return self.log_likelihood

        def robust(standard: FloatArray) -> FloatArray:
            return student_log_likelihood(
                self.log_likelihood(standard),
                best=peak.log_likelihood,
                freedom=self.freedom,
                size=peak.size,
            )

        return robust


@final
@dataclass(frozen=True, kw_only=True)
class Peak:
    """The top of a likelihood, from which deviances count.

    Parameters
    ----------
    log_likelihood : float
        Its height.
    size : float
        Number of parameters that the data determine, the prior the others: Σ h/(h + 1) over
        the eigenvalues h of the curvature in standard coordinates [1]_.

    References
    ----------
    .. [1] MacKay, Neural Computation 4, 415 (1992).
    """

    log_likelihood: float
    size: float


def target_of(model: FoldedModel, data: Counts, *, freedom: float = np.inf) -> Target:
    """Prepare a family for fitting, with the default misfit.

    Parameters
    ----------
    model : FoldedModel
        Family of densities of |q|.
    data : Counts
        What was counted.
    freedom : float
        Degrees of freedom of the effective shares; infinite where they are known.

    Returns
    -------
    Target
        With a misfit of size `MISFIT_SIZE` and length `MISFIT_LENGTH` times the range of the
        equal bins of `bin_folded`.
    """
    length = MISFIT_LENGTH * float(data.edges[min(BINS, data.counts.size)])
    misfit = misfit_of(data, size=MISFIT_SIZE, length=length, modes=MISFIT_MODES)
    return Target(model=model, data=data, misfit=misfit, freedom=freedom)


def _negative_with_gradient(
    log_density: LogProbability, step: float = 1e-4
) -> Callable[[FloatArray], tuple[float, FloatArray]]:
    """Minus a log density and its gradient at one point, by central differences."""

    def negative(point: FloatArray) -> tuple[float, FloatArray]:
        offsets = step * np.eye(point.size)
        values = -log_density(np.concatenate([point[None], point + offsets, point - offsets]))
        rising, falling = values[1 : 1 + point.size], values[1 + point.size :]
        return float(values[0]), (rising - falling) / (2.0 * step)

    return negative


def best_point(target: Target, *, seed: np.random.SeedSequence) -> FloatArray:
    """Return standard coordinates (parameter) of the highest posterior density found.

    Parameters
    ----------
    target : Target
        What is fitted.
    seed : numpy.random.SeedSequence
        For the prior draws from which the three best begin.

    Returns
    -------
    (parameter,) array
        Best of three ascents.
    """
    space = target.model.space

    def log_density(standard: FloatArray) -> FloatArray:
        return target.log_likelihood(standard) + space.log_prior(standard)

    draws = space.draw(400, np.random.default_rng(seed))
    starts = draws[np.argsort(log_density(draws))[-3:]]
    negative = _negative_with_gradient(log_density)
    # Line searches leap: without bounds they reach where scales overflow.
    bounds = [(-FARTHEST, FARTHEST)] * space.size
    found = [
        minimize(negative, start, jac=True, method="L-BFGS-B", bounds=bounds)
        for start in starts
    ]
    return np.asarray(min(found, key=lambda ascent: float(ascent.fun)).x, dtype=float)


def peak_of(target: Target, point: FloatArray, *, step: float = 0.01) -> Peak:
    """Expand the log likelihood about the highest posterior density.

    Parameters
    ----------
    target : Target
        What is fitted.
    point : (parameter,) array
        From `best_point`. There the gradient of the log likelihood is the point itself, the
        prior being standard normal.
    step : float
        For the second differences, in prior standard deviations.

    Returns
    -------
    Peak
        Quadratic extrapolation to the maximum along the directions that the data determine.
    """
    size = point.size
    plus, minus = np.eye(size) * step, -np.eye(size) * step
    corners = [a[:, None] + b[None, :] for a in (plus, minus) for b in (plus, minus)]
    points = point + np.stack(corners).reshape(-1, size)
    values = target.log_likelihood(np.concatenate([points, point[None]]))
    signs = np.array([1.0, -1.0, -1.0, 1.0])[:, None, None]
    curvature = -np.sum(signs * values[:-1].reshape(4, size, size), axis=0) / (4.0 * step**2)
    strength, axes = np.linalg.eigh(0.5 * (curvature + curvature.T))
    determined = strength > 1.0
    gain = 0.5 * np.sum((point @ axes)[determined] ** 2 / strength[determined])
    known = np.maximum(strength, 0.0)
    return Peak(
        log_likelihood=float(values[-1] + gain),
        size=max(1.0, float(np.sum(known / (known + 1.0)))),
    )


def _share_factors(
    target: Target, standard: FloatArray, peak: Peak, generator: np.random.Generator
) -> FloatArray:
    """Draw the true effective shares (draw) in units of the estimated ones.

    A Student law is a mixture of normal ones: given parameters whose deviance is D, the
    factor is gamma distributed with shape (ν + k)/2 and rate (ν + D)/2.
    """
    if np.isinf(target.freedom):
        return np.ones(len(standard))
    deviance = np.maximum(2.0 * (peak.log_likelihood - target.log_likelihood(standard)), 0.0)
    shape = 0.5 * (target.freedom + peak.size)
    factors: FloatArray = generator.gamma(shape, 2.0 / (target.freedom + deviance))
    return factors


def draw_probabilities(
    target: Target, standard: FloatArray, *, peak: Peak, generator: np.random.Generator
) -> FloatArray:
    """Draw bin probabilities, misfit included, one set at each draw of the parameters.

    Parameters
    ----------
    target : Target
        What is fitted.
    standard : (draw, parameter) array
        Draws of the posterior.
    peak : Peak
        Top of the likelihood, from which deviances count.
    generator : numpy.random.Generator
        For the misfit given each draw.

    Returns
    -------
    (draw, bin) array
        Sum to 1 over the bins.
    """
    probabilities = bin_probabilities(target.model, standard, target.data)
    factors = _share_factors(target, standard, peak, generator)
    modes = misfit_draw(
        misfit_mean(probabilities, target.data, target.misfit),
        target.misfit,
        share_factors=factors,
        generator=generator,
    )
    return deviate(probabilities, modes, target.misfit)
