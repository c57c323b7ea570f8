"""The batch update at its limits, and what a satisfied bond is."""

import numpy as np
import pytest

from phasegrok.exact.swendsen_wang import (
    CHUNK_SITES,
    LatticeBatch,
    satisfied_bonds,
    swendsen_wang_records,
)


def batch(probability: float, *, ordered: bool, extent: int = 8, runs: int = 3) -> LatticeBatch:
    return LatticeBatch(
        linear_extent=extent,
        state_count=4,
        bond_probability=np.full(runs, probability),
        ordered=np.full(runs, ordered),
        generators=[np.random.default_rng(each) for each in range(runs)],
    )


@pytest.mark.parametrize("extent", [2, 5, 16])
def test_certain_bonds_keep_one_cluster_that_changes_as_a_whole(extent: int) -> None:
    records = swendsen_wang_records(
        batch(1.0, ordered=True, extent=extent, runs=1),
        np.arange(400),
        lambda shares: shares.argmax(axis=1).astype(float),
    )
    assert (records.satisfied == 1.0).all()
    states, counts = np.unique(records.observed, return_counts=True)
    # Each state a quarter of the time; standard deviation √(400 · 3/16).
    assert states.tolist() == [0, 1, 2, 3]
    assert (np.abs(counts - 100) < 4 * 75**0.5).all()


def test_without_bonds_every_site_is_drawn_anew() -> None:
    records = swendsen_wang_records(
        batch(0.0, ordered=True, extent=32), np.arange(1, 40), lambda shares: shares[:, 0]
    )
    for values in (records.satisfied, records.observed):
        error = values.std(ddof=1) / values.size**0.5
        assert abs(values.mean() - 0.25) < 4 * error
    # Independent sites: the share of one state has variance 3/16 over the number of sites.
    ratio = records.observed.var() / (3 / 16 / 1024)
    assert abs(ratio - 1) < 4 * (2 / records.observed.size) ** 0.5


def test_certain_bonds_never_join_what_differs() -> None:
    # Clusters of a hot start can merge but never break: satisfied bonds do not decrease.
    records = swendsen_wang_records(
        batch(1.0, ordered=False), np.arange(30), lambda shares: shares.max(axis=1)
    )
    assert (np.diff(records.satisfied, axis=1) >= 0).all()
    assert (records.satisfied[:, 0] < 0.6).all()


def test_satisfied_bonds_wrap_around() -> None:
    states = np.arange(9, dtype=np.int32).reshape(1, 3, 3)
    states[0, 0, 2] = states[0, 0, 0]
    states[0, 2, 1] = states[0, 0, 1]
    bonds = satisfied_bonds(states, np.empty((1, 3, 3, 2), dtype=bool))
    assert {tuple(each) for each in np.argwhere(bonds).tolist()} == {(0, 0, 2, 0), (0, 2, 1, 1)}


def test_chunks_hold_every_run_once() -> None:
    many = batch(0.5, ordered=True, extent=64, runs=11)
    chunks = list(many.chunks())
    assert len(chunks) > 1
    assert np.concatenate([np.arange(11)[each] for each in chunks]).tolist() == [*range(11)]
    assert all(len(range(11)[each]) * 64**2 <= CHUNK_SITES for each in chunks)
