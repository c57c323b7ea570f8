"""The runs of a study by place: one point of the plan and one start."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import xarray as xr

from phasegrok.errors import FormatError, InsufficientSamplesError
from phasegrok.growth.decision import Extent
from phasegrok.growth.estimates import ErrorEstimate, chain_estimate, unit_estimate
from phasegrok.runs import StudyFolder, attribute_of, open_runs
from phasegrok.runs.folder import DESCRIPTION
from phasegrok.schema import RECORD, RUN, Outcome
from phasegrok.statistics.samples import FloatArray
from phasegrok.study import Plan, RunRequest, Study, as_stored, joined_plan, requested_runs

__all__ = [
    "Place",
    "added_runs",
    "measured_places",
    "plan_of",
    "plan_with_stored",
    "requested_places",
]


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Place:
    """One point and start: what was asked for, and what came.

    Parameters
    ----------
    controls : mapping
        Of the point, all that the plan varies.
    start : str
        How initial states are made.
    extent : Extent
        Disorders that are asked for, and replicas that each of them has at least.
    replicas : tuple of int
        That are asked for of each disorder.
    disorder : (run,) array
        Of the runs that finished.
    series : (run, record) array
        Of these runs, from the first record on that counts.
    gradients : int
        Taken by all runs that are stored.
    """

    controls: Mapping[str, Any]
    start: str
    extent: Extent
    replicas: tuple[int, ...]
    disorder: np.ndarray[Any, np.dtype[np.int64]]
    series: FloatArray
    gradients: int

    @property
    def requested(self) -> int:
        """Number of runs that are asked for."""
        return sum(self.replicas)

    @property
    def finished(self) -> float:
        """Share of the requested runs that finished."""
        return len(self.disorder) / self.requested

    @property
    def estimate(self) -> ErrorEstimate:
        """Mean and error, over records where there is one run and no more is asked for."""
        if self.requested == 1 and len(self.series) == 1:
            return chain_estimate(self.series[0])
        means = self.series.mean(axis=-1) if len(self.series) else ()
        return unit_estimate(means, disorder=self.disorder, asked=self.extent.disorders)


def requested_places(study: Study) -> dict[str, list[RunRequest]]:
    """Gather the runs that a study asks for by point and start.

    Parameters
    ----------
    study : Study
        Description.

    Returns
    -------
    dict
        Hash of point and start to its runs, in the order of the plan.
    """
    places: dict[str, list[RunRequest]] = {}
    for request in requested_runs(study):
        labels = RunRequest(
            controls=request.controls,
            disorder=0,
            replica=0,
            start=request.start,
            at_rest=request.at_rest,
        )
        places.setdefault(labels.run_id, []).append(request)
    return places


def measured_places(
    study: Study, folder: Path, observable: str, *, start_record: int, chosen: Sequence[str]
) -> list[Place]:
    """Read what there is of an observable at some places.

    Parameters
    ----------
    study : Study
        With all that is asked for.
    folder : Path
        Where its runs are.
    observable : str
        A variable of dims (run, record).
    start_record : int
        First record that counts.
    chosen : sequence of str
        Hashes of places, as `requested_places` gives them.

    Returns
    -------
    list of Place
        Only runs that are requested and finished have a series.

    Raises
    ------
    FormatError
        If the folder lacks the observable.
    InsufficientSamplesError
        If no record counts.
    """
    runs = open_runs(folder)
    if observable not in runs.data_vars or runs[observable].dims != (RUN, RECORD):
        why = attribute_of(runs)["left_out"].get(observable, "it is not there")
        raise FormatError(
            f"{folder} needs the variable {observable!r} on (run, record), and {why}; choose "
            "one that all runs have."
        )
    rows = {str(run_id): row for row, run_id in enumerate(runs["run_id"].values)}
    places = requested_places(study)
    return [
        _place(places[key], rows, runs, observable, start_record=start_record) for key in chosen
    ]


def plan_of(place: Place, extent: Extent) -> Plan:
    """Ask for so many runs at one place."""
    return Plan(
        points=[dict(place.controls)],
        starts=[place.start],
        disorders=extent.disorders,
        replicas=extent.replicas,
    )


def plan_with_stored(study: Study, folder: Path) -> Plan:
    """Ask for what is asked for here and what the folder was asked for before."""
    if not (folder / DESCRIPTION).exists():
        return study.plan
    stored = StudyFolder.open(folder)
    if not stored.shards():
        return study.plan
    return joined_plan([study.plan, stored.description().plan])


def _place(
    requests: Sequence[RunRequest],
    rows: Mapping[str, int],
    runs: xr.Dataset,
    observable: str,
    *,
    start_record: int,
) -> Place:
    known = as_stored(requests, rows)
    stored = [rows[each.run_id] for each in known if each.run_id in rows]
    there = runs.isel({RUN: stored})
    whole = np.flatnonzero(there["outcome"].values == Outcome.FINISHED.value)
    kept = there.isel({RUN: whole})
    counts = kept["record_count"].values
    length = int(counts.max()) if counts.size else start_record
    if length <= start_record and counts.size:
        raise InsufficientSamplesError(
            f"the mean of {observable!r} from record {start_record} on",
            required=start_record + 1,
            received=length,
        )
    values = kept[observable].isel({RECORD: slice(start_record, length)})
    return Place(
        controls=requests[0].controls,
        start=requests[0].start,
        extent=_extent(requests),
        replicas=_replicas(requests),
        disorder=kept["disorder"].values.astype(np.int64),
        series=np.asarray(values.values, dtype=np.float64),
        gradients=int(there["gradient_count"].sum()),
    )


def _extent(requests: Sequence[RunRequest]) -> Extent:
    """Find the rectangle of all disorders within a plan that need be none.

    The smallest rectangle around the plan would not do: to grow it, all that it holds and the
    plan does not would be asked for too.
    """
    replicas = _replicas(requests)
    return Extent(len(replicas), min(replicas))


def _replicas(requests: Sequence[RunRequest]) -> tuple[int, ...]:
    """Give the number of replicas of each disorder, from the first on."""
    counts = Counter(each.disorder for each in requests)
    return tuple(counts[disorder] for disorder in sorted(counts))


def added_runs(place: Place, extent: Extent) -> int:
    """Count the runs that an extent asks for beyond those of the plan.

    Parameters
    ----------
    place : Place
        As it is.
    extent : Extent
        What would be asked for.

    Returns
    -------
    int
    """
    disorders, replicas = extent
    held = sum(
        min(there, replicas)
        for disorder, there in enumerate(place.replicas)
        if disorder < disorders
    )
    return extent.runs - held
