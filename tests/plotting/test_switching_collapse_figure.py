"""The figure of a collapse draws every switching field at its place, and the curve."""

import numpy as np
import pytest
import xarray as xr

from phasegrok.plotting.switching_collapse import switching_collapse, switching_collapse_table


@pytest.fixture
def found() -> xr.Dataset:
    both = ("direction", "point")
    numbers = {"place": [0.3, 0.1, 0.2], "field": [1.0, 2.0, 3.0], "curve": [1.1, 2.1, 3.1]}
    return xr.Dataset(
        {name: (both, np.stack([each, np.negative(each)])) for name, each in numbers.items()},
        coords={
            "direction": ["up", "down"],
            "size": ("point", [10, 10, 20]),
            "rate": ("point", [1.0, 2.0, 1.0]),
        },
        attrs={"control": "field"},
    )


@pytest.fixture
def table() -> xr.Dataset:
    error = ("point", [0.1, 0.2, 0.3])
    return xr.Dataset({"switching_up_error": error, "switching_down_error": error})


def test_fields_stand_at_their_places(table: xr.Dataset, found: xr.Dataset) -> None:
    numbers = switching_collapse_table(table, found)
    up = numbers.where(series="up")
    np.testing.assert_array_equal(up["place"], [0.3, 0.1, 0.2])
    np.testing.assert_array_equal(up["error"], [0.1, 0.2, 0.3])
    np.testing.assert_array_equal(numbers.where(series="down")["field"], [-1.0, -2.0, -3.0])


def test_curves_rise_with_the_place_and_the_answer_is_told(
    table: xr.Dataset, found: xr.Dataset
) -> None:
    comparison = xr.Dataset(
        {"weight": ("model", [0.99, 0.01])},
        coords={"model": ["activated", "continuous"]},
        attrs={"answer": "collapses"},
    )
    drawn = switching_collapse(table, found, comparison=comparison)
    np.testing.assert_array_equal(drawn.lines[0].get_xdata(), [0.1, 0.2, 0.3])
    np.testing.assert_array_equal(drawn.lines[0].get_ydata(), [2.1, 3.1, 1.1])
    assert drawn.get_title(loc="left").startswith("collapses: activated 0.99")
    assert drawn.get_ylabel() == "switching field"
