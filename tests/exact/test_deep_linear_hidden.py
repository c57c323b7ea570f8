"""Density of a product of norms against its transform, its convolution and draws."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import gammaln, k0, polygamma, psi

from phasegrok.exact.deep_linear_hidden import hidden
from phasegrok.exact.deep_linear_norms import sum_of_squares


@pytest.mark.parametrize("count", [1, 2, 3, 4, 9, 29])
@pytest.mark.parametrize("power", [0.4, 2.0, 10.0, 300.0, 1e5])
def test_moments_are_powers_of_gamma_functions(count: int, power: float) -> None:
    # ∫ e^(σξ) G(ξ) dξ = [½ Γ(σ/2)]^k; by parts, E' and E'² - E'' average to σ and σ².
    centre = count / 2 * psi(power / 2)
    width = np.sqrt(count * polygamma(1, power / 2) / 4)
    # The left tail falls as exp(σξ) alone.
    reach = 12 * width + (80 / power if power < 3 else 0)
    xi = np.linspace(centre - reach, centre + 12 * width, 20_001)
    found = hidden(count, xi)
    exponent = power * xi - found.exponent - count * (gammaln(power / 2) - np.log(2))
    mass = np.exp(exponent) * (xi[1] - xi[0])
    assert mass.sum() == pytest.approx(1.0, rel=5e-9)
    assert (mass * found.slope).sum() == pytest.approx(power, rel=5e-9)
    second = (mass * (found.slope**2 - found.curvature)).sum()
    assert second == pytest.approx(power**2, rel=5e-9)


@pytest.mark.parametrize("count", [1, 2, 3, 6, 15])
def test_derivatives_are_those_of_the_exponent(count: int) -> None:
    # Through the polynomial, the table and the series at large places.
    xi = np.concatenate([np.linspace(-60, -3, 40), count * np.linspace(-0.5, 7, 60)])
    step = 1e-4
    here, above, below = (hidden(count, xi + shift) for shift in (0.0, step, -step))
    rounding = 1e-11 * (1 + np.abs(here.exponent))
    np.testing.assert_array_less(
        np.abs((above.exponent - below.exponent) / (2 * step) - here.slope),
        rounding + 1e-6 * np.abs(here.slope) + 1e-7,
    )
    np.testing.assert_allclose(
        (above.slope - below.slope) / (2 * step), here.curvature, rtol=1e-6, atol=1e-7
    )


@pytest.mark.parametrize("count", [2, 3, 5])
def test_one_more_norm_is_a_convolution(count: int) -> None:
    for xi in (-45.0, -10.0, 0.0, 3.0):
        u = np.linspace(min(xi, 0.0) - 12.0, max(xi, 0.0) + 4.0, 20_001)
        integrand = np.exp(-hidden(1, u).exponent - hidden(count - 1, xi - u).exponent)
        # For negative places it ends where the others' product becomes large.
        found = integrand.sum() * (u[1] - u[0])
        assert np.log(found) == pytest.approx(-float(hidden(count, np.array(xi)).exponent))


def test_two_norms_are_a_bessel_function() -> None:
    xi = np.linspace(-20, 3, 50)
    np.testing.assert_allclose(np.exp(-hidden(2, xi).exponent), k0(2 * np.exp(xi)), rtol=1e-12)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("place", [-30.0, -4.0, 0.0, 5.0])
def test_squares_of_given_product_have_the_exact_mean_and_variance(
    count: int, place: float
) -> None:
    draws = sum_of_squares(count, np.full(20_000, place), np.random.default_rng(3))
    exact = hidden(count, np.array(place))
    # From derivatives of G by a factor in front of all squares.
    mean = count * float(exact.slope) / 2
    variance = count * float(exact.slope) / 2 - count**2 * float(exact.curvature) / 4
    error = max(variance, 0.0) ** 0.5 / len(draws) ** 0.5
    assert abs(draws.mean() - mean) < 4 * error + 1e-9 * mean
    if count > 1:
        fourth = stats.kurtosis(draws, fisher=False)
        spread = variance * ((fourth - 1) / len(draws)) ** 0.5
        assert abs(draws.var(ddof=1) - variance) < 4.5 * spread


def test_draws_of_three_norms_follow_their_law() -> None:
    # e^(2u) of unit weight per u given the product, by importance of free draws.
    rng = np.random.default_rng(8)
    places = np.full(20_000, -1.0)
    draws = sum_of_squares(3, places, rng)
    u, v = (np.linspace(-9, 3, 601)[:, None], np.linspace(-9, 3, 601)[None, :])
    total = np.exp(2 * u) + np.exp(2 * v) + np.exp(2 * (-1.0 - u - v))
    weight = np.exp(-total).reshape(-1)
    order = np.argsort(total.reshape(-1))
    cumulative = np.cumsum(weight[order]) / weight.sum()
    found = np.interp(draws, total.reshape(-1)[order], cumulative)
    assert stats.kstest(found, "uniform").pvalue > 1e-3
