"""Evidences against exact integrals, also where modes are far apart."""

import numpy as np
import pytest

from phasegrok.errors import InsufficientSamplesError
from phasegrok.inference.evidence import Evidence, climb_together, combine
from phasegrok.inference.ladder import Schedule, climb
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


@pytest.mark.parametrize("share", [0.9, 0.5, 0.05, 0.01])
def test_excluded_volume_of_the_prior_is_counted(share: float) -> None:
    def inside(standard: FloatArray) -> FloatArray:
        x = point(LINE, standard)[:, 0]
        density: FloatArray = np.where(np.abs(x) < 10.0 * share, 0.0, -np.inf)
        return density

    ladders = [climb(LINE, inside, seed=own) for own in SEED.spawn(6)]
    evidence = combine(ladders)
    assert evidence.consistent
    assert abs(evidence.log_evidence - np.log(share)) < 4.0 * evidence.standard_error
    # A constant within the support has no error but that of its share.
    for ladder in ladders:
        assert abs(ladder.balanced - np.log(share)) < 4.5 * ladder.standard_error
        # Rounds of 3,000 draws are made until 3,000 lie within.
        low, high = (((1.0 - share) / count) ** 0.5 for count in (6000.0, 3000.0))
        assert 0.95 * low < ladder.standard_error < 1.05 * high


def test_a_law_cut_in_half_has_half_the_evidence() -> None:
    def half(standard: FloatArray) -> FloatArray:
        x = point(LINE, standard)
        return np.where(x[:, 0] > 1.0, log_normal(x, 1.0, 0.3), -np.inf)

    schedule = Schedule(walkers=100, burn_in=20, steps=40, overlap=0.5)
    evidence = combine(
        [climb(LINE, half, seed=own, schedule=schedule) for own in SEED.spawn(4)]
    )
    assert evidence.consistent
    exact = -np.log(2.0 * 20.0)
    assert abs(evidence.log_evidence - exact) < 4.0 * evidence.standard_error


def test_disagreement_between_directions_is_refused() -> None:
    good = Evidence(log_evidence=0.0, standard_error=0.1, forward=0.2, reverse=-0.2, rungs=5)
    bad = Evidence(log_evidence=0.0, standard_error=0.1, forward=1.0, reverse=-1.0, rungs=5)
    assert good.consistent
    assert not bad.consistent
    assert "REFUSED, forward and reverse disagree" in str(bad)


def test_disagreement_between_ladders_is_refused() -> None:
    apart = Evidence(log_evidence=0.0, standard_error=9.0, forward=0.2, reverse=-0.2, rungs=5)
    assert not apart.consistent
    assert "REFUSED, ladders disagree" in str(apart)


def test_one_ladder_has_no_evidence() -> None:
    with pytest.raises(InsufficientSamplesError, match="at least 2"):
        combine([])


def test_what_is_no_evidence_is_climbed_again_with_twice_the_walkers() -> None:
    def narrow(standard: FloatArray) -> FloatArray:
        return log_normal(point(LINE, standard), 3.0, 0.01)

    hasty = Schedule(walkers=4, burn_in=10, steps=4, overlap=0.5)
    attempts = np.random.SeedSequence(12).spawn(8)
    once = climb_together(LINE, narrow, seeds=attempts[:1], schedule=hasty)
    assert not combine(once).consistent
    again = climb_together(LINE, narrow, seeds=attempts, schedule=hasty)
    evidence = combine(again)
    assert evidence.consistent
    assert abs(evidence.log_evidence + np.log(20.0)) < 4.0 * evidence.standard_error
    doublings = np.log2(len(again[0].positions) / hasty.walkers)
    assert doublings in range(1, len(attempts))
