"""Commands that write figures, numbers and a report."""

import argparse

from phasegrok.cli.codes import DONE
from phasegrok.cli.commands import Commands, command_on_folder

__all__ = ["add_analyzing"]


def add_analyzing(commands: Commands) -> None:
    """Declare the commands.

    Parameters
    ----------
    commands : Commands
        Where they belong.
    """
    text = "write figures, numbers and a report of a study"
    command_on_folder(commands, "analyze", _analyze, text)
    command_on_folder(commands, "plot", _plot, "draw the figures of a study")


def _analyze(options: argparse.Namespace) -> int:
    from phasegrok.report import report_study

    print(report_study(options.folder, workers=2))
    return DONE


def _plot(options: argparse.Namespace) -> int:
    from phasegrok.report import plot_study

    for path in plot_study(options.folder):
        print(path)
    return DONE
