"""Datasets in the schema as bodies of samples over temperature and controls of the energy."""

from phasegrok.statistics.controls.energy_terms import EnergyTerms, energy_terms
from phasegrok.statistics.controls.ladders import at_rungs
from phasegrok.statistics.controls.maps import reweighted_map
from phasegrok.statistics.controls.states import ControlStates, solve_controls

__all__ = [
    "ControlStates",
    "EnergyTerms",
    "at_rungs",
    "energy_terms",
    "reweighted_map",
    "solve_controls",
]
