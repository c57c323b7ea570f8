"""What is recorded of a run, and when."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
import numpy.typing as npt

from phasegrok.errors import InvalidStudyError
from phasegrok.study.checks import require_kinds, require_whole
from phasegrok.study.part import Part

__all__ = ["Recording"]


@final
@dataclass(frozen=True, kw_only=True)
class Recording:
    """The steps at which a run is looked at, and what is measured there.

    Parameters
    ----------
    steps : int
        Number of updates of a run.
    start : int
        Step of the first record; 0 is the initial state.
    every : int
        Steps between records, for linear spacing.
    spacing : {"linear", "logarithmic"}
        Logarithmic spacing suits grokking, where delays span decades.
    count : int or None
        Number of records, for logarithmic spacing.
    observables : sequence of Part
        What is measured besides the loss and the norms, which always are.
    states : {"none", "last", "all"}
        Which weights are kept.
    """

    steps: int
    start: int = 0
    every: int = 1
    spacing: Literal["linear", "logarithmic"] = "linear"
    count: int | None = None
    observables: Sequence[Part] = ()
    states: Literal["none", "last", "all"] = "none"

    def __post_init__(self) -> None:
        """Refuse what would record nothing.

        Raises
        ------
        InvalidStudyError
            For counts that are not positive or a word that is not known.
        """
        observables = require_kinds("observables of the recording", self.observables, Part)
        object.__setattr__(self, "observables", observables)
        minima = {"steps": 1, "every": 1, "start": None, "count": None}
        for name, minimum in minima.items():
            value = getattr(self, name)
            if name == "count" and value is None:
                continue
            whole = require_whole(f"in the recording, {name}", value, minimum=minimum)
            object.__setattr__(self, name, whole)
        _require(
            0 <= self.start <= self.steps, "start must lie between 0 and steps", self.start
        )
        _require(
            self.spacing in ("linear", "logarithmic"),
            "spacing must be 'linear' or 'logarithmic'",
            self.spacing,
        )
        _require(
            self.states in ("none", "last", "all"),
            "states must be 'none', 'last' or 'all'",
            self.states,
        )
        if self.spacing == "logarithmic":
            _require((self.count or 0) >= 2, "logarithmic spacing needs count >= 2", self.count)

    def record_steps(self) -> npt.NDArray[np.int64]:
        """Step of each record.

        Returns
        -------
        (record,) array of int64
            Increasing; with logarithmic spacing equal steps are kept once.
        """
        if self.spacing == "linear":
            return np.arange(self.start, self.steps + 1, self.every, dtype=np.int64)
        first = max(self.start, 1)
        spaced = np.geomspace(first, self.steps, self.count or 2).round().astype(np.int64)
        return np.unique(np.concatenate([[self.start], spaced]))


def _require(condition: bool, rule: str, received: object) -> None:
    if not condition:
        raise InvalidStudyError(f"in the recording, {rule}; received {received!r}.")
