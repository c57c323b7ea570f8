"""Heights and positions of the peaks of all sizes as data that power laws are fitted to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from phasegrok.errors import InsufficientSamplesError
from phasegrok.statistics.samples import BoolArray, FloatArray, IntArray
from phasegrok.transitions.scaling.curve_demands import require_curves
from phasegrok.transitions.scaling.curves import MomentCurves
from phasegrok.transitions.scaling.findings import Finding
from phasegrok.transitions.scaling.peaks import Peaks, largest

__all__ = [
    "FEATURES",
    "FEWEST_SIZES",
    "ORDER_CENTRE",
    "ORDER_SPREAD",
    "PeakFeatures",
    "peak_features",
]

FEATURES: Final = ("log_fluctuation", "log_slope", "fluctuation_control", "slope_control")
"""ln max N Var m, ln max |d⟨m⟩/dg|, and where they are."""

FEWEST_SIZES: Final = 3
"""Two sizes fit every power law."""

ORDER_CENTRE, ORDER_SPREAD = 0.25, 0.2
"""Prior of the exponent x of the order parameter."""

_LOG_SPREAD: Final = 3.0
_CORRECTION: Final = 0.3
_RIDGE: Final = 1e-6


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class PeakFeatures:
    """Features of all sizes one after another, those at an edge left out.

    Parameters
    ----------
    values : (datum,) array
        Features.
    whitening : (datum, datum) array
        Lower triangular W with WᵀW the inverse covariance.
    feature : (datum,) integer array
        Which of `FEATURES`.
    log_ratio : (datum,) array
        ln r, r = N over that of the smallest size here.
    origin : (datum,) array
        What the prior is centred on: the height of the smallest size, the middle of positions.
    window : float
        Widest range of controls, the unit of the prior of positions.
    table : (size, feature) array
        All features, NaN where left out.
    errors : (size, feature) array
        Their standard errors.
    """

    values: FloatArray
    whitening: FloatArray
    feature: IntArray
    log_ratio: FloatArray
    origin: FloatArray
    window: float
    table: FloatArray
    errors: FloatArray

    @property
    def middle(self) -> float:
        """Control about which the prior of the transition lies."""
        return float(self.origin[self.feature >= 2][0])

    def expected(self, parameters: Mapping[str, FloatArray]) -> FloatArray:
        """Features with every linear parameter at the centre of its prior, (draw, datum)."""
        fluctuation, slope = self.feature == 0, self.feature == 1
        grown = (1.0 - 2.0 * ORDER_CENTRE) * fluctuation - ORDER_CENTRE * slope
        steeper = parameters["width_exponent"][:, np.newaxis] * slope
        expected: FloatArray = self.origin + (grown + steeper) * self.log_ratio
        return expected

    def design(self, parameters: Mapping[str, FloatArray]) -> FloatArray:
        """Change of the features with each linear parameter, (draw, datum, parameter).

        In units of the prior's spread: two amplitudes, x, g_c, two shifts, four corrections.
        """
        y = parameters["width_exponent"][:, np.newaxis]
        w = parameters["correction_exponent"][:, np.newaxis]
        fluctuation, slope, first, second = (self.feature == k for k in range(4))
        shift = self.window * np.exp(-y * self.log_ratio)
        correction = _CORRECTION * np.exp(-w * self.log_ratio)
        columns = [
            _LOG_SPREAD * fluctuation,
            _LOG_SPREAD * slope,
            -ORDER_SPREAD * self.log_ratio * (2.0 * fluctuation + slope),
            self.window * (first | second),
            shift * first,
            shift * second,
            correction * fluctuation,
            correction * slope,
            correction * shift * first,
            correction * shift * second,
        ]
        shape = (len(y), self.values.size)
        return np.stack([np.broadcast_to(each, shape) for each in columns], axis=2)


def peak_features(curves: Sequence[MomentCurves]) -> PeakFeatures:
    """Take the features off the curves of all sizes.

    Parameters
    ----------
    curves : sequence of MomentCurves
        One for each size, ascending.

    Returns
    -------
    PeakFeatures
        With their covariance within a size by bootstrap.

    Raises
    ------
    InsufficientSamplesError
        Where fewer than three sizes have their largest fluctuation within the window.
    """
    curves = require_curves(curves, what="finite-size scaling")
    draws = [_feature_draws(each) for each in curves]
    kept: list[BoolArray] = [np.asarray(np.isfinite(each).all(axis=0)) for each in draws]
    usable = sum(bool(keep[0]) for keep in kept)
    if usable < FEWEST_SIZES:
        raise InsufficientSamplesError(
            "finite-size scaling (of sizes with their largest fluctuation inside the window)",
            required=FEWEST_SIZES,
            received=usable,
        )
    there = [size for size in range(len(curves)) if kept[size].any()]
    table = np.stack(
        [np.where(keep, each[0], np.nan) for keep, each in zip(kept, draws, strict=True)]
    )
    smallest = curves[there[0]].volume
    first = [table[there, k][np.isfinite(table[there, k])] for k in range(2)]
    middle = float(np.nanmean(table[:, 2]))
    origin = np.array([*(each[0] if each.size else 0.0 for each in first), middle, middle])
    feature = np.concatenate([np.flatnonzero(kept[size]) for size in there])
    ratios = [np.full(kept[size].sum(), curves[size].volume / smallest) for size in there]
    return PeakFeatures(
        values=table[np.isfinite(table)],
        whitening=_block_diagonal([_whitening(draws[size][1:, kept[size]]) for size in there]),
        feature=feature.astype(np.int64),
        log_ratio=np.log(np.concatenate(ratios)),
        origin=origin[feature],
        window=float(max(each.controls[-1] - each.controls[0] for each in curves)),
        table=table,
        errors=np.stack([each[1:].std(axis=0, ddof=1) for each in draws]),
    )


def _feature_draws(curves: MomentCurves) -> FloatArray:
    """All features, (draw, feature); NaN where the peak is not within the window."""
    peaks: list[Peaks] = [
        largest(curves.fluctuation, curves.controls),
        largest(np.abs(curves.of("slope")), curves.controls),
    ]
    columns = [np.log(each.heights) for each in peaks] + [each.positions for each in peaks]
    found = [each.finding is Finding.FOUND for each in peaks] * 2
    return np.where(found, np.stack(columns, axis=1), np.nan)


def _whitening(draws: FloatArray) -> FloatArray:
    covariance = np.atleast_2d(np.cov(draws.T, ddof=1))
    scale = np.sqrt(np.diagonal(covariance))
    correlation = covariance / np.outer(scale, scale)
    # Two features that move together exactly would leave no inverse.
    correlation[np.diag_indices_from(correlation)] += _RIDGE
    whitening: FloatArray = np.linalg.inv(
        np.linalg.cholesky(correlation) * scale[:, np.newaxis]
    )
    return whitening


def _block_diagonal(blocks: Sequence[FloatArray]) -> FloatArray:
    count = sum(len(each) for each in blocks)
    joined, begin = np.zeros((count, count)), 0
    for each in blocks:
        end = begin + len(each)
        joined[begin:end, begin:end] = each
        begin = end
    return joined
