"""What a batch needs to go on bitwise after its process has ended."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from torch import Tensor

__all__ = ["Checkpoints", "Snapshot", "part_of"]

Snapshot: TypeAlias = dict[str, Any]
"""Tensors, numbers, text and None in dictionaries and lists: nothing that runs when it is read.

Data, layout and starts are not in it: they follow from the study and are made again.
"""


class Checkpoints(Protocol):
    """Where a loop leaves its snapshots, and finds the last one."""

    def stored(self) -> Snapshot | None:
        """Give the last snapshot; None where there is none."""

    def is_due(self) -> bool:
        """Tell whether it is time for another; asked after every step."""

    def keep(self, snapshot: Snapshot) -> None:
        """Keep a snapshot in place of the last one."""


_BY_RUN = ("outcomes", "reasons", "gradients")


def part_of(snapshot: Snapshot, picks: Sequence[int]) -> Snapshot:
    """Take some runs out of the snapshot of a batch, as if they had been alone in it.

    Parameters
    ----------
    snapshot : Snapshot
        Of a batch.
    picks : sequence of int
        Runs to keep, as the batch counted them, in their new order; ladders are whole.

    Returns
    -------
    Snapshot
        A run's numbers do not depend on its batch, so neither do those that follow.
    """
    number = {run: index for index, run in enumerate(picks)}
    kept = [row for row, run in enumerate(snapshot["rows"]) if run in number]
    rows = [number[snapshot["rows"][row]] for row in kept]
    if snapshot["ladders"] is not None:
        # Rows of ladders are named by their place, and never leave.
        kept = list(picks)
        rows = [number.get(snapshot["rows"][row], -1) for row in kept]
    elif len(kept) == 1:
        kept, rows = [kept[0], kept[0]], [rows[0], -1]
    elif not kept:
        kept, rows = [0, 0], [-1, -1]
    part = dict(snapshot)
    for name in _BY_RUN:
        part[name] = [snapshot[name][run] for run in picks]
    part["rows"] = rows
    # What only keeps its shape may have the data of any run.
    part["places"] = [number.get(snapshot["places"][row], 0) for row in kept]
    part["batch"] = _selected(snapshot["batch"], kept)
    for name in ("watch", "recorder"):
        part[name] = _selected(snapshot[name], list(picks))
    if snapshot["ladders"] is not None:
        ladders = snapshot["ladders"]
        part["ladders"] = ladders | {
            "rung": ladders["rung"][kept],
            "traffic": _selected(ladders["traffic"], kept),
        }
    return part


def _selected(value: Any, rows: list[int]) -> Any:
    """Choose along axis 0 of every tensor, and in every list of states of generators."""
    if isinstance(value, Tensor):
        return value[rows]
    if isinstance(value, Mapping):
        return {
            name: [each[row] for row in rows]
            if name == "generators"
            else each
            if name == "dims"
            else _selected(each, rows)
            for name, each in value.items()
        }
    if isinstance(value, tuple):
        return tuple(_selected(each, rows) for each in value)
    return value
