"""Commands that look at a study: status and check."""

import argparse
import json
import sys
import time
from typing import Final

from phasegrok.cli.codes import DONE, FAILURES, INCOMPLETE, by_outcomes
from phasegrok.cli.commands import Commands, command_on_folder
from phasegrok.runs import StudyStatus, check_study, study_status

__all__ = ["add_looking"]

_TO_THE_TOP: Final = "\x1b[H\x1b[J"
"""What moves a terminal's cursor to its first line and clears all below."""


def add_looking(commands: Commands) -> None:
    """Declare the commands.

    Parameters
    ----------
    commands : Commands
        Where they belong.
    """
    text = "count the runs of a study by outcome, and tell how long the others will take"
    status = command_on_folder(commands, "status", _status, text)
    status.add_argument("--json", action="store_true", help="write JSON, for programs")
    status.add_argument(
        "--live", action="store_true", help="look again and again while a collector works"
    )
    status.add_argument(
        "--every",
        type=_seconds,
        default=2.0,
        metavar="S",
        help="seconds between looks of --live (default: 2)",
    )
    text = "look for damaged, foreign and missing files, and for breaches of the schema"
    check = command_on_folder(
        commands,
        "check",
        _check,
        text,
        aliases=("validate",),
        about="a study, or one of its files",
    )
    check.add_argument("--json", action="store_true", help="write JSON, for programs")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"a positive number of seconds, received {text}")
    return seconds


def _status(options: argparse.Namespace) -> int:
    status = study_status(options.folder)
    while options.live and status.live is not None:
        _show(status, options, clear=sys.stdout.isatty())
        time.sleep(options.every)
        status = study_status(options.folder)
    _show(status, options, clear=options.live and sys.stdout.isatty())
    return _code(status)


def _show(status: StudyStatus, options: argparse.Namespace, *, clear: bool) -> None:
    if options.json:
        plain = {**status.as_plain(), "exit_code": _code(status)}
        # One line a look where there are several, so that programs can follow them.
        text = json.dumps(plain, indent=None if options.live else 1, ensure_ascii=False)
    else:
        text = (_TO_THE_TOP if clear else "") + str(status)
    print(text, flush=True)


def _code(status: StudyStatus) -> int:
    if status.problems:
        return FAILURES
    if status.left:
        return INCOMPLETE
    return by_outcomes(status.outcomes)


def _check(options: argparse.Namespace) -> int:
    report = check_study(options.folder)
    if options.json:
        print(json.dumps(report.as_plain(), indent=1, ensure_ascii=False))
    else:
        print(report)
    return DONE if report.ok else FAILURES
