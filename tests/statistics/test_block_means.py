"""Blocks: where they lie, what they weigh, how long they are."""

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.statistics.blocks import (
    block_bounds,
    block_count,
    block_means,
    disorder_blocks,
    ragged_block_means,
)
from phasegrok.statistics.samples import FloatArray, Status


def autoregression(coefficient: float, shape: tuple[int, ...], seed: int) -> FloatArray:
    noise = np.random.default_rng(seed).normal(size=shape)
    noise[..., 1:] *= np.sqrt(1.0 - coefficient**2)
    series: FloatArray = scipy.signal.lfilter([1.0], [1.0, -coefficient], noise, axis=-1)
    return series


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 2000), st.floats(0.1, 500.0))
def test_blocks_partition_and_are_long_enough(length: int, time: float) -> None:
    count = int(block_count(time, length))
    sizes = np.diff(block_bounds(length, count))
    assert sizes.sum() == length
    assert sizes.max() - sizes.min() <= 1
    assert 2 <= count <= 64
    if count > 8:
        assert sizes.min() >= np.floor(8.0 * time)
    if length / 128.0 >= 8.0 * max(time, 0.5):
        assert count == 64


def test_every_sample_counts_once() -> None:
    values = np.random.default_rng(0).normal(size=(2, 3, 107))
    blocks = block_means(values, block_length=10)
    assert blocks.means.shape == (2, 3, 10)
    assert blocks.count == 10
    np.testing.assert_allclose(blocks.weights.sum(), 1.0)
    np.testing.assert_allclose(blocks.average(), values.mean(axis=-1), rtol=1e-12)
    np.testing.assert_allclose(blocks.means[..., 0], values[..., :10].mean(axis=-1))
    np.testing.assert_allclose(blocks.means[..., -1], values[..., -11:].mean(axis=-1))


def test_short_blocks_are_not_resolved_whoever_chose_them() -> None:
    series = autoregression(0.9, (1, 20_000), seed=1)
    assert block_means(series).status == Status.RESOLVED
    assert block_means(series, block_length=200).status == Status.RESOLVED
    assert block_means(series, block_length=10).status == Status.UNRESOLVED
    assert block_means(series[:, :300]).status == Status.UNRESOLVED
    assert block_means(np.full((2, 50), 0.1)).status == Status.CONSTANT
    mixed = np.stack([series[0], np.ones(20_000)])
    assert block_means(mixed).status == Status.RESOLVED


def test_constants_are_their_own_means() -> None:
    blocks = block_means(np.full((1, 37), 0.1), block_length=5)
    assert np.all(blocks.means == 0.1)


def test_replicas_of_unequal_length_keep_to_themselves() -> None:
    generator = np.random.default_rng(2)
    replicas = [generator.normal(size=(2, n)) + n for n in (95, 12, 40)]
    blocks = ragged_block_means(replicas, block_length=20)
    assert blocks.count == 4 + 1 + 2
    np.testing.assert_allclose(blocks.weights[4], 12 / 147)
    np.testing.assert_allclose(blocks.means[:, 4], replicas[1].mean(axis=-1))
    together = np.concatenate(replicas, axis=-1)
    np.testing.assert_allclose(blocks.average(), together.mean(axis=-1), rtol=1e-12)


def test_replicas_of_equal_length_are_one_long_series_cut_there() -> None:
    series = np.random.default_rng(3).normal(size=(1, 120))
    cut = ragged_block_means(np.split(series, 3, axis=-1), block_length=10)
    whole = block_means(series, block_length=10)
    np.testing.assert_allclose(cut.means, whole.means)
    np.testing.assert_allclose(cut.weights, whole.weights)


def test_replicas_stuck_apart_are_not_resolved() -> None:
    chains = np.random.default_rng(4).normal(size=(3, 1, 500))
    assert ragged_block_means(list(chains)).status == Status.RESOLVED
    apart = chains + 10.0 * np.arange(3.0)[:, np.newaxis, np.newaxis]
    assert ragged_block_means(list(apart)).status == Status.UNRESOLVED


def test_disorders_weigh_the_same_whatever_their_replicas() -> None:
    blocks = disorder_blocks([[1.0, 1.0, 4.0, 7.0, 7.0, 7.0]], disorder=list("aabccc"))
    np.testing.assert_allclose(blocks.means, [[1.0, 4.0, 7.0]])
    np.testing.assert_allclose(blocks.average(), [4.0])
    still = disorder_blocks([[2.0, 2.0]], disorder=[0, 1])
    assert still.status == Status.CONSTANT


def test_refusals() -> None:
    with pytest.raises(InsufficientSamplesError, match="at least 2 samples, received 1"):
        block_means(np.zeros((2, 1)))
    with pytest.raises(InsufficientSamplesError, match="block means needs at least 1"):
        block_means(np.zeros((0, 9)))
    with pytest.raises(InsufficientSamplesError, match="blocks of 5 needs at least 10"):
        block_means(np.zeros((1, 9)), block_length=5)
    with pytest.raises(InvalidValueError, match="length of at least 1, received 0"):
        ragged_block_means([np.zeros((1, 9))], block_length=0)
    with pytest.raises(InsufficientSamplesError, match="blocks of 20 needs at least 40"):
        ragged_block_means([np.zeros((1, 9))], block_length=20)
    with pytest.raises(InvalidValueError, match="alike but for their last axis"):
        ragged_block_means([np.zeros((1, 9)), np.zeros((2, 9))])
    with pytest.raises(InsufficientSamplesError, match="of no series"):
        ragged_block_means([])
    with pytest.raises(InvalidValueError, match="received 3 labels for 2 runs"):
        disorder_blocks(np.zeros((1, 2)), disorder=[0, 1, 2])
    with pytest.raises(InsufficientSamplesError, match="samples are disorders"):
        disorder_blocks(np.zeros((1, 2)), disorder=[0, 0])
