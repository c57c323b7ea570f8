"""From a dataset of runs to a table of points: which runs enter, and what is known at each."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from phasegrok.errors import (
    FormatError,
    InsufficientSamplesError,
    InvalidValueError,
    did_you_mean,
)
from phasegrok.schema import RECORD, RUN, Outcome
from phasegrok.statistics.autocorrelation import (
    AutocorrelationTime,
    grouped_autocorrelation_time,
)
from phasegrok.statistics.convergence import rank_normalised_split_r_hat
from phasegrok.statistics.disorder import (
    connected_susceptibility_by_point,
    disconnected_susceptibility_by_point,
    disorder_average_by_point,
)
from phasegrok.statistics.equilibration import first_last_difference
from phasegrok.statistics.labelled.lifting import STATUS_ATTRIBUTES
from phasegrok.statistics.layout import RunLayout, run_layout
from phasegrok.statistics.samples import FloatArray, IntArray

__all__ = ["LEFT_OUT", "finished", "point_means"]

LEFT_OUT: Final = "left_out_"
"""Prefix of the attributes that count the runs of each other outcome."""

_FEWEST_RECORDS: Final = 4
_APART: Final = ("disorder", "replica", "start", "direction")


def finished(dataset: xr.Dataset) -> xr.Dataset:
    """Keep the runs that finished, and say how many others there were.

    Parameters
    ----------
    dataset : Dataset
        Runs with the coordinate ``outcome`` on ``run``.

    Returns
    -------
    Dataset
        The finished runs, lazily where the input is lazy. The attributes
        ``left_out_truncated``, ``left_out_diverged`` and ``left_out_failed`` count the rest,
        those of an earlier call included.

    Raises
    ------
    FormatError
        Without outcomes, or with words that the schema does not know.
    """
    if "outcome" not in dataset.coords or dataset.coords["outcome"].dims != (RUN,):
        raise FormatError(
            f"leaving unfinished runs out needs the coordinate 'outcome' on {RUN!r}, received "
            f"coordinates {sorted(map(str, dataset.coords))}; open runs by phasegrok.open_runs."
        )
    outcomes = dataset.coords["outcome"].to_numpy().astype(str).tolist()
    known = [outcome.value for outcome in Outcome]
    for word in sorted(set(outcomes) - set(known)):
        raise FormatError(f"unknown outcome {word!r}.{did_you_mean(word, known)}")
    counts = Counter(outcomes)
    left_out = {
        LEFT_OUT + word: counts[word] + int(dataset.attrs.get(LEFT_OUT + word, 0))
        for word in known
        if word != Outcome.FINISHED
    }
    whole = [run for run, word in enumerate(outcomes) if word == Outcome.FINISHED]
    kept = dataset.isel({RUN: whole})
    return kept.assign_attrs(left_out)


def point_means(
    dataset: xr.Dataset,
    variable: str,
    *,
    controls: Sequence[str],
    start_record: int = 0,
    system_size: float | str | None = None,
) -> xr.Dataset:
    """Tabulate what is known of a variable at every point of control space.

    Parameters
    ----------
    dataset : Dataset
        Runs in the schema, with ``disorder`` and ``outcome`` on ``run``. Numbers of disorders
        and replicas may differ from point to point; only finished runs enter.
    variable : str
        Name of a variable of dims (run, record).
    controls : sequence of str
        Coordinates on ``run`` whose distinct combinations are the points. Name every one
        that varies, also ``start`` if runs of different starts shall not be pooled.
    start_record : int
        First record that enters; earlier ones are burn-in. What `drift_z_score` shows tells
        whether it was enough.
    system_size : float or str, optional
        Number N of degrees of freedom that the variable averages over, or the coordinate
        that holds it. With it come the susceptibilities.

    Returns
    -------
    Dataset
        Along ``point``, sorted by the controls, which are its coordinates. ``mean`` and
        ``standard_error`` (over disorders of replica means; NaN where ``disorder_count`` is
        1); ``thermal_error``, what of it the finite length of the runs explains;
        ``disorder_count``, ``run_count`` and ``replica_count`` (the fewest of a disorder);
        ``autocorrelation_time`` in records with its ``_error`` and ``status``;
        ``effective_samples`` of all runs; ``split_r_hat``, rank-normalised, over the
        replicas of a disorder, the worst of the disorders; ``drift_z_score``, the first
        tenth of all runs against their last half, unit normal in equilibrium; and
        ``connected_susceptibility``, ``disconnected_susceptibility`` with their
        ``_error`` and ``_disorder_count`` (disorders with at least two replicas). NaN stands
        only where such a count is too small: 1 for a value and 2 for its error, one more for
        the disconnected one. Values held by dask are computed.

    Raises
    ------
    FormatError
        For a dataset that lacks what the schema demands.
    InvalidValueError
        For unknown names, samples that are not finite, or runs that no control tells apart.
    InsufficientSamplesError
        Where no run finished, or fewer than four records are left.
    """
    runs = finished(dataset)
    samples = _samples(runs, variable, start_record)
    points = _points(runs, controls)
    _refuse_duplicates(runs, points.index, controls)
    layout = run_layout(disorder=_coordinate(runs, "disorder"), point=points.index)
    columns = _averages(samples, layout) | _health(samples, layout)
    if system_size is not None:
        columns |= _susceptibilities(samples, layout, _sizes(runs, points, system_size))
    table = xr.Dataset(
        {name: ("point", values) for name, values in columns.items()},
        coords={name: ("point", values) for name, values in points.values.items()},
        attrs={k: v for k, v in runs.attrs.items() if str(k).startswith(LEFT_OUT)},
    )
    return _described(table, runs, variable, start_record)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class _Points:
    """Distinct combinations of controls."""

    index: IntArray
    """Point of every run, (run,)."""
    first: IntArray
    """One run of every point, (point,)."""
    values: Mapping[str, NDArray[Any]]
    """Controls of every point, (point,) each."""


def _coordinate(runs: xr.Dataset, name: str) -> NDArray[Any]:
    on_runs = [str(key) for key, value in runs.coords.items() if value.dims == (RUN,)]
    if name not in on_runs:
        raise InvalidValueError(
            f"{name!r} must be a coordinate on {RUN!r}, received a dataset without it."
            f"{did_you_mean(name, on_runs)}"
        )
    return np.asarray(runs.coords[name].to_numpy())


def _samples(runs: xr.Dataset, variable: str, start_record: int) -> FloatArray:
    if variable not in runs.data_vars:
        raise InvalidValueError(
            f"the dataset has no variable {variable!r}."
            f"{did_you_mean(variable, map(str, runs.data_vars))}"
        )
    array = runs[variable]
    if set(array.dims) != {RUN, RECORD}:
        raise InvalidValueError(
            f"point means need dims ({RUN!r}, {RECORD!r}), {variable!r} has {array.dims}; "
            "reduce or select the other dimensions first."
        )
    if array.sizes[RUN] == 0:
        others = {k: v for k, v in runs.attrs.items() if str(k).startswith(LEFT_OUT)}
        raise InsufficientSamplesError(
            f"a table of points (samples are finished runs; {others})", required=1, received=0
        )
    records = array.sizes[RECORD]
    if start_record < 0:
        raise InvalidValueError(f"start_record must be at least 0, received {start_record}.")
    if records - start_record < _FEWEST_RECORDS:
        raise InsufficientSamplesError(
            f"time-series health of {variable!r} after start_record={start_record}",
            required=_FEWEST_RECORDS,
            received=max(records - start_record, 0),
        )
    kept = array.transpose(RUN, RECORD).isel({RECORD: slice(start_record, None)})
    return np.asarray(kept.to_numpy())


def _points(runs: xr.Dataset, controls: Sequence[str]) -> _Points:
    if isinstance(controls, str) or not controls:
        raise InvalidValueError(
            f"controls must be a list of at least one coordinate, received {controls!r}."
        )
    columns = {name: _coordinate(runs, name) for name in controls}
    codes = [
        np.unique(column, return_inverse=True)[1].reshape(-1) for column in columns.values()
    ]
    _, first, index = np.unique(
        np.stack(codes, axis=-1), axis=0, return_index=True, return_inverse=True
    )
    return _Points(
        index=index.astype(np.int64).reshape(-1),
        first=first.astype(np.int64),
        values={name: column[first] for name, column in columns.items()},
    )


def _refuse_duplicates(runs: xr.Dataset, point: IntArray, controls: Sequence[str]) -> None:
    """Two runs alike in all that tells replicas apart differ in a control not named."""
    if "replica" not in runs.coords:
        raise FormatError(
            f"a table of points needs the coordinate 'replica' on {RUN!r}; without it replicas "
            "and repeated runs look alike."
        )
    names = [name for name in _APART if name in runs.coords and name not in controls]
    columns = [_coordinate(runs, name).tolist() for name in names]
    keys = Counter(zip(point.tolist(), *columns, strict=True))
    key, count = keys.most_common(1)[0]
    if count > 1:
        labels = dict(zip(names, key[1:], strict=True))
        raise InvalidValueError(
            f"{count} runs of one point share {labels}: either a control that varies is "
            f"missing from controls={list(controls)}, or runs are in the dataset twice; name "
            "it, or drop duplicates by run_id."
        )


def _averages(samples: FloatArray, layout: RunLayout) -> dict[str, NDArray[Any]]:
    average = disorder_average_by_point(samples.mean(axis=-1), layout=layout)
    cells, points = layout.cells, layout.points
    return {
        "mean": average.value,
        "standard_error": average.standard_error,
        "disorder_count": average.disorder_count,
        "run_count": points.sum(cells.counts.astype(np.float64)).astype(np.int64),
        "replica_count": points.minimum(cells.counts.astype(np.float64)).astype(np.int64),
    }


def _health(samples: FloatArray, layout: RunLayout) -> dict[str, NDArray[Any]]:
    times = grouped_autocorrelation_time(samples, layout=layout)
    runs = layout.points.sum(layout.cells.counts.astype(np.float64))
    return {
        "thermal_error": _thermal_error(times, samples.shape[-1], layout),
        "autocorrelation_time": times.time,
        "autocorrelation_time_error": times.error,
        "status": times.status,
        "effective_samples": runs * samples.shape[-1] / (2.0 * times.time),
        "split_r_hat": layout.points.maximum(_r_hat_of_cells(samples, layout)),
        "drift_z_score": _drift(samples, layout),
    }


def _thermal_error(
    times: AutocorrelationTime, record_count: int, layout: RunLayout
) -> FloatArray:
    """Error of the mean over fixed disorders, each with the variance common to the point."""
    inverse = layout.points.sum(1.0 / layout.cells.counts) / layout.points.counts**2
    result: FloatArray = np.sqrt(2.0 * times.time * times.variance / record_count * inverse)
    return result


def _r_hat_of_cells(samples: FloatArray, layout: RunLayout) -> FloatArray:
    cells = layout.cells
    order = np.argsort(cells.index, kind="stable")
    starts = np.cumsum(cells.counts) - cells.counts
    result = np.empty(cells.counts.size)
    # Cells with as many replicas form one array, so the loop is over replica numbers alone.
    for count in np.unique(cells.counts):
        members = np.flatnonzero(cells.counts == count)
        rows = order[starts[members][:, np.newaxis] + np.arange(count)]
        result[members] = rank_normalised_split_r_hat(samples[rows])
    return result


def _drift(samples: FloatArray, layout: RunLayout) -> FloatArray:
    parts = first_last_difference(samples)
    run_point = layout.points.index[layout.cells.index]
    difference = np.bincount(run_point, weights=parts.difference)
    error = np.sqrt(np.bincount(run_point, weights=parts.error**2))
    still = error == 0.0
    beyond = np.where(difference == 0.0, 0.0, np.copysign(np.inf, difference))
    return np.where(still, beyond, difference / np.where(still, 1.0, error))


def _sizes(runs: xr.Dataset, points: _Points, system_size: float | str) -> FloatArray:
    if not isinstance(system_size, str):
        return np.full(points.first.size, float(system_size))
    sizes = _coordinate(runs, system_size).astype(np.float64)
    at_point: FloatArray = sizes[points.first]
    if np.any(sizes != at_point[points.index]):
        raise InvalidValueError(
            f"system_size={system_size!r} differs between runs of one point; name it among the "
            "controls."
        )
    return at_point


def _susceptibilities(
    samples: FloatArray, layout: RunLayout, system_size: FloatArray
) -> dict[str, NDArray[Any]]:
    connected = connected_susceptibility_by_point(
        samples, layout=layout, system_size=system_size
    )
    disconnected = disconnected_susceptibility_by_point(
        samples.mean(axis=-1), layout=layout, system_size=system_size
    )
    columns: dict[str, NDArray[Any]] = {}
    for kind, average in (("connected", connected), ("disconnected", disconnected)):
        name = f"{kind}_susceptibility"
        columns[name] = average.value
        columns[f"{name}_error"] = average.standard_error
        columns[f"{name}_disorder_count"] = average.disorder_count
    return columns


def _described(
    table: xr.Dataset, runs: xr.Dataset, variable: str, start_record: int
) -> xr.Dataset:
    source = runs[variable].attrs
    meaning = str(source.get("long_name", variable))
    for name in ("mean", "standard_error", "thermal_error"):
        table[name].attrs["long_name"] = f"{name.replace('_', ' ')} of {meaning}"
        if "units" in source:
            table[name].attrs["units"] = source["units"]
    for name in ("autocorrelation_time", "autocorrelation_time_error"):
        table[name].attrs["units"] = "records"
    table["status"].attrs.update(STATUS_ATTRIBUTES)
    for control in table.coords:
        table[control].attrs.update(runs[control].attrs)
    return table.assign_attrs(variable=variable, start_record=start_record)
