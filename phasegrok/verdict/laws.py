"""How slope, variance and barrier depend on size in each kind of transition.

With u = ln(N/N_max), corrections h = (N/N_min)^(-w) and θ = (d-1)/d, 1 in mean field:

- first-order: S ~ N, V constant, B grows as N^θ.
- continuous: S ~ N^s with s = y - x, V ~ N^(-2x), B constant; y = 1/(νd), x = β/(νd).
- crossover: S saturates and V falls as 1/N or saturates beyond a size N₀, and B vanishes again.
- weak: continuous below a size N₀ beyond the data and first-order above it.
- none: powers of any kind.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np

from phasegrok.statistics.samples import FloatArray

__all__ = [
    "Law",
    "Sizes",
    "Values",
    "continuous_law",
    "crossover_law",
    "first_order_law",
    "none_law",
    "weak_law",
]

_LARGEST_HIDDEN_RATIO: Final = float(np.sqrt(50.0))
"""Of the barrier of order one at N₀ to that at N_max: fifty times N_max in two dimensions."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Sizes:
    """Sizes of a study and how barriers grow with them.

    Parameters
    ----------
    volumes : (size,) array
        N.
    exponent : float
        θ of the barrier of an interface, B ~ N^θ.
    smallest, largest : float
        N_min and N_max, to which corrections and intercepts refer.
    """

    volumes: FloatArray
    exponent: float
    smallest: float
    largest: float

    @classmethod
    def of(cls, volumes: FloatArray, dimension: int | None) -> "Sizes":
        """Sizes of linear extents in a dimension, or of numbers of degrees of freedom."""
        exponent = 1.0 if dimension is None else (dimension - 1.0) / dimension
        return cls(
            volumes=volumes,
            exponent=exponent,
            smallest=float(volumes.min()),
            largest=float(volumes.max()),
        )

    def at(self, volumes: FloatArray) -> "Sizes":
        """Other sizes; corrections and intercepts refer to the same ones."""
        return replace(self, volumes=volumes)

    @property
    def beyond(self) -> float:
        """N₀ from which a barrier (N/N₀)^θ is too low to be seen at the largest size."""
        factor: float = _LARGEST_HIDDEN_RATIO ** (1.0 / max(self.exponent, 0.5))
        return self.largest * factor

    @property
    def u(self) -> FloatArray:
        """ln(N/N_max), (size,)."""
        return np.log(self.volumes / self.largest)


Values = Mapping[str, FloatArray]
Law = Callable[[Values, Sizes], FloatArray]


def _column(values: Values, name: str) -> FloatArray:
    return values[name][:, None]


def _correction(values: Values, sizes: Sizes) -> FloatArray:
    """h, (draw, size)."""
    power: FloatArray = (sizes.volumes / sizes.smallest) ** -_column(values, "correction_power")
    return power


def _corrected(
    values: Values, sizes: Sizes, share: float = 1.0
) -> tuple[FloatArray, FloatArray]:
    """Ln S and ln V without their dependence on size but for the corrections."""
    h = share * _correction(values, sizes)
    return (
        _column(values, "slope") + _column(values, "slope_correction") * h,
        _column(values, "variance") + _column(values, "variance_correction") * h,
    )


def _features(slope: FloatArray, variance: FloatArray, barrier: FloatArray) -> FloatArray:
    return np.stack(np.broadcast_arrays(slope, variance, barrier), axis=-1)


def _grown(sizes: Sizes) -> FloatArray:
    grown: FloatArray = (sizes.volumes / sizes.largest) ** sizes.exponent
    return grown


def first_order_law(values: Values, sizes: Sizes) -> FloatArray:
    """Two phases beyond their correlation volume: features (draw, size, feature)."""
    slope, variance = _corrected(values, sizes)
    # S = N V at the steepest point of a logistic between two phases: corrections of V enter S.
    shared = _column(values, "variance_correction") * _correction(values, sizes)
    barrier = _column(values, "barrier") + _column(values, "barrier_growth") * _grown(sizes)
    return _features(slope + shared + sizes.u, variance, barrier)


def _powers(values: Values, sizes: Sizes) -> tuple[FloatArray, FloatArray]:
    slope, variance = _corrected(values, sizes)
    return (
        slope + _column(values, "slope_power") * sizes.u,
        variance - 2.0 * _column(values, "order_power") * sizes.u,
    )


def continuous_law(values: Values, sizes: Sizes) -> FloatArray:
    """Powers, and a barrier of the critical law: features (draw, size, feature)."""
    slope, variance = _powers(values, sizes)
    bend = _column(values, "barrier_correction") * _correction(values, sizes)
    return _features(slope, variance, _column(values, "barrier") + bend)


def crossover_law(values: Values, sizes: Sizes) -> FloatArray:
    """Saturation beyond a size: features (draw, size, feature)."""
    slope, variance = _corrected(values, sizes, share=0.3)
    ratio = sizes.volumes / np.exp(_column(values, "log_saturation_size"))
    slope = slope - _column(values, "slope_power") * np.log1p(1.0 / ratio)
    variance = variance - _column(values, "variance_power") * np.log1p(ratio)
    grown = ratio**sizes.exponent
    return _features(slope, variance, _column(values, "barrier") * grown / (1.0 + grown**2))


def weak_law(values: Values, sizes: Sizes) -> FloatArray:
    """Continuous up to a correlation volume: features (draw, size, feature)."""
    slope, variance = _powers(values, sizes)
    ratio = sizes.volumes / np.exp(_column(values, "log_correlation_size"))
    bend = np.log1p(ratio)
    slope = slope + (1.0 - _column(values, "slope_power")) * bend
    variance = variance + 2.0 * _column(values, "order_power") * bend
    growth = _column(values, "barrier_growth") * ratio**sizes.exponent
    return _features(slope, variance, _column(values, "barrier") + growth)


def none_law(values: Values, sizes: Sizes) -> FloatArray:
    """Powers of any kind: features (draw, size, feature)."""
    slope, variance = _corrected(values, sizes)
    slope = slope + _column(values, "slope_power") * sizes.u
    variance = variance - _column(values, "variance_power") * sizes.u
    barrier = _column(values, "barrier") + _column(values, "barrier_growth") * _grown(sizes)
    return _features(slope, variance, barrier)
