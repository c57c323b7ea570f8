"""When the runs of a batch are recorded, and at which step each of them ends."""

from collections.abc import Sequence
from typing import final

import numpy as np
import numpy.typing as npt

from phasegrok.study import Recording

__all__ = ["Schedule"]


@final
class Schedule:
    """The records of all runs of a batch: equally many, but not always at equal steps.

    Parameters
    ----------
    recordings : sequence of Recording
        Of each run.
    """

    def __init__(self, recordings: Sequence[Recording]) -> None:
        kinds = list(dict.fromkeys(recordings))
        places = {recording: place for place, recording in enumerate(kinds)}
        self._kind = [places[recording] for recording in recordings]
        self._steps = [recording.record_steps() for recording in kinds]
        self._record = [
            {int(step): record for record, step in enumerate(steps)} for steps in self._steps
        ]
        self._last = [recording.steps for recording in kinds]
        self.record_count = len(self._steps[0])
        """Of every run."""
        self.total = max(self._last)
        """Last step of the longest run."""

    @property
    def steps(self) -> npt.NDArray[np.int64]:
        """Step of each record, (run, record)."""
        return np.stack(self._steps)[self._kind]

    def records_at(self, step: int, runs: Sequence[int]) -> list[int] | None:
        """Tell which record each row makes at a step.

        Parameters
        ----------
        step : int
            Present step.
        runs : sequence of int
            Run of each row, negative for a row that is no run.

        Returns
        -------
        list of int or None
            Record of each row, -1 where it makes none; None if no row makes any.
        """
        due = [record.get(step, -1) for record in self._record]
        if max(due) < 0:
            return None
        records = [due[self._kind[run]] if run >= 0 else -1 for run in runs]
        return records if max(records) >= 0 else None

    def ended_at(self, step: int, runs: Sequence[int]) -> list[int]:
        """Tell which of the runs have made their last step."""
        if step not in self._last:
            return []
        return [run for run in runs if run >= 0 and self._last[self._kind[run]] == step]
