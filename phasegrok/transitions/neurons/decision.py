"""When two phases are said to coexist, when one is, and when the data do not tell."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np

from phasegrok.inference.chains import Grade
from phasegrok.inference.folded import FoldedFit

__all__ = ["Decision", "decide"]

LEAST_LOG_ODDS: Final = 5.0
"""ln B from which two phases are accepted."""

LEAST_WEIGHT: Final = 0.01
"""A second phase must be excluded down to this weight before one phase is accepted."""

SURE: Final = 0.95
"""Share of the posterior that must agree on the second maximum, or on its absence."""

WORST_PREDICTIVE: Final = 0.01
"""Posterior-predictive probability below which a family does not fit the counts."""


@final
@dataclass(frozen=True, kw_only=True)
class Decision:
    """Whether two phases coexist, with the reason.

    Parameters
    ----------
    two_phases : bool or None
        None where the data do not tell.
    reason : str
        One sentence.
    """

    two_phases: bool | None
    reason: str


def _doubts(two: FoldedFit, one: FoldedFit) -> list[str]:
    """What forbids any answer, whatever the numbers say."""
    doubts = []
    if two.chains.health.grade is Grade.UNUSABLE:
        doubts.append("the chains did not converge")
    odds = two.evidence.log_evidence - one.evidence.log_evidence
    # Where the odds are far beyond the threshold an error of a few nats changes nothing.
    if abs(odds) < 5.0 * LEAST_LOG_ODDS:
        for name, fit in (("two phases", two), ("one phase", one)):
            if not fit.evidence.consistent:
                doubts.append(f"the evidence of {name} is refused: {fit.evidence}")
    return doubts


def decide(
    two: FoldedFit, one: FoldedFit, *, valley_probability: float, largest_weight: float
) -> Decision:
    """Say whether two phases coexist.

    Parameters
    ----------
    two, one : FoldedFit
        The same counts fitted by two phases, and by one with heavy tails.
    valley_probability : float
        Share of the densities drawn from the fit of two phases that have a second maximum.
    largest_weight : float
        Weight that a second phase exceeds with probability 5 %.

    Returns
    -------
    Decision
        Two phases where the odds reach e⁵ and a second maximum is sure, provided that they
        fit the counts. One where the absence of a second maximum is sure, or where one phase
        fits, no odds speak against it and a second one weighs less than 1 %. Else
        undetermined, as for chains that did not converge and evidences that are refused.
    """
    odds = two.evidence.log_evidence - one.evidence.log_evidence
    error = float(np.hypot(two.evidence.standard_error, one.evidence.standard_error))
    stated = (
        f"ln B = {odds:.1f} ± {error:.1f} for two phases against one with heavy tails, a "
        f"second maximum in {valley_probability:.0%} of the posterior"
    )
    doubts = _doubts(two, one)
    if doubts:
        return Decision(two_phases=None, reason="; ".join(doubts))
    if odds - error >= LEAST_LOG_ODDS and valley_probability >= SURE:
        if two.predictive < WORST_PREDICTIVE:
            reason = (
                f"{stated}, but two phases do not fit the counts (p = {two.predictive:.3f})"
            )
            return Decision(two_phases=None, reason=reason)
        return Decision(two_phases=True, reason=stated)
    if valley_probability <= 1.0 - SURE:
        return Decision(two_phases=False, reason=stated)
    one_suffices = odds + error <= 0.0 and one.predictive >= WORST_PREDICTIVE
    if one_suffices and largest_weight < LEAST_WEIGHT:
        reason = f"{stated}; a second phase weighs less than {largest_weight:.2g} (95 %)"
        return Decision(two_phases=False, reason=reason)
    return Decision(two_phases=None, reason=stated)
