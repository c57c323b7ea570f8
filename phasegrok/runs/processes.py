"""Whether a process of this machine still lives, told without a clock."""

import os
from pathlib import Path

__all__ = ["is_alive", "process_birth"]


def process_birth(process: int) -> int | None:
    """Tell when a process of this machine began.

    Parameters
    ----------
    process : int
        Its number.

    Returns
    -------
    int or None
        In ticks since the machine began; None where the system does not tell.
    """
    fields = _fields(process)
    return int(fields[19]) if len(fields) > 19 else None


def is_alive(process: int, birth: int | None) -> bool:
    """Tell whether a process of this machine is there, and no other one of its number.

    Parameters
    ----------
    process : int
        Its number.
    birth : int or None
        As `process_birth` told it.

    Returns
    -------
    bool
    """
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    # One that was killed stays in the table, as Z, until its parent asks for its exit code.
    is_dead = _fields(process)[:1] in (["Z"], ["X"])
    return not is_dead and process_birth(process) == birth


def _fields(process: int) -> list[str]:
    """What the system tells of a process after its name; nothing where it tells nothing."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()
