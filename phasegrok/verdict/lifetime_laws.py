"""Whether lifetimes grow with a barrier or as a power of the size.

Without a barrier ln τ = a + k ln N, as at a critical point; between phases a + k ln N + B with
a barrier B = c N^θ, c > 0, and θ = (d-1)/d, 1 in mean field. The power k is free in both: of
a barrier it is that of the prefactor (Langer, Ann. Phys. 54, 258, 1969; Hänggi, Talkner and
Borkovec, Rev. Mod. Phys. 62, 251, 1990), else the dynamic exponent over the dimension
(Hohenberg and Halperin, Rev. Mod. Phys. 49, 435, 1977).
"""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from scipy.special import digamma, expit, log_ndtr, polygamma
from scipy.stats import chi2

from phasegrok.inference import linear_posterior
from phasegrok.statistics.samples import FloatArray

__all__ = ["LifetimeLaws", "weigh_lifetimes"]

_INTERCEPT_SPREAD: Final = 3.0
"""Of a, normal about the mean ln τ."""

_POWER: Final = (0.5, 1.0)
"""Mean and standard deviation of k, normal: -1.5 to 2.5 within two of them."""

_BARRIER: Final = 5.0
"""Scale of B at the largest size, half-normal: its median is 3.4."""

_LAW_ERRORS: Final = (0.03, 0.1)
"""Errors of the laws themselves, asymptotic as they are: constant, and with (N_min/N)^½."""


@final
@dataclass(frozen=True, kw_only=True)
class LifetimeLaws:
    """What lifetimes of several sizes say of a barrier.

    Parameters
    ----------
    chance : float
        Probability of a barrier, where either law is true and both were likely alike.
    barrier, barrier_error : float
        B at the largest size by a normal prior of the same scale: negative where curvature
        speaks against a barrier.
    power, power_error : float
        k without a barrier.
    predictive : float
        Probability of a larger χ² of the law that fits better, its parameters free.
    """

    chance: float
    barrier: float
    barrier_error: float
    power: float
    power_error: float
    predictive: float


def weigh_lifetimes(
    volume: FloatArray, lifetime: FloatArray, *, escapes: FloatArray, exponent: float
) -> LifetimeLaws:
    """Weigh a barrier against a power of the size.

    Parameters
    ----------
    volume : (size,) array
        N, three at least, all different.
    lifetime : (size,) array
        τ̂, time at risk over the number of escapes.
    escapes : (size,) array
        What the escapes are worth: ln τ̂ has the bias ψ(n) - ln n, which is taken off, and
        the variance ψ'(n).
    exponent : float
        θ.

    Returns
    -------
    LifetimeLaws
        By evidence: parameters are normal beforehand and integrated out exactly. That of c > 0
        is twice that of all c times the probability of c > 0 given the data.
    """
    logarithm = np.log(lifetime) + np.log(escapes) - digamma(escapes)
    own, early = _LAW_ERRORS
    variance = polygamma(1, escapes) + own**2 + early**2 * volume.min() / volume
    weight = 1.0 / np.sqrt(variance)
    share = weight**2 / np.sum(weight**2)

    def centred(values: FloatArray) -> FloatArray:
        changes: FloatArray = values - share @ values
        return changes

    # In units of the smallest N, whose power is then a number whatever the unit.
    area = (volume / volume.min()) ** exponent
    columns = (np.ones_like(volume), centred(np.log(volume)), centred(area / area.max()))
    scales = np.array([_INTERCEPT_SPREAD, _POWER[1], _BARRIER])
    design = np.stack(columns, axis=1) * weight[:, None]
    change = centred(logarithm) * weight
    residuals = (change - _POWER[0] * design[:, 1])[None]
    power = linear_posterior(residuals, (design * scales)[None, :, :2])
    barrier = linear_posterior(residuals, (design * scales)[None])
    slope, height = (
        [float(each[0, 0]) for each in law.predicted(np.eye(count)[None, -1:])]
        for law, count in ((power, 2), (barrier, 3))
    )
    odds = float(barrier.log_marginal[0] - power.log_marginal[0]) + np.log(2.0)
    return LifetimeLaws(
        chance=float(expit(odds + log_ndtr(height[0] / np.sqrt(height[1])))),
        barrier=_BARRIER * height[0],
        barrier_error=float(_BARRIER * np.sqrt(height[1])),
        power=_POWER[0] + _POWER[1] * slope[0],
        power_error=float(_POWER[1] * np.sqrt(slope[1])),
        predictive=max(_predictive(change, design[:, :2]), _predictive(change, design)),
    )


def _predictive(change: FloatArray, design: FloatArray) -> float:
    """Probability of a larger χ² than of least squares; 0 for a barrier that is negative."""
    found = np.linalg.lstsq(design, change, rcond=None)[0]
    if design.shape[1] > 2 and found[2] <= 0.0:
        return 0.0
    freedom = change.size - design.shape[1]
    square = float(np.sum((change - design @ found) ** 2))
    return float(chi2.sf(square, freedom)) if freedom > 0 else 1.0
