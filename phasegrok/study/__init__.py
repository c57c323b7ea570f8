"""What is asked for: the description of a study and the runs that follow from it."""

from phasegrok.study.conditions import Energy, Event, Exchange, Ramp
from phasegrok.study.control import axis_values, grid_points
from phasegrok.study.description import Plan, Study, require_study
from phasegrok.study.identity import check_unchanged, identity, plug_in_sources
from phasegrok.study.options import UMBRELLA, known_controls, penalty_name, stated_value
from phasegrok.study.part import Part, build_part, find_plug_in, part
from phasegrok.study.recording import Recording
from phasegrok.study.request import (
    ResolvedRun,
    RunRequest,
    as_stored,
    requested_runs,
    resolve,
)
from phasegrok.study.sweep import Sweep
from phasegrok.study.toml import plain_study, read_study, study_from_plain
from phasegrok.study.toml_text import study_toml
from phasegrok.study.umbrella import Umbrella
from phasegrok.study.union import asks_for, joined_plan

__all__ = [
    "UMBRELLA",
    "Energy",
    "Event",
    "Exchange",
    "Part",
    "Plan",
    "Ramp",
    "Recording",
    "ResolvedRun",
    "RunRequest",
    "Study",
    "Sweep",
    "Umbrella",
    "as_stored",
    "asks_for",
    "axis_values",
    "build_part",
    "check_unchanged",
    "find_plug_in",
    "grid_points",
    "identity",
    "joined_plan",
    "known_controls",
    "part",
    "penalty_name",
    "plain_study",
    "plug_in_sources",
    "read_study",
    "requested_runs",
    "require_study",
    "resolve",
    "stated_value",
    "study_from_plain",
    "study_toml",
]
