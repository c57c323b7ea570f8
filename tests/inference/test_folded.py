"""The check of fit: near uniform for the true law, zero for another."""

import numpy as np
import pytest

from phasegrok.inference.counts import Counts
from phasegrok.inference.folded import predictive_probability


def test_the_check_of_fit_is_near_uniform_for_the_true_law_and_zero_for_another() -> None:
    rng = np.random.default_rng(6)
    edges = np.linspace(0.0, 1.0, 41)
    law = np.linspace(1.0, 2.0, 40)
    law /= law.sum()
    chances = []
    for _ in range(200):
        data = Counts(edges=edges, counts=rng.multinomial(2000, law).astype(float))
        chances.append(predictive_probability(np.tile(law, (200, 1)), data, rng))
    # Mean 1/2 with standard error 0.29 / √200.
    assert np.mean(chances) == pytest.approx(0.5, abs=4.0 * 0.29 / np.sqrt(200))
    assert np.mean(np.array(chances) < 0.1) < 0.2
    other = np.full((200, 40), 1.0 / 40)
    assert predictive_probability(other, data, rng) < 0.01
