"""Systems whose answer is known: sampled without error beyond chance, or solved.

Each function that samples returns a dataset in the schema, with a seed of its own for every
run; `concatenated` joins sizes. What is solved exactly stands beside it, so that every
estimator can be held against the truth.
"""

from phasegrok.exact.autoregression import autoregressive, autoregressive_time
from phasegrok.exact.chains import Chains
from phasegrok.exact.continuous_law import ContinuousLaw
from phasegrok.exact.curie_weiss_ising import (
    CURIE_WEISS_ISING_CRITICAL_INVERSE_TEMPERATURE,
    curie_weiss_ising,
    curie_weiss_ising_law,
)
from phasegrok.exact.curie_weiss_kinetics import (
    curie_weiss_spinodal_field,
    driven_curie_weiss_ising,
)
from phasegrok.exact.curie_weiss_potts import (
    CurieWeissPottsTransition,
    curie_weiss_potts,
    curie_weiss_potts_law,
    curie_weiss_potts_transition,
)
from phasegrok.exact.deep_linear import deep_linear
from phasegrok.exact.deep_linear_law import deep_linear_law
from phasegrok.exact.deep_linear_moments import (
    DeepLinearMoments,
    deep_linear_learned_weight,
    deep_linear_moments,
)
from phasegrok.exact.deep_linear_transition import DeepLinearTransition, deep_linear_transition
from phasegrok.exact.discrete_law import DiscreteLaw, Marginal
from phasegrok.exact.double_well import double_well, double_well_escape_time, double_well_law
from phasegrok.exact.driven_double_well import (
    double_well_spinodal_field,
    driven_double_well,
)
from phasegrok.exact.escapes import curie_weiss_escapes, double_well_escapes
from phasegrok.exact.field_ramp import FieldRamp
from phasegrok.exact.first_passage import (
    birth_death_passage_time,
    curie_weiss_barrier,
    curie_weiss_escape_time,
    double_well_passage_time,
)
from phasegrok.exact.ising import ising
from phasegrok.exact.ising_kinetics import glauber, metropolis
from phasegrok.exact.joining import concatenated
from phasegrok.exact.kaufman import (
    ISING_CRITICAL_INVERSE_TEMPERATURE,
    ising_energy,
    ising_energy_of_the_infinite_lattice,
    ising_log_partition_function,
    ising_spontaneous_magnetization,
)
from phasegrok.exact.mixture import (
    GaussianMixture,
    gaussian_mixture,
    gaussian_mixture_moment,
)
from phasegrok.exact.potts import PottsTransition, potts, potts_transition
from phasegrok.exact.single_well import driven_single_well

__all__ = [
    "CURIE_WEISS_ISING_CRITICAL_INVERSE_TEMPERATURE",
    "ISING_CRITICAL_INVERSE_TEMPERATURE",
    "Chains",
    "ContinuousLaw",
    "CurieWeissPottsTransition",
    "DeepLinearMoments",
    "DeepLinearTransition",
    "DiscreteLaw",
    "FieldRamp",
    "GaussianMixture",
    "Marginal",
    "PottsTransition",
    "autoregressive",
    "autoregressive_time",
    "birth_death_passage_time",
    "concatenated",
    "curie_weiss_barrier",
    "curie_weiss_escape_time",
    "curie_weiss_escapes",
    "curie_weiss_ising",
    "curie_weiss_ising_law",
    "curie_weiss_potts",
    "curie_weiss_potts_law",
    "curie_weiss_potts_transition",
    "curie_weiss_spinodal_field",
    "deep_linear",
    "deep_linear_law",
    "deep_linear_learned_weight",
    "deep_linear_moments",
    "deep_linear_transition",
    "double_well",
    "double_well_escape_time",
    "double_well_escapes",
    "double_well_law",
    "double_well_passage_time",
    "double_well_spinodal_field",
    "driven_curie_weiss_ising",
    "driven_double_well",
    "driven_single_well",
    "gaussian_mixture",
    "gaussian_mixture_moment",
    "glauber",
    "ising",
    "ising_energy",
    "ising_energy_of_the_infinite_lattice",
    "ising_log_partition_function",
    "ising_spontaneous_magnetization",
    "metropolis",
    "potts",
    "potts_transition",
]
