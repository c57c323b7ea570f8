"""The ladder of blocks against the exact error of AR(1) series."""

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.binning import binning_ladder
from phasegrok.statistics.samples import FloatArray, Status


def autoregression(coefficient: float, shape: tuple[int, ...], seed: int) -> FloatArray:
    noise = np.random.default_rng(seed).normal(size=shape)
    noise[..., 1:] *= np.sqrt(1.0 - coefficient**2)
    series: FloatArray = scipy.signal.lfilter([1.0], [1.0, -coefficient], noise, axis=-1)
    return series


def exact_square(coefficient: float, block: int, length: int) -> float:
    """Variance of a block mean of AR(1) over the number of blocks."""
    lags = np.arange(1, block)
    total = 1.0 + 2.0 * np.sum((1.0 - lags / block) * coefficient**lags)
    return float(total / block / (length // block))


@pytest.mark.parametrize("coefficient", [-0.5, 0.0, 0.8, 0.95])
def test_plateau_is_the_exact_error(coefficient: float) -> None:
    count, length = 400, 30_000
    ladder = binning_ladder(autoregression(coefficient, (count, length), seed=1) + 4.0)
    exact = np.sqrt((1.0 + coefficient) / (1.0 - coefficient) / length)
    sure = ladder.converged
    assert sure.mean() > 0.8
    ratio = ladder.error[sure] / exact
    # What is short by less than the noise of the longer levels cannot be seen: 4 % at most.
    assert abs(ratio.mean() - 1.0) < 4.0 * ratio.std() / count**0.5 + 0.04
    pulls = (ladder.error - exact)[sure] / ladder.error_of_error[sure]
    assert 0.7 < pulls.std() < 1.5
    assert np.median(ladder.plateau) >= 2.0 / (1.0 - abs(coefficient))


def test_each_level_is_unbiased_for_its_block_length() -> None:
    count, length = 2000, 256
    ladder = binning_ladder(autoregression(0.6, (count, length), seed=2))
    assert ladder.block_length.tolist() == [1, 2, 4, 8, 16]
    assert ladder.block_count.tolist() == [256, 128, 64, 32, 16]
    for level, block in enumerate(ladder.block_length.tolist()):
        squares = ladder.errors[:, level] ** 2
        expected = exact_square(0.6, block, length)
        # Blocks correlate with each other: their common mean takes var(mean) off.
        expected -= (4.0 / length - expected) / (length // block - 1.0)
        assert abs(squares.mean() - expected) < 4.0 * squares.std() / count**0.5 + 1e-2 / length


def test_errors_of_errors_are_those_of_independent_blocks() -> None:
    ladder = binning_ladder(np.random.default_rng(3).normal(size=(3000, 512)))
    observed = ladder.errors.std(axis=0)
    predicted = ladder.errors_of_errors.mean(axis=0)
    assert np.all(np.abs(predicted / observed - 1.0) < 4.0 / 6000**0.5 + 0.02)


def test_series_too_short_for_their_correlations_do_not_converge() -> None:
    ladder = binning_ladder(autoregression(0.99, (300, 1000), seed=4))
    assert ladder.converged.mean() < 0.05
    assert np.all(ladder.status[~ladder.converged] == Status.UNRESOLVED)
    lower = ladder.error[~ladder.converged] / np.sqrt(199.0 / 1000)
    assert lower.mean() < 1.0
    few = binning_ladder(np.random.default_rng(5).normal(size=(100, 63)))
    assert not few.converged.any()


def test_white_noise_converges() -> None:
    ladder = binning_ladder(np.random.default_rng(6).normal(size=(500, 1000)))
    assert ladder.converged.mean() > 0.9
    assert np.median(ladder.plateau) == 4


def test_constants_are_told_apart() -> None:
    ladder = binning_ladder(np.full((2, 100), 0.1))
    assert np.all(ladder.status == Status.CONSTANT)
    assert np.all(ladder.converged)
    assert np.all(ladder.error == 0.0)


def test_many_points_are_the_same_as_one_by_one() -> None:
    series = autoregression(0.7, (2, 3, 1001), seed=7)
    together = binning_ladder(series)
    for index in np.ndindex(2, 3):
        alone = binning_ladder(series[index])
        for left, right, name in zip(together, alone, together._fields, strict=True):
            here: object = left if name.startswith("block_") else left[index]
            np.testing.assert_allclose(np.asarray(here, float), np.asarray(right, float))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-1e9, 1e9) | st.booleans(), min_size=2, max_size=90))
def test_any_finite_numbers_give_errors(samples: list[float]) -> None:
    ladder = binning_ladder(samples)
    assert np.all(np.isfinite(ladder.errors))
    assert np.isfinite(ladder.error_of_error)
    assert ladder.block_count.min() >= 2
    assert bool(ladder.converged) == (ladder.status != Status.UNRESOLVED)


@settings(max_examples=20, deadline=None)
@given(st.integers(64, 300), st.floats(-50.0, 50.0), st.floats(1e-2, 1e2), st.integers(0, 999))
def test_shift_and_scale(length: int, shift: float, scale: float, seed: int) -> None:
    samples = np.random.default_rng(seed).normal(size=length)
    before, after = binning_ladder(samples), binning_ladder(shift - scale * samples)
    np.testing.assert_allclose(after.errors, scale * before.errors, rtol=1e-6)


def test_refusals() -> None:
    with pytest.raises(InsufficientSamplesError, match="ladder needs at least 2 samples"):
        binning_ladder([1.0])
    with pytest.raises(InsufficientSamplesError, match="received 0"):
        binning_ladder([])
    with pytest.raises(InvalidValueError, match="1 NaN or infinite"):
        binning_ladder([0.0, np.inf])
