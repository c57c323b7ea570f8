"""From evidences to probabilities of the four answers, and what a named answer must survive."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from phasegrok.statistics.samples import FloatArray
from phasegrok.verdict.features import SizeFeatures
from phasegrok.verdict.models import KINDS, ScalingModel, Sizes, scaling_models, widened
from phasegrok.verdict.scoring import (
    CONSTANT_ERROR,
    RELATIVE_ERROR,
    Score,
    feature_table,
    score,
)

__all__ = [
    "ANSWERS",
    "FEWEST_SIZES",
    "SURE",
    "UNDETERMINED",
    "Check",
    "Weighing",
    "deciding_size",
    "weigh",
]

UNDETERMINED: Final = "undetermined"
ANSWERS: Final = ("first-order", "continuous", "crossover", UNDETERMINED)

PRIOR: Final = {
    "first-order": 0.3,
    "continuous": 0.3,
    "crossover": 0.3,
    "weak": 0.05,
    "none": 0.05,
}
"""Probability of each kind beforehand."""

SURE: Final = 0.9
"""Probability from which an answer is named."""

FEWEST_SIZES: Final = 3
LEAST_PREDICTIVE: Final = 0.01
WIDENING: Final = 3.0
_CONTENDER: Final = 12.0
"""Kinds further behind than this many nats cannot change an answer in a check."""

_FARTHEST_DOUBLING: Final = 12
_DISTANCE: Final = 4.0


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
class Weighing:
    """Probabilities of the answers, and how they came about.

    Parameters
    ----------
    probabilities : mapping
        Answer to probability, summing to one.
    scores : mapping
        Kind to `Score`.
    kinds : mapping
        Kind to probability before any check.
    checks : tuple of Check
        Empty where no answer was likely enough to need them.
    """

    probabilities: Mapping[str, float]
    scores: Mapping[str, Score]
    kinds: Mapping[str, float]
    checks: tuple[Check, ...]

    @property
    def order(self) -> str:
        """The answer that is likely enough, else undetermined."""
        for answer in ANSWERS[:3]:
            if self.probabilities[answer] >= SURE:
                return answer
        return UNDETERMINED


def weigh(
    features: Sequence[SizeFeatures], dimension: int | None, *, seed: np.random.SeedSequence
) -> Weighing:
    """Weigh the kinds of transitions against each other.

    Parameters
    ----------
    features : sequence of SizeFeatures
        At least three sizes, ascending.
    dimension : int or None
        Of space; None where the size counts degrees of freedom.
    seed : numpy.random.SeedSequence
        The only source of randomness.

    Returns
    -------
    Weighing
        The probability of an answer that fails a check goes to undetermined.
    """
    data = _Data(features, dimension)
    base, wide, fewer, shorter = seed.spawn(4)
    scores = data.scores(data.models, base)
    kinds = _posterior(scores)
    beside = _beside_the_window(features)
    probabilities = _answers(kinds)
    if beside:
        for answer in ("first-order", "continuous"):
            probabilities[UNDETERMINED] += probabilities[answer]
            probabilities[answer] = 0.0
    named = max(ANSWERS[:3], key=lambda answer: probabilities[answer])
    checks: tuple[Check, ...] = ()
    if probabilities[named] >= SURE:
        checks = (
            _fits(named, scores),
            _survives_widening(named, data, scores, wide),
            _survives_without_smallest(named, data, scores, fewer),
            *_predicts_largest(named, data, scores, shorter),
        )
        if not all(check.passed for check in checks):
            probabilities[UNDETERMINED] += probabilities[named]
            probabilities[named] = 0.0
    if beside:
        text = "the fluctuations are largest at an end of the range of the control"
        checks = (*checks, Check(name="window", passed=False, text=text))
    return Weighing(probabilities=probabilities, scores=scores, kinds=kinds, checks=checks)


@final
class _Data:
    """Features and models, and scores on parts of them."""

    def __init__(self, features: Sequence[SizeFeatures], dimension: int | None) -> None:
        self.features = list(features)
        self.sizes = Sizes.of(np.array([each.volume for each in features]), dimension)
        centres = np.nanmean([each.values for each in features], axis=0)
        self.models = {each.kind: each for each in scaling_models(self.sizes, centres)}

    def scores(
        self,
        models: Mapping[str, ScalingModel],
        seed: np.random.SeedSequence,
        keep: slice = slice(None),
    ) -> dict[str, Score]:
        kept = np.arange(len(self.features))[keep]
        table = feature_table([self.features[i] for i in kept], self.sizes.smallest)
        sizes = self.sizes.at(self.sizes.volumes[kept])
        # A seed of its own for each kind: leaving one out changes no other.
        seeds = dict(zip(KINDS, seed.spawn(len(KINDS)), strict=True))
        return {
            kind: score(model, table, sizes, seed=seeds[kind]) for kind, model in models.items()
        }

    def contenders(self, scores: Mapping[str, Score]) -> dict[str, ScalingModel]:
        best = max(_log_weight(each) for each in scores.values())
        return {
            kind: self.models[kind]
            for kind, each in scores.items()
            if _log_weight(each) > best - _CONTENDER
        }


def _log_weight(found: Score) -> float:
    return found.evidence.log_evidence + float(np.log(PRIOR[found.kind]))


def _posterior(scores: Mapping[str, Score]) -> dict[str, float]:
    weights = {kind: _log_weight(each) for kind, each in scores.items()}
    top = max(weights.values())
    total = sum(np.exp(each - top) for each in weights.values())
    return {kind: float(np.exp(each - top) / total) for kind, each in weights.items()}


def _answers(kinds: Mapping[str, float]) -> dict[str, float]:
    found = {answer: kinds.get(answer, 0.0) for answer in ANSWERS[:3]}
    found[UNDETERMINED] = max(0.0, 1.0 - sum(found.values()))
    return found


def _beside_the_window(features: Sequence[SizeFeatures]) -> bool:
    beside = [each.at_edge and each.values[2] < 1.0 for each in features]
    return bool(np.mean(beside) > 0.5)


def _fits(named: str, scores: Mapping[str, Score]) -> Check:
    p = scores[named].predictive
    return Check(
        name="fit",
        passed=p >= LEAST_PREDICTIVE,
        text=f"features as far from {named} as these have the probability {p:.2g}",
    )


def _still(named: str, scores: Mapping[str, Score], name: str) -> Check:
    p = _posterior(scores)[named]
    return Check(name=name, passed=p >= 0.5, text=f"{named} then has the probability {p:.2f}")


def _survives_widening(
    named: str, data: _Data, scores: Mapping[str, Score], seed: np.random.SeedSequence
) -> Check:
    wide = {kind: widened(each, WIDENING) for kind, each in data.contenders(scores).items()}
    return _still(named, data.scores(wide, seed), "priors three times as wide")


def _survives_without_smallest(
    named: str, data: _Data, scores: Mapping[str, Score], seed: np.random.SeedSequence
) -> Check:
    found = data.scores(data.contenders(scores), seed, slice(1, None))
    return _still(named, found, "without the smallest size")


def _predicts_largest(
    named: str, data: _Data, scores: Mapping[str, Score], seed: np.random.SeedSequence
) -> tuple[Check, ...]:
    """Ln p(largest size | the others) is the difference of two evidences."""
    if len(data.features) <= FEWEST_SIZES:
        return ()
    answers = {kind: data.models[kind] for kind in ANSWERS[:3]}
    without = data.scores(answers, seed, slice(None, -1))
    gains = {
        kind: scores[kind].evidence.log_evidence - each.evidence.log_evidence
        for kind, each in without.items()
    }
    errors = [
        scores[k].evidence.standard_error + without[k].evidence.standard_error for k in answers
    ]
    best = max(gains, key=lambda kind: gains[kind])
    behind = gains[best] - gains[named]
    return (
        Check(
            name="prediction of the largest size",
            passed=behind <= 2.0 * max(errors),
            text=f"{best} predicts it best, {named} is {behind:.1f} nats behind",
        ),
    )


def deciding_size(
    weighing: Weighing,
    features: Sequence[SizeFeatures],
    dimension: int | None,
) -> float | None:
    """Smallest N, in doublings, where the two likeliest answers would be told apart.

    Parameters
    ----------
    weighing : Weighing
        With posteriors of the kinds.
    features : sequence of SizeFeatures
        Measured.
    dimension : int or None
        As given.

    Returns
    -------
    float or None
        N at which predictions of variance or barrier lie four standard deviations apart, the
        spread of both posteriors and the error of a measurement like the last one included;
        None where none within twelve doublings does.
    """
    data = _Data(features, dimension)
    first, second = sorted(ANSWERS[:3], key=lambda kind: -weighing.kinds[kind])[:2]
    doublings = np.exp2(np.arange(1.0, _FARTHEST_DOUBLING + 1.0))
    volumes: FloatArray = data.sizes.largest * doublings
    ahead = data.sizes.at(volumes)
    predicted = [
        data.models[k].features(weighing.scores[k].draws, ahead) for k in (first, second)
    ]
    own = np.sqrt(np.diag(features[-1].covariance)) + CONSTANT_ERROR
    means = [each.mean(axis=0) for each in predicted]
    relative = RELATIVE_ERROR * np.minimum(*[np.abs(each) for each in means])
    spread = np.sqrt(sum(each.var(axis=0) for each in predicted) + own**2 + relative**2)
    distance = np.abs(means[0] - means[1]) / spread
    apart = np.flatnonzero((distance[:, 1:] > _DISTANCE).any(axis=1))
    return float(volumes[apart[0]]) if apart.size else None
