"""Disorders that recur at every value: how often the interval holds the place."""

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm, t

from phasegrok.growth import Location, locate
from phasegrok.growth.disorder_error import locate_over_disorders


def located(generator: np.random.Generator, *, count: int, spread: float) -> Location:
    """Locate a step at 0 whose place is another one in each disorder, the same everywhere."""
    control = np.linspace(-0.15, 0.15, 21)
    places = spread * generator.normal(size=count)
    noise = 0.05 * generator.normal(size=(control.size, count))
    values = expit((control[:, np.newaxis] - places) / 0.005) + noise
    return locate_over_disorders(
        control,
        list(values),
        [np.arange(count)] * control.size,
        error=np.sqrt(values.var(axis=1, ddof=1).mean() / count) * np.ones(control.size),
        low=-0.15,
        high=0.15,
        finest=0.0025,
    )


@pytest.mark.parametrize("count", [8, 16])
def test_the_interval_holds_the_place_as_often_as_it_says(count: int) -> None:
    generator = np.random.default_rng(count)
    found = [located(generator, count=count, spread=0.03) for _ in range(40)]
    inside = np.mean([each.interval[0] <= 0.0 <= each.interval[1] for each in found])
    noise = np.sqrt(0.683 * 0.317 / len(found))
    # The wider of two errors: it may hold the place more often, but not less.
    assert inside > 0.683 - 3.0 * noise
    own = [each.quantile(0.1587) <= 0.0 <= each.quantile(0.8413) for each in found]
    assert np.mean(own) < inside


def test_the_jackknife_of_disorders_is_that_of_the_place() -> None:
    control = np.linspace(-1.0, 1.0, 41)
    shifts = np.array([-0.03, 0.0, 0.01, 0.02])
    values = expit((control[:, np.newaxis] - shifts) / 0.2)
    found = locate_over_disorders(
        control,
        list(values),
        [np.arange(4)] * 41,
        error=np.full(41, 1e-3),
        low=-1.0,
        high=1.0,
        finest=0.01,
    )
    places = [
        locate(
            control,
            np.delete(values, left, axis=1).mean(axis=1),
            error=np.full(41, 1e-3),
            low=-1.0,
            high=1.0,
            finest=0.01,
        ).median
        for left in range(4)
    ]
    squares = np.sum((np.array(places) - np.mean(places)) ** 2)
    # Student's factor for four disorders; (n - 1)/n times the sum of squares.
    exact = t.ppf(norm.cdf(1.0), 3) * np.sqrt(0.75 * squares)
    assert found.disorder_error == pytest.approx(exact, rel=0.02)
    one = locate_over_disorders(
        control,
        list(values[:, :1]),
        [np.zeros(1, dtype=np.int64)] * 41,
        error=np.full(41, 1e-3),
        low=-1.0,
        high=1.0,
        finest=0.01,
    )
    assert one.disorder_error == 0.0
