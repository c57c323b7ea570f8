"""What of the samples of one size tells the order of a transition, with its covariance.

ln S of the steepest change of the mean, ln V of the largest variance, and the barrier B between
two phases, each taken where in the control it is largest, so that sizes and disorders with
transition points of their own are compared at their own points.
"""

from dataclasses import dataclass
from typing import Final, final

import numpy as np

from phasegrok.statistics.samples import FloatArray
from phasegrok.transitions.blocks import (
    LEAST_OVERLAP,
    Blocks,
    blocks_of,
    fitted_surface,
    overlaps,
    readable_controls,
)
from phasegrok.transitions.chains import SizeChains
from phasegrok.transitions.density import DensitySurface, fit_surface

__all__ = ["FEATURES", "SizeFeatures", "measure_features"]

FEATURES: Final = ("log_slope", "log_variance", "barrier")
"""ln max |d⟨m⟩/dg|, ln max Var m, and ln p(lower peak) - ln p(valley)."""

LEAST_BASIN: Final = 0.1
"""Both phases need this weight for a barrier: empty bins in a tail are no valley."""

_RESAMPLES: Final = 40
_FROZEN: Final = 20.0
_NEAR_EDGE: Final = 0.04


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class SizeFeatures:
    """Features of one size.

    Parameters
    ----------
    size, volume : float
        As given, and N.
    values : (feature,) array
        In the order of `FEATURES`.
    covariance : (feature, feature) array
        Of the values, by resampling blocks of chains, or over disorders.
    slope_known : bool
        False where chains hop so rarely that weights of phases tell where they started, or
        where neighbouring controls do not overlap.
    at_edge : bool
        Whether the variance is largest at an end of the range of the control.
    transition : float
        Control of the largest variance, the mean over disorders.
    transition_spread : float
        Standard deviation of that over disorders; NaN without.
    gap : float
        Distance of the means of the two phases at the control of the barrier; 0 without.
    mixing : float
        See `mixing_ratio`.
    disorders : int
        Number of disorders; 1 where nothing is random.
    """

    size: float
    volume: float
    values: FloatArray
    covariance: FloatArray
    slope_known: bool
    at_edge: bool
    transition: float
    transition_spread: float
    gap: float
    mixing: float
    disorders: int


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class _Read:
    """What is read off one density surface."""

    values: FloatArray
    transition: float
    at_edge: bool
    gap: float
    gapless: bool


def measure_features(
    size: SizeChains, *, mixing: float, generator: np.random.Generator
) -> SizeFeatures:
    """Measure the features of one size.

    Parameters
    ----------
    size : SizeChains
        Chains at two or more controls.
    mixing : float
        From `mixing_ratio`, kept beside.
    generator : numpy.random.Generator
        For resampling.

    Returns
    -------
    SizeFeatures
        With two or more disorders, each disorder's features are read at its own transition and
        averaged; their covariance is that of the mean over disorders.
    """
    disorders = size.disorders
    if len(disorders) == 1:
        read, covariance = _one_disorder(size, generator)
        spread = float("nan")
        transition = read.transition
    else:
        reads = [_read_surface(size.of_disorder(each)) for each in disorders]
        table = np.stack([each.values for each in reads])
        covariance = np.atleast_2d(np.cov(table.T, ddof=1)) / len(reads)
        transitions = np.array([each.transition for each in reads])
        transition, spread = float(transitions.mean()), float(transitions.std(ddof=1))
        read = _Read(
            values=table.mean(axis=0),
            transition=transition,
            at_edge=float(np.mean([each.at_edge for each in reads])) > 0.5,
            gap=float(np.mean([each.gap for each in reads])),
            gapless=all(each.gapless for each in reads),
        )
    return SizeFeatures(
        size=size.size,
        volume=size.volume,
        values=read.values,
        covariance=covariance,
        slope_known=read.gapless
        and all(_slope_known(size.of_disorder(each)) for each in disorders),
        at_edge=read.at_edge,
        transition=transition,
        transition_spread=spread,
        gap=read.gap,
        mixing=mixing,
        disorders=len(disorders),
    )


def _one_disorder(size: SizeChains, generator: np.random.Generator) -> tuple[_Read, FloatArray]:
    blocks, surface = fitted_surface(blocks_of(size))
    read = _read(surface, blocks, size.controls)
    draws = []
    for _ in range(_RESAMPLES):
        refit = fit_surface(
            blocks.resampled(generator),
            blocks.controls,
            bins=blocks.bins,
            start=surface.coefficients,
        )
        draws.append(_read(refit, blocks, size.controls).values)
    return read, np.cov(np.stack(draws).T, ddof=1)


def _read_surface(size: SizeChains) -> _Read:
    blocks, surface = fitted_surface(blocks_of(size))
    return _read(surface, blocks, size.controls)


def _read(surface: DensitySurface, blocks: Blocks, window: FloatArray) -> _Read:
    grid = readable_controls(blocks)
    log_p = surface.log_probabilities(grid)
    p = np.exp(log_p)
    centres = surface.bins.centres
    mean = p @ centres
    variance = p @ centres**2 - mean**2
    score = surface.score(grid)
    slope = np.sum(p * (centres - mean[:, None]) * score, axis=1)
    barriers, splits = _barriers(log_p)
    best, top = int(np.argmax(barriers)), int(np.argmax(variance))
    margin = _NEAR_EDGE * float(window[-1] - window[0])
    tiny = np.finfo(float).tiny
    return _Read(
        values=np.array(
            [
                np.log(max(float(np.abs(slope).max()), tiny)),
                np.log(max(float(variance.max()), tiny)),
                float(barriers[best]),
            ]
        ),
        transition=float(grid[top]),
        at_edge=not window[0] + margin <= grid[top] <= window[-1] - margin,
        gap=_gap(p[best], centres, int(splits[best])) if barriers[best] > 0.0 else 0.0,
        gapless=bool((overlaps(blocks) >= LEAST_OVERLAP).all()),
    )


def _barriers(log_p: FloatArray) -> tuple[FloatArray, np.ndarray]:
    """Highest barrier at every control and the bin of its valley, (control,) each."""
    weight = np.cumsum(np.exp(log_p), axis=1)
    left = np.maximum.accumulate(log_p, axis=1)
    right = np.maximum.accumulate(log_p[:, ::-1], axis=1)[:, ::-1]
    depth = np.minimum(left, right) - log_p
    populated = (weight >= LEAST_BASIN) & (weight <= 1.0 - LEAST_BASIN)
    depth = np.where(populated, depth, 0.0)
    return depth.max(axis=1), depth.argmax(axis=1)


def _gap(p: FloatArray, centres: FloatArray, split: int) -> float:
    low, high = p[:split], p[split:]
    if not (low.sum() > 0.0 and high.sum() > 0.0):
        return 0.0
    return float(high @ centres[split:] / high.sum() - low @ centres[:split] / low.sum())


def _slope_known(size: SizeChains) -> bool:
    """Whether the median control near the transition has enough effective samples."""
    variances = np.array([size.pooled(float(g)).var() for g in size.controls])
    near = size.controls[variances > 0.5 * variances.max()]
    effective = [
        size.pooled(float(g)).size / (2.0 * size.autocorrelation_time(float(g))) for g in near
    ]
    return bool(np.median(effective) >= _FROZEN) if effective else True
