"""Whether an order parameter was given with its sign where phases of both signs are alike.

Below a critical point ±m coexist and their barrier grows with size, along a field and not along
the control that was varied: such phases would be taken for those of a first-order transition.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy.stats import binomtest, chi2, norm

from phasegrok.statistics import effective_sample_size
from phasegrok.statistics.samples import FloatArray
from phasegrok.transitions.chains import Chain, SizeChains

__all__ = ["looks_even"]

_EVEN: Final = 0.3
"""Mean over root mean square below which a law has no direction, however well it is known."""

_UNEQUAL: Final = 0.05
"""Difference over sum of the magnitudes of both sides, up to which they count as equal."""

_IMPROBABLE: Final = 0.01
"""Of an even law: an asymmetry that is as improbable as this shows that the law is not even."""


def looks_even(size: SizeChains) -> bool:
    """Whether the law may be even at every control, though it was not folded.

    Parameters
    ----------
    size : SizeChains
        Chains of one size.

    Returns
    -------
    bool
        True where both signs occur and either the mean is less than 0.3 of the root mean
        square at every control, or nothing contradicts an even law: signs of chains that
        change them balance at every control, those of chains that keep theirs balance over all
        and do not follow the control, and values of both signs are equally large.
    """
    every = [chain.values for chain in size.chains]
    if min(each.min() for each in every) >= 0.0 or max(each.max() for each in every) <= 0.0:
        return False
    return (_has_no_direction(size) or _signs_balance(size)) and _magnitudes_agree(size)


def _has_no_direction(size: SizeChains) -> bool:
    pooled = [size.pooled(float(control)) for control in size.controls]
    return all(
        each.min() < 0.0 < each.max() and abs(each.mean()) <= _EVEN * np.sqrt(np.mean(each**2))
        for each in pooled
    )


def _signs_balance(size: SizeChains) -> bool:
    kept = [each for each in size.chains if _keeps_its_sign(each) and each.values.any()]
    return _kept_signs_balance(kept) and _changing_signs_balance(size)


def _keeps_its_sign(chain: Chain) -> bool:
    return bool(np.ptp(_signs(chain)) == 0.0)


def _signs(chain: Chain) -> FloatArray:
    """Signs of the values that have one; of a chain of zeros one zero."""
    signs: FloatArray = np.sign(chain.values[chain.values != 0.0])
    return signs if signs.size else np.zeros(1)


def _kept_signs_balance(kept: Sequence[Chain]) -> bool:
    """Whether chains that keep their sign have both, at any control."""
    if not kept:
        return True
    signs = np.array([_signs(chain)[0] for chain in kept])
    if binomtest(int(np.sum(signs > 0.0)), signs.size).pvalue < _IMPROBABLE:
        return False
    controls = np.array([chain.control for chain in kept])
    distance = controls - controls.mean()
    spread = float(np.sqrt(np.sum(distance**2)))
    if not spread > 0.0:
        return True
    trend = float(np.sum(signs * distance)) / spread
    return bool(2.0 * norm.sf(abs(trend)) >= _IMPROBABLE)


def _changing_signs_balance(size: SizeChains) -> bool:
    """Whether chains that change their sign have none on average, at every control."""
    square, freedom = 0.0, 0
    for control in size.controls:
        moving = [each for each in size.at(float(control)) if not _keeps_its_sign(each)]
        if moving:
            signs = [_signs(chain) for chain in moving]
            weights = np.array([_independent_signs(each) for each in signs])
            means = np.array([each.mean() for each in signs])
            square += float(np.sum(weights * means)) ** 2 / float(weights.sum())
            freedom += 1
    return freedom == 0 or bool(chi2.sf(square, freedom) >= _IMPROBABLE)


def _independent_signs(signs: FloatArray) -> float:
    """How many independent signs a chain is worth that changes its own at random.

    With the chance r of a change per record the autocorrelation is (1 - 2r)^t, so that n
    records are worth n r/(1 - r). Times from the series itself are too short here, for their
    mean is the chain's and not zero.
    """
    changes = float(np.count_nonzero(np.diff(signs)))
    return max(1.0, signs.size * changes / max(signs.size - 1.0 - changes, 1.0))


def _magnitudes_agree(size: SizeChains) -> bool:
    """Whether values above and below zero are equally far from it, at every control."""
    square, freedom, unequal = 0.0, 0, 0.0
    for control in size.controls:
        chains = size.at(float(control))
        # Of the records of each chain, those that are worth an independent one.
        shares = [
            float(effective_sample_size(np.abs(chain.values))) / chain.values.size
            for chain in chains
        ]
        above, below = (_side(chains, shares, sign) for sign in (1.0, -1.0))
        if above is None or below is None:
            continue
        error = above[1] + below[1]
        if error > 0.0:
            square += (above[0] - below[0]) ** 2 / error
            unequal = max(unequal, abs(above[0] - below[0]) / (above[0] + below[0]))
            freedom += 1
    return unequal <= _UNEQUAL or bool(chi2.sf(square, freedom) >= _IMPROBABLE)


def _side(
    chains: Sequence[Chain], shares: Sequence[float], sign: float
) -> tuple[float, float] | None:
    """Mean magnitude of the values of one sign, and its squared error; None for too few."""
    sides = [np.abs(chain.values[sign * chain.values > 0.0]) for chain in chains]
    count = sum(share * side.size for share, side in zip(shares, sides, strict=True))
    if count < 2.0:
        return None
    every = np.concatenate(sides)
    return float(every.mean()), float(every.var()) / count
