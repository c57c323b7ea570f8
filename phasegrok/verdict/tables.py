"""The numbers behind a verdict: features by size, evidences and predictions by kind."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import xarray as xr

from phasegrok.verdict.features import FEATURES, SizeFeatures
from phasegrok.verdict.models import KINDS, Sizes, scaling_models
from phasegrok.verdict.weighing import Weighing

__all__ = ["size_table", "verdict_table"]

_GRID: Final = 40


def size_table(features: Sequence[SizeFeatures]) -> xr.Dataset:
    """Features and what belongs to them along ``size``; see `Verdict`."""
    columns: dict[str, Any] = {
        name: [getattr(each, name) for each in features]
        for name in ("volume", "transition", "transition_spread", "gap", "mixing", "disorders")
    }
    for index, name in enumerate(FEATURES):
        columns[name] = [each.values[index] for each in features]
        columns[f"{name}_error"] = [each.covariance[index, index] ** 0.5 for each in features]
    columns["slope_known"] = [int(each.slope_known) for each in features]
    return xr.Dataset(
        {
            name: ("size", np.asarray(values, dtype=np.float64))
            for name, values in columns.items()
        },
        coords={"size": [each.size for each in features]},
    )


def verdict_table(
    features: Sequence[SizeFeatures], weighing: Weighing, dimension: int | None
) -> xr.Dataset:
    """All numbers behind a verdict; see `Verdict`."""
    scores = [weighing.scores[kind] for kind in KINDS]
    columns = {
        "log_evidence": [each.evidence.log_evidence for each in scores],
        "log_evidence_error": [each.evidence.standard_error for each in scores],
        "predictive": [each.predictive for each in scores],
        "probability": [weighing.kinds[kind] for kind in KINDS],
    }
    kinds = xr.Dataset(
        {name: ("kind", np.asarray(values)) for name, values in columns.items()},
        coords={"kind": list(KINDS)},
    )
    return xr.merge([size_table(features), kinds, _predicted(features, weighing, dimension)])


def _predicted(
    features: Sequence[SizeFeatures], weighing: Weighing, dimension: int | None
) -> xr.Dataset:
    """Features that every kind predicts, from the smallest size to twice the largest."""
    sizes = Sizes.of(np.array([each.volume for each in features]), dimension)
    grid = np.geomspace(sizes.smallest, 2.0 * sizes.largest, _GRID)
    centres = np.nanmean([each.values for each in features], axis=0)
    along = sizes.at(grid)
    bands = [
        np.quantile(
            model.features(weighing.scores[model.kind].draws, along),
            [0.16, 0.5, 0.84],
            axis=0,
        )
        for model in scaling_models(sizes, centres)
    ]
    dims = ("kind", "grid_volume", "feature")
    lower, middle, upper = np.moveaxis(np.stack(bands), 1, 0)
    return xr.Dataset(
        {
            "predicted": (dims, middle),
            "predicted_lower": (dims, lower),
            "predicted_upper": (dims, upper),
        },
        coords={"kind": list(KINDS), "grid_volume": grid, "feature": list(FEATURES)},
    )
