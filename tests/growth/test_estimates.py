"""Errors over disorders, replicas and records against known laws."""

import numpy as np
import pytest
from scipy.stats import norm, t

from phasegrok import statistics
from phasegrok.exact import autoregressive
from phasegrok.growth import Units, chain_estimate, unit_estimate
from phasegrok.statistics import disorder_average, samples


def test_of_several_disorders_the_error_is_that_of_the_disorder_average() -> None:
    generator = np.random.default_rng(0)
    disorder = np.repeat([0, 1, 2, 3, 4], [1, 2, 3, 2, 2])
    values = generator.normal(size=disorder.size)
    found = unit_estimate(values, disorder=disorder)
    average = disorder_average(values, disorder=disorder)
    assert found.mean == pytest.approx(float(average.value), rel=1e-12)
    assert (found.units, found.count) == (Units.DISORDERS, 5)
    assert found.standard_error == pytest.approx(average.standard_error, rel=1e-12)
    assert found.margin / found.standard_error == pytest.approx(t.ppf(norm.cdf(1.0), 4))


def test_of_one_disorder_the_error_is_over_replicas() -> None:
    values = np.array([1.0, 2.0, 4.0, 5.0])
    found = unit_estimate(values, disorder=[3, 3, 3, 3])
    assert (found.mean, found.units, found.count) == (3.0, Units.REPLICAS, 4)
    assert found.standard_error == pytest.approx(values.std(ddof=1) / 2.0)


def test_components_of_variance_are_unbiased() -> None:
    generator = np.random.default_rng(1)
    disorder = np.repeat(np.arange(6), 3)
    between, within = [], []
    for _ in range(400):
        shift = 0.7 * generator.normal(size=6)
        values = shift[disorder] + 1.3 * generator.normal(size=disorder.size)
        found = unit_estimate(values, disorder=disorder)
        between.append(found.between)
        within.append(found.within)
    for numbers, exact in ((between, 0.49), (within, 1.69)):
        error = np.std(numbers, ddof=1) / np.sqrt(len(numbers))
        assert abs(np.mean(numbers) - exact) < 4.0 * error


@pytest.mark.parametrize("count", [2, 4, 8])
def test_the_margin_of_few_units_holds_the_truth_as_often_as_one_standard_error(
    count: int,
) -> None:
    generator = np.random.default_rng(count)
    estimates = [
        unit_estimate(generator.normal(size=count), disorder=np.arange(count))
        for _ in range(1500)
    ]
    inside = np.mean([abs(each.mean) <= each.margin for each in estimates])
    exact = 2.0 * norm.cdf(1.0) - 1.0
    assert abs(inside - exact) < 4.0 * np.sqrt(exact * (1.0 - exact) / len(estimates))


def test_the_error_of_one_run_knows_its_autocorrelation() -> None:
    runs = autoregressive(coefficient=0.8, record_count=4000, replica_count=40, seed=3)
    series = next(iter(runs.data_vars.values())).values
    found = [chain_estimate(each) for each in series]
    assert {each.units for each in found} == {Units.RECORDS}
    scores = np.array([each.mean / each.standard_error for each in found])
    assert abs(np.mean(scores**2) - 1.0) < 4.0 * np.sqrt(2.0 / len(scores))


@pytest.mark.parametrize("series", [np.zeros(100), np.arange(100.0), [1.0, 2.0]])
def test_no_error_is_told_of_a_run_that_does_not_fluctuate_about_its_mean(
    series: object,
) -> None:
    found = chain_estimate(np.asarray(series))
    assert (found.units, found.margin) == (Units.NONE, np.inf)


def test_a_lone_unit_and_none_have_no_error() -> None:
    one, none = unit_estimate([2.0], disorder=[0]), unit_estimate([], disorder=[])
    assert (one.mean, one.margin, one.units) == (2.0, np.inf, Units.NONE)
    assert np.isnan(none.mean)


def test_the_error_of_one_disorder_is_not_that_of_several_that_were_asked_for() -> None:
    values = np.random.default_rng(2).normal(size=8)
    left = unit_estimate(values, disorder=np.full(8, 3), asked=4)
    assert (left.units, left.margin, left.count) == (Units.NONE, np.inf, 0)
    assert left.mean == pytest.approx(values.mean())
    two = unit_estimate(values, disorder=np.repeat([1, 3], 4), asked=4)
    assert (two.units, two.count) == (Units.DISORDERS, 2)
    one = unit_estimate(values, disorder=np.full(8, 3), asked=1)
    assert (one.units, one.count) == (Units.REPLICAS, 8)


def test_the_margin_of_a_short_run_has_student_s_factor() -> None:
    runs = autoregressive(coefficient=0.8, record_count=400, replica_count=4, seed=4)
    series = next(iter(runs.data_vars.values())).values
    found = [each for each in map(chain_estimate, series) if each.units is Units.RECORDS]
    assert found
    for each in found:
        factor = each.margin / each.standard_error
        lowest, highest = (t.ppf(norm.cdf(1.0), each.count + k - 1) for k in (1, 0))
        assert lowest <= factor <= highest
        assert factor > 1.002


def test_a_run_that_drifts_has_no_error_though_its_autocorrelation_is_resolved() -> None:
    noise = np.random.default_rng(6).normal(size=4000)
    assert chain_estimate(noise).units is Units.RECORDS
    moved = noise + 0.3 * (np.arange(4000) >= 2000)
    assert int(statistics.mean(moved).status) == samples.Status.RESOLVED
    assert chain_estimate(moved).units is Units.NONE
