"""Journeys between phases, and chains that stay where they began."""

import numpy as np
import pytest
from numpy.typing import NDArray

from phasegrok.transitions.chains import Chain, SizeChains
from phasegrok.transitions.phases.phase_changes import round_trips, start_disagreement


def chain(values: NDArray[np.float64]) -> Chain:
    return Chain(values=values, control=0.0, disorder=None)


def telegraph(
    generator: np.random.Generator, rate: float, begin: float, length: int = 4000
) -> NDArray[np.float64]:
    """Jump between -1 and 1 with a chance per record, noise on top."""
    jumps = np.where(generator.random(length) < rate, -1.0, 1.0)
    jumps[0] = begin
    return np.asarray(np.cumprod(jumps) + 0.2 * generator.standard_normal(length))


def test_journeys_are_counted_and_shivers_are_not() -> None:
    there_and_back = np.array([-1.1, 0.3, -0.2, 0.1, 1.2, 0.4, 1.1, -0.3, -1.2, 1.3, 0.5, -1.4])
    assert round_trips([chain(there_and_back)], lower_mean=-1.0, upper_mean=1.0) == 2
    shiver = np.array([-1.5, 0.4, -0.4] * 20)
    assert round_trips([chain(shiver)], lower_mean=-1.0, upper_mean=1.0) == 0


def test_the_number_of_journeys_is_half_that_of_jumps() -> None:
    generator = np.random.default_rng(1)
    chains = [chain(telegraph(generator, 0.01, 1.0)) for _ in range(20)]
    trips = round_trips(chains, lower_mean=-1.0, upper_mean=1.0)
    # 80 000 records with a jump in a hundred; each chain loses half a journey at its end.
    expected = 400.0 - 20 * 0.25
    assert abs(trips - expected) < 4.0 * 0.5 * np.sqrt(800.0)


def test_disagreement_of_equilibrium_chains_is_standard_normal() -> None:
    generator = np.random.default_rng(2)
    found = []
    for _ in range(150):
        chains = [chain(telegraph(generator, 0.05, begin)) for begin in (-1.0, 1.0, -1.0, 1.0)]
        size = SizeChains(size=1.0, volume=1.0, chains=tuple(chains))
        found.append(start_disagreement(size, cut=0.0))
    assert abs(np.mean(found)) < 4.0 / np.sqrt(150)
    assert np.std(found, ddof=1) == pytest.approx(1.0, abs=4.0 / np.sqrt(2 * 150))


def test_chains_that_stay_where_they_began_disagree() -> None:
    generator = np.random.default_rng(3)
    chains = [chain(telegraph(generator, 0.05, 1.0) * 0.1 + side) for side in (-1.0, 1.0) * 8]
    size = SizeChains(size=1.0, volume=1.0, chains=tuple(chains))
    assert start_disagreement(size, cut=0.0) > 1.0
    together = SizeChains(size=1.0, volume=1.0, chains=tuple(chains[::2]))
    assert start_disagreement(together, cut=0.0) == 0.0
