"""Mean and variance of the order parameter at every size and control, with their covariance."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np

from phasegrok.statistics.samples import FloatArray
from phasegrok.transitions.chains import Chain, SizeChains

__all__ = ["MeasuredPoint", "measured_points"]

_BLOCK_TIMES: Final = 10.0
_FEWEST_BLOCKS: Final = 8


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class MeasuredPoint:
    """One size at one control.

    Parameters
    ----------
    size, volume, control : float
        Where.
    values : (2,) array
        ⟨m⟩ and Var m, the latter within a disorder.
    covariance : (2, 2) array
        Of the values.
    """

    size: float
    volume: float
    control: float
    values: FloatArray
    covariance: FloatArray


def measured_points(size: SizeChains) -> list[MeasuredPoint]:
    """Measure one size at every control that has the samples for an error.

    Parameters
    ----------
    size : SizeChains
        Chains of one size.

    Returns
    -------
    list of MeasuredPoint
        With two or more disorders averages over them, errors from their spread; else errors by
        the jackknife over blocks of ten autocorrelation times. Left out are controls with fewer
        than eight blocks or two disorders, and those where nothing fluctuates.
    """
    disorders = size.disorders
    found = []
    for control in (float(each) for each in size.controls):
        if len(disorders) > 1:
            there = [size.of_disorder(each) for each in disorders]
            read = [_one(each, control)[0] for each in there if each.at(control)]
            if len(read) < 2:
                continue
            values = np.mean(read, axis=0)
            covariance = np.cov(np.stack(read).T, ddof=1) / len(read)
        else:
            values, covariance = _one(size, control)
        if np.isfinite(covariance).all() and np.linalg.det(covariance) > 0.0:
            found.append(
                MeasuredPoint(
                    size=size.size,
                    volume=size.volume,
                    control=control,
                    values=values,
                    covariance=covariance,
                )
            )
    return found


def _one(size: SizeChains, control: float) -> tuple[FloatArray, FloatArray]:
    """Values with the bias of the variance taken off, and their covariance."""
    time = size.autocorrelation_time(control)
    chains = size.at(control)
    sums = np.concatenate([_block_sums(each, time, chains[0].values[0]) for each in chains])
    total, count = sums.sum(axis=0), len(sums)
    origin = np.array([chains[0].values[0], 0.0])
    excess = total[0] / max(total[0] - 2.0 * time, 1.0)
    values = (_mean_and_variance(total) + origin) * np.array([1.0, excess])
    if count < _FEWEST_BLOCKS:
        return values, np.full((2, 2), np.nan)
    left = np.stack([_mean_and_variance(total - each) for each in sums])
    deviation = left - left.mean(axis=0)
    covariance: FloatArray = deviation.T @ deviation * (count - 1.0) / count
    return values, covariance


def _block_sums(chain: Chain, time: float, origin: float) -> FloatArray:
    """Count, sum and sum of squares of m less an origin in every block, (block, 3)."""
    length = max(1, int(np.ceil(_BLOCK_TIMES * time)))
    parts = np.array_split(chain.values - origin, max(1, chain.values.size // length))
    return np.array([[part.size, part.sum(), np.sum(part**2)] for part in parts])


def _mean_and_variance(sums: FloatArray) -> FloatArray:
    mean = sums[1] / sums[0]
    return np.array([mean, sums[2] / sums[0] - mean**2])
