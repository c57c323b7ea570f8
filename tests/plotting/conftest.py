"""Small results with known numbers, in the form that an analysis stores."""

import numpy as np
import pytest
import xarray as xr

NOISE, EXAMPLES = (0.1, 0.2, 0.4), (200, 400)


def places() -> xr.Dataset:
    """Six points, in an order that is neither that of noise nor that of examples."""
    noise = [0.2, 0.1, 0.4, 0.4, 0.2, 0.1]
    examples = [400, 200, 200, 400, 200, 400]
    coordinates = {
        "point": np.arange(6),
        "noise_variance": ("point", noise),
        "example_count": ("point", examples),
    }
    return xr.Dataset(coords=coordinates)


@pytest.fixture
def points() -> xr.Dataset:
    names = ["aligned_fraction", "linear_discrepancy", "cubic_discrepancy"]
    base = places().assign_coords(quantity=np.array(names, dtype=object))
    mean = np.arange(18.0).reshape(3, 6) / 100.0 + 0.01
    error = np.arange(1.0, 19.0).reshape(3, 6) / 1000.0
    dims = ("quantity", "point")
    return base.assign(mean=(dims, mean), standard_error=(dims, error))


@pytest.fixture
def lines() -> xr.Dataset:
    return xr.Dataset(
        {"critical": (("line", "along"), [[0.12, 0.2, 0.28], [0.13, np.nan, 0.3]])},
        coords={
            "line": np.array(["first_order_line", "well_limit_line"], dtype=object),
            "along": [200.0, 300.0, 400.0],
        },
        attrs={"along": "example_count", "solve_for": "noise_variance"},
    )


@pytest.fixture
def curves() -> xr.Dataset:
    grid = np.linspace(0.05, 0.5, 7)
    dims = ("size", "example_count", "noise_variance")
    values = np.arange(28.0).reshape(2, 2, 7)
    return xr.Dataset(
        {"linear_discrepancy": (dims, values), "cubic_discrepancy": (dims, -values)},
        coords={
            "size": np.array(["this size", "large sizes"], dtype=object),
            "example_count": np.array(EXAMPLES, dtype=float),
            "noise_variance": grid,
        },
    )


@pytest.fixture
def overlaps() -> xr.Dataset:
    values = np.linspace(0.0, 8.0, 24).reshape(6, 4)
    counts = np.full((6, 4), 7)
    values[1, 3], counts[1, 3] = np.inf, 0
    dims = ("point", "bin")
    return (
        places()
        .assign_coords(bin_center=("bin", [0.1, 0.3, 0.5, 0.7]))
        .assign(
            negative_log_density=(dims, values),
            standard_error=(dims, np.full((6, 4), 0.2)),
            total_count=(dims, counts),
        )
    )


@pytest.fixture
def overlap_theory() -> xr.Dataset:
    grid = np.linspace(0.0, 0.8, 9)
    rows = np.arange(6)[:, None] + grid**2
    return (
        places()
        .assign_coords(overlap=grid)
        .assign(negative_log_density=(("point", "overlap"), rows))
    )


@pytest.fixture
def traces() -> xr.Dataset:
    mean = np.random.default_rng(3).uniform(0.1, 0.2, size=(6, 2, 5))
    mean[2, 1, 3:] = np.nan
    base = places().assign_coords(
        start=np.array(["aligned", "prior"], dtype=object), step=("record", [0, 5, 10, 20, 40])
    )
    dims = ("point", "start", "record")
    return base.assign(mean=(dims, mean), standard_error=(dims, mean / 10.0)).assign_attrs(
        quantity="aligned_fraction", cut_step=10
    )


@pytest.fixture
def health() -> xr.Dataset:
    return places().assign(
        acceptance=("point", np.linspace(0.6, 0.9, 6)),
        split_r_hat=("point", np.linspace(1.0, 1.1, 6)),
        start_z_score=("point", np.linspace(-2.5, 2.5, 6)),
    )


@pytest.fixture
def posterior() -> xr.Dataset:
    rng = np.random.default_rng(5)
    draws = rng.normal(size=(3, 2, 500))
    draws[1] = 0.6 * draws[0] + 0.8 * draws[1]
    draws[0, 0, :50] = np.nan  # Draws without a second maximum.
    names = ("position", "width", "weight")
    return xr.Dataset(
        {n: (("chain", "draw"), each) for n, each in zip(names, draws, strict=True)}
    )
