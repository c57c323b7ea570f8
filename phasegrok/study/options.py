"""Options that may be controls, and the value that the description states for each."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from phasegrok.study.control import Scalar
from phasegrok.study.description import Study
from phasegrok.study.part import Part

__all__ = ["UMBRELLA", "known_controls", "penalty_name", "stated_value"]

UMBRELLA: Final = "umbrella."
"""Prefix of the controls of an umbrella."""

_ROLES = ("task", "network", "dynamics")


def known_controls(study: Study) -> dict[str, str]:
    """Names that may be controls, with the part each belongs to.

    Parameters
    ----------
    study : Study
        Only options that its parts state can be controls, so each has a value to replace.

    Returns
    -------
    dict
        Control name to "task", "network", "dynamics", "energy", "recording", "sweep" or
        "umbrella". A name that two parts share is written with its part, as in ``task.size``;
        those of an umbrella always are.
    """
    options = _of_conditions(study)
    for role in _ROLES:
        for name in getattr(study, role).options:
            options.setdefault(name, []).append(role)
    if isinstance(study.energy.weight_decay, Mapping):
        for layer in study.energy.weight_decay:
            options[f"weight_decay.{layer}"] = ["energy"]
    known: dict[str, str] = {}
    for name, roles in options.items():
        for role in roles:
            known[name if len(roles) == 1 else f"{role}.{name}"] = role
    return known


def _of_conditions(study: Study) -> dict[str, list[str]]:
    options: dict[str, list[str]] = {"temperature": ["energy"], "weight_decay": ["energy"]}
    for index, _ in enumerate(study.energy.penalties):
        options[f"penalty_{penalty_name(study.energy.penalties, index)}.strength"] = ["energy"]
    if study.sweep is None:
        options["steps"] = ["recording"]
    else:
        options.update(rate=["sweep"], direction=["sweep"])
    if study.umbrella is not None:
        options.update({f"{UMBRELLA}{name}": ["umbrella"] for name in ("center", "strength")})
    return options


def penalty_name(penalties: Sequence[Part], index: int) -> str:
    """Name of a penalty: its option ``name``, or its kind after the colon."""
    description = penalties[index]
    return str(description.options.get("name", description.kind.rpartition(":")[2]))


def stated_value(study: Study, control: str) -> Scalar | None:
    """Look up what the description says of a control, for runs whose point does not set it.

    Parameters
    ----------
    study : Study
        Description.
    control : str
        One of `known_controls`.

    Returns
    -------
    float, int, str, bool or None
        None where it is stated as a table, a list or not at all.
    """
    role = known_controls(study)[control]
    if role in _ROLES:
        value: Any = getattr(study, role).options[control.removeprefix(f"{role}.")]
    elif control.startswith("weight_decay."):
        value = study.energy.weight_decay[control.removeprefix("weight_decay.")]
    elif control.startswith("penalty_"):
        value = _strength(study.energy.penalties, control)
    else:
        value = getattr(getattr(study, role), control.removeprefix(f"{role}."))
    return value if isinstance(value, bool | int | float | str) else None


def _strength(penalties: Sequence[Part], control: str) -> Any:
    for index, penalty in enumerate(penalties):
        if control == f"penalty_{penalty_name(penalties, index)}.strength":
            return penalty.options.get("strength")
    return None
