"""How long Monte Carlo chains run, from where, and what is kept of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from phasegrok.errors import InvalidValueError, did_you_mean
from phasegrok.exact.checking import whole_number

__all__ = ["Chains"]


@final
@dataclass(frozen=True, kw_only=True)
class Chains:
    """Schedule of the chains at every point.

    Parameters
    ----------
    record_count : int
        Recorded states per chain.
    sweeps_per_record : int
        Sweeps from one record to the next.
    discarded_sweeps : int
        Sweeps before the first record; with 0 the first record is the initial state.
    replica_count : int
        Chains per point and start.
    starts : tuple of str
        Initial states, such as ``("hot", "cold")`` for chains from both sides.

    Raises
    ------
    InvalidValueError
        If a count has no meaning, or starts are missing or repeated.
    """

    record_count: int
    sweeps_per_record: int = 1
    discarded_sweeps: int = 0
    replica_count: int = 1
    starts: tuple[str, ...] = ("hot",)

    def __post_init__(self) -> None:
        """Check every number."""
        for name in ("record_count", "sweeps_per_record", "replica_count"):
            whole_number(name, getattr(self, name), minimum=1)
        whole_number("discarded_sweeps", self.discarded_sweeps, minimum=0)
        if not isinstance(self.starts, tuple) or not self.starts:
            raise InvalidValueError(
                f"starts must be a tuple such as ('hot', 'cold'), received {self.starts!r}."
            )
        if len(set(self.starts)) < len(self.starts):
            raise InvalidValueError(
                f"starts must differ, received {self.starts!r}; use replica_count for more "
                "chains of one start."
            )

    def steps(self) -> npt.NDArray[np.int64]:
        """Sweeps made before each record."""
        first, stride = int(self.discarded_sweeps), int(self.sweeps_per_record)
        return first + stride * np.arange(self.record_count, dtype=np.int64)

    def require_starts(self, known: Sequence[str]) -> None:
        """Refuse a start that the system does not have.

        Raises
        ------
        InvalidValueError
            With the known ones.
        """
        for start in self.starts:
            if start not in known:
                raise InvalidValueError(
                    f"there is no start {start!r}." + did_you_mean(start, known)
                )
