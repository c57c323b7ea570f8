"""One file of a whole study, which any netCDF reader opens."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from phasegrok.errors import FormatError, InvalidValueError
from phasegrok.runs.arrangement import View, view_of
from phasegrok.runs.attribute import attribute_of
from phasegrok.runs.disk import whole_file
from phasegrok.runs.flat import flat_dataset
from phasegrok.runs.layout import stream
from phasegrok.runs.opening import (
    by_shape,
    shards_at,
    weights_dataset,
    weights_of,
    with_origin,
)
from phasegrok.runs.reading import Shard
from phasegrok.runs.scanning import corruption
from phasegrok.runs.targets import free_target, require_elsewhere, taken
from phasegrok.schema import CONSOLIDATED, MEMBER, RUN, STATES_GROUP

__all__ = ["Whole", "consolidate", "require_plain", "whole_study"]


class Whole(NamedTuple):
    """All that a study holds, as datasets that are read when they are used."""

    runs: xr.Dataset
    """The flat view, with ``origin``."""
    groups: dict[str, xr.Dataset]
    """What the flat view leaves out, and weights; on ``member``."""
    attribute: dict[str, Any]


def consolidate(
    path: str | Path,
    target: str | Path,
    *,
    without: Collection[str] = (),
    overwrite: bool = False,
) -> Path:
    """Put all runs of a study into one netCDF-4 file; this is also the export to netCDF.

    Parameters
    ----------
    path : path
        The folder of a study, or a single shard.
    target : path
        The file to be made. It is whole or not there; memory holds a block of it at a time.
    without : collection of str
        Names of files to leave out.
    overwrite : bool
        Whether an older netCDF or HDF5 file of that name is replaced; nothing else is.

    Returns
    -------
    Path
        The file. `open_runs`, `open_tree`, `pooled` and `states` give what they give for the
        study; ``xarray.open_dataset(target, engine="h5netcdf")`` gives the flat view, and
        ``xarray.open_datatree`` the rest beside it.

    Raises
    ------
    FormatError
        If the study cannot be opened as a whole, or a checksum does not hold.
    InvalidValueError
        If the target is there already, is a folder or what is no such file, or bears the name
        of a file of a study.
    StorageError
        If the disk is full or the folder cannot be written; nothing is left behind.
    """
    target = free_target(target, overwrite=overwrite)
    shards, study = shards_at(path, without)
    require_elsewhere(target, shards)
    whole = whole_study(shards, study)
    try:
        with whole_file(target, over=overwrite) as file:
            stream(file, whole.runs, whole.groups, whole.attribute)
    except FileExistsError as error:
        raise InvalidValueError(taken(target)) from error
    return target


def whole_study(shards: Sequence[Shard], study: Mapping[str, Any] | None) -> Whole:
    """Gather all that shards hold, after their checksums were looked at.

    Parameters
    ----------
    shards : sequence of Shard
        Of one study.
    study : mapping or None
        Its latest description.

    Returns
    -------
    Whole

    Raises
    ------
    FormatError
        If a checksum does not hold, or something would be lost; what and why is told.
    """
    made = next((shard for shard in shards if shard.origins is not None), None)
    if made is not None:
        raise FormatError(f"{made.path} is one file of a whole study already; copy it.")
    damaged = corruption(shards)
    if damaged:  # A new checksum over wrong numbers would hide them.
        raise FormatError("\n".join(problem.text for problem in damaged))
    view = view_of(shards, study)
    runs = flat_dataset(view)
    require_plain(runs)
    nodes, lengths = _nodes(view, runs, study)
    weights = _weights(view)
    attribute = attribute_of(runs)
    attribute[CONSOLIDATED] = {"nodes": lengths, "states": list(weights)}
    return Whole(with_origin(runs, view), {**nodes, **weights}, attribute)


def require_plain(runs: xr.Dataset) -> None:
    """Refuse arrays that no file can hold: numbers and words in one.

    Raises
    ------
    FormatError
        With the name of the first.
    """
    for name, each in runs.variables.items():
        if each.dtype.kind == "O" and not all(isinstance(v, str) for v in each.values.flat):
            raise FormatError(
                f"{name!r} holds numbers and words, which no array of a file can; select the "
                "runs of one kind, or leave the shards of the other out."
            )


def _nodes(
    view: View, runs: xr.Dataset, study: Mapping[str, Any] | None
) -> tuple[dict[str, xr.Dataset], dict[str, int]]:
    """What the flat view leaves out, by shape, with the number of records of each shape."""
    left_out = attribute_of(runs)["left_out"]
    place = {str(run_id): index for index, run_id in enumerate(view.coordinates["run_id"])}
    nodes, lengths = {}, {}
    for name, shards in by_shape(view.shards).items() if left_out else ():
        own = view_of(shards, study)
        node = flat_dataset(own._replace(record_length=view.record_length))
        kept = [each for each in left_out if each in node.variables]
        lost = {n for shard in shards for n in shard.contents if n in left_out} - {*kept}
        if lost:
            raise FormatError(
                f"{sorted(lost)} differ between runs of one shape ({name}) and would be lost "
                "in one file; leave shards out by without=, or consolidate them apart."
            )
        rows = np.array([place[str(each)] for each in own.coordinates["run_id"]])
        about = {"units": "1", "long_name": "index of the run in the root group"}
        group = node[kept].reset_coords(drop=True)
        group = group.assign_coords({each: node[each] for each in kept if each in node.coords})
        group = group.assign_coords(run_id=node["run_id"]).rename_dims({RUN: MEMBER})
        nodes[name] = group.assign_coords({RUN: (MEMBER, rows, about)})
        lengths[name] = own.record_length
    return nodes, lengths


def _weights(view: View) -> dict[str, xr.Dataset]:
    views = weights_of(view)
    if len(views) == 1:
        names = [STATES_GROUP]
    else:
        names = [f"{STATES_GROUP}-{number}" for number in range(1, len(views) + 1)]
    datasets = (weights_dataset(views[sizes]) for sizes in sorted(views))
    return {
        name: each.rename_dims({RUN: MEMBER})
        for name, each in zip(names, datasets, strict=True)
    }
