"""Means, marginals and draws of a law small enough to do by hand."""

import numpy as np
import pytest

from phasegrok.errors import InvalidValueError
from phasegrok.exact import DiscreteLaw

LAW = DiscreteLaw.of_log_weights(
    np.log([1.0, 2.0, 1.0]) - 5000.0, {"value": np.array([2.0, -1.0, 2.0])}
)


def test_moments_by_hand() -> None:
    assert LAW.mean("value") == pytest.approx(0.5)
    assert LAW.mean("value", power=2) == pytest.approx(2.5)
    assert LAW.variance("value") == pytest.approx(2.25)


def test_marginal_joins_equal_values() -> None:
    value, probability = LAW.marginal("value")
    assert value.tolist() == [-1.0, 2.0]
    np.testing.assert_allclose(probability, [0.5, 0.5])


def test_outcomes_come_as_often_as_they_should() -> None:
    outcome = LAW.outcomes(4000, np.random.default_rng(1))
    share = np.bincount(outcome, minlength=3) / 4000
    np.testing.assert_allclose(share, [0.25, 0.5, 0.25], atol=4 * (0.25 / 4000) ** 0.5)
    # One after the other without memory.
    assert abs(np.corrcoef(outcome[1:], outcome[:-1])[0, 1]) < 4 / 4000**0.5


def test_impossible_outcomes_never_come() -> None:
    law = DiscreteLaw(probability=np.array([0.0, 1.0, 0.0]), values={})
    assert set(law.outcomes(100, np.random.default_rng(1)).tolist()) == {1}


def test_an_unknown_quantity_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="no quantity 'values'"):
        LAW.variance("values")
