"""Fits by emcee: priors, likelihoods, chains with graded health, evidences with a check."""

from phasegrok.inference.basins import BASIN_QUANTITIES, basins
from phasegrok.inference.chains import Chains, Grade, Health
from phasegrok.inference.counts import Counts, bin_folded
from phasegrok.inference.effective import (
    EffectiveNumbers,
    Groups,
    design_effect,
    effective_numbers,
    group_values,
)
from phasegrok.inference.evidence import Evidence, climb_together, combine
from phasegrok.inference.folded import FoldedFit, fit_folded
from phasegrok.inference.ladder import Ladder, Schedule, bennett, climb
from phasegrok.inference.likelihoods import Misfit
from phasegrok.inference.linear import LinearPosterior, linear_posterior
from phasegrok.inference.model import Model, Posterior, compare, fit_model
from phasegrok.inference.models import FoldedModel, OnePhase, TwoPhases
from phasegrok.inference.priors import (
    IDENTITY,
    INTERVAL,
    LOGARITHM,
    LOGIT,
    Parameter,
    ParameterSpace,
    Transform,
    uniform,
)
from phasegrok.inference.sampling import Budget, sample
from phasegrok.inference.target import Target, target_of

__all__ = [
    "BASIN_QUANTITIES",
    "IDENTITY",
    "INTERVAL",
    "LOGARITHM",
    "LOGIT",
    "Budget",
    "Chains",
    "Counts",
    "EffectiveNumbers",
    "Evidence",
    "FoldedFit",
    "FoldedModel",
    "Grade",
    "Groups",
    "Health",
    "Ladder",
    "LinearPosterior",
    "Misfit",
    "Model",
    "OnePhase",
    "Parameter",
    "ParameterSpace",
    "Posterior",
    "Schedule",
    "Target",
    "Transform",
    "TwoPhases",
    "basins",
    "bennett",
    "bin_folded",
    "climb",
    "climb_together",
    "combine",
    "compare",
    "design_effect",
    "effective_numbers",
    "fit_folded",
    "fit_model",
    "group_values",
    "linear_posterior",
    "sample",
    "target_of",
    "uniform",
]
