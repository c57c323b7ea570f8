"""Splines, measured points, and the collapse of the Curie-Weiss Ising model."""

import numpy as np
import pytest
import xarray as xr
from scipy.interpolate import BSpline

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.exact import concatenated, curie_weiss_ising
from phasegrok.transitions import DataCollapse, data_collapse
from phasegrok.transitions.chains import gather_chains
from phasegrok.transitions.scaling.measured_points import measured_points
from phasegrok.transitions.scaling.scaling_function import spline_basis

SIZES = (64, 128, 256, 512, 1024)
CONTROL = "inverse_temperature"


def sampled(seed: int, record_count: int = 1000) -> xr.Dataset:
    return concatenated(
        [
            curie_weiss_ising(
                size=size,
                inverse_temperature=1.0 + np.linspace(-1.5, 2.5, 10) / size**0.5,
                record_count=record_count,
                seed=seed,
            )
            for size in SIZES
        ]
    )


@pytest.fixture(scope="module")
def fit() -> DataCollapse:
    return data_collapse(
        sampled(4)["magnetization"], control=CONTROL, size="size", dimension=None, seed=2
    )


def test_the_spline_basis_is_that_of_equal_knots() -> None:
    place = np.linspace(0.0, 1.0, 41)
    knots = np.arange(-3.0, 9.0) / 5.0
    expected = BSpline.design_matrix(place[:-1], knots, 3).toarray()
    np.testing.assert_allclose(spline_basis(place, 8)[:-1], expected, atol=1e-12)
    np.testing.assert_allclose(spline_basis(place, 8).sum(axis=1), 1.0, rtol=1e-12)


def test_measured_points_have_the_covariance_of_repetitions() -> None:
    repeats = 200
    values, covariances = [], []
    for seed in range(repeats):
        runs = curie_weiss_ising(
            size=100, inverse_temperature=1.05, record_count=300, seed=seed
        )
        (chains,) = gather_chains(
            runs["magnetization"], control=CONTROL, size="size", dimension=None
        )
        (point,) = measured_points(chains)
        draws = np.abs(runs["magnetization"].to_numpy())
        # n/(n - 2τ) takes the bias of the variance off.
        excess = 300.0 / (300.0 - 2.0 * chains.autocorrelation_time(1.05))
        assert point.values[0] == pytest.approx(draws.mean(), rel=1e-12)
        assert point.values[1] == pytest.approx(draws.var() * excess, rel=1e-9)
        values.append(point.values)
        covariances.append(point.covariance)
    spread = np.cov(np.array(values).T, ddof=1)
    found = np.mean(covariances, axis=0)
    # A variance of 200 repetitions is uncertain by √(2/199) = 10 %.
    np.testing.assert_allclose(np.diagonal(found) / np.diagonal(spread), 1.0, atol=0.35)
    correlation = [
        float(each[0, 1] / np.sqrt(each[0, 0] * each[1, 1])) for each in (found, spread)
    ]
    assert correlation[0] == pytest.approx(correlation[1], abs=0.2)


def test_disorders_count_as_one_sample_each() -> None:
    runs = concatenated([sampled(seed, 100).isel(run=slice(0, 1)) for seed in (1, 2, 3)])
    labelled = runs["magnetization"].assign_coords(disorder=("run", [0, 1, 2]))
    (chains,) = gather_chains(labelled, control=CONTROL, size="size", dimension=None)
    (point,) = measured_points(chains)
    means = np.abs(runs["magnetization"].to_numpy()).mean(axis=1)
    assert point.values[0] == pytest.approx(means.mean())
    assert point.covariance[0, 0] == pytest.approx(means.var(ddof=1) / 3.0)


def test_mean_field_exponents_are_found(fit: DataCollapse) -> None:
    for name, value in (("transition", 1.0), ("width_exponent", 0.5), ("order_exponent", 0.25)):
        row = fit.summary.sel(quantity=name)
        assert abs(float(row["mean"]) - value) < 3.0 * float(row["error"]), name
        assert float(row["error"]) < 0.06
    assert fit.probability > 0.001
    assert 0.0 < fit.degrees_of_freedom < 2 * fit.points.sizes["point"] - 10


def test_points_lie_on_the_function_of_their_size(fit: DataCollapse) -> None:
    points = fit.points
    for name in ("mean", "variance"):
        off = (
            points[f"{name}_value"] - points[f"{name}_correction"] - points[f"{name}_function"]
        )
        pulls = off / points[f"{name}_error"]
        assert float((pulls**2).mean()) < 2.0
        line = fit.functions
        at_points = np.interp(
            points["scaled_control"], line["scaled_control"], line[f"{name}_function"]
        )
        scale = float(np.abs(points[f"{name}_function"]).max())
        np.testing.assert_allclose(at_points, points[f"{name}_function"], atol=0.005 * scale)


def test_scaled_controls_are_those_of_the_posterior_means(fit: DataCollapse) -> None:
    transition, width, order = (
        float(fit.summary["mean"].sel(quantity=name))
        for name in ("transition", "width_exponent", "order_exponent")
    )
    ratio = fit.points["volume"] / 64.0
    expected = (fit.points["control"] - transition) * ratio**width
    np.testing.assert_allclose(fit.points["scaled_control"], expected)
    largest = fit.points.isel(point=np.flatnonzero(fit.points["volume"] == 1024.0))
    runs = sampled(4)
    of_size = runs.isel(run=np.flatnonzero(runs["size"] == 1024))
    near = np.isin(of_size[CONTROL], largest["control"])
    means = np.abs(of_size["magnetization"].to_numpy()).mean(axis=1)[near]
    np.testing.assert_allclose(largest["mean_value"], means * 16.0**order)
    variances = np.abs(of_size["magnetization"].to_numpy()).var(axis=1)[near]
    # The bias of 1000 draws is below a hundredth; a wrong power of 16 is not.
    np.testing.assert_allclose(
        largest["variance_value"], variances * 16.0 ** (2.0 * order), rtol=0.02
    )


def test_a_law_that_does_not_collapse_is_seen_in_the_misfit() -> None:
    runs = sampled(4)
    # Each size on a scale of its own, which no power of N can take away.
    factor = 1.0 + 0.5 * (runs["size"] == 256)
    broken = (runs["magnetization"] * factor).assign_attrs(symmetry="sign")
    fit = data_collapse(
        broken,
        control=CONTROL,
        size="size",
        dimension=None,
        quantities=("mean",),
        seed=2,
    )
    assert "variance_value" not in fit.points
    assert fit.probability < 1e-6


def test_too_few_sizes_or_points_are_refused() -> None:
    samples = sampled(1, 100)["magnetization"]
    with pytest.raises(InsufficientSamplesError, match="of sizes"):
        data_collapse(
            samples.isel(run=slice(0, 20)), control=CONTROL, size="size", dimension=None
        )
    with pytest.raises(InsufficientSamplesError, match="points near the transition"):
        data_collapse(
            samples.isel(run=slice(None, None, 3)), control=CONTROL, size="size", dimension=None
        )


def test_unknown_quantities_are_refused() -> None:
    samples = sampled(1, 100)["magnetization"]
    with pytest.raises(InvalidValueError, match="Did you mean 'variance'"):
        data_collapse(
            samples, control=CONTROL, size="size", dimension=None, quantities=("varience",)
        )
    with pytest.raises(InvalidValueError, match="must be a tuple"):
        data_collapse(samples, control=CONTROL, size="size", dimension=None, quantities=())
