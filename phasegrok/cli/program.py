"""The one parser, and what becomes of what a command raises."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from phasegrok.cli.analyzing import add_analyzing
from phasegrok.cli.codes import INTERRUPTED, REFUSED, TERMINATED, UNHEARD
from phasegrok.cli.collecting import add_collecting
from phasegrok.cli.effort import TerminatedError
from phasegrok.cli.growing import add_growing
from phasegrok.cli.looking import add_looking
from phasegrok.errors import PhasegrokError

__all__ = ["main"]


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
        sys.stdout.flush()
    except PhasegrokError as error:
        _say(error)
        return REFUSED
    except TerminatedError as error:
        _say(f"terminated. {error}")
        return TERMINATED
    except KeyboardInterrupt as error:
        _say(f"interrupted. {error}")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output, such as head, has seen enough; nor is there more to flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNHEARD
    except OSError as error:
        _say(f"the system refused: {error}")
        return REFUSED
    return code


def _say(sentence: object) -> None:
    print(f"phasegrok: {sentence}".rstrip(), file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="phasegrok",
        description="Measure neural-network training the way physicists measure matter.",
    )
    parser.add_argument(
        "--version", action="version", version=f"phasegrok {version('phasegrok')}"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_collecting(commands)
    add_growing(commands)
    add_looking(commands)
    add_analyzing(commands)
    return parser
