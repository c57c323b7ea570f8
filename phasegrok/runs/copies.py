"""Runs that lie in several shards: equal in every bit, or in conflict."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Final, final

from phasegrok.runs.findings import Finding, Severity
from phasegrok.runs.run_contents import LoadedShard, RunContents, contents_of, differing
from phasegrok.runs.shard import name_of_runs
from phasegrok.runs.verification import Whole

__all__ = ["Copies"]

_MOST_NAMED: Final = 3

_TOLD: Final = ("created", "machine", "device", "command")
_PACKAGES: Final = ("phasegrok", "torch")


@final
class Copies:
    """Compares runs of one name without holding two shards at once.

    Parameters
    ----------
    run_ids : mapping
        File to the identifiers of its runs.
    """

    def __init__(self, run_ids: Mapping[Path, Sequence[str]]) -> None:
        holders: dict[str, list[Path]] = defaultdict(list)
        for path, names in run_ids.items():
            for name in dict.fromkeys(names):
                holders[name].append(path)
        self._run_ids = {path: set(names) for path, names in run_ids.items()}
        self._twice = {name: paths for name, paths in holders.items() if len(paths) > 1}
        self._seen: dict[tuple[Path, str], RunContents] = {}
        self._origins: dict[Path, str] = {}

    def look_at(self, whole: Whole) -> None:
        """Keep the checksums of those runs of a shard that lie in others too."""
        path = whole.shard.path
        runs = self._run_ids.get(path, set()) & self._twice.keys()
        if runs:
            attribute = whole.shard.attribute
            shard = LoadedShard(whole.runs, whole.states, attribute)
            for name in runs:
                self._seen[path, name] = contents_of(name, shard)
            self._origins[path] = _origin(attribute["provenance"])

    def findings(self) -> list[Finding]:
        """Give one finding for each pair of files that hold a run in common."""
        pairs: dict[tuple[Path, Path], list[str]] = defaultdict(list)
        for name, paths in self._twice.items():
            for other in paths[1:]:
                pairs[paths[0], other].append(name)
        read = {path for path, _ in self._seen}  # The others are told as damaged.
        return [
            self._pair(one, other, names)
            for (one, other), names in pairs.items()
            if {one, other} <= read
        ]

    def _pair(self, one: Path, other: Path, names: list[str]) -> Finding:
        compared = {
            name: differing(self._seen[one, name], self._seen[other, name]) for name in names
        }
        conflicts = {name: found for name, found in compared.items() if found}
        which = f"{_first(names)} in both {one.name} and {other.name}"
        if conflicts:
            variables = list(dict.fromkeys(chain.from_iterable(conflicts.values())))
            text = (
                f"{which} differ: {_first(list(conflicts))} in {_first(variables)}. The former "
                f"was {self._origins[one]}; the latter was {self._origins[other]}. Find out "
                "which of them is right, and move the other file away."
            )
            return Finding(kind="conflict", severity=Severity.ERROR, path=other, text=text)
        return Finding(
            kind="duplicate",
            severity=Severity.WARNING,
            path=other,
            text=f"{which} are equal in every bit; {self._advice(one, other)}",
        )

    def _advice(self, one: Path, other: Path) -> str:
        """Say which file holds nothing of its own."""
        held = self._run_ids
        removable = [
            path for path, rest in ((other, one), (one, other)) if held[path] <= held[rest]
        ]
        misnamed = [path for path in removable if path.name != name_of_runs(held[path])]
        chosen = [*misnamed, *removable]
        if chosen:
            return f"{chosen[0].name} may be removed, and must be before the study is opened."
        return (
            "each file holds runs of its own besides. Move one of them away and collect again, "
            "which makes its other runs anew."
        )


def _first(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(map(repr, names[:_MOST_NAMED])) + (f" and {more} more" if more > 0 else "")


def _origin(provenance: Mapping[str, Any]) -> str:
    """Say by what a shard was made, as far as it is known."""
    known = [f"{name} {provenance[name]!r}" for name in _TOLD if provenance.get(name)]
    versions = provenance.get("packages")
    if isinstance(versions, Mapping):
        known += [
            f"{name} {versions[name]}" for name in ("phasegrok", "torch") if name in versions
        ]
    return f"made with {', '.join(known)}" if known else "made nobody knows how"
