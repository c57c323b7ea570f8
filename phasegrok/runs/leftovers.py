"""Files of a study besides its shards: what was set aside, and what writers left."""

import hashlib
import json
import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final

from phasegrok.runs.disk import PARTIAL, partial_files
from phasegrok.runs.findings import Finding, Severity
from phasegrok.runs.unfinished import FOLDER, SUFFIX

__all__ = ["leftovers"]

_BLOCK: Final = 2**20
_LONGEST_LINE: Final = 2**24


def leftovers(folder: Path, stored: Collection[str]) -> Iterator[Finding]:
    """Find what lies beside the shards.

    Parameters
    ----------
    folder : Path
        Folder of a study.
    stored : collection of str
        Runs that its shards hold.

    Yields
    ------
    Finding
        Nothing for a file that a living process is writing.
    """
    for path in sorted(folder.glob("shard-*.h5.damaged*")):
        text = (
            f"{path} was set aside as damaged when the study was collected, and its runs were "
            "made anew; remove it when you have no more use for it."
        )
        yield Finding(kind="set aside", severity=Severity.NOTE, path=path, text=text)
    for path in (*partial_files(folder), *partial_files(folder / FOLDER)):
        if not _is_being_written(path):
            text = (
                f"{path} was left behind by a writer that has ended; the next collector "
                "removes it."
            )
            yield Finding(kind="partial", severity=Severity.NOTE, path=path, text=text)
    for path in sorted((folder / FOLDER).glob(f"*{SUFFIX}")):
        yield from _checkpoint(path, stored)


def _is_being_written(path: Path) -> bool:
    """Tell whether the process in the name of the file lives; one elsewhere is not seen."""
    process = path.name.removeprefix(PARTIAL).partition("-")[0]
    if not process.isdecimal() or int(process) == 0:
        return False  # Zero would ask for this process and its siblings.
    try:
        os.kill(int(process), 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def _checkpoint(path: Path, stored: Collection[str]) -> Iterator[Finding]:
    try:
        run_ids = _runs_in(path)
    except FileNotFoundError:  # Its shard has landed meanwhile.
        return
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        text = (
            f"the checkpoint {path} is damaged ({error}): it will not be used, and its runs "
            "are made from their beginning."
        )
        yield Finding(kind="checkpoint", severity=Severity.WARNING, path=path, text=text)
        return
    left = [run_id for run_id in run_ids if run_id not in stored]
    if left:
        text = (
            f"{path} keeps the state of {len(left)} unfinished runs, from which collecting "
            "again goes on."
        )
    else:
        text = f"all runs of {path} are stored; the next collector removes it."
    yield Finding(kind="checkpoint", severity=Severity.NOTE, path=path, text=text)


def _runs_in(path: Path) -> list[str]:
    """Runs of a checkpoint: two lines, the checksum of what follows, and what follows.

    The content is for torch to read, and only its checksum is looked at here.
    """
    with path.open("rb") as file:
        file.readline(_LONGEST_LINE)
        header: dict[str, Any] = json.loads(file.readline(_LONGEST_LINE))
        run_ids = [str(each) for each in header["run_ids"]]
        expected = file.read(64)
        found = hashlib.sha256()
        while block := file.read(_BLOCK):
            found.update(block)
    if found.hexdigest().encode() != expected:
        raise ValueError("its checksum does not hold")
    return run_ids
