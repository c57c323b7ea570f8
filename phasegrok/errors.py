"""Every deliberate exception: what is required, what was received, what to do."""

import traceback
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Final

__all__ = [
    "DamagedShardError",
    "FormatError",
    "InsufficientSamplesError",
    "InvalidStudyError",
    "InvalidValueError",
    "MissingDependencyError",
    "NoConvergenceError",
    "PhasegrokError",
    "StorageError",
    "StudyBusyError",
    "StudyChangedError",
    "did_you_mean",
    "one_line",
    "reason_of",
]

_LONGEST_REASON: Final = 2000


class PhasegrokError(Exception):
    """Base of all errors that phasegrok raises on purpose."""


class InvalidValueError(PhasegrokError, ValueError):
    """A value of the right kind lies outside what the function can mean."""


class InvalidStudyError(PhasegrokError, ValueError):
    """The description of a study cannot be carried out as written."""


class FormatError(PhasegrokError, ValueError):
    """A file or dataset does not follow the schema."""


class DamagedShardError(FormatError):
    """A file that bears the name of a shard cannot be read as one."""


class MissingDependencyError(PhasegrokError, ImportError):
    """An optional package is needed for what was asked."""


class StudyChangedError(PhasegrokError, RuntimeError):
    """The description given differs from the one that the study folder was begun with."""


class StudyBusyError(PhasegrokError, RuntimeError):
    """Another collector holds the study folder."""


class StorageError(PhasegrokError, OSError):
    """The disk refused to store; what was stored before is untouched."""


class InsufficientSamplesError(PhasegrokError, ValueError):
    """Too few samples for the statistic to be defined.

    Parameters
    ----------
    statistic : str
        Name of what was to be estimated.
    required : int
        Smallest number of samples that defines it.
    received : int
        Number of samples given.
    """

    def __init__(self, statistic: str, *, required: int, received: int) -> None:
        self.statistic = statistic
        self.required = required
        self.received = received
        super().__init__(
            f"{statistic} needs at least {required} samples, received {received}; "
            "record more states or pool more runs."
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from the numbers, since the base class would pass the sentence instead."""
        return (_insufficient, (self.statistic, self.required, self.received))


class NoConvergenceError(PhasegrokError, RuntimeError):
    """An iteration stopped before it met its tolerance; the estimate is carried along.

    Parameters
    ----------
    message : str
        What was solved, how far it came, what to do.
    estimate : object
        The last iterate, for a caller who can use it.
    """

    def __init__(self, message: str, *, estimate: object = None) -> None:
        self.estimate = estimate
        super().__init__(message)


def _insufficient(statistic: str, required: int, received: int) -> InsufficientSamplesError:
    return InsufficientSamplesError(statistic, required=required, received=received)


def did_you_mean(received: object, known: Iterable[object]) -> str:
    """End an error message with the nearest known word, or with all of them.

    Parameters
    ----------
    received : object
        The word that is not known; another kind of value is compared by its text.
    known : iterable
        The words that are.

    Returns
    -------
    str
        " Did you mean 'x'?" or " Known: 'a', 'b'."
    """
    words = sorted(str(word) for word in known)
    near = get_close_matches(str(received), words, n=1, cutoff=0.6)
    if near:
        return f" Did you mean {near[0]!r}?"
    return " Known: " + (", ".join(repr(word) for word in words) or "none") + "."


def one_line(text: str) -> str:
    """Write text so that a log, a terminal and a file can hold it, in one line.

    Parameters
    ----------
    text : str
        Whatever somebody's code said.

    Returns
    -------
    str
        Of at most 2,000 characters; spaces and ends of lines are single spaces, and what
        cannot be printed is written as in Python's source.
    """
    line = " ".join(text.split())
    if not line.isprintable():
        line = "".join(
            each if each.isprintable() else each.encode("unicode_escape").decode()
            for each in line
        )
    return line if len(line) <= _LONGEST_REASON else line[: _LONGEST_REASON - 4] + " ..."


def reason_of(error: BaseException, *, with_place: bool = True) -> str:
    """Say in one line what was raised, and in which line of which file.

    Parameters
    ----------
    error : BaseException
        As it was caught, of whatever code.
    with_place : bool
        Whether to name file and line.
    """
    try:
        said = str(error)
    except Exception:
        said = "(its message cannot be written)"
    frames = traceback.extract_tb(error.__traceback__) if with_place else []
    place = f"({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    # The message may be cut, the place not.
    told = one_line(f"{type(error).__name__}: {said}")
    return f"{told} {one_line(place)}" if place else told
