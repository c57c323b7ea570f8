"""The figure of a line of coexistence draws its points and its slopes."""

import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import InvalidValueError
from phasegrok.plotting.coexistence_line import coexistence_line, coexistence_line_table


@pytest.fixture
def line() -> xr.Dataset:
    numbers = {
        "weight_decay": [0.4, 0.5, 0.7],
        "weight_decay_error": [0.01, 0.02, 0.03],
        "slope": [1.0, 2.0, 3.0],
        "slope_error": [0.1, 0.2, 0.3],
    }
    return xr.Dataset(
        {name: ("point", values) for name, values in numbers.items()},
        coords={"temperature": ("point", [0.1, 0.2, 0.3])},
        attrs={"along": "weight_decay", "against": "temperature"},
    )


def test_points_slopes_and_the_integral_are_in_the_table(line: xr.Dataset) -> None:
    shifted = line.assign(weight_decay=line["weight_decay"] + 0.1)
    numbers = coexistence_line_table(
        line, slopes=shifted, integrated=shifted.drop_vars("slope")
    )
    points = numbers.where(series="line")
    np.testing.assert_array_equal(points["weight_decay"], [0.4, 0.5, 0.7])
    np.testing.assert_array_equal(points["error"], [0.01, 0.02, 0.03])
    np.testing.assert_array_equal(numbers.where(series="slopes")["slope"], [1.0, 2.0, 3.0])
    np.testing.assert_allclose(
        numbers.where(series="integrated")["weight_decay"], [0.5, 0.6, 0.8]
    )


def test_every_point_has_a_stroke_of_its_slope(line: xr.Dataset) -> None:
    drawn = coexistence_line(line, integrated=line, theory=line[["weight_decay"]])
    strokes = [each for each in drawn.lines if len(each.get_xdata()) == 2]  # type: ignore[arg-type]
    assert len(strokes) == 3
    for stroke, slope in zip(strokes, [1.0, 2.0, 3.0], strict=True):
        x, y = np.asarray(stroke.get_xdata()), np.asarray(stroke.get_ydata())
        assert (y[1] - y[0]) / (x[1] - x[0]) == pytest.approx(slope)
    assert drawn.get_ylabel() == "weight decay"


def test_a_table_that_names_no_controls_is_refused(line: xr.Dataset) -> None:
    with pytest.raises(InvalidValueError, match="names its controls"):
        coexistence_line(line.drop_attrs())
