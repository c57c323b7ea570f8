"""How well each kind of transition explains the features: evidences, predictions, misfits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag
from scipy.special import log_ndtr
from scipy.stats import chi2

from phasegrok.inference import (
    Evidence,
    LinearPosterior,
    ParameterSpace,
    Schedule,
    climb_together,
    combine,
    linear_posterior,
)
from phasegrok.statistics.samples import FloatArray
from phasegrok.verdict.features import SizeFeatures
from phasegrok.verdict.laws import Sizes
from phasegrok.verdict.models import ScalingModel

__all__ = [
    "CONSTANT_ERROR",
    "RELATIVE_ERROR",
    "FeatureTable",
    "Score",
    "feature_table",
    "score",
]

SCHEDULE: Final = Schedule(walkers=80, burn_in=20, steps=30, overlap=0.5)
MOST_ATTEMPTS: Final = 3
"""Where two estimates of an evidence disagree, it is climbed again with twice the walkers."""

CONSTANT_ERROR: Final = np.array([0.03, 0.02, 0.1])
_DECAYING_ERROR: Final = np.array([0.1, 0.05, 0.0])
RELATIVE_ERROR: Final = np.array([0.0, 0.0, 0.1])


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class FeatureTable:
    """Features of several sizes with the covariance that models are judged by.

    Parameters
    ----------
    values : (known,) array
        Features that are known, size by size.
    positions : (known,) integer array
        Where they stand among all (size, feature).
    whitening : (known, known) array
        Turns residuals into independent ones of unit variance.
    log_determinant : float
        Of 2π times the covariance.
    bounds : (bound,) array
        Features that are known to be at least this.
    bound_positions : (bound,) integer array
        Where these stand.
    bound_errors : (bound,) array
        Standard errors of the bounds.
    """

    values: FloatArray
    positions: NDArray[np.int64]
    whitening: FloatArray
    log_determinant: float
    bounds: FloatArray
    bound_positions: NDArray[np.int64]
    bound_errors: FloatArray

    def bounded(self, features: FloatArray) -> FloatArray:
        """Bounded ones of features (..., size, feature), (..., bound)."""
        chosen: FloatArray = features.reshape(*features.shape[:-2], -1)[
            ..., self.bound_positions
        ]
        return chosen

    def white(self, features: FloatArray) -> FloatArray:
        """Known features in units of their errors, (..., size, feature) to (..., known)."""
        chosen = features.reshape(*features.shape[:-2], -1)[..., self.positions]
        white: FloatArray = chosen @ self.whitening
        return white

    def misfit(self, predicted: FloatArray) -> FloatArray:
        """χ² of predictions (draw, size, feature), (draw,)."""
        residuals = self.values @ self.whitening - self.white(predicted)
        squares: FloatArray = np.sum(residuals * residuals, axis=1)
        return squares


def feature_table(features: Sequence[SizeFeatures], smallest: float) -> FeatureTable:
    """Put the features of several sizes together.

    The covariance is that of sampling, and an error of the models themselves: laws of scaling
    hold asymptotically, and without it the right model is refuted by the precision of the data.

    Parameters
    ----------
    features : sequence of SizeFeatures
        Sizes that count.
    smallest : float
        N_min, from which the error of the models decays.

    Returns
    -------
    FeatureTable
    """
    own = [_model_error(each, smallest) for each in features]
    covariance = block_diag(
        *[each.covariance + np.diag(error) for each, error in zip(features, own, strict=True)]
    )
    known = np.concatenate(
        [[each.slope_known, True, not each.barrier_bounded] for each in features]
    )
    bounded = np.concatenate([[False, False, each.barrier_bounded] for each in features])
    positions, bound_positions = np.flatnonzero(known), np.flatnonzero(bounded)
    every = np.concatenate([each.values for each in features])
    # Resampling what was never seen says nothing of a bound; the laws' own error remains.
    bound_errors = np.sqrt(np.concatenate(own)[bound_positions])
    covariance = covariance[np.ix_(positions, positions)]
    return FeatureTable(
        values=every[positions],
        positions=positions,
        whitening=np.linalg.inv(np.linalg.cholesky(covariance)).T,
        log_determinant=float(np.linalg.slogdet(2.0 * np.pi * covariance)[1]),
        bounds=every[bound_positions],
        bound_positions=bound_positions,
        bound_errors=bound_errors,
    )


def _model_error(features: SizeFeatures, smallest: float) -> FloatArray:
    """Variance of each feature about the laws of scaling."""
    decaying = _DECAYING_ERROR * np.sqrt(smallest / features.volume)
    relative = RELATIVE_ERROR * features.values
    variance: FloatArray = CONSTANT_ERROR**2 + decaying**2 + relative**2
    return variance


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Score:
    """One kind against the features.

    Parameters
    ----------
    kind : str
        Which.
    evidence : Evidence
        ln of the probability of the features under it.
    predictive : float
        Posterior-predictive probability of a misfit at least as large.
    draws : (draw, parameter) array
        Posterior, in standard coordinates.
    """

    kind: str
    evidence: Evidence
    predictive: float
    draws: FloatArray


def score(
    model: ScalingModel, table: FeatureTable, sizes: Sizes, *, seed: np.random.SeedSequence
) -> Score:
    """Find the evidence of one kind and how well it fits.

    Parameters
    ----------
    model : ScalingModel
        The kind.
    table : FeatureTable
        What was measured.
    sizes : Sizes
        Where.
    seed : numpy.random.SeedSequence
        The only source of randomness.

    Returns
    -------
    Score
    """
    parts = _Parts(model, table, sizes)
    *attempts, drawing = seed.spawn(MOST_ATTEMPTS + 1)
    ladders = climb_together(
        parts.free, parts.log_likelihood, seeds=attempts, schedule=SCHEDULE
    )
    free = np.concatenate([ladder.positions for ladder in ladders])
    draws = parts.completed(free, np.random.default_rng(drawing))
    misfit = table.misfit(model.features(draws, sizes))
    return Score(
        kind=model.kind,
        evidence=combine(ladders),
        predictive=float(np.mean(chi2.sf(misfit, table.positions.size))),
        draws=draws,
    )


@final
class _Parts:
    """The parameters of a kind that chains move in, and those integrated out."""

    def __init__(self, model: ScalingModel, table: FeatureTable, sizes: Sizes) -> None:
        self.model, self.table, self.sizes = model, table, sizes
        self.linear = np.flatnonzero(model.linear)
        self.others = np.flatnonzero(~model.linear)
        self.free = ParameterSpace(tuple(model.space.parameters[i] for i in self.others))

    def log_likelihood(self, free: FloatArray) -> FloatArray:
        """Log density of the features at free parameters (draw, parameter), (draw,)."""
        parts = self._linearised(free)
        density = parts.linear.log_marginal - 0.5 * self.table.log_determinant
        return density + self._bound_log_probability(parts)

    def completed(self, free: FloatArray, generator: np.random.Generator) -> FloatArray:
        """All parameters in standard coordinates, the linear ones drawn, (draw, parameter)."""
        parts = self._linearised(free)
        standard = np.empty((len(free), self.model.space.size))
        standard[:, self.others] = free
        standard[:, self.linear] = parts.linear.drawn(generator)
        if not self.table.bounds.size:
            return standard
        # Drawn without the bounds, so that draws within them weigh more.
        reached = self.table.bounded(self.model.features(standard, self.sizes))
        weights = np.exp(
            np.sum(log_ndtr((reached - self.table.bounds) / self.table.bound_errors), axis=1)
            - self._bound_log_probability(parts)
        )
        if not weights.sum() > 0.0:
            return standard
        return standard[generator.choice(len(free), len(free), p=weights / weights.sum())]

    def _bound_log_probability(self, parts: "_Linearised") -> FloatArray:
        """Log probability that bounded features exceed their bounds given the others, (draw,).

        Bounds count one by one, given the features that are known: they are few, and mostly
        met by far or not at all.
        """
        mean, variance = parts.linear.predicted(parts.bound_design)
        spread = np.sqrt(variance + self.table.bound_errors**2)
        excess = (parts.bound_base + mean - self.table.bounds) / spread
        probability: FloatArray = np.sum(log_ndtr(excess), axis=1)
        return probability

    def _linearised(self, free: FloatArray) -> "_Linearised":
        standard = np.zeros((1 + self.linear.size, len(free), self.model.space.size))
        standard[:, :, self.others] = free
        standard[1 + np.arange(self.linear.size), :, self.linear] = 1.0
        predicted = self.model.features(standard.reshape(-1, standard.shape[2]), self.sizes)
        predicted = predicted.reshape(*standard.shape[:2], *predicted.shape[1:])
        white, bounded = self.table.white(predicted), self.table.bounded(predicted)
        return _Linearised(
            linear=linear_posterior(
                self.table.values @ self.table.whitening - white[0],
                np.moveaxis(white[1:] - white[0], 0, -1),
            ),
            bound_base=bounded[0],
            bound_design=np.moveaxis(bounded[1:] - bounded[0], 0, -1),
        )


class _Linearised(NamedTuple):
    """A kind at some free parameters, as a linear function of the others."""

    linear: LinearPosterior
    bound_base: FloatArray  # (draw, bound)
    bound_design: FloatArray  # (draw, bound, linear)
