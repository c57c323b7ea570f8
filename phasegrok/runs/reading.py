"""What a shard holds, read without its data."""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias, final

import h5py
import numpy as np
import numpy.typing as npt

from phasegrok.errors import DamagedShardError, FormatError
from phasegrok.runs.attribute import parse_attribute
from phasegrok.runs.described import attribute_value
from phasegrok.runs.heaps import require_sound_heaps
from phasegrok.runs.shard import Stored, checksum
from phasegrok.runs.versions import CONTENTS
from phasegrok.schema import ATTRIBUTE, CONSOLIDATED, MEMBER, ORIGIN, RECORD, RUN
from phasegrok.seeding import canonical_json

__all__ = ["Known", "Shard", "opened", "read_shard", "stored_array"]


@final
@dataclass(frozen=True, kw_only=True)
class Shard:
    """One shard without its data.

    Parameters
    ----------
    path : Path
        The file.
    attribute : mapping
        Study, identity and provenance.
    contents : mapping
        Name to what is stored under it.
    coordinates : mapping
        The coordinates that were asked for, read.
    group : str
        Prefix of the names in the file: empty for the runs, "states/" for their weights.
    origins : (run,) array of int or None
        In a consolidated file, which of the shards that it was made of each run comes from.
    """

    path: Path
    attribute: Mapping[str, Any]
    contents: Mapping[str, Stored]
    coordinates: Mapping[str, npt.NDArray[Any]]
    group: str = ""
    origins: npt.NDArray[np.int64] | None = None

    @property
    def identity(self) -> str:
        """Identity of the study it belongs to, as text to compare."""
        return canonical_json(self.attribute["identity"])

    @property
    def run_ids(self) -> list[str]:
        """Identifiers of its runs."""
        return [str(each) for each in self.coordinates["run_id"]]


Known: TypeAlias = dict[tuple[str, tuple[int, ...], str], npt.NDArray[Any]]
"""Arrays that were read already, by type, shape and checksum."""


def read_shard(
    path: Path,
    names: Collection[str] | None = None,
    *,
    group: str = "",
    known: Known | None = None,
) -> Shard:
    """Read the description and the coordinates of a shard.

    Parameters
    ----------
    path : Path
        The file.
    names : collection of str, optional
        Coordinates to read; without it all but those on (run, record).
    group : {"", "states/"}
        Which group of the file.
    known : dict, optional
        Arrays of other shards; those of one type, shape and checksum are not read again, and
        what is read is added. Most coordinates are the same in most shards.

    Returns
    -------
    Shard

    Raises
    ------
    DamagedShardError
        If the file is truncated or damaged, or its description or a coordinate is not what
        was written.
    FormatError
        If it is of a schema version that cannot be read.
    """
    with opened(path) as file:
        require_sound_heaps(file)
        attribute = parse_attribute(attribute_value(file, ATTRIBUTE), str(path))
        if CONTENTS not in attribute:
            raise FormatError(
                f"{path} has no table of its contents, so that nothing tells whether it is "
                "what was written: it is neither a shard nor a whole study in one file. A grid "
                "view that was exported is read by xarray; check the study it was made of."
            )
        contents = _of_group(attribute.pop(CONTENTS), group)
        origins = None
        if CONSOLIDATED in attribute and not group:
            origins = _verified(file, ORIGIN, contents.pop(ORIGIN))
        wanted = _small_coordinates(contents) if names is None else names
        known = {} if known is None else known
        coordinates = {
            name: _read_once(file, group + name, contents[name], known) for name in wanted
        }
    return Shard(
        path=path,
        attribute=attribute,
        contents=contents,
        coordinates=coordinates,
        group=group,
        origins=origins,
    )


@contextmanager
def opened(path: str | Path) -> Iterator[h5py.File]:
    """Open a shard to read, and say clearly where it cannot be read.

    Raises
    ------
    DamagedShardError
        For whatever the HDF5 library or the layout of the file objects to.
    FormatError
        If it may not be read, or is no file.
    """
    if Path(path).exists() and not Path(path).is_file():
        # A pipe would be waited for without an end.
        raise FormatError(f"{path} is no file, and bears the name of a shard; move it away.")
    try:
        with _without_lock(path) as file:
            yield file
    except FormatError:
        raise
    except OSError as error:
        # What the system says of a file is nothing that the file holds: it may pass.
        if error.errno is not None:
            told = os.strerror(error.errno)
            raise FormatError(f"the shard {path} cannot be opened ({told}).") from error
        raise DamagedShardError(
            f"{path} cannot be read as a shard ({error}): it is truncated or damaged."
        ) from error
    except (KeyError, RuntimeError, ValueError, TypeError) as error:
        raise DamagedShardError(
            f"{path} cannot be read as a shard ({error}): it is truncated or damaged."
        ) from error


def _without_lock(path: str | Path) -> h5py.File:
    # A finished shard never changes, so that it needs no lock, which some network file systems
    # and read-only media refuse.
    try:
        return h5py.File(path, "r", locking=False)
    except OSError as error:
        if "locking flag" not in str(error):
            raise
        return h5py.File(path, "r")  # This process holds it open already, with a lock.


def _of_group(contents: Mapping[str, Any], group: str) -> dict[str, Stored]:
    return {
        name.removeprefix(group): _stored(each)
        for name, each in contents.items()
        if name.startswith(group) and "/" not in name.removeprefix(group)
    }


def _stored(each: Sequence[Any]) -> Stored:
    dims = tuple(each[0])
    if MEMBER in dims:
        dims = tuple(RUN if dim == MEMBER else dim for dim in dims)
    return Stored(dims, tuple(each[1]), *each[2:])


def _small_coordinates(contents: Mapping[str, Stored]) -> tuple[str, ...]:
    return tuple(
        name
        for name, stored in contents.items()
        if stored.coordinate and stored.dims[:2] != (RUN, RECORD)
    )


def _verified(file: h5py.File, name: str, stored: Stored) -> npt.NDArray[Any]:
    values = stored_array(file, name, stored)
    if checksum(values) != stored.checksum:
        raise ValueError(f"the checksum of {name!r} does not hold")
    return values


def _read_once(file: h5py.File, name: str, stored: Stored, known: Known) -> npt.NDArray[Any]:
    key = (stored.dtype, stored.shape, stored.checksum)
    if key not in known:
        known[key] = _verified(file, name, stored)
    return known[key]


@cache
def _types_of(dtype: str) -> tuple[np.dtype[Any], Any, Any]:
    """The type of an array for numpy, in a file and in memory; HDF5 is slow to make them."""
    plain = h5py.string_dtype() if dtype == "text" else np.dtype(dtype)
    return plain, h5py.h5t.py_create(plain, logical=True), h5py.h5t.py_create(plain)


def stored_array(file: h5py.File, name: str, stored: Stored) -> npt.NDArray[Any]:
    """Read an array whole.

    Parameters
    ----------
    file : h5py.File
        Open.
    name : str
        With its group.
    stored : Stored
        What the table of contents says of it.

    Returns
    -------
    array
        Numbers, or text as objects; not compared with its checksum.

    Raises
    ------
    DamagedShardError
        If type or shape are not those of the table of contents.
    """
    # The low-level interface, since thousands of small arrays are read when a study is opened.
    dataset = h5py.h5d.open(file.id, name.encode())
    dtype, in_file, in_memory = _types_of(stored.dtype)
    # It reads into memory unchecked, so that a wrong type must be told before.
    if dataset.shape != stored.shape or not dataset.get_type().equal(in_file):
        raise DamagedShardError(
            f"{file.filename}: {name!r} is {dataset.dtype} of shape {dataset.shape}, and its "
            f"table of contents says {stored.dtype} of shape {stored.shape}."
        )
    values: npt.NDArray[Any] = np.empty(stored.shape, dtype=dtype)
    if values.size:
        dataset.read(h5py.h5s.ALL, h5py.h5s.ALL, values, mtype=in_memory)
    if stored.dtype == "text":
        plain = [each.decode() for each in values.flat]
        values = np.array([*plain, None], dtype=object)[:-1].reshape(stored.shape)
    return values
