"""The figure of round trips draws the rungs of the first walkers."""

import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import FormatError
from phasegrok.plotting.round_trips import round_trips, round_trips_table
from phasegrok.transitions import round_trip_statistics


@pytest.fixture
def walkers() -> xr.Dataset:
    rung = [[0, 1, 2, 1], [2, 1, 0, -1], [1, 0, 1, 2]]
    return xr.Dataset(
        {"rung": (("run", "record"), rung)}, coords={"step": ("record", [0, 10, 20, 30])}
    )


def test_rungs_that_were_made_are_drawn(walkers: xr.Dataset) -> None:
    numbers = round_trips_table(walkers, walkers=2)
    np.testing.assert_array_equal(numbers.where(series="walker 0")["step"], [0, 10, 20, 30])
    np.testing.assert_array_equal(numbers.where(series="walker 1")["rung"], [2, 1, 0])
    drawn = round_trips(walkers, round_trip_statistics([4, 5], [100, 100]))
    assert len(drawn.lines) == 3
    assert drawn.get_title(loc="left").startswith("9 round trips, 22.2 ± 7")


def test_runs_without_rungs_are_refused(walkers: xr.Dataset) -> None:
    with pytest.raises(FormatError, match="'rung'"):
        round_trips_table(walkers.drop_vars("rung"))
