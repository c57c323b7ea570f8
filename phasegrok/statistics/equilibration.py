"""From which record on a run is in equilibrium, and whether it drifts after that."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from phasegrok.errors import InvalidValueError
from phasegrok.statistics.autocorrelation import (
    MINIMUM_EFFECTIVE_SAMPLES,
    integrated_autocorrelation_time,
)
from phasegrok.statistics.samples import FloatArray, IntArray, Status, as_samples

__all__ = [
    "EquilibrationStart",
    "FirstLastDifference",
    "candidate_starts",
    "equilibration_start",
    "first_last_difference",
]

_FEWEST_SAMPLES = 4


class EquilibrationStart(NamedTuple):
    """Where each series is best cut, and what is left of it."""

    start: IntArray
    """Index of the first sample to keep, (...)."""
    effective_samples: FloatArray
    """Effective samples from there on, (...)."""
    time: FloatArray
    """Integrated autocorrelation time from there on, in records, (...)."""
    status: IntArray
    """`Status` of each estimate, (...)."""


class FirstLastDifference(NamedTuple):
    """Mean of the first part of each series minus that of the last part."""

    difference: FloatArray
    """In the unit of the samples, (...)."""
    error: FloatArray
    """Its standard error for a series in equilibrium, (...)."""
    z_score: FloatArray
    """Difference over error, unit normal for a series in equilibrium, (...)."""


def candidate_starts(
    sample_count: int, *, count: int = 20, latest: float = 0.8
) -> tuple[int, ...]:
    """Lay out where a series might be cut: evenly from its beginning on.

    Parameters
    ----------
    sample_count : int
        Length of the series.
    count : int
        Number of candidates at most; fewer where they fall together.
    latest : float
        The last candidate, as a fraction of the length, at least 0 and below 1.

    Returns
    -------
    tuple of int
        Increasing, from 0; every candidate leaves at least two samples.

    Raises
    ------
    InvalidValueError
        For no candidate, or a fraction outside [0, 1).
    """
    if count < 1 or not 0.0 <= latest < 1.0:
        raise InvalidValueError(
            f"a ladder of starts needs count >= 1 and 0 <= latest < 1, received count {count} "
            f"and latest {latest}; the defaults serve most series."
        )
    last = max(0, min(int(latest * sample_count), sample_count - 2))
    return tuple(int(start) for start in np.unique(np.linspace(0, last, count).round()))


def equilibration_start(
    samples: ArrayLike, *, candidates: tuple[int, ...] | None = None
) -> EquilibrationStart:
    """Find the cut after which each series has the most effective samples.

    A start kept too early correlates everything with the relaxation, one too late throws
    samples away; the maximum of (n - t₀)/(2τ) balances the two [1]_. Here τ counts as at
    least ½, lest a chance anticorrelation of a short rest win.

    Parameters
    ----------
    samples : (..., sample) array_like
        Series that relax towards equilibrium, of any unit.
    candidates : tuple of int, optional
        Starts to try; `candidate_starts` of the length where left out.

    Returns
    -------
    EquilibrationStart
        The status is UNRESOLVED where the last candidate won (the run may still relax) or
        fewer than 50 effective samples remain, CONSTANT where what remains is constant. A
        result is evidence for equilibrium within what the run has seen, never proof.

    Raises
    ------
    InsufficientSamplesError
        For fewer than four samples.
    InvalidValueError
        For samples that are not finite, or candidates that leave fewer than two samples.

    References
    ----------
    .. [1] J. D. Chodera, J. Chem. Theory Comput. 12, 1799 (2016).
    """
    values = as_samples(
        samples, statistic="the detection of equilibration", required=_FEWEST_SAMPLES
    )
    sample_count = values.shape[-1]
    ladder = candidate_starts(sample_count) if candidates is None else candidates
    if not ladder or min(ladder) < 0 or max(ladder) > sample_count - 2:
        raise InvalidValueError(
            f"candidate starts need to leave two of {sample_count} samples, received {ladder}; "
            "choose them between 0 and the length minus two."
        )
    times = [integrated_autocorrelation_time(values[..., start:]) for start in ladder]
    clipped = np.maximum(np.stack([t.time for t in times], axis=-1), 0.5)
    effective = (sample_count - np.asarray(ladder)) / (2.0 * clipped)
    best = effective.argmax(axis=-1)
    chosen = best[..., np.newaxis]
    remaining = np.take_along_axis(effective, chosen, axis=-1)[..., 0]
    constant = np.stack([t.status == Status.CONSTANT for t in times], axis=-1)
    late = (best == len(ladder) - 1) & (len(ladder) > 1)
    status = np.where(late | (remaining < MINIMUM_EFFECTIVE_SAMPLES), Status.UNRESOLVED, 0)
    still = np.take_along_axis(constant, chosen, axis=-1)[..., 0]
    return EquilibrationStart(
        start=np.asarray(ladder, dtype=np.int64)[best],
        effective_samples=remaining,
        time=np.take_along_axis(clipped, chosen, axis=-1)[..., 0],
        status=np.where(still, Status.CONSTANT, status).astype(np.int64),
    )


def first_last_difference(
    samples: ArrayLike, *, first: float = 0.1, last: float = 0.5
) -> FirstLastDifference:
    """Compare the mean of the first part of each series with that of the last part.

    The error takes variance and autocorrelation time of the last part for both, since the
    first part, if it still relaxes, would hide its own drift behind a long time. The
    comparison is that of Geweke [1]_.

    Parameters
    ----------
    samples : (..., sample) array_like
        Series, burn-in removed, of any unit.
    first, last : float
        Fractions of the length that the two parts take; at most 1 together.

    Returns
    -------
    FirstLastDifference
        Equal means of constant parts have z = 0, unequal ones z = ±inf.

    Raises
    ------
    InsufficientSamplesError
        For fewer than four samples.
    InvalidValueError
        For samples that are not finite, or parts that are empty or overlap.

    References
    ----------
    .. [1] J. Geweke, in Bayesian Statistics 4, Oxford University Press (1992).
    """
    values = as_samples(samples, statistic="a drift comparison", required=_FEWEST_SAMPLES)
    if not (first > 0.0 and last > 0.0 and first + last <= 1.0):
        raise InvalidValueError(
            f"the parts need positive fractions that add to at most 1, received {first} and "
            f"{last}; 0.1 and 0.5 are usual."
        )
    sample_count = values.shape[-1]
    head_count = max(1, int(first * sample_count))
    tail_count = max(2, int(last * sample_count))
    tail = values[..., sample_count - tail_count :]
    difference: FloatArray = values[..., :head_count].mean(axis=-1) - tail.mean(axis=-1)
    times = integrated_autocorrelation_time(tail)
    error = np.sqrt(2.0 * times.time * times.variance * (1.0 / head_count + 1.0 / tail_count))
    still = error == 0.0
    head = values[..., :head_count]
    # Rounded means of equal numbers may differ: compare the numbers.
    same = (head == tail[..., :1]).all(axis=-1)
    difference = np.where(still & same, 0.0, difference)
    z_score = difference / np.where(still, 1.0, error)
    beyond = np.where(difference == 0.0, 0.0, np.copysign(np.inf, difference))
    return FirstLastDifference(
        difference=difference, error=error, z_score=np.where(still, beyond, z_score)
    )
