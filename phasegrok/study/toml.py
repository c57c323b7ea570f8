"""A study as plain data and as TOML, the same thing as its Python description."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

from phasegrok.errors import InvalidStudyError, did_you_mean
from phasegrok.study.checks import require_list, require_text
from phasegrok.study.conditions import Energy, Event, Exchange, Ramp
from phasegrok.study.description import Plan, Study
from phasegrok.study.part import Part
from phasegrok.study.recording import Recording
from phasegrok.study.sweep import Sweep
from phasegrok.study.umbrella import Umbrella

__all__ = ["plain_study", "read_study", "study_from_plain"]

Described = TypeVar("Described")


def read_study(path: str | Path) -> Study:
    """Read the description of a study from a TOML file.

    Parameters
    ----------
    path : path
        The file. Its tables are the fields of `Study`; docs/studies.md lists them.

    Returns
    -------
    Study
        The same as the description in Python.

    Raises
    ------
    InvalidStudyError
        If the path is none, the file is not there or not TOML, or a key is unknown or missing.
    """
    if not isinstance(path, str | PathLike):
        raise InvalidStudyError(
            f"a study description is read from a TOML file, received {path!r} for its path; "
            "give the path as text."
        )
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")  # Some editors begin with a mark.
    except UnicodeDecodeError as error:
        raise InvalidStudyError(
            f"a study description must be text in UTF-8, and {str(path)!r} is not: {error}; "
            "save it as UTF-8."
        ) from error
    except OSError as error:
        raise InvalidStudyError(
            f"a study description is read from a TOML file, and {str(path)!r} cannot be read: "
            f"{error.strerror}."
        ) from error
    try:
        return study_from_plain(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InvalidStudyError(f"{path} is not valid TOML: {error}.") from error
    except InvalidStudyError as error:
        raise InvalidStudyError(f"{path}: {error}") from error


def study_from_plain(plain: Mapping[str, Any]) -> Study:
    """Make a study from plain data.

    Parameters
    ----------
    plain : mapping
        Tables as in a TOML file, or as `plain_study` writes them.

    Returns
    -------
    Study
        The description.

    Raises
    ------
    InvalidStudyError
        If a key is unknown or missing, or a value is refused.
    """
    tables = _table(plain, "the study")
    _check_keys(Study, tables, "the study")
    for role in ("task", "network", "dynamics"):
        tables[role] = _part(tables[role], f"[{role}]")
    recording = _table(tables["recording"], "[recording]")
    recording["observables"] = _parts(recording.get("observables", ()), "recording.observables")
    tables["recording"] = _described(Recording, recording, "[recording]")
    if "energy" in tables:
        energy = _table(tables["energy"], "[energy]")
        energy["penalties"] = _parts(energy.get("penalties", ()), "energy.penalties")
        tables["energy"] = _described(Energy, energy, "[energy]")
    if "plan" in tables:
        tables["plan"] = _plan(tables["plan"])
    if tables.get("exchange") is not None:
        exchange = _table(tables["exchange"], "[exchange]")
        tables["exchange"] = _described(Exchange, exchange, "[exchange]")
    for name, kind in (("sweep", Sweep), ("umbrella", Umbrella)):
        if tables.get(name) is not None:
            tables[name] = _described(kind, _table(tables[name], f"[{name}]"), f"[{name}]")
    ramps = [
        _table(ramp, "[[ramps]]") for ramp in require_list("ramps", tables.get("ramps", ()))
    ]
    tables["ramps"] = [_described(Ramp, ramp, "[[ramps]]") for ramp in ramps]
    events = require_list("events", tables.get("events", ()))
    tables["events"] = [_event(event) for event in events]
    return _described(Study, tables, "the study")


def plain_study(study: Study) -> dict[str, Any]:
    """Write a study as plain data.

    Parameters
    ----------
    study : Study
        The description.

    Returns
    -------
    dict
        Only dictionaries, lists, strings, numbers, booleans and None.
    """
    plain = _plain(study)
    if not isinstance(plain, dict):
        raise TypeError(f"a study is written as a table, received {type(study).__name__}.")
    _without_empty_more(plain["plan"])
    # Versions before they were there read studies that do not use them.
    return {
        name: value
        for name, value in plain.items()
        if value is not None or name not in ("sweep", "umbrella")
    }


def _without_empty_more(plan: dict[str, Any]) -> None:
    # Versions before it was there read plans that do not use it.
    for each in plan["more"]:
        _without_empty_more(each)
    if not plan["more"]:
        del plan["more"]


def _plain(value: Any) -> Any:
    if isinstance(value, Part):
        return {name: _plain(each) for name, each in value.plain().items()}
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence):
        return [_plain(each) for each in value]
    if hasattr(type(value), "__dataclass_fields__"):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return value.item() if hasattr(value, "item") else value


def _plan(plain: Any) -> Plan:
    plan = _table(plain, "[plan]")
    entries = require_list("plan.more", plan.get("more", ()))
    tables = [_table(each, "[[plan.more]]") for each in entries]
    plan["more"] = [_described(Plan, each, "[[plan.more]]") for each in tables]
    return _described(Plan, plan, "[plan]")


def _event(plain: Any) -> Event:
    event = _table(plain, "[[events]]")
    if "observable" in event:
        event["observable"] = _part(event["observable"], "[[events]] observable")
    return _described(Event, event, "[[events]]")


def _described(kind: type[Described], table: dict[str, Any], where: str) -> Described:
    _check_keys(kind, table, where)
    return kind(**table)


def _check_keys(kind: type, table: Mapping[str, Any], where: str) -> None:
    known = fields(kind)
    names = [field.name for field in known]
    for key in table:
        if key not in names:
            raise InvalidStudyError(f"{where} has no key {key!r}." + did_you_mean(key, names))
    for field in known:
        needed = field.default is MISSING and field.default_factory is MISSING
        if needed and field.name not in table:
            raise InvalidStudyError(f"{where} needs the key {field.name!r}; add it.")


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidStudyError(f"{where} must be a table, received {value!r}.")
    return dict(value)


def _part(value: Any, where: str) -> Part:
    if isinstance(value, Part):
        return value
    if isinstance(value, str):
        return Part(value)
    table = _table(value, where)
    if "kind" not in table:
        raise InvalidStudyError(
            f"{where} needs the key 'kind', the name of what it is; add it."
        )
    return Part(require_text(f"the key 'kind' of {where}", table.pop("kind")), table)


def _parts(values: Any, where: str) -> tuple[Part, ...]:
    return tuple(_part(value, where) for value in require_list(where, values))
