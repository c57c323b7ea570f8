"""How far a running collection is, for those who look from another process."""

import json
import socket
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, final

from phasegrok.runs.disk import write_without_waiting
from phasegrok.runs.processes import is_alive

__all__ = ["LIVE", "Live", "forget_live", "read_live", "write_live"]

LIVE: Final = ".live.json"

STALE_SECONDS: Final = 120.0
"""Of a collector on another machine nothing but its last word can be seen."""


@final
@dataclass(frozen=True, kw_only=True)
class Live:
    """What a collector says of itself.

    Parameters
    ----------
    process : int
        Number of its process.
    birth : int or None
        When that process began, in ticks since its machine did; numbers of processes are used
        again, and clocks jump.
    host : str
        Where it runs.
    updated : float
        When it said so, in seconds since 1970 by its clock.
    runs, runs_done : int
        Of this call.
    running : int
        Runs of the batches that are carried out now.
    gradients, gradients_done : float
        Of this call, those of unfinished batches too.
    gradients_before : float
        Those of them that a checkpoint held when it began.
    seconds : float
        Since its first batch began.
    """

    process: int
    birth: int | None
    host: str
    updated: float
    runs: int
    runs_done: int
    running: int
    gradients: float
    gradients_done: float
    gradients_before: float
    seconds: float

    @property
    def rate(self) -> float:
        """Gradients per second."""
        return (self.gradients_done - self.gradients_before) / max(self.seconds, 1e-9)

    @property
    def seconds_left(self) -> float | None:
        """At this rate; None before there is one."""
        left = max(self.gradients - self.gradients_done, 0.0)
        return left / self.rate if self.rate > 0.0 else None


def write_live(folder: Path, live: Live) -> None:
    """Write it over what was said before; a disk without room keeps nobody from collecting."""
    with suppress(OSError):
        write_without_waiting(folder / LIVE, json.dumps(asdict(live)).encode())


def forget_live(folder: Path) -> None:
    """Remove it when the collector is done."""
    with suppress(OSError):
        (folder / LIVE).unlink(missing_ok=True)


def read_live(folder: Path, *, now: float) -> Live | None:
    """Read what the collector of a folder said last.

    Parameters
    ----------
    folder : Path
        Folder of the study.
    now : float
        Present time in seconds since 1970.

    Returns
    -------
    Live or None
        None where no collector runs: what a killed one left is no sign of life. On this
        machine the process is looked for; of another one, its last word is believed for two
        minutes.
    """
    try:
        live = Live(**json.loads((folder / LIVE).read_text(encoding="utf-8")))
        if live.host == socket.gethostname():
            return live if is_alive(live.process, live.birth) else None
        return live if abs(now - live.updated) <= STALE_SECONDS else None
    except (OSError, ValueError, TypeError):
        return None
