"""Evidences from independent ladders, with a check that can refuse them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np

from phasegrok.errors import InsufficientSamplesError
from phasegrok.inference.ladder import Ladder, Schedule, climb
from phasegrok.inference.priors import ParameterSpace
from phasegrok.inference.sampling import LogProbability

__all__ = ["Evidence", "climb_together", "combine"]

LADDERS: Final = 2
"""Of one model: their spread is an error that no ladder knows of itself."""

LARGEST_DISAGREEMENT: Final = 1.0
"""Forward and reverse stepping stones further apart than this are no evidence."""

LARGEST_ERROR: Final = 1.0
"""Nor are ladders that differ so much that their mean has an error beyond this."""


@final
@dataclass(frozen=True, kw_only=True)
class Evidence:
    """ln ∫ prior × likelihood, with what speaks for and against it.

    Parameters
    ----------
    log_evidence : float
        Mean of the balanced estimates of independent ladders.
    standard_error : float
        The larger of their own errors and their spread.
    forward, reverse : float
        Stepping stones upwards and downwards; they bracket the truth where rungs overlap.
    rungs : int
        Rungs of the longest ladder.
    """

    log_evidence: float
    standard_error: float
    forward: float
    reverse: float
    rungs: int

    @property
    def consistent(self) -> bool:
        """Whether forward and reverse agree within one nat, and so do the ladders."""
        return self._objection is None

    @property
    def _objection(self) -> str | None:
        if not abs(self.forward - self.reverse) <= LARGEST_DISAGREEMENT:
            return "forward and reverse disagree"
        return None if self.standard_error <= LARGEST_ERROR else "ladders disagree"

    def __str__(self) -> str:
        word = f"REFUSED, {self._objection}" if self._objection else "consistent"
        return (
            f"ln Z = {self.log_evidence:.2f} ± {self.standard_error:.2f} "
            f"(forward {self.forward:.2f}, reverse {self.reverse:.2f}; {word})"
        )


def combine(ladders: list[Ladder]) -> Evidence:
    """Join independent ladders of one model into its evidence.

    Parameters
    ----------
    ladders : list of Ladder
        At least two, from different seeds.

    Returns
    -------
    Evidence
        With an error that their spread can only enlarge.

    Raises
    ------
    InsufficientSamplesError
        For fewer than two ladders.
    """
    count = len(ladders)
    if count < 2:
        raise InsufficientSamplesError("evidence", required=2, received=count)
    balanced = np.array([ladder.balanced for ladder in ladders])
    own = np.sqrt(np.mean([ladder.standard_error**2 for ladder in ladders]) / count)
    spread = balanced.std(ddof=1) / np.sqrt(count)
    return Evidence(
        log_evidence=float(balanced.mean()),
        standard_error=float(max(own, spread)),
        forward=float(np.mean([ladder.forward for ladder in ladders])),
        reverse=float(np.mean([ladder.reverse for ladder in ladders])),
        rungs=max(ladder.inverse_temperatures.size - 1 for ladder in ladders),
    )


def climb_together(
    space: ParameterSpace,
    log_likelihood: LogProbability,
    *,
    seeds: Sequence[np.random.SeedSequence],
    schedule: Schedule | None = None,
) -> list[Ladder]:
    """Climb independent ladders of one model, again where they are no evidence.

    Parameters
    ----------
    space, log_likelihood, schedule
        See `climb`.
    seeds : sequence of numpy.random.SeedSequence
        One for each attempt that is allowed: where forward and reverse estimates disagree,
        the next has twice the walkers.

    Returns
    -------
    list of Ladder
        Of the last attempt.

    Raises
    ------
    InvalidValueError, NoConvergenceError
        See `climb`.
    """
    schedule = schedule or Schedule()
    for attempt in seeds:
        ladders = [
            climb(space, log_likelihood, seed=each, schedule=schedule)
            for each in attempt.spawn(LADDERS)
        ]
        if combine(ladders).consistent:
            break
        schedule = replace(schedule, walkers=2 * schedule.walkers)
    return ladders
