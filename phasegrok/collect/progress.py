"""How far a collection is: a bar on a terminal, plain lines elsewhere, a file for status."""

import os
import socket
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Protocol, final

from tqdm import tqdm

from phasegrok.runs.durations import readable_time
from phasegrok.runs.live import Live, forget_live, write_live
from phasegrok.runs.processes import process_birth

__all__ = [
    "Bar",
    "Lines",
    "Quiet",
    "Reporter",
    "Standing",
    "TellingStatus",
    "Totals",
    "make_reporter",
]

LINE_SECONDS = 30.0
LIVE_SECONDS = 1.0


class Totals(NamedTuple):
    """What there is to do."""

    gradients: float
    runs: int
    before: float = 0.0  # Gradients that checkpoints hold already.


class Standing(NamedTuple):
    """What is done."""

    gradients: float  # Those of unfinished batches, and of checkpoints, too.
    runs: int  # Stored.
    running: int = 0  # In the batches under way.


class Reporter(Protocol):
    """What is told how far a collection is."""

    def update(self, standing: Standing) -> None:
        """Take what is done."""

    def note(self, sentence: str) -> None:
        """Say something without breaking the bar."""

    def close(self) -> None:
        """Leave the terminal in order."""


@final
class Quiet:
    """Says nothing."""

    def update(self, standing: Standing) -> None:
        """Say nothing."""

    def note(self, sentence: str) -> None:
        """Say nothing."""

    def close(self) -> None:
        """Do nothing."""


@final
class Bar:
    """A progress bar with rate and time left.

    Parameters
    ----------
    totals : Totals
        Of what is left to do.
    """

    def __init__(self, totals: Totals) -> None:
        self._runs = totals.runs
        self._bar: tqdm[None] = tqdm(
            total=totals.gradients,
            initial=totals.before,
            unit=" gradients",
            unit_scale=True,
            dynamic_ncols=True,
        )
        self.update(Standing(totals.before, 0))

    def update(self, standing: Standing) -> None:
        """Move the bar."""
        self._bar.set_postfix_str(f"{standing.runs}/{self._runs} runs", refresh=False)
        # The difference may be negative: a batch whose worker died starts anew.
        self._bar.update(standing.gradients - self._bar.n)

    def note(self, sentence: str) -> None:
        """Write a line above the bar."""
        self._bar.write(sentence, file=sys.stderr)

    def close(self) -> None:
        """Leave the bar as it stands."""
        self._bar.close()


@final
class Lines:
    """A line now and then, for logs.

    Parameters
    ----------
    totals : Totals
        Of what is left to do.
    """

    def __init__(self, totals: Totals) -> None:
        self._totals = totals
        self._begin = self._last = time.monotonic()

    def update(self, standing: Standing) -> None:
        """Write a line if the last one is old."""
        now = time.monotonic()
        if now - self._last < LINE_SECONDS and standing.runs < self._totals.runs:
            return
        self._last = now
        rate = (standing.gradients - self._totals.before) / max(now - self._begin, 1e-9)
        left = max(self._totals.gradients - standing.gradients, 0.0)
        ahead = f", {readable_time(left / rate)} left" if left > 0.0 and rate > 0.0 else ""
        runs = f"{standing.runs} of {self._totals.runs} runs"
        self.note(f"{runs}, {rate:.3g} gradients/s{ahead}")

    def note(self, sentence: str) -> None:
        """Write a line."""
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        sys.stderr.write(f"{moment} phasegrok: {sentence}\n")
        sys.stderr.flush()

    def close(self) -> None:
        """Nothing is open."""


@final
class TellingStatus:
    """Tells another reporter, and leaves in the folder what ``phasegrok status`` shows.

    Parameters
    ----------
    reporter : Reporter
        The other.
    folder : Path
        Folder of the study, which this process holds.
    totals : Totals
        Of what is left to do.
    """

    def __init__(self, reporter: Reporter, folder: Path, totals: Totals) -> None:
        self._reporter, self._folder, self._totals = reporter, folder, totals
        self._begin, self._last = time.monotonic(), -LIVE_SECONDS
        self._birth = process_birth(os.getpid())

    def update(self, standing: Standing) -> None:
        """Pass it on, and write it if what is written is old."""
        self._reporter.update(standing)
        now = time.monotonic()
        if now - self._last < LIVE_SECONDS:
            return
        self._last = now
        live = Live(
            process=os.getpid(),
            birth=self._birth,
            host=socket.gethostname(),
            updated=time.time(),
            runs=self._totals.runs,
            runs_done=standing.runs,
            running=standing.running,
            gradients=self._totals.gradients,
            gradients_done=standing.gradients,
            gradients_before=self._totals.before,
            seconds=now - self._begin,
        )
        write_live(self._folder, live)

    def note(self, sentence: str) -> None:
        """Pass it on."""
        self._reporter.note(sentence)

    def close(self) -> None:
        """Pass it on, and leave nothing."""
        self._reporter.close()
        forget_live(self._folder)


def make_reporter(totals: Totals, *, progress: bool) -> Reporter:
    """Choose how to report.

    Parameters
    ----------
    totals : Totals
        Of what is left to do.
    progress : bool
        Whether to say anything.

    Returns
    -------
    Reporter
        A bar if the standard error is a terminal, lines if it is a file.
    """
    if not progress:
        return Quiet()
    return Bar(totals) if sys.stderr.isatty() else Lines(totals)
