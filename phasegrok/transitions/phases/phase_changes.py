"""How often chains change phase, and whether chains begun in either phase agree."""

from collections.abc import Sequence

import numpy as np

from phasegrok.transitions.chains import Chain, SizeChains
from phasegrok.transitions.round_trips import trips_between

__all__ = ["round_trips", "start_disagreement"]


def round_trips(chains: Sequence[Chain], *, lower_mean: float, upper_mean: float) -> int:
    """Count the journeys of chains from one phase into the other and back.

    Parameters
    ----------
    chains : sequence of Chain
        Of one size.
    lower_mean, upper_mean : float
        Means of the phases. A chain is in a phase from when it passes its mean until it passes
        the other's, so that shivering at the cut is no journey.

    Returns
    -------
    int
        Sum over chains.
    """
    return sum(
        trips_between(
            (chain.values >= upper_mean).astype(np.int64) - (chain.values <= lower_mean)
        )
        for chain in chains
    )


def start_disagreement(size: SizeChains, *, cut: float) -> float:
    """Difference of the weights that chains begun in either phase find, in standard errors.

    Parameters
    ----------
    size : SizeChains
        Chains of one size; a chain begins where its first record is.
    cut : float
        The order parameter at which the phases end.

    Returns
    -------
    float
        Share of the second half of a chain above the cut, chains begun above less chains begun
        below, over its error by 2τ p(1 - p)/n, all controls together. Large and positive where
        chains stay where they began. 0 where no control has both kinds.
    """
    sum_of_shifts, precision = 0.0, 0.0
    for control in size.controls:
        chains = size.at(float(control))
        began = np.array([chain.values[0] > cut for chain in chains])
        if began.all() or not began.any():
            continue
        later = [chain.values[chain.values.size // 2 :] > cut for chain in chains]
        above = np.concatenate([half for half, up in zip(later, began, strict=True) if up])
        below = np.concatenate([half for half, up in zip(later, began, strict=True) if not up])
        share = float(np.concatenate([above, below]).mean())
        time = max(0.5, size.autocorrelation_time(float(control)))
        variance = 2.0 * time * share * (1.0 - share) * (1.0 / above.size + 1.0 / below.size)
        if variance > 0.0:
            sum_of_shifts += float(above.mean() - below.mean()) / variance
            precision += 1.0 / variance
    return sum_of_shifts / precision**0.5 if precision > 0.0 else 0.0
