"""Writing a study as the TOML that reads as the same study."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from phasegrok.study.description import Study, require_study
from phasegrok.study.toml import plain_study

__all__ = ["study_toml"]

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def study_toml(study: Study) -> str:
    """Write the description of a study as TOML.

    Parameters
    ----------
    study : Study
        The description, such as `phasegrok.runs.StudyFolder.description` returns for a folder
        whose plan has grown.

    Returns
    -------
    str
        `read_study` makes an equal study of it. What is None is left out.

    Raises
    ------
    InvalidStudyError
        If it is no study.
    """
    plain = {key: each for key, each in plain_study(require_study(study)).items() if each != []}
    return "\n".join(_table(plain, ())) + "\n"


def _table(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    """Lines of a table: its own values first, then the tables in it."""
    given = {name: each for name, each in table.items() if each is not None}
    for name, each in given.items():
        if not _has_lines_of_its_own(each, path):
            yield f"{_key(name)} = {_inline(each)}"
    for name, each in given.items():
        where = (*path, name)
        header = ".".join(_key(part) for part in where)
        if _has_lines_of_its_own(each, path):
            for element in each if isinstance(each, list) else [each]:
                yield ""
                yield f"[[{header}]]" if isinstance(each, list) else f"[{header}]"
                yield from _table(element, where)


def _has_lines_of_its_own(value: Any, path: tuple[str, ...]) -> bool:
    if isinstance(value, Mapping):
        return len(path) < 2 and bool(value)
    return path in ((), ("plan",)) and _are_tables(value) and len(value[0]) > 2


def _are_tables(value: Any) -> bool:
    return (
        isinstance(value, list) and bool(value) and all(isinstance(v, Mapping) for v in value)
    )


def _inline(value: Any) -> str:
    if isinstance(value, Mapping):
        pairs = (f"{_key(name)} = {_inline(each)}" for name, each in value.items())
        return "{ " + ", ".join(pairs) + " }" if value else "{}"
    if isinstance(value, list):
        return "[" + ", ".join(_inline(each) for each in value) + "]"
    if isinstance(value, str):
        # The escapes of JSON are among those of TOML, but DEL is not escaped there.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _inline(name)
