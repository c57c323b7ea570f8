"""Chains of emcee against exact laws: seeded, over several starts, refused where hopeless."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from phasegrok.errors import InvalidValueError
from phasegrok.inference.chains import Chains, Grade
from phasegrok.inference.sampling import Budget, sample
from phasegrok.statistics.samples import FloatArray

MEAN = np.array([1.0, -2.0, 0.5])
COVARIANCE = np.array([[1.0, 0.6, 0.0], [0.6, 2.0, -0.3], [0.0, -0.3, 0.25]])
PRECISION = np.linalg.inv(COVARIANCE)
NAMES = ("a", "b", "c")
BUDGET = Budget(effective_samples=1500.0, block=100, most_steps=4000, burn_in=60)


def log_gaussian(points: FloatArray) -> FloatArray:
    away = points - MEAN
    density: FloatArray = -0.5 * np.einsum("wi,ij,wj->w", away, PRECISION, away)
    return density


def starts(ensembles: int = 2, spread: float = 3.0) -> FloatArray:
    return np.random.default_rng(0).normal(scale=spread, size=(ensembles, 40, 3))


def gaussian_chains(seed: int = 5) -> Chains:
    return sample(log_gaussian, starts(), names=NAMES, seed=seed, budget=BUDGET)


def test_a_gaussian_has_its_mean_and_covariance() -> None:
    chains = gaussian_chains()
    effective = chains.health.effective_samples
    assert effective >= BUDGET.effective_samples
    draws = chains.flat()
    standard_error = np.sqrt(np.diag(COVARIANCE) / effective)
    assert np.all(np.abs(draws.mean(axis=0) - MEAN) < 4.0 * standard_error)
    variances = np.outer(np.diag(COVARIANCE), np.diag(COVARIANCE))
    covariance_error = np.sqrt((variances + COVARIANCE**2) / effective)
    assert np.all(np.abs(np.cov(draws.T) - COVARIANCE) < 4.0 * covariance_error)
    assert chains.health.grade is Grade.RELIABLE


def test_the_autocorrelation_time_predicts_the_error_of_the_mean() -> None:
    budget = Budget(effective_samples=1e9, block=120, most_steps=120, burn_in=40)
    runs = [
        sample(log_gaussian, starts(), names=NAMES, seed=seed, budget=budget)
        for seed in range(20)
    ]
    means = np.array([run.flat().mean(axis=0) for run in runs])
    # Three variances of 20 means: a relative standard error of √(2/60) = 0.18. The slowest
    # parameter's time serves for all, so the prediction may be somewhat too large.
    effective = np.mean([run.health.effective_samples for run in runs])
    ratio = np.mean(np.sum((means - MEAN) ** 2, axis=0) / 20 / np.diag(COVARIANCE)) * effective
    assert 0.5 < ratio < 1.7


def test_equal_seeds_give_equal_draws_and_leave_the_global_state_alone() -> None:
    before = np.random.get_state()[1].copy()  # type: ignore[index] # noqa: NPY002
    np.testing.assert_array_equal(gaussian_chains(3).flat(), gaussian_chains(3).flat())
    assert not np.array_equal(gaussian_chains(3).flat(), gaussian_chains(4).flat())
    after = np.random.get_state()[1]  # type: ignore[index] # noqa: NPY002
    np.testing.assert_array_equal(before, after)


def test_ensembles_stuck_in_different_modes_are_unusable() -> None:
    def two_wells(points: FloatArray) -> FloatArray:
        density: FloatArray = np.logaddexp(
            -0.5 * np.sum((points - 20.0) ** 2, axis=1),
            -0.5 * np.sum((points + 20.0) ** 2, axis=1),
        )
        return density

    rng = np.random.default_rng(1)
    apart = np.stack([rng.normal(side, 1.0, size=(20, 2)) for side in (-20.0, 20.0)])
    chains = sample(two_wells, apart, names=("a", "b"), seed=1)
    assert chains.health.start_agreement > 5.0
    assert chains.health.grade is Grade.UNUSABLE


def test_refuses_starts_that_cannot_work() -> None:
    with pytest.raises(InvalidValueError, match="starts must be"):
        sample(log_gaussian, starts()[0], names=NAMES, seed=0)
    with pytest.raises(InvalidValueError, match="at least 2 ensembles"):
        sample(log_gaussian, starts(1), names=NAMES, seed=0)
    bad = starts()
    bad[1, 0, 0] = np.inf
    with pytest.raises(InvalidValueError, match=r"ensembles \[1\] do not"):
        sample(log_gaussian, bad, names=NAMES, seed=0)
    with pytest.raises(InvalidValueError, match="most_steps >= block"):
        Budget(block=100, most_steps=50)


@pytest.mark.parametrize(
    ("returned", "sentence"),
    [
        (lambda _: 0.0, r"shape \(8,\), one for each walker, received shape \(\)"),
        (lambda n: np.zeros((n, 1)), r"shape \(8,\), one for each .* shape \(8, 1\)"),
        (lambda _: None, "must be an array of real numbers, received NoneType"),
    ],
)
def test_a_density_is_one_number_a_walker(
    returned: Callable[[int], Any], sentence: str
) -> None:
    starts = np.random.default_rng(0).normal(size=(2, 8, 2))
    with pytest.raises(
        InvalidValueError, match=f"the log probability must be .*{sentence}|{sentence}"
    ):
        sample(lambda x: returned(len(x)), starts, names=("a", "b"), seed=1)
