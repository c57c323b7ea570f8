"""The figure of a verdict draws what the verdict holds, and no more."""

import numpy as np
import pytest
import xarray as xr

from phasegrok.plotting import verdict_features, verdict_features_table
from phasegrok.verdict import Verdict

FEATURES = ("log_slope", "log_variance", "barrier")
KINDS = ("first-order", "continuous", "crossover", "weak", "none")
VOLUMES = np.array([100.0, 200.0, 400.0])


@pytest.fixture
def verdict() -> Verdict:
    table = xr.Dataset({"volume": ("size", VOLUMES)}, coords={"size": VOLUMES})
    for index, name in enumerate(FEATURES):
        table[name] = ("size", index + np.arange(3.0))
        table[f"{name}_error"] = ("size", np.full(3, 0.1))
    table["slope_known"] = ("size", [1.0, 1.0, 0.0])
    dims = ("kind", "grid_volume", "feature")
    middle = np.arange(5.0 * 4 * 3).reshape(5, 4, 3)
    predicted = xr.Dataset(
        {
            "predicted": (dims, middle),
            "predicted_lower": (dims, middle - 1.0),
            "predicted_upper": (dims, middle + 1.0),
        },
        coords={
            "kind": list(KINDS),
            "grid_volume": np.geomspace(100.0, 800.0, 4),
            "feature": list(FEATURES),
        },
    )
    return Verdict(
        order="undetermined",
        probabilities={
            "first-order": 0.5,
            "continuous": 0.25,
            "crossover": 0.125,
            "undetermined": 0.125,
        },
        grounds=(),
        against=(),
        wanted="",
        table=table.merge(predicted).assign_attrs(control="g"),
    )


def test_measured_features_and_the_bands_of_every_answer_are_drawn(verdict: Verdict) -> None:
    panels = verdict_features(verdict)
    assert len(panels) == 3
    legend = panels[0].get_legend()
    assert legend is not None
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts == ["first-order (0.500)", "continuous (0.250)", "crossover (0.125)"]
    table = verdict_features_table(verdict)
    assert table.distinct("series") == ["measured", "first-order", "continuous", "crossover"]
    second = table.where(series="continuous")
    expected = verdict.table["predicted"].sel(kind="continuous", feature="barrier")
    np.testing.assert_array_equal(second["barrier"], expected)
    np.testing.assert_array_equal(second["barrier_upper"], expected + 1.0)


def test_a_slope_that_is_not_known_is_not_drawn(verdict: Verdict) -> None:
    measured = verdict_features_table(verdict).where(series="measured")
    np.testing.assert_array_equal(measured["log_slope"], [0.0, 1.0, np.nan])
    np.testing.assert_array_equal(measured["barrier"], [2.0, 3.0, 4.0])


def test_without_predictions_the_points_stand_alone(verdict: Verdict) -> None:
    names = ["predicted", "predicted_lower", "predicted_upper"]
    alone = Verdict(
        order=verdict.order,
        probabilities=verdict.probabilities,
        grounds=(),
        against=("2 usable sizes, 3 are needed",),
        wanted="",
        table=verdict.table.drop_vars(names),
    )
    assert verdict_features_table(alone).distinct("series") == ["measured"]
    assert all(panel.get_legend() is None for panel in verdict_features(alone))
