"""The figure of a map draws its values, what may be trusted and what was sampled."""

import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import InvalidValueError
from phasegrok.plotting.control_map import control_map, control_map_table

DIMS = ("temperature", "weight_decay")


@pytest.fixture
def table() -> xr.Dataset:
    value = np.arange(12.0).reshape(3, 4)
    trusted = np.ones((3, 4), np.int8)
    trusted[2] = 0
    parts = {"m": value, "m_error": 0.1 * value, "m_effective_samples": 100.0 + value}
    parts |= {"distance": value / 10.0, "trusted": trusted}
    return xr.Dataset(
        {name: (DIMS, each) for name, each in parts.items()},
        coords={"temperature": [0.1, 0.2, 0.3], "weight_decay": [1.0, 2.0, 3.0, 4.0]},
        attrs={"observables": ["m"]},
    )


@pytest.fixture
def sampled() -> xr.Dataset:
    return xr.Dataset(
        coords={"temperature": ("run", [0.1, 0.1, 0.2]), "weight_decay": ("run", [1, 1, 2])}
    )


def test_every_cell_is_in_the_table_once(table: xr.Dataset, sampled: xr.Dataset) -> None:
    numbers = control_map_table(table.transpose(*DIMS[::-1]), "m", sampled=sampled)
    cells = numbers.where(series="map")
    assert len(cells) == 12
    for row in range(12):
        at = {name: cells[name][row] for name in DIMS}
        assert cells["m"][row] == float(table["m"].sel(at))
        assert cells["trusted"][row] == float(table["trusted"].sel(at))
    assert len(numbers.where(series="sampled")) == 2


def test_what_is_not_trusted_is_hatched(table: xr.Dataset, sampled: xr.Dataset) -> None:
    drawn = control_map(table, "m", sampled=sampled)
    assert drawn.get_xlabel() == "temperature $T$"
    assert any(getattr(each, "hatches", None) == ["////"] for each in drawn.collections)
    sound = control_map(table.assign(trusted=table["trusted"] * 0 + 1), "m")
    assert not any(getattr(each, "hatches", None) == ["////"] for each in sound.collections)


def test_what_is_no_map_over_two_controls_is_refused(table: xr.Dataset) -> None:
    with pytest.raises(InvalidValueError, match="name one of its observables"):
        control_map(table, "q")
    with pytest.raises(InvalidValueError, match="two controls"):
        control_map(table.isel(temperature=0), "m")
