"""How parameters move: integrators, and the only training loop."""

from phasegrok.dynamics.building import INTEGRATORS, batch_key, build_run, check_study
from phasegrok.dynamics.cost import Cost, estimate
from phasegrok.dynamics.failure import failed_dataset
from phasegrok.dynamics.integrator import (
    Drive,
    Integrator,
    Settings,
    State,
    assembled_gradient,
)
from phasegrok.dynamics.penalties import PENALTIES, Penalty
from phasegrok.dynamics.simulation import Progress, Simulation, simulate
from phasegrok.dynamics.snapshot import Checkpoints, Snapshot, part_of
from phasegrok.dynamics.starts import STARTS, Start, StartContext
from phasegrok.dynamics.streams import Stream
from phasegrok.dynamics.system import EnergyControls, System

__all__ = [
    "INTEGRATORS",
    "PENALTIES",
    "STARTS",
    "Checkpoints",
    "Cost",
    "Drive",
    "EnergyControls",
    "Integrator",
    "Penalty",
    "Progress",
    "Settings",
    "Simulation",
    "Snapshot",
    "Start",
    "StartContext",
    "State",
    "Stream",
    "System",
    "assembled_gradient",
    "batch_key",
    "build_run",
    "check_study",
    "estimate",
    "failed_dataset",
    "part_of",
    "simulate",
]
