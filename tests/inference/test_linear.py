"""Linear parameters integrated out against the joint normal law written down at once."""

import numpy as np
from scipy.stats import multivariate_normal

from phasegrok.inference import linear_posterior

DATA, LINEAR = 6, 3


def linear_data() -> tuple[np.ndarray, np.ndarray]:
    """Residuals (draw, datum) and a design (draw, datum, parameter)."""
    generator = np.random.default_rng(4)
    design = 3.0 * generator.standard_normal((5, DATA, LINEAR))
    residuals = 2.0 * generator.standard_normal((5, DATA))
    return residuals, design


def test_the_marginal_density_is_that_of_the_joint_normal_law() -> None:
    residuals, design = linear_data()
    found = linear_posterior(residuals, design).log_marginal
    constant = -0.5 * DATA * np.log(2.0 * np.pi)
    for row, matrix, value in zip(residuals, design, found, strict=True):
        law = multivariate_normal(np.zeros(DATA), np.eye(DATA) + matrix @ matrix.T)
        np.testing.assert_allclose(value + constant, law.logpdf(row), rtol=1e-12)


def test_draws_have_the_conditional_mean_and_covariance() -> None:
    residuals, design = linear_data()
    count = 40_000
    drawn = linear_posterior(
        np.repeat(residuals[:1], count, axis=0), np.repeat(design[:1], count, axis=0)
    ).drawn(np.random.default_rng(1))
    matrix = design[0]
    # Conditioning of the joint law of data and parameters, not the normal equations.
    gain = matrix.T @ np.linalg.inv(np.eye(DATA) + matrix @ matrix.T)
    mean = gain @ residuals[0]
    covariance = np.eye(LINEAR) - gain @ matrix
    error = np.sqrt(np.diag(covariance) / count)
    np.testing.assert_array_less(np.abs(drawn.mean(axis=0) - mean), 4.5 * error)
    spread = np.sqrt(
        (np.outer(np.diag(covariance), np.diag(covariance)) + covariance**2) / count
    )
    found = np.cov(drawn.T, ddof=1)
    np.testing.assert_array_less(np.abs(found - covariance), 4.5 * spread)


def test_without_influence_on_the_data_the_prior_is_drawn() -> None:
    law = linear_posterior(np.ones((20_000, DATA)), np.zeros((20_000, DATA, 1)))
    drawn = law.drawn(np.random.default_rng(2))
    assert abs(drawn.mean()) < 4.0 / np.sqrt(drawn.size)
    assert abs(drawn.std() - 1.0) < 4.0 / np.sqrt(2.0 * drawn.size)
    np.testing.assert_allclose(law.log_marginal, -0.5 * DATA)


def test_a_prediction_has_the_moments_of_the_joint_normal_law() -> None:
    residuals, design = linear_data()
    further = np.random.default_rng(6).standard_normal((5, 2, LINEAR))
    mean, variance = linear_posterior(residuals, design).predicted(further)
    for index in range(5):
        joint = design[index] @ design[index].T + np.eye(DATA)
        gain = further[index] @ design[index].T @ np.linalg.inv(joint)
        np.testing.assert_allclose(mean[index], gain @ residuals[index], rtol=1e-10)
        exact = further[index] @ further[index].T - gain @ design[index] @ further[index].T
        np.testing.assert_allclose(variance[index], np.diag(exact), rtol=1e-9)
