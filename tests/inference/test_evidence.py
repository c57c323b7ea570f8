"""Evidences against exact integrals, also where modes are far apart."""

import numpy as np
import pytest

from phasegrok.errors import (
    InsufficientSamplesError,
    InvalidValueError,
    NoConvergenceError,
)
from phasegrok.inference.evidence import Evidence, Schedule, bennett, climb, combine
from phasegrok.inference.priors import ParameterSpace, uniform
from phasegrok.statistics.samples import FloatArray

CUBE = ParameterSpace(tuple(uniform(name, -10.0, 10.0, meaning="") for name in "xyz"))
LINE = ParameterSpace((uniform("x", -10.0, 10.0, meaning=""),))
SEED = np.random.SeedSequence(11)


def point(space: ParameterSpace, standard: FloatArray) -> FloatArray:
    return np.stack(list(space.values(standard).values()), axis=-1)


def log_normal(points: FloatArray, centre: float, width: float) -> FloatArray:
    away = (points - centre) / width
    density: FloatArray = np.sum(-0.5 * away**2 - 0.5 * np.log(2 * np.pi * width**2), axis=-1)
    return density


def two_modes(standard: FloatArray) -> FloatArray:
    points = point(CUBE, standard)
    both = np.logaddexp(log_normal(points, 4.0, 0.5), log_normal(points, -4.0, 0.5))
    modes: FloatArray = both - np.log(2.0)
    return modes


def test_two_separated_modes_in_three_dimensions() -> None:
    schedule = Schedule(walkers=200, burn_in=30, steps=60, overlap=0.5)
    ladders = [climb(CUBE, two_modes, seed=own, schedule=schedule) for own in SEED.spawn(2)]
    evidence = combine(ladders)
    assert evidence.consistent
    assert evidence.log_evidence == pytest.approx(-3.0 * np.log(20.0), abs=0.15)
    assert abs(evidence.log_evidence + 3.0 * np.log(20.0)) < 4.0 * evidence.standard_error
    # Neither mode is lost on the way up: 200 walkers, half in each, correlated fivefold.
    share = np.mean([np.mean(ladder.positions[:, 0] > 0) for ladder in ladders])
    assert 0.25 < share < 0.75


def test_the_stated_error_covers_the_scatter() -> None:
    def narrow(standard: FloatArray) -> FloatArray:
        return log_normal(point(LINE, standard), 3.0, 0.05)

    schedule = Schedule(walkers=20, burn_in=15, steps=20, overlap=0.5)
    ladders = [climb(LINE, narrow, seed=own, schedule=schedule) for own in SEED.spawn(24)]
    errors = np.array([ladder.balanced for ladder in ladders]) + np.log(20.0)
    stated = np.sqrt(np.mean([ladder.standard_error**2 for ladder in ladders]))
    assert abs(errors.mean()) < 4.0 * errors.std(ddof=1) / np.sqrt(24)
    assert 0.5 < errors.std(ddof=1) / stated < 1.5


def test_bennett_is_exact_for_shifted_gaussians() -> None:
    # Upper law exp(-(x-1)²/2 + 0.7), lower exp(-x²/2): the ratio of normalisations is e^0.7.
    rng = np.random.default_rng(2)
    below, above = rng.normal(size=20_000), rng.normal(loc=1.0, size=5_000)

    def difference(x: FloatArray) -> FloatArray:
        return 0.5 * x**2 - 0.5 * (x - 1.0) ** 2 + 0.7

    assert bennett(difference(below), difference(above)) == pytest.approx(0.7, abs=0.06)


def test_bennett_finds_ratios_of_any_magnitude() -> None:
    # Equal laws whose densities differ by a constant factor e^(10⁹).
    differences = 1e9 + np.zeros(50)
    assert bennett(differences, differences) == pytest.approx(1e9, abs=1e-3)


def test_a_likelihood_that_vanishes_almost_everywhere_is_climbed() -> None:
    def inside(standard: FloatArray) -> FloatArray:
        x = point(LINE, standard)[:, 0]
        density: FloatArray = np.where(np.abs(x) < 0.5, 0.0, -np.inf)
        return density

    ladders = [climb(LINE, inside, seed=own) for own in SEED.spawn(4)]
    evidence = combine(ladders)
    # One part in twenty of the prior.
    assert abs(evidence.log_evidence + np.log(20.0)) < 4.0 * evidence.standard_error


def test_a_likelihood_that_vanishes_everywhere_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="finite somewhere"):
        climb(LINE, lambda standard: np.full(len(standard), -np.inf), seed=SEED)


def test_disagreement_between_directions_is_refused() -> None:
    good = Evidence(log_evidence=0.0, standard_error=0.1, forward=0.2, reverse=-0.2, rungs=5)
    bad = Evidence(log_evidence=0.0, standard_error=0.1, forward=1.0, reverse=-1.0, rungs=5)
    assert good.consistent
    assert not bad.consistent
    assert "REFUSED" in str(bad)


def test_refusals() -> None:
    def undefined(standard: FloatArray) -> FloatArray:
        return np.full(len(standard), np.nan)

    def sharp(standard: FloatArray) -> FloatArray:
        return log_normal(point(LINE, standard), 3.0, 1e-6)

    with pytest.raises(InvalidValueError, match="not a number at a prior draw"):
        climb(LINE, undefined, seed=SEED)
    with pytest.raises(NoConvergenceError, match="after 2 rungs") as caught:
        climb(LINE, sharp, seed=SEED, schedule=Schedule(most_rungs=2))
    assert isinstance(caught.value.estimate, float)
    with pytest.raises(InsufficientSamplesError, match="at least 2"):
        combine([])
    with pytest.raises(InvalidValueError, match="0 < overlap < 1"):
        Schedule(overlap=1.0)
