"""Traces from both starts, and measures of health at every point."""

import numpy as np
import xarray as xr

from phasegrok.plotting import (
    health_of_points,
    health_of_points_table,
    start_traces,
    start_traces_table,
)


def test_traces_are_the_stored_ones(traces: xr.Dataset) -> None:
    ax = start_traces(traces, point=1)
    lines = [line for line in ax.get_lines() if len(np.asarray(line.get_xdata())) == 5]
    for line, start in zip(lines, ("aligned", "prior"), strict=True):
        np.testing.assert_array_equal(
            line.get_ydata(), traces["mean"].sel(point=1, start=start)
        )
        np.testing.assert_array_equal(line.get_xdata(), traces["step"])
    bounds = np.concatenate(
        [np.asarray(each.get_paths()[0].vertices)[:, 1] for each in ax.collections]
    )
    one = traces.sel(point=1)
    assert bounds.max() == float((one["mean"] + one["standard_error"]).max())
    cut = [line for line in ax.get_lines() if list(np.asarray(line.get_xdata())) == [10, 10]]
    assert len(cut) == 1


def test_records_never_made_are_left_out(traces: xr.Dataset) -> None:
    table = start_traces_table(traces, point=2)
    assert len(table.where(series="prior")) == 3
    assert len(table.where(series="aligned")) == 5


def test_each_panel_shows_its_quantity(health: xr.Dataset) -> None:
    panels = health_of_points(health, quantities=["acceptance", "split_r_hat"])
    line = panels[1].get_lines()[0]
    here = health.isel(point=[1, 4, 2])  # 200 examples by increasing noise.
    np.testing.assert_array_equal(line.get_xdata(), here["noise_variance"])
    np.testing.assert_array_equal(line.get_ydata(), here["split_r_hat"])


def test_the_table_keeps_the_rows_together(health: xr.Dataset) -> None:
    table = health_of_points_table(health, quantities=["start_z_score"])
    stored = {
        (float(p["noise_variance"]), float(p["example_count"])): float(p["start_z_score"])
        for p in (health.sel(point=label) for label in health["point"].to_numpy())
    }
    rows = zip(
        table["noise_variance"], table["example_count"], table["start_z_score"], strict=True
    )
    assert {(noise, examples): z for noise, examples, z in rows} == stored
