"""The numbers behind a verdict: features by size, evidences and predictions by kind."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import xarray as xr

from phasegrok.verdict.features import FEATURES, SizeFeatures
from phasegrok.verdict.weighing import Weighing

__all__ = ["observable_table", "prefixed"]

_GRID: Final = 40
_COLUMNS: Final = (
    "volume",
    "transition",
    "transition_spread",
    "relative_variance",
    "relative_variance_error",
    "gap",
    "mixing",
    "disorders",
)


def _size_table(features: Sequence[SizeFeatures]) -> xr.Dataset:
    """Features and what belongs to them along ``size``; see `Verdict`."""
    columns: dict[str, Any] = {
        name: [getattr(each, name) for each in features] for name in _COLUMNS
    }
    for index, name in enumerate(FEATURES):
        columns[name] = [each.values[index] for each in features]
        columns[f"{name}_error"] = [each.covariance[index, index] ** 0.5 for each in features]
    columns["barrier_bounded"] = [int(each.barrier_bounded) for each in features]
    columns["slope_known"] = [int(each.slope_known) for each in features]
    return xr.Dataset(
        {
            name: ("size", np.asarray(values, dtype=np.float64))
            for name, values in columns.items()
        },
        coords={"size": [each.size for each in features]},
    )


def observable_table(features: Sequence[SizeFeatures], weighing: Weighing | None) -> xr.Dataset:
    """All numbers of one observable; those along ``size`` alone where nothing was weighed."""
    sizes = _size_table(features)
    if weighing is None:
        return sizes
    scores = weighing.scores.values()
    columns = {
        "log_evidence": [each.evidence.log_evidence for each in scores],
        "log_evidence_error": [each.evidence.standard_error for each in scores],
        "predictive": [each.predictive for each in scores],
        "probability": [weighing.kinds[each.kind] for each in scores],
    }
    kinds = xr.Dataset(
        {name: ("kind", np.asarray(values)) for name, values in columns.items()},
        coords={"kind": list(weighing.scores)},
    )
    return xr.merge([sizes, kinds, _predicted(weighing)])


def prefixed(table: xr.Dataset, prefix: str) -> xr.Dataset:
    """Rename what a second observable shares with the first: variables, and their kinds."""
    renamed = {str(name): f"{prefix}{name}" for name in table.data_vars}
    renamed |= {
        name: f"{prefix}{name}" for name in ("kind", "grid_volume") if name in table.dims
    }
    return table.rename(renamed)


def _predicted(weighing: Weighing) -> xr.Dataset:
    """Features that every kind predicts, from the smallest size to twice the largest."""
    comparison = weighing.comparison
    sizes = comparison.sizes
    grid = np.geomspace(sizes.smallest, 2.0 * sizes.largest, _GRID)
    bands = [
        np.quantile(
            comparison.models[kind].features(found.draws, sizes.at(grid)),
            [0.16, 0.5, 0.84],
            axis=0,
        )
        for kind, found in weighing.scores.items()
    ]
    dims = ("kind", "grid_volume", "feature")
    lower, middle, upper = np.moveaxis(np.stack(bands), 1, 0)
    return xr.Dataset(
        {
            "predicted": (dims, middle),
            "predicted_lower": (dims, lower),
            "predicted_upper": (dims, upper),
        },
        coords={
            "kind": list(weighing.scores),
            "grid_volume": grid,
            "feature": list(FEATURES),
        },
    )
