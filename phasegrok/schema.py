"""Names that the files, the datasets and every room agree on."""

from enum import StrEnum
from typing import Final

__all__ = [
    "ATTRIBUTE",
    "CONSOLIDATED",
    "HALF_SQUARE_NORM",
    "LABELS",
    "MEMBER",
    "NOW",
    "ORIGIN",
    "PENALTY",
    "RECORD",
    "RUN",
    "RUN_COORDINATES",
    "SCHEMA_VERSION",
    "STATES_GROUP",
    "Outcome",
    "Symmetry",
    "fault_of_name",
]

SCHEMA_VERSION: Final = 2
"""Version of the layout described in docs/schema.md; a reader opens every older one."""

ATTRIBUTE: Final = "phasegrok"
"""The one attribute of a file or dataset: JSON with schema version, study and provenance."""

RUN: Final = "run"
"""Dimension with one entry per training run."""

RECORD: Final = "record"
"""Dimension of the recorded states of a run."""

CONSOLIDATED: Final = "consolidated"
"""Key of the attribute of a file that was made of all shards of a study: its other groups."""

MEMBER: Final = "member"
"""Dimension of the runs in the other groups of such a file, which need not hold all runs."""

ORIGIN: Final = "origin"
"""Coordinate on ``run`` in such a file: index of the shard that a run comes from."""

_DIMENSIONS: Final = (RUN, RECORD, "entry")
"""What no variable may be called; ``entry`` is the dimension of a pooled flat view."""

STATES_GROUP: Final = "states"
"""Group of a shard that holds the recorded weights, where they were asked for."""

HALF_SQUARE_NORM: Final = "half_square_norm_"
"""Prefix of the variables ½|θ_l|², one per layer."""

PENALTY: Final = "penalty_"
"""Prefix of the variables that hold a named extra term of the energy."""

NOW: Final = "_now"
"""Suffix of a control that changes within a run."""

LABELS: Final = ("disorder", "replica", "start")
"""What tells runs of one point in control space apart."""

RUN_COORDINATES: Final[dict[str, str]] = {
    "run_id": "hash of what makes this run, unique in its study",
    "disorder": "which draw of data and teacher",
    "replica": "which initial state and noise",
    "start": "how the initial state was made",
    "direction": "up, down or around for a ramp or sweep, none otherwise",
    "rate": "change of the ramped control per unit of time, 0 without a ramp or sweep",
    "integrator": "name of the dynamics",
    "physical_kinetics": "1 where time has a physical meaning, 0 for samplers",
    "outcome": "finished, truncated, diverged or failed",
    "outcome_reason": "why, where the outcome is not finished",
    "record_count": "number of valid records; later entries were never made",
}
"""Coordinates on ``run`` that every dataset has, with their meaning."""


class Outcome(StrEnum):
    """How a run ended."""

    FINISHED = "finished"
    TRUNCATED = "truncated"
    """Stopped by a limit or an event; its records are valid."""
    DIVERGED = "diverged"
    FAILED = "failed"
    """An exception or a hang; the reason is kept."""


class Symmetry(StrEnum):
    """How the energy's symmetry acts on an observable."""

    NONE = "none"
    SIGN = "sign"
    """The law is even: fold by the absolute value before looking for phases."""


def fault_of_name(name: object) -> str:
    """Tell why a file cannot hold a variable of this name.

    Parameters
    ----------
    name : object
        Name of a variable or coordinate.

    Returns
    -------
    str
        The fault, as the end of a sentence about the name; empty for a name that is sound.
    """
    text = name if isinstance(name, str) else ""
    if text.split() != [text] or "/" in text or text == "." or not text.isprintable():
        return "must be one word of text without a slash"
    return "is that of a dimension" if text in _DIMENSIONS else ""
