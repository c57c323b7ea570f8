"""What the checkpoints of unfinished batches tell of themselves, to those without torch."""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

__all__ = ["FOLDER", "MAGIC", "SUFFIX", "Header", "begun_runs", "read_headers"]

FOLDER: Final = ".checkpoints"
SUFFIX: Final = ".checkpoint"

MAGIC: Final = b"phasegrok checkpoint 1\n"
"""Another number is another content, which is not read."""

_LONGEST_HEADER: Final = 2**24


@final
@dataclass(frozen=True, kw_only=True)
class Header:
    """What a checkpoint tells of itself in its first lines.

    Parameters
    ----------
    path : Path
        The file.
    run_ids : tuple of str
        Runs of the batch, in its order.
    machine : str
        See `machine_type`.
    fraction : float
        Of the steps, done.
    """

    path: Path
    run_ids: tuple[str, ...]
    machine: str
    fraction: float


def read_headers(folder: Path) -> list[Header]:
    """Read the headers of all checkpoints of a study; those that are damaged are left out.

    Parameters
    ----------
    folder : Path
        Folder of the study.

    Returns
    -------
    list of Header
        Those that are furthest first.
    """
    found = []
    for path in sorted((folder / FOLDER).glob(f"*{SUFFIX}")):
        with suppress(OSError), path.open("rb") as file:
            header = _header_in(path, file)
            if header is not None:
                found.append(header)
    return sorted(found, key=lambda header: -header.fraction)


def begun_runs(folder: Path) -> set[str]:
    """Name the runs that have a checkpoint, stored or not.

    Parameters
    ----------
    folder : Path
        Folder of the study.
    """
    return {run_id for header in read_headers(folder) for run_id in header.run_ids}


def _header_in(path: Path, file: Any) -> Header | None:
    """Header at the beginning of a file; None where it is none of this version."""
    if file.read(len(MAGIC)) != MAGIC:
        return None
    try:
        stored = json.loads(file.readline(_LONGEST_HEADER))
        return Header(
            path=path,
            run_ids=tuple(stored["run_ids"]),
            machine=stored["machine"],
            fraction=float(stored["fraction"]),
        )
    except (ValueError, KeyError, TypeError):
        return None
