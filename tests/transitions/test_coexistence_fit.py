"""What a fit of coexistence says of itself, in numbers and words."""

import numpy as np
import pytest
import xarray as xr

from phasegrok.inference.chains import Health
from phasegrok.inference.effective import EffectiveNumbers
from phasegrok.inference.evidence import Evidence
from phasegrok.statistics.samples import FloatArray
from phasegrok.transitions.neurons.coexistence_fit import CoexistenceFit
from phasegrok.transitions.neurons.decision import Decision


def evidence(log_evidence: float) -> Evidence:
    return Evidence(
        log_evidence=log_evidence, standard_error=0.1, forward=0.0, reverse=0.0, rungs=9
    )


def found(position: FloatArray, two_phases: bool | None = None) -> CoexistenceFit:
    """A fit with these draws (chain, draw) of the position of the droplets."""
    variables = {
        name: (("chain", "draw"), factor * position, {"long_name": name})
        for name, factor in (("position", 1.0), ("width", 0.1), ("weight", 0.01))
    }
    bins = {name: ("bin", np.ones(3)) for name in ("lower_edge", "upper_edge", "counts")}
    return CoexistenceFit(
        posterior=xr.Dataset(variables),
        density=xr.Dataset(bins),
        two_phase_evidence=evidence(-3.0),
        one_phase_evidence=evidence(-4.5),
        two_phase_predictive=0.5,
        one_phase_predictive=0.4,
        health=Health(
            autocorrelation_time=10.0,
            effective_samples=1000.0,
            acceptance=0.4,
            start_agreement=1.0,
            steps=500,
        ),
        effective=EffectiveNumbers(
            number=3000,
            groups=4,
            kind="run",
            freedom=3.0,
            lower_share=1.0,
            upper_share=1.0,
            balance_share=0.2,
        ),
        valley_probability=float(np.mean(np.isfinite(position))),
        decision=Decision(two_phases=two_phases, reason="for this reason"),
    )


def test_the_summary_leaves_out_draws_without_a_second_phase() -> None:
    position = np.linspace(0.0, 1.0, 1001)
    draws = np.stack([position, np.full(1001, np.nan)])
    summary = found(draws).summary["position"]
    assert summary.attrs["long_name"] == "position"
    expected = [0.025, 0.16, 0.5, 0.84, 0.975]
    np.testing.assert_allclose(summary.values, expected, atol=1e-12)
    assert list(summary["level"].values) == [
        "lower_95",
        "lower_68",
        "median",
        "upper_68",
        "upper_95",
    ]
    assert found(np.full((2, 10), np.nan)).summary["position"].isnull().all()


@pytest.mark.parametrize(
    ("two_phases", "words"),
    [(True, "Two phases coexist: "), (False, "One phase: "), (None, "Undetermined: ")],
)
def test_words_open_with_the_answer_and_name_the_phase(
    two_phases: bool | None, words: str
) -> None:
    text = str(found(np.full((2, 10), 0.7), two_phases))
    assert text.startswith(f"{words}for this reason. Droplet phase: position 0.7 [0.7, 0.7]")
    assert "3000 overlaps in 4 independent groups (run), worth 600 for the weight" in text
    assert "Droplet phase" not in str(found(np.full((2, 10), np.nan), two_phases))


def test_storage_keeps_every_field_and_leaves_the_fit_alone() -> None:
    fit = found(np.linspace(0.5, 0.9, 20).reshape(2, 10), two_phases=True)
    again = CoexistenceFit.from_dataset(fit.to_dataset())
    assert fit.log_evidence_difference == again.log_evidence_difference == 1.5
    assert again.two_phases is True
    assert again.decision == fit.decision
    assert again.health == fit.health
    assert again.effective == fit.effective
    xr.testing.assert_identical(again.posterior, fit.posterior)
    xr.testing.assert_identical(again.density, fit.density)
