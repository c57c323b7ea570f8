"""Laws of switching fields, regime by regime, against exact and simulated delays."""

from typing import Any

import numpy as np
import pytest

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.exact import FieldRamp, double_well_spinodal_field, driven_double_well
from phasegrok.transitions.hysteresis.loop_tables import loops
from phasegrok.transitions.hysteresis.switching_laws import (
    SwitchingFit,
    fit_activated,
    fit_deterministic,
    fit_near_equilibrium,
    plateau,
)

RATES = np.geomspace(1e-4, 1e-1, 10)
FITS = 1000


def inside(fits: list[SwitchingFit], exact: float) -> tuple[float, float]:
    """Share of fits within one error, and the mean distance in standard errors of the mean."""
    limits = np.array([fit.limit for fit in fits])
    errors = np.array([fit.limit_error for fit in fits])
    distance = (limits.mean() - exact) / limits.std(ddof=1) * len(fits) ** 0.5
    return float(np.mean(np.abs(limits - exact) < errors)), float(distance)


def test_a_saddle_node_is_delayed_by_two_thirds() -> None:
    ramp = FieldRamp(
        lowest=1.2,
        highest=2.2,
        rates=(0.002, 0.004, 0.008, 0.016),
        record_count=1001,
        directions=("up",),
    )
    samples = driven_double_well(barrier=1.0, temperature=0.0, ramp=ramp, seed=1)
    table = loops(samples, control="field", variable="order_parameter", level=0.5)
    rate, field = table["rate"].values, table["switching_up"].values
    exact = double_well_spinodal_field(barrier=1.0)
    delay = field - exact
    # Interpolation between records is good to a third of their distance.
    resolution = 0.3e-3
    slopes = np.diff(np.log(delay)) / np.diff(np.log(rate))
    allowed = 2 * resolution / delay[:-1] / np.log(2)
    assert (np.abs(slopes - 2 / 3) < allowed).all()
    found = fit_deterministic(rate, field, np.full(rate.size, resolution))
    assert abs(found.limit - exact) < 3 * found.limit_error
    # Near the fold dy/dt = rt + 4√3 y², which the zero of the Airy function solves.
    assert found.coefficients["two_thirds"] == pytest.approx(
        2.33811 / (4 * 3**0.5) ** (1 / 3), rel=0.08
    )


def test_the_deterministic_fit_is_unbiased_with_honest_errors() -> None:
    generator = np.random.default_rng(1)
    mean = 0.5 + 1.2 * RATES ** (2 / 3) - 0.3 * RATES
    error = np.full(RATES.size, 0.003)
    fits = [
        fit_deterministic(RATES, mean + error * generator.standard_normal(RATES.size), error)
        for _ in range(FITS)
    ]
    share, distance = inside(fits, 0.5)
    assert abs(distance) < 4.0
    assert 0.65 < share < 0.82  # Errors are widened where χ² exceeds its freedom.
    predictive = np.array([fit.predictive for fit in fits])
    assert abs(predictive.mean() - 0.5) < 4.0 / (12 * FITS) ** 0.5


def activated(rate: Any, temperature: Any) -> Any:
    """h_s - [c T ln(ρ T/r)]^(2/3) with h_s = 0.5, c = 0.8, ρ = 3."""
    return 0.5 - (0.8 * temperature * np.log(3.0 * temperature / rate)) ** (2 / 3)


def test_the_activated_fit_finds_what_all_temperatures_share() -> None:
    rate, heat = (
        each.ravel() for each in np.meshgrid(np.geomspace(1e-6, 1e-3, 6), [0.01, 0.02, 0.04])
    )
    exact = activated(rate, heat)
    clean = fit_activated(rate, exact, np.full(rate.size, 1e-3), temperature=heat)
    assert clean.limit == pytest.approx(0.5, abs=1e-4)
    assert clean.coefficients["barrier_scale"] == pytest.approx(0.8, rel=1e-3)
    assert clean.coefficients["log_rate_scale"] == pytest.approx(np.log(3.0), abs=2e-3)
    generator = np.random.default_rng(2)
    error = np.full(rate.size, 0.003)
    fits = [
        fit_activated(
            rate, exact + error * generator.standard_normal(rate.size), error, temperature=heat
        )
        for _ in range(150)
    ]
    share, distance = inside(fits, 0.5)
    assert abs(distance) < 4.0
    assert 0.58 < share < 0.87


def test_one_temperature_scaled_is_another() -> None:
    rate, heat = np.geomspace(1e-6, 1e-3, 8), np.full(8, 0.02)
    one = fit_activated(rate, activated(rate, heat), np.full(8, 1e-3), temperature=heat)
    two = fit_activated(
        5.0 * rate, 2.0 * activated(rate, heat), np.full(8, 2e-3), temperature=heat
    )
    assert two.limit == pytest.approx(2.0 * one.limit, rel=1e-6)
    difference = two.coefficients["log_rate_scale"] - one.coefficients["log_rate_scale"]
    assert difference == pytest.approx(np.log(5.0), abs=1e-3)


def test_a_closed_loop_is_told_from_one_that_stays() -> None:
    generator = np.random.default_rng(3)
    error = np.full(RATES.size, 1e-3)
    noise = error * generator.standard_normal(RATES.size)
    closed = fit_near_equilibrium(RATES, 1.7 * RATES + noise, error)
    assert closed.coefficients["linear"] == pytest.approx(
        1.7, abs=4 * closed.coefficients["linear_error"]
    )
    assert closed.predictive > 0.001
    stays = fit_near_equilibrium(RATES, 0.02 + 1.7 * RATES + noise, error)
    assert stays.predictive < 1e-6


def test_a_plateau_is_quoted_with_its_window() -> None:
    # Linear below 1e-4, flat, then the two-thirds law.
    rate = np.geomspace(1e-6, 1.0, 25)
    value = 0.5 * rate / (rate + 1e-5) + rate ** (2 / 3)
    found = plateau(rate, value, np.full(rate.size, 1e-3), largest_change=0.2)
    assert found.value == pytest.approx(0.5, rel=0.08)
    assert 2e-5 < found.slowest < found.fastest < 5e-2
    assert abs(found.change) <= 0.2
    none = plateau(rate, rate**0.5, np.full(rate.size, 1e-3))
    assert np.isnan([none.value, none.error, none.slowest, none.fastest]).all()


def test_what_cannot_be_fitted_is_refused() -> None:
    good = np.array([0.1, 0.2, 0.3, 0.4])
    with pytest.raises(InvalidValueError, match="every error must be positive"):
        fit_deterministic(good, good, 0 * good)
    with pytest.raises(InvalidValueError, match="every value must be finite"):
        fit_deterministic(good, np.array([1.0, np.nan, 2.0, 3.0]), good)
    with pytest.raises(InvalidValueError, match="need one length"):
        fit_deterministic(good, good[:2], good)
    with pytest.raises(InsufficientSamplesError, match="at least 3"):
        fit_deterministic(good[:2], good[:2], good[:2])
    with pytest.raises(InvalidValueError, match="temperatures above zero"):
        fit_activated(good, good, good, temperature=0 * good)
    with pytest.raises(InsufficientSamplesError, match="at least 4"):
        fit_activated(good[:3], good[:3], good[:3], temperature=good[:3])
    with pytest.raises(InsufficientSamplesError, match="at least 2"):
        fit_near_equilibrium(good[:1], good[:1], good[:1])
