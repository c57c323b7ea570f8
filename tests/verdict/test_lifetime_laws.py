"""A barrier against a power of the size, held against integrals done by brute force."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import digamma, polygamma
from scipy.stats import norm

from phasegrok.verdict.lifetime_laws import weigh_lifetimes

SIZES = np.array([50.0, 100.0, 200.0, 400.0])
ESCAPES = np.array([20.0, 40.0, 30.0, 10.0])


def by_quadrature(value: NDArray[np.float64], exponent: float) -> tuple[float, float, float]:
    """Probability of a barrier, and mean and deviation of k without one, on a grid."""
    logarithm = np.log(value) + np.log(ESCAPES) - digamma(ESCAPES)
    variance = polygamma(1, ESCAPES) + 0.03**2 + 0.1**2 * SIZES[0] / SIZES
    share = (1.0 / variance) / np.sum(1.0 / variance)
    grown = SIZES**exponent
    power, rise = np.linspace(-6.0, 7.0, 651), np.linspace(0.0, 30.0, 1501)
    step = (power[1] - power[0], rise[1] - rise[0])
    prior = norm.pdf(power, 0.5, 1.0)
    beyond = 2.0 * norm.pdf(rise, 0.0, 5.0)
    beyond[0] /= 2.0

    def likelihood(left: NDArray[np.float64]) -> NDArray[np.float64]:
        # About the mean ln τ the intercept factors out of both laws.
        left = left - np.sum(share * left, axis=-1, keepdims=True)
        density: NDArray[np.float64] = np.exp(-0.5 * np.sum(left**2 / variance, axis=-1))
        return density

    plain = logarithm - power[:, None] * np.log(SIZES)
    alone = prior * likelihood(plain)
    barrier = rise[:, None] * grown / grown.max()
    rows = [np.sum(beyond * likelihood(each - barrier)) for each in plain]
    with_barrier = np.sum(prior * np.array(rows)) * step[0] * step[1]
    without = np.sum(alone) * step[0]
    mean = float(np.sum(power * alone) / np.sum(alone))
    deviation = float(np.sqrt(np.sum((power - mean) ** 2 * alone) / np.sum(alone)))
    return float(with_barrier / (with_barrier + without)), mean, deviation


@pytest.mark.parametrize("exponent", [1.0, 0.5])
@pytest.mark.parametrize(("rise", "power"), [(0.0, 0.0), (1.5, 1.0), (3.0, -0.5)])
def test_evidence_is_that_of_the_integrals(exponent: float, rise: float, power: float) -> None:
    value = np.exp(rise * SIZES / 350.0) * SIZES**power
    found = weigh_lifetimes(SIZES, value, escapes=ESCAPES, exponent=exponent)
    chance, mean, deviation = by_quadrature(value, exponent)
    assert found.chance == pytest.approx(chance, abs=2e-4)
    assert found.power == pytest.approx(mean, abs=1e-4)
    assert found.power_error == pytest.approx(deviation, abs=1e-4)


def test_the_better_law_must_fit() -> None:
    many = np.full(4, 1e4)
    fits = weigh_lifetimes(SIZES, 3.0 * SIZES**1.2, escapes=many, exponent=1.0)
    assert fits.predictive > 0.99
    # A fall that is faster than any power is no law of either.
    falls = weigh_lifetimes(SIZES, np.exp(-0.02 * SIZES), escapes=many, exponent=1.0)
    assert falls.predictive < 1e-6
    assert falls.barrier < 0.0
    bent = weigh_lifetimes(SIZES, np.exp(0.02 * SIZES), escapes=many, exponent=1.0)
    assert bent.predictive > 0.9
    assert abs(bent.barrier - 8.0) < 2.0 * bent.barrier_error


def test_sizes_of_little_range_say_nothing() -> None:
    close = np.array([100.0, 101.0, 102.0])
    found = weigh_lifetimes(close, close**0.5, escapes=np.full(3, 50.0), exponent=1.0)
    # No barrier of any height could have been seen.
    assert 0.4 < found.chance < 0.6
