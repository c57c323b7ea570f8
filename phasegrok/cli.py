"""The command line: parsing and messages; what uses torch is imported where it is needed."""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from phasegrok.errors import InvalidStudyError, MissingDependencyError, PhasegrokError
from phasegrok.runs import StudyFolder, open_runs, validate
from phasegrok.schema import Outcome
from phasegrok.study import read_study, requested_runs

__all__ = ["main"]

_MOST_REASONS = 5
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*(e[-+]?\d+)?|\binf\b|\bnan\b)", re.IGNORECASE)

DONE, FAILURES, REFUSED, INCOMPLETE, INTERRUPTED = 0, 1, 2, 3, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        As typed after ``phasegrok``; those of this process by default.

    Returns
    -------
    int
        Exit code, as docs/studies.md lists them.
    """
    options = _parser().parse_args(arguments)
    try:
        code: int = options.command(options)
    except PhasegrokError as error:
        print(f"phasegrok: {error}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt as error:
        print(f"phasegrok: interrupted. {error}".rstrip(), file=sys.stderr)
        return INTERRUPTED
    except OSError as error:
        print(f"phasegrok: the system refused: {error}", file=sys.stderr)
        return REFUSED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="phasegrok",
        description="Measure neural-network training the way physicists measure matter.",
    )
    parser.add_argument(
        "--version", action="version", version=f"phasegrok {version('phasegrok')}"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_collect(commands)
    _add_demo(commands)
    for name, function, text in (
        ("status", _status, "count the runs of a study by outcome"),
        ("check", _check, "look for damaged files and breaches of the schema"),
        ("analyze", _analyze, "write figures, numbers and a report of a study"),
        ("plot", _plot, "draw the figures of a study"),
    ):
        aliases = ["validate"] if name == "check" else []
        command = commands.add_parser(
            name, aliases=aliases, help=text, description=text.capitalize() + "."
        )
        command.add_argument("folder", type=Path, metavar="FOLDER", help="folder of the study")
        command.set_defaults(command=function)
    return parser


def _add_collect(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "simulate the runs that a study asks for and its folder does not hold yet"
    command = commands.add_parser("collect", help=text, description=text.capitalize() + ".")
    command.add_argument("study", type=Path, metavar="STUDY.toml", help="the description")
    command.add_argument("--out", type=Path, required=True, metavar="FOLDER")
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
    command.add_argument(
        "--dry-run", action="store_true", help="tell what it will take, and do nothing"
    )
    command.add_argument("--quiet", action="store_true", help="show no progress")
    command.set_defaults(command=_collect)


def _add_demo(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "carry a small study from its description to a phase diagram and a report"
    command = commands.add_parser("demo", help=text, description=text.capitalize() + ".")
    command.add_argument("--out", type=Path, default=Path("phasegrok-demo"), metavar="FOLDER")
    command.add_argument("--quick", action="store_true", help="under a minute, larger errors")
    command.add_argument("--workers", type=int, default=2, metavar="N", help="default: 2")
    command.set_defaults(command=_demo)


def _collect(options: argparse.Namespace) -> int:
    _require_torch()
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
    with _told_by_file(options.study):
        report = collect(
            study,
            options.out,
            workers=options.workers,
            device=options.device,
            progress=not options.quiet,
            target_seconds=options.batch_seconds,
            checkpoint_seconds=options.checkpoint_seconds,
            run_seconds=options.run_seconds,
        )
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


def _status(options: argparse.Namespace) -> int:
    folder = StudyFolder.open(options.folder)
    problems = folder.problems()
    outcomes = folder.run_outcomes()
    counts = Counter(outcomes.values())
    requested = {} if folder.study is None else _requested(folder)
    left = len(set(requested) - set(outcomes))
    print(f"{folder.title}: {len(outcomes)} runs stored, {left} left to do")
    for outcome in Outcome:
        if counts[outcome]:
            print(f"  {outcome:<10} {counts[outcome]}")
    if counts[Outcome.FAILED] or counts[Outcome.DIVERGED]:
        _print_reasons(options.folder, [problem.path.name for problem in problems])
    for problem in problems:
        print(f"  {problem.kind}: {problem.text}")
    if problems:
        return FAILURES
    if left:
        return INCOMPLETE
    return FAILURES if counts[Outcome.FAILED] else DONE


def _requested(folder: StudyFolder) -> list[str]:
    return [request.run_id for request in requested_runs(folder.description())]


def _print_reasons(path: Path, without: Sequence[str]) -> None:
    runs = open_runs(path, without=without)
    pairs = zip(runs["outcome"].values, runs["outcome_reason"].values, strict=True)
    # Step and value differ from run to run where the cause is one; the first stands for all.
    kinds: dict[tuple[str, str], list[str]] = {}
    for outcome, reason in pairs:
        if outcome in (Outcome.FAILED, Outcome.DIVERGED):
            kinds.setdefault((str(outcome), _NUMBER.sub("#", str(reason))), []).append(reason)
    ranked = sorted(kinds.items(), key=lambda each: -len(each[1]))
    for (outcome, _), reasons in ranked[:_MOST_REASONS]:
        such = " and the like" if len(set(reasons)) > 1 else ""
        print(f"  {outcome} ({len(reasons)}): {reasons[0]}{such}")
    rest = ranked[_MOST_REASONS:]
    if rest:
        count = sum(len(reasons) for _, reasons in rest)
        print(f"  others ({count}): {len(rest)} more reasons")


def _check(options: argparse.Namespace) -> int:
    folder = StudyFolder.open(options.folder)
    texts = [problem.text for problem in [*folder.problems(), *folder.corruption()]]
    if not texts and folder.shards():
        texts = validate(open_runs(options.folder))
    for text in texts:
        print(text)
    print(f"{len(folder.shards())} shards, {len(texts)} problems")
    return FAILURES if texts else DONE


def _analyze(options: argparse.Namespace) -> int:
    from phasegrok.report import report_study

    print(report_study(options.folder, workers=2))
    return DONE


def _plot(options: argparse.Namespace) -> int:
    from phasegrok.report import plot_study

    for path in plot_study(options.folder):
        print(path)
    return DONE


def _demo(options: argparse.Namespace) -> int:
    _require_torch()
    from phasegrok.demo import run_demo

    print(run_demo(options.out, quick=options.quick, workers=options.workers))
    return DONE


def _require_torch() -> None:
    if find_spec("torch") is None:
        raise MissingDependencyError(
            "simulating needs torch, which is not installed: pip install 'phasegrok[train]'."
        )
