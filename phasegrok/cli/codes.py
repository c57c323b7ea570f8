"""Exit codes, as docs/studies.md lists them."""

from typing import Final

__all__ = [
    "DONE",
    "FAILURES",
    "INCOMPLETE",
    "INTERRUPTED",
    "REFUSED",
    "TERMINATED",
    "UNHEARD",
]

DONE: Final = 0
FAILURES: Final = 1
REFUSED: Final = 2
INCOMPLETE: Final = 3
INTERRUPTED: Final = 130
UNHEARD: Final = 141
TERMINATED: Final = 143
