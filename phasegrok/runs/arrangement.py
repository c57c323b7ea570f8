"""The flat order of the runs of many shards, and what they agree on."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from phasegrok.errors import FormatError
from phasegrok.runs.attribute import control_names, stated_option
from phasegrok.runs.lazy import Places
from phasegrok.runs.reading import Shard
from phasegrok.schema import RUN

__all__ = [
    "Part",
    "View",
    "joined_coordinates",
    "parts_of",
    "places_of",
    "rank",
    "told_apart",
    "view_of",
]


_MOST_NAMED: Final = 3


class View(NamedTuple):
    """Shards in one flat order."""

    shards: tuple[Shard, ...]
    places: Places
    coordinates: dict[str, npt.NDArray[Any]]
    """Those on ``run``, in the flat order."""
    left_out: dict[str, str]
    """Names that the shards do not agree on, with the reason."""
    attribute: dict[str, Any]
    origins: npt.NDArray[np.int64]
    """Of each run: which of the ``shards`` of the attribute it comes from."""
    record_length: int
    """Length of the axis ``record``."""


class Part(NamedTuple):
    """A shard by which runs were stored, be it a file still or part of one."""

    file: str
    runs: int
    provenance: dict[str, Any]


def view_of(shards: Sequence[Shard], study: Mapping[str, Any] | None) -> View:
    """Put the runs of some shards in order: by controls, disorder, start, replica, run_id.

    Parameters
    ----------
    shards : sequence of Shard
        Of one study, with their coordinates.
    study : mapping or None
        The latest description, for the order of the controls.

    Returns
    -------
    View
    """
    attributes = [shard.attribute for shard in shards]
    controls = control_names([*([{"study": study}] if study else []), *attributes])
    coordinates, lacking = joined_coordinates(shards, controls)
    left_out = {**_left_out_before(shards), **lacking}
    keys = [*controls, "disorder", "start", "replica", "run_id"]
    order = _order([coordinates[name] for name in keys if name in coordinates])
    return View(
        tuple(shards),
        places_of(shards, order),
        {name: values[order] for name, values in coordinates.items()},
        left_out,
        _merged_attribute(shards, study, controls),
        _origins(shards)[order],
        max(shard.contents["step"].shape[-1] for shard in shards),
    )


def joined_coordinates(
    shards: Sequence[Shard], controls: Collection[str]
) -> tuple[dict[str, npt.NDArray[Any]], dict[str, str]]:
    """Concatenate the coordinates on ``run``, shard after shard.

    Parameters
    ----------
    shards : sequence of Shard
        With their coordinates.
    controls : collection of str
        Where a shard lacks one of these, its value is looked up in the description that the
        shard was made from: a study may begin to vary an option as it grows.

    Returns
    -------
    joined : dict of (run,) arrays
    left_out : dict
        Other coordinates that not all shards have, with the reason.

    Raises
    ------
    FormatError
        If a description does not state the value of a control that its shard lacks; the shards
        are named.
    """
    names = {
        name: None
        for shard in shards
        for name, stored in shard.contents.items()
        if stored.coordinate and stored.dims == (RUN,)
    }
    joined, left_out = {}, {}
    for name in names:
        lacking = [shard for shard in shards if name not in shard.coordinates]
        if lacking and name not in controls:
            left_out[name] = f"{len(lacking)} of {len(shards)} shards do not have it"
            continue
        try:
            stated = {shard.path: _stated(shard, name) for shard in lacking}
        except FormatError as error:
            raise FormatError(_lacking(name, lacking, shards, error)) from error
        parts = [
            stated[shard.path] if shard.path in stated else shard.coordinates[name]
            for shard in shards
        ]
        joined[name] = _concatenated(parts)
    return joined, left_out


def _stated(shard: Shard, name: str) -> npt.NDArray[Any]:
    value = stated_option(shard.attribute["study"], name)
    dtype = object if isinstance(value, str) else None
    return np.full(len(shard.run_ids), value, dtype=dtype)


def _lacking(
    name: str, lacking: Sequence[Shard], shards: Sequence[Shard], error: FormatError
) -> str:
    """Name the shards without a control and those with it, and how to part them."""
    have = [shard for shard in shards if name in shard.coordinates]
    fewer = _named(min(have, lacking, key=len))
    return (
        f"all runs of {shards[0].path.parent} need the same controls. The control {name!r} "
        f"varies in {_named(have)} and is not there in {_named(lacking)}, and {error} Move "
        f"{fewer} to a folder of its own, or leave that out by without=."
    )


def _named(shards: Sequence[Shard]) -> str:
    names = [shard.path.name for shard in shards[:_MOST_NAMED]]
    more = len(shards) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")


def _concatenated(parts: Iterable[Any]) -> npt.NDArray[Any]:
    arrays = list(parts)
    if len({each.dtype.kind == "O" for each in arrays}) > 1:
        arrays = [each.astype(object) for each in arrays]
    return np.concatenate(arrays)


def _order(keys: Sequence[npt.NDArray[Any]]) -> npt.NDArray[np.int64]:
    return np.lexsort([rank(values) for values in reversed(keys)]).astype(np.int64)


def rank(values: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Place of each value among the distinct ones in their order, numbers before words."""
    if values.dtype.kind == "O":  # A control may have both.
        distinct = sorted(set(values), key=lambda v: (isinstance(v, str), v))
        place = {value: number for number, value in enumerate(distinct)}
        return np.array([place[value] for value in values])
    ranks: npt.NDArray[np.int64] = np.unique(values, return_inverse=True)[1]
    return ranks


def places_of(shards: Sequence[Shard], order: npt.NDArray[np.int64]) -> Places:
    """Tell where each run is stored, after the runs of all shards were put in an order."""
    counts = [len(shard.coordinates["run_id"]) for shard in shards]
    shard = np.repeat(np.arange(len(shards)), counts)
    row = np.concatenate([np.arange(count) for count in counts])
    return Places(shard=shard[order], row=row[order])


def _merged_attribute(
    shards: Sequence[Shard], study: Mapping[str, Any] | None, controls: Sequence[str]
) -> dict[str, Any]:
    latest = shards[-1].attribute
    return {
        "study": study if study is not None else latest["study"],
        "identity": latest["identity"],
        "provenance": {},
        "controls": list(controls),
        **told_apart([part for shard in shards for part in _parts(shard)]),
    }


def told_apart(parts: Sequence[Part]) -> dict[str, Any]:
    """Split the provenance of shards into what they share and what each has of its own.

    Parameters
    ----------
    parts : sequence of Part
        With all of their provenance.

    Returns
    -------
    dict
        ``provenance`` and ``shards``, as they stand in the attribute of a dataset.
    """
    shared = {
        key: value
        for key, value in parts[0].provenance.items()
        if all(key in each.provenance and each.provenance[key] == value for each in parts)
    }
    files = [
        {
            "file": part.file,
            "runs": part.runs,
            "provenance": {k: each for k, each in part.provenance.items() if k not in shared},
        }
        for part in parts
    ]
    return {"provenance": shared, "shards": files}


def parts_of(attribute: Mapping[str, Any]) -> list[Part]:
    """Undo `told_apart`."""
    return [
        Part(each["file"], each["runs"], {**attribute["provenance"], **each["provenance"]})
        for each in attribute["shards"]
    ]


def _parts(shard: Shard) -> list[Part]:
    if shard.origins is not None:
        return parts_of(shard.attribute)
    return [Part(shard.path.name, len(shard.run_ids), dict(shard.attribute["provenance"]))]


def _origins(shards: Sequence[Shard]) -> npt.NDArray[np.int64]:
    found, base = [], 0
    for shard in shards:
        own = shard.origins
        found.append(base + (np.zeros(len(shard.run_ids), np.int64) if own is None else own))
        base += len(_parts(shard))
    return np.concatenate(found)


def _left_out_before(shards: Sequence[Shard]) -> dict[str, str]:
    """What a consolidated file holds in other groups."""
    return {
        name: reason
        for shard in shards
        if shard.origins is not None
        for name, reason in shard.attribute["left_out"].items()
    }
