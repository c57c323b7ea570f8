"""Likelihoods of binned draws against closed forms and numerical integrals."""

import numpy as np
import pytest
from scipy import integrate, stats

from phasegrok.inference.counts import Counts
from phasegrok.inference.likelihoods import (
    counts_log_likelihood,
    deviate,
    misfit_draw,
    misfit_log_likelihood,
    misfit_mean,
    misfit_of,
    student_log_likelihood,
)
from phasegrok.statistics.samples import FloatArray

EDGES = np.linspace(0.0, 1.0, 21)


def counts(**settings: float) -> Counts:
    number = np.random.default_rng(0).poisson(60.0, size=20).astype(float)
    return Counts(edges=EDGES, counts=number, **settings)  # type: ignore[arg-type]


def probabilities(walkers: int = 3) -> FloatArray:
    raw = np.random.default_rng(1).uniform(0.5, 1.5, size=(walkers, 20))
    normalised: FloatArray = raw / raw.sum(axis=1, keepdims=True)
    return normalised


@pytest.mark.parametrize("cut", [0, 7])
def test_full_shares_give_the_multinomial_likelihood(cut: int) -> None:
    expected = np.log(probabilities()) @ counts().counts
    actual = counts_log_likelihood(probabilities(), counts(cut=cut))
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


@pytest.mark.parametrize("cut", [0, 7])
def test_equal_shares_temper_it(cut: int) -> None:
    data = counts(cut=cut, lower_share=0.2, upper_share=0.2, balance_share=0.2)
    expected = 0.2 * np.log(probabilities()) @ data.counts
    np.testing.assert_allclose(
        counts_log_likelihood(probabilities(), data), expected, rtol=1e-12
    )


def test_the_balance_share_rules_the_balance_alone() -> None:
    plain, tempered = counts(cut=7), counts(cut=7, balance_share=0.1)
    p = probabilities(1)
    # Moving weight across the cut without changing either shape.
    above = np.arange(20) >= 7
    upper, lower = (np.where(side, p[0], 0.0) / p[0][side].sum() for side in (above, ~above))
    moved = np.stack([w * upper + (1.0 - w) * lower for w in (0.3, 0.6)])
    full = np.diff(counts_log_likelihood(moved, plain))
    np.testing.assert_allclose(
        np.diff(counts_log_likelihood(moved, tempered)), 0.1 * full, rtol=1e-10
    )


@pytest.mark.parametrize("settings", [{}, {"cut": 7, "upper_share": 0.3, "balance_share": 0.5}])
def test_the_misfit_climbs_to_the_maximum(settings: dict[str, float]) -> None:
    data = counts(**settings)
    misfit = misfit_of(data, size=0.2, length=0.2, modes=5)
    p = probabilities(1)

    def log_posterior(modes: FloatArray) -> float:
        bent = deviate(p, modes[None], misfit)
        return float(counts_log_likelihood(bent, data)[0] - 0.5 * np.sum(modes**2))

    best = misfit_mean(p, data, misfit)[0]
    # One Newton step with the observed curvature leaves a gradient small against the start.
    steps = 1e-4 * np.eye(5)

    def gradient(at: FloatArray) -> FloatArray:
        return np.array([(log_posterior(at + s) - log_posterior(at - s)) / 2e-4 for s in steps])

    start = np.linalg.norm(gradient(np.zeros(5)))
    assert np.linalg.norm(gradient(best)) < 0.1 * start
    assert log_posterior(best) > log_posterior(np.zeros(5))


def test_the_misfit_is_integrated_exactly_in_one_dimension() -> None:
    data = counts()
    wide = misfit_of(data, size=0.2, length=0.5, modes=1)
    p = np.full((1, 20), 0.05)

    def integrand(mode: float) -> float:
        bent = deviate(p, np.array([[mode]]), wide)
        value = counts_log_likelihood(bent, data)[0] - counts_log_likelihood(p, data)[0]
        return float(np.exp(value) * stats.norm.pdf(mode))

    exact = np.log(integrate.quad(integrand, -6.0, 6.0)[0])
    laplace = misfit_log_likelihood(p, data, wide) - counts_log_likelihood(p, data)
    assert laplace[0] == pytest.approx(exact, abs=0.02)


def test_the_misfit_of_no_size_changes_nothing() -> None:
    data = counts(cut=7, lower_share=0.4)
    none = misfit_of(data, size=1e-9, length=0.2, modes=4)
    np.testing.assert_allclose(
        misfit_log_likelihood(probabilities(), data, none),
        counts_log_likelihood(probabilities(), data),
        rtol=1e-9,
    )


def test_a_hopeless_family_gains_no_more_than_a_bounded_misfit() -> None:
    data = counts()
    misfit = misfit_of(data, size=0.3, length=0.1, modes=8)
    hopeless = np.full((1, 20), 1e-12)
    hopeless[0, 0] = 1.0
    gain = misfit_log_likelihood(hopeless, data, misfit) - counts_log_likelihood(hopeless, data)
    largest = np.max(np.abs(misfit.basis)) * 6.0 * np.sqrt(8)
    assert gain[0] < 2.0 * largest * data.counts.sum()
    assert misfit_log_likelihood(hopeless, data, misfit)[0] < (
        misfit_log_likelihood(probabilities(1), data, misfit)[0] - 1000.0
    )


def test_unknown_variance_makes_the_mean_of_few_groups_student_distributed() -> None:
    freedom = 3.0
    z = np.linspace(-6.0, 6.0, 25)
    robust = student_log_likelihood(-0.5 * z**2, best=0.0, freedom=freedom, size=1)
    expected = stats.t(freedom).logpdf(z)
    np.testing.assert_allclose(robust, expected - expected[12], rtol=1e-12, atol=1e-12)
    many = student_log_likelihood(-0.5 * z**2, best=0.0, freedom=1e9, size=1)
    np.testing.assert_allclose(many, -0.5 * z**2, rtol=1e-6, atol=1e-6)
    above = student_log_likelihood(np.array([0.5]), best=0.0, freedom=freedom, size=1)
    assert above[0] == pytest.approx(0.5 * (freedom + 1) / freedom)


@pytest.mark.parametrize("cut", [0, 7])
def test_the_precision_of_the_misfit_grows_with_the_effective_number(cut: int) -> None:
    def information(share: float) -> FloatArray:
        data = counts(cut=cut, lower_share=share, upper_share=share, balance_share=share)
        misfit = misfit_of(data, size=1.0, length=0.3, modes=3)
        return np.asarray(np.linalg.inv(misfit.covariance), dtype=np.float64) - np.eye(3)

    np.testing.assert_allclose(10.0 * information(0.1), information(1.0), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("factor", [1.0, 0.2])
def test_drawn_misfits_have_the_covariance_of_their_effective_number(factor: float) -> None:
    data = counts()
    misfit = misfit_of(data, size=0.1, length=0.3, modes=3)
    p = probabilities(1)
    mean = np.repeat(misfit_mean(p, data, misfit), 20_000, axis=0)
    factors = np.full(20_000, factor)
    rng = np.random.default_rng(3)
    drawn = misfit_draw(mean, misfit, share_factors=factors, generator=rng)
    # The same from data whose shares are smaller by the factor to begin with.
    fewer = counts(lower_share=factor, upper_share=factor, balance_share=factor)
    same = misfit_of(fewer, size=0.1, length=0.3, modes=3)
    scale = np.sqrt(np.diag(same.covariance))
    away = (drawn.mean(axis=0) - misfit_mean(p, fewer, same)[0]) / scale
    assert np.all(np.abs(away) < 4.0 / np.sqrt(20_000) + 1e-6)
    ratio = np.cov(drawn.T) / np.outer(scale, scale)
    expected = same.covariance / np.outer(scale, scale)
    np.testing.assert_allclose(ratio, expected, atol=4.0 * np.sqrt(2.0 / 20_000))
