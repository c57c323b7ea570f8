"""What a batch needs to go on bitwise after its process has ended."""

from typing import Any, Protocol, TypeAlias

__all__ = ["Checkpoints", "Snapshot"]

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
