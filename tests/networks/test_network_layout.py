"""Flat rows: nothing is lost, nothing leaks into the padding."""

import numpy as np
import torch

from phasegrok.networks import Layout, Leaf
from phasegrok.networks.layout import ALIGNMENT

LEAVES = (Leaf("first", (3, 5)), Leaf("scale", ()), Leaf("full", (8, 4)), Leaf("last", (2,)))


def weights(runs: int) -> dict[str, torch.Tensor]:
    source = torch.Generator().manual_seed(1)
    return {each.name: torch.randn(runs, *each.shape, generator=source) for each in LEAVES}


def test_splitting_what_was_joined_gives_it_back() -> None:
    layout, given = Layout(LEAVES), weights(4)
    rows = layout.join(given)
    found = layout.split(rows)
    assert all(torch.equal(found[name], given[name]) for name in given)
    assert layout.parameter_count == 15 + 1 + 32 + 2
    assert int((rows != 0.0).sum()) == 4 * layout.parameter_count
    found["last"][2] = 7.0
    assert bool((layout.split(rows)["last"][2] == 7.0).all())


def test_every_leaf_begins_at_an_aligned_place() -> None:
    layout = Layout(LEAVES)
    assert [each.start % ALIGNMENT for each in layout.slices.values()] == [0, 0, 0, 0]
    assert layout.row_size % ALIGNMENT == 0


def test_clearing_touches_the_padding_alone() -> None:
    layout = Layout(LEAVES)
    rows = torch.ones(2, 3, layout.row_size)
    layout.clear_padding(rows)
    assert int(rows.sum()) == 6 * layout.parameter_count
    assert torch.equal(layout.join(layout.split(rows[0])), rows[0])


def test_norms_and_filling_follow_the_layers() -> None:
    layout, given = Layout(LEAVES), weights(4)
    norms = layout.half_square_norms(layout.join(given))
    for name, values in given.items():
        exact = 0.5 * values.double().view(4, -1).square().sum(1)
        np.testing.assert_allclose(norms[name], exact, rtol=1e-14)
    numbers = {each.name: torch.arange(4.0) + index for index, each in enumerate(LEAVES)}
    filled = layout.split(layout.fill(numbers))
    for name, values in filled.items():
        assert bool((values.reshape(4, -1) == numbers[name][:, None]).all())
