"""Entries gathered into points."""

import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import FormatError
from phasegrok.transitions.points import groups_of


def runs(count: int) -> xr.Dataset:
    size = np.array([20, 10, 20, 10, 20])[:count]
    field = np.array([0.2, 0.1, 0.1, 0.1, 0.2])[:count]
    return xr.Dataset(coords={"size": ("run", size), "field": ("run", field)})


def test_points_are_sorted_and_hold_their_entries() -> None:
    keys, members = groups_of(runs(5), ["size", "field"])
    assert keys["size"].tolist() == [10, 20, 20]
    assert keys["field"].tolist() == [0.1, 0.1, 0.2]
    assert [each.tolist() for each in members] == [[1, 3], [2], [0, 4]]


def test_what_makes_no_points_is_refused() -> None:
    with pytest.raises(FormatError, match="Did you mean 'field'"):
        groups_of(runs(5), ["fields"])
    with pytest.raises(FormatError, match="at least one entry"):
        groups_of(runs(0), ["size"])
