"""Fit a family of densities to folded overlaps: bins, best point, evidence, draws, check."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from scipy.optimize import minimize
from scipy.special import xlogy

from phasegrok.inference.effective import EffectiveNumbers
from phasegrok.inference.evidence import Evidence, Schedule, climb, combine
from phasegrok.inference.likelihoods import (
    Counts,
    Misfit,
    deviate,
    misfit_draw,
    misfit_log_likelihood,
    misfit_mean,
    misfit_of,
    student_log_likelihood,
)
from phasegrok.inference.models import FoldedModel, bin_probabilities
from phasegrok.inference.priors import FloatArray
from phasegrok.inference.sampling import Budget, Chains, LogProbability, sample

__all__ = [
    "BINS",
    "MISFIT_LENGTH",
    "MISFIT_SIZE",
    "FoldedFit",
    "Peak",
    "Target",
    "best_point",
    "bin_folded",
    "densities",
    "fit_folded",
    "peak_of",
    "predictive_probability",
    "shared",
    "target_of",
]

BINS: Final = 110
"""Bins between 0 and the largest overlap, much narrower than either phase."""

MISFIT_SIZE: Final = 0.3
"""Prior standard deviation of the log density's deviation from the family."""

MISFIT_LENGTH: Final = 0.08
"""Its correlation length, in units of the largest overlap."""

MISFIT_MODES: Final = 18

SCHEDULE: Final = Schedule(walkers=60, burn_in=15, steps=25, overlap=0.5)
BUDGET: Final = Budget(effective_samples=700.0, block=100, burn_in=50, most_steps=1000)
LADDERS: Final = 2
REPLICATES: Final = 300
EXPECTED_IN_CELL: Final = 5.0
FARTHEST: Final = 8.0  # standard deviations of the prior, within which the peak is sought


def bin_folded(overlaps: FloatArray, *, bins: int = BINS) -> Counts:
    """Count folded overlaps in equal bins, with wider ones for outliers.

    Parameters
    ----------
    overlaps : (draw,) array
        |q|, finite.
    bins : int
        Equal bins up to a tenth beyond the bulk (1.3 times the quantile 0.999, or the
        largest where that is less); outliers beyond fall in ten bins more.

    Returns
    -------
    Counts
        Without a cut, every draw worth one.
    """
    largest = float(overlaps.max())
    bulk = min(largest, 1.3 * float(np.quantile(overlaps, 0.999)))
    edges = np.linspace(0.0, 1.1 * bulk, bins + 1)
    if largest >= edges[-1]:
        edges = np.concatenate([edges, np.linspace(edges[-1], 1.1 * largest, 11)[1:]])
    return Counts(edges=edges, counts=np.histogram(overlaps, edges)[0].astype(float))


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
    """Prepare a family for fitting, with the misfit that this room allows by default.

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
        With a misfit of size `MISFIT_SIZE` and length `MISFIT_LENGTH` times the bulk.
    """
    bulk = float(data.edges[min(BINS, data.counts.size)])
    misfit = misfit_of(data, size=MISFIT_SIZE, length=MISFIT_LENGTH * bulk, modes=MISFIT_MODES)
    return Target(model=model, data=data, misfit=misfit, freedom=freedom)


def _with_gradient(
    log_density: LogProbability, step: float = 1e-4
) -> Callable[[FloatArray], tuple[float, FloatArray]]:
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
    negative = _with_gradient(log_density)
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


def densities(
    target: Target, standard: FloatArray, *, peak: Peak, generator: np.random.Generator
) -> FloatArray:
    """Draw bin probabilities (draw, bin), misfit included, at standard coordinates.

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


def _cells(expected: FloatArray, least: float) -> FloatArray:
    """Indicators (cell, bin) of neighbouring bins joined until each expects enough."""
    labels, filled, label = np.zeros(expected.size, dtype=int), 0.0, 0
    for index, value in enumerate(expected):
        labels[index] = label
        filled += value
        if filled >= least:
            label, filled = label + 1, 0.0
    labels[labels == label] = max(label - 1, 0)
    cells: FloatArray = (labels == np.arange(labels.max() + 1)[:, None]).astype(np.float64)
    return cells


def _deviance(observed: FloatArray, probabilities: FloatArray) -> FloatArray:
    """2 Σ n ln(n / N p) over the last axis."""
    total = observed.sum(axis=-1, keepdims=True)
    ratio = observed / np.maximum(total * probabilities, 1e-300)
    terms = np.asarray(xlogy(observed, np.maximum(ratio, 1e-300)), dtype=np.float64)
    deviance: FloatArray = 2.0 * terms.sum(axis=-1)
    return deviance


def predictive_probability(
    probabilities: FloatArray, data: Counts, generator: np.random.Generator
) -> float:
    """Chance that data drawn from the fit deviate from it more than the data do.

    Parameters
    ----------
    probabilities : (draw, bin) array
        Draws from the posterior.
    data : Counts
        What was counted, with its effective shares.
    generator : numpy.random.Generator
        For the replicates.

    Returns
    -------
    float
        Posterior-predictive probability of the deviance G = 2 Σ n ln(n / N p) of effective
        counts, in cells that expect at least five [1]_. Near 0 the family does not fit.

    References
    ----------
    .. [1] Gelman, Meng and Stern, Statistica Sinica 6, 733 (1996).
    """
    observed = np.zeros(len(probabilities))
    replicated = np.zeros(len(probabilities))
    parts = [(data.shape_counts * side, side) for side in data.sides]
    for counts, side in parts:
        within = probabilities * side
        within = within / within.sum(axis=1, keepdims=True)
        number = round(counts.sum())
        cells = _cells(number * within.mean(axis=0), EXPECTED_IN_CELL)
        joined = within @ cells.T
        observed += _deviance(np.broadcast_to(cells @ counts, joined.shape), joined)
        # Rounding may leave a cell a hair above 1, which the generator would refuse.
        chances = np.minimum(joined / joined.sum(axis=1, keepdims=True), 1.0)
        replicated += _deviance(generator.multinomial(number, chances).astype(float), joined)
    return float(np.mean(replicated >= observed))


@final
@dataclass(frozen=True, kw_only=True)
class FoldedFit:
    """One family fitted.

    Parameters
    ----------
    evidence : Evidence
        ln Z with its check.
    chains : Chains
        Draws of standard coordinates.
    probabilities : (draw, bin) array
        Draws of the bin probabilities, misfit included.
    predictive : float
        Posterior-predictive probability of the deviance.
    """

    evidence: Evidence
    chains: Chains
    probabilities: FloatArray
    predictive: float


def _thin(chains: Chains, draws: int) -> Chains:
    """Keep about as many draws of each chain, whole steps of all walkers."""
    held = chains.draws.sizes["draw"]
    stride = max(1, held // draws)
    return Chains(
        draws=chains.draws.isel(draw=slice(None, None, stride)),
        health=chains.health,
        walkers=chains.walkers,
    )


def fit_folded(target: Target, *, seed: np.random.SeedSequence, draws: int = 1000) -> FoldedFit:
    """Climb to the posterior of a family from its prior, twice, and sample it.

    Parameters
    ----------
    target : Target
        What is fitted.
    seed : numpy.random.SeedSequence
        The only source of randomness.
    draws : int
        Draws kept of each of the two chains.

    Returns
    -------
    FoldedFit
        Evidence, draws and the check of fit.
    """
    space = target.model.space
    first, moves, extra, *climbs = seed.spawn(3 + LADDERS)
    peak = peak_of(target, best_point(target, seed=first))
    log_likelihood = target.robust_log_likelihood(peak)
    ladders = [climb(space, log_likelihood, seed=own, schedule=SCHEDULE) for own in climbs]
    starts = np.stack([ladder.positions for ladder in ladders])
    sampled = sample(
        lambda z: space.log_prior(z) + log_likelihood(z),
        starts,
        names=space.names,
        seed=int(moves.generate_state(1)[0]),
        budget=BUDGET,
    )
    kept = _thin(sampled, draws)
    generator = np.random.default_rng(extra)
    drawn = densities(target, kept.flat(), peak=peak, generator=generator)
    some = drawn[:: max(1, len(drawn) // REPLICATES)]
    return FoldedFit(
        evidence=combine(ladders),
        chains=kept,
        probabilities=drawn,
        predictive=predictive_probability(some, target.data, generator),
    )


def shared(data: Counts, numbers: EffectiveNumbers, cut: float | None) -> Counts:
    """Return the counts with each draw worth its effective share.

    Parameters
    ----------
    data : Counts
        As counted.
    numbers : EffectiveNumbers
        Shares on either side of the cut, and for the balance.
    cut : float or None
        Border of the phases; moved to the nearest edge of a bin.

    Returns
    -------
    Counts
        Of the same bins.
    """
    index = 0 if cut is None else int(np.argmin(np.abs(data.edges[:-1] - cut)))
    return Counts(
        edges=data.edges,
        counts=data.counts,
        cut=index,
        lower_share=numbers.lower_share,
        upper_share=numbers.upper_share,
        balance_share=numbers.balance_share,
    )
