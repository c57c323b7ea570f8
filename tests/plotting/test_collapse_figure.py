"""The figure of a collapse draws what the fit holds, and no more."""

import numpy as np
import pytest
import xarray as xr

from phasegrok.inference import Evidence
from phasegrok.inference.chains import Chains, Health
from phasegrok.inference.model import Posterior
from phasegrok.plotting import collapse, collapse_table
from phasegrok.transitions import DataCollapse, Finding

SIZES = np.array([8.0, 16.0])


@pytest.fixture
def curves() -> xr.Dataset:
    control = np.linspace(0.4, 0.5, 5)
    rows = np.stack([control, 2.0 * control - 0.45])
    return xr.Dataset(
        {
            "control": (("size", "place"), np.stack([control, control])),
            "cumulant": (("size", "place"), rows),
            "cumulant_error": (("size", "place"), np.full((2, 5), 0.01)),
        },
        coords={"size": SIZES},
    )


@pytest.fixture
def crossings() -> xr.Dataset:
    names = ("smaller", "larger", "control", "control_error", "value", "value_error")
    numbers = {name: ("pair", [0.45, np.nan]) for name in names}
    findings = [Finding.FOUND.value, Finding.ABSENT.value]
    return xr.Dataset({**numbers, "finding": ("pair", findings)})


@pytest.fixture
def fit() -> DataCollapse:
    points = {
        "size": np.repeat(SIZES, 3),
        "scaled_control": np.tile([-1.0, 0.0, 1.0], 2),
        "variance_value": np.arange(6.0),
        "variance_error": np.full(6, 0.1),
        "variance_correction": np.full(6, 0.5),
    }
    functions = {"scaled_control": np.linspace(-1.0, 1.0, 7), "variance_function": np.ones(7)}
    health = Health(
        autocorrelation_time=1.0,
        effective_samples=1.0,
        acceptance=0.5,
        start_agreement=1.0,
        steps=1,
    )
    return DataCollapse(
        summary=xr.Dataset(),
        points=xr.Dataset({name: ("point", values) for name, values in points.items()}),
        functions=xr.Dataset({name: ("place", values) for name, values in functions.items()}),
        posterior=Posterior(
            model="none",
            chains=Chains(draws=xr.Dataset(), health=health, walkers=1),
            evidence=Evidence(
                log_evidence=0.0, standard_error=1.0, forward=0.0, reverse=0.0, rungs=1
            ),
        ),
        chi_squared=1.0,
        degrees_of_freedom=1.0,
        probability=0.5,
    )


def test_one_panel_for_cumulants_and_one_for_each_quantity(
    fit: DataCollapse, curves: xr.Dataset, crossings: xr.Dataset
) -> None:
    panels = collapse(fit, curves, crossings, control="inverse_temperature")
    assert len(panels) == 2
    assert panels[0].get_xlabel() == "inverse temperature"
    legend = panels[1].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["8", "16"]


def test_points_lie_where_their_correction_leaves_them(
    fit: DataCollapse, curves: xr.Dataset, crossings: xr.Dataset
) -> None:
    table = collapse_table(fit, curves, crossings)
    part = table.where(series="variance")
    np.testing.assert_array_equal(part["uncorrected"], np.arange(6.0))
    np.testing.assert_array_equal(part["value"], np.arange(6.0) - 0.5)
    line = table.where(series="variance function")
    np.testing.assert_array_equal(line["value"], np.ones(7))
    np.testing.assert_array_equal(
        table.where(series="cumulant", size=16.0)["value"], curves["cumulant"].sel(size=16.0)
    )


def test_only_crossings_that_were_found_are_drawn(
    fit: DataCollapse, curves: xr.Dataset, crossings: xr.Dataset
) -> None:
    table = collapse_table(fit, curves, crossings)
    assert table.where(series="crossing")["control"].tolist() == [0.45]
    without = collapse_table(fit, curves)
    assert "crossing" not in without.distinct("series")
