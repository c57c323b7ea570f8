"""From evidences to probabilities of answers, and what a named answer must survive."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from scipy.special import softmax

from phasegrok.verdict.answers import UNDETERMINED
from phasegrok.verdict.features import SizeFeatures
from phasegrok.verdict.laws import Sizes
from phasegrok.verdict.models import PRIORS, ScalingModel, widened
from phasegrok.verdict.scoring import Score, feature_table, score

__all__ = [
    "FEWEST_SIZES",
    "LEAST_PREDICTIVE",
    "SURE",
    "WINDOW",
    "Check",
    "Comparison",
    "Weighing",
    "weigh",
]

SURE: Final = 0.9
"""Probability from which an answer is named."""

FEWEST_SIZES: Final = 3
LEAST_RANGE: Final = 4.0
"""Of N: over less, powers are not told apart."""

LEAST_PREDICTIVE: Final = 0.01
"""Probability of a misfit as large, below which a law is refuted."""

WIDENING: Final = 3.0
WINDOW: Final = "window"
"""Name of the check that the transition lies within the controls."""

_LARGEST_LAG: Final = 2.0
"""Nats by which a rival may predict the largest size better at most, and that only where it is
within twice the error of the difference: what predicts best is to be named."""

_LEAST_SEEN: Final = 2
"""Sizes at which something besides a variance was measured."""

_PLAYS_A_PART: Final = 0.01
"""Kinds of lower probability may have evidences that are none."""

_CONTENDER: Final = 12.0
"""Kinds further behind than this many nats cannot change an answer in a check."""


@final
@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that a named answer must survive.

    Parameters
    ----------
    name : str
        What was tried.
    passed : bool
        Whether the answer stood.
    text : str
        What came out.
    """

    name: str
    passed: bool
    text: str


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """Features of several sizes, and the kinds that they are compared with.

    Parameters
    ----------
    features : tuple of SizeFeatures
        At least three sizes, ascending.
    sizes : Sizes
        Of these.
    models : mapping
        Kind to its model.
    """

    features: tuple[SizeFeatures, ...]
    sizes: Sizes
    models: Mapping[str, ScalingModel]

    @property
    def answers(self) -> tuple[str, ...]:
        """What the kinds speak for, without "undetermined"."""
        found = dict.fromkeys(each.answer for each in self.models.values())
        return tuple(each for each in found if each != UNDETERMINED)

    def scores(
        self,
        models: Mapping[str, ScalingModel],
        seed: np.random.SeedSequence,
        keep: slice = slice(None),
    ) -> dict[str, Score]:
        """Score some kinds on some of the sizes, kind to score."""
        kept = np.arange(len(self.features))[keep]
        table = feature_table([self.features[i] for i in kept], self.sizes.smallest)
        sizes = self.sizes.at(self.sizes.volumes[kept])
        # A seed of its own for each kind: leaving one out changes no other.
        seeds = dict(zip(self.models, seed.spawn(len(self.models)), strict=True))
        return {
            kind: score(model, table, sizes, seed=seeds[kind]) for kind, model in models.items()
        }

    def contenders(self, scores: Mapping[str, Score]) -> dict[str, ScalingModel]:
        """Kinds that are not out of the running."""
        weights = {kind: self.log_weight(each) for kind, each in scores.items()}
        best = max(weights.values())
        return {
            kind: self.models[kind]
            for kind, weight in weights.items()
            if weight > best - _CONTENDER
        }

    def log_weight(self, found: Score) -> float:
        """Ln of prior times evidence."""
        prior = self.models[found.kind].prior
        return found.evidence.log_evidence + float(np.log(prior))

    def posterior(self, scores: Mapping[str, Score]) -> dict[str, float]:
        """Kind to its probability among those scored."""
        shares = softmax([self.log_weight(each) for each in scores.values()])
        return dict(zip(scores, shares.tolist(), strict=True))

    def by_answer(self, kinds: Mapping[str, float]) -> dict[str, float]:
        """Answer to its probability, from those of the kinds."""
        found = {answer: kinds.get(answer, 0.0) for answer in self.answers}
        found[UNDETERMINED] = max(0.0, 1.0 - sum(found.values()))
        return found


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Weighing:
    """Probabilities of the answers, and how they came about.

    Parameters
    ----------
    comparison : Comparison
        What was compared with what.
    probabilities : mapping
        Answer to probability, summing to one.
    scores : mapping
        Kind to `Score`.
    kinds : mapping
        Kind to probability before any check.
    checks : tuple of Check
        Empty where no answer was likely enough to need them.
    """

    comparison: Comparison
    probabilities: Mapping[str, float]
    scores: Mapping[str, Score]
    kinds: Mapping[str, float]
    checks: tuple[Check, ...]


def weigh(comparison: Comparison, *, seed: np.random.SeedSequence) -> Weighing:
    """Weigh the kinds of transitions against each other.

    Parameters
    ----------
    comparison : Comparison
        Features and kinds.
    seed : numpy.random.SeedSequence
        The only source of randomness.

    Returns
    -------
    Weighing
        The probability of an answer that fails a check goes to undetermined.
    """
    base, further = seed.spawn(2)
    scores = comparison.scores(comparison.models, base)
    kinds = comparison.posterior(scores)
    probabilities = comparison.by_answer(kinds)
    checks: tuple[Check, ...] = ()
    named = max(comparison.answers, key=lambda answer: probabilities[answer])
    if _beside_the_window(comparison.features):
        for answer in comparison.answers:
            _withdraw(probabilities, answer)
        text = "the fluctuations are largest at an end of the range of the control"
        checks = (Check(name=WINDOW, passed=False, text=text),)
    elif probabilities[named] >= SURE:
        checks = _checks(named, comparison, scores, further)
        if not all(check.passed for check in checks):
            _withdraw(probabilities, named)
    return Weighing(
        comparison=comparison,
        probabilities=probabilities,
        scores=scores,
        kinds=kinds,
        checks=checks,
    )


def _withdraw(probabilities: dict[str, float], answer: str) -> None:
    probabilities[UNDETERMINED] += probabilities[answer]
    probabilities[answer] = 0.0


def _beside_the_window(features: Sequence[SizeFeatures]) -> bool:
    return bool(np.mean([each.at_edge for each in features]) > 0.5)


def _checks(
    named: str,
    comparison: Comparison,
    scores: Mapping[str, Score],
    seed: np.random.SeedSequence,
) -> tuple[Check, ...]:
    *wide, fewer, shorter = seed.spawn(len(PRIORS) + 2)
    contenders = comparison.contenders(scores)
    return (
        _spans(comparison),
        _sees(comparison),
        _agrees([scores[kind] for kind in contenders]),
        _fits(named, scores),
        *(
            _survives_widening(named, comparison, contenders, prior, own)
            for prior, own in zip(PRIORS, wide, strict=True)
        ),
        _still(
            named,
            comparison,
            comparison.scores(contenders, fewer, slice(1, None)),
            "without the smallest size",
        ),
        *_predicts_largest(named, comparison, contenders, scores, shorter),
    )


def _spans(comparison: Comparison) -> Check:
    ratio = comparison.sizes.largest / comparison.sizes.smallest
    return Check(
        name="range of sizes",
        passed=ratio >= LEAST_RANGE * (1.0 - 1e-9),
        text=f"N grows {ratio:.3g}-fold, {LEAST_RANGE:g}-fold is the least",
    )


def _sees(comparison: Comparison) -> Check:
    """Variances alone and bounds name nothing: stuck chains of any kind have them."""
    slopes = sum(each.slope_known for each in comparison.features)
    barriers = sum(not each.barrier_bounded for each in comparison.features)
    return Check(
        name="slopes and barriers",
        passed=max(slopes, barriers) >= _LEAST_SEEN,
        text=f"slopes count at {slopes} and barriers were seen at {barriers} sizes, "
        f"{_LEAST_SEEN} of either are the least",
    )


def _agrees(scores: Sequence[Score]) -> Check:
    refused = _refused(scores)
    return Check(
        name="evidences",
        passed=not refused,
        text=refused or "forward and reverse stepping stones agree",
    )


def _refused(scores: Iterable[Score]) -> str:
    """Which evidences are none; empty where all are."""
    kinds = [each.kind for each in scores if not each.evidence.consistent]
    disagreeing = "forward and reverse stepping stones, or ladders, disagree for "
    return f"{disagreeing}{' and '.join(kinds)}" if kinds else ""


def _fits(named: str, scores: Mapping[str, Score]) -> Check:
    p = scores[named].predictive
    return Check(
        name="fit",
        passed=p >= LEAST_PREDICTIVE,
        text=f"features as far from {named} as these have the probability {p:.2g}",
    )


def _survives_widening(
    named: str,
    comparison: Comparison,
    contenders: Mapping[str, ScalingModel],
    prior: str,
    seed: np.random.SeedSequence,
) -> Check:
    wide = {kind: widened(each, WIDENING, prior=prior) for kind, each in contenders.items()}
    name = f"priors of {prior} three times as wide"
    return _still(named, comparison, comparison.scores(wide, seed), name)


def _still(named: str, comparison: Comparison, scores: Mapping[str, Score], name: str) -> Check:
    chances = comparison.posterior(scores)
    p = chances[named]
    refused = _refused(each for kind, each in scores.items() if chances[kind] > _PLAYS_A_PART)
    return Check(
        name=name,
        passed=p >= 0.5 and not refused,
        text=f"{named} then has the probability {p:.2f}" + (f", but {refused}" * bool(refused)),
    )


def _predicts_largest(
    named: str,
    comparison: Comparison,
    contenders: Mapping[str, ScalingModel],
    scores: Mapping[str, Score],
    seed: np.random.SeedSequence,
) -> tuple[Check, ...]:
    """Ln p(largest size | the others) is the difference of two evidences."""
    if len(comparison.features) <= FEWEST_SIZES:
        return ()
    answers = {kind: contenders[kind] for kind in comparison.answers if kind in contenders}
    without = comparison.scores(answers, seed, slice(None, -1))
    gains = {
        kind: scores[kind].evidence.log_evidence - each.evidence.log_evidence
        for kind, each in without.items()
    }
    best = max(gains, key=lambda kind: gains[kind])
    behind = gains[best] - gains[named]
    pair = [table[kind] for table in (scores, without) for kind in dict.fromkeys((best, named))]
    error = float(np.sqrt(sum(each.evidence.standard_error**2 for each in pair)))
    refused = _refused(pair)
    lag = "" if best == named else f", {named} is {behind:.1f} nats behind"
    return (
        Check(
            name="prediction of the largest size",
            passed=behind <= min(2.0 * error, _LARGEST_LAG) and not refused,
            text=f"{best} predicts it best{lag}" + (f", but {refused}" * bool(refused)),
        ),
    )
