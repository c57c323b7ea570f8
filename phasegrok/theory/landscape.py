"""Wells and barriers of the single-neuron action at given discrepancies b and c.

In z = q²/D, which runs from 0 to 1/2, the action is rational and its stationary points away
from q = 0 are the roots of a quartic, (1 - 2z)² (b - 2cz)(b - 6cz) = K with
K = πg/(4σ_w²u). No search can then miss a well.
"""

from dataclasses import dataclass
from math import inf, log, pi, sqrt
from typing import final

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import ArrayLike

from phasegrok.theory.cubic_teacher import CubicTeacherSystem, FloatArray

__all__ = [
    "Landscape",
    "StationaryPoint",
    "action",
    "landscape",
    "overlap_of_ratio",
    "well_margin",
]


@final
@dataclass(frozen=True, kw_only=True)
class StationaryPoint:
    """A minimum or maximum of -log p(q) at positive q; its mirror image is at -q.

    Parameters
    ----------
    overlap : float
        Position q > 0, dimensionless.
    height : float
        -log p(q) + log p(0), in nats.
    """

    overlap: float
    height: float


@final
@dataclass(frozen=True, kw_only=True)
class Landscape:
    """Stationary points of -log p(q), q ≥ 0.

    Parameters
    ----------
    central_is_minimum : bool
        Whether q = 0 is a minimum. Where it is not, all neurons are aligned.
    barrier : StationaryPoint or None
        The maximum between the centre and the aligned well; None where there is none.
    aligned_well : StationaryPoint or None
        The minimum at q > 0; None where q = 0 is the only minimum.
    """

    central_is_minimum: bool
    barrier: StationaryPoint | None
    aligned_well: StationaryPoint | None

    @property
    def coexistence(self) -> bool:
        """Whether the centre and the aligned well are both minima."""
        return self.central_is_minimum and self.aligned_well is not None


def action(
    system: CubicTeacherSystem, overlap: ArrayLike, *, linear: float, cubic: float
) -> FloatArray:
    """Evaluate the action S(q) of one neuron, zero at q = 0 (Eqs. 13, A.6-A.8).

    S = d [q²/(2σ_w²) - (2u/π)(q²/D)(b - 2c q²/D)²], D = 1 + 2(σ_w² + q²). The paper says
    that "α_⊥ is replaced by σ_w²"; it is |w_⊥|² that is.

    Parameters
    ----------
    system : CubicTeacherSystem
        Network, data and noise.
    overlap : (...) array
        q = w·w*, dimensionless.
    linear, cubic : float
        Discrepancies b and c of y - f = b H₁ + c H₃.

    Returns
    -------
    (...) array, nats
    """
    q2 = np.asarray(overlap, dtype=np.float64) ** 2
    ratio = q2 / (system.saddle_norm + 2.0 * q2)
    force = ratio * (linear - 2.0 * cubic * ratio) ** 2
    prior = q2 / (2.0 * system.first_variance)
    result: FloatArray = system.input_size * (prior - 2.0 * system.interaction / pi * force)
    return result


def _slope_polynomial(linear: float, cubic: float) -> Polynomial:
    # The action falls with z where this exceeds K.
    return (
        Polynomial([1.0, -2.0]) ** 2
        * Polynomial([linear, -2.0 * cubic])
        * Polynomial([linear, -6.0 * cubic])
    )


def _real_roots(polynomial: Polynomial) -> FloatArray:
    # A tangency, as where a well appears, splits by about √(machine precision).
    roots = polynomial.trim().roots()
    real = np.real(roots[np.abs(np.imag(roots)) < 1e-9])
    return np.sort(real[(real > 0.0) & (real < 0.5)]).astype(np.float64)


def overlap_of_ratio(ratio: float, *, saddle_norm: float) -> float:
    """Invert z = q²/(g + 2q²) for q ≥ 0."""
    return sqrt(saddle_norm * ratio / (1.0 - 2.0 * ratio))


def landscape(system: CubicTeacherSystem, *, linear: float, cubic: float) -> Landscape:
    """Find every stationary point of the action, from the roots of its quartic.

    Parameters
    ----------
    system : CubicTeacherSystem
        Network, data and noise.
    linear, cubic : float
        Discrepancies b and c.

    Returns
    -------
    Landscape
        The outermost well, and the barrier inside it.
    """
    threshold = system.critical_strength
    roots = _real_roots(_slope_polynomial(linear, cubic) - threshold)
    points = []
    for ratio in roots[::-1]:
        q = overlap_of_ratio(float(ratio), saddle_norm=system.saddle_norm)
        height = float(action(system, q, linear=linear, cubic=cubic))
        points.append(StationaryPoint(overlap=q, height=height))
    return Landscape(
        central_is_minimum=linear**2 < threshold,
        aligned_well=points[0] if points else None,
        barrier=points[1] if len(points) > 1 else None,
    )


def well_margin(system: CubicTeacherSystem, *, linear: float, cubic: float) -> float:
    """How far the action is from having, or losing, a minimum away from the centre.

    The logarithm of max_z (1 - 2z)² (b - 2cz)(b - 6cz) / K: positive where a well at q ≠ 0
    exists, zero where it appears. Smooth in the controls, so that root finders can use it.

    Parameters
    ----------
    system : CubicTeacherSystem
        Network, data and noise.
    linear, cubic : float
        Discrepancies b and c.

    Returns
    -------
    float, dimensionless
    """
    polynomial = _slope_polynomial(linear, cubic)
    candidates = np.append(_real_roots(polynomial.deriv()), 0.0)
    largest = float(np.max(polynomial(candidates)))
    return log(largest / system.critical_strength) if largest > 0.0 else -inf
