"""Lines and posteriors of the infinite system against exact numbers and independent sums."""

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import multivariate_normal

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics import Status
from phasegrok.transitions import (
    interface_tension,
    jump_of_the_infinite_system,
    transition_point_of_the_infinite_system,
)

SIZES = np.array([8.0, 12.0, 16.0, 24.0, 32.0])


def table(
    name: str,
    values: NDArray[np.float64],
    errors: NDArray[np.float64],
    *,
    dimension: int = 2,
    refused: int | None = None,
) -> xr.Dataset:
    status = np.full(SIZES.size, int(Status.RESOLVED))
    if refused is not None:
        status[refused] = int(Status.REFUSED)
        values = np.where(np.arange(SIZES.size) == refused, np.nan, values)
    volume = SIZES if dimension < 1 else SIZES**dimension
    columns = {
        name: ("size", values),
        f"{name}_error": ("size", errors),
        f"{name}_status": ("size", status),
    }
    coordinates = {"size": SIZES, "volume": ("size", volume)}
    return xr.Dataset(columns, coordinates, {"dimension": dimension})


@pytest.mark.parametrize(("dimension", "power"), [(2, 1.0), (3, 2.0), (-1, 1.0)])
def test_a_barrier_that_grows_with_the_area_gives_its_tension(
    dimension: int, power: float
) -> None:
    errors = np.array([0.02, 0.03, 0.02, 0.1, 0.2])
    exact = 0.0947 * SIZES**power + 0.4
    found = interface_tension(table("barrier", exact, errors, dimension=dimension, refused=1))
    assert found.twice_tension == pytest.approx(0.0947, rel=1e-9)
    assert found.tension == pytest.approx(0.04735, rel=1e-9)
    assert found.constant == pytest.approx(0.4, rel=1e-9)
    assert found.sizes == (8.0, 16.0, 24.0, 32.0)
    assert found.degrees_of_freedom == 2


def test_errors_of_the_tension_are_its_spread_and_probabilities_are_uniform() -> None:
    generator = np.random.default_rng(4)
    errors = np.array([0.05, 0.03, 0.06, 0.1, 0.2])
    exact = 0.0947 * SIZES + 0.4
    repeats = 600
    fits = [
        interface_tension(table("barrier", generator.normal(exact, errors), errors))
        for _ in range(repeats)
    ]
    slopes = np.array([fit.twice_tension for fit in fits])
    weights = errors**-2.0
    middle = weights @ SIZES / weights.sum()
    stated = (weights @ (SIZES - middle) ** 2) ** -0.5
    assert abs(slopes.mean() - 0.0947) < 4.0 * stated / np.sqrt(repeats)
    assert slopes.std(ddof=1) == pytest.approx(stated, rel=4.0 / np.sqrt(2 * repeats))
    scaled = [fit.twice_tension_error / max(1.0, fit.chi_squared / 3) ** 0.5 for fit in fits]
    np.testing.assert_allclose(scaled, stated, rtol=1e-9)
    probability = np.array([fit.probability for fit in fits])
    assert abs(probability.mean() - 0.5) < 4.0 / np.sqrt(12.0 * repeats)


def test_transition_points_of_a_lattice_are_averaged_and_mean_field_ones_extrapolated() -> None:
    errors = np.array([1.0, 2.0, 1.0, 3.0, 0.5]) * 1e-3
    lattice = transition_point_of_the_infinite_system(
        table("equal_weight_point", np.full(5, 1.426), errors)
    )
    assert (lattice.point, lattice.slope) == pytest.approx((1.426, 0.0))
    assert lattice.error == pytest.approx(np.sum(errors**-2.0) ** -0.5)
    values = 2.7726 + 0.8 / SIZES
    found = transition_point_of_the_infinite_system(
        table("equal_weight_point", values, errors, dimension=-1)
    )
    assert (found.point, found.slope) == pytest.approx((2.7726, 0.8))


def test_the_posterior_of_the_jump_is_that_of_a_normal_law_with_its_correction() -> None:
    jump = np.array([0.80, 0.76, 0.74, 0.715, 0.71])
    errors = np.array([0.01, 0.012, 0.01, 0.02, 0.03])
    found = jump_of_the_infinite_system(table("jump", jump, errors))
    volume = SIZES**2
    limits, exponents = np.linspace(0.0, 1.6, 8001), np.linspace(0.2, 2.0, 73)
    density = np.zeros(limits.size)
    for x in exponents:
        shape = (volume / volume[0]) ** -x
        covariance = np.diag(errors**2) + 0.8**2 * np.outer(shape, shape)
        density += multivariate_normal.pdf(jump - limits[:, None], cov=covariance)
    below = np.cumsum(density) / density.sum()
    for value, probability in (
        (found.median, 0.5),
        (found.upper_bound, 0.95),
    ):
        assert value == pytest.approx(np.interp(probability, below, limits), abs=1.5e-3)
    order = np.argsort(density)[::-1]
    content = np.cumsum(density[order]) / density.sum()
    for interval, share in ((found.interval_68, 0.68), (found.interval_95, 0.95)):
        held = limits[order[: int(np.searchsorted(content, share)) + 1]]
        assert interval == pytest.approx((held.min(), held.max()), abs=1.5e-3)


@pytest.mark.parametrize("limit", [0.0, 0.5])
def test_bounds_and_intervals_hold_the_jump_as_often_as_they_say(limit: float) -> None:
    generator = np.random.default_rng(5)
    repeats, errors = 120, np.full(5, 0.004)
    inside, above = 0, 0
    for _ in range(repeats):
        exact = limit + 0.3 * (SIZES / 8.0) ** -1.0
        found = jump_of_the_infinite_system(
            table("jump", generator.normal(exact, errors), errors)
        )
        inside += found.interval_95[0] <= limit <= found.interval_95[1]
        above += found.upper_bound >= limit
    least = repeats * 0.95 - 4.0 * np.sqrt(repeats * 0.05 * 0.95)
    assert above >= least
    # Zero is the end of the prior, which an equal-tailed interval leaves out.
    assert inside >= least or limit == 0.0


def test_precise_jumps_are_resolved_by_the_grid() -> None:
    errors = np.full(5, 1e-6)
    found = jump_of_the_infinite_system(table("jump", 0.5 + 0.3 * SIZES**-1.0, errors))
    assert found.median == pytest.approx(0.5, abs=1e-4)
    assert found.interval_68[1] - found.interval_68[0] < 1e-4


def test_too_few_sizes_and_other_tables_are_refused() -> None:
    points = table("barrier", 0.1 * SIZES, np.full(5, 0.1))
    with pytest.raises(InsufficientSamplesError, match="sizes with a resolved barrier"):
        interface_tension(points.isel(size=[0]))
    with pytest.raises(InvalidValueError, match="coexistence_points returns"):
        jump_of_the_infinite_system(points)
    line = table("barrier", 0.1 * SIZES, np.full(5, 0.1), dimension=1)
    with pytest.raises(InvalidValueError, match="two dimensions or more"):
        interface_tension(line)
