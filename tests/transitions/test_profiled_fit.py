"""Least squares with one nonlinear parameter, against scipy and repetition."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import curve_fit

from phasegrok.transitions.hysteresis.profiled_fit import linear_fit, profiled_fit

Floats = NDArray[np.float64]
X = np.linspace(0.0, 3.0, 25)
ERRORS = np.where(X < 1.0, 0.02, 0.05)
GRID = np.linspace(-4.0, 4.0, 41)


def columns(log_rate: float) -> Floats:
    return np.stack([np.ones_like(X), np.exp(-np.exp(log_rate) * X)], axis=1)


def test_a_linear_fit_is_the_weighted_one() -> None:
    values = 1.0 + 2.0 * X + ERRORS * np.random.default_rng(1).standard_normal(X.size)
    found = linear_fit(np.stack([np.ones_like(X), X], axis=1), values, ERRORS)
    expected, covariance = np.polyfit(X, values, 1, w=1 / ERRORS, cov="unscaled")
    np.testing.assert_allclose(found.values, expected[::-1], rtol=1e-9)
    wider = max(1.0, found.chi_square / found.freedom) ** 0.5
    np.testing.assert_allclose(found.errors, wider * np.sqrt(np.diag(covariance))[::-1])


def test_a_profiled_fit_is_that_of_all_parameters_at_once() -> None:
    values = (
        1.0 + 2.0 * np.exp(-1.5 * X) + ERRORS * np.random.default_rng(2).normal(size=X.size)
    )
    found = profiled_fit(columns, values, ERRORS, grid=GRID)

    def curve(x: Floats, offset: float, height: float, log_rate: float) -> Floats:
        decayed: Floats = offset + height * np.exp(-np.exp(log_rate) * x)
        return decayed

    expected, covariance = curve_fit(
        curve, X, values, [1.0, 2.0, 0.0], ERRORS, absolute_sigma=True
    )
    np.testing.assert_allclose(found.values, expected, rtol=1e-4)
    wider = max(1.0, found.chi_square / found.freedom) ** 0.5
    np.testing.assert_allclose(found.errors, wider * np.sqrt(np.diag(covariance)), rtol=1e-3)
    assert found.freedom == X.size - 3


def test_errors_scale_with_the_data() -> None:
    values = (
        1.0 + 2.0 * np.exp(-1.5 * X) + ERRORS * np.random.default_rng(3).normal(size=X.size)
    )
    one = profiled_fit(columns, values, ERRORS, grid=GRID)
    ten = profiled_fit(columns, 10.0 * values, 10.0 * ERRORS, grid=GRID)
    np.testing.assert_allclose(ten.values[:2], 10.0 * one.values[:2], rtol=1e-6)
    np.testing.assert_allclose(ten.errors[:2], 10.0 * one.errors[:2], rtol=1e-5)
    assert ten.chi_square == pytest.approx(one.chi_square)
