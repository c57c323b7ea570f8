"""Crossings of thresholds, dated between the last look before and the first after."""

from collections.abc import Sequence
from typing import final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from phasegrok.dynamics.snapshot import Snapshot
from phasegrok.observables import Measurement, build_observables
from phasegrok.study import Event

__all__ = ["EventWatch"]


@final
class EventWatch:
    """The events of all runs of a batch.

    Parameters
    ----------
    events : sequence of Event
        What is watched.
    run_count : int
        Number of runs.
    """

    def __init__(self, events: Sequence[Event], run_count: int) -> None:
        self._events = tuple(events)
        # One by one: two events may watch one observable.
        self._observables = [build_observables([event.observable])[0] for event in events]
        self.lower = {event.name: np.zeros(run_count) for event in events}
        self.upper = {event.name: np.full(run_count, np.inf) for event in events}

    def is_due(self, step: int) -> bool:
        """Whether any event is looked at in this step."""
        return any(step % event.every == 0 for event in self._events)

    def look(self, step: int, measurement: Measurement, runs: Sequence[int]) -> dict[int, str]:
        """Date what has happened.

        Parameters
        ----------
        step : int
            Present step.
        measurement : Measurement
            Live state.
        runs : sequence of int
            Run of each row, negative for a row that is no run.

        Returns
        -------
        dict
            Runs that end here, with the name of the event.
        """
        ending: dict[int, str] = {}
        for event, observable in zip(self._events, self._observables, strict=True):
            if step % event.every == 0:
                happened = _crossed(event, observable.measure(measurement))
                for row, run in enumerate(runs):
                    if run >= 0 and self._date(event, run, step, bool(happened[row])):
                        ending[run] = event.name
        return ending

    def snapshot(self) -> Snapshot:
        """Give the bounds of all events."""
        return {
            name: (torch.from_numpy(self.lower[name].copy()), torch.from_numpy(upper.copy()))
            for name, upper in self.upper.items()
        }

    def restore(self, snapshot: Snapshot) -> None:
        """Set the bounds of a snapshot."""
        for name, (lower, upper) in snapshot.items():
            self.lower[name], self.upper[name] = lower.numpy(), upper.numpy()

    def _date(self, event: Event, run: int, step: int, happened: bool) -> bool:
        """Move the bounds of one run; True where the run ends."""
        if not np.isinf(self.upper[event.name][run]):
            return False
        if not happened:
            self.lower[event.name][run] = step
            return False
        self.upper[event.name][run] = step
        return event.stop


def _crossed(event: Event, values: Tensor) -> npt.NDArray[np.bool_]:
    numbers = values.double().cpu().numpy()
    above: npt.NDArray[np.bool_] = numbers > event.threshold
    return above if event.direction == "above" else numbers < event.threshold
