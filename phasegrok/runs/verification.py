"""A shard read whole, each array and what is said of it against its checksum."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy.typing as npt
import xarray as xr

from phasegrok.runs.attribute import attribute_text
from phasegrok.runs.described import (
    OF_FILE,
    OF_NETCDF,
    attribute_value,
    described_checksum,
    said_of,
)
from phasegrok.runs.reading import Shard, opened, read_shard, stored_array
from phasegrok.runs.shard import checksum
from phasegrok.runs.versions import GROUPS
from phasegrok.schema import ATTRIBUTE, CONSOLIDATED, MEMBER, ORIGIN, RUN, STATES_GROUP

__all__ = ["Whole", "corrupted", "read_whole"]


class Whole(NamedTuple):
    """A shard with all of its data in memory."""

    shard: Shard
    runs: xr.Dataset
    states: xr.Dataset | None
    wrong: tuple[str, ...]
    """Names of the arrays, and of what is said of them, that are not what was written."""
    version: int
    """Of the schema, when it was written."""


def read_whole(path: Path) -> Whole:
    """Read a shard once, and compare all of it with its checksums.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Whole
        As it is stored, runs in the order of the file.

    Raises
    ------
    DamagedShardError
        If it cannot be read as a shard.
    FormatError
        If it is of a schema version that cannot be read.
    """
    shard = read_shard(path, names=("run_id",))
    states = read_shard(path, names=(), group=f"{STATES_GROUP}/")
    wrong: list[str] = []
    with opened(path) as file:
        text = file.attrs[ATTRIBUTE]
        version = int(json.loads(text)["schema_version"])
        runs = _dataset(file, shard, wrong)
        runs = runs.assign_attrs({ATTRIBUTE: attribute_text(shard.attribute)})
        weights = _dataset(file, states, wrong) if states.contents else None
        others = [
            read_shard(path, names=(), group=f"{group}/")
            for group in shard.attribute.get(GROUPS, {})
            if group not in ("", STATES_GROUP)
        ]
        for each in others:
            _dataset(file, each, wrong)
        wrong += _strangers(file, shard, states, *others)
    return Whole(shard, runs, weights, tuple(wrong), version)


def corrupted(path: Path) -> list[str]:
    """Name the arrays of a shard that are not what was written.

    Parameters
    ----------
    path : Path
        The file; all of it is read.

    Returns
    -------
    list of str
        Names, and "x (attributes)" where what is said of x is wrong; empty if every checksum
        holds.

    Raises
    ------
    DamagedShardError
        If the file cannot be read as a shard.
    """
    return list(read_whole(path).wrong)


def _dataset(file: Any, shard: Shard, wrong: list[str]) -> xr.Dataset:
    """Read a group, and note what does not hold."""
    variables: dict[str, Any] = {}
    coordinates: dict[str, Any] = {}
    for name, stored in shard.contents.items():
        full = shard.group + name
        values: npt.NDArray[Any] = stored_array(file, full, stored)
        if checksum(values) != stored.checksum:
            wrong.append(full)
        said = said_of(file[full])
        held = not stored.described or described_checksum(said) == stored.described
        if not (held and _are_scales(file[full].parent, _dims_in_file(shard, stored.dims))):
            wrong.append(f"{full} (attributes)")
        plain = {key: value for key, value in said.items() if key not in OF_NETCDF}
        target = coordinates if stored.coordinate else variables
        target[name] = (stored.dims, values, plain)
    said = said_of(file[shard.group or "/"])
    expected = shard.attribute.get(GROUPS, {}).get(shard.group.rstrip("/"), "")
    if expected and described_checksum(said) != expected:
        wrong.append(f"{shard.group or '/'} (attributes)")
    plain = {key: value for key, value in said.items() if key not in OF_FILE}
    return xr.Dataset(variables, coordinates, plain)


def _dims_in_file(shard: Shard, dims: tuple[str, ...]) -> tuple[str, ...]:
    """Dimensions as netCDF readers see them: a group of a consolidated file has some runs."""
    some = bool(shard.group) and CONSOLIDATED in shard.attribute
    return tuple(MEMBER if some and dim == RUN else dim for dim in dims)


def _are_scales(group: Any, dims: tuple[str, ...]) -> bool:
    """Tell whether netCDF readers find these dimensions.

    Which array is tied to which is not looked at: HDF5's references crash or fill the memory
    where they are damaged, and the table of contents says it for readers of this package.
    """
    scales = [group.get(dim) for dim in dims]
    return all(
        scale is not None and attribute_value(scale, "CLASS") == b"DIMENSION_SCALE"
        for scale in scales
    )


def _strangers(file: Any, *groups: Shard) -> Iterator[str]:
    """Arrays that the table of contents does not know."""
    for shard in groups:
        if not shard.contents:
            continue
        dims = {dim for each in shard.contents.values() for dim in each.dims}
        known = {*shard.contents, *_dims_in_file(shard, tuple(dims))}
        if not shard.group:
            known |= {STATES_GROUP, *shard.attribute.get(GROUPS, {})}
            known |= {ORIGIN} if CONSOLIDATED in shard.attribute else set()
        for name in file[shard.group or "/"]:
            if name not in known:
                yield f"{shard.group}{name} (not in its table of contents)"
