"""One climb from the prior, and ratios of normalisations between neighbours."""

import numpy as np
import pytest

from phasegrok.errors import InvalidValueError, NoConvergenceError
from phasegrok.inference.ladder import Schedule, bennett, climb
from phasegrok.inference.priors import ParameterSpace, uniform
from phasegrok.statistics.samples import FloatArray

LINE = ParameterSpace((uniform("x", -10.0, 10.0, meaning=""),))
SEED = np.random.SeedSequence(11)


def test_bennett_is_exact_for_shifted_gaussians() -> None:
    # Upper law exp(-(x-1)²/2 + 0.7), lower exp(-x²/2): the ratio of normalisations is e^0.7.
    rng = np.random.default_rng(2)
    below, above = rng.normal(size=20_000), rng.normal(loc=1.0, size=5_000)

    def difference(x: FloatArray) -> FloatArray:
        return 0.5 * x**2 - 0.5 * (x - 1.0) ** 2 + 0.7

    assert bennett(difference(below), difference(above)) == pytest.approx(0.7, abs=0.06)


def test_bennett_finds_ratios_of_any_magnitude() -> None:
    # Equal laws whose densities differ by a constant factor e^(10⁹).
    differences = 1e9 + np.zeros(50)
    assert bennett(differences, differences) == pytest.approx(1e9, abs=1e-3)


def test_a_likelihood_that_vanishes_everywhere_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="finite somewhere"):
        climb(LINE, lambda standard: np.full(len(standard), -np.inf), seed=SEED)


def test_refusals() -> None:
    def undefined(standard: FloatArray) -> FloatArray:
        return np.full(len(standard), np.nan)

    def sharp(standard: FloatArray) -> FloatArray:
        return -0.5 * ((LINE.values(standard)["x"] - 3.0) / 1e-6) ** 2

    with pytest.raises(InvalidValueError, match="not a number at a prior draw"):
        climb(LINE, undefined, seed=SEED)
    with pytest.raises(NoConvergenceError, match="after 2 rungs") as caught:
        climb(LINE, sharp, seed=SEED, schedule=Schedule(most_rungs=2))
    assert isinstance(caught.value.estimate, float)
    with pytest.raises(InvalidValueError, match="0 < overlap < 1"):
        Schedule(overlap=1.0)


def test_what_is_almost_nowhere_or_infinite_is_refused() -> None:
    def speck(standard: FloatArray) -> FloatArray:
        return np.where(np.abs(LINE.values(standard)["x"]) < 1e-3, 0.0, -np.inf)

    def divergent(standard: FloatArray) -> FloatArray:
        return np.where(LINE.values(standard)["x"] > 9.0, np.inf, 0.0)

    with pytest.raises(InvalidValueError, match="finite values at 600000 prior draws"):
        climb(LINE, speck, seed=SEED)
    with pytest.raises(InvalidValueError, match="received inf at a prior draw"):
        climb(LINE, divergent, seed=SEED)
