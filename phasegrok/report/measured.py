"""What was measured: means and errors at each point, agreement of starts, traces, outcomes."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from phasegrok.errors import PhasegrokError
from phasegrok.report.places import StudyData, observed_quantities
from phasegrok.schema import RUN, Outcome
from phasegrok.statistics import (
    disorder_average_by_point,
    point_means,
    run_layout,
)

__all__ = ["health_table", "outcome_table", "point_table", "start_table", "trace_table"]


def point_table(data: StudyData, notes: list[str]) -> xr.Dataset:
    """Means, errors and time-series health of every quantity at every point.

    Parameters
    ----------
    data : StudyData
        The study.
    notes : list of str
        Receives a sentence for each quantity that could not be averaged.

    Returns
    -------
    Dataset
        The columns of `phasegrok.statistics.point_means` along (quantity, point).
        Susceptibilities are those of the fraction of aligned neurons, with N the width.
    """
    tables = {}
    for name in observed_quantities(data.kept):
        size = "width" if name == "aligned_fraction" and "width" in data.kept.coords else None
        try:
            table = point_means(
                data.kept,
                name,
                controls=data.controls,
                start_record=data.cut,
                system_size=size,
            )
        except PhasegrokError as error:
            notes.append(f"No averages of {name}: {error}")
            continue
        tables[name] = table.drop_vars(data.controls).drop_attrs()
    columns = dict.fromkeys(column for table in tables.values() for column in table.data_vars)
    joined = {
        column: (("quantity", "point"), _stacked(tables, str(column), data))
        for column in columns
    }
    named = data.places.assign_coords(quantity=np.array(list(tables), dtype=object))
    return named.assign(joined)


def _stacked(
    tables: dict[str, xr.Dataset], column: str, data: StudyData
) -> NDArray[np.float64]:
    absent = np.full(data.places.sizes["point"], np.nan)
    return np.stack(
        [
            table[column].to_numpy().astype(np.float64) if column in table else absent
            for table in tables.values()
        ]
    )


def start_table(data: StudyData, notes: list[str]) -> xr.Dataset | None:
    """Compare the runs of the first start with those of each other one.

    Parameters
    ----------
    data : StudyData
        The study.
    notes : list of str
        Receives a sentence where starts cannot be compared.

    Returns
    -------
    Dataset or None
        ``difference`` (quantity, point) of the means of both starts, over the same disorders;
        ``error``, from the thermal errors of both, in which the spread of disorders cancels;
        ``z_score``, unit normal where both starts have reached one equilibrium. None where
        there is one start.
    """
    starts = sorted(set(data.kept["start"].to_numpy().tolist()), reverse=True)
    if len(starts) < 2:
        return None
    rows: dict[str, list[NDArray[np.float64]]] = {"difference": [], "error": []}
    names = []
    for name in observed_quantities(data.kept):
        try:
            found = _start_difference(data, name, (starts[0], starts[1]))
        except PhasegrokError as error:
            notes.append(f"Starts are not compared in {name}: {error}")
            continue
        names.append(name)
        rows["difference"].append(found[0])
        rows["error"].append(found[1])
    if not names:
        return None
    dims = ("quantity", "point")
    table = data.places.assign_coords(quantity=np.array(names, dtype=object)).assign(
        {key: (dims, np.stack(values)) for key, values in rows.items()}
    )
    safe = table["error"].where(table["error"] > 0.0)
    return table.assign(z_score=table["difference"] / safe).assign_attrs(
        first=starts[0], second=starts[1]
    )


def _start_difference(
    data: StudyData, name: str, starts: tuple[str, str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    count = data.places.sizes["point"]
    means, errors = np.full((2, count), np.nan), np.full((2, count), np.nan)
    for row, start in enumerate(starts):
        keep = data.kept["start"].to_numpy() == start
        part = data.kept.isel({RUN: np.flatnonzero(keep)})
        table = point_means(part, name, controls=data.controls, start_record=data.cut)
        at = np.unique(data.index[keep])
        means[row, at], errors[row, at] = table["mean"], table["thermal_error"]
    return means[0] - means[1], np.hypot(errors[0], errors[1])


def trace_table(data: StudyData) -> xr.Dataset:
    """Average the main quantity over disorders at each record, for each start.

    Parameters
    ----------
    data : StudyData
        The study.

    Returns
    -------
    Dataset
        ``mean`` and ``standard_error`` (point, start, record), over disorders of replica
        means; attributes ``quantity`` and ``cut_step``.
    """
    names, codes = np.unique(data.kept["start"].to_numpy().astype(str), return_inverse=True)
    group = data.index * names.size + codes.reshape(-1)
    name = data.main_quantity
    samples = data.kept[name].transpose("record", RUN).to_numpy()
    average = disorder_average_by_point(
        samples, layout=run_layout(disorder=data.disorder, point=group)
    )
    shape = (samples.shape[0], data.places.sizes["point"] * names.size)
    filled: dict[str, Any] = {}
    for key, values in (("mean", average.value), ("standard_error", average.standard_error)):
        full = np.full(shape, np.nan)
        full[:, np.unique(group)] = values
        cube = full.reshape(shape[0], -1, names.size)
        filled[key] = (("point", "start", "record"), np.moveaxis(cube, 0, -1))
    traces = data.places.assign_coords(
        start=names.astype(object), step=("record", data.steps)
    ).assign(filled)
    return traces.assign_attrs(quantity=name, cut_step=int(data.steps[data.cut]))


def health_table(data: StudyData, points: xr.Dataset, starts: xr.Dataset | None) -> xr.Dataset:
    """Collect what tells whether each point is in equilibrium, for the main quantity.

    Parameters
    ----------
    data : StudyData
        The study.
    points, starts : Dataset
        From `point_table` and `start_table`.

    Returns
    -------
    Dataset
        Along ``point``: ``acceptance`` where it was recorded, ``autocorrelation_time`` and its
        error in records, ``effective_samples``, ``split_r_hat`` (worst disorder),
        ``drift_z_score``, ``relaxed_at`` (step of the detected end of the relaxation of the
        slowest quantity, median over runs)
        and ``start_z_score``.
    """
    name = data.main_quantity
    health = data.places.assign_attrs(quantity=name)
    if name in points["quantity"].to_numpy():
        columns = (
            "autocorrelation_time",
            "autocorrelation_time_error",
            "effective_samples",
            "split_r_hat",
            "drift_z_score",
        )
        chosen = points.sel(quantity=name)
        health = health.assign({column: chosen[column].variable for column in columns})
    if starts is not None and name in starts["quantity"].to_numpy():
        health["start_z_score"] = starts["z_score"].sel(quantity=name).variable
    layout = run_layout(disorder=data.index)
    if "acceptance" in data.kept:
        late = data.kept["acceptance"].transpose(RUN, "record").to_numpy()[:, data.cut :]
        health["acceptance"] = ("point", layout.cells.mean(late.mean(axis=-1)))
    health["relaxed_at"] = ("point", data.steps[data.relaxed])
    return health


def outcome_table(data: StudyData) -> xr.Dataset:
    """Count the runs at every point by how they ended, points without a finished run too.

    Returns
    -------
    Dataset
        ``runs`` (place, outcome), with the controls along ``place``.
    """
    columns = [data.runs[name].to_numpy() for name in data.controls]
    keys = list(zip(*(column.tolist() for column in columns), strict=True))
    places = list(dict.fromkeys(keys))
    words = [outcome.value for outcome in Outcome]
    counts = np.zeros((len(places), len(words)), dtype=np.int64)
    for key, outcome in zip(keys, data.runs["outcome"].to_numpy().tolist(), strict=True):
        counts[places.index(key), words.index(str(outcome))] += 1
    coordinates = {
        name: ("place", np.array([place[at] for place in places]))
        for at, name in enumerate(data.controls)
    }
    return xr.Dataset(
        {"runs": (("place", "outcome"), counts)},
        coords={"outcome": np.array(words, dtype=object), **coordinates},
    )
