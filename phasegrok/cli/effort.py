"""What all commands share that simulate: their options, and how they end from outside."""

import argparse
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from phasegrok.cli.codes import INCOMPLETE, by_outcomes
from phasegrok.errors import InvalidStudyError
from phasegrok.runs import study_status
from phasegrok.study import Study, read_study

__all__ = [
    "TerminatedError",
    "add_effort",
    "add_study",
    "described_study",
    "effort",
    "grown_code",
    "terminable",
    "told_by_file",
]


class TerminatedError(Exception):
    """A scheduler asked this process to end."""


def add_study(command: argparse.ArgumentParser) -> None:
    """Add the description and the folder to a command."""
    command.add_argument("study", type=Path, metavar="STUDY.toml", help="the description")
    command.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="folder of the study"
    )


def add_effort(command: argparse.ArgumentParser) -> None:
    """Add to a command what `phasegrok.collect.collect` may be told."""
    command.add_argument("--workers", type=int, default=2, metavar="N", help="default: 2")
    command.add_argument("--device", default="cpu", metavar="D", help="default: cpu")
    command.add_argument(
        "--batch-seconds",
        type=float,
        default=20.0,
        metavar="S",
        help="how long a batch should last (default: 20)",
    )
    command.add_argument(
        "--checkpoint-seconds",
        type=float,
        default=60.0,
        metavar="S",
        help="interval of checkpoints of longer batches: what a kill can lose (default: 60)",
    )
    command.add_argument(
        "--run-seconds",
        type=float,
        default=float("inf"),
        metavar="S",
        help="time limit of a run, its share of its batch (default: none)",
    )
    command.add_argument("--quiet", action="store_true", help="show no progress")


def effort(options: argparse.Namespace) -> dict[str, Any]:
    """Give those options as `phasegrok.collect.collect` takes them."""
    return {
        "workers": options.workers,
        "device": options.device,
        "progress": not options.quiet,
        "target_seconds": options.batch_seconds,
        "checkpoint_seconds": options.checkpoint_seconds,
        "run_seconds": options.run_seconds,
    }


def described_study(path: Path) -> Study:
    """Read a description, and let the user's own parts beside it be found."""
    # Here and in the workers.
    sys.path.insert(0, str(path.resolve().parent))
    return read_study(path)


def grown_code(folder: Path, *, is_complete: bool) -> int:
    """Exit code of what let a study grow: was it reached, and did any run fail."""
    if not is_complete:
        return INCOMPLETE
    return by_outcomes(study_status(folder).outcomes)


@contextmanager
def told_by_file(path: Path) -> Iterator[None]:
    """Begin what is refused of a study by the file that describes it."""
    try:
        yield
    except InvalidStudyError as error:
        raise InvalidStudyError(f"{path}: {error}") from error


@contextmanager
def terminable() -> Iterator[None]:
    """End on SIGTERM, which schedulers send first, as on Ctrl-C.

    Raises
    ------
    TerminatedError
        With what a KeyboardInterrupt would have said.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # Signals are for the main thread alone.
        return
    is_terminated = False

    def interrupt(*_: object) -> None:
        nonlocal is_terminated
        is_terminated = True
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    except KeyboardInterrupt as error:
        if is_terminated:
            raise TerminatedError(str(error)) from error
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
