"""What is recorded of a run, and when."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
import numpy.typing as npt

from phasegrok.errors import InvalidStudyError
from phasegrok.study.checks import require_kinds, require_whole
from phasegrok.study.part import Part

__all__ = ["RECORDS_LIMIT", "STEPS_LIMIT", "Recording"]

RECORDS_LIMIT = 10**7
"""Most records of a run; ten numbers at each of them fill a gigabyte."""

STEPS_LIMIT = 10**15
"""Most updates of a run: float64, in which events are dated, counts exactly to 9 · 10¹⁵."""


@final
@dataclass(frozen=True, kw_only=True)
class Recording:
    """The steps at which a run is looked at, and what is measured there.

    Parameters
    ----------
    steps : int
        Number of updates of a run; left out where the way of a sweep sets it.
    start : int
        Step of the first record; 0 is the initial state.
    every : int
        Steps between records, for linear spacing.
    spacing : {"linear", "logarithmic", "sweep"}
        Logarithmic spacing suits grokking, where delays span decades. A sweep is recorded
        evenly along its way, whatever its rate.
    count : int or None
        Number of records, for logarithmic spacing and sweeps.
    observables : sequence of Part
        What is measured besides the loss and the norms, which always are.
    states : {"none", "last", "all"}
        Which weights are kept.
    """

    steps: int = 0
    start: int = 0
    every: int = 1
    spacing: Literal["linear", "logarithmic", "sweep"] = "linear"
    count: int | None = None
    observables: Sequence[Part] = ()
    states: Literal["none", "last", "all"] = "none"

    def __post_init__(self) -> None:
        """Refuse what would record nothing.

        Raises
        ------
        InvalidStudyError
            For counts that are not positive, a word that is not known, or more steps or records
            than a run can have.
        """
        observables = require_kinds("observables of the recording", self.observables, Part)
        object.__setattr__(self, "observables", observables)
        bounds: dict[str, tuple[int | None, int | None]] = {
            "steps": (0 if self.spacing == "sweep" else 1, STEPS_LIMIT),
            "every": (1, None),
            "start": (0, None),
        }
        if self.count is not None:
            bounds["count"] = (None, None)
        for name, (minimum, maximum) in bounds.items():
            value = getattr(self, name)
            whole = require_whole(
                f"in the recording, {name}", value, minimum=minimum, maximum=maximum
            )
            object.__setattr__(self, name, whole)
        if self.start > self.steps:
            raise InvalidStudyError(
                "in the recording, start must lie between 0 and steps, received start = "
                f"{self.start} and steps = {self.steps}; lower start or raise steps."
            )
        _require(
            self.spacing in ("linear", "logarithmic", "sweep"),
            "spacing must be 'linear', 'logarithmic' or 'sweep'",
            self.spacing,
        )
        _require(
            self.states in ("none", "last", "all"),
            "states must be 'none', 'last' or 'all'",
            self.states,
        )
        if self.spacing != "linear" and (self.count or 0) < 2:
            told = "a sweep" if self.spacing == "sweep" else "logarithmic spacing"
            raise InvalidStudyError(
                f"in the recording, {told} needs count >= 2, received {self.count!r}; give the "
                "number of records as count."
            )
        self._refuse_too_many_records()

    def record_steps(self) -> npt.NDArray[np.int64]:
        """Step of each record.

        Returns
        -------
        (record,) array of int64
            Increasing; with logarithmic spacing equal steps are kept once.
        """
        if self.spacing == "linear":
            return np.arange(self.start, self.steps + 1, self.every, dtype=np.int64)
        if self.spacing == "sweep":
            places = np.linspace(self.start, self.steps, self.count or 2)
            return places.round().astype(np.int64)
        first = max(self.start, 1)
        spaced = np.geomspace(first, self.steps, self.count or 2).round().astype(np.int64)
        return np.unique(np.concatenate([[self.start], spaced]))

    def _refuse_too_many_records(self) -> None:
        """Count the records without making them."""
        if self.spacing == "linear":
            count, cure = (self.steps - self.start) // self.every + 1, "raise 'every'"
        else:
            count, cure = self.count or 0, "lower 'count'"
        if count > RECORDS_LIMIT:
            raise InvalidStudyError(
                f"the recording asks for {count} records of every run; at most {RECORDS_LIMIT} "
                f"can be kept; {cure}."
            )


def _require(condition: bool, rule: str, received: object) -> None:
    if not condition:
        raise InvalidStudyError(
            f"in the recording, {rule}, received {received!r}; write one of these."
        )
