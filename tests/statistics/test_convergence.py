"""R-hat on chains that agree, chains that do not, and chains that stand still."""

from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phasegrok.errors import InsufficientSamplesError
from phasegrok.statistics.convergence import rank_normalised_split_r_hat, split_r_hat
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
