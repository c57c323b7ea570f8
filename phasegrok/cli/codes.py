"""Exit codes, as docs/studies.md lists them."""

from collections.abc import Mapping
from typing import Final

from phasegrok.schema import Outcome

__all__ = [
    "DONE",
    "FAILURES",
    "INCOMPLETE",
    "INTERRUPTED",
    "REFUSED",
    "TERMINATED",
    "UNHEARD",
    "by_outcomes",
]

DONE: Final = 0
FAILURES: Final = 1
REFUSED: Final = 2
INCOMPLETE: Final = 3
INTERRUPTED: Final = 130
UNHEARD: Final = 141
TERMINATED: Final = 143


def by_outcomes(outcomes: Mapping[str, int]) -> int:
    """Exit code of a study with nothing left: diverged and truncated runs are data.

    Parameters
    ----------
    outcomes : mapping
        Outcome to number of runs.
    """
    return FAILURES if outcomes.get(Outcome.FAILED, 0) else DONE
