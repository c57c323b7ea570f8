"""Every door that sorts runs by size refuses coordinates and dimensions that mean nothing."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import InvalidValueError
from phasegrok.transitions import coexistence_points, data_collapse, moment_curves
from phasegrok.transitions.chains import gather_chains
from phasegrok.transitions.demands import require_dimension
from phasegrok.verdict import order_of_transition


def runs() -> xr.DataArray:
    return xr.DataArray(
        np.random.default_rng(0).normal(size=(4, 20)),
        dims=("run", "record"),
        coords={"g": ("run", [1.0, 1.0, 2.0, 2.0]), "L": ("run", [4, 8, 4, 8])},
    )


DOORS: dict[str, Callable[..., Any]] = {
    "gather_chains": gather_chains,
    "moment_curves": moment_curves,
    "coexistence_points": coexistence_points,
    "data_collapse": data_collapse,
    "order_of_transition": order_of_transition,
}


@pytest.mark.parametrize("door", DOORS)
def test_a_size_is_not_its_own_control(door: str) -> None:
    with pytest.raises(
        InvalidValueError, match=r"control and the size must be different .* 'L' as both"
    ):
        DOORS[door](runs(), control="L", size="L", dimension=None)


@pytest.mark.parametrize("dimension", [True, np.True_, False, 0, -1, 2.0, "2", [2]])
def test_a_dimension_is_a_whole_number(dimension: Any) -> None:
    sentence = "dimension must be a whole number of at least 1 .* received "
    with pytest.raises(InvalidValueError, match=sentence):
        require_dimension(dimension)
    with pytest.raises(InvalidValueError, match=sentence):
        gather_chains(runs(), control="g", size="L", dimension=dimension)


def test_a_dimension_of_numpy_and_none_are_taken() -> None:
    for dimension in (1, 2, np.int64(3), None):
        require_dimension(dimension)
    volumes = [
        each.volume for each in gather_chains(runs(), control="g", size="L", dimension=2)
    ]
    assert volumes == [16.0, 64.0]
