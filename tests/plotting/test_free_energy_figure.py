"""The figure of a free energy draws it from its minimum, in temperatures."""

import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import InvalidValueError
from phasegrok.plotting.free_energy import free_energy, free_energy_table


@pytest.fixture
def profile() -> xr.Dataset:
    return xr.Dataset(
        {
            "free_energy": ("bin", [3.0, 1.0, np.inf, 2.0]),
            "error": ("bin", [0.2, 0.1, np.nan, 0.3]),
        },
        coords={"coordinate": ("bin", [0.5, 1.5, 2.5, 3.5])},
        attrs={"temperature": 0.5, "error_units": "runs"},
    )


@pytest.fixture
def wells() -> xr.Dataset:
    numbers = {"lower": 0.6, "saddle": 1.4, "upper": 3.0}
    heights = {"lower_free_energy": 1.0, "saddle_free_energy": 2.5, "upper_free_energy": 1.5}
    barriers = {"barrier_up": 1.5, "barrier_down": 1.0}
    errors = {f"{name}_error": 0.1 for name in barriers}
    return xr.Dataset({**numbers, **heights, **barriers, **errors})


def test_numbers_are_in_temperatures_from_the_minimum(
    profile: xr.Dataset, wells: xr.Dataset
) -> None:
    numbers = free_energy_table(profile, wells, exact=[3.0, 1.5, 2.0, 2.0])
    line = numbers.where(series="measured")
    np.testing.assert_array_equal(line["free_energy"], [4.0, 0.0, np.inf, 2.0])
    np.testing.assert_array_equal(line["error"], [0.4, 0.2, np.nan, 0.6])
    np.testing.assert_array_equal(numbers.where(series="exact")["free_energy"], [4, 1, 2, 2])
    assert float(numbers.where(series="saddle")["free_energy"][0]) == 3.0


def test_barriers_are_named(profile: xr.Dataset, wells: xr.Dataset) -> None:
    drawn = free_energy(profile, wells)
    legend = drawn.get_legend()
    assert legend is not None
    texts = [each.get_text() for each in legend.get_texts()]
    assert texts[0] == "$T$ = 0.5"
    assert texts[1].endswith("up: 3.00 ± 0.20")
    assert len(free_energy(profile).lines) == 1


def test_exact_numbers_of_other_bins_are_refused(profile: xr.Dataset) -> None:
    with pytest.raises(InvalidValueError, match="one number a bin"):
        free_energy(profile, exact=[1.0, 2.0])
