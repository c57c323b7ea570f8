"""Quadrature and inverse of a density whose distribution function is known."""

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from phasegrok.exact import ContinuousLaw

FloatArray = npt.NDArray[np.float64]


def half_square(x: FloatArray) -> FloatArray:
    return x**2 / 2


LAW = ContinuousLaw.over(half_square, np.linspace(-9, 9, 73))


def test_normal_law() -> None:
    assert LAW.normalisation == pytest.approx((2 * np.pi) ** 0.5, rel=1e-13)
    assert LAW.expectation(lambda x: x**4) == pytest.approx(3.0, rel=1e-12)
    x = np.linspace(-4, 4, 33)
    np.testing.assert_allclose(LAW.density(x), stats.norm.pdf(x), rtol=1e-12)
    np.testing.assert_allclose(LAW.distribution(x), stats.norm.cdf(x), rtol=1e-11)


def test_quantile_of_the_normal_law() -> None:
    probability = np.array([[1e-9, 0.01, 0.5], [0.77, 0.999, 1 - 1e-9]])
    expected = stats.norm.ppf(probability)
    np.testing.assert_allclose(LAW.quantile(probability), expected, rtol=1e-7, atol=1e-12)


def test_ends_are_the_ends() -> None:
    assert LAW.distribution(np.array([-20.0, 20.0])).tolist() == [0.0, pytest.approx(1.0)]
    ends = LAW.quantile(np.array([0.0, 1.0]))
    assert ends[0] == -9.0
    assert 8.0 < ends[1] <= 9.0
