"""Commands that simulate: collect and demo."""

import argparse
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from phasegrok.cli.codes import DONE, FAILURES
from phasegrok.cli.commands import Commands, new_command, require_torch
from phasegrok.errors import InvalidStudyError
from phasegrok.schema import Outcome
from phasegrok.study import read_study

__all__ = ["TerminatedError", "add_collecting"]


class TerminatedError(Exception):
    """A scheduler asked this process to end."""


def add_collecting(commands: Commands) -> None:
    """Declare the commands.

    Parameters
    ----------
    commands : Commands
        Where they belong.
    """
    _add_collect(commands)
    _add_demo(commands)


def _add_collect(commands: Commands) -> None:
    text = "simulate the runs that a study asks for and its folder does not hold yet"
    command = new_command(commands, "collect", _collect, text)
    command.add_argument("study", type=Path, metavar="STUDY.toml", help="the description")
    command.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    command.add_argument(
        "--dry-run", action="store_true", help="tell what it will take, and do nothing"
    )
    _add_effort(command)


def _add_effort(command: argparse.ArgumentParser) -> None:
    """Add the options of everything that collects."""
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


def _effort(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "workers": options.workers,
        "device": options.device,
        "progress": not options.quiet,
        "target_seconds": options.batch_seconds,
        "checkpoint_seconds": options.checkpoint_seconds,
        "run_seconds": options.run_seconds,
    }


def _add_demo(commands: Commands) -> None:
    text = "carry a small study from its description to a phase diagram and a report"
    command = new_command(commands, "demo", _demo, text)
    command.add_argument("--out", type=Path, default=Path("phasegrok-demo"), metavar="FOLDER")
    command.add_argument("--quick", action="store_true", help="under a minute, larger errors")
    command.add_argument("--workers", type=int, default=2, metavar="N", help="default: 2")


def _collect(options: argparse.Namespace) -> int:
    require_torch()
    from phasegrok.collect import collect, dry_run

    # Where the user's own parts are looked for, here and in the workers.
    sys.path.insert(0, str(options.study.resolve().parent))
    study = read_study(options.study)
    if options.dry_run:
        with _told_by_file(options.study):
            plan = dry_run(
                study,
                workers=options.workers,
                device=options.device,
                target_seconds=options.batch_seconds,
                folder=options.out,
            )
        print(plan)
        return DONE
    with _told_by_file(options.study), _terminable():
        report = collect(study, options.out, **_effort(options))
    print(report)
    failed = report.outcomes.get(Outcome.FAILED) or report.failed_before
    return FAILURES if failed else DONE


@contextmanager
def _told_by_file(path: Path) -> Iterator[None]:
    """Begin what is refused of a study by the file that describes it."""
    try:
        yield
    except InvalidStudyError as error:
        raise InvalidStudyError(f"{path}: {error}") from error


@contextmanager
def _terminable() -> Iterator[None]:
    """End on SIGTERM, which schedulers send first, as on Ctrl-C."""
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


def _demo(options: argparse.Namespace) -> int:
    require_torch()
    from phasegrok.demo import run_demo

    with _terminable():
        print(run_demo(options.out, quick=options.quick, workers=options.workers))
    return DONE
