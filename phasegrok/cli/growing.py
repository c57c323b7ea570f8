"""Commands that add values where a transition lies, and that join studies: refine and merge."""

import argparse
from pathlib import Path

from phasegrok.cli.codes import DONE
from phasegrok.cli.commands import Commands, new_command, require_torch
from phasegrok.cli.effort import (
    add_effort,
    add_study,
    described_study,
    effort,
    grown_code,
    terminable,
    told_by_file,
)
from phasegrok.runs import merge_studies

__all__ = ["add_growing"]


def add_growing(commands: Commands) -> None:
    """Declare the commands.

    Parameters
    ----------
    commands : Commands
        Where they belong.
    """
    _add_refine(commands)
    _add_merge(commands)


def _add_refine(commands: Commands) -> None:
    text = "add values of a control where the posterior of a transition lies"
    command = new_command(commands, "refine", _refine, text)
    add_study(command)
    command.add_argument("--control", required=True, metavar="NAME", help="along what")
    command.add_argument("--of", required=True, metavar="OBSERVABLE", help="of what")
    command.add_argument(
        "--resolution",
        type=float,
        required=True,
        metavar="R",
        help="width of the central 68 %% at which to stop",
    )
    command.add_argument(
        "--points", type=int, default=4, metavar="N", help="values a round (default: 4)"
    )
    command.add_argument("--rounds", type=int, default=8, metavar="N", help="default: 8")
    command.add_argument("--low", type=float, metavar="X", help="lowest value allowed")
    command.add_argument("--high", type=float, metavar="X", help="highest value allowed")
    command.add_argument(
        "--widen", action="store_true", help="go beyond the range where its edge says so"
    )
    command.add_argument(
        "--most-runs", type=int, default=256, metavar="N", help="of a value (default: 256)"
    )
    command.add_argument(
        "--start-record", type=int, default=0, metavar="N", help="first record to average"
    )
    add_effort(command)


def _add_merge(commands: Commands) -> None:
    text = "copy the runs of several folders of one study into one"
    command = new_command(commands, "merge", _merge, text)
    command.add_argument("sources", type=Path, nargs="+", metavar="SOURCE")
    command.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    command.add_argument(
        "--keep-first",
        action="store_true",
        help="of runs that differ in their bits take that of the source named first",
    )


def _refine(options: argparse.Namespace) -> int:
    require_torch()
    from phasegrok.growth import RefineStatus, refine

    study = described_study(options.study)
    with told_by_file(options.study), terminable():
        report = refine(
            study,
            options.out,
            control=options.control,
            observable=options.of,
            resolution=options.resolution,
            points=options.points,
            rounds=options.rounds,
            low=options.low,
            high=options.high,
            widen=options.widen,
            most_runs=options.most_runs,
            start_record=options.start_record,
            **effort(options),
        )
    print(report)
    return grown_code(options.out, is_complete=report.status is RefineStatus.RESOLVED)


def _merge(options: argparse.Namespace) -> int:
    report = merge_studies(
        options.sources, options.out, keep="first" if options.keep_first else None
    )
    print(report)
    return DONE
