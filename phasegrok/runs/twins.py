"""Runs of several names that nothing else tells apart: averages would count one twice."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, final

from phasegrok.errors import FormatError
from phasegrok.runs.attribute import control_names, stated_option
from phasegrok.runs.findings import Finding, Severity
from phasegrok.runs.inspection import named_first
from phasegrok.runs.verification import Whole
from phasegrok.schema import LABELS, RUN

__all__ = ["Twins"]

_RAMP: Final = {"direction": "none", "rate": 0.0, "first_rung": -1}
"""Other labels, with what those have who lack them."""

Key = tuple[Any, ...]


@final
class Twins:
    """Compares the labels of all runs, and keeps nothing else of them.

    Parameters
    ----------
    attributes : iterable of mapping
        Of all shards of the study, and its latest description: a control that varies in one
        of them is compared in all.
    """

    def __init__(self, attributes: Iterable[Mapping[str, Any]]) -> None:
        self._controls = control_names(attributes)
        self._first: dict[Key, tuple[str, Path]] = {}
        self._pairs: dict[tuple[Path, Path], list[tuple[str, str]]] = defaultdict(list)

    def look_at(self, whole: Whole) -> None:
        """Compare the runs of a shard with all before."""
        columns = self._columns(whole)
        if columns is None:
            return  # Told as a breach of the schema.
        path = whole.shard.path
        for run_id, *key in zip(whole.shard.run_ids, *columns, strict=True):
            one, where = self._first.setdefault(tuple(key), (run_id, path))
            if one != run_id:
                self._pairs[where, path].append((one, run_id))

    def findings(self) -> list[Finding]:
        """Give one finding for each pair of files that hold twins, or for one file."""
        return [self._pair(one, other, found) for (one, other), found in self._pairs.items()]

    def _pair(self, one: Path, other: Path, found: Sequence[tuple[str, str]]) -> Finding:
        told = named_first([f"{a!r} and {b!r}" for a, b in dict.fromkeys(found)], "; ")
        where = (
            f"both in {one}" if one == other else f"the former in {one}, the latter in {other}"
        )
        text = (
            f"runs of two names have the same {', '.join((*self._controls, *LABELS))} (and "
            f"ramp): {told}; {where}. Averages would take one run for two independent ones. "
            "Find out by what both were made, and leave one of them out, or give it another "
            "replica if it is independent."
        )
        return Finding(kind="twin", severity=Severity.ERROR, path=other, text=text)

    def _columns(self, whole: Whole) -> list[list[Any]] | None:
        count = len(whole.shard.run_ids)
        columns = []
        for name in (*self._controls, *LABELS, *_RAMP):
            variable = whole.runs.variables.get(name)
            if variable is not None and variable.dims == (RUN,):
                columns.append(variable.values.tolist())  # 88 and 88.0 are equal.
            elif name in LABELS:
                return None
            elif name in _RAMP:
                columns.append([_RAMP[name]] * count)
            else:
                columns.append([_stated(whole.shard.attribute["study"], name)] * count)
        return columns


def _stated(study: Mapping[str, Any] | None, control: str) -> Any:
    """Value of an option that the study began to vary later; None where nobody knows it."""
    try:
        return stated_option(study, control)
    except FormatError:
        return None
