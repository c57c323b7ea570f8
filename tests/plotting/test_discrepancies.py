"""Measured quantities against the noise, beside the theory's curves."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.container import ErrorbarContainer

from phasegrok.plotting import against_noise, against_noise_table, discrepancies


@pytest.mark.parametrize("quantity", ["linear_discrepancy", "cubic_discrepancy"])
def test_bars_and_curves_are_those_of_the_results(
    points: xr.Dataset, curves: xr.Dataset, quantity: str
) -> None:
    ax = against_noise(points, curves, quantity=quantity)
    bars = [each for each in ax.containers if isinstance(each, ErrorbarContainer)]
    measured = points.sel(quantity=quantity)
    here = measured.isel(point=[0, 3, 5]).sortby("noise_variance")  # 400 examples.
    np.testing.assert_array_equal(bars[1][0].get_xdata(), [0.1, 0.2, 0.4])
    np.testing.assert_array_equal(bars[1][0].get_ydata(), here["mean"])
    segments = bars[1][2][0].get_segments()
    spread = [(end[1] - begin[1]) / 2.0 for begin, end in segments]
    np.testing.assert_allclose(spread, here["standard_error"])
    drawn = {
        tuple(np.asarray(line.get_ydata()).tolist())
        for line in ax.get_lines()
        if len(np.asarray(line.get_xdata())) == 7
    }
    assert drawn == {tuple(row) for row in curves[quantity].to_numpy().reshape(4, 7).tolist()}


def test_some_values_may_be_chosen(points: xr.Dataset, curves: xr.Dataset) -> None:
    table = against_noise_table(points, curves, quantity="linear_discrepancy", values=[200])
    assert table.distinct("example_count") == [200.0]
    assert len(table.where(series="measured")) == 3
    assert len(table.where(series="theory, large sizes")) == 7


def test_without_a_curve_only_points_are_drawn(points: xr.Dataset, curves: xr.Dataset) -> None:
    table = against_noise_table(points, curves, quantity="aligned_fraction")
    assert table.distinct("series") == ["measured"]
    legend = against_noise(points, None, quantity="aligned_fraction").get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["$n$ = 200", "$n$ = 400"]


def test_both_discrepancies_stand_side_by_side(points: xr.Dataset, curves: xr.Dataset) -> None:
    left, right = discrepancies(points, curves)
    assert left.figure is right.figure
    assert (left.get_ylabel(), right.get_ylabel()) == (
        "linear discrepancy $b$",
        "cubic discrepancy $c$",
    )
