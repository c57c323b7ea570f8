"""Chains of emcee against exact laws, and the health that they are given."""

import numpy as np
import pytest

from phasegrok.errors import FormatError, InvalidValueError
from phasegrok.inference.priors import FloatArray
from phasegrok.inference.sampling import Budget, Chains, Grade, Health, assess, sample

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


@pytest.mark.parametrize("steps", [100, 800])  # Also where chains are only 5 times longer.
def test_the_autocorrelation_time_of_autoregressive_chains_is_exact(steps: int) -> None:
    rng = np.random.default_rng(8)
    memory = 0.9
    chain = [rng.normal(size=(2, 1000))]
    for _ in range(steps - 1):
        fresh = rng.normal(scale=np.sqrt(1.0 - memory**2), size=(2, 1000))
        chain.append(memory * chain[-1] + fresh)
    health = assess(np.stack(chain, axis=1)[..., None], acceptance=0.3)
    exact = (1.0 + memory) / (1.0 - memory)
    # Sokal's error of a windowed sum, window 5, 2000 chains; cutting the sum costs 2 %.
    relative = np.sqrt(2.0 * 11.0 * exact / (2000.0 * steps))
    assert health.autocorrelation_time == pytest.approx(exact, rel=4.0 * relative + 0.02)
    assert health.effective_samples == pytest.approx(2000 * steps / health.autocorrelation_time)


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


def test_a_chain_that_never_moves_is_unusable() -> None:
    health = assess(np.zeros((2, 50, 8, 2)), acceptance=0.0)
    assert health.grade is Grade.UNUSABLE
    assert health.effective_samples == 0.0


@pytest.mark.parametrize(
    ("numbers", "grade"),
    [
        ({}, Grade.RELIABLE),
        ({"effective_samples": 300.0}, Grade.TENTATIVE),
        ({"effective_samples": 50.0}, Grade.UNUSABLE),
        ({"start_agreement": 1.1}, Grade.TENTATIVE),
        ({"start_agreement": 1.5}, Grade.UNUSABLE),
        ({"acceptance": 0.05}, Grade.TENTATIVE),
        ({"acceptance": 0.01}, Grade.UNUSABLE),
        ({"steps": 120}, Grade.TENTATIVE),
        ({"steps": 30}, Grade.UNUSABLE),
    ],
)
def test_every_number_can_lower_the_grade(numbers: dict[str, float], grade: Grade) -> None:
    good = {
        "autocorrelation_time": 20.0,
        "effective_samples": 1000.0,
        "acceptance": 0.3,
        "start_agreement": 1.01,
        "steps": 400,
    }
    assert Health(**(good | numbers)).grade is grade  # type: ignore[arg-type]


def test_chains_survive_storage() -> None:
    chains = gaussian_chains()
    again = Chains.from_dataset(chains.to_dataset())
    assert again.health == chains.health
    assert again.walkers == chains.walkers
    np.testing.assert_array_equal(again.flat(), chains.flat())
    with pytest.raises(FormatError, match="attributes of their health"):
        Chains.from_dataset(chains.draws)


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
