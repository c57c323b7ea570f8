"""Transforms of parameters: exact inverses, exact prior laws."""

import numpy as np
import pytest
from scipy import stats

from phasegrok.errors import InvalidValueError
from phasegrok.inference.priors import (
    IDENTITY,
    LOGARITHM,
    LOGIT,
    Parameter,
    ParameterSpace,
    Transform,
    uniform,
)


def parameter(name: str, transform: Transform = IDENTITY) -> Parameter:
    return Parameter(name=name, meaning="", transform=transform, centre=0.3, spread=1.4)


@pytest.mark.parametrize("transform", [IDENTITY, LOGARITHM, LOGIT], ids=lambda t: t.name)
def test_standard_coordinates_come_back(transform: Transform) -> None:
    standard = np.linspace(-3.0, 3.0, 13)
    values = parameter("x", transform).value(standard)
    np.testing.assert_allclose(
        parameter("x", transform).standard(values), standard, rtol=1e-9, atol=1e-9
    )


def test_the_interval_transform_makes_the_prior_exactly_uniform() -> None:
    draws = np.random.default_rng(1).standard_normal(4000)
    values = uniform("x", -10.0, 10.0, meaning="").value(draws)
    assert stats.kstest(values, stats.uniform(-10.0, 20.0).cdf).pvalue > 1e-3


def test_the_logarithm_makes_the_prior_log_normal() -> None:
    draws = np.random.default_rng(2).standard_normal(4000)
    values = parameter("x", LOGARITHM).value(draws)
    assert stats.kstest(values, stats.lognorm(s=1.4, scale=np.exp(0.3)).cdf).pvalue > 1e-3


def test_the_log_prior_is_that_of_independent_normals() -> None:
    space = ParameterSpace((parameter("a"), parameter("b", LOGIT)))
    points = np.random.default_rng(3).normal(size=(5, 2))
    expected = stats.multivariate_normal(np.zeros(2), np.eye(2)).logpdf(points)
    np.testing.assert_allclose(space.log_prior(points), expected, rtol=1e-12)
    assert space.draw(7, np.random.default_rng(0)).shape == (7, 2)


def test_refuses_spaces_that_cannot_be_meant() -> None:
    with pytest.raises(InvalidValueError, match="at least one parameter"):
        ParameterSpace(())
    with pytest.raises(InvalidValueError, match=r"\['a'\] twice"):
        ParameterSpace((parameter("a"), parameter("a")))
    with pytest.raises(InvalidValueError, match="spread of the prior of 'a'"):
        Parameter(name="a", meaning="", spread=0.0)
    with pytest.raises(InvalidValueError, match="scale of the prior of 'a'"):
        uniform("a", 1.0, 1.0, meaning="")
