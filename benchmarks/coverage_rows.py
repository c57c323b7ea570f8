"""Readings of an estimator beside the exact value, and the row of a table that they become."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeAlias
from zlib import crc32

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom, t

__all__ = [
    "LEVELS",
    "Experiment",
    "Readings",
    "Row",
    "band",
    "between",
    "joined",
    "outside",
    "read",
    "row_of",
    "seed_of",
    "symmetric",
]

FloatArray: TypeAlias = NDArray[np.float64]

LEVELS: Final = (0.68, 0.95)
"""Probabilities of the two intervals, where an estimator does not choose its own."""

CHANCE: Final = 0.001
"""Probability that an honest interval lies outside its band."""


class Readings(NamedTuple):
    """Repetitions of one estimate; NaN where the estimator refused."""

    estimate: FloatArray
    """(repetition,)."""
    error: FloatArray
    """Standard error, (repetition,)."""
    exact: FloatArray
    """What should have come out, (repetition,)."""
    inside: FloatArray
    """1 where an interval holds the exact value and 0 where not, (level, repetition)."""
    levels: tuple[float, float] = LEVELS
    """Probabilities that the intervals claim."""


class Experiment(NamedTuple):
    """Something drawn again and again, and what is estimated from it."""

    estimators: tuple[str, ...]
    """Names of the estimates, in the order of the readings."""
    input: str
    """What was drawn."""
    interval: str
    """How an interval is made from what the estimator gives."""
    repetitions: int
    together: int
    """Repetitions of one call, so that not all are in memory at once."""
    measure: Callable[[int, int], Sequence[Readings]]
    """Takes a seed and a number of repetitions."""

    @property
    def key(self) -> str:
        return f"{self.estimators[0]}, {self.input}"


class Row(NamedTuple):
    """How often the intervals of one estimator hold the exact value."""

    estimator: str
    input: str
    interval: str
    repetitions: int
    refused: int
    level_68: float
    inside_68: int
    level_95: float
    inside_95: int
    pull_mean: float
    pull_deviation: float
    relative_bias: float
    seconds: float

    @property
    def intervals(self) -> int:
        """Repetitions that gave an interval."""
        return self.repetitions - self.refused


def symmetric(
    estimate: ArrayLike, error: ArrayLike, exact: ArrayLike, *, freedom: float = np.inf
) -> Readings:
    """Read intervals that lie about the estimate by quantiles of Student's law times the error.

    Without `freedom` the error counts as known, and the law is normal.
    """
    value, spread, truth = _together(estimate, error, exact)
    reach = t.ppf(0.5 + 0.5 * np.array(LEVELS), freedom)[:, np.newaxis] * spread
    inside = np.where(np.isfinite(spread), np.abs(value - truth) <= reach, np.nan)
    return Readings(value, spread, truth, inside)


def between(
    estimate: ArrayLike,
    error: ArrayLike,
    exact: ArrayLike,
    *,
    bounds: ArrayLike,
    levels: tuple[float, float] = LEVELS,
) -> Readings:
    """Read intervals of an estimator's own, (level, side, repetition)."""
    value, spread, truth = _together(estimate, error, exact)
    limits = np.asarray(bounds, dtype=np.float64).reshape(2, 2, -1)
    known = np.isfinite(value) & ~np.isnan(limits).any(axis=(0, 1))
    held = (limits[:, 0] <= truth) & (truth <= limits[:, 1])
    return Readings(value, spread, truth, np.where(known, held, np.nan), levels)


def joined(parts: Sequence[Readings]) -> Readings:
    """Put the readings of several calls one after another."""
    first, second, third, fourth = (
        np.concatenate([each[k] for each in parts], axis=-1) for k in range(4)
    )
    return Readings(first, second, third, fourth, parts[0].levels)


def seed_of(experiment: Experiment, call: int) -> int:
    """Seed of one call, another one for every experiment."""
    return crc32(f"{experiment.key}, call {call}".encode())


def read(experiment: Experiment, repetitions: int) -> list[Readings]:
    """Repeat an experiment; readings in the order of its estimators."""
    calls = []
    for call, begin in enumerate(range(0, repetitions, experiment.together)):
        count = min(experiment.together, repetitions - begin)
        calls.append(experiment.measure(seed_of(experiment, call), count))
    return [joined(parts) for parts in zip(*calls, strict=True)]


def row_of(experiment: Experiment, name: str, readings: Readings, seconds: float) -> Row:
    """Count the intervals that hold the exact value."""
    known = np.isfinite(readings.inside).all(axis=0)
    away = readings.estimate - readings.exact
    pull = (away / readings.error)[known & (readings.error > 0.0)]
    scale = float(np.abs(readings.exact).mean())
    inside = readings.inside[:, known].sum(axis=1)
    return Row(
        estimator=name,
        input=experiment.input,
        interval=experiment.interval,
        repetitions=known.size,
        refused=int(np.count_nonzero(~known)),
        level_68=readings.levels[0],
        inside_68=int(inside[0]),
        level_95=readings.levels[1],
        inside_95=int(inside[1]),
        pull_mean=_rounded(pull.sum() / max(pull.size, 1), 3),
        pull_deviation=_rounded(pull.std(ddof=1) if pull.size > 1 else np.nan, 3),
        relative_bias=_rounded(
            away[known].mean() / scale if scale and known.any() else np.nan, 5
        ),
        seconds=round(seconds, 2),
    )


def band(level: float, intervals: int) -> tuple[int, int]:
    """Fewest and most intervals that hold the exact value, but for a chance of 0.1 %."""
    law = binom(intervals, level)
    return int(law.ppf(0.5 * CHANCE)), int(law.isf(0.5 * CHANCE))


def outside(row: Row) -> bool:
    """Whether a row is not what its intervals claim."""
    pairs = ((row.level_68, row.inside_68), (row.level_95, row.inside_95))
    limits = [band(level, row.intervals) for level, _ in pairs]
    return any(
        not low <= held <= high for (low, high), (_, held) in zip(limits, pairs, strict=True)
    )


def _together(*columns: ArrayLike) -> list[FloatArray]:
    arrays = [np.atleast_1d(np.asarray(each, dtype=np.float64)) for each in columns]
    return [np.array(each) for each in np.broadcast_arrays(*arrays)]


def _rounded(value: float, digits: int) -> float:
    return round(float(value), digits)
