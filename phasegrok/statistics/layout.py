"""Which runs share a disorder, and which disorders a point, for unequal numbers of each."""

from dataclasses import dataclass
from typing import Self, final

import numpy as np
from numpy.typing import ArrayLike

from phasegrok.errors import InvalidValueError
from phasegrok.statistics.samples import FloatArray, IntArray

__all__ = ["Grouping", "RunLayout", "run_layout"]


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Grouping:
    """A partition of items into numbered groups, none of them empty.

    Attributes
    ----------
    index : (item,) integer array
        Group of every item, from 0.
    counts : (group,) integer array
        Number of items in every group.
    """

    index: IntArray
    counts: IntArray

    @classmethod
    def of(cls, labels: ArrayLike) -> Self:
        """Group items of equal label; groups are numbered in the order of sorted labels.

        Parameters
        ----------
        labels : (item,) array_like
            Numbers or words.

        Raises
        ------
        InvalidValueError
            For labels that are not one-dimensional.
        """
        array = np.asarray(labels)
        if array.ndim != 1:
            raise InvalidValueError(
                f"labels need one dimension, received shape {array.shape}; give one per run."
            )
        _, index, counts = np.unique(array, return_inverse=True, return_counts=True)
        return cls(index=index.astype(np.int64).reshape(-1), counts=counts.astype(np.int64))

    def sum(self, values: FloatArray, *, axis: int = -1) -> FloatArray:
        """Add the values of each group: an axis of items becomes one of groups."""
        return self._reduce(np.add, values, axis)

    def mean(self, values: FloatArray) -> FloatArray:
        """Average each group: (..., item) becomes (..., group)."""
        return self.sum(values) / self.counts

    def maximum(self, values: FloatArray, *, axis: int = -1) -> FloatArray:
        """Take the largest value of each group: an axis of items becomes one of groups."""
        return self._reduce(np.maximum, values, axis)

    def minimum(self, values: FloatArray, *, axis: int = -1) -> FloatArray:
        """Take the smallest value of each group: an axis of items becomes one of groups."""
        return self._reduce(np.minimum, values, axis)

    def _reduce(self, ufunc: np.ufunc, values: FloatArray, axis: int) -> FloatArray:
        order = np.argsort(self.index, kind="stable")
        starts = np.concatenate([[0], np.cumsum(self.counts)[:-1]])
        result: FloatArray = ufunc.reduceat(
            np.take(values, order, axis=axis), starts, axis=axis
        )
        return result


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class RunLayout:
    """Runs into cells (one disorder at one point), and cells into points.

    Attributes
    ----------
    cells : Grouping
        Cell of every run: runs of one cell are replicas of each other.
    points : Grouping
        Point of every cell: cells of one point are its disorders.
    """

    cells: Grouping
    points: Grouping


def run_layout(*, disorder: ArrayLike, point: ArrayLike | None = None) -> RunLayout:
    """Lay runs out by point and disorder.

    Parameters
    ----------
    disorder : (run,) array_like
        Which draw of data and teacher each run has.
    point : (run,) array_like, optional
        Where in control space each run lies; one point for all where it is left out.

    Returns
    -------
    RunLayout
        Numbers of disorders and replicas may differ from point to point.

    Raises
    ------
    InvalidValueError
        For labels of unequal length.
    """
    disorders = Grouping.of(disorder)
    place = Grouping.of(np.zeros(disorders.index.size) if point is None else point)
    if place.index.size != disorders.index.size:
        raise InvalidValueError(
            f"disorder and point need one label per run each, received {disorders.index.size} "
            f"and {place.index.size}; take both from the same dataset."
        )
    pair = place.index * max(disorders.counts.size, 1) + disorders.index
    cells = Grouping.of(pair)
    first_run = np.unique(cells.index, return_index=True)[1]
    return RunLayout(cells=cells, points=Grouping.of(place.index[first_run]))
