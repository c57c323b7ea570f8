"""Stationary points of the free energy of a wide deep linear network, target one.

With the share g of the target that is learned, y the squared norm of a hidden layer, λ the
weight decay and t the temperature times the width,

    y^L = g [t + g (1 - g)]/(1 - g),   λ = [t + g (1 - g)]/y

holds at every stationary point: each pair of t and g belongs to one λ, so no search can miss
a phase, and spinodals follow in closed form.
"""

from itertools import pairwise
from math import log, nan, sqrt

import numpy as np
from scipy.optimize import brentq

from phasegrok.exact.checking import FloatArray

__all__ = [
    "coexistence_slope",
    "critical_share",
    "crossover_share",
    "log_decay_of",
    "norm_and_free_energy",
    "spinodal_shares",
    "spinodal_temperature",
    "stationary_shares",
]

# Closer to the critical temperature the spinodals differ by rounding alone.
CRITICAL_ROUNDING = 1e-6
# Smaller shares than exp(-690) are no numbers, larger ones than 1 - exp(-36) are one.
LOWEST_LOGIT, LARGEST_LOGIT = -690.0, 36.0


def critical_share(depth: int) -> float:
    """Share at the critical point, where the spinodals meet."""
    linear = 6 * depth - 8
    root = sqrt(linear**2 - 24 * (depth - 1) * (depth - 2))
    # The smaller root, in the form that cancels no digits.
    return 2 * (depth - 2) / (linear + root)


def spinodal_temperature(share: float, depth: int) -> float:
    """T at which a share is that of a spinodal, s = 1."""
    return share * (1 - share) * (depth - 2 - 2 * (depth - 1) * share)


def log_decay_of(share: float, heat: float, depth: int) -> float:
    """Ln λ of the stationary point with a given share, s = 1."""
    decay: float = (1 - 1 / depth) * np.log(heat + share * (1 - share)) - (
        np.log(share) - np.log1p(-share)
    ) / depth
    return decay


def spinodal_shares(heat: float, depth: int) -> tuple[float, float] | None:
    """Shares of the target at both spinodals, the unlearned one's first."""
    if depth == 2:
        return None
    critical = spinodal_temperature(critical_share(depth), depth)
    if heat >= critical * (1 - CRITICAL_ROUNDING):
        return None

    def excess(share: float) -> float:
        return spinodal_temperature(share, depth) - heat

    middle = critical_share(depth)
    last = (depth - 2) / (2 * depth - 2)
    # The tangent at zero lies above the curve.
    lower = brentq(excess, heat / (depth - 2) / 2, middle, xtol=1e-300, rtol=1e-14)
    return float(lower), float(brentq(excess, middle, last, rtol=1e-14))


def stationary_shares(log_decay: float, heat: float, depth: int) -> list[float]:
    """Shares of the target in the unlearned phase, at the saddle, in the learned phase."""
    spinodals = spinodal_shares(heat, depth)
    # ln λ + logit/L lies between these two, whatever the share.
    bounds = [(1 - 1 / depth) * log(each) - log_decay for each in (heat, heat + 0.25)]
    low, high = depth * bounds[0] - 1e-9, depth * bounds[1] + 1e-9
    if spinodals is None:
        share = _share_at(log_decay, heat, depth, low, high)
        steepest = crossover_share(heat, depth)
        learned = steepest is not None and share > steepest
        return [nan, nan, share] if learned else [share, nan, nan]
    lower, upper = (log(each / (1 - each)) for each in spinodals)
    below, above = (log_decay_of(each, heat, depth) for each in spinodals)
    if not below < log_decay < above:
        share = _share_at(log_decay, heat, depth, low, high)
        return [nan, nan, share] if log_decay <= below else [share, nan, nan]
    ends = [min(low, lower - 1), lower, upper, max(high, upper + 1)]
    return [_share_at(log_decay, heat, depth, *piece) for piece in pairwise(ends)]


def norm_and_free_energy(
    share: FloatArray, heat: FloatArray, depth: int
) -> tuple[FloatArray, FloatArray]:
    """Squared norm of a hidden layer, and F, s = 1."""
    hidden = depth - 1
    strength = heat + share * (1 - share)
    log_norm = (np.log(share) - np.log1p(-share) + np.log(strength)) / depth
    # λ y = t + g (1 - g), and λ/(y^(L-1) + λ) = 1 - g.
    free: FloatArray = hidden * strength / 2 + (1 - share) / 2 - hidden * heat * log_norm / 2
    return np.exp(log_norm), free


def coexistence_slope(share: FloatArray, log_decay: float, heat: float, depth: int) -> float:
    """dλ/dt from the jumps of ∂F/∂t and ∂F/∂λ."""
    y, _ = norm_and_free_energy(share, np.array(heat), depth)
    by_decay = (depth - 1) * y / 2 + share * (1 - share) / (2 * np.exp(log_decay))
    by_heat = -(depth - 1) * np.log(y) / 2
    return float(-(by_heat[2] - by_heat[0]) / (by_decay[2] - by_decay[0]))


def crossover_share(heat: float, depth: int) -> float | None:
    """Share at the largest |d ln m/d ln λ| of the only phase, s = 1."""
    if heat >= depth - 1:
        return None

    def excess(share: float) -> float:
        # From d/dg of -g d ln λ/dg = 1/[L (1-g)] - (1-1/L) g (1-2g)/[t + g (1-g)].
        right = (depth - 1) * (1 - share) ** 2 * (heat * (1 - 4 * share) - share**2)
        return (heat + share * (1 - share)) ** 2 - right

    end = heat / (2 * heat + sqrt(4 * heat**2 + heat))
    return float(brentq(excess, 0.0, end, xtol=1e-300, rtol=1e-14))


def _share_at(log_decay: float, heat: float, depth: int, low: float, high: float) -> float:
    """Share at which λ is reached, as logit, between two logits."""

    def excess(logit: float) -> float:
        spread = 1 / (2 + 2 * np.cosh(logit))
        return (1 - 1 / depth) * log(heat + spread) - logit / depth - log_decay

    low, high = (min(max(end, LOWEST_LOGIT), LARGEST_LOGIT) for end in (low, high))
    ends = excess(low), excess(high)
    if ends[0] * ends[1] > 0:
        # A share beyond all digits is that of the end.
        logit = low if abs(ends[0]) < abs(ends[1]) else high
    else:
        logit = brentq(excess, low, high, xtol=1e-13, rtol=1e-14)
    return float(1 / (1 + np.exp(-logit)))
