"""Evidences of kinds against averages over their priors, and bounds that are no values."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from phasegrok.inference import Evidence
from phasegrok.verdict.features import SizeFeatures
from phasegrok.verdict.laws import Sizes
from phasegrok.verdict.models import ScalingModel, scaling_models
from phasegrok.verdict.scoring import Score, feature_table, score
from phasegrok.verdict.weighing import Comparison

VOLUMES = np.array([50.0, 100.0, 200.0])
SIZES = Sizes.of(VOLUMES, None)
MODELS = {each.kind: each for each in scaling_models(SIZES, np.array([3.0, -1.0, 1.0]))}
ERROR = 1.0


def features() -> tuple[SizeFeatures, ...]:
    """Vague ones, so that draws from the prior explain them often enough to be averaged."""
    return tuple(
        SizeFeatures(
            size=float(volume),
            volume=float(volume),
            values=np.array([np.log(volume / 4.0), -1.0, 1.0]),
            covariance=ERROR**2 * np.eye(3),
            slope_known=True,
            at_edge=False,
            transition=0.0,
            transition_spread=float("nan"),
            gap=1.0,
            barrier_bounded=False,
            mixing=0.0,
            disorders=1,
        )
        for volume in VOLUMES
    )


def evidence_of(model: ScalingModel, given: tuple[SizeFeatures, ...]) -> Evidence:
    table = feature_table(given, VOLUMES[0])
    return score(model, table, SIZES, seed=np.random.SeedSequence(2)).evidence


@pytest.mark.parametrize("kind", ["first-order", "crossover"])
def test_an_evidence_is_the_average_likelihood_over_the_prior(kind: str) -> None:
    table = feature_table(features(), VOLUMES[0])
    draws = MODELS[kind].space.draw(200_000, np.random.default_rng(8))
    predicted = MODELS[kind].features(draws, SIZES).reshape(len(draws), -1)
    covariance = np.linalg.inv(table.whitening @ table.whitening.T)
    logs = multivariate_normal.logpdf(predicted, mean=table.values, cov=covariance)
    expected = float(logsumexp(logs) - np.log(logs.size))
    weights = np.exp(logs - logs.max())
    own = weights.std() / weights.mean() / np.sqrt(logs.size)
    found = evidence_of(MODELS[kind], features())
    assert abs(found.log_evidence - expected) < 4.0 * np.hypot(found.standard_error, own)


def test_a_bound_that_is_met_by_far_says_nothing_and_one_beyond_reach_refutes() -> None:
    given = features()
    open_ended = [
        replace(given[2], values=np.array([*given[2].values[:2], bound]), barrier_bounded=True)
        for bound in (-60.0, 60.0)
    ]
    met, beyond = [evidence_of(MODELS["continuous"], (*given[:2], each)) for each in open_ended]
    # Without the barrier of the last size at all: its bound costs nothing where it is met.
    assert met.log_evidence - beyond.log_evidence > 20.0
    known = feature_table((*given[:2], open_ended[0]), VOLUMES[0])
    assert known.positions.size == 8


def test_equal_evidences_leave_the_priors() -> None:
    same = Evidence(log_evidence=-3.0, standard_error=0.1, forward=-3.0, reverse=-3.0, rungs=4)
    comparison = Comparison(features=features(), sizes=SIZES, models=MODELS)
    scores = {
        kind: Score(kind=kind, evidence=same, predictive=0.5, draws=np.zeros((1, 1)))
        for kind in MODELS
    }
    found = comparison.posterior(scores)
    assert found == pytest.approx({kind: each.prior for kind, each in MODELS.items()})
    assert comparison.by_answer(found)["undetermined"] == pytest.approx(0.1)
