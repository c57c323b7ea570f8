"""The rule by which two phases are accepted, refused or left open."""

import math

import numpy as np
import pytest
import xarray as xr

from phasegrok.inference.chains import Chains, Health
from phasegrok.inference.evidence import Evidence
from phasegrok.inference.folded import FoldedFit
from phasegrok.transitions.neurons.decision import decide

CONVERGED = Health(
    autocorrelation_time=10.0,
    effective_samples=1000.0,
    acceptance=0.4,
    start_agreement=1.0,
    steps=500,
)
STUCK = Health(
    autocorrelation_time=math.inf,
    effective_samples=0.0,
    acceptance=0.0,
    start_agreement=math.inf,
    steps=500,
)


def fit(
    log_evidence: float,
    *,
    disagreement: float = 0.1,
    predictive: float = 0.5,
    health: Health = CONVERGED,
) -> FoldedFit:
    """A fit of this evidence, ±0.5, whose stepping stones disagree by so much."""
    evidence = Evidence(
        log_evidence=log_evidence,
        standard_error=0.5,
        forward=log_evidence,
        reverse=log_evidence + disagreement,
        rungs=10,
    )
    return FoldedFit(
        evidence=evidence,
        chains=Chains(draws=xr.Dataset(), health=health, walkers=60),
        probabilities=np.empty((0, 0)),
        predictive=predictive,
    )


# The error of the odds is √2 × 0.5 = 0.71.
@pytest.mark.parametrize(
    ("odds", "valley_probability", "largest_weight", "answer"),
    [
        (6.0, 0.96, 0.1, True),
        (5.5, 0.96, 0.1, None),
        (6.0, 0.94, 0.1, None),
        (0.0, 0.04, 0.1, False),
        (0.0, 0.06, 0.1, None),
        (-1.0, 0.5, 0.009, False),
        (-1.0, 0.5, 0.011, None),
        (-0.5, 0.5, 0.009, None),
    ],
)
def test_the_thresholds(
    odds: float, valley_probability: float, largest_weight: float, answer: bool | None
) -> None:
    decision = decide(
        fit(odds),
        fit(0.0),
        valley_probability=valley_probability,
        largest_weight=largest_weight,
    )
    assert decision.two_phases is answer
    assert f"ln B = {odds:.1f} ± 0.7" in decision.reason


def test_no_family_that_misses_the_counts_is_accepted() -> None:
    two = decide(
        fit(50.0, predictive=0.001), fit(0.0), valley_probability=1, largest_weight=0.1
    )
    assert two.two_phases is None
    assert "do not fit the counts (p = 0.001)" in two.reason
    one = decide(
        fit(-9.0), fit(0.0, predictive=0.001), valley_probability=0.5, largest_weight=0
    )
    assert one.two_phases is None


def test_chains_that_did_not_converge_decide_nothing() -> None:
    stuck = fit(50.0, health=STUCK)
    decision = decide(stuck, fit(0.0), valley_probability=1.0, largest_weight=0.1)
    assert decision.two_phases is None
    assert decision.reason == "the chains did not converge"


@pytest.mark.parametrize(("odds", "answer"), [(20.0, None), (26.0, True)])
def test_a_refused_evidence_counts_only_where_its_error_could(
    odds: float, answer: bool | None
) -> None:
    rival = fit(0.0, disagreement=2.0)
    decision = decide(fit(odds), rival, valley_probability=1.0, largest_weight=0.1)
    assert decision.two_phases is answer
    assert ("the evidence of one phase is refused" in decision.reason) is (answer is None)
