"""Snapshots of unfinished batches, kept in the folder of their study until the shard lands."""

import hashlib
import io
import json
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import final

import torch

from phasegrok.dynamics import Snapshot, part_of
from phasegrok.errors import StorageError
from phasegrok.runs.disk import partial_files, write_over
from phasegrok.runs.provenance import instruction_set, package_versions
from phasegrok.runs.unfinished import FOLDER, MAGIC, SUFFIX, Header, read_headers
from phasegrok.seeding import digest
from phasegrok.study import RunRequest, Study

__all__ = [
    "CheckpointFile",
    "claim_checkpoints",
    "clear_checkpoints",
    "machine_type",
]


@final
class CheckpointFile:
    """The one file of a batch, written over at a stated interval.

    Parameters
    ----------
    folder : Path
        Folder of the study.
    study : Study
        Its description.
    requests : sequence of RunRequest
        The batch, in its order.
    device : str
        Where it is computed.
    seconds : float
        Interval; what a kill can lose. Infinite where none is to be kept.
    note : callable or None
        Told why a checkpoint could not be written.
    """

    def __init__(
        self,
        folder: Path,
        study: Study,
        requests: Sequence[RunRequest],
        *,
        device: str,
        seconds: float,
        note: Callable[[str], None] | None = None,
    ) -> None:
        self._run_ids = [request.run_id for request in requests]
        self._path = _path_of(folder, self._run_ids)
        self._machine = machine_type(study, device)
        self._seconds = seconds
        self._last = time.monotonic()
        self._note = note

    def stored(self) -> Snapshot | None:
        """Give the last snapshot that these runs are in, of this type of machine.

        A batch that was split goes on from the snapshot of the whole.
        """
        for header in read_headers(self._path.parent.parent):
            if header.machine == self._machine and set(self._run_ids) <= set(header.run_ids):
                snapshot = _read(header)
                if snapshot is not None:
                    return self._part_of(snapshot, header.run_ids)
        return None

    def _part_of(self, snapshot: Snapshot, run_ids: Sequence[str]) -> Snapshot | None:
        picks = [run_ids.index(run_id) for run_id in self._run_ids]
        if picks == list(range(len(run_ids))):
            return snapshot
        # Whatever is wrong with it: without a snapshot the runs begin anew.
        with suppress(Exception):
            return part_of(snapshot, picks)
        return None

    def is_due(self) -> bool:
        """Tell whether the interval is over, by a clock that never jumps."""
        return time.monotonic() - self._last >= self._seconds

    def keep(self, snapshot: Snapshot) -> None:
        """Write a snapshot over the last one; without room the last one stays."""
        file = io.BytesIO()
        torch.save(snapshot, file)
        content = file.getvalue()
        header = {
            "run_ids": self._run_ids,
            "machine": self._machine,
            "fraction": snapshot["next_step"] / max(snapshot["total"], 1),
        }
        lines = MAGIC + json.dumps(header).encode() + b"\n"
        checksum = hashlib.sha256(content).hexdigest().encode()
        try:
            write_over(self._path, lines + checksum + content)
        except StorageError as error:
            # The batch goes on: the room may come back, and its shard needs less of it.
            if self._note is not None:
                self._note(f"no checkpoint was written: {error}")
        self._last = time.monotonic()

    def remove(self) -> None:
        """Remove the file, whose shard has landed."""
        _remove(self._path)


def machine_type(study: Study, device: str) -> str:
    """Name what must be equal for a run to go on bitwise.

    Parameters
    ----------
    study : Study
        Its identity needs no mention, being that of the folder.
    device : str
        Where runs are computed.

    Returns
    -------
    str
        A hash of versions, vector instructions and device.
    """
    kind = torch.device(device).type
    name = torch.cuda.get_device_name(device) if kind == "cuda" else ""
    packages = package_versions()
    return digest(
        {
            "packages": {each: packages.get(each, "") for each in ("phasegrok", "torch")},
            "instructions": instruction_set(),
            "capability": torch.backends.cpu.get_cpu_capability(),
            "device": [kind, name],
            "dtype": study.dtype,
            "sources": _sources(),
        }
    )


@cache
def _sources() -> str:
    """Hash of the code that makes the numbers: what goes on bitwise goes on by the same."""
    package = Path(__file__).parents[1]
    content = hashlib.sha256()
    for room in ("dynamics", "networks", "observables", "study", "tasks", "theory"):
        for path in sorted((package / room).rglob("*.py")):
            content.update(path.read_bytes())
    return content.hexdigest()


def claim_checkpoints(
    folder: Path, *, left: Collection[str], asked: Collection[str] = (), machine: str
) -> list[Header]:
    """Choose what runs go on from, and remove the checkpoints that nobody will ask for.

    Parameters
    ----------
    folder : Path
        Folder of the study, held by this process.
    left : collection of str
        Runs that are to be made now.
    asked : collection of str
        Runs besides that the folder asks for and does not hold; their checkpoints stay.
    machine : str
        Type of this machine.

    Returns
    -------
    list of Header
        With the runs that are to go on from each; no run is in two of them. Files of another
        type of machine stay until their runs are stored, since going back to it takes them up
        again.
    """
    chosen: list[Header] = []
    kept: list[Path] = []
    taken: set[str] = set()
    wanted = set(left)
    for header in read_headers(folder):
        runs = set(header.run_ids)
        if header.machine == machine and runs & (wanted - taken):
            waiting = [run for run in header.run_ids if run in wanted and run not in taken]
            chosen.append(replace(header, run_ids=tuple(waiting)))
            taken |= runs
        elif runs & set(asked) or (header.machine != machine and runs & wanted):
            kept.append(header.path)
    clear_checkpoints(folder, without=[*kept, *(header.path for header in chosen)])
    return chosen


def clear_checkpoints(folder: Path, *, without: Collection[Path] = ()) -> None:
    """Remove checkpoints that nobody will go on from, and what killed writers left.

    Parameters
    ----------
    folder : Path
        Folder of the study.
    without : collection of Path
        Files that stay.
    """
    place = folder / FOLDER
    stale = [path for path in place.glob(f"*{SUFFIX}") if path not in set(without)]
    for path in [*partial_files(place), *stale]:
        path.unlink(missing_ok=True)
    with suppress(OSError):
        place.rmdir()  # Refused while anything is left in it.


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)
        path.parent.rmdir()  # Refused while others are in it.


def _read(header: Header) -> Snapshot | None:
    """Snapshot of a file; None where it is damaged."""
    try:
        content = header.path.read_bytes()
    except OSError:
        return None
    content = content[len(MAGIC) :].partition(b"\n")[2]
    if hashlib.sha256(content[64:]).hexdigest().encode() != content[:64]:
        return None
    # Of another build of torch perhaps: whatever it says, the runs begin anew.
    with suppress(Exception):
        snapshot: Snapshot = torch.load(io.BytesIO(content[64:]), weights_only=True)
        return snapshot
    return None


def _path_of(folder: Path, run_ids: Sequence[str]) -> Path:
    return folder / FOLDER / f"{digest(list(run_ids))}{SUFFIX}"
