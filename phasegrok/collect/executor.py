"""What carries out batches, as its collector sees it: what it is told, and what it answers."""

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypeAlias, final

from phasegrok.collect.execution import Result, Setup, run_batch
from phasegrok.collect.speed import Group, Speed, measured_speeds, single_thread
from phasegrok.study import RunRequest

__all__ = [
    "Advanced",
    "Died",
    "Ended",
    "Executor",
    "Hung",
    "InProcess",
    "Measured",
    "Message",
    "Noted",
]


class Advanced(NamedTuple):
    """A batch came further."""

    number: int
    fraction: float


class Noted(NamedTuple):
    """Something went wrong that does not end the batch."""

    number: int
    text: str


class Measured(NamedTuple):
    """Speeds of the groups of a probe."""

    speeds: list[Speed]


class Ended(NamedTuple):
    """A batch ended; by an exception too."""

    number: int
    result: Result


class Died(NamedTuple):
    """The process of a batch ended without a word."""

    number: int
    reason: str
    began: bool = True  # False where it ended before it could look at the batch.


class Hung(NamedTuple):
    """The process of a batch gave no sign for longer than any step may last, and was killed."""

    number: int
    reason: str


Message: TypeAlias = Advanced | Noted | Measured | Ended | Died | Hung


class Executor(Protocol):
    """What carries out batches for a collector."""

    def measure(self, samples: list[Group]) -> list[Speed]:
        """Give the speed of each group."""

    def has_room(self) -> bool:
        """Tell whether a batch can be started."""

    def start(
        self, number: int, requests: Sequence[RunRequest], *, patience: float = math.inf
    ) -> None:
        """Start a batch; its number comes back with each message.

        Without a sign for so many seconds of patience it has hung.
        """

    def receive(self) -> Message:
        """Wait for the next message."""

    def close(self) -> None:
        """Stop everything that runs."""


@final
class InProcess:
    """Carries out batches in this process, for debugging.

    Parameters
    ----------
    setup : Setup
        Study, folder and device.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._ended: list[Ended] = []

    def measure(self, samples: list[Group]) -> list[Speed]:
        """Give the speed of each group."""
        return measured_speeds(self._setup.study, samples, device=self._setup.device)

    def has_room(self) -> bool:
        """Tell whether the last batch was asked for."""
        return not self._ended

    def start(
        self, number: int, requests: Sequence[RunRequest], *, patience: float = math.inf
    ) -> None:
        """Carry out a batch, however long it takes: nobody else could end it."""
        del patience
        with single_thread():
            result = run_batch(self._setup, requests)
        self._ended.append(Ended(number, result))

    def receive(self) -> Message:
        """Give the end of the batch."""
        return self._ended.pop()

    def close(self) -> None:
        """Nothing runs between batches."""
