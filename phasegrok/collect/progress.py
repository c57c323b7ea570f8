"""How far a collection is: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from typing import Protocol, final

from tqdm import tqdm

__all__ = ["Bar", "Lines", "Quiet", "Reporter", "make_reporter", "readable_time"]

LINE_SECONDS = 30.0


class Reporter(Protocol):
    """What is told how far a collection is."""

    def update(self, gradients: float, runs: int) -> None:
        """Take the gradients done, those of unfinished batches too, and the runs stored."""

    def note(self, sentence: str) -> None:
        """Say something without breaking the bar."""

    def close(self) -> None:
        """Leave the terminal in order."""


@final
class Quiet:
    """Says nothing."""

    def update(self, gradients: float, runs: int) -> None:
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
    gradients, runs : int
        Totals of what is left to do.
    """

    def __init__(self, gradients: int, runs: int) -> None:
        self._runs = runs
        self._bar: tqdm[None] = tqdm(
            total=gradients, unit=" gradients", unit_scale=True, dynamic_ncols=True
        )
        self.update(0, 0)

    def update(self, gradients: float, runs: int) -> None:
        """Move the bar."""
        self._bar.set_postfix_str(f"{runs}/{self._runs} runs", refresh=False)
        # The difference may be negative: a batch whose worker died starts anew.
        self._bar.update(gradients - self._bar.n)

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
    gradients, runs : int
        Totals of what is left to do.
    """

    def __init__(self, gradients: int, runs: int) -> None:
        self._gradients, self._runs = gradients, runs
        self._begin = self._last = time.monotonic()

    def update(self, gradients: float, runs: int) -> None:
        """Write a line if the last one is old."""
        now = time.monotonic()
        if now - self._last < LINE_SECONDS and runs < self._runs:
            return
        self._last = now
        rate = gradients / max(now - self._begin, 1e-9)
        left = max(self._gradients - gradients, 0.0)
        ahead = f", {readable_time(left / rate)} left" if left > 0.0 and rate > 0.0 else ""
        self.note(f"{runs} of {self._runs} runs, {rate:.3g} gradients/s{ahead}")

    def note(self, sentence: str) -> None:
        """Write a line."""
        sys.stderr.write(f"phasegrok: {sentence}\n")
        sys.stderr.flush()

    def close(self) -> None:
        """Nothing is open."""


def make_reporter(gradients: int, runs: int, *, progress: bool) -> Reporter:
    """Choose how to report.

    Parameters
    ----------
    gradients, runs : int
        Totals of what is left to do.
    progress : bool
        Whether to say anything.

    Returns
    -------
    Reporter
        A bar if the standard error is a terminal, lines if it is a file.
    """
    if not progress:
        return Quiet()
    return Bar(gradients, runs) if sys.stderr.isatty() else Lines(gradients, runs)


def readable_time(seconds: float) -> str:
    """Write a duration for people.

    Parameters
    ----------
    seconds : float
        Duration.

    Returns
    -------
    str
        Such as "40 s", "12 min" or "3.5 h".
    """
    if seconds < 90.0:
        return f"{seconds:.0f} s"
    return f"{seconds / 60.0:.0f} min" if seconds < 5400.0 else f"{seconds / 3600.0:.1f} h"
