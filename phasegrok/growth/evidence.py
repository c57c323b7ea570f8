"""How well a curve with a step, or a straight line, explains means: evidences."""

from typing import Final, NamedTuple

import numpy as np
from scipy.special import expit, logsumexp

from phasegrok.statistics.samples import FloatArray

__all__ = ["Means", "line_evidence", "step_evidence"]

_WIDTHS: Final = 16
_MISFITS: Final = (0.0, 0.01, 0.03, 0.1)
"""Deviations from the curve that are allowed, in units of the range of the means."""

_JUMP: Final = 1e-3
"""Width of a jump, in units of the finest smooth step."""

_AMPLITUDE: Final = 2.0
"""Prior deviation of the step and of the changes along the lines, in that unit."""


class Means(NamedTuple):
    """Sets of means along a control, in units of their range.

    Parameters
    ----------
    control : (point,) array
        Values of the control.
    mean : (set, point) array
        Of the order parameter there.
    error : (point,) array
        Of each mean, common to all sets.
    """

    control: FloatArray
    mean: FloatArray
    error: FloatArray


def step_evidence(data: Means, places: FloatArray, finest: float, extent: float) -> FloatArray:
    """Find ln p(means | place) of a line on either side and a step between them.

    Parameters
    ----------
    data : Means
        What was measured.
    places : (place,) array
        Where the step may be.
    finest : float
        Smallest width of a smooth step.
    extent : float
        Of the range of the control.

    Returns
    -------
    (set, place) array
        Offset, step and slopes integrated out exactly, width and misfit on a grid.
    """
    smooth = np.geomspace(finest, max(0.5 * extent, 2.0 * finest), _WIDTHS)
    # A jump is as likely beforehand as a smooth step of any width.
    widths = [(_JUMP * finest, _WIDTHS), *((width, 1) for width in smooth.tolist())]
    found = []
    for width, prior in widths:
        basis = _basis(data.control, places, width, extent)
        for misfit in _MISFITS:
            evidence = _log_evidence(basis, data.mean, data.error**2 + misfit**2)
            found.append(evidence + np.log(prior / (2 * _WIDTHS * len(_MISFITS))))
    density: FloatArray = logsumexp(found, axis=0)
    return density


def line_evidence(data: Means, low: float, high: float) -> FloatArray:
    """Find ln p(means | a straight line).

    Parameters
    ----------
    data : Means
        What was measured.
    low, high : float
        Range of the control.

    Returns
    -------
    (set,) array
    """
    basis = _line(data.control, low, high)[np.newaxis]
    found = [
        _log_evidence(basis, data.mean, data.error**2 + misfit**2)[:, 0] for misfit in _MISFITS
    ]
    evidence: FloatArray = logsumexp(found, axis=0) - np.log(len(_MISFITS))
    return evidence


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


def _log_evidence(basis: FloatArray, means: FloatArray, variance: FloatArray) -> FloatArray:
    """Give ln p(means) (mean, place), amplitudes of the prior N(0, amplitude²) integrated out.

    Parameters
    ----------
    basis : (place, point, column) array
        Curves of amplitude 1.
    means : (mean, point) array
        What was measured.
    variance : (point,) array
        Of each mean.
    """
    # A constant that all means share says nothing: it is taken off, and its prior is wide.
    weights = 1.0 / variance
    centred = means - np.average(means, axis=-1, weights=weights)[:, np.newaxis]
    weighted = np.swapaxes(basis * weights[:, np.newaxis], 1, 2)
    precision = weighted @ basis + np.eye(basis.shape[-1]) / _AMPLITUDE**2
    projected = weighted @ centred.T
    solved = np.linalg.solve(precision, projected)
    fit = np.sum(projected * solved, axis=1).T - (centred**2 @ weights)[:, np.newaxis]
    volume = np.linalg.slogdet(precision)[1] + 2.0 * basis.shape[-1] * np.log(_AMPLITUDE)
    evidence: FloatArray = 0.5 * (fit - volume - np.sum(np.log(2.0 * np.pi * variance)))
    return evidence
