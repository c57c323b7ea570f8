"""R-hat on chains that agree, chains that do not, and chains that stand still."""

from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.convergence import (
    ragged_rank_normalised_split_r_hat,
    ragged_split_r_hat,
    rank_normalised_split_r_hat,
    split_r_hat,
)
from phasegrok.statistics.samples import FloatArray

BOTH = pytest.mark.parametrize("r_hat", [split_r_hat, rank_normalised_split_r_hat])


def test_equals_the_textbook_formula() -> None:
    chains = np.random.default_rng(0).normal(size=(3, 41)) + np.array([[0.0], [0.4], [0.1]])
    halves = [half for chain in chains for half in (chain[:20], chain[-20:])]
    within = sum(np.var(half, ddof=1) for half in halves) / 6
    grand = sum(np.mean(half) for half in halves) / 6
    between = 20.0 / 5.0 * sum((np.mean(half) - grand) ** 2 for half in halves)
    expected = ((19.0 / 20.0 * within + between / 20.0) / within) ** 0.5
    np.testing.assert_allclose(split_r_hat(chains), expected, rtol=1e-12)


@BOTH
def test_is_one_for_chains_that_agree(r_hat: Callable[[FloatArray], FloatArray]) -> None:
    chains = np.random.default_rng(1).normal(size=(200, 4, 1000))
    values = r_hat(chains)
    # E[R̂²] - 1 = (B/W - 1)/n with n = 500 samples a half, and 8 halves: 4 standard errors.
    assert np.all(values < 1.0 + 0.5 * (4.0 * (2.0 / 7.0) ** 0.5 + 1.0) / 500)
    assert np.all(values > 0.998)


@BOTH
def test_sees_a_shifted_chain(r_hat: Callable[[FloatArray], FloatArray]) -> None:
    chains = np.random.default_rng(2).normal(size=(50, 4, 1000))
    chains[:, 0] += 1.0
    assert np.all(r_hat(chains) > 1.05)


@BOTH
def test_sees_a_drift_within_one_chain(r_hat: Callable[[FloatArray], FloatArray]) -> None:
    chain = np.random.default_rng(3).normal(size=(1, 1000)) + np.linspace(0.0, 2.0, 1000)
    assert r_hat(chain) > 1.1


def test_ranks_see_an_unequal_width_and_survive_heavy_tails() -> None:
    generator = np.random.default_rng(4)
    wide = generator.normal(size=(4, 1000))
    wide[0] *= 3.0
    assert split_r_hat(wide) < 1.01
    assert rank_normalised_split_r_hat(wide) > 1.05
    heavy = generator.standard_cauchy(size=(50, 4, 1000))
    heavy[:, 0] += 3.0
    assert np.all(rank_normalised_split_r_hat(heavy) > 1.05)
    assert np.mean(split_r_hat(heavy)) < 1.05


def test_matches_a_direct_computation_of_ranks() -> None:
    chains = np.random.default_rng(5).normal(size=(2, 10)) + np.array([[0.0], [1.0]])
    flat = sorted(chains.ravel().tolist())
    score = {
        x: NormalDist().inv_cdf((i + 1 - 3 / 8) / (20 + 1 / 4)) for i, x in enumerate(flat)
    }
    scores = np.array([[score[float(x)] for x in chain] for chain in chains])
    bulk = split_r_hat(scores)
    assert rank_normalised_split_r_hat(chains) >= bulk - 1e-12
    shifted = chains + 100.0 * (np.arange(2)[:, np.newaxis])
    ranks = np.argsort(np.argsort(shifted.ravel())) + 1.0
    exact = [NormalDist().inv_cdf((rank - 3 / 8) / (20 + 1 / 4)) for rank in ranks]
    np.testing.assert_allclose(
        rank_normalised_split_r_hat(shifted),
        split_r_hat(np.array(exact).reshape(2, 10)),
        rtol=1e-12,
    )


@BOTH
def test_chains_that_stand_still(r_hat: Callable[[FloatArray], FloatArray]) -> None:
    assert r_hat(np.full((3, 10), 0.1)) == 1.0
    assert r_hat(np.repeat([[0.1], [0.2]], 10, axis=1)) == np.inf


@settings(max_examples=40, deadline=None)
@given(st.integers(4, 60), st.floats(-50.0, 50.0), st.floats(1e-2, 1e2), st.integers(0, 2**31))
def test_symmetries(length: int, shift: float, scale: float, seed: int) -> None:
    chains = np.random.default_rng(seed).normal(size=(3, length))
    moved = -scale * chains[::-1] + shift
    np.testing.assert_allclose(split_r_hat(moved), split_r_hat(chains), rtol=1e-7)
    expected = rank_normalised_split_r_hat(chains)
    np.testing.assert_allclose(rank_normalised_split_r_hat(8.0 * chains), expected, rtol=1e-12)
    np.testing.assert_allclose(rank_normalised_split_r_hat(chains[::-1]), expected, rtol=1e-12)


def test_integers_and_vectors_of_points() -> None:
    chains = np.random.default_rng(6).integers(0, 5, size=(2, 3, 4, 20))
    values = rank_normalised_split_r_hat(chains)
    assert values.shape == (2, 3)
    np.testing.assert_allclose(values[1, 2], rank_normalised_split_r_hat(chains[1, 2]))


@BOTH
def test_refuses_short_chains(r_hat: Callable[[FloatArray], FloatArray]) -> None:
    with pytest.raises(InsufficientSamplesError, match="at least 4 samples, received 3"):
        r_hat(np.zeros((2, 3)))
    with pytest.raises(InsufficientSamplesError, match="received 0"):
        r_hat(np.zeros((0, 8)))


PAIRS = pytest.mark.parametrize(
    ("ragged", "even"),
    [
        (ragged_split_r_hat, split_r_hat),
        (ragged_rank_normalised_split_r_hat, rank_normalised_split_r_hat),
    ],
)
Ragged = Callable[[list[FloatArray]], FloatArray]
LENGTHS = (30, 500, 101, 1000)


@PAIRS
def test_equal_lengths_are_no_special_case(
    ragged: Ragged, even: Callable[[FloatArray], FloatArray]
) -> None:
    chains = np.random.default_rng(7).normal(size=(3, 5, 41)) + np.arange(5.0)[:, np.newaxis]
    each = [chains[:, chain] for chain in range(5)]
    np.testing.assert_allclose(ragged(each), even(chains), rtol=1e-12)
    alone = ragged([one[1] for one in each])
    np.testing.assert_allclose(alone, ragged(each)[1], rtol=1e-12)
    np.testing.assert_allclose(ragged(each[::-1]), ragged(each), rtol=1e-12)


def test_unequal_lengths_are_unbiased_for_one_law() -> None:
    # B/W follows Snedecor's law of 7 and N - 8 degrees of freedom whatever the lengths.
    generator, count = np.random.default_rng(8), 4000
    chains = [generator.normal(size=(count, length)) for length in (8, 12, 60, 200)]
    halves = np.repeat([4.0, 6.0, 30.0, 100.0], 2)
    equivalent = (halves.sum() - (halves**2).sum() / halves.sum()) / 7.0
    ratio = (ragged_split_r_hat(chains) ** 2 - 1.0) * equivalent + 1.0
    freedom = halves.sum() - 8.0
    assert abs(ratio.mean() - freedom / (freedom - 2.0)) < 4.0 * ratio.std() / count**0.5


def test_the_variance_component_of_unequal_chains_is_found() -> None:
    # Means of the chains scatter with variance 0.09: R² = 1 + 0.09 but for the halves, two
    # of which share their mean.
    generator, count = np.random.default_rng(9), 4000
    lengths = (20, 40, 300, 100, 60)
    chains = [
        generator.normal(size=(count, length)) + 0.3 * generator.normal(size=(count, 1))
        for length in lengths
    ]
    halves = np.repeat(np.array(lengths) / 2.0, 2)
    total = halves.sum()
    equivalent = (total - (halves**2).sum() / total) / 9.0
    # E B = 1 + 0.09 (N - Σ (2 n_j)²/N)/(M - 1), with both halves of a chain together.
    shared = (total - (np.array(lengths, dtype=float) ** 2).sum() / total) / 9.0
    squared = ragged_split_r_hat(chains) ** 2
    expected = 1.0 + 0.09 * shared / equivalent
    # The mean of 1/W exceeds 1 by 2/(N - M), some 0.8 % of a term of 0.09.
    assert abs(squared.mean() - expected) < 4.0 * squared.std() / count**0.5 + 2e-3


@PAIRS
def test_one_short_chain_elsewhere_is_seen(
    ragged: Ragged, even: Callable[[FloatArray], FloatArray]
) -> None:
    generator = np.random.default_rng(10)
    chains = [generator.normal(size=length) for length in LENGTHS]
    assert ragged(chains) < 1.02
    apart = [chains[0] + 5.0, *chains[1:]]
    assert ragged(apart) > 1.05
    assert even(np.stack([chain[:30] for chain in apart])) > 1.05


@PAIRS
def test_ragged_chains_that_stand_still(
    ragged: Ragged, even: Callable[[FloatArray], FloatArray]
) -> None:
    still = [np.full(length, 0.1) for length in LENGTHS]
    assert ragged(still) == even(np.full((2, 8), 0.1)) == 1.0
    assert ragged([still[0] + 1.0, *still[1:]]) == np.inf


@PAIRS
def test_ragged_refusals(ragged: Ragged, even: Callable[[FloatArray], FloatArray]) -> None:
    assert even(np.arange(4.0)[np.newaxis]) > 1.0
    with pytest.raises(InsufficientSamplesError, match="at least 4 samples, received 3"):
        ragged([np.zeros(9), np.zeros(3)])
    with pytest.raises(InsufficientSamplesError, match="of no series"):
        ragged([])
    with pytest.raises(InvalidValueError, match="alike but for their last axis"):
        ragged([np.zeros((2, 9)), np.zeros((3, 9))])
    with pytest.raises(InvalidValueError, match="1 NaN or infinite"):
        ragged([np.zeros(9), np.array([0.0, 1.0, np.nan, 2.0])])
