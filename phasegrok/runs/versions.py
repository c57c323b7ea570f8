"""What changed from one version of the schema to the next, and the seal on descriptions."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from phasegrok.errors import DamagedShardError, FormatError
from phasegrok.schema import SCHEMA_VERSION

__all__ = [
    "ATTRIBUTE_LIFTS",
    "CONTENTS",
    "DESCRIPTION_LIFTS",
    "GROUPS",
    "content_checksum",
    "sealed",
    "unsealed",
]

CONTENTS: Final = "contents"
"""Key of the attribute with a table of what a shard holds, so that opening reads no data."""

GROUPS: Final = "groups"
"""Key of the attribute with the checksums of what is said of each group of a shard."""

_VERSION: Final = "schema_version"
_CHECKSUM: Final = "checksum"

Content: TypeAlias = dict[str, Any]
Lift: TypeAlias = Callable[[Content], Content]


def sealed(content: Mapping[str, Any]) -> Content:
    """Add the version of the schema and a checksum over everything.

    Parameters
    ----------
    content : mapping
        Plain data.

    Returns
    -------
    dict
        The same as JSON gives it back, with ``schema_version`` and ``checksum``.
    """
    plain: Content = json.loads(json.dumps({**content, _VERSION: SCHEMA_VERSION}))
    plain.pop(_CHECKSUM, None)
    return {**plain, _CHECKSUM: content_checksum(plain)}


def unsealed(
    stored: Content, owner: str, lifts: Mapping[int, Lift], *, in_file: bool
) -> Content:
    """Check the seal, and bring what an older version wrote into the newest layout.

    Parameters
    ----------
    stored : dict
        Parsed JSON with ``schema_version``.
    owner : str
        File or dataset, for error messages.
    lifts : mapping
        `ATTRIBUTE_LIFTS` or `DESCRIPTION_LIFTS`.
    in_file : bool
        Whether a seal must be there; a dataset in memory needs none, and one that is there
        must hold.

    Returns
    -------
    dict
        In the newest layout, with its version and without the seal.

    Raises
    ------
    FormatError
        If the version is newer than this phasegrok.
    DamagedShardError
        If the content is not what was written: the seal does not hold, or is missing where
        every writer sets one.
    """
    version = stored[_VERSION]
    if type(version) is not int or not 1 <= version <= SCHEMA_VERSION:
        raise FormatError(
            f"{owner} is of schema version {version!r}, and this phasegrok reads up to version "
            f"{SCHEMA_VERSION}; update phasegrok."
        )
    content = {key: each for key, each in stored.items() if key != _CHECKSUM}
    needed = in_file and version > 1
    if (needed or _CHECKSUM in stored) and stored.get(_CHECKSUM) != content_checksum(content):
        raise DamagedShardError(
            f"the description in {owner} is not what was written, since its checksum does not "
            "hold: it is damaged, or was edited by hand."
        )
    for older in range(version, SCHEMA_VERSION):
        content = lifts[older](content)
    return {**content, _VERSION: SCHEMA_VERSION}


def content_checksum(content: object) -> str:
    """Hash plain data, however it is spaced and ordered.

    Parameters
    ----------
    content : object
        As `json.loads` gives it, NaN and infinity among it.

    Returns
    -------
    str
        Sixteen hexadecimal digits.
    """
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _attribute_of_version_1(content: Content) -> Content:
    """Version 2 has checksums of what is said of arrays and groups; here they are unknown."""
    if CONTENTS not in content:
        return content
    table = {name: [*entry, ""] for name, entry in content[CONTENTS].items()}
    return {**content, CONTENTS: table, GROUPS: {}}


def _description_of_version_1(content: Content) -> Content:
    """Version 2 has a seal, and the same keys."""
    return content


ATTRIBUTE_LIFTS: Final[Mapping[int, Lift]] = {1: _attribute_of_version_1}
"""Version to what makes an attribute of it one of the next version."""

DESCRIPTION_LIFTS: Final[Mapping[int, Lift]] = {1: _description_of_version_1}
"""The same for the ``study.json`` of a folder."""
