"""IDX files: what was written is read, and every kind of damage is told."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from phasegrok.errors import InvalidStudyError
from phasegrok.tasks import read_idx, write_idx

VALUES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


@pytest.mark.parametrize("name", ["images", "images.gz"])
@pytest.mark.parametrize("shape", [(24,), (2, 12), (2, 3, 4), (1, 2, 3, 4), (0, 3, 4)])
def test_what_was_written_is_read(tmp_path: Path, name: str, shape: tuple[int, ...]) -> None:
    values = VALUES.ravel()[: int(np.prod(shape))].reshape(shape)
    write_idx(tmp_path / name, values)
    np.testing.assert_array_equal(read_idx(tmp_path / name), values)
    assert (tmp_path / name).read_bytes().startswith(b"\x1f\x8b") == name.endswith(".gz")


def test_the_bytes_are_those_of_the_format(tmp_path: Path) -> None:
    # Magic 2051 for three axes, lengths as big-endian numbers of four bytes, last axis fastest.
    content = struct.pack(">IIII", 2051, 2, 3, 4) + bytes(range(24))
    write_idx(tmp_path / "written", VALUES)
    assert (tmp_path / "written").read_bytes() == content
    (tmp_path / "labels").write_bytes(struct.pack(">II", 2049, 3) + bytes([7, 0, 9]))
    assert read_idx(tmp_path / "labels").tolist() == [7, 0, 9]
    # A name that claims compression, and none that does: the first bytes tell.
    (tmp_path / "plain.gz").write_bytes(content)
    (tmp_path / "packed").write_bytes(gzip.compress(content, mtime=0))
    for name in ("plain.gz", "packed"):
        np.testing.assert_array_equal(read_idx(tmp_path / name), VALUES)


GOOD = struct.pack(">III", 2050, 2, 3) + bytes(6)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "begins with four bytes that say what it holds"),
        (b"\x00\x00\x08", "has 3; fetch it again"),
        (b"PNG!" + GOOD[4:], "2051 for images"),
        (struct.pack(">II", 2304 + 1, 3) + bytes(3), "with 2305; give another file"),  # int8.
        (struct.pack(">I", 2048), "with 2048; give another file"),  # No axes.
        (GOOD[:10], "ends within its header of 12 bytes"),
        (GOOD[:-1], "hold 6 numbers for the shape .2, 3. .* received 5: it is cut short"),
        (GOOD + b"\x00", "received 7: it is longer than it says"),
        (gzip.compress(GOOD, mtime=0)[:-9], "cannot be decompressed"),
        (gzip.compress(GOOD, mtime=0)[:12] + b"\xff\xff\xff\xff", "cannot be decompressed"),
        (gzip.compress(GOOD[:-2], mtime=0), "received 4: it is cut short"),
    ],
)
def test_refuses_damaged_files(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(InvalidStudyError, match=message):
        read_idx(tmp_path / "file")


def test_refuses_files_that_cannot_be_read_and_arrays_of_other_numbers(tmp_path: Path) -> None:
    with pytest.raises(InvalidStudyError, match="No such file or directory; check the folder"):
        read_idx(tmp_path / "none")
    with pytest.raises(InvalidStudyError, match="received float64 on 1; convert the array"):
        write_idx(tmp_path / "file", np.zeros(3))  # type: ignore[arg-type]
    with pytest.raises(InvalidStudyError, match="received uint8 on 0"):
        write_idx(tmp_path / "file", np.zeros((), dtype=np.uint8))
