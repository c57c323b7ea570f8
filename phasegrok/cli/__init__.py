"""The command line: parsing and messages; what uses torch is imported where it is needed."""

from phasegrok.cli.program import main

__all__ = ["main"]
