"""Commands that simulate: collect and demo."""

import argparse
from pathlib import Path
from typing import Any, Final

from phasegrok.cli.codes import DONE, FAILURES, by_outcomes
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
from phasegrok.errors import InvalidValueError
from phasegrok.study import Study

__all__ = ["add_collecting"]

_GOALS: Final = (
    "of",
    "relative",
    "grow",
    "fewest",
    "most_replicas",
    "most_disorders",
    "most_gradients",
    "start_record",
)
"""Options that mean something only beside --until-error."""


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
    add_study(command)
    command.add_argument(
        "--dry-run", action="store_true", help="tell what it will take, and do nothing"
    )
    command.add_argument(
        "--replace-plan",
        action="store_true",
        help="ask for this plan alone from now on; stored runs stay",
    )
    add_effort(command)
    _add_goal(command)


def _add_goal(command: argparse.ArgumentParser) -> None:
    goal = command.add_argument_group("growing until an error is reached")
    goal.add_argument(
        "--until-error",
        type=float,
        metavar="E",
        help="add runs until the mean of an observable is known to E at every point",
    )
    goal.add_argument("--of", metavar="OBSERVABLE", help="which observable")
    goal.add_argument(
        "--relative",
        action="store_true",
        default=None,
        help="E is in units of the mean's own size",
    )
    goal.add_argument(
        "--grow",
        choices=("either", "replicas", "disorders"),
        help="what to add (default: either)",
    )
    goal.add_argument(
        "--fewest", type=int, metavar="N", help="fewest disorders or replicas (default: 8)"
    )
    goal.add_argument("--most-replicas", type=int, metavar="N", help="default: 256")
    goal.add_argument("--most-disorders", type=int, metavar="N", help="default: 256")
    goal.add_argument("--most-gradients", type=float, metavar="N", help="default: no limit")
    goal.add_argument(
        "--start-record", type=int, metavar="N", help="first record to average (default: 0)"
    )


def _add_demo(commands: Commands) -> None:
    text = "carry a small study from its description to a phase diagram and a report"
    command = new_command(commands, "demo", _demo, text)
    command.add_argument("--out", type=Path, default=Path("phasegrok-demo"), metavar="FOLDER")
    command.add_argument("--quick", action="store_true", help="under a minute, larger errors")
    command.add_argument("--workers", type=int, default=2, metavar="N", help="default: 2")


def _collect(options: argparse.Namespace) -> int:
    goal = _goal(options)
    require_torch()
    study = described_study(options.study)
    with told_by_file(options.study):
        if options.dry_run:
            return _told(study, options)
        if goal is not None:
            return _collect_until(study, options, goal)
        return _collect_all(study, options)


def _goal(options: argparse.Namespace) -> dict[str, Any] | None:
    values = {name: getattr(options, name) for name in _GOALS}
    given = {name: value for name, value in values.items() if value is not None}
    words = ", ".join("--" + name.replace("_", "-") for name in given)
    if options.until_error is None:
        if given:
            raise InvalidValueError(
                f"{words}: beside --until-error only; give the error, or leave this out."
            )
        return None
    if "of" not in given:
        raise InvalidValueError(
            "--until-error needs the observable whose mean is to be known; name it by --of."
        )
    if options.dry_run or options.replace_plan:
        raise InvalidValueError(
            "--until-error adds to the plan as it goes on, so that neither --dry-run nor "
            "--replace-plan can stand beside it; give one of them."
        )
    return {"observable": given.pop("of"), "error": options.until_error, **given}


def _told(study: Study, options: argparse.Namespace) -> int:
    from phasegrok.collect import dry_run

    plan = dry_run(
        study,
        workers=options.workers,
        device=options.device,
        target_seconds=options.batch_seconds,
        folder=options.out,
    )
    print(plan)
    return DONE


def _collect_all(study: Study, options: argparse.Namespace) -> int:
    from phasegrok.collect import collect

    with terminable():
        report = collect(
            study, options.out, replace_plan=options.replace_plan, **effort(options)
        )
    print(report)
    return FAILURES if report.failed_before else by_outcomes(report.outcomes)


def _collect_until(study: Study, options: argparse.Namespace, goal: dict[str, Any]) -> int:
    from phasegrok.growth import collect_until

    with terminable():
        report = collect_until(study, options.out, **goal, **effort(options))
    print(report)
    return grown_code(options.out, is_complete=report.is_reached)


def _demo(options: argparse.Namespace) -> int:
    require_torch()
    from phasegrok.demo import run_demo

    with terminable():
        print(run_demo(options.out, quick=options.quick, workers=options.workers))
    return DONE
