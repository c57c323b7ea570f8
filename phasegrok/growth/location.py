"""Where along a control an order parameter changes most steeply, and how surely."""

from dataclasses import dataclass
from typing import Final, NamedTuple, final

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logsumexp

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.samples import FloatArray

__all__ = ["Location", "locate"]

_PLACES: Final = 400
_WIDTHS: Final = 16
_MISFITS: Final = (0.0, 0.01, 0.03, 0.1)
"""Deviations from the curve that are allowed, in units of the range of the means."""

_JUMP: Final = 1e-9
"""Width of a jump, in units of the range."""

_AMPLITUDE: Final = 2.0
"""Prior deviation of the step and of the changes along the lines, in that unit."""

_FEWEST: Final = 4
_LOG_ODDS: Final = 3.0
"""By which a curve with a step must beat a line for a transition to be seen."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Location:
    """Posterior of the place of steepest change.

    Parameters
    ----------
    places : (place,) array
        Values of the control, evenly spaced over the range.
    weights : (place,) array
        Posterior probability of each.
    log_odds : float
        ln of the evidence of a curve with a step over that of a straight line.
    """

    places: FloatArray
    weights: FloatArray
    log_odds: float

    @property
    def is_seen(self) -> bool:
        """Whether a step explains the means so much better than a line."""
        return self.log_odds > _LOG_ODDS

    def quantile(self, share: float) -> float:
        """Value of the control below which this share of the posterior lies."""
        spacing = self.places[1] - self.places[0]
        edges = np.append(self.places - 0.5 * spacing, self.places[-1] + 0.5 * spacing)
        cumulated = np.append(0.0, np.cumsum(self.weights))
        found = np.interp(share, cumulated / cumulated[-1], edges)
        return float(np.clip(found, self.places[0], self.places[-1]))

    @property
    def median(self) -> float:
        """Half of the posterior lies below."""
        return self.quantile(0.5)

    @property
    def interval(self) -> tuple[float, float]:
        """Central 68.3 %."""
        return self.quantile(0.1587), self.quantile(0.8413)


class _Data(NamedTuple):
    control: FloatArray
    mean: FloatArray
    error: FloatArray


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
        Smallest width of a smooth step.

    Returns
    -------
    Location

    Raises
    ------
    InsufficientSamplesError
        For fewer than four points.
    InvalidValueError
        For numbers that are not finite, errors that are not positive, or an empty range.
    """
    data = _checked(control, mean, error, low, high)
    scale = float(np.ptp(data.mean)) or 1.0
    places = np.linspace(low, high, _PLACES)
    smooth = np.geomspace(finest, max(0.5 * (high - low), 2.0 * finest), _WIDTHS)
    # A jump is as likely beforehand as a smooth step of any width.
    widths = {_JUMP * (high - low): _WIDTHS, **dict.fromkeys(smooth.tolist(), 1)}
    line = _line(data.control, low, high)
    with_step, without = [], []
    for misfit in _MISFITS:
        variance = (data.error**2 + (misfit * scale) ** 2) / scale**2
        for width, prior in widths.items():
            basis = _basis(data.control, places, width, high - low)
            evidence = _log_evidence(basis, data.mean / scale, variance)
            with_step.append(evidence + np.log(prior / (2 * _WIDTHS * len(_MISFITS) * _PLACES)))
        without.append(_log_evidence(line[np.newaxis], data.mean / scale, variance)[0])
    logarithms = logsumexp(with_step, axis=0)
    total = logsumexp(logarithms)
    odds = total - (logsumexp(without) - np.log(len(_MISFITS)))
    return Location(places=places, weights=np.exp(logarithms - total), log_odds=float(odds))


def _checked(
    control: ArrayLike, mean: ArrayLike, error: ArrayLike, low: float, high: float
) -> _Data:
    data = _Data(*(np.asarray(each, dtype=np.float64) for each in (control, mean, error)))
    if data.control.ndim != 1 or len({each.shape for each in data}) > 1:
        raise InvalidValueError(
            "control, mean and error need one number a point each, received the shapes "
            f"{[each.shape for each in data]}; take them from one table."
        )
    if data.control.size < _FEWEST:
        raise InsufficientSamplesError(
            "the place of a transition (samples are points)",
            required=_FEWEST,
            received=data.control.size,
        )
    sound = all(np.isfinite(each).all() for each in data) and np.isfinite([low, high]).all()
    if not sound or not (data.error > 0.0).all() or not low < high:
        raise InvalidValueError(
            "the place of a transition needs finite means, positive errors and low < high, "
            f"received a range from {low} to {high}; leave out what is not known."
        )
    return data


def _line(control: FloatArray, low: float, high: float) -> FloatArray:
    """Columns (point, 2) of an offset and a slope."""
    return np.stack([np.ones_like(control), (control - low) / (high - low)], axis=1)


def _basis(control: FloatArray, places: FloatArray, width: float, extent: float) -> FloatArray:
    """Columns (place, point, 4): offset, step, and a slope on either side."""
    distance = control - places[:, np.newaxis]
    step = expit(distance / width)
    along = distance / extent
    columns = [np.ones_like(step), step - 0.5, along * (1.0 - step), along * step]
    return np.stack(columns, axis=-1)


def _log_evidence(basis: FloatArray, mean: FloatArray, variance: FloatArray) -> FloatArray:
    """Give ln p(mean) (place,) with amplitudes of the prior N(0, amplitude²) integrated out."""
    # A constant that all means share says nothing: it is taken off, and its prior is wide.
    centred = mean - np.average(mean, weights=1.0 / variance)
    weighted = basis / variance[:, np.newaxis]
    precision = np.swapaxes(weighted, 1, 2) @ basis
    precision = precision + np.eye(basis.shape[-1]) / _AMPLITUDE**2
    projected = np.swapaxes(weighted, 1, 2) @ centred
    solved = np.linalg.solve(precision, projected[..., np.newaxis])[..., 0]
    fit = np.sum(projected * solved, axis=-1) - np.sum(centred**2 / variance)
    volume = np.linalg.slogdet(precision)[1] + 2.0 * basis.shape[-1] * np.log(_AMPLITUDE)
    evidence: FloatArray = 0.5 * (fit - volume - np.sum(np.log(2.0 * np.pi * variance)))
    return evidence
