"""Densities of folded overlaps: one phase with heavy tails, or two that coexist."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol, final

import numpy as np
from scipy.special import expit, gammaln

from phasegrok.inference.counts import Counts
from phasegrok.inference.priors import LOGARITHM, LOGIT, Parameter, ParameterSpace
from phasegrok.statistics.samples import FloatArray

__all__ = ["NEAREST_DROPLET", "FoldedModel", "OnePhase", "TwoPhases", "bin_probabilities"]


NEAREST_DROPLET: Final = 1.5
"""Least distance of another phase from q = 0, in robust standard deviations."""


class FoldedModel(Protocol):
    """A family of densities of |q|."""

    @property
    def space(self) -> ParameterSpace:
        """Parameters with their prior."""
        ...

    def density(self, standard: FloatArray, overlaps: FloatArray) -> FloatArray:
        """Return the density (walker, bin) of |q| at coordinates (walker, parameter)."""
        ...


def _column(values: FloatArray) -> FloatArray:
    return values[:, None]


def _student(overlaps: FloatArray, scale: FloatArray, tail: FloatArray) -> FloatArray:
    """Density (walker, bin) of |q| for q of Student's law about 0."""
    log_peak = (
        np.log(2.0)
        + gammaln(0.5 * (tail + 1.0))
        - gammaln(0.5 * tail)
        - 0.5 * np.log(np.pi * tail)
        - np.log(scale)
    )
    squared = (overlaps / _column(scale)) ** 2 / _column(tail)
    return np.exp(_column(log_peak) - _column(0.5 * (tail + 1.0)) * np.log1p(squared))


def _skewed(
    overlaps: FloatArray, position: FloatArray, width: FloatArray, skewness: FloatArray
) -> FloatArray:
    """Density (walker, bin) of a skewed normal law, folded."""
    # Mean and variance of the skew-normal law centre the parameters; with the logistic
    # function in place of the normal one they hold approximately, the norm exactly.
    bend = skewness / np.sqrt(1.0 + skewness**2)
    scale = width / np.sqrt(1.0 - 2.0 * bend**2 / np.pi)
    location = position - scale * bend * np.sqrt(2.0 / np.pi)
    peak = _column(np.sqrt(2.0 / np.pi) / scale)
    density = np.zeros((len(position), overlaps.size))
    for sign in (1.0, -1.0):
        distance = (sign * overlaps - _column(location)) / _column(scale)
        density += (
            peak * np.exp(-0.5 * distance**2) * expit(1.702 * _column(skewness) * distance)
        )
    return density


@final
@dataclass(frozen=True, kw_only=True)
class OnePhase:
    """One phase about q = 0 with free variance and heavy tails: Student's t.

    Parameters
    ----------
    spread : float
        Robust standard deviation of the overlaps, the unit of the prior.
    """

    spread: float

    @cached_property
    def space(self) -> ParameterSpace:
        """Parameters with their prior."""
        return ParameterSpace(
            (
                Parameter(
                    name="central_scale",
                    meaning="scale of the phase about q = 0",
                    transform=LOGARITHM,
                    centre=float(np.log(self.spread)),
                    spread=0.7,
                ),
                Parameter(
                    name="central_tail",
                    meaning="degrees of freedom; infinite for a normal law",
                    transform=LOGARITHM,
                    centre=2.0,
                    spread=1.0,
                ),
            )
        )

    def density(self, standard: FloatArray, overlaps: FloatArray) -> FloatArray:
        """Return the density (walker, bin) of |q|."""
        values = self.space.values(standard)
        return _student(overlaps, values["central_scale"], values["central_tail"])


@final
@dataclass(frozen=True, kw_only=True)
class TwoPhases:
    """A phase about q = 0 and a droplet phase at ±q*, labels summed over.

    p(|q|) = (1 - w) t(|q|; scale, tail) + w [g(|q|) + g(-|q|)], t Student's law folded and
    g a skewed normal law of the given mean and width: ±q* share all parameters.

    Parameters
    ----------
    spread : float
        Robust standard deviation of the overlaps, the unit of the prior.
    """

    spread: float

    @cached_property
    def space(self) -> ParameterSpace:
        """Parameters with their prior."""
        logarithm = float(np.log(self.spread))
        return ParameterSpace(
            (
                *OnePhase(spread=self.spread).space.parameters,
                Parameter(
                    name="component_weight",
                    meaning="share of the droplet component",
                    transform=LOGIT,
                    centre=-2.5,
                    spread=1.7,
                ),
                Parameter(
                    name="component_position",
                    meaning="mean |q| of the droplet component",
                    transform=LOGARITHM,
                    centre=logarithm + 1.5,
                    spread=0.7,
                    shift=NEAREST_DROPLET * self.spread,
                ),
                Parameter(
                    name="component_width",
                    meaning="standard deviation of the droplet component",
                    transform=LOGARITHM,
                    centre=logarithm,
                    spread=0.7,
                ),
                Parameter(
                    name="component_skewness",
                    meaning="slant of the droplet component, negative towards q = 0",
                    spread=2.0,
                ),
            )
        )

    def density(self, standard: FloatArray, overlaps: FloatArray) -> FloatArray:
        """Return the density (walker, bin) of |q|."""
        values = self.space.values(standard)
        central = _student(overlaps, values["central_scale"], values["central_tail"])
        droplet = _skewed(
            overlaps,
            values["component_position"],
            values["component_width"],
            values["component_skewness"],
        )
        weight = _column(values["component_weight"])
        return (1.0 - weight) * central + weight * droplet


def bin_probabilities(model: FoldedModel, standard: FloatArray, data: Counts) -> FloatArray:
    """Return the probabilities (walker, bin) of the bins, normalised over them."""
    weights = model.density(standard, data.centres) * data.widths + 1e-290
    probabilities: FloatArray = weights / weights.sum(axis=1, keepdims=True)
    return probabilities
