"""How walkers move along an exchange ladder: round trips and accepted swaps."""

from typing import Any, Final, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from phasegrok.dynamics.snapshot import Snapshot

__all__ = ["TRAFFIC", "Traffic"]

TRAFFIC: Final = {
    "round_trip_count": "times that the walker came from one end of the ladder back to it",
    "exchange_attempt_count": "swaps tried between first_rung and the rung above",
    "exchange_accepted_count": "swaps made between first_rung and the rung above",
}
"""Variables of the walkers of a ladder, with their meaning."""


@final
class Traffic:
    """Counts of each walker, since the beginning.

    A round trip leads from one end of the ladder to the other and back; where the walker first
    reached an end, it begins. A pair of rungs is counted with the walker that began on the
    lower one, so each ladder has a count for each of its pairs.

    Parameters
    ----------
    home : (walker,) int64 tensor
        First rung of each walker.
    top : int
        Highest rung.
    """

    def __init__(self, home: Tensor, *, top: int) -> None:
        self.home = home.clone()
        self._top = top
        self._half_trips = torch.full_like(home, -1)
        self._last_end = torch.full_like(home, -1)
        self._attempted = torch.zeros_like(home)
        self._accepted = torch.zeros_like(home)
        self.count(home)

    def count(self, rung: Tensor) -> None:
        """Look where every walker is, (walker,)."""
        at_end = (rung == 0) | (rung == self._top)
        new = at_end & (rung != self._last_end)
        self._half_trips += new.long()
        self._last_end = torch.where(at_end, rung, self._last_end)

    def note_attempt(self, pair: int, *, accepted: bool) -> None:
        """Count a swap that was tried between two neighbouring rungs."""
        self._attempted[pair] += 1
        self._accepted[pair] += int(accepted)

    def counts(self) -> dict[str, npt.NDArray[np.int64]]:
        """The variables of `TRAFFIC`, (walker,) each."""
        trips = self._half_trips.clamp(min=0) // 2
        values = (trips, self._attempted, self._accepted)
        return {name: each.numpy() for name, each in zip(TRAFFIC, values, strict=True)}

    def snapshot(self) -> Snapshot:
        """Give the counts."""
        return {name: each.clone() for name, each in self._state().items()}

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from counts."""
        self._half_trips = snapshot["half_trips"]
        self._last_end = snapshot["last_end"]
        self._attempted = snapshot["attempted"]
        self._accepted = snapshot["accepted"]

    def _state(self) -> dict[str, Any]:
        return {
            "half_trips": self._half_trips,
            "last_end": self._last_end,
            "attempted": self._attempted,
            "accepted": self._accepted,
        }
