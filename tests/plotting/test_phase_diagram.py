"""What is drawn over two controls is what was measured."""

import matplotlib.colors
import numpy as np
import xarray as xr
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.figure import Figure

from phasegrok.plotting import phase_diagram, phase_diagram_table


def cells_of(mesh: QuadMesh) -> dict[tuple[float, float], float]:
    """Value by cell, with the corners of the cell."""
    corners = np.asarray(mesh.get_coordinates())
    values = np.ma.filled(np.ma.asarray(mesh.get_array()).astype(float), np.nan)
    values = values.reshape(corners.shape[0] - 1, corners.shape[1] - 1)
    found = {}
    for noise in (0.1, 0.2, 0.4):
        for examples in (200.0, 400.0):
            column = int(np.searchsorted(corners[0, :, 0], noise)) - 1
            row = int(np.searchsorted(corners[:, 0, 1], examples)) - 1
            found[noise, examples] = float(values[row, column])
    return found


def test_every_cell_has_the_colour_of_its_point(points: xr.Dataset) -> None:
    ax = phase_diagram(points, None)
    mesh = next(each for each in ax.collections if isinstance(each, QuadMesh))
    measured = points.sel(quantity="aligned_fraction")
    expected = {
        (float(n), float(e)): float(m)
        for n, e, m in zip(
            measured["noise_variance"], measured["example_count"], measured["mean"], strict=True
        )
    }
    assert cells_of(mesh) == expected
    assert mesh.get_clim()[0] == 0.0


def test_discs_grow_with_the_standard_error(points: xr.Dataset) -> None:
    ax = phase_diagram(points, None)
    discs = next(
        each
        for each in ax.collections
        if isinstance(each, PathCollection) and len(np.asarray(each.get_offsets())) == 6
    )
    diameter = np.sqrt(discs.get_sizes())
    error = points["standard_error"].sel(quantity="aligned_fraction").to_numpy()
    np.testing.assert_allclose(diameter / diameter.max(), error / error.max(), rtol=1e-12)
    place = np.stack([points["noise_variance"], points["example_count"]], axis=-1)
    np.testing.assert_array_equal(discs.get_offsets(), place)


def test_lines_are_the_theorys_without_absent_values(
    points: xr.Dataset, lines: xr.Dataset
) -> None:
    ax = phase_diagram(points, lines)
    first, second = ax.get_lines()
    np.testing.assert_array_equal(first.get_xdata(), [0.12, 0.2, 0.28])
    np.testing.assert_array_equal(first.get_ydata(), [200.0, 300.0, 400.0])
    np.testing.assert_array_equal(second.get_xdata(), [0.13, 0.3])
    assert matplotlib.colors.to_hex(first.get_color()) != matplotlib.colors.to_hex(
        second.get_color()
    )
    assert ax.get_legend() is not None


def test_the_table_holds_points_and_lines(points: xr.Dataset, lines: xr.Dataset) -> None:
    table = phase_diagram_table(points, lines)
    assert table.distinct("series") == ["measured", "first_order_line", "well_limit_line"]
    measured = points.sel(quantity="aligned_fraction")
    np.testing.assert_array_equal(table.where(series="measured")["mean"], measured["mean"])


def test_lines_of_another_plane_are_left_out(points: xr.Dataset, lines: xr.Dataset) -> None:
    other = lines.assign_attrs(along="width")
    assert phase_diagram_table(points, other).distinct("series") == ["measured"]


def test_scattered_points_are_drawn_as_squares(points: xr.Dataset) -> None:
    scattered = points.isel(point=[0, 1]).assign_coords(noise_variance=("point", [0.2, 0.3]))
    scattered = scattered.isel(point=[0, 1, 0]).assign_coords(
        point=[0, 1, 2], example_count=("point", [100, 200, 300])
    )
    scattered = scattered.assign_coords(noise_variance=("point", [0.1, 0.2, 0.3]))
    ax = phase_diagram(scattered, None)
    assert not [each for each in ax.collections if isinstance(each, QuadMesh)]


def test_the_given_axes_are_used(points: xr.Dataset) -> None:
    given = Figure().subplots()
    assert phase_diagram(points, None, ax=given) is given
    assert given.get_xlabel() == r"noise variance $\sigma^2$"
