"""The figure of lifetimes draws what was measured, fitted and known."""

import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import InvalidValueError
from phasegrok.plotting.lifetimes import lifetimes, lifetimes_table
from phasegrok.transitions.escape.arrhenius_law import Arrhenius

FIT = Arrhenius(
    barrier=0.1,
    barrier_error=0.01,
    log_prefactor=1.0,
    log_prefactor_error=0.1,
    correlation=-0.9,
    chi_square=1.0,
    freedom=1,
    predictive=0.3,
)


@pytest.fixture
def table() -> xr.Dataset:
    numbers = {
        "value": [10.0, 30.0, np.inf],
        "lower_68": [8.0, 25.0, 90.0],
        "upper_68": [13.0, 37.0, np.inf],
    }
    return xr.Dataset(
        {name: ("point", values) for name, values in numbers.items()},
        coords={"size": ("point", [10, 20, 30])},
    )


def test_measured_fitted_and_exact_are_in_the_table(table: xr.Dataset) -> None:
    numbers = lifetimes_table(table, FIT, exact=[11.0, 29.0, 80.0])
    assert numbers.distinct("series") == ["measured", "fit", "exact"]
    np.testing.assert_array_equal(numbers.where(series="measured")["value"], table["value"])
    line = numbers.where(series="fit")
    np.testing.assert_allclose(np.log(line["value"]), 1.0 + 0.1 * line["size"])


def test_a_point_without_escapes_is_an_arrow(table: xr.Dataset) -> None:
    ax = lifetimes(table, FIT)
    arrows = [line for line in ax.lines if line.get_marker() == "^"]
    assert len(arrows) == 1
    np.testing.assert_array_equal(arrows[0].get_xydata(), [[30.0, 90.0]])
    assert ax.get_yscale() == "log"


def test_exact_lifetimes_belong_to_the_points(table: xr.Dataset) -> None:
    with pytest.raises(InvalidValueError, match="one a point"):
        lifetimes(table, FIT, exact=[1.0])
