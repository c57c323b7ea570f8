"""Censored lifetimes: exact values, coverage of intervals, and what wrong estimators give."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chi2

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.transitions.escape.lifetimes import Lifetime, LifetimeStatus, lifetime

Floats = NDArray[np.float64]


def stopped(times: Floats, stop: float) -> tuple[Floats, Floats]:
    """Bounds of exactly dated escapes that are followed up to a stop."""
    return np.minimum(times, stop), np.where(times > stop, np.inf, times)


def repeated(count: int, stop: float, repetitions: int, seed: int) -> list[Lifetime]:
    generator = np.random.default_rng(seed)
    drawn = generator.exponential(size=(repetitions, count))
    return [lifetime(*stopped(times, stop)) for times in drawn if (times < stop).any()]


def test_it_is_the_time_at_risk_over_the_escapes() -> None:
    found = lifetime([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, np.inf, np.inf])
    assert found.value == pytest.approx(10.0 / 2)
    assert (found.escapes, found.censored) == (2, 2)
    assert found.time_at_risk == pytest.approx(10.0)
    assert found.lower_68 == pytest.approx(20.0 / chi2.ppf(0.84135, 5), rel=1e-4)
    assert found.upper_95 == pytest.approx(20.0 / chi2.ppf(0.02275, 5), rel=1e-3)
    complete = lifetime([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    assert complete.upper_68 == pytest.approx(12.0 / chi2.ppf(0.15865, 6), rel=1e-4)


@pytest.mark.parametrize(("count", "stop"), [(8, np.inf), (7, 1.2), (14, 1.2), (12, 0.7)])
def test_intervals_cover_as_often_as_they_say(count: int, stop: float) -> None:
    # 5 to 10 escapes with none, a third and a half of the runs censored.
    estimates = repeated(count, stop, 2000, seed=1)
    for name, level in (("68", 0.6827), ("95", 0.9545)):
        inside = [
            getattr(each, f"lower_{name}") < 1.0 < getattr(each, f"upper_{name}")
            for each in estimates
        ]
        error = (level * (1 - level) / len(inside)) ** 0.5
        # The number of escapes is whole, so that coverage with censoring is not exact.
        allowed = 4.0 * error if np.isinf(stop) else 4.0 * error + 0.02
        assert abs(np.mean(inside) - level) < allowed


@pytest.mark.parametrize("stop", [1.2, 0.7])
def test_leaving_censored_runs_out_is_wrong_by_the_truncated_mean(stop: float) -> None:
    times = np.random.default_rng(2).exponential(size=20_000)
    lower, upper = stopped(times, stop)
    found = lifetime(lower, upper)
    assert abs(found.value - 1.0) < 4.0 / found.escapes**0.5
    naive = times[times < stop]
    exact = 1 - stop / np.expm1(stop)
    assert naive.mean() == pytest.approx(exact, abs=4 * naive.std() / naive.size**0.5)
    assert naive.mean() < found.lower_95
    assert lower.mean() < found.lower_95


@pytest.mark.parametrize("spacing", [0.3, 1.5])
def test_escapes_between_looks(spacing: float) -> None:
    generator = np.random.default_rng(3)
    estimates = []
    for times in generator.exponential(size=(300, 80)):
        lower = np.floor(times / spacing) * spacing
        upper = lower + spacing
        late = lower >= 2.0 * spacing
        estimates.append(
            lifetime(np.where(late, 2.0 * spacing, lower), np.where(late, np.inf, upper))
        )
    values = np.array([each.value for each in estimates])
    # The maximum of the likelihood is off by about τ/n; its spread is what is claimed.
    worth = np.array([each.effective_escapes for each in estimates])
    assert abs(values.mean() - 1.0) < 4.0 * values.std() / 300**0.5 + 1.0 / worth.mean()
    claimed = np.mean(values / worth**0.5)
    assert claimed == pytest.approx(values.std(ddof=1), rel=0.15)
    inside = np.mean([each.lower_68 < 1.0 < each.upper_68 for each in estimates])
    assert abs(inside - 0.6827) < 4.0 * (0.6827 * 0.3173 / 300) ** 0.5 + 0.02


def test_narrow_intervals_are_dates() -> None:
    times = np.random.default_rng(4).exponential(size=50)
    dated, narrow = lifetime(times, times), lifetime(times - 1e-9, times + 1e-9)
    assert narrow.value == pytest.approx(dated.value, rel=1e-6)
    assert narrow.upper_95 == pytest.approx(dated.upper_95, rel=1e-6)


def test_times_scale_with_their_unit() -> None:
    lower, upper = stopped(np.random.default_rng(5).exponential(size=30), 1.0)
    one, many = lifetime(lower, upper), lifetime(1e6 * lower, 1e6 * upper)
    for name in ("value", "lower_68", "upper_95", "time_at_risk"):
        assert getattr(many, name) == pytest.approx(1e6 * getattr(one, name), rel=1e-8)
    assert many.trend == pytest.approx(one.trend)


def test_a_dead_time_is_seen_and_taken_off() -> None:
    generator = np.random.default_rng(6)
    times = 0.5 + generator.exponential(size=400)
    lower, upper = stopped(times, 2.5)
    blind, aware = lifetime(lower, upper), lifetime(lower, upper, dead_time=0.5)
    assert blind.status is LifetimeStatus.NOT_EXPONENTIAL
    assert blind.trend > 3.0
    assert aware.status is LifetimeStatus.RESOLVED
    assert abs(aware.value - 1.0) < 4.0 / aware.escapes**0.5
    assert abs(blind.value - 1.0) > 4.0 / blind.escapes**0.5
    # Forgetting more is as good, with fewer runs.
    later = lifetime(lower, upper, dead_time=1.0)
    assert later.excluded == np.sum(times < 1.0)
    assert abs(later.value - 1.0) < 4.0 / later.escapes**0.5


def test_a_dead_time_never_cuts_an_interval() -> None:
    lower, upper = [0.0, 1.0, 1.0, 2.0, 4.0], [1.0, 2.0, 2.0, 3.0, np.inf]
    found = lifetime(lower, upper, dead_time=1.5)
    assert (found.dead_time, found.excluded, found.escapes, found.censored) == (2.0, 3, 1, 1)


def test_two_rates_are_not_one() -> None:
    generator = np.random.default_rng(7)
    times = generator.exponential(size=400) * np.where(generator.random(400) < 0.5, 0.1, 3.0)
    found = lifetime(*stopped(times, 4.0))
    assert found.status is LifetimeStatus.NOT_EXPONENTIAL
    assert found.trend < -3.0


def test_the_trend_is_standard_normal_for_one_rate() -> None:
    for stop in (np.inf, 1.2):
        trend = np.array([each.trend for each in repeated(40, stop, 1000, seed=8)])
        assert abs(trend.std() - 1.0) < 0.1
        # With few escapes the stop shifts it by about n^(-1/2).
        assert abs(trend.mean()) < 0.15
    uncensored = repeated(40, np.inf, 500, seed=9)
    ratio = np.array([each.coefficient_of_variation for each in uncensored])
    assert abs(ratio.mean() - 1.0) < 1.0 / 40 + 4.0 * ratio.std() / 500**0.5


def test_without_escapes_there_is_a_lower_bound() -> None:
    found = lifetime([10.0, 10.0], [np.inf, np.inf])
    assert found.status is LifetimeStatus.NO_ESCAPES
    assert np.isinf(found.value)
    assert np.isinf(found.upper_68)
    # e^(-20/τ) = 1 - 0.9545.
    assert found.lower_95 == pytest.approx(20.0 / -np.log(0.0455), rel=1e-3)


def test_looks_that_come_too_late_say_so() -> None:
    found = lifetime([0.0, 0.0], [5.0, 5.0])
    assert found.status is LifetimeStatus.NOT_DATED
    assert (found.lower_95, found.upper_95) == (0.0, np.inf)


@pytest.mark.parametrize(
    ("lower", "upper", "message"),
    [
        ([1.0], [1.0, 2.0], "two arrays on"),
        ([2.0], [1.0], "not above the upper one"),
        ([-1.0], [1.0], "not above the upper one"),
        ([np.nan], [1.0], "every lower bound"),
        ([1.0], [np.nan], "every lower bound"),
        ([np.inf], [np.inf], "every lower bound"),
    ],
)
def test_bounds_without_meaning_are_refused(
    lower: list[float], upper: list[float], message: str
) -> None:
    with pytest.raises(InvalidValueError, match=message):
        lifetime(lower, upper)


def test_what_leaves_nothing_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="dead_time must be zero or more"):
        lifetime([1.0], [1.0], dead_time=-1.0)
    with pytest.raises(InsufficientSamplesError, match="at least 1"):
        lifetime([1.0], [1.0], dead_time=2.0)
    with pytest.raises(InsufficientSamplesError, match="at least 1"):
        lifetime([], [])
