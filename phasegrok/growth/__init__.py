"""Growth: more runs where they are needed, by what the runs there are tell."""

from phasegrok.growth.decision import Decision, Extent, Goal, Status, decide
from phasegrok.growth.estimates import (
    ErrorEstimate,
    Units,
    chain_estimate,
    unit_estimate,
)
from phasegrok.growth.location import Location, locate
from phasegrok.growth.refinement import RefineReport, RefineRound, RefineStatus, refine
from phasegrok.growth.until_error import (
    GrowthReport,
    GrowthRound,
    PlaceGrowth,
    collect_until,
)

__all__ = [
    "Decision",
    "ErrorEstimate",
    "Extent",
    "Goal",
    "GrowthReport",
    "GrowthRound",
    "Location",
    "PlaceGrowth",
    "RefineReport",
    "RefineRound",
    "RefineStatus",
    "Status",
    "Units",
    "chain_estimate",
    "collect_until",
    "decide",
    "locate",
    "refine",
    "unit_estimate",
]
