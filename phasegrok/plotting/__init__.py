"""One figure a function, drawn from stored results; nothing that a caption quotes is computed.

Every function takes the axes to draw on, or makes a figure of its own, and returns the axes.
The function of the same name with ``_table`` gives the numbers that are drawn;
`save_figure` writes both. No global state of matplotlib is touched.
"""

from phasegrok.plotting.coexistence_line import coexistence_line, coexistence_line_table
from phasegrok.plotting.collapse import collapse, collapse_table
from phasegrok.plotting.control_map import control_map, control_map_table
from phasegrok.plotting.corner import corner, corner_table
from phasegrok.plotting.discrepancies import against_noise, against_noise_table, discrepancies
from phasegrok.plotting.free_energy import free_energy, free_energy_table
from phasegrok.plotting.hysteresis import hysteresis, hysteresis_table
from phasegrok.plotting.lifetimes import lifetimes, lifetimes_table
from phasegrok.plotting.overlap_density import overlap_density, overlap_density_table
from phasegrok.plotting.phase_diagram import LINE_NAMES, phase_diagram, phase_diagram_table
from phasegrok.plotting.round_trips import round_trips, round_trips_table
from phasegrok.plotting.run_health import (
    health_of_points,
    health_of_points_table,
    start_traces,
    start_traces_table,
)
from phasegrok.plotting.saving import Table, save_figure
from phasegrok.plotting.style import DOUBLE_COLUMN, PALETTE, SINGLE_COLUMN, style
from phasegrok.plotting.switching_collapse import switching_collapse, switching_collapse_table
from phasegrok.plotting.verdict_features import verdict_features, verdict_features_table

__all__ = [
    "DOUBLE_COLUMN",
    "LINE_NAMES",
    "PALETTE",
    "SINGLE_COLUMN",
    "Table",
    "against_noise",
    "against_noise_table",
    "coexistence_line",
    "coexistence_line_table",
    "collapse",
    "collapse_table",
    "control_map",
    "control_map_table",
    "corner",
    "corner_table",
    "discrepancies",
    "free_energy",
    "free_energy_table",
    "health_of_points",
    "health_of_points_table",
    "hysteresis",
    "hysteresis_table",
    "lifetimes",
    "lifetimes_table",
    "overlap_density",
    "overlap_density_table",
    "phase_diagram",
    "phase_diagram_table",
    "round_trips",
    "round_trips_table",
    "save_figure",
    "start_traces",
    "start_traces_table",
    "style",
    "switching_collapse",
    "switching_collapse_table",
    "verdict_features",
    "verdict_features_table",
]
