"""The one attribute of a dataset: description, identity and provenance as JSON."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import xarray as xr

from phasegrok.errors import DamagedShardError, FormatError, did_you_mean
from phasegrok.runs.versions import ATTRIBUTE_LIFTS, CONTENTS, sealed, unsealed
from phasegrok.schema import ATTRIBUTE

__all__ = ["attribute_of", "attribute_text", "control_names", "parse_attribute"]

REQUIRED = ("schema_version", "study", "identity", "provenance")


def attribute_text(attribute: Mapping[str, Any]) -> str:
    """Write the attribute of a dataset.

    Parameters
    ----------
    attribute : mapping
        Plain data with at least study, identity and provenance.

    Returns
    -------
    str
        JSON that states this version of the schema and a checksum over all of it.
    """
    return json.dumps(sealed(attribute), ensure_ascii=False)


def attribute_of(dataset: xr.Dataset) -> dict[str, Any]:
    """Read the attribute of a dataset: what was asked for, by what it was made.

    Parameters
    ----------
    dataset : Dataset
        As `open_runs` returns it.

    Returns
    -------
    dict
        ``schema_version``, ``study`` (the description as plain data, or None for recorded
        runs), ``identity``, ``provenance`` and ``controls``; docs/schema.md lists them.

    Raises
    ------
    FormatError
        If the dataset has no such attribute, one that this version cannot read, or one that
        was edited by hand: `attribute_text` makes another.
    """
    return parse_attribute(dataset.attrs.get(ATTRIBUTE), "the dataset")


def parse_attribute(text: object, owner: str) -> dict[str, Any]:
    """Check and parse the text of the attribute.

    Parameters
    ----------
    text : object
        What stands in the attribute.
    owner : str
        File or dataset, for error messages.

    Returns
    -------
    dict
        The attribute in the newest layout.

    Raises
    ------
    FormatError
        If it is missing, lacks a key, or is of a version that cannot be read.
    DamagedShardError
        If it is not JSON, or not what was written.
    """
    if not isinstance(text, str):
        raise FormatError(
            f"{owner} needs the attribute {ATTRIBUTE!r} with JSON text, received "
            f"{type(text).__name__}; phasegrok's own writers make it."
        )
    try:
        attribute = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DamagedShardError(
            f"the attribute {ATTRIBUTE!r} of {owner} must be JSON: {error}."
        ) from error
    missing = [
        key for key in REQUIRED if not isinstance(attribute, dict) or key not in attribute
    ]
    if missing:
        raise FormatError(f"the attribute {ATTRIBUTE!r} of {owner} lacks the keys {missing}.")
    # Only what lies in a file has a table of its contents.
    return unsealed(attribute, owner, ATTRIBUTE_LIFTS, in_file=CONTENTS in attribute)


def control_names(attributes: Iterable[Mapping[str, Any]]) -> list[str]:
    """Name the controls that were varied, in the order of the plan.

    Parameters
    ----------
    attributes : iterable of mapping
        Attributes of datasets, as `attribute_of` returns them.

    Returns
    -------
    list of str
        Each control once.
    """
    names: dict[str, None] = {}
    for attribute in attributes:
        plan = (attribute["study"] or {}).get("plan", {})
        names.update(dict.fromkeys(attribute.get("controls", ())))
        for asked in (plan, *plan.get("more", ())):
            for each in (asked.get("grid", {}), *asked.get("points", [])):
                names.update(dict.fromkeys(each))
    return list(names)


def stated_option(study: Mapping[str, Any] | None, control: str) -> Any:
    """Look up the value that a description gives to an option it did not vary.

    Parameters
    ----------
    study : mapping or None
        A description as plain data.
    control : str
        Name of the option, with its part before a dot where two parts share it.

    Returns
    -------
    object
        The value.

    Raises
    ------
    FormatError
        If the description does not state it.
    """
    parts = dict(study or {})
    role, _, name = control.rpartition(".")
    roles = [role] if role in parts else ["energy", "task", "network", "dynamics", "recording"]
    known: dict[str, Any] = {}
    for each in roles:
        known.update(parts.get(each) or {})
    found = known.get(name if role in parts else control)
    if role == "weight_decay" and isinstance(known.get(role), Mapping):
        found = known[role].get(name)
    if isinstance(found, bool | int | float | str):
        return found
    if study is None:
        raise FormatError("recorded runs have no description that could state its value.")
    raise FormatError(
        "the description stored with them does not state its value."
        + did_you_mean(control, known)
    )
