"""Files in the IDX format of MNIST, plain or compressed by gzip."""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from phasegrok.errors import InvalidStudyError

__all__ = ["read_idx", "write_idx"]

_GZIP = b"\x1f\x8b"
_UNSIGNED_BYTE = 8
_MOST_AXES = 4


def read_idx(path: str | Path) -> npt.NDArray[np.uint8]:
    """Read an array of bytes from an IDX file.

    The file begins with two zero bytes, the type of its numbers (8, bytes without sign) and the
    number of axes; then the length of each axis as four bytes, the largest first, and the
    numbers, the last axis fastest (LeCun, Cortes, Burges, The MNIST database, 1998).

    Parameters
    ----------
    path : str or Path
        Whether it is compressed is told by its first bytes, not by its name.

    Returns
    -------
    (...) array of uint8
        With the axes of the file.

    Raises
    ------
    InvalidStudyError
        If there is no such file, it cannot be decompressed, is no IDX file of bytes, or holds
        fewer or more numbers than its header says.
    """
    content = _content(Path(path))
    shape = _shape(Path(path), content)
    begin, size = 4 + 4 * len(shape), math.prod(shape)
    received = len(content) - begin
    if received != size:
        kind = "cut short" if received < size else "longer than it says"
        raise InvalidStudyError(
            f"the IDX file {path} must hold {size} numbers for the shape {shape} of its "
            f"header, received {received}: it is {kind}; fetch it again."
        )
    return np.frombuffer(content, dtype=np.uint8, offset=begin).reshape(shape)


def write_idx(path: str | Path, values: npt.NDArray[np.uint8]) -> None:
    """Write an array of bytes as an IDX file, compressed where the name ends in ``.gz``.

    Parameters
    ----------
    path : str or Path
        Overwritten where it is there.
    values : (...) array of uint8
        With one to four axes.

    Raises
    ------
    InvalidStudyError
        For numbers of another type, or no axes or too many.
    """
    if values.dtype != np.uint8 or not 1 <= values.ndim <= _MOST_AXES:
        raise InvalidStudyError(
            f"an IDX file must hold numbers of the type uint8 on 1 to {_MOST_AXES} axes, "
            f"received {values.dtype} on {values.ndim}; convert the array."
        )
    header = struct.pack(f">HBB{values.ndim}I", 0, _UNSIGNED_BYTE, values.ndim, *values.shape)
    content = header + values.tobytes()
    if str(path).endswith(".gz"):
        # Without a time stamp, so that equal arrays make equal files.
        content = gzip.compress(content, compresslevel=9, mtime=0)
    Path(path).write_bytes(content)


def _content(path: Path) -> bytes:
    try:
        stored = path.read_bytes()
    except OSError as error:
        raise InvalidStudyError(
            f"the IDX file {path} must be a file that can be read: {error.strerror}; check the "
            "folder."
        ) from error
    if not stored.startswith(_GZIP):
        return stored
    try:
        return gzip.decompress(stored)
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidStudyError(
            f"the IDX file {path} begins like one compressed by gzip and cannot be "
            f"decompressed: {error}; fetch it again."
        ) from error


def _shape(path: Path, content: bytes) -> tuple[int, ...]:
    if len(content) < 4:
        raise InvalidStudyError(
            f"an IDX file begins with four bytes that say what it holds, {path} has "
            f"{len(content)}; fetch it again."
        )
    zero, kind, axes = struct.unpack(">HBB", content[:4])
    if zero != 0 or kind != _UNSIGNED_BYTE or not 1 <= axes <= _MOST_AXES:
        magic = int.from_bytes(content[:4], "big")
        raise InvalidStudyError(
            f"an IDX file of bytes begins with the number 2048 and its axes (2049 for labels, "
            f"2051 for images), {path} with {magic}; give another file."
        )
    if len(content) < 4 + 4 * axes:
        raise InvalidStudyError(
            f"the IDX file {path} ends within its header of {4 + 4 * axes} bytes; fetch it "
            "again."
        )
    return struct.unpack(f">{axes}I", content[4 : 4 + 4 * axes])
