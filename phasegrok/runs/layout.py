"""A netCDF file that is laid out in memory without its numbers, and then streamed to disk.

The HDF5 library crashes where a disk fills up under it, and an image in memory needs room for
all numbers. So the library only lays the file out, in a sparse file in memory, and says where
each array begins; the numbers are put there by plain writes, which fail as all writes do.
"""

import hashlib
import io
import sys
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Final, NamedTuple, final

import h5netcdf
import h5py
import numpy as np
import numpy.typing as npt
import xarray as xr

from phasegrok.errors import FormatError
from phasegrok.runs.attribute import attribute_text
from phasegrok.runs.described import described_checksum, said_of
from phasegrok.runs.shard import Stored, checksum, describe
from phasegrok.runs.versions import CONTENTS, GROUPS
from phasegrok.schema import ATTRIBUTE

__all__ = ["stream"]

_PAGE: Final = 1 << 16
_BLOCK: Final = 1 << 25
"""Bytes of an array that are in memory at a time."""

_UNKNOWN: Final = "0" * 16


@final
class SparseFile(io.RawIOBase):
    """A file in memory that takes room only where something was written."""

    def __init__(self) -> None:
        self.pages: dict[int, bytearray] = {}
        self.length = 0
        self._place = 0

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place, also beyond the end."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self.length}[whence]
        self._place = base + offset
        return self._place

    def tell(self) -> int:
        """Where the next byte goes."""
        return self._place

    def truncate(self, size: int | None = None) -> int:
        """Set the length."""
        self.length = self._place if size is None else size
        return self.length

    def readinto(self, buffer: Any) -> int:
        """Read; zeros where nothing was written."""
        view = memoryview(buffer).cast("B")
        for page, low, high, start in _pieces(self._place, len(view)):
            stored = self.pages.get(page)
            view[start : start + high - low] = stored[low:high] if stored else bytes(high - low)
        self._place += len(view)
        return len(view)

    def write(self, data: Any) -> int:
        """Write."""
        view = memoryview(data).cast("B")
        for page, low, high, start in _pieces(self._place, len(view)):
            stored = self.pages.setdefault(page, bytearray(_PAGE))
            stored[low:high] = view[start : start + high - low]
        self._place += len(view)
        self.length = max(self.length, self._place)
        return len(view)

    def readable(self) -> bool:
        """Yes."""
        return True

    def writable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True


class Layout(NamedTuple):
    """A file without its numbers."""

    file: SparseFile
    places: dict[str, tuple[int, int]]
    """First and last byte, exclusive, of each array of numbers, by its name in the file."""
    said: dict[str, str]
    """Checksums of what is said of each array and group, by its name in the file."""


def stream(
    target: BinaryIO,
    root: xr.Dataset,
    groups: Mapping[str, xr.Dataset],
    attribute: Mapping[str, Any] | None,
) -> None:
    """Write datasets into an open file, a block of one array at a time.

    Parameters
    ----------
    target : binary file
        Empty.
    root : Dataset
        What the root group holds, lazy or not.
    groups : mapping
        Name to dataset, for the other groups.
    attribute : mapping or None
        Becomes the attribute of the file, with a table of contents; None for the attributes
        of ``root`` as they are.
    """
    arrays = {
        (f"{group}/" if group else "") + str(name): (variable, name in dataset.coords)
        for group, dataset in {"": root, **groups}.items()
        for name, variable in dataset.variables.items()
    }
    sums = dict.fromkeys(arrays, _UNKNOWN)
    said = dict.fromkeys([*arrays, "", *groups], _UNKNOWN)
    empty = _lay_out({"": root, **groups}, _described(arrays, sums, said, attribute))
    target.truncate(empty.file.length)
    for name, (variable, _) in arrays.items():
        if name in empty.places:
            target.seek(empty.places[name][0])
            sums[name] = _stream_array(target, variable)
        else:
            sums[name] = checksum(variable.values)
    # Sums are of one length, so that everything lies where it lay.
    layout = _lay_out({"": root, **groups}, _described(arrays, sums, empty.said, attribute))
    if layout.places != empty.places or layout.file.length != empty.file.length:
        raise FormatError(
            "the HDF5 library laid one file out in two ways; report the versions of h5py and "
            "h5netcdf."
        )
    for start, piece in _between(layout):
        target.seek(start)
        target.write(piece)


def _described(
    arrays: Mapping[str, tuple[xr.Variable, bool]],
    sums: Mapping[str, str],
    said: Mapping[str, str],
    attribute: Mapping[str, Any] | None,
) -> str | None:
    if attribute is None:
        return None
    contents = {
        name: Stored(
            dims=tuple(str(each) for each in variable.dims),
            shape=variable.shape,
            dtype="text" if variable.dtype.kind == "O" else variable.dtype.name,
            coordinate=coordinate,
            checksum=sums[name],
            described=said[name],
        )
        for name, (variable, coordinate) in arrays.items()
    }
    of_groups = {name: said[name] for name in said if name not in arrays}
    return attribute_text({**attribute, CONTENTS: contents, GROUPS: of_groups})


def _lay_out(datasets: Mapping[str, xr.Dataset], text: str | None) -> Layout:
    sparse, places, said = SparseFile(), {}, {}
    with h5py.File(sparse, "w") as file:
        with h5netcdf.File(file, "a") as root:
            for group, dataset in datasets.items():
                _lay_out_group(root.create_group(group) if group else root, dataset)
        told = datasets[""].attrs.get(ATTRIBUTE) if text is None else text
        if told is not None:
            file.attrs[ATTRIBUTE] = told
        for group, dataset in datasets.items():
            said[group] = described_checksum(said_of(file[group or "/"]))
            for name, variable in dataset.variables.items():
                stored = file[f"{group}/{name}"]
                where = (f"{group}/" if group else "") + str(name)
                said[where] = described_checksum(said_of(stored))
                if variable.dtype.kind != "O" and variable.size:
                    stored[(0,) * variable.ndim] = 0  # So that it is given its place.
                    start = stored.id.get_offset()
                    places[where] = (start, start + stored.id.get_storage_size())
    return Layout(sparse, places, said)


def _lay_out_group(group: Any, dataset: xr.Dataset) -> None:
    group.dimensions = {str(name): size for name, size in dataset.sizes.items()}
    for name, variable in dataset.variables.items():
        text = variable.dtype.kind == "O"
        dtype = h5py.string_dtype() if text else variable.dtype
        values = variable.values if text else None
        stored = group.create_variable(str(name), variable.dims, dtype=dtype, data=values)
        describe(stored, variable.attrs)
    describe(group, {key: each for key, each in dataset.attrs.items() if key != ATTRIBUTE})
    # The netCDF convention by which xarray tells coordinates from variables.
    coordinates = [str(name) for name in dataset.coords if name not in dataset.dims]
    if coordinates:
        group.attrs["coordinates"] = " ".join(coordinates)


def _stream_array(target: BinaryIO, variable: xr.Variable) -> str:
    total = hashlib.sha256()
    for block in _blocks(variable):
        target.write(block.data)
        total.update((block if sys.byteorder == "little" else block.byteswap()).data)
    return total.hexdigest()[:16]


def _blocks(variable: xr.Variable) -> Iterator[npt.NDArray[Any]]:
    if not variable.ndim:
        yield np.ascontiguousarray(variable.values)
        return
    dim, length = variable.dims[0], variable.shape[0]
    rows = max(1, _BLOCK * length // variable.nbytes)
    for low in range(0, length, rows):
        yield np.ascontiguousarray(variable.isel({dim: slice(low, low + rows)}).values)


def _between(layout: Layout) -> Iterator[tuple[int, memoryview]]:
    """Give what the library wrote outside of the arrays of numbers."""
    taken = sorted(layout.places.values())
    for page, content in sorted(layout.file.pages.items()):
        low, end = page * _PAGE, min((page + 1) * _PAGE, layout.file.length)
        base, view = low, memoryview(content)
        for first, last in taken:
            if last <= low or first >= end:
                continue
            if first > low:
                yield low, view[low - base : first - base]
            low = max(low, last)
        if low < end:
            yield low, view[low - base : end - base]


def _pieces(place: int, count: int) -> Iterator[tuple[int, int, int, int]]:
    """Split bytes at the borders of pages: page, first and last byte in it, bytes before."""
    done = 0
    while done < count:
        page, low = divmod(place + done, _PAGE)
        high = min(_PAGE, low + count - done)
        yield page, low, high, done
        done += high - low
