"""What a shard holds, read without its data."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import h5py
import numpy as np
import numpy.typing as npt

from phasegrok.errors import DamagedShardError, FormatError
from phasegrok.runs.attribute import parse_attribute
from phasegrok.runs.described import attribute_value
from phasegrok.runs.heaps import require_sound_heaps
from phasegrok.runs.shard import Stored, checksum
from phasegrok.runs.versions import CONTENTS
from phasegrok.schema import ATTRIBUTE, RECORD, RUN
from phasegrok.seeding import canonical_json

__all__ = ["Shard", "opened", "read_shard", "stored_array"]


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
    """

    path: Path
    attribute: Mapping[str, Any]
    contents: Mapping[str, Stored]
    coordinates: Mapping[str, npt.NDArray[Any]]
    group: str = ""

    @property
    def identity(self) -> str:
        """Identity of the study it belongs to, as text to compare."""
        return canonical_json(self.attribute["identity"])

    @property
    def run_ids(self) -> list[str]:
        """Identifiers of its runs."""
        return [str(each) for each in self.coordinates["run_id"]]


def read_shard(path: Path, names: Collection[str] | None = None, *, group: str = "") -> Shard:
    """Read the description and the coordinates of a shard.

    Parameters
    ----------
    path : Path
        The file.
    names : collection of str, optional
        Coordinates to read; without it all but those on (run, record).
    group : {"", "states/"}
        Which group of the file.

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
        contents = _of_group(attribute.pop(CONTENTS), group)
        wanted = _small_coordinates(contents) if names is None else names
        coordinates = {
            name: stored_array(file, group + name, contents[name]) for name in wanted
        }
        for name, values in coordinates.items():
            _require_checksum(group + name, values, contents[name])
    return Shard(
        path=path,
        attribute=attribute,
        contents=contents,
        coordinates=coordinates,
        group=group,
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
        # A finished shard never changes, so that it needs no lock, which some network file
        # systems and read-only media refuse.
        with h5py.File(path, "r", locking=False) as file:
            yield file
    except FormatError:
        raise
    except (FileNotFoundError, PermissionError) as error:
        raise FormatError(f"the shard {path} cannot be opened ({error.strerror}).") from error
    except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:
        raise DamagedShardError(
            f"{path} cannot be read as a shard ({error}): it is truncated or damaged."
        ) from error


def _of_group(contents: Mapping[str, Any], group: str) -> dict[str, Stored]:
    return {
        name.removeprefix(group): Stored(tuple(each[0]), tuple(each[1]), *each[2:])
        for name, each in contents.items()
        if name.startswith(group) and "/" not in name.removeprefix(group)
    }


def _small_coordinates(contents: Mapping[str, Stored]) -> tuple[str, ...]:
    return tuple(
        name
        for name, stored in contents.items()
        if stored.coordinate and stored.dims[:2] != (RUN, RECORD)
    )


def _require_checksum(name: str, values: npt.NDArray[Any], stored: Stored) -> None:
    if checksum(values) != stored.checksum:
        raise ValueError(f"the checksum of {name!r} does not hold")


_TEXT = h5py.string_dtype()


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
    dtype = _TEXT if stored.dtype == "text" else np.dtype(stored.dtype)
    found = dataset.dtype
    # It reads into memory unchecked, so that a wrong type must be told before.
    if dataset.shape != stored.shape or found != dtype or found.metadata != dtype.metadata:
        raise DamagedShardError(
            f"{file.filename}: {name!r} is {found} of shape {dataset.shape}, and its table of "
            f"contents says {stored.dtype} of shape {stored.shape}."
        )
    values: npt.NDArray[Any] = np.empty(stored.shape, dtype=dtype)
    if values.size:
        kind = h5py.h5t.py_create(dtype)
        dataset.read(h5py.h5s.ALL, h5py.h5s.ALL, values, mtype=kind)
    if stored.dtype == "text":
        plain = [each.decode() for each in values.flat]
        values = np.array([*plain, None], dtype=object)[:-1].reshape(stored.shape)
    return values
