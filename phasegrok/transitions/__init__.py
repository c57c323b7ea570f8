"""Signatures of transitions: what speaks for phases that coexist, and how surely."""

from phasegrok.transitions.escape.arrhenius_law import (
    Arrhenius,
    ArrheniusComparison,
    arrhenius,
    compare_arrhenius,
)
from phasegrok.transitions.escape.lifetime_tables import lifetimes
from phasegrok.transitions.escape.lifetimes import Lifetime, LifetimeStatus, lifetime
from phasegrok.transitions.free_energy.passage import (
    escape_from_profile,
    kramers_time,
    mean_first_passage_time,
    norm_diffusion,
)
from phasegrok.transitions.free_energy.profiles import free_energy_profile, profile_wells
from phasegrok.transitions.free_energy.wells import TwoWells, two_wells
from phasegrok.transitions.hysteresis.loop_laws import compare_loop_laws
from phasegrok.transitions.hysteresis.loop_tables import LoopStatus, loops
from phasegrok.transitions.hysteresis.loops import SwitchStatus, switching_fields
from phasegrok.transitions.hysteresis.rate_regimes import compare_rate_laws, rate_laws
from phasegrok.transitions.hysteresis.spinodals import SpinodalStatus, spinodal_estimate
from phasegrok.transitions.hysteresis.switching_collapse import (
    CollapseStatus,
    compare_collapse,
    switching_collapse,
)
from phasegrok.transitions.hysteresis.switching_laws import (
    Plateau,
    SwitchingFit,
    fit_activated,
    fit_deterministic,
    fit_far_above,
    fit_near_equilibrium,
    plateau,
)
from phasegrok.transitions.neurons.coexistence import fit_coexistence, fit_coexistence_labelled
from phasegrok.transitions.neurons.coexistence_fit import CoexistenceFit
from phasegrok.transitions.neurons.decision import Decision
from phasegrok.transitions.phases.coexistence_lines import coexistence_line
from phasegrok.transitions.phases.integrated_lines import (
    compare_line,
    integrated_line,
    joined_lines,
)
from phasegrok.transitions.phases.interface_tension import InterfaceTension, interface_tension
from phasegrok.transitions.phases.jump_limit import JumpLimit, jump_of_the_infinite_system
from phasegrok.transitions.phases.line_slopes import clausius_clapeyron
from phasegrok.transitions.phases.phase_points import coexistence_points
from phasegrok.transitions.phases.transition_point import (
    TransitionPoint,
    transition_point_of_the_infinite_system,
)
from phasegrok.transitions.round_trips import (
    RoundTrips,
    ladder_round_trips,
    phase_round_trips,
    round_trip_statistics,
)
from phasegrok.transitions.scaling.collapse import DataCollapse, data_collapse
from phasegrok.transitions.scaling.crossings import (
    crossings_of,
    cumulant_crossings,
    cumulant_minima,
    kurtosis_crossings,
    minima_of,
)
from phasegrok.transitions.scaling.curve_tables import curve_table
from phasegrok.transitions.scaling.curves import MomentCurves, moment_curves
from phasegrok.transitions.scaling.findings import Finding
from phasegrok.transitions.scaling.finite_size import (
    FiniteSizeScaling,
    finite_size_scaling,
    scaling_of,
)
from phasegrok.transitions.scaling.peaks import peak_positions, peaks_of

__all__ = [
    "Arrhenius",
    "ArrheniusComparison",
    "CoexistenceFit",
    "CollapseStatus",
    "DataCollapse",
    "Decision",
    "Finding",
    "FiniteSizeScaling",
    "InterfaceTension",
    "JumpLimit",
    "Lifetime",
    "LifetimeStatus",
    "LoopStatus",
    "MomentCurves",
    "Plateau",
    "RoundTrips",
    "SpinodalStatus",
    "SwitchStatus",
    "SwitchingFit",
    "TransitionPoint",
    "TwoWells",
    "arrhenius",
    "clausius_clapeyron",
    "coexistence_line",
    "coexistence_points",
    "compare_arrhenius",
    "compare_collapse",
    "compare_line",
    "compare_loop_laws",
    "compare_rate_laws",
    "crossings_of",
    "cumulant_crossings",
    "cumulant_minima",
    "curve_table",
    "data_collapse",
    "escape_from_profile",
    "finite_size_scaling",
    "fit_activated",
    "fit_coexistence",
    "fit_coexistence_labelled",
    "fit_deterministic",
    "fit_far_above",
    "fit_near_equilibrium",
    "free_energy_profile",
    "integrated_line",
    "interface_tension",
    "joined_lines",
    "jump_of_the_infinite_system",
    "kramers_time",
    "kurtosis_crossings",
    "ladder_round_trips",
    "lifetime",
    "lifetimes",
    "loops",
    "mean_first_passage_time",
    "minima_of",
    "moment_curves",
    "norm_diffusion",
    "peak_positions",
    "peaks_of",
    "phase_round_trips",
    "plateau",
    "profile_wells",
    "rate_laws",
    "round_trip_statistics",
    "scaling_of",
    "spinodal_estimate",
    "switching_collapse",
    "switching_fields",
    "transition_point_of_the_infinite_system",
    "two_wells",
]
