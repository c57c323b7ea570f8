"""Shards: write-once files of many runs that any HDF5 or netCDF reader opens."""

import hashlib
import io
import json
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

import h5netcdf
import h5py
import numpy as np
import numpy.typing as npt
import xarray as xr

from phasegrok.errors import FormatError
from phasegrok.runs.attribute import attribute_of, attribute_text
from phasegrok.runs.described import described_checksum, said_of
from phasegrok.runs.disk import write_new
from phasegrok.runs.steps import agreed_axis
from phasegrok.runs.validation import require_valid
from phasegrok.runs.versions import CONTENTS, GROUPS
from phasegrok.schema import ATTRIBUTE, RECORD, RUN, STATES_GROUP
from phasegrok.seeding import digest

__all__ = [
    "HDF5_SIGNATURE",
    "SHARD_PATTERN",
    "Stored",
    "checksum",
    "describe",
    "is_shard",
    "name_of_runs",
    "write_shard",
]

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
"""How every shard begins, and any other HDF5 file."""

SHARD_PATTERN = "shard-*.h5"
"""What the names of shards look like."""


class Stored(NamedTuple):
    """One array of a shard, as its table of contents tells it."""

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str
    coordinate: bool
    checksum: str
    described: str
    """Checksum of its attributes; empty where the version of the shard had none."""


def write_shard(
    folder: str | Path, dataset: xr.Dataset, states: xr.Dataset | None = None
) -> Path:
    """Store runs in a new file, which appears under its name only when it is complete.

    Parameters
    ----------
    folder : path
        The study's folder; made where it is missing.
    dataset : Dataset
        Runs that follow the schema. ``step`` and ``time`` are stored as (record,) where all
        runs agree as far as they came; everything else is stored bit for bit.
    states : Dataset, optional
        Recorded weights of some of these runs, with the coordinate ``run_id`` on ``run``.

    Returns
    -------
    Path
        The shard. Its name is a hash of its run identifiers.

    Raises
    ------
    FormatError
        If the dataset breaches the schema, or a shard of these runs is there already.
    StorageError
        If the disk is full or the folder cannot be written; nothing is left behind.
    """
    require_valid(dataset)
    if states is not None:
        _require_states(states, dataset)
    target = Path(folder) / name_of_runs(str(each) for each in dataset["run_id"].values)
    try:
        write_new(target, _image(_with_agreed_axes(dataset), states))
    except FileExistsError as error:
        raise FormatError(
            f"{target} holds these runs already, and shards are never overwritten; "
            "leave the runs out, or move that file away."
        ) from error
    return target


def name_of_runs(run_ids: Iterable[str]) -> str:
    """Name the shard of these runs, whatever their order."""
    return f"shard-{digest(sorted(run_ids))}.h5"


def is_shard(path: Path) -> bool:
    """Tell whether a file bears the name of a shard."""
    return fnmatch(path.name, SHARD_PATTERN)


def checksum(values: npt.NDArray[Any]) -> str:
    """Hash the stored numbers or text, to tell a flipped bit.

    Parameters
    ----------
    values : array
        Numbers, hashed as little-endian bytes in C order, or text as JSON.

    Returns
    -------
    str
        Sixteen hexadecimal digits.
    """
    if values.dtype.kind in "OUT":
        return digest([str(each) for each in values.flat])
    plain = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    return hashlib.sha256(plain.tobytes()).hexdigest()[:16]


def _require_states(states: xr.Dataset, dataset: xr.Dataset) -> None:
    if "run_id" not in states.coords or states["run_id"].dims != (RUN,):
        raise FormatError("states need the coordinate 'run_id' on 'run'; add it.")
    known = {str(each) for each in dataset["run_id"].values}
    foreign = sorted({str(each) for each in states["run_id"].values} - known)
    if foreign:
        raise FormatError(
            f"states may hold only runs of their dataset, received {foreign[:3]} besides; "
            "store those with their own dataset."
        )


def _with_agreed_axes(dataset: xr.Dataset) -> xr.Dataset:
    counts = dataset["record_count"].values
    for name in ("step", "time"):
        if dataset[name].dims == (RUN, RECORD):
            axis = agreed_axis(dataset[name].values, counts)
            if axis is not None:
                dataset = dataset.assign_coords({name: (RECORD, axis, dataset[name].attrs)})
    return dataset


def _image(dataset: xr.Dataset, states: xr.Dataset | None) -> memoryview:
    # Built in memory, since the HDF5 library leaves a broken handle behind when a disk fills
    # up under it, and because one plain write is all that a kill can then interrupt.
    buffer = io.BytesIO()
    contents: dict[str, Stored] = {}
    with h5py.File(buffer, "w") as file:
        with h5netcdf.File(file, "a") as root:
            _fill(root, dataset, lambda name, stored: contents.update({name: stored}))
            if states is not None:
                _fill(
                    root.create_group(STATES_GROUP),
                    states,
                    lambda name, stored: contents.update({f"{STATES_GROUP}/{name}": stored}),
                )
        # As it is read back, since netCDF and HDF5 change the types of what they are given.
        table = {
            name: stored._replace(described=described_checksum(said_of(file[name])))
            for name, stored in contents.items()
        }
        groups = {
            name: described_checksum(said_of(file[name or "/"]))
            for name in ("", STATES_GROUP)
            if not name or states is not None
        }
        attribute = {**attribute_of(dataset), CONTENTS: table, GROUPS: groups}
        file.attrs[ATTRIBUTE] = attribute_text(attribute)
    return buffer.getbuffer()


def _fill(group: Any, dataset: xr.Dataset, note: Callable[[str, Stored], None]) -> None:
    group.dimensions = {str(name): size for name, size in dataset.sizes.items()}
    for name, variable in dataset.variables.items():
        values = _storable(variable.values)
        dtype = h5py.string_dtype() if values.dtype.kind == "O" else values.dtype
        stored = group.create_variable(str(name), variable.dims, dtype=dtype, data=values)
        describe(stored, variable.attrs)
        note(
            str(name),
            Stored(
                dims=tuple(str(each) for each in variable.dims),
                shape=values.shape,
                dtype="text" if values.dtype.kind == "O" else values.dtype.name,
                coordinate=name in dataset.coords,
                checksum=checksum(values),
                described="",
            ),
        )
    describe(group, {key: each for key, each in dataset.attrs.items() if key != ATTRIBUTE})
    # The netCDF convention by which xarray tells coordinates from variables.
    coordinates = [str(name) for name in dataset.coords if name not in dataset.dims]
    group.attrs["coordinates"] = " ".join(coordinates)


def _storable(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if values.dtype.kind in "UT":
        return values.astype(object)
    return values


def describe(owner: Any, attributes: Mapping[Any, Any]) -> None:
    """Give a variable or group of a file its attributes."""
    for name, value in attributes.items():
        plain = isinstance(value, str | int | float | np.ndarray | np.generic)
        keep = plain and not isinstance(value, bool)
        # HDF5 refuses True, None and tables; JSON keeps what they meant.
        owner.attrs[str(name)] = value if keep else json.dumps(value)
