"""Single runs of shards: all that is stored of one, compared bit for bit, or taken out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from phasegrok.errors import FormatError
from phasegrok.runs.attribute import attribute_text, control_names, stated_option
from phasegrok.runs.opening import open_runs, states
from phasegrok.runs.reading import read_shard
from phasegrok.schema import ATTRIBUTE, RECORD, RUN, STATES_GROUP
from phasegrok.seeding import digest

__all__ = [
    "LoadedShard",
    "RunContents",
    "contents_of",
    "differences",
    "differing",
    "fingerprint",
    "load_shard",
    "of_runs",
]


class LoadedShard(NamedTuple):
    """All of a shard, in memory."""

    dataset: xr.Dataset
    states: xr.Dataset | None
    """Recorded weights, where there are any."""
    attribute: Mapping[str, Any]
    """As it stands in the file, without the table of contents."""


class RunContents(NamedTuple):
    """All that is stored of one run, as checksums."""

    checksums: Mapping[str, str]
    """By the name of a variable or coordinate; those of weights after ``states/``."""
    attribute: Mapping[str, Any]
    """Of its shard."""


def load_shard(path: Path) -> LoadedShard:
    """Read all of a shard.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    LoadedShard

    Raises
    ------
    FormatError
        If it cannot be read.
    """
    weights = None
    if read_shard(path, names=(), group=f"{STATES_GROUP}/").contents:
        weights = states(path).load()
    return LoadedShard(open_runs(path).load(), weights, read_shard(path, names=()).attribute)


def of_runs(
    shard: LoadedShard, run_ids: Sequence[str], provenance: Mapping[str, Any]
) -> tuple[xr.Dataset, xr.Dataset | None]:
    """Take some runs out of a shard.

    Parameters
    ----------
    shard : LoadedShard
        As it was stored.
    run_ids : sequence of str
        Which runs.
    provenance : mapping
        What is added to the provenance that the runs have.

    Returns
    -------
    dataset, states : Dataset
        To be stored; no states where none of these runs has any.
    """
    dataset = shard.dataset.isel({RUN: _rows(shard.dataset, run_ids)})
    origin = {**shard.attribute["provenance"], **provenance}
    text = attribute_text({**shard.attribute, "provenance": origin})
    weights = shard.states
    if weights is not None:
        weights = weights.isel({RUN: _rows(weights, run_ids)})
        weights = weights if weights.sizes[RUN] else None
    return dataset.assign_attrs({ATTRIBUTE: text}), weights


def differences(run_id: str, one: LoadedShard, other: LoadedShard) -> list[str]:
    """Name what differs between two stored copies of one run.

    Parameters
    ----------
    run_id : str
        The run, which both hold.
    one, other : LoadedShard
        Where it lies.

    Returns
    -------
    list of str
        Variables and coordinates, those of recorded weights after ``states/``; empty where
        both are equal in every bit. How far other runs of a shard came does not count.
    """
    return differing(contents_of(run_id, one), contents_of(run_id, other))


def contents_of(run_id: str, shard: LoadedShard) -> RunContents:
    """Keep of a run what it takes to compare it, without its numbers."""
    found = {name: digest(text) for name, text in _contents(run_id, shard).items()}
    return RunContents(found, shard.attribute)


def differing(one: RunContents, other: RunContents) -> list[str]:
    """Name what differs between two copies of a run.

    A control that one of the shards lacks has there the value that its description states,
    since a study may begin to vary an option later.

    Returns
    -------
    list of str
        Names; empty where both are equal in every bit.
    """
    mine, theirs = dict(one.checksums), dict(other.checksums)
    if mine.keys() != theirs.keys():
        varied = control_names([one.attribute, other.attribute])
        for found, each in ((mine, one), (theirs, other)):
            found.update({n: _stated(each.attribute, n) for n in varied if n not in found})
    names = sorted({*mine, *theirs})
    return [name for name in names if mine.get(name) != theirs.get(name)]


def fingerprint(run_id: str, shard: LoadedShard) -> str:
    """Hash all that is stored of a run."""
    return digest(_contents(run_id, shard))


def _contents(run_id: str, shard: LoadedShard) -> dict[str, str]:
    found = _of_group(run_id, shard.dataset)
    if shard.states is not None and len(_rows(shard.states, [run_id])):
        weights = _of_group(run_id, shard.states)
        found.update({f"{STATES_GROUP}/{name}": each for name, each in weights.items()})
    return found


def _of_group(run_id: str, dataset: xr.Dataset) -> dict[str, str]:
    run = dataset.isel({RUN: _rows(dataset, [run_id])[0]})
    count = int(run["record_count"]) if "record_count" in run.coords else None
    found = {}
    for name, variable in run.variables.items():
        if RECORD in variable.dims and count is not None:
            if not count:
                continue  # A run without records has none of any shape.
            variable = variable.isel({RECORD: slice(count)})
        found[str(name)] = _text(variable, is_label=name in run.coords)
    return found


def _text(variable: xr.Variable, *, is_label: bool) -> str:
    values = variable.values
    if values.dtype.kind == "O" or (is_label and values.ndim == 0):
        # Of a label the value counts: what is whole in one shard need not be in another.
        plain = values.tolist()
        return repr(float(plain) if isinstance(plain, bool | int | float) else plain)
    little = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    return f"{variable.dims} {values.shape} {values.dtype.name} {little.tobytes().hex()}"


def _stated(attribute: Mapping[str, Any], control: str) -> str:
    try:
        value = stated_option(attribute["study"], control)
    except FormatError:
        return ""
    return digest(repr(float(value) if isinstance(value, bool | int | float) else value))


def _rows(dataset: xr.Dataset, run_ids: Sequence[str]) -> list[int]:
    wanted = set(run_ids)
    return [row for row, each in enumerate(dataset["run_id"].values) if str(each) in wanted]
