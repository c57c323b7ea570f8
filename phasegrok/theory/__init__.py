"""What the papers predict: formulas and solvers to draw next to measurements.

`CubicTeacherSystem` describes the two-layer erf network with a cubic teacher; its equations
are solved at finite size by `solve_finite_size` and in closed form by `solve_large_size`, and
the lines of its phase diagram come from `phase_boundary`.
"""

from phasegrok.theory.cubic_teacher import CubicTeacherSystem, erf_moments
from phasegrok.theory.deep_linear_coexistence import deep_linear_coexistence
from phasegrok.theory.deep_linear_driven_escape import deep_linear_driven_escape
from phasegrok.theory.deep_linear_equilibrium import deep_linear_equilibrium
from phasegrok.theory.deep_linear_escape import deep_linear_escape, langer_rate
from phasegrok.theory.deep_linear_large_width import (
    DeepLinearCriticalPoint,
    deep_linear_critical_point,
    deep_linear_large_width,
    deep_linear_large_width_lines,
)
from phasegrok.theory.deep_linear_modes import deep_linear_modes
from phasegrok.theory.deep_linear_ramp import deep_linear_ramp
from phasegrok.theory.finite_size import FiniteSizeSolution, solve_finite_size
from phasegrok.theory.landscape import Landscape, StationaryPoint, action, landscape
from phasegrok.theory.large_size import (
    LargeSizeSolution,
    gaussian_phase,
    large_size_onset,
    large_size_well_limit,
    solve_large_size,
)
from phasegrok.theory.phase_boundary import (
    CoexistenceRange,
    PhaseLine,
    aligned_crossover,
    coexistence_range,
    crossover_line,
    first_order_line,
    well_limit_line,
)

__all__ = [
    "CoexistenceRange",
    "CubicTeacherSystem",
    "DeepLinearCriticalPoint",
    "FiniteSizeSolution",
    "Landscape",
    "LargeSizeSolution",
    "PhaseLine",
    "StationaryPoint",
    "action",
    "aligned_crossover",
    "coexistence_range",
    "crossover_line",
    "deep_linear_coexistence",
    "deep_linear_critical_point",
    "deep_linear_driven_escape",
    "deep_linear_equilibrium",
    "deep_linear_escape",
    "deep_linear_large_width",
    "deep_linear_large_width_lines",
    "deep_linear_modes",
    "deep_linear_ramp",
    "erf_moments",
    "first_order_line",
    "gaussian_phase",
    "landscape",
    "langer_rate",
    "large_size_onset",
    "large_size_well_limit",
    "solve_finite_size",
    "solve_large_size",
    "well_limit_line",
]
