"""What the commands share: how they are declared, and what they need installed."""

import argparse
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

from phasegrok.errors import MissingDependencyError

__all__ = ["Commands", "command_on_folder", "new_command", "require_torch"]

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def new_command(
    commands: Commands,
    name: str,
    function: Callable[[argparse.Namespace], int],
    text: str,
    *,
    aliases: tuple[str, ...] = (),
) -> argparse.ArgumentParser:
    """Declare a command.

    Parameters
    ----------
    commands : Commands
        Where it belongs.
    name : str
        As it is typed.
    function : callable
        Carries it out and gives the exit code.
    text : str
        What it does, for the list of commands and for its own help.
    aliases : tuple of str
        Other names.

    Returns
    -------
    ArgumentParser
        To add options to.
    """
    command = commands.add_parser(
        name, aliases=aliases, help=text, description=text.capitalize() + "."
    )
    command.set_defaults(command=function)
    return command


def command_on_folder(
    commands: Commands,
    name: str,
    function: Callable[[argparse.Namespace], int],
    text: str,
    *,
    aliases: tuple[str, ...] = (),
    about: str = "folder of the study",
) -> argparse.ArgumentParser:
    """Declare a command whose one argument is the folder of a study; see `new_command`."""
    command = new_command(commands, name, function, text, aliases=aliases)
    command.add_argument("folder", type=Path, metavar="FOLDER", help=about)
    return command


def require_torch() -> None:
    """Refuse to simulate without torch.

    Raises
    ------
    MissingDependencyError
        With what to install.
    """
    if find_spec("torch") is None:
        raise MissingDependencyError(
            "simulating needs torch, which is not installed: pip install 'phasegrok[train]'."
        )
