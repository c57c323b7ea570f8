"""Posterior draws: margins, pairs, and what is left out."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.collections import QuadMesh

from phasegrok.errors import InvalidValueError
from phasegrok.plotting import corner, corner_table


def test_draws_without_a_second_maximum_are_left_out(posterior: xr.Dataset) -> None:
    table = corner_table(posterior, quantities=("position", "width"))
    assert len(table) == 950
    np.testing.assert_array_equal(table["width"], posterior["width"].to_numpy().ravel()[50:])


def test_dashed_lines_are_median_and_bounds(posterior: xr.Dataset) -> None:
    panels = corner(posterior, quantities=("position", "width"))
    drawn = [float(np.asarray(line.get_xdata())[0]) for line in panels[1, 1].get_lines()]
    draws = posterior["width"].to_numpy().ravel()[50:]
    assert drawn == pytest.approx(np.quantile(draws, [0.16, 0.5, 0.84]).tolist())


def test_pairs_are_not_transposed(posterior: xr.Dataset) -> None:
    scaled = posterior.assign(position=3.0 * posterior["position"] ** 2)
    panels = corner(scaled, quantities=("position", "width"))
    mesh = next(each for each in panels[1, 0].collections if isinstance(each, QuadMesh))
    corners = np.asarray(mesh.get_coordinates())
    counts = np.asarray(mesh.get_array()).reshape(corners.shape[0] - 1, -1)
    table = corner_table(scaled, quantities=("position", "width"))
    across = np.histogram(table["position"], bins=corners[0, :, 0])[0]
    up = np.histogram(table["width"], bins=corners[:, 0, 1])[0]
    inside = (table["position"] < corners[0, -1, 0]) & (table["width"] < corners[-1, 0, 1])
    assert counts.sum() <= inside.sum() <= 950
    # Draws outside of one axis are missing from the margin of the other.
    assert np.abs(counts.sum(axis=0) - across).max() <= 4
    assert np.abs(counts.sum(axis=1) - up).max() <= 4


def test_the_upper_triangle_is_empty(posterior: xr.Dataset) -> None:
    panels = corner(posterior)
    assert panels.shape == (3, 3)
    assert not panels[0, 1].axison
    assert panels[2, 0].get_xlabel() == r"position $q_*$"


def test_no_second_phase_is_refused(posterior: xr.Dataset) -> None:
    nowhere = posterior.assign(width=posterior["width"] * np.nan)
    with pytest.raises(InvalidValueError, match="no second phase to draw"):
        corner(nowhere)
