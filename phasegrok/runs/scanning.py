"""Which files of a study can be used, and what is wrong with the others."""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from phasegrok.errors import DamagedShardError, FormatError, StudyChangedError
from phasegrok.runs.reading import Known, Shard, read_shard
from phasegrok.runs.shard import SHARD_PATTERN
from phasegrok.runs.verification import corrupted
from phasegrok.seeding import canonical_json
from phasegrok.study import check_unchanged

__all__ = ["Problem", "common_identity", "corruption", "foreign_text", "scan", "shard_paths"]


_MOST_DIFFERENCES: Final = 3


class Problem(NamedTuple):
    """A file of a study that cannot be used."""

    path: Path
    kind: Literal["damaged", "unreadable", "foreign", "duplicate"]
    text: str
    """What is wrong and what to do."""


def shard_paths(folder: Path) -> list[Path]:
    """All finished shards of a folder, by name."""
    return sorted(folder.glob(SHARD_PATTERN))


def scan(
    paths: Sequence[Path],
    expected: Mapping[str, Any] | None = None,
    *,
    names: Collection[str] | None = None,
) -> tuple[list[Shard], list[Problem]]:
    """Read the coordinates of shards and tell which files cannot be used.

    Parameters
    ----------
    paths : sequence of Path
        The files.
    expected : mapping, optional
        Identity that they must have; without it, the one that most of them have.
    names : collection of str, optional
        Coordinates to read, with ``run_id`` among them; without it all small ones.

    Returns
    -------
    shards : list of Shard
        Those of one study, no run twice.
    problems : list of Problem
        The other files.
    """
    readable, problems = _read(paths, names)
    wanted = common_identity(readable) if expected is None else canonical_json(expected)
    shards: list[Shard] = []
    holders: dict[str, Path] = {}
    for shard in readable:
        twice = next((run_id for run_id in shard.run_ids if run_id in holders), None)
        if shard.identity != wanted:
            problems.append(Problem(shard.path, "foreign", foreign_text(shard, wanted)))
        elif twice is not None:
            text = (
                f"{shard.path} holds the run {twice!r}, which {holders[twice].name} holds too; "
                "move one of the two files away."
            )
            problems.append(Problem(shard.path, "duplicate", text))
        else:
            holders.update(dict.fromkeys(shard.run_ids, shard.path))
            shards.append(shard)
    return shards, problems


def corruption(shards: Sequence[Shard]) -> list[Problem]:
    """Tell which shards hold other numbers than those that were written; reads all data.

    Parameters
    ----------
    shards : sequence of Shard
        Shards that `scan` found usable.

    Returns
    -------
    list of Problem
        Empty if every checksum holds.
    """
    wrong = ((shard.path, _damage(shard.path)) for shard in shards)
    return [
        Problem(path, "damaged", f"{damage} Move the file away and collect again.")
        for path, damage in wrong
        if damage
    ]


def _read(
    paths: Sequence[Path], names: Collection[str] | None
) -> tuple[list[Shard], list[Problem]]:
    """Read what can be read, of whatever study it is."""
    shards: list[Shard] = []
    problems: list[Problem] = []
    known: Known = {}
    for path in paths:
        try:
            shards.append(read_shard(path, names, known=known))
        except DamagedShardError as error:
            text = f"{error} Collecting again sets it aside and makes its runs anew."
            problems.append(Problem(path, "damaged", text))
        except FormatError as error:
            problems.append(Problem(path, "unreadable", str(error)))
    return shards, problems


def common_identity(shards: Sequence[Shard]) -> str:
    """Give the identity that most of the shards have; empty without any."""
    counts = Counter(shard.identity for shard in shards)
    return counts.most_common(1)[0][0] if counts else ""


def _damage(path: Path) -> str:
    """What is wrong with the data of a shard; empty where all is as it was written."""
    try:
        names = corrupted(path)
    except FormatError as error:
        return str(error)
    return f"{path}: the checksums of {', '.join(names)} do not hold." if names else ""


def foreign_text(shard: Shard, wanted: str) -> str:
    """Say how a shard differs from the study it lies in.

    Parameters
    ----------
    shard : Shard
        Of another identity.
    wanted : str
        Identity of the study, as `Shard.identity` gives it.

    Returns
    -------
    str
        One line that names the first differences and what to do.
    """
    text = f"{shard.path} belongs to another study; move it to a folder of its own."
    try:
        check_unchanged(json.loads(wanted), shard.attribute["identity"])
    except StudyChangedError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.startswith("  ")]
        more = len(lines) - _MOST_DIFFERENCES
        told = "; ".join(lines[:_MOST_DIFFERENCES]) + (f"; and {more} more" if more > 0 else "")
        return f"{text} It differs: {told}."
    return text
