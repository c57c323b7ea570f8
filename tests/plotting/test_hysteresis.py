"""The figure of loops draws the switching fields and their collapse, as given."""

import numpy as np
import pytest
import xarray as xr

from phasegrok.plotting.hysteresis import hysteresis, hysteresis_table


@pytest.fixture
def table() -> xr.Dataset:
    names = ["switching_up", "switching_down"]
    numbers = {name: [0.1, 0.2, np.nan, 0.4] for name in names}
    numbers |= {f"{name}_error": [0.01, 0.01, np.nan, 0.02] for name in names}
    return xr.Dataset(
        {name: ("point", values) for name, values in numbers.items()},
        coords={"size": ("point", [10, 10, 20, 20]), "rate": ("point", [0.1, 0.2, 0.1, 0.2])},
        attrs={"control": "field"},
    )


@pytest.fixture
def limits() -> xr.Dataset:
    place = np.array([0.4, 0.3, np.nan, 0.1])
    both = (("direction", "point"), np.stack([place, place]))
    return xr.Dataset(
        {
            "place": both,
            "lag": both,
            "spinodal": ("direction", [0.5, np.nan]),
            "spinodal_error": ("direction", [0.05, np.nan]),
            "barrier_root": ("direction", [2.0, np.nan]),
        },
        coords={"direction": ["up", "down"]},
    )


def test_every_switching_field_and_its_place_are_drawn(
    table: xr.Dataset, limits: xr.Dataset
) -> None:
    numbers = hysteresis_table(table, limits)
    for name in ("up", "down"):
        part = numbers.where(series=name)
        np.testing.assert_array_equal(part["switching"], table[f"switching_{name}"])
        np.testing.assert_array_equal(part["lag"], limits["lag"].sel(direction=name))
    line = numbers.where(series="up line")
    np.testing.assert_allclose(line["lag"], 2.0 * line["place"] ** (2 / 3))
    assert line["place"].max() == pytest.approx(0.4)


def test_panels_name_sizes_and_mark_only_limits_that_are_known(
    table: xr.Dataset, limits: xr.Dataset
) -> None:
    panels = hysteresis(table, limits)
    assert len(panels) == 2
    legend = panels[1].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["$N$ = 10", "$N$ = 20"]
    assert len(panels[0].patches) == 1
    assert panels[0].get_ylabel() == "switching field"
