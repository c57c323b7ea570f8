"""What is fitted: the peak of its likelihood, the shares' own uncertainty, its misfit."""

from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
import pytest

from phasegrok.inference.counts import Counts, bin_folded
from phasegrok.inference.models import OnePhase
from phasegrok.inference.priors import LOGARITHM, Parameter, ParameterSpace
from phasegrok.inference.sampling import Budget, sample
from phasegrok.inference.target import best_point, peak_of, target_of
from phasegrok.statistics.samples import FloatArray

SEED = np.random.SeedSequence(5)


@final
@dataclass(frozen=True, kw_only=True)
class HalfNormal:
    """A half-normal law of |q|, and a parameter that nothing depends on."""

    @cached_property
    def space(self) -> ParameterSpace:
        scale = Parameter(name="scale", meaning="", transform=LOGARITHM, spread=2.0)
        return ParameterSpace((scale, Parameter(name="idle", meaning="")))

    def density(self, standard: FloatArray, overlaps: FloatArray) -> FloatArray:
        scale = self.space.values(standard)["scale"][:, None]
        density: FloatArray = np.exp(-0.5 * (overlaps / scale) ** 2) / scale
        return density


def half_normal_counts(number: int, **shares: float) -> Counts:
    """Exactly the expected counts of a half-normal law of scale 1."""
    folded = np.abs(np.random.default_rng(3).normal(size=number))
    data = bin_folded(folded)
    return Counts(edges=data.edges, counts=data.counts, **shares)  # type: ignore[arg-type]


def test_the_peak_knows_which_parameters_the_data_determine() -> None:
    target = target_of(HalfNormal(), half_normal_counts(2000))
    point = best_point(target, seed=SEED)
    peak = peak_of(target, point)
    assert peak.size == pytest.approx(1.0, abs=0.01)
    scale = target.model.space.values(point)["scale"]
    assert scale == pytest.approx(1.0, abs=4.0 / np.sqrt(4000) + 0.02)
    line = np.stack([np.linspace(-0.2, 0.2, 2001), np.zeros(2001)], axis=1)
    highest = target.log_likelihood(line).max()
    assert peak.log_likelihood == pytest.approx(highest, abs=1e-3)


@pytest.mark.parametrize("freedom", [np.inf, 3.0])
def test_few_groups_stretch_the_posterior_like_student(freedom: float) -> None:
    data = half_normal_counts(2000, lower_share=0.5, upper_share=0.5, balance_share=0.5)
    target = target_of(HalfNormal(), data, freedom=freedom)
    space = target.model.space
    log_likelihood = target.robust_log_likelihood(
        peak_of(target, best_point(target, seed=SEED))
    )
    chains = sample(
        lambda z: space.log_prior(z) + log_likelihood(z),
        0.1 * np.random.default_rng(2).normal(size=(2, 60, 2)),
        names=space.names,
        seed=1,
        budget=Budget(effective_samples=8000.0, block=500),
    )
    scale = np.log(space.values(chains.flat())["scale"])
    wide = np.quantile(scale, [0.025, 0.975]) @ [-1.0, 1.0]
    narrow = np.quantile(scale, [0.16, 0.84]) @ [-1.0, 1.0]
    # 3.18 / 1.20 for Student's law of 3 degrees of freedom, 1.96 / 0.99 for the normal one.
    expected = 2.66 if np.isfinite(freedom) else 1.97
    # The error of a quantile 0.025 from 8000 draws is 3 % for Student's law.
    assert wide / narrow == pytest.approx(expected, rel=0.12)


def test_a_target_allows_the_documented_misfit() -> None:
    data = bin_folded(np.abs(np.random.default_rng(1).normal(size=3000)))
    misfit = target_of(OnePhase(spread=1.0), data).misfit
    spread = np.sqrt(np.sum(misfit.basis**2, axis=1))
    assert np.median(spread) == pytest.approx(0.3, rel=0.02)
