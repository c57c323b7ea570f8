"""One lazy dataset from shards in a flat order."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from phasegrok.errors import DamagedShardError
from phasegrok.runs.arrangement import View
from phasegrok.runs.attribute import attribute_text
from phasegrok.runs.described import OF_FILE, OF_NETCDF, described_checksum, said_of
from phasegrok.runs.lazy import Piece, ShardedArray, lazy_variable
from phasegrok.runs.reading import Shard, opened
from phasegrok.runs.steps import agreed_axis, fill_value
from phasegrok.runs.versions import GROUPS
from phasegrok.schema import ATTRIBUTE, RECORD, RUN

__all__ = [
    "flat_dataset",
    "group_attributes",
    "piece_of",
    "resolved_sizes",
    "stored_attributes",
]

AXES = ("step", "time")


def flat_dataset(view: View) -> xr.Dataset:
    """Make the dataset; nothing but attributes is read from the shards.

    Parameters
    ----------
    view : View
        Shards in order.

    Returns
    -------
    Dataset
        Lazy variables, and the coordinates that were read.
    """
    left_out = dict(view.left_out)
    variables: dict[str, xr.Variable] = {}
    coordinates = {name: xr.Variable((RUN,), each) for name, each in view.coordinates.items()}
    attributes: dict[str, dict[str, Any]] = {}
    voting = [shard for shard in view.shards if _has_records(shard)] or list(view.shards)
    for shard in view.shards:
        names = [name for name in shard.contents if name not in attributes]
        attributes.update(stored_attributes(shard, names) if names else {})
    for name in attributes:
        if name in coordinates or name in left_out:
            continue
        made = _made(view, voting, name, left_out, attributes[name])
        if made is not None:
            holder = next(shard for shard in view.shards if name in shard.contents)
            target = coordinates if holder.contents[name].coordinate else variables
            target[name] = made
    for name, coordinate in coordinates.items():
        coordinate.attrs.update(attributes.get(name, {}))
    text = attribute_text({**view.attribute, "left_out": left_out})
    return xr.Dataset(variables, coordinates, {ATTRIBUTE: text})


def _made(
    view: View,
    voting: list[Shard],
    name: str,
    left_out: dict[str, str],
    attributes: dict[str, Any],
) -> xr.Variable | None:
    stored = [shard.contents[name] for shard in view.shards if name in shard.contents]
    if name in AXES and RECORD in stored[0].dims:
        return _axis(view, voting, name, attributes)
    if any(each.dims[:1] != (RUN,) for each in stored):
        return _free_of_runs(view, name, left_out, attributes)
    reason = _disagreement(voting, name)
    if reason is not None:
        left_out[name] = reason
        return None
    return _lazy(view, voting, name, stored[0].dims, attributes)


def _axis(
    view: View, voting: list[Shard], name: str, attributes: dict[str, Any]
) -> xr.Variable:
    axes = [shard.coordinates[name] for shard in view.shards if name in shard.coordinates]
    counts = np.array([shard.coordinates["record_count"].max() for shard in view.shards])
    if len(axes) == len(view.shards):
        length = view.record_length
        table = np.full((len(axes), length), fill_value(axes[0].dtype), dtype=axes[0].dtype)
        for row, axis in zip(table, axes, strict=True):
            row[: len(axis)] = axis
        agreed = agreed_axis(table, counts)
        if agreed is not None:
            return xr.Variable((RECORD,), agreed, attributes)
    return _lazy(view, voting, name, (RUN, RECORD), attributes)


def _free_of_runs(
    view: View, name: str, left_out: dict[str, str], attributes: dict[str, Any]
) -> xr.Variable | None:
    found = [shard.coordinates[name] for shard in view.shards if name in shard.coordinates]
    if len(found) < len(view.shards) or any(
        not np.array_equal(each, found[0]) for each in found[1:]
    ):
        left_out[name] = "its values differ between shards; use open_tree"
        return None
    return xr.Variable(view.shards[0].contents[name].dims, found[0], attributes)


def _disagreement(voting: list[Shard], name: str) -> str | None:
    """Why the shards that made records do not agree on a variable, or None where they do."""
    lacking = sum(name not in shard.contents for shard in voting)
    if lacking:
        return f"{lacking} of {len(voting)} shards do not have it; use open_tree"
    if len({shard.contents[name].dims for shard in voting}) > 1:
        return "its dimensions differ between shards; use open_tree"
    shapes = sorted({resolved_sizes(shard, name) for shard in voting})
    if len(shapes) > 1:
        texts = [", ".join(f"{dim}={size}" for dim, size in shape) for shape in shapes]
        return f"its sizes differ between shards ({'; '.join(texts)}); use open_tree or pooled"
    return None


def _lazy(
    view: View,
    voting: list[Shard],
    name: str,
    dims: tuple[str, ...],
    attributes: dict[str, Any],
) -> xr.Variable:
    stored = [shard.contents[name] for shard in voting if name in shard.contents]
    dtype = np.result_type(*(each.dtype for each in stored))
    records = [view.record_length] if RECORD in dims else []
    expected = resolved_sizes(next(shard for shard in voting if name in shard.contents), name)
    resolved = [size for _, size in expected]
    array = ShardedArray(
        pieces=tuple(piece_of(shard, name, expected) for shard in view.shards),
        places=view.places,
        shape=(len(view.places.row), *records, *resolved),
        dtype=dtype,
        fill=fill_value(dtype),
    )
    return lazy_variable(dims, array, attributes)


def piece_of(shard: Shard, name: str, expected: tuple[tuple[str, int], ...] | None) -> Piece:
    """Point to what a shard holds of a variable; to nothing where it holds no such shape."""
    stored = shard.contents.get(name)
    if stored is None or (expected is not None and resolved_sizes(shard, name) != expected):
        # Only a shard without a single record comes here, so that fill is what it holds.
        return Piece(None, name, (), True)
    per_run = stored.dims[:1] == (RUN,)
    return Piece(str(shard.path), shard.group + name, stored.shape, per_run, stored.checksum)


def _has_records(shard: Shard) -> bool:
    counts = shard.coordinates.get("record_count")
    return counts is None or bool(counts.max() > 0)


def resolved_sizes(shard: Shard, name: str) -> tuple[tuple[str, int], ...]:
    """Dimensions of a variable besides run and record, with their sizes."""
    stored = shard.contents[name]
    pairs = zip(stored.dims, stored.shape, strict=True)
    return tuple((dim, size) for dim, size in pairs if dim not in (RUN, RECORD))


def stored_attributes(shard: Shard, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Read the attributes of variables, without those by which netCDF ties dimensions.

    Raises
    ------
    DamagedShardError
        If they are not those that were written.
    """
    with opened(shard.path) as file:
        said = {name: said_of(file[shard.group + name]) for name in names}
    return {
        name: _without(OF_NETCDF, shard, said[name], shard.contents[name].described)
        for name in said
    }


def group_attributes(shard: Shard) -> dict[str, Any]:
    """Read the attributes of the group itself, without those of the file.

    Raises
    ------
    DamagedShardError
        If they are not those that were written.
    """
    with opened(shard.path) as file:
        said = said_of(file[shard.group or "/"])
    checksum = shard.attribute.get(GROUPS, {}).get(shard.group.rstrip("/"), "")
    return _without(OF_FILE, shard, said, checksum)


def _without(
    hidden: Collection[str], shard: Shard, said: Mapping[str, Any], checksum: str
) -> dict[str, Any]:
    if checksum and described_checksum(said) != checksum:
        raise DamagedShardError(
            f"{shard.path}: what is said of its arrays, such as their units, is not what was "
            "written; leave the file out, or move it away and collect again."
        )
    return {name: value for name, value in said.items() if name not in hidden}
