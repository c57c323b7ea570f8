"""Kinds of transition, each a law of the features with a prior of its parameters."""

from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from phasegrok.inference import (
    IDENTITY,
    INTERVAL,
    LOGARITHM,
    Parameter,
    ParameterSpace,
    Transform,
    uniform,
)
from phasegrok.statistics.samples import FloatArray
from phasegrok.verdict.answers import (
    CONTINUOUS,
    CROSSOVER,
    FIRST_ORDER,
    NO_LATENT_HEAT,
    UNDETERMINED,
)
from phasegrok.verdict.laws import (
    Law,
    Sizes,
    continuous_law,
    crossover_law,
    first_order_law,
    none_law,
    weak_law,
)

__all__ = ["PRIORS", "ScalingModel", "energy_models", "scaling_models", "widened"]

WEAK: Final = "weak"
"""First-order with a correlation volume beyond the data."""

NONE: Final = "none"
"""Powers of any kind."""

_PRIOR_UNRESOLVED: Final = 0.05

ABSOLUTE: Final = Transform(name="absolute", forward=np.abs, inverse=np.abs)
"""For a height: half-normal."""

_INTERCEPT_SPREAD: Final = 3.0

PRIORS: Final = {
    "intercepts": ("slope", "variance"),
    "corrections": ("slope_correction", "variance_correction", "barrier_correction"),
    "barriers": ("barrier", "barrier_growth"),
}
"""Sorts of beliefs that no law demands, and the parameters that each is about."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ScalingModel:
    """One kind of transition.

    Parameters
    ----------
    kind : str
        Name, unique among those that are compared.
    answer : str
        What it speaks for.
    prior : float
        Its probability beforehand.
    space : ParameterSpace
        Parameters with their prior; features depend linearly on those of identity transform.
    predict : callable
        Maps named values (draw,) and sizes to features (draw, size, feature).
    """

    kind: str
    answer: str
    prior: float
    space: ParameterSpace
    predict: Law

    @property
    def linear(self) -> NDArray[np.bool_]:
        """Which parameters enter linearly, (parameter,)."""
        return np.array([each.transform is IDENTITY for each in self.space.parameters])

    def features(self, standard: FloatArray, sizes: Sizes) -> FloatArray:
        """Features (draw, size, feature) at standard coordinates (draw, parameter)."""
        return self.predict(self.space.values(standard), sizes)


def scaling_models(sizes: Sizes, centres: FloatArray) -> tuple[ScalingModel, ...]:
    """Set up all kinds for an order parameter.

    Parameters
    ----------
    sizes : Sizes
        All sizes measured.
    centres : (feature,) array
        Means of the measured features, about which intercepts are believed.

    Returns
    -------
    tuple of ScalingModel
        The three answers, and two ways in which the data cannot tell.
    """
    shared = _shared(centres)
    powers = (
        uniform("slope_power", 0.18, 0.8, meaning="s = (1 - β)/(νd)"),
        uniform("order_power", 0.015, 0.3, meaning="x = β/(νd)"),
    )
    continuous = (
        *powers,
        _height("barrier", 1.5, "barrier between the peaks of the critical law"),
        _normal("barrier_correction", 0.0, 0.3, "leading correction of the barrier"),
    )
    crossover = (
        _log_range("saturation_size", sizes.smallest / 20.0, sizes.largest / 3.0, "N₀"),
        uniform("slope_power", 0.3, 1.2, meaning="power of S below N₀"),
        _extremes("variance_power", "power of 1/N in V beyond N₀: near 0 or 1"),
        _height("barrier", 5.0, "twice the largest barrier, at N₀"),
    )
    free = (
        uniform("slope_power", -0.2, 1.4, meaning="power of S"),
        uniform("variance_power", -0.3, 1.2, meaning="power of 1/V"),
    )
    return (
        _kind(FIRST_ORDER, 0.3, (*shared, *_growing_barrier()), first_order_law),
        _kind(CONTINUOUS, 0.3, (*shared, *continuous), continuous_law),
        _kind(CROSSOVER, 0.3, (*shared, *crossover), crossover_law),
        _unresolved(WEAK, (*shared, *powers, *_late_barrier(sizes)), weak_law),
        _unresolved(NONE, (*shared, *free, *_any_barrier()), none_law),
    )


def energy_models(sizes: Sizes, centres: FloatArray) -> tuple[ScalingModel, ...]:
    """Set up all kinds for the energy per degree of freedom.

    N Var e is a specific heat: N at first order, N^(α/(νd)) or a logarithm at a critical point,
    constant at a crossover, which therefore count as one answer. ln S is not used, since
    d⟨e⟩/dβ = -N Var e is no second piece of news.

    Parameters
    ----------
    sizes : Sizes
        All sizes measured.
    centres : (feature,) array
        Means of the measured features.

    Returns
    -------
    tuple of ScalingModel
        First-order, no latent heat, and two ways in which the data cannot tell.
    """
    shared = _shared(centres)
    power = (
        uniform("slope_power", -0.1, 0.65, meaning="α/(νd) of the slope"),
        uniform("order_power", 0.175, 0.525, meaning="(1 - α/(νd))/2"),
    )
    single = (
        *power,
        _height("barrier", 0.5, "barrier within the critical law"),
        _normal("barrier_correction", 0.0, 0.3, "leading correction of the barrier"),
    )
    free = (
        uniform("slope_power", -0.2, 1.4, meaning="power of S"),
        uniform("variance_power", -0.3, 1.4, meaning="power of 1/V"),
    )
    return (
        _kind(FIRST_ORDER, 0.45, (*shared, *_growing_barrier()), first_order_law),
        _kind(NO_LATENT_HEAT, 0.45, (*shared, *single), continuous_law),
        _unresolved(WEAK, (*shared, *power, *_late_barrier(sizes)), weak_law),
        _unresolved(NONE, (*shared, *free, *_any_barrier()), none_law),
    )


def _kind(
    answer: str, prior: float, parameters: tuple[Parameter, ...], predict: Law
) -> ScalingModel:
    return ScalingModel(
        kind=answer,
        answer=answer,
        prior=prior,
        space=ParameterSpace(parameters),
        predict=predict,
    )


def _unresolved(kind: str, parameters: tuple[Parameter, ...], predict: Law) -> ScalingModel:
    return replace(_kind(kind, _PRIOR_UNRESOLVED, parameters, predict), answer=UNDETERMINED)


def _shared(centres: FloatArray) -> tuple[Parameter, ...]:
    return (
        _normal("slope", float(centres[0]), _INTERCEPT_SPREAD, "ln S at the largest size"),
        _normal("variance", float(centres[1]), _INTERCEPT_SPREAD, "ln V at the largest size"),
        _normal("slope_correction", 0.0, 0.5, "leading correction of ln S"),
        _normal("variance_correction", 0.0, 0.5, "leading correction of ln V"),
        uniform("correction_power", 0.25, 1.0, meaning="power of the leading correction in N"),
    )


def _growing_barrier() -> tuple[Parameter, ...]:
    return (
        _normal("barrier", 0.0, 1.0, "constant part of the barrier"),
        _positive("barrier_growth", 3.0, 1.0, "barrier of the interface at N_max"),
    )


def _late_barrier(sizes: Sizes) -> tuple[Parameter, ...]:
    return (
        _height("barrier", 1.5, "barrier between the peaks at small sizes"),
        _positive("barrier_growth", 1.0, 0.5, "barrier of the interface at N₀"),
        _log_range("correlation_size", sizes.largest, sizes.beyond, "N₀ ~ ξ^d"),
    )


def _any_barrier() -> tuple[Parameter, ...]:
    return (
        _normal("barrier", 0.0, 2.0, "constant part of the barrier"),
        _normal("barrier_growth", 0.0, 3.0, "growing part of the barrier at N_max"),
    )


def widened(model: ScalingModel, factor: float, *, prior: str) -> ScalingModel:
    """Widen the priors of one sort.

    Parameters
    ----------
    model : ScalingModel
        As set up.
    factor : float
        By which spreads are multiplied.
    prior : str
        One of `PRIORS`; ranges of possible exponents and sizes are among none of them.

    Returns
    -------
    ScalingModel
        Of the same kind.
    """
    parameters = tuple(
        replace(each, spread=factor * each.spread) if each.name in PRIORS[prior] else each
        for each in model.space.parameters
    )
    return replace(model, space=ParameterSpace(parameters))


def _normal(name: str, centre: float, spread: float, meaning: str) -> Parameter:
    return Parameter(name=name, meaning=meaning, centre=centre, spread=spread)


def _positive(name: str, median: float, spread: float, meaning: str) -> Parameter:
    return Parameter(
        name=name,
        meaning=meaning,
        transform=LOGARITHM,
        centre=float(np.log(median)),
        spread=spread,
    )


def _height(name: str, spread: float, meaning: str) -> Parameter:
    return Parameter(name=name, meaning=meaning, transform=ABSOLUTE, spread=spread)


def _extremes(name: str, meaning: str) -> Parameter:
    return Parameter(name=name, meaning=meaning, transform=INTERVAL, spread=2.5)


def _log_range(name: str, low: float, high: float, meaning: str) -> Parameter:
    return uniform(f"log_{name}", float(np.log(low)), float(np.log(high)), meaning=meaning)
