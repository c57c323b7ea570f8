"""What every statistic demands of the samples it is given, and how well one is known."""

from collections.abc import Sequence
from enum import IntEnum
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from phasegrok.errors import InsufficientSamplesError, InvalidValueError

__all__ = [
    "BoolArray",
    "FloatArray",
    "IntArray",
    "Status",
    "as_samples",
    "centred_and_scaled",
    "ragged_samples",
]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]


_LARGEST: Final = 1e150
# Its square is still a number.


class Status(IntEnum):
    """How far an estimate from a time series may be believed."""

    RESOLVED = 0
    """The correlations died out within the series and enough effective samples remain."""
    CONSTANT = 1
    """All samples are equal: nothing fluctuates, nor can anything be said of correlations."""
    UNRESOLVED = 2
    """The series is too short beside its correlations: take the error as a lower bound."""
    REFUSED = 3
    """The samples cannot say, such as a ratio of zeros or a place none of them reaches: NaN."""


def as_samples(
    values: ArrayLike, *, statistic: str, required: int = 1, core_dimensions: int = 1
) -> FloatArray:
    """Turn numbers into float64 samples, or refuse them with a reason.

    Parameters
    ----------
    values : (..., sample) array_like
        Integers, booleans or floats, all finite.
    statistic : str
        What is to be estimated; it begins the message of a refusal.
    required : int
        Smallest number of samples along the last axis.
    core_dimensions : int
        Number of trailing axes that the statistic reduces; none but the last may be empty.

    Returns
    -------
    (..., sample) array
        The same numbers, contiguous; not a copy where they were so in float64 already.

    Raises
    ------
    InvalidValueError
        For values that are not real numbers, not finite, above 1e150, or of too few
        dimensions.
    InsufficientSamplesError
        For fewer samples than required, or none at all along a reduced axis.
    """
    raw = np.asarray(values)
    if raw.dtype.kind not in "biuf":
        raise InvalidValueError(
            f"{statistic} needs real numbers, received dtype {raw.dtype}; convert them first."
        )
    if raw.ndim < core_dimensions:
        raise InvalidValueError(
            f"{statistic} needs at least {core_dimensions} dimension(s), received {raw.ndim}; "
            "keep the samples along the last axis."
        )
    if raw.shape[-1] < required:
        raise InsufficientSamplesError(statistic, required=required, received=raw.shape[-1])
    if 0 in raw.shape[raw.ndim - core_dimensions :]:
        raise InsufficientSamplesError(statistic, required=1, received=0)
    # Contiguous, so that the order of sums, and so the last digit, does not hang on the layout.
    samples: FloatArray = np.ascontiguousarray(raw, dtype=np.float64)
    finite = int(np.count_nonzero(np.isfinite(samples)))
    if finite < samples.size:
        raise InvalidValueError(
            f"{statistic} needs finite samples, received {samples.size - finite} NaN or "
            f"infinite of {samples.size}; leave the runs they belong to out and say so."
        )
    largest = float(max(samples.max(initial=0.0), -samples.min(initial=0.0)))
    if largest > _LARGEST:
        raise InvalidValueError(
            f"{statistic} needs samples below {_LARGEST:g}, received {largest:g}, whose square "
            "is no number; change the unit, or leave out the run that diverged."
        )
    return samples


def ragged_samples(
    series: Sequence[ArrayLike], *, statistic: str, required: int = 1, core_dimensions: int = 1
) -> list[FloatArray]:
    """Turn series of unequal length into float64 samples, or refuse them with a reason.

    Parameters
    ----------
    series : sequence of (..., sample) array_like
        At least one, alike but for the last axis.
    statistic, required, core_dimensions
        See `as_samples`, also for what is raised; `required` holds for each series.

    Returns
    -------
    list of (..., sample) array
        The same numbers.

    Raises
    ------
    InsufficientSamplesError
        For no series.
    InvalidValueError
        For series that differ in another axis than the last.
    """
    if len(series) == 0:
        raise InsufficientSamplesError(f"{statistic} (of no series)", required=1, received=0)
    each = [
        as_samples(one, statistic=statistic, required=required, core_dimensions=core_dimensions)
        for one in series
    ]
    shapes = sorted({one.shape[:-1] for one in each})
    if len(shapes) > 1:
        raise InvalidValueError(
            f"{statistic} needs series alike but for their last axis, received leading shapes "
            f"{shapes}; give every series the same quantities."
        )
    return each


def centred_and_scaled(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Write each series as mean + scale · deviation, with deviations of order one.

    Parameters
    ----------
    values : (..., sample) array
        Finite samples, at least one.

    Returns
    -------
    (..., sample) array and (...) array
        Deviations, at most 1 and exactly 0 for a constant series, whose powers keep their
        digits; and the scale, 1 for a constant series.
    """
    constant = values.max(axis=-1, keepdims=True) == values.min(axis=-1, keepdims=True)
    deviations = np.where(constant, 0.0, values - values.mean(axis=-1, keepdims=True))
    largest = np.max(np.abs(deviations), axis=-1, keepdims=True)
    scale: FloatArray = np.where(largest > 0.0, largest, 1.0)
    return deviations / scale, scale[..., 0]
