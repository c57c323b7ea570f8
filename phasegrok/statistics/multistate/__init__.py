"""Many points of control space as one body of samples: multistate reweighting (MBAR)."""

from phasegrok.statistics.multistate.estimates import (
    MultistateEstimate,
    multistate_free_energy,
    multistate_mean,
    sample_shares,
)
from phasegrok.statistics.multistate.overlap import (
    MINIMUM_SHARED_SAMPLES,
    Overlap,
    state_overlap,
)
from phasegrok.statistics.multistate.reach import MOST_WIDTHS, distance_to_states
from phasegrok.statistics.multistate.resampled import (
    bootstrap_of_states,
    independent_units,
    resampled_runs,
    resampled_states,
)
from phasegrok.statistics.multistate.samples import StateSamples, state_samples
from phasegrok.statistics.multistate.solution import (
    Multistate,
    solve_states,
    solved,
    state_covariance,
)

__all__ = [
    "MINIMUM_SHARED_SAMPLES",
    "MOST_WIDTHS",
    "Multistate",
    "MultistateEstimate",
    "Overlap",
    "StateSamples",
    "bootstrap_of_states",
    "distance_to_states",
    "independent_units",
    "multistate_free_energy",
    "multistate_mean",
    "resampled_runs",
    "resampled_states",
    "sample_shares",
    "solve_states",
    "solved",
    "state_covariance",
    "state_overlap",
    "state_samples",
]
