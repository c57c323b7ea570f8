"""Heaps of text in a file, walked before the HDF5 library does, which some damage hangs.

A global heap collection [1]_ is a chain of objects, each of which states its size. The library
steps from one to the next without an end where a lost page has left a size of zero.

References
----------
.. [1] The HDF Group, HDF5 File Format Specification Version 3.0, section III.E.
"""

import struct
import threading
from collections.abc import Iterator
from typing import Any, Final

import h5py

__all__ = ["require_sound_heaps"]

_COLLECTION: Final = struct.Struct("<4sB3xQ")
_OBJECT: Final = struct.Struct("<HH4xQ")
_SIGNATURE: Final = b"GCOL"
_ALIGNMENT: Final = 8
_SMALL: Final = 1 << 21


class _Scratch(threading.local):
    """Room for a small file: memory that is new each time costs more than reading into it."""

    def __init__(self) -> None:
        self.buffer = bytearray(_SMALL)


_scratch = _Scratch()


def require_sound_heaps(file: h5py.File) -> None:
    """Refuse a file with a heap that has no end.

    Of a large file all but the numbers of arrays is read; of a small one everything, which
    takes less time than to ask the library where its arrays are.

    Parameters
    ----------
    file : h5py.File
        Open.

    Raises
    ------
    ValueError
        If a chain of objects breaks.
    """
    with open(file.filename, "rb", buffering=0) as raw:
        end = raw.seek(0, 2)
        if end <= _SMALL:
            raw.seek(0)
            _walk_all(_scratch.buffer, raw.readinto(_scratch.buffer))
            return
        for first, last in _gaps(sorted(_arrays(h5py.h5g.open(file.id, b"/"))), end):
            raw.seek(first)
            content = raw.read(last - first)
            _walk_all(content, len(content))


def _arrays(group: Any) -> Iterator[tuple[int, int]]:
    """Where the numbers of each array begin and end."""
    for name in group:
        member = h5py.h5o.open(group, name)
        if isinstance(member, h5py.h5g.GroupID):
            yield from _arrays(member)
        elif isinstance(member, h5py.h5d.DatasetID):
            offset = member.get_offset()
            if offset is not None:
                yield offset, offset + member.get_storage_size()


def _gaps(arrays: list[tuple[int, int]], end: int) -> Iterator[tuple[int, int]]:
    place = 0
    for first, last in arrays:
        if first > place:
            yield place, min(first, end)
        place = max(place, last)
    if place < end:
        yield place, end


def _walk_all(content: bytes | bytearray, end: int) -> None:
    place = content.find(_SIGNATURE, 0, end)
    while 0 <= place <= end - _COLLECTION.size:
        _, version, size = _COLLECTION.unpack_from(content, place)
        if version == 1 and size <= end - place:
            _walk(content, place + _COLLECTION.size, place + size)
        place = content.find(_SIGNATURE, place + len(_SIGNATURE), end)


def _walk(content: bytes | bytearray, place: int, end: int) -> None:
    while place <= end - _OBJECT.size:
        number, _, size = _OBJECT.unpack_from(content, place)
        # Number zero is what is free, whose size holds its header.
        length = size if number == 0 else _OBJECT.size + -(-size // _ALIGNMENT) * _ALIGNMENT
        if length < _OBJECT.size or place + length > end:
            raise ValueError("a heap of its text is broken")
        place += length
