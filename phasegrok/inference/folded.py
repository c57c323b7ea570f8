"""Fit a family of densities to folded overlaps: evidence, draws, and whether it fits at all."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from scipy.special import xlogy

from phasegrok.inference.chains import Chains
from phasegrok.inference.counts import Counts
from phasegrok.inference.evidence import LADDERS, Evidence, combine
from phasegrok.inference.ladder import Schedule, climb
from phasegrok.inference.sampling import Budget, sample
from phasegrok.inference.target import Target, best_point, draw_probabilities, peak_of
from phasegrok.statistics.samples import FloatArray

__all__ = ["FoldedFit", "fit_folded", "predictive_probability"]

SCHEDULE: Final = Schedule(walkers=60, burn_in=15, steps=25, overlap=0.5)
BUDGET: Final = Budget(effective_samples=700.0, block=100, burn_in=50, most_steps=2000)

REPLICATES: Final = 300
"""Replicated data sets, about as many, that the check of fit draws."""

EXPECTED_IN_CELL: Final = 5.0
"""Counts below which neighbouring bins are joined for the check of fit."""


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
    """What the fit of one family found.

    Parameters
    ----------
    evidence : Evidence
        ln Z with its check.
    chains : Chains
        Draws of standard coordinates.
    probabilities : (draw, bin) array
        Bin probabilities at each of the draws, misfit included.
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
    drawn = draw_probabilities(target, kept.flat(), peak=peak, generator=generator)
    some = drawn[:: max(1, len(drawn) // REPLICATES)]
    return FoldedFit(
        evidence=combine(ladders),
        chains=kept,
        probabilities=drawn,
        predictive=predictive_probability(some, target.data, generator),
    )
