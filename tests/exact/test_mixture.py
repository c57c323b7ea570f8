"""Two Gaussian phases: moments in closed form, and disorder that follows its labels."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

import phasegrok
from phasegrok.errors import InvalidValueError
from phasegrok.exact import GaussianMixture, gaussian_mixture, gaussian_mixture_moment

Distance = Callable[[Any, float], float]


@pytest.mark.parametrize("power", range(7))
@pytest.mark.parametrize(("weight", "distance", "width"), [(0.3, 1.2, 0.4), (1.0, 0.5, 0.1)])
def test_moment_is_the_integral(
    power: int, weight: float, distance: float, width: float
) -> None:
    def density(x: float) -> float:
        lower, upper = (stats.norm.pdf(x, side * distance / 2, width) for side in (-1, 1))
        return float((1 - weight) * lower + weight * upper)

    exact = integrate.quad(lambda x: x**power * density(x), -5, 5, limit=200)[0]
    moment = gaussian_mixture_moment(power, weight=weight, distance=distance, width=width)
    assert moment == pytest.approx(exact, rel=1e-7, abs=1e-9)


def test_susceptibility_of_widths_that_fall_with_the_size() -> None:
    # 1 + N w (1 - w) Δ² for widths 1/√N.
    shape = {"weight": 0.2, "distance": 0.8, "width": 100**-0.5}
    mean, square = (gaussian_mixture_moment(power, **shape) for power in (1, 2))
    assert 100 * (square - mean**2) == pytest.approx(1 + 100 * 0.16 * 0.64)


@pytest.mark.parametrize("field", [-0.02, 0.0, 0.01])
def test_draws_have_the_moments(field: float, errors_away: Distance) -> None:
    samples = gaussian_mixture(
        GaussianMixture(),
        size=100,
        field=field,
        record_count=1000,
        replica_count=50,
        seed=3,
    )
    weight = 1 / (1 + np.exp(-100 * field))
    np.testing.assert_allclose(samples["weight"], weight)
    for power in (1, 2, 3, 4):
        exact = gaussian_mixture_moment(power, weight=weight, distance=1.0, width=0.1)
        values = (samples["order_parameter"] ** power).mean("record").values
        assert errors_away(values, exact) < 4


def test_distance_and_width_follow_the_size() -> None:
    merging = GaussianMixture(distance=lambda size: size**-0.25, width=lambda size: 2 / size)
    samples = gaussian_mixture(merging, size=16, field=0.0, record_count=3, seed=1)
    assert samples["distance"].item() == pytest.approx(0.5)
    assert samples["width"].item() == pytest.approx(0.125)


def test_transition_points_spread_and_belong_to_the_disorder(errors_away: Distance) -> None:
    spread = GaussianMixture(transition_spread=lambda size: 0.5 * size**-0.5)
    samples = gaussian_mixture(
        spread, size=400, field=[-0.1, 0.1], record_count=2, disorder_count=600, seed=5
    )
    by_field = samples["transition_point"].values.reshape(2, 600)
    np.testing.assert_array_equal(by_field[0], by_field[1])
    assert errors_away(by_field[0], 0.0) < 4
    # Standard error of a standard deviation: σ/√(2n).
    assert abs(by_field[0].std(ddof=1) / 0.025 - 1) < 4 / 1200**0.5
    field, point = samples["field"].values, samples["transition_point"].values
    np.testing.assert_allclose(samples["weight"], 1 / (1 + np.exp(-400 * (field - point))))


def test_more_disorders_change_no_existing_number() -> None:
    spread = GaussianMixture(transition_spread=lambda _: 0.01)
    few, many = (
        gaussian_mixture(
            spread, size=50, field=[0.0, 0.1], record_count=5, disorder_count=count, seed=5
        )
        for count in (2, 4)
    )
    kept = many.isel(run=many["disorder"].values < 2)
    np.testing.assert_array_equal(kept["order_parameter"], few["order_parameter"])
    np.testing.assert_array_equal(kept["run_id"], few["run_id"])


def test_another_shape_is_another_run() -> None:
    one, other = (
        gaussian_mixture(shape, size=50, field=0.0, record_count=5, seed=5)
        for shape in (GaussianMixture(), GaussianMixture(distance=lambda _: 0.9))
    )
    assert one["run_id"].item() != other["run_id"].item()


def test_dataset_follows_the_schema() -> None:
    samples = gaussian_mixture(
        GaussianMixture(),
        size=8,
        field=[-1.0, 1.0],
        record_count=4,
        replica_count=2,
        disorder_count=3,
        seed=1,
    )
    assert phasegrok.validate(samples) == []
    assert samples.sizes["run"] == 12


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ({"weight": lambda *_: 1.5}, "weight must lie between 0 and 1"),
        ({"distance": lambda _: -1.0}, "distance must not be negative"),
        ({"width": lambda _: 0.0}, "width must be positive"),
        ({"transition_spread": lambda _: np.nan}, "transition_spread must be a finite"),
    ],
)
def test_shapes_without_meaning_are_refused(shape: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValueError, match=message):
        gaussian_mixture(GaussianMixture(**shape), size=8, field=0.0, record_count=4, seed=1)


def test_refusals() -> None:
    good: dict[str, Any] = {"size": 8, "field": 0.0, "record_count": 4, "seed": 1}
    for change, message in (
        ({"size": 0}, "size must be"),
        ({"disorder_count": 0}, "disorder_count must be a whole number of at least 1"),
        ({"record_count": 10**12}, "GiB"),
    ):
        with pytest.raises(InvalidValueError, match=message):
            gaussian_mixture(GaussianMixture(), **{**good, **change})
    with pytest.raises(InvalidValueError, match="power must be a whole number"):
        gaussian_mixture_moment(-1, weight=0.5, distance=1.0, width=1.0)
