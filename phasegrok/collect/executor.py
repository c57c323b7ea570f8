"""What carries out batches, as its collector sees it: what it is told, and what it answers."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, TypeAlias, final

from phasegrok.collect.execution import Result, run_batch
from phasegrok.collect.speed import Group, Speed, measured_speeds, single_thread
from phasegrok.study import RunRequest, Study

__all__ = [
    "Advanced",
    "Died",
    "Ended",
    "Executor",
    "InProcess",
    "Measured",
    "Message",
    "Setup",
]


class Setup(NamedTuple):
    """What an executor is told once."""

    study: Study
    folder: Path
    device: str
    command: str = ""
    checkpoint_seconds: float = math.inf


class Advanced(NamedTuple):
    """A batch came further."""

    number: int
    fraction: float


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


Message: TypeAlias = Advanced | Measured | Ended | Died


class Executor(Protocol):
    """What carries out batches for a collector."""

    def measure(self, samples: list[Group]) -> list[Speed]:
        """Give the speed of each group."""

    def has_room(self) -> bool:
        """Tell whether a batch can be started."""

    def start(self, number: int, requests: Sequence[RunRequest]) -> None:
        """Start a batch; its number comes back with each message."""

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

    def start(self, number: int, requests: Sequence[RunRequest]) -> None:
        """Carry out a batch."""
        study, folder, device, command, seconds = self._setup
        with single_thread():
            result = run_batch(
                study,
                requests,
                folder,
                device=device,
                command=command,
                checkpoint_seconds=seconds,
            )
        self._ended.append(Ended(number, result))

    def receive(self) -> Message:
        """Give the end of the batch."""
        return self._ended.pop()

    def close(self) -> None:
        """Nothing runs between batches."""
