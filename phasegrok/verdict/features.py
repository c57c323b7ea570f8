"""What of the samples of one size tells the order of a transition, with its covariance.

ln S of the steepest change of the mean, ln V of the largest variance, and the barrier B between
two phases, each taken where in the control it is largest, so that sizes and disorders with
transition points of their own are compared at their own points.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from phasegrok.statistics.samples import FloatArray
from phasegrok.transitions.blocks import (
    LEAST_OVERLAP,
    Blocks,
    fitted_surface,
    overlaps,
    readable_controls,
)
from phasegrok.transitions.chains import SizeChains
from phasegrok.transitions.density import DensitySurface, fit_surface, variance_over
from phasegrok.verdict.gate import BROAD

__all__ = ["FEATURES", "FEWEST_DISORDERS", "SizeFeatures", "measure_features"]

FEATURES: Final = ("log_slope", "log_variance", "barrier")
"""ln max |d⟨m⟩/dg|, ln max Var m, and ln p(lower peak) - ln p(valley)."""

LEAST_BASIN: Final = 0.1
"""Both phases need this weight for a barrier: empty bins in a tail are no valley."""

FEWEST_DISORDERS: Final = 6
"""Of a size, where there are several: fewer do not know the covariance of three features."""

_RESAMPLES: Final = 40
_RESAMPLES_OF_ONE_OF_MANY: Final = 5
_FROZEN: Final = 20.0
_NEAR_EDGE: Final = 0.04
_RISEN: Final = 1.25
_FEWEST_IN_VALLEY: Final = 3.0


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
        Whether the variance is largest at an end of the range of the control, and larger by a
        quarter than over its middle half.
    transition : float
        Control of the largest variance, the mean over disorders.
    transition_spread : float
        Standard deviation of that over disorders; NaN without.
    gap : float
        Distance of the means of the two phases at the control of the barrier; 0 without.
    barrier_bounded : bool
        Whether the valley of any disorder is so empty that the barrier is a lower bound only.
    mixing : float
        See `mixing_ratio`.
    disorders : int
        Number of disorders; 1 where nothing is random.
    relative_variance, relative_variance_error : float
        R = Var_k V_k / [V_k]² of the largest variances V_k of the disorders k, each at its own
        transition, freed of the noise of sampling, and its jackknife error over disorders. It
        vanishes with size where susceptibilities average themselves (Aharony and Harris, Phys.
        Rev. Lett. 77, 3700, 1996); NaN without disorders.
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
    barrier_bounded: bool
    mixing: float
    disorders: int
    relative_variance: float = float("nan")
    relative_variance_error: float = float("nan")


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class _Curves:
    """What is read off one density surface."""

    values: FloatArray
    transition: float
    gap: float
    variance: FloatArray
    coexistence: float
    valley: int


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class _Read:
    """One disorder: the blocks that its surface describes, and what is read off it."""

    blocks: Blocks
    surface: DensitySurface
    grid: FloatArray
    values: FloatArray
    transition: float
    at_edge: bool
    gap: float
    slope_known: bool
    barrier_bounded: bool


def measure_features(
    size: SizeChains,
    blocks: Sequence[Blocks],
    *,
    mixing: float,
    generator: np.random.Generator,
) -> SizeFeatures:
    """Measure the features of one size.

    Parameters
    ----------
    size : SizeChains
        Chains at two or more controls.
    blocks : sequence of Blocks
        Of each disorder.
    mixing : float
        From `mixing_ratio`, kept beside.
    generator : numpy.random.Generator
        For resampling.

    Returns
    -------
    SizeFeatures
        With several disorders, at least `FEWEST_DISORDERS`, each disorder's features are read
        at its own transition and averaged; their covariance is that of the mean over disorders.
    """
    parts = [size.of_disorder(each) for each in size.disorders]
    reads = [_read(part, each) for part, each in zip(parts, blocks, strict=True)]
    transitions = np.array([read.transition for read in reads])
    table = np.stack([read.values for read in reads])
    relative, relative_error = float("nan"), float("nan")
    if len(reads) == 1:
        covariance = _resampled_covariance(blocks[0], reads[0], generator)
    else:
        relative, relative_error = _relative_variance(blocks, reads, generator)
        # Unbiased for the inverse, by which models are judged: a few disorders know their own
        # covariance badly (Anderson, Multivariate Statistical Analysis, 2003, section 7.7).
        inflation = (len(reads) - 1.0) / (len(reads) - len(FEATURES) - 2.0)
        covariance = inflation * np.cov(table.T, ddof=1) / len(reads)
    return SizeFeatures(
        size=size.size,
        volume=size.volume,
        values=table.mean(axis=0),
        covariance=covariance,
        slope_known=all(read.slope_known for read in reads),
        at_edge=float(np.mean([read.at_edge for read in reads])) > 0.5,
        transition=float(transitions.mean()),
        transition_spread=float(transitions.std(ddof=1)) if len(reads) > 1 else float("nan"),
        gap=float(np.mean([read.gap for read in reads])),
        # A mean of values and lower bounds is a lower bound of the mean.
        barrier_bounded=any(read.barrier_bounded for read in reads),
        mixing=mixing,
        disorders=len(reads),
        relative_variance=relative,
        relative_variance_error=relative_error,
    )


def _relative_variance(
    blocks: Sequence[Blocks], reads: Sequence[_Read], generator: np.random.Generator
) -> tuple[float, float]:
    """R of the largest variances over disorders, and its error; see `SizeFeatures`."""
    heights = np.exp([read.values[1] for read in reads])
    noise = np.array(
        [
            _resampled_covariance(each, read, generator, draws=_RESAMPLES_OF_ONE_OF_MANY)[1, 1]
            for each, read in zip(blocks, reads, strict=True)
        ]
    )
    noises = noise * heights**2  # The noise is that of the logarithm.
    count = len(reads)
    # Without each of the disorders, and with all of them.
    kept = np.vstack([~np.eye(count, dtype=bool), np.ones(count, dtype=bool)])
    ratios = [
        (heights[rows].var(ddof=1) - noises[rows].mean()) / heights[rows].mean() ** 2
        for rows in kept
    ]
    without = np.array(ratios[:-1])
    error = np.sqrt((count - 1.0) / count * np.sum((without - without.mean()) ** 2))
    return float(ratios[-1]), float(error)


def _resampled_covariance(
    blocks: Blocks, read: _Read, generator: np.random.Generator, *, draws: int = _RESAMPLES
) -> FloatArray:
    """Covariance of the features of one disorder, from blocks drawn with replacement."""
    redrawn = []
    for _ in range(draws):
        refit = fit_surface(
            read.blocks.resampled(generator),
            read.blocks.controls,
            bins=blocks.bins,
            start=read.surface.coefficients,
        )
        redrawn.append(_curves(refit, read.grid).values)
    covariance: FloatArray = np.cov(np.stack(redrawn).T, ddof=1)
    return covariance


def _read(chains: SizeChains, measured: Blocks) -> _Read:
    blocks, surface = fitted_surface(measured)
    grid = readable_controls(blocks)
    curves = _curves(surface, grid)
    low, high = measured.controls[[0, -1]]
    bound = _barrier_bound(chains, blocks, surface, curves) if curves.gap > 0.0 else None
    values = curves.values
    if bound is not None:
        values = np.array([values[0], values[1], bound])
    return _Read(
        blocks=blocks,
        surface=surface,
        grid=grid,
        values=values,
        barrier_bounded=bound is not None,
        transition=curves.transition,
        at_edge=_at_edge(curves, grid, low=float(low), high=float(high)),
        gap=curves.gap,
        slope_known=bool((overlaps(blocks) >= LEAST_OVERLAP).all()) and _unfrozen(measured),
    )


def _curves(surface: DensitySurface, grid: FloatArray) -> _Curves:
    log_p = surface.log_probabilities(grid)
    p = np.exp(log_p)
    centres = surface.bins.centres
    mean = p @ centres
    variance = variance_over(p, centres)
    slope = np.sum(p * (centres - mean[:, None]) * surface.score(grid), axis=1)
    barriers, splits = _barriers(log_p)
    best = int(np.argmax(barriers))
    tiny = np.finfo(float).tiny
    values = np.array(
        [
            np.log(max(float(np.abs(slope).max()), tiny)),
            np.log(max(float(variance.max()), tiny)),
            float(barriers[best]),
        ]
    )
    gap = _gap(p[best], centres, int(splits[best])) if barriers[best] > 0.0 else 0.0
    return _Curves(
        values=values,
        transition=float(grid[np.argmax(variance)]),
        gap=gap,
        variance=variance,
        coexistence=float(grid[best]),
        valley=int(splits[best]),
    )


def _at_edge(curves: _Curves, grid: FloatArray, *, low: float, high: float) -> bool:
    """Whether the transition lies beside the window; a level variance has its top anywhere."""
    width = high - low
    if low + _NEAR_EDGE * width <= curves.transition <= high - _NEAR_EDGE * width:
        return False
    middle = np.abs(grid - 0.5 * (low + high)) <= 0.25 * width
    if not middle.any():
        return True
    return bool(curves.variance.max() > _RISEN * curves.variance[middle].max())


def _barrier_bound(
    chains: SizeChains, blocks: Blocks, surface: DensitySurface, curves: _Curves
) -> float | None:
    """Lower bound on a barrier whose valley was never seen, None where it was.

    With k draws in the valley out of n that might have fallen there, its probability is at
    most (3 + k)/n, 3 being the 95 % bound of Poisson's law for none. Draws count as they are:
    within a phase they are nearly independent, however rarely chains hop.
    """
    near = slice(max(0, curves.valley - 1), curves.valley + 2)
    counts = np.stack([blocks.bins.counts(chains.pooled(float(g))) for g in blocks.controls])
    seen = float(counts[:, near].sum())
    if seen >= _FEWEST_IN_VALLEY:
        return None
    there = surface.log_probabilities(np.array([curves.coexistence]))[0]
    share = np.exp(surface.log_probabilities(blocks.controls)[:, curves.valley])
    relative = np.minimum(1.0, share / np.exp(there[curves.valley]))
    chances = (near.stop - near.start) * float(counts.sum(axis=1) @ relative)
    peak = min(there[: curves.valley].max(), there[curves.valley :].max())
    return float(peak + np.log(chances / (_FEWEST_IN_VALLEY + seen)))


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


def _unfrozen(blocks: Blocks) -> bool:
    """Whether the median control near the transition has enough effective samples."""
    near = blocks.variances > BROAD * blocks.variances.max()
    return bool(np.median(blocks.effective[near]) >= _FROZEN)
