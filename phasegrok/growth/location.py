"""Where along a control an order parameter changes most steeply, and how surely."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, final

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.growth.evidence import Means, line_evidence, step_evidence
from phasegrok.statistics.samples import FloatArray

__all__ = ["Location", "check_finest", "locate", "locate_each"]

BoolArray: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]

_CELLS: Final = 400
"""Of the range, before those that carry mass are split."""

_PARTS: Final = 4
"""Into which a cell is split."""

_MASS: Final = 2e-3
"""Of a posterior; a cell that carries less is fine enough for every quantile that is told."""

_DIGITS: Final = 1e-10
"""Finest width in units of the control's size; below, its values are not told apart."""

_SPACING: Final = 0.4
"""Of the cells, in units of the finest smooth step."""

_FEWEST: Final = 4
_LOG_ODDS: Final = 3.0
"""By which a curve with a step must beat a line for a transition to be seen."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Location:
    """Posterior of the place of steepest change.

    Parameters
    ----------
    edges : (edge,) array
        Values of the control that part the range into cells, fine where the posterior lies.
    weights : (place,) array
        Posterior probability of each cell.
    log_odds : float
        ln of the evidence of a curve with a step over that of a straight line.
    disorder_error : float
        Half of the 68.3 % interval that the spread of the disorders makes, Student's factor
        for their number included; zero for means that are independent.
    """

    edges: FloatArray
    weights: FloatArray
    log_odds: float
    disorder_error: float = 0.0

    @property
    def is_seen(self) -> bool:
        """Whether a step explains the means so much better than a line."""
        return self.log_odds > _LOG_ODDS

    @property
    def places(self) -> FloatArray:
        """Middles (place,) of the cells."""
        return _middles(self.edges)

    def quantile(self, share: float) -> float:
        """Value of the control below which this share of the posterior lies."""
        cumulated = np.append(0.0, np.cumsum(self.weights))
        return float(np.interp(share, cumulated / cumulated[-1], self.edges))

    @property
    def median(self) -> float:
        """Half of the posterior lies below."""
        return self.quantile(0.5)

    @property
    def interval(self) -> tuple[float, float]:
        """Central 68.3 %, on each side at least the error that the disorders make."""
        first, last = self._own_interval
        middle, error = self.median, self.disorder_error
        return min(first, middle - error), max(last, middle + error)

    @property
    def is_limited_by_disorders(self) -> bool:
        """Whether other disorders would move the place by more than its own posterior says."""
        first, last = self._own_interval
        return self.disorder_error > 0.5 * (last - first)

    @property
    def _own_interval(self) -> tuple[float, float]:
        """Central 68.3 % of the posterior alone."""
        return self.quantile(0.1587), self.quantile(0.8413)


def locate(
    control: ArrayLike,
    mean: ArrayLike,
    *,
    error: ArrayLike,
    low: float,
    high: float,
    finest: float,
) -> Location:
    """Find the posterior of the place where a mean changes most steeply.

    The mean is taken for a line on either side and, between them, a jump or a logistic step
    whose width may be anything from `finest` to the range. Offset, step and both
    slopes are integrated out exactly, the width and a misfit on a grid, so that the same means
    give the same posterior, without random numbers.

    Parameters
    ----------
    control : (point,) array_like
        Values of the control.
    mean, error : (point,) array_like
        Of the order parameter there.
    low, high : float
        Range of the control in which the place may lie, uniformly beforehand.
    finest : float
        Smallest width of a smooth step. Cells of the posterior are narrower than 0.4 of it
        unless they carry less than 0.2 % of the mass.

    Returns
    -------
    Location

    Raises
    ------
    InsufficientSamplesError
        For fewer than four points.
    InvalidValueError
        For numbers that are not finite, errors that are not positive, an empty range, or a
        `finest` that is beyond the digits of the control.
    """
    return locate_each(control, [mean], error=error, low=low, high=high, finest=finest)[0]


def locate_each(
    control: ArrayLike,
    means: Sequence[ArrayLike],
    *,
    error: ArrayLike,
    low: float,
    high: float,
    finest: float,
) -> list[Location]:
    """Find the place in several sets of means that share their errors.

    Parameters
    ----------
    control, error, low, high, finest
        As for `locate`.
    means : sequence of (point,) array_like
        The first sets the scale in which misfits and amplitudes are counted.

    Returns
    -------
    list of Location
        As many, on the same cells.

    Raises
    ------
    InsufficientSamplesError, InvalidValueError
        As `locate`.
    """
    for each in means:
        _check_means(control, each, error, low, high)
    check_finest(finest, low, high)
    points, errors = (np.asarray(each, dtype=np.float64) for each in (control, error))
    stacked = np.stack([np.asarray(each, dtype=np.float64) for each in means])
    scale = float(np.ptp(stacked[0])) or 1.0
    data = Means(points, stacked / scale, errors / scale)
    edges = np.unique(np.concatenate([np.linspace(low, high, _CELLS + 1), points]))
    # A cell has no value of the control inside it, so that no gap between values is missed.
    edges = edges[(edges >= low) & (edges <= high)]
    density = step_evidence(data, _middles(edges), finest, high - low)
    while True:
        logarithms = density + np.log(np.diff(edges) / (high - low))
        total = logsumexp(logarithms, axis=-1, keepdims=True)
        weights = np.exp(logarithms - total)
        coarse = (weights.max(axis=0) > _MASS) & (np.diff(edges) > _SPACING * finest)
        if not coarse.any():
            break
        edges, density = _split(data, edges, density, coarse, finest, high - low)
    odds = total[:, 0] - line_evidence(data, low, high)
    return [
        Location(edges=edges, weights=weight, log_odds=float(each))
        for weight, each in zip(weights, odds, strict=True)
    ]


def _middles(edges: FloatArray) -> FloatArray:
    middles: FloatArray = 0.5 * (edges[:-1] + edges[1:])
    return middles


def _split(
    data: Means,
    edges: FloatArray,
    density: FloatArray,
    coarse: BoolArray,
    finest: float,
    extent: float,
) -> tuple[FloatArray, FloatArray]:
    """Part some cells evenly; the densities of the others are known already."""
    first, last = edges[:-1][coarse], edges[1:][coarse]
    shares = np.arange(_PARTS) / _PARTS
    begins = first[:, np.newaxis] + shares * (last - first)[:, np.newaxis]
    ends = np.append(begins[:, 1:], last[:, np.newaxis], axis=1)
    middles = 0.5 * (begins + ends).ravel()
    found = step_evidence(data, middles, finest, extent)
    starts = np.concatenate([edges[:-1][~coarse], begins.ravel()])
    order = np.argsort(starts)
    joined = np.concatenate([density[:, ~coarse], found], axis=1)
    return np.append(starts[order], edges[-1]), joined[:, order]


def check_finest(finest: float, low: float, high: float) -> None:
    """Refuse a width that the digits of the control cannot tell.

    Raises
    ------
    InvalidValueError
        With the least width.
    """
    least = _DIGITS * max(abs(low), abs(high))
    if not least < finest < np.inf:
        raise InvalidValueError(
            f"the finest step must be above {least:.3g}, for values of a control of this size "
            f"to be told apart, received {finest!r}; raise the resolution."
        )


def _check_means(
    control: ArrayLike, mean: ArrayLike, error: ArrayLike, low: float, high: float
) -> None:
    given = [np.asarray(each, dtype=np.float64) for each in (control, mean, error)]
    if given[0].ndim != 1 or len({each.shape for each in given}) > 1:
        raise InvalidValueError(
            "control, mean and error need one number a point each, received the shapes "
            f"{[each.shape for each in given]}; take them from one table."
        )
    if given[0].size < _FEWEST:
        raise InsufficientSamplesError(
            "the place of a transition (samples are points)",
            required=_FEWEST,
            received=given[0].size,
        )
    sound = all(np.isfinite(each).all() for each in given) and np.isfinite([low, high]).all()
    if not sound or not (given[2] > 0.0).all() or not low < high:
        raise InvalidValueError(
            "the place of a transition needs finite means, positive errors and low < high, "
            f"received a range from {low} to {high}; leave out what is not known."
        )
