"""What is asked of growth, checked before anything is simulated."""

import math
from collections.abc import Mapping
from inspect import signature
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from phasegrok.collect import collect, series_names
from phasegrok.collect.plan import check_folder
from phasegrok.errors import InvalidStudyError, InvalidValueError, did_you_mean
from phasegrok.study import Study, require_study

__all__ = [
    "check_choice",
    "check_count",
    "check_number",
    "check_observable",
    "check_options",
    "checked_folder",
    "checked_study",
]


def checked_folder(folder: Any) -> Path:
    """Refuse what is no path.

    Raises
    ------
    InvalidValueError
        With what was received.
    """
    check_folder(folder)
    return Path(folder)


def checked_study(study: Any) -> Study:
    """Refuse what is no study, or one whose runs are no independent samples.

    Raises
    ------
    InvalidStudyError
        For an exchange ladder, whose walkers visit each other's places, a sweep, which stays at
        none, or an event that stops runs, so that those that do not meet it are a choice among
        all.
    """
    described = require_study(study)
    if described.exchange is not None:
        raise InvalidStudyError(
            "walkers of an exchange ladder belong to no single place, so that no error of a "
            "place can be told; remove [exchange], or choose the number of replicas yourself."
        )
    if described.sweep is not None:
        raise InvalidStudyError(
            "the mean over a run that is swept belongs to no single value of "
            f"{described.sweep.control!r}, so that no error of it can be told; remove [sweep], "
            "or choose the number of replicas yourself."
        )
    stopping = [event.name for event in described.events if event.stop]
    if stopping:
        raise InvalidStudyError(
            f"the event {stopping[0]!r} stops the runs that meet it, and the mean of the rest "
            "would be that of a choice among all; set stop = false to watch it all the same."
        )
    return described


def check_observable(study: Study, observable: Any) -> None:
    """Refuse what the study will not record as one number a record.

    Raises
    ------
    InvalidValueError
        With the nearest known name.
    """
    known = series_names(study)
    if not isinstance(observable, str) or observable not in known:
        raise InvalidValueError(
            "the observable must be a variable with one number a record of every run, received "
            f"{observable!r}." + did_you_mean(observable, known)
        )


def check_number(name: str, value: Any, *, positive: bool = True) -> None:
    """Refuse what is no finite number, or none above zero.

    Raises
    ------
    InvalidValueError
        With what was received.
    """
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or (positive and not value > 0.0):
        kind = "a finite number above zero" if positive else "a finite number"
        raise InvalidValueError(
            f"{name} must be {kind}, received {value!r}; write one such as 0.02."
        )


def check_count(name: str, value: Any, *, least: int = 1) -> None:
    """Refuse what is no whole number, or one that is too small.

    Raises
    ------
    InvalidValueError
        With what was received.
    """
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not whole or value < least:
        raise InvalidValueError(
            f"{name} must be a whole number of at least {least}, received {value!r}; write one."
        )


def check_choice(name: str, value: Any, known: tuple[Any, ...]) -> None:
    """Refuse what is none of a few values.

    Raises
    ------
    InvalidValueError
        With the known ones.
    """
    if not any(
        value is each or (type(value) is type(each) and value == each) for each in known
    ):
        raise InvalidValueError(
            f"{name} must be one of {list(known)}, received {value!r}."
            + did_you_mean(value, known)
        )


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse options that collecting does not have.

    Raises
    ------
    InvalidValueError
        With the nearest known name.
    """
    known = [name for name in signature(collect).parameters if name not in ("study", "folder")]
    for name in options:
        if name not in known:
            raise InvalidValueError(
                f"collecting has no option {name!r}." + did_you_mean(name, known)
            )
    if options.get("replace_plan"):
        raise InvalidValueError(
            "growth keeps what was asked for before, received replace_plan=True; leave it out."
        )
