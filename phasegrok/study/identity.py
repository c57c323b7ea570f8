"""What may not change within a study, and how a change is told."""

import hashlib
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from phasegrok.errors import InvalidStudyError, StudyChangedError
from phasegrok.seeding import canonical_json
from phasegrok.study.description import Study
from phasegrok.study.part import Part, find_plug_in
from phasegrok.study.toml import plain_study

__all__ = ["check_unchanged", "identity", "plug_in_sources"]

_PLUG_INS = "plug_ins"


def identity(study: Study) -> dict[str, Any]:
    """Everything of a study but its plan and its title, and the sources of all plug-ins.

    A start of the user's own is named by the plan, but what it does belongs to the identity: it
    has to be there from the beginning, and cannot be changed.

    Parameters
    ----------
    study : Study
        The description. Its plug-ins are imported to hash their sources.

    Returns
    -------
    dict
        Plain data; equal for studies whose runs may share a folder. Numbers count by value:
        0.0 is written as 0.
    """
    plain: dict[str, Any] = _by_value(plain_study(study))
    del plain["plan"], plain["name"]
    plain[_PLUG_INS] = {
        kind: hashlib.sha256(source.encode()).hexdigest()
        for kind, source in plug_in_sources(study).items()
    }
    return plain


def plug_in_sources(study: Study) -> dict[str, str]:
    """Source text of the module of every plug-in.

    Parameters
    ----------
    study : Study
        The description.

    Returns
    -------
    dict
        ``module:object`` to the text of the module's file.

    Raises
    ------
    InvalidStudyError
        If a plug-in is not there, or its source cannot be read.
    """
    starts = (start for plan in study.plan.entries() for start in plan.starts)
    named = (*(part.kind for part in _parts(study)), *starts)
    kinds = sorted({kind for kind in named if ":" in kind})
    sources = {}
    for kind in kinds:
        plug_in = find_plug_in(kind)
        module = inspect.getmodule(plug_in)
        try:
            sources[kind] = inspect.getsource(module if module is not None else plug_in)
        except (OSError, TypeError) as error:
            raise InvalidStudyError(
                f"the plug-in {kind!r} must come from a module with Python source, and reading "
                f"it said: {error}; wrap it in a function of your own module."
            ) from error
    return sources


def check_unchanged(stored: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Refuse to continue a study under another description.

    Parameters
    ----------
    stored, given : mapping
        Identities, as `identity` returns them.

    Raises
    ------
    StudyChangedError
        With one line for each difference.
    """
    before, after = dict(_leaves(stored)), dict(_leaves(given))
    lines = [
        f"  {_difference(name, before, after)}"
        for name in sorted({*before, *after})
        if (name in before) != (name in after)
        or canonical_json(before[name]) != canonical_json(after[name])
    ]
    if lines:
        raise StudyChangedError(
            "the description given is not that of the study in this folder:\n"
            + "\n".join(lines)
            + "\nThe plan may grow, the rest may not change: choose another folder, or restore "
            "the description."
        )


def _difference(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    plug_in = name.removeprefix(f"{_PLUG_INS}.")
    if plug_in == name:
        stored, given = (repr(each.get(name, "nothing")) for each in (before, after))
        return f"{name}: stored {stored}, given {given}"
    # Hashes tell a reader nothing.
    if name not in before:
        return f"the plug-in {plug_in!r} is used now, and was not before"
    if name not in after:
        return f"the plug-in {plug_in!r} was used before, and is not now"
    return f"the source of {plug_in!r} has changed"


def _parts(study: Study) -> Iterator[Part]:
    yield from (study.task, study.network, study.dynamics)
    yield from study.energy.penalties
    yield from study.recording.observables
    yield from (event.observable for event in study.events)


def _by_value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _by_value(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_by_value(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _leaves(each, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and value and isinstance(value[0], Mapping | list):
        for index, each in enumerate(value):
            yield from _leaves(each, f"{name}[{index}]")
    else:
        yield name, value
