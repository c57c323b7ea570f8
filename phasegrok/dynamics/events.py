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
                dated = self._date(event, np.asarray(runs), step, happened)
                if event.stop:
                    ending.update(dict.fromkeys(dated, event.name))
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

    def _date(
        self,
        event: Event,
        runs: npt.NDArray[np.int64],
        step: int,
        happened: npt.NDArray[np.bool_],
    ) -> list[int]:
        """Move the bounds of the runs (row,), and list those to which it just happened."""
        upper = self.upper[event.name]
        # A row that is no run is looked up as the last run, and left out.
        waiting = (runs >= 0) & np.isinf(upper[runs])
        self.lower[event.name][runs[waiting & ~happened]] = step
        now = runs[waiting & happened]
        upper[now] = step
        return [int(run) for run in now]


def _crossed(event: Event, values: Tensor) -> npt.NDArray[np.bool_]:
    numbers = values.double().cpu().numpy()
    above: npt.NDArray[np.bool_] = numbers > event.threshold
    return above if event.direction == "above" else numbers < event.threshold
