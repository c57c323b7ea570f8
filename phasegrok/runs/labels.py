"""Whether the identifier of a run follows from its own labels: a swapped label is caught."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import combinations
from typing import Any, Final

import numpy as np
import xarray as xr

from phasegrok.errors import InvalidStudyError
from phasegrok.runs.attribute import control_names
from phasegrok.seeding import canonical_json
from phasegrok.study import RunRequest, requested_runs, study_from_plain

__all__ = ["mislabelled", "requests_of"]

_MOST_CONTROLS: Final = 12
"""Of which all subsets are tried."""


def mislabelled(dataset: xr.Dataset, attribute: Mapping[str, Any]) -> list[str]:
    """Name the runs whose identifier is not the hash of their controls and labels.

    Parameters
    ----------
    dataset : Dataset
        Runs with their coordinates.
    attribute : mapping
        What describes them.

    Returns
    -------
    list of str
        Identifiers.

    Raises
    ------
    InvalidStudyError
        If the description cannot be carried out, so that no plan follows from it.
    """
    controls = [name for name in control_names([attribute]) if name in dataset.coords]
    wrong = []
    stated = [tuple(controls)]
    for place, run_id in enumerate(dataset["run_id"].values):
        labels = dict(_labels(dataset, controls, place))
        if any(_request(labels, each).run_id == run_id for each in stated):
            continue
        # Scattered points need not set every control of the plan.
        planned = requests_of(attribute["study"]).get(str(run_id))
        if planned is not None:
            names = tuple(planned.controls) if _agree(planned, labels) else None
        else:
            names = _stated(labels, controls, str(run_id))
        if names is None:
            wrong.append(str(run_id))
        elif names not in stated:
            stated.append(names)
    return wrong


def requests_of(study: Mapping[str, Any] | None) -> Mapping[str, RunRequest]:
    """Runs that a description asks for.

    Parameters
    ----------
    study : mapping or None
        Plain data; None for recorded runs, of which none were asked for.

    Returns
    -------
    mapping
        Identifier to run.

    Raises
    ------
    InvalidStudyError
        If the description cannot be carried out.
    """
    return {} if study is None else _requests(canonical_json(study))


@lru_cache(maxsize=4)
def _requests(text: str) -> Mapping[str, RunRequest]:
    # The shards of a study share a few plans, and one of 10,000 runs takes a while.
    try:
        study = study_from_plain(json.loads(text))
    except (TypeError, AttributeError) as error:
        raise InvalidStudyError(f"the stored description is none: {error}.") from error
    return {request.run_id: request for request in requested_runs(study)}


def _labels(
    dataset: xr.Dataset, controls: list[str], place: int
) -> Iterator[tuple[str, float | int | str]]:
    for name in (*controls, "disorder", "replica", "start", "first_rung"):
        if name in dataset.coords:
            value = dataset.variables[name].values[place]
            yield name, value.item() if isinstance(value, np.generic) else value


def _stated(
    labels: Mapping[str, Any], controls: list[str], run_id: str
) -> tuple[str, ...] | None:
    """Which controls the point of a run set, of a plan that is not known any more."""
    if len(controls) > _MOST_CONTROLS:
        return None
    return next(
        (
            names
            for count in range(len(controls) - 1, -1, -1)
            for names in combinations(controls, count)
            if _request(labels, names).run_id == run_id
        ),
        None,
    )


def _request(labels: Mapping[str, Any], controls: Sequence[str]) -> RunRequest:
    return RunRequest(
        controls={name: labels[name] for name in controls},
        disorder=labels["disorder"],
        replica=labels["replica"],
        start=labels["start"],
        rung=labels.get("first_rung"),
    )


def _agree(planned: RunRequest, labels: Mapping[str, Any]) -> bool:
    wanted = {
        **planned.controls,
        "disorder": planned.disorder,
        "replica": planned.replica,
        "start": planned.start,
    }
    return all(labels.get(name) == value for name, value in wanted.items()) and (
        labels.get("first_rung") == planned.rung
    )
