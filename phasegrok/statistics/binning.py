"""Errors of means against the length of blocks: where they stop growing they can be believed.

The ladder asks nothing of the autocorrelation function, so it is a second opinion on the error
that an integrated time gives.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from phasegrok.statistics.samples import (
    BoolArray,
    FloatArray,
    IntArray,
    Status,
    as_samples,
    centred_and_scaled,
)

__all__ = ["BinningLadder", "binning_ladder"]

_FEWEST_BLOCKS: Final = 16
# With fewer blocks an error is known to worse than 18 % and decides nothing.

_FEWEST_ABOVE: Final = 2
# So many longer levels must agree before a level counts as a plateau.

_LEVELS_BEYOND: Final = 2
# The first level that agrees is short by as much as noise hides: four times longer blocks.

_LARGEST_DEVIATION: Final = 2.0

_PIECE_ELEMENTS: Final = 2**20


class BinningLadder(NamedTuple):
    """Standard errors of each mean from blocks of 1, 2, 4, ... samples."""

    block_length: IntArray
    """Samples in a block, (level,)."""
    block_count: IntArray
    """Blocks at each level, at least 16 (2 at the first level), (level,)."""
    errors: FloatArray
    """Standard error of the mean from the blocks of each level, (..., level)."""
    errors_of_errors: FloatArray
    """Standard error of each, error/√(2(B-1)), (..., level)."""
    error: FloatArray
    """Error on the plateau; of the longest blocks where there is none, (...)."""
    error_of_error: FloatArray
    """Its standard error, (...)."""
    plateau: IntArray
    """Samples in a block of the plateau; of the longest where there is none, (...)."""
    converged: BoolArray
    """Whether there is a plateau; else the error is a lower bound, (...)."""
    status: IntArray
    """`Status`, RESOLVED where converged, (...)."""


def binning_ladder(samples: ArrayLike) -> BinningLadder:
    """Double the blocks until their means count as independent.

    A level agrees with the longer ones if each squared error s_k of B_k blocks lies within two
    standard deviations √(2/B_k - 2/B) of s: for independent blocks a longer level's error is
    that of the shorter one plus independent noise. The plateau lies two levels beyond the
    first level that agrees with all the longer ones, at least two of them.

    Parameters
    ----------
    samples : (..., sample) array_like
        Series in equilibrium, of any unit.

    Returns
    -------
    BinningLadder
        Blocks end with the series; a remainder at its beginning is left out of a level. A
        constant series has errors 0, converged, with status CONSTANT. Fewer than 64 samples
        never converge.

    Raises
    ------
    InsufficientSamplesError
        For fewer than two samples.
    InvalidValueError
        For samples that are not finite real numbers.

    References
    ----------
    .. [1] H. Flyvbjerg and H. G. Petersen, J. Chem. Phys. 91, 461 (1989).
    """
    values = as_samples(samples, statistic="a binning ladder", required=2)
    length = values.shape[-1]
    level_count = max(1, int(np.log2(length / _FEWEST_BLOCKS)) + 1)
    flat = values.reshape(-1, length)
    step = max(1, _PIECE_ELEMENTS // length)
    pieces = [_squares(flat[i : i + step], level_count) for i in range(0, len(flat), step)]
    squares = np.concatenate([*pieces, np.zeros((0, level_count))])
    squares = squares.reshape(*values.shape[:-1], level_count)
    counts = length // 2 ** np.arange(level_count)
    return _judged(squares, counts.astype(np.int64))


def _squares(flat: FloatArray, level_count: int) -> FloatArray:
    """Squared standard errors (point, level)."""
    means, scale = centred_and_scaled(flat)
    levels = []
    for _ in range(level_count):
        count = means.shape[-1]
        levels.append(means.var(axis=-1, ddof=1) / count * scale**2)
        even = means[..., count % 2 :]
        means = 0.5 * (even[..., 0::2] + even[..., 1::2])
    return np.stack(levels, axis=-1)


def _judged(squares: FloatArray, counts: IntArray) -> BinningLadder:
    level_count = counts.size
    constant = squares[..., 0] == 0.0
    agrees = _agreement(squares, counts)
    converged = agrees.any(axis=-1)
    first = np.where(converged, agrees.argmax(axis=-1), level_count - 1)
    chosen = np.where(constant, 0, np.minimum(first + _LEVELS_BEYOND, level_count - 1))
    errors = np.sqrt(squares)
    of_errors = errors / np.sqrt(2.0 * (counts - 1.0))
    index = chosen[..., np.newaxis]
    status = np.where(converged, Status.RESOLVED, Status.UNRESOLVED)
    return BinningLadder(
        block_length=2 ** np.arange(level_count, dtype=np.int64),
        block_count=counts,
        errors=errors,
        errors_of_errors=of_errors,
        error=np.take_along_axis(errors, index, axis=-1)[..., 0],
        error_of_error=np.take_along_axis(of_errors, index, axis=-1)[..., 0],
        plateau=2 ** chosen.astype(np.int64),
        converged=converged | constant,
        status=np.where(constant, Status.CONSTANT, status).astype(np.int64),
    )


def _agreement(squares: FloatArray, counts: IntArray) -> BoolArray:
    """Whether each level agrees with all longer ones, (..., level)."""
    level_count = counts.size
    agrees = np.zeros(squares.shape, dtype=np.bool_)
    for level in range(level_count - _FEWEST_ABOVE):
        here = squares[..., level, np.newaxis]
        ratio = squares[..., level + 1 :] / np.where(here > 0.0, here, 1.0)
        noise = np.sqrt(2.0 / counts[level + 1 :] - 2.0 / counts[level])
        near = np.abs(ratio - 1.0) < _LARGEST_DEVIATION * noise
        agrees[..., level] = near.all(axis=-1)
    return agrees
