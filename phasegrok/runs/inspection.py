"""What can be wrong with one shard of a study or one exported file, looked at by itself."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from phasegrok.errors import DamagedShardError, FormatError, InvalidStudyError
from phasegrok.runs.findings import Finding, Severity
from phasegrok.runs.labels import mislabelled
from phasegrok.runs.shard import HDF5_SIGNATURE, is_shard, name_of_runs
from phasegrok.runs.steps import made
from phasegrok.runs.validation import validate
from phasegrok.runs.verification import Whole
from phasegrok.schema import RECORD, RUN

__all__ = ["maker_of", "named_first", "shard_findings", "unusable"]

_MOST_NAMED: Final = 5

_FROM_TABLE: Final = {"recorded": "from_frame"}
"""Identity of runs that bear the names which a table gave them."""

_AGAIN: Final = "Move the file away and collect again, which makes its runs anew."
_ELSEWHERE: Final = (
    "Make it anew: export the study again, or collect again where it was a shard of one."
)

_UNKNOWN: Final = "not known"


def shard_findings(whole: Whole, *, described: bool) -> Iterator[Finding]:
    """Look at a shard of a study by itself.

    Parameters
    ----------
    whole : Whole
        The shard.
    described : bool
        Whether the study has a description; without one, recorded runs may bear any names.

    Yields
    ------
    Finding
    """
    path = whole.shard.path
    if whole.wrong:
        yield Finding(
            kind="damaged",
            severity=Severity.ERROR,
            path=path,
            text=f"{path}: not what was written are {', '.join(whole.wrong)}. {_again(path)}",
        )
    for breach in validate(whole.runs):
        text = f"{path} breaches the schema: {breach} {_again(path)}"
        yield Finding(kind="schema", severity=Severity.ERROR, path=path, text=text)
    name = name_of_runs(whole.shard.run_ids)
    if path.name != name and is_shard(path):  # Others bear the names that users gave them.
        text = (
            f"{path} does not bear the name that follows from its runs: it was renamed, or its "
            f"runs were edited. Rename it to {name} unless that is there."
        )
        yield Finding(kind="name", severity=Severity.WARNING, path=path, text=text)
    yield from _infinite(whole)
    recorded = whole.shard.attribute["study"] is None
    # Whoever made other recorded runs named them.
    if not recorded or (described and whole.shard.attribute["identity"] != _FROM_TABLE):
        yield from _labels(whole)


def unusable(path: Path, error: FormatError) -> Finding:
    """Say what a file is that bears the name of a shard and cannot be read as one.

    Parameters
    ----------
    path : Path
        The file.
    error : FormatError
        What reading it said.
    """
    if not isinstance(error, DamagedShardError):
        return Finding(kind="unreadable", severity=Severity.ERROR, path=path, text=str(error))
    if not is_shard(path):
        text = f"{error} {_ELSEWHERE}"
    elif path.is_file() and _beginning(path) != HDF5_SIGNATURE:
        text = (
            f"{path} does not begin as an HDF5 file: it is no shard, or its beginning is lost. "
            "Move it away; collecting again makes what is missing."
        )
    else:
        text = f"{error} Collecting again sets it aside and makes its runs anew."
    return Finding(kind="damaged", severity=Severity.ERROR, path=path, text=text)


def maker_of(whole: Whole) -> dict[str, str]:
    """By what a shard was made, as far as its numbers depend on it.

    Parameters
    ----------
    whole : Whole
        The shard.

    Returns
    -------
    dict
        What can differ, to what it is here.
    """
    stored = whole.shard.attribute["provenance"]
    provenance = stored if isinstance(stored, Mapping) else {}
    packages = provenance.get("packages")
    versions = packages if isinstance(packages, Mapping) else {}
    machine = provenance.get("machine_type") or provenance.get("instruction_set")
    return {
        "schema version": str(whole.version),
        "type of machine": _told(machine),
        "version of phasegrok": str(versions.get("phasegrok", _UNKNOWN)),
    }


def named_first(names: list[str], separator: str = ", ") -> str:
    """Name a few of many."""
    more = len(names) - _MOST_NAMED
    return separator.join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _again(path: Path) -> str:
    return _AGAIN if is_shard(path) else _ELSEWHERE


def _beginning(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(len(HDF5_SIGNATURE))
    except OSError:
        return b""


def _told(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {each}" for key, each in sorted(value.items()))
    return " ".join(map(str, value)) if isinstance(value, list) else str(value or _UNKNOWN)


def _infinite(whole: Whole) -> Iterator[Finding]:
    path, counts = whole.shard.path, whole.runs.variables.get("record_count")
    for name, variable in whole.runs.data_vars.items():
        if str(name).startswith("event_") or variable.dtype.kind != "f":
            continue
        infinite = np.isinf(variable.values)
        if counts is not None and variable.dims[:2] == (RUN, RECORD):
            infinite = infinite[made(counts.values, infinite.shape[1])]
        if infinite.any():
            text = (
                f"{path}: the variable {name!r} is infinite {int(infinite.sum())} times, and "
                "averages over it will be."
            )
            yield Finding(kind="infinite", severity=Severity.WARNING, path=path, text=text)


def _labels(whole: Whole) -> Iterator[Finding]:
    path = whole.shard.path
    try:
        wrong = mislabelled(whole.runs, whole.shard.attribute)
    except (InvalidStudyError, KeyError) as error:
        text = f"{path}: the names of its runs cannot be followed: {error}"
        yield Finding(kind="label", severity=Severity.ERROR, path=path, text=text)
        return
    if wrong:
        text = (
            f"{path}: the names of the runs {named_first(wrong)} do not follow from their "
            "controls, disorder, replica and start: labels were swapped or edited. "
            f"{_again(path)}"
        )
        yield Finding(kind="label", severity=Severity.ERROR, path=path, text=text)
