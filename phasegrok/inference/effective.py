"""How many independent draws correlated ones are worth."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from phasegrok.errors import InsufficientSamplesError
from phasegrok.statistics.samples import FloatArray

__all__ = ["EffectiveNumbers", "Groups", "design_effect", "effective_numbers", "group_values"]

MOST_BLOCKS: Final = 20
"""Blocks of records that stand for independent runs where there is one run only."""

RECORDS_PER_BLOCK: Final = 4


@final
@dataclass(frozen=True, kw_only=True)
class Groups:
    """Draws gathered so that draws of different groups are independent.

    Parameters
    ----------
    values : tuple of (draw,) arrays
        One array per group.
    kind : str
        What a group is: disorder, run, block of records, or draw where nothing groups them.
    """

    values: tuple[FloatArray, ...]
    kind: str

    @property
    def pooled(self) -> FloatArray:
        """All draws (draw)."""
        return np.concatenate(self.values)

    @property
    def freedom(self) -> float:
        """Degrees of freedom of variances between groups; infinite for independent draws."""
        return np.inf if self.kind == "draw" else float(len(self.values) - 1)


def group_values(runs: Sequence[FloatArray], disorder: Sequence[object] | None) -> Groups:
    """Gather draws by the widest division that makes them independent.

    Parameters
    ----------
    runs : sequence of (record, neuron) arrays
        Draws of each run.
    disorder : sequence or None
        Which draw of data and teacher each run saw.

    Returns
    -------
    Groups
        By disorder where there are at least two, else by run, else (one run) by blocks of
        consecutive records, else every draw by itself.
    """
    labels = list(range(len(runs))) if disorder is None else list(disorder)
    kind = "run" if disorder is None else "disorder"
    if len(set(labels)) == 1 and len(runs) > 1:
        labels, kind = list(range(len(runs))), "run"
    distinct = list(dict.fromkeys(labels))
    if len(distinct) > 1:
        positions = range(len(runs))
        parts = [
            np.concatenate([runs[i].ravel() for i in positions if labels[i] == x])
            for x in distinct
        ]
        return Groups(values=tuple(parts), kind=kind)
    blocks = min(MOST_BLOCKS, len(runs[0]) // RECORDS_PER_BLOCK)
    if blocks < 2:
        return Groups(values=(runs[0].ravel(),), kind="draw")
    pieces = tuple(piece.ravel() for piece in np.array_split(runs[0], blocks))
    return Groups(values=pieces, kind="block of records")


def design_effect(
    groups: Sequence[FloatArray],
    statistic: Callable[[FloatArray], FloatArray],
    keep: Callable[[FloatArray], FloatArray],
) -> float:
    """Ratio of the true variance of a mean to that of as many independent draws.

    Parameters
    ----------
    groups : sequence of (draw,) arrays
        Independent groups of correlated draws, at least two.
    statistic : callable
        Function of the draws whose mean is meant, such as an indicator or a square.
    keep : callable
        Indicator of the draws over which the mean runs.

    Returns
    -------
    float
        [U/(U-1) Σ_u (S_u - R n_u)²/n²] / [var(h)/n], the linearised variance of the ratio
        R = ΣS_u/Σn_u of group totals over that of independent draws [1]_; n / n_effective.
        1 where the statistic does not vary.

    Raises
    ------
    InsufficientSamplesError
        For fewer than two groups.

    References
    ----------
    .. [1] Kish, Survey Sampling (Wiley, 1965), chapters 5, 6 and 8.
    """
    if len(groups) < 2:
        raise InsufficientSamplesError("design effect", required=2, received=len(groups))
    kept = [group[keep(group) > 0] for group in groups]
    numbers = np.array([part.size for part in kept], dtype=float)
    total = numbers.sum()
    if total < 2:
        return 1.0
    values = [statistic(part) for part in kept]
    sums = np.array([value.sum() for value in values])
    independent = np.concatenate(values).var(ddof=1) / total
    if independent == 0.0:
        return 1.0
    residuals = sums - sums.sum() / total * numbers
    count = len(groups)
    return float(count / (count - 1) * np.sum(residuals**2) / total**2 / independent)


@final
@dataclass(frozen=True, kw_only=True)
class EffectiveNumbers:
    """What the draws are worth, for shapes and for the balance between two sides of a cut.

    Parameters
    ----------
    number : int
        Draws counted.
    groups : int
        Independent groups they came in.
    kind : str
        What a group is.
    freedom : float
        Degrees of freedom of the variance between groups; infinite for independent draws.
    lower_share, upper_share, balance_share : float
        Effective draws per draw for the shape below and above the cut and for the fraction
        above it; never above 1. Without a cut all three are equal.
    """

    number: int
    groups: int
    kind: str
    freedom: float
    lower_share: float
    upper_share: float
    balance_share: float


def _share(effects: list[float]) -> float:
    # The mean, since the larger of two noisy variances would be too large.
    return 1.0 / max(1.0, float(np.mean(effects)))


def effective_numbers(groups: Groups, cut: float | None) -> EffectiveNumbers:
    """Estimate what correlated draws are worth, from the variance between their groups.

    Parameters
    ----------
    groups : Groups
        Folded draws |q|.
    cut : float or None
        Border of the two phases, in the units of the draws; None for one phase.

    Returns
    -------
    EffectiveNumbers
        From the design effects of |q| and of its square about the mean of its side (shapes)
        and of the indicator |q| > cut (balance). Neurons of one network share their fields
        and records follow each other, so runs of a disorder stay together.
    """
    if groups.kind == "draw":
        shares = (1.0, 1.0, 1.0)
    else:
        border = np.inf if cut is None else cut
        lower = _share(_shape_effects(groups.values, 0.0, border, about=0.0))
        shares = (lower, lower, lower)
        if cut is not None:
            above = groups.pooled[groups.pooled >= cut]
            centre = float(above.mean()) if above.size else cut
            upper = _share(_shape_effects(groups.values, cut, np.inf, about=centre))
            balance = _share([design_effect(groups.values, _beyond(cut), _all)])
            shares = (lower, upper, balance)
    return EffectiveNumbers(
        number=groups.pooled.size,
        groups=len(groups.values),
        kind=groups.kind,
        freedom=groups.freedom,
        lower_share=shares[0],
        upper_share=shares[1],
        balance_share=shares[2],
    )


def _beyond(cut: float) -> Callable[[FloatArray], FloatArray]:
    def indicator(draws: FloatArray) -> FloatArray:
        return (draws >= cut).astype(np.float64)

    return indicator


def _all(draws: FloatArray) -> FloatArray:
    return np.ones(draws.size, dtype=np.float64)


def _same(draws: FloatArray) -> FloatArray:
    return draws


def _shape_effects(
    values: Sequence[FloatArray], low: float, high: float, *, about: float
) -> list[float]:
    def inside(draws: FloatArray) -> FloatArray:
        return ((draws >= low) & (draws < high)).astype(np.float64)

    def square(draws: FloatArray) -> FloatArray:
        squares: FloatArray = (draws - about) ** 2
        return squares

    return [design_effect(values, statistic, inside) for statistic in (_same, square)]
