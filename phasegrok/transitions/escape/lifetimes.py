"""Lifetimes of metastable phases from escapes that are censored or dated between two looks.

The escape is taken as exponential once a dead time has passed. The estimator is the total time
at risk over the number of escapes, so a run that never escaped counts with its whole length.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, final

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import gammaincinv

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.samples import BoolArray, FloatArray
from phasegrok.transitions.demands import finite_number, real_numbers, require_magnitude

__all__ = ["Lifetime", "LifetimeStatus", "lifetime"]

LEVELS: Final = {"68": 0.6827, "95": 0.9545}
"""Probability of each interval: one and two standard deviations of a normal law."""

FARTHEST_TREND: Final = 3.0
"""Standard deviations of the trend of the hazard beyond which no single rate is believed."""

COARSEST: Final = 1e3
"""Longest interval, in lifetimes: whatever is wider says nothing."""


class LifetimeStatus(IntEnum):
    """How far a lifetime may be believed."""

    RESOLVED = 0
    """Escapes were seen, at a rate that does not change."""
    NO_ESCAPES = 1
    """Nothing escaped: there is a lower bound only."""
    NOT_EXPONENTIAL = 2
    """The rate changes with time: raise the dead time, or there is more than one phase."""
    NOT_DATED = 3
    """The looks are too far apart: some escape lies in every first interval."""
    NO_RUNS = 4
    """No run is sound and outlives the dead time: nothing is known. Of tables only."""


@final
@dataclass(frozen=True, kw_only=True)
class Lifetime:
    """Mean time of escape at one point.

    Parameters
    ----------
    value : float
        τ, in the unit of the bounds; infinite without escapes.
    lower_68, upper_68, lower_95, upper_95 : float
        Bounds of the intervals.
    escapes, censored, excluded : int
        Runs that escaped, that did not, and that escaped within the dead time.
    effective_escapes : float
        What the escapes are worth; less than their number where intervals are wide.
    time_at_risk : float
        Sum over runs, after the dead time.
    dead_time : float
        What was left out at the beginning: as asked, or the end of the interval that it cut.
    coefficient_of_variation : float
        Standard deviation of the times over their mean, 1 for one rate; NaN with censored
        runs or fewer than two escapes.
    trend : float
        Standardised mean place of the escapes in the total time on test: near 0 for one rate,
        above for a rate that grows (a dead time), below for one that falls (several rates).
    status : LifetimeStatus
        How far to believe it.
    """

    value: float
    lower_68: float
    upper_68: float
    lower_95: float
    upper_95: float
    escapes: int
    censored: int
    excluded: int
    effective_escapes: float
    time_at_risk: float
    dead_time: float
    coefficient_of_variation: float
    trend: float
    status: LifetimeStatus


def lifetime(lower: ArrayLike, upper: ArrayLike, *, dead_time: float = 0.0) -> Lifetime:
    """Estimate the mean time of escape.

    Parameters
    ----------
    lower, upper : (run,) array_like
        Times between which each run escaped; an infinite upper bound is a run that had not
        escaped at its lower bound. Equal bounds date an escape exactly.
    dead_time : float
        Time from the start that is left out, such as the relaxation within the phase. Runs
        that escaped before it are left out with it. Where it falls into the interval of an
        escape it is raised to the end of that interval, since nobody knows which side holds.

    Returns
    -------
    Lifetime
        The maximum of the likelihood Π (e^(-l/τ) - e^(-u/τ)) Π e^(-l/τ): total time at risk
        over escapes [1]_ where bounds are close. Its bias is τ/n at most. Intervals are those
        of 2S/τ, a χ² law of 2n degrees of freedom without censored runs; at a fixed time of
        censoring 2n + 1 are used [2]_, and without escapes the bound of a Poisson law.

    Raises
    ------
    InvalidValueError
        For bounds that are unequal in number, negative, not numbers or in the wrong order, or
        a dead time that is negative.
    InsufficientSamplesError
        Where no run outlives the dead time.

    References
    ----------
    .. [1] Epstein and Sobel, J. Am. Stat. Assoc. 48, 486 (1953).
    .. [2] Cox, Biometrika 40, 354 (1953).
    """
    low, high = _checked(lower, upper)
    dead = _uncut(low, high, finite_number("dead_time", dead_time))
    alive = low >= dead
    excluded = int(np.count_nonzero(~alive))
    low, high = low[alive] - dead, high[alive] - dead
    if not low.size or not high.max() > 0.0:
        raise InsufficientSamplesError("a lifetime", required=1, received=0)
    escaped = np.isfinite(high)
    value, effective, risk = _maximum(low, high, escaped)
    count = int(np.count_nonzero(escaped))
    bounds = _bounds(value, effective, risk, censored=count < low.size)
    trend = _trend(low, high, escaped, value)
    times = 0.5 * (low + high)[escaped]
    known = count == low.size and count > 1
    return Lifetime(
        value=value,
        **bounds,
        escapes=count,
        censored=low.size - count,
        excluded=excluded,
        effective_escapes=effective,
        time_at_risk=risk,
        dead_time=dead,
        coefficient_of_variation=float(times.std(ddof=1) / times.mean()) if known else np.nan,
        trend=trend,
        status=_status(count, value, trend),
    )


def _checked(lower: ArrayLike, upper: ArrayLike) -> tuple[FloatArray, FloatArray]:
    low, high = real_numbers("a lower bound", lower), real_numbers("an upper bound", upper)
    if low.ndim != 1 or low.shape != high.shape:
        raise InvalidValueError(
            f"the bounds must be two arrays on (run,), received shapes {low.shape} and "
            f"{high.shape}; give one pair a run."
        )
    if not (np.isfinite(low) & (low >= 0) & (low <= high)).all():
        raise InvalidValueError(
            "every lower bound must be a time of zero or more and not above the upper one; an "
            "infinite upper bound is a run that did not escape; leave failed runs out."
        )
    for each in (low, high):
        require_magnitude("a bound of an escape", each, each=True)
    return low, high


def _uncut(low: FloatArray, high: FloatArray, dead: float) -> float:
    """Raise the dead time until it cuts no interval of an escape."""
    while True:
        cut = (low < dead) & (high > dead) & np.isfinite(high)
        if not cut.any():
            return dead
        dead = float(high[cut].max())


def _maximum(
    low: FloatArray, high: FloatArray, escaped: BoolArray
) -> tuple[float, float, float]:
    """Most likely τ, the effective number of escapes, and the time at risk."""
    start, end = low[escaped], high[escaped]
    width = end - start
    outlived = float(low.sum())
    if not start.size:
        return np.inf, 0.0, outlived

    def score(log_rate: float) -> float:
        """Derivative of the log likelihood by the logarithm of the rate."""
        rate = np.exp(log_rate)
        return float(np.sum(_share(rate * width)) - rate * outlived)

    shortest = (outlived + float(width.sum())) / start.size
    if outlived <= 0.0:
        return 0.0, 0.0, 0.5 * float(width.sum())
    top, bottom = np.log(COARSEST / shortest), np.log(0.5 / shortest)
    while score(bottom) < 0.0:
        bottom -= 1.0
    while score(top) > 0.0:
        top += 1.0
    rate = float(np.exp(brentq(score, bottom, top, xtol=1e-13)))
    reach = np.minimum(rate * width, 700.0)
    small = reach < 1e-4
    ratio = np.where(small, 1.0, reach) / np.expm1(np.where(small, 1.0, reach))
    information = np.where(
        small, 1.0 - reach**2 / 12, ratio**2 * np.exp(np.where(small, 0, reach))
    )
    return 1 / rate, float(information.sum()), float(information.sum()) / rate


def _share(reach: FloatArray) -> FloatArray:
    """x/(e^x - 1), which is 1 at x = 0."""
    small = reach < 1e-8
    clipped = np.minimum(np.where(small, 1.0, reach), 700.0)
    return np.where(small, 1.0 - 0.5 * reach, clipped / np.expm1(clipped))


def _bounds(value: float, effective: float, risk: float, *, censored: bool) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, level in LEVELS.items():
        tail = 0.5 * (1 - level)
        if effective == 0.0:
            longest = 0.0 if value == 0.0 else risk / -np.log1p(-level)
            found |= {f"lower_{name}": longest, f"upper_{name}": np.inf}
            continue
        # Half of a χ² law of 2n, or 2n + 1, degrees of freedom.
        shape = effective + 0.5 * float(censored)
        found[f"lower_{name}"] = float(risk / gammaincinv(shape, 1 - tail))
        found[f"upper_{name}"] = float(risk / gammaincinv(shape, tail))
    return found


def _trend(low: FloatArray, high: FloatArray, escaped: BoolArray, value: float) -> float:
    """Laplace's test of the places of the escapes in the total time on test."""
    ends = np.where(escaped, 0.5 * (low + np.where(escaped, high, 0.0)), low)
    times = np.sort(ends[escaped])
    if times.size < 2 or not 0.0 < value < np.inf:
        return np.nan
    ordered = np.sort(ends)
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    before = np.searchsorted(ordered, times, side="right")
    on_test = sums[before] + times * (ordered.size - before)
    places = on_test / sums[-1]
    if escaped.all():
        # The last place is 1 whatever the law.
        places = places[:-1]
    return float(np.sqrt(12 * places.size) * (places.mean() - 0.5))


def _status(count: int, value: float, trend: float) -> LifetimeStatus:
    if not count:
        return LifetimeStatus.NO_ESCAPES
    if value == 0.0:
        return LifetimeStatus.NOT_DATED
    if abs(trend) > FARTHEST_TREND:
        return LifetimeStatus.NOT_EXPONENTIAL
    return LifetimeStatus.RESOLVED


def status_meanings() -> Sequence[str]:
    """Names of the statuses in their order, for the attribute of a stored variable."""
    return [status.name.lower() for status in LifetimeStatus]
