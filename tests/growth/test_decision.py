"""Which numbers are enough: exact predictions, limits, and what stopping early costs."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from phasegrok.growth import Decision, ErrorEstimate, Extent, Goal, Status, Units, decide
from phasegrok.growth.estimates import margin_factor, unit_estimate


def of_disorders(extent: Extent, *, between: float, within: float) -> ErrorEstimate:
    """What is found where the components of variance are these."""
    variance = (between + within / extent.replicas) / extent.disorders
    return ErrorEstimate(
        mean=1.0,
        standard_error=math.sqrt(variance),
        margin=margin_factor(extent.disorders) * math.sqrt(variance),
        units=Units.DISORDERS,
        count=extent.disorders,
        between=between,
        within=within,
    )


def decided(extent: Extent, *, finished: float = 1.0, **goal: Any) -> Decision:
    between, within = goal.pop("between", 0.0), goal.pop("within", 1.0)
    estimate = of_disorders(extent, between=between, within=within)
    return decide(estimate, extent, finished=finished, goal=Goal(**goal))


def margin_of(extent: Extent, *, between: float, within: float) -> float:
    return of_disorders(extent, between=between, within=within).margin


def test_what_is_reached_does_not_grow() -> None:
    found = decided(Extent(10, 10), error=0.2)
    assert (found.status, found.extent) == (Status.REACHED, Extent(10, 10))
    assert decided(Extent(10, 10), error=0.05).status is Status.GROWING
    assert decided(Extent(4, 10), error=1.0).status is Status.GROWING  # Too few to believe.


def test_the_margin_of_more_replicas_is_predicted_with_what_they_still_spread() -> None:
    components = {"between": 0.04, "within": 1.0}
    found = decided(Extent(10, 10), error=0.11, grow="replicas", **components)
    assert found.status is Status.GROWING
    assert found.extent.replicas > 10
    assert found.predicted == pytest.approx(margin_of(found.extent, **components), rel=1e-12)


@pytest.mark.parametrize("grow", ["either", "replicas"])
def test_replicas_grow_where_the_disorders_agree(grow: str) -> None:
    found = decided(Extent(10, 10), error=0.05, grow=grow, factor=100.0)
    assert found.enough.disorders == 10
    needed = found.enough.replicas
    assert margin_of(Extent(10, needed), between=0.0, within=1.0) <= 0.05
    assert margin_of(Extent(10, needed - 1), between=0.0, within=1.0) > 0.05
    assert found.extent.replicas == math.ceil(1.1 * needed)


def test_disorders_grow_where_their_own_spread_is_too_large() -> None:
    components = {"between": 1.0, "within": 1.0}
    found = decided(Extent(10, 4), error=0.1, factor=100.0, **components)
    assert found.enough.replicas == 4
    needed = found.enough.disorders
    assert margin_of(Extent(needed, 4), **components) <= 0.1
    assert margin_of(Extent(needed - 1, 4), **components) > 0.1
    stuck = decided(Extent(10, 4), error=0.1, grow="replicas", most_replicas=4, **components)
    assert stuck.status is Status.AT_MOST


def test_one_disorder_stays_one() -> None:
    values = np.random.default_rng(0).normal(size=10)
    estimate = unit_estimate(values, disorder=np.zeros(10))
    for grow in ("either", "disorders"):
        goal = Goal(error=0.1, grow=grow)
        found = decide(estimate, Extent(1, 10), finished=1.0, goal=goal)
        assert found.extent == Extent(1, 20)
        assert found.enough.disorders == 1
        assert found.enough.replicas == pytest.approx(values.var(ddof=1) / 0.01, rel=0.05)


def test_a_round_grows_by_no_more_than_the_factor_and_the_limits() -> None:
    assert decided(Extent(10, 10), error=0.01, factor=1.5).extent == Extent(10, 15)
    assert decided(Extent(10, 10), error=0.01, most_replicas=12).extent == Extent(10, 12)
    assert decided(Extent(10, 12), error=0.01, most_replicas=12).status is Status.AT_MOST
    first = decided(Extent(2, 1), error=0.5, between=math.nan, within=math.nan)
    assert first.extent == Extent(8, 1)  # To as many as an error takes at all.


def test_runs_that_do_not_finish_are_made_up_for_until_most_fail() -> None:
    whole = decided(Extent(10, 10), error=0.08, factor=100.0)
    some = decided(Extent(10, 10), error=0.08, factor=100.0, finished=0.8)
    assert some.extent.replicas == math.ceil(1.1 * whole.enough.replicas / 0.8)
    assert decided(Extent(10, 10), error=0.08, finished=0.4).status is Status.FAILING


def test_what_mostly_fails_is_not_reached_by_those_that_are_left() -> None:
    values = 0.01 * np.random.default_rng(4).normal(size=8)
    goal = Goal(error=0.02)
    for extent, disorder, finished in (
        (Extent(4, 8), np.zeros(8), 0.25),  # One disorder of four.
        (Extent(4, 8), np.repeat(np.arange(4), 2), 0.25),
        (Extent(32, 1), np.arange(8), 0.25),
    ):
        estimate = unit_estimate(values, disorder=disorder, asked=extent.disorders)
        found = decide(estimate, extent, finished=finished, goal=goal)
        assert found.status is Status.FAILING
    half = unit_estimate(values, disorder=np.zeros(8), asked=2)
    found = decide(half, Extent(2, 8), finished=0.5, goal=goal)
    assert found.status is Status.GROWING
    assert found.extent.disorders == 8


def test_a_relative_error_is_in_units_of_the_mean() -> None:
    estimate = replace(of_disorders(Extent(10, 10), between=0.0, within=1.0), mean=-50.0)
    goal = Goal(error=0.01, relative=True)
    found = decide(estimate, Extent(10, 10), finished=1.0, goal=goal)
    assert found.status is Status.REACHED
    assert decide(estimate, Extent(10, 10), finished=1.0, goal=Goal(error=0.01)).status is (
        Status.GROWING
    )


def coverage(*, fewest: int, studies: int = 500, error: float = 0.25) -> float:
    """How often the truth lies within the margin after growth has stopped."""
    generator = np.random.default_rng(fewest)
    goal = Goal(error=error, fewest=fewest, most_replicas=10**6)
    inside = 0
    for _ in range(studies):
        values = generator.normal(size=2)
        while True:
            estimate = unit_estimate(values, disorder=np.zeros(values.size))
            found = decide(estimate, Extent(1, values.size), finished=1.0, goal=goal)
            if found.status is not Status.GROWING:
                break
            added = generator.normal(size=found.extent.replicas - values.size)
            values = np.concatenate([values, added])
        inside += abs(estimate.mean) <= estimate.margin
    return inside / studies


def test_stopping_at_a_small_error_costs_little_coverage_with_eight_units_or_more() -> None:
    nominal = 2.0 * norm.cdf(1.0) - 1.0
    noise = math.sqrt(nominal * (1.0 - nominal) / 500)
    assert coverage(fewest=8) > nominal - 0.03 - 3.0 * noise
    # With two units chance decides when to stop: this is what `fewest` is for.
    assert coverage(fewest=2) < nominal - 0.05
