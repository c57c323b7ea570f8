"""How far the place of a transition moves with the disorders that happen to be drawn."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from phasegrok.growth.estimates import margin_factor
from phasegrok.growth.location import Location, locate_each
from phasegrok.statistics.samples import FloatArray

__all__ = ["MOST_GROUPS", "locate_over_disorders"]

MOST_GROUPS: Final = 16
"""Into which disorders are put; as many are left out at once, so that it stays cheap."""

IntArray: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]


def locate_over_disorders(
    control: ArrayLike,
    values: Sequence[FloatArray],
    disorders: Sequence[IntArray],
    *,
    error: ArrayLike,
    low: float,
    high: float,
    finest: float,
) -> Location:
    """Locate a transition in runs whose disorders recur at every value of the control.

    One disorder has the same teacher and data at each value. Where it moves the place, it does
    so at all of them together: errors of the means, taken for independent, know nothing of
    that. The jackknife does: a group of disorders is left out everywhere, the place is located
    anew, and with g groups the squared error is (g - 1)/g Σ (place - mean)².

    Parameters
    ----------
    control : (point,) array_like
        Values of the control.
    values : sequence of (run,) arrays
        Of the runs at each of them.
    disorders : sequence of (run,) arrays
        Which disorder each run has.
    error : (point,) array_like
        Of the means over disorders.
    low, high, finest : float
        As for `locate`.

    Returns
    -------
    Location
        With a `disorder_error`, zero where there is one disorder.

    Raises
    ------
    InsufficientSamplesError, InvalidValueError
        As `locate`.

    Notes
    -----
    B. Efron and C. Stein, Annals of Statistics 9 (1981) 586; at most 16 groups, each of every
    sixteenth disorder.
    """
    known = np.unique(np.concatenate([np.asarray(each) for each in disorders]))
    count = min(known.size, MOST_GROUPS)
    groups = [known[first::count] for first in range(count)] if count > 1 else []
    means = [_means(values, disorders, without) for without in [np.array([]), *groups]]
    whole, *parts = locate_each(control, means, error=error, low=low, high=high, finest=finest)
    if not parts:
        return whole
    places = np.array([each.median for each in parts])
    # (g - 1)/g times the sum of squares, which is g - 1 times the variance with ddof=1.
    deviation = np.sqrt((count - 1.0) ** 2 / count * places.var(ddof=1))
    return replace(whole, disorder_error=float(margin_factor(count) * deviation))


def _means(
    values: Sequence[FloatArray], disorders: Sequence[IntArray], without: ArrayLike
) -> FloatArray:
    """Means (point,) over the disorders that are left; over all where none is."""
    found = []
    for runs, disorder in zip(values, disorders, strict=True):
        of_each = {each: float(runs[disorder == each].mean()) for each in np.unique(disorder)}
        left = [mean for each, mean in of_each.items() if not np.isin(each, without)]
        found.append(np.mean(left or list(of_each.values())))
    return np.array(found)
