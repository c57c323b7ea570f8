"""Pieces and padded products: nothing is lost, nothing depends on the place."""

import pytest
import torch

from phasegrok.networks.padding import aligned_product, pieces


@pytest.mark.parametrize("runs", [1, 2, 3, 7, 64, 131])
@pytest.mark.parametrize("size", [2, 3, 8, 100, 1000])
def test_pieces_hold_every_run_and_have_one_size(runs: int, size: int) -> None:
    found = pieces(runs, size)
    lengths = {piece.stop - piece.start for piece in found}
    assert len(lengths) == 1
    assert min(runs, 2) <= lengths.pop() <= min(runs, size)
    assert all(piece.start >= 0 for piece in found)
    assert {run for piece in found for run in range(runs)[piece]} == set(range(runs))
    # Runs that are computed twice are fewer than pieces, unless pieces of two are asked for.
    held = sum(piece.stop - piece.start for piece in found)
    assert held - runs < max(len(found), 2)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 5), (2, 7, 1), (5, 24, 3), (1, 17, 9)])
@pytest.mark.parametrize("shared", [True, False])
def test_products_are_those_of_matrices_in_every_batch(
    shape: tuple[int, int, int], shared: bool
) -> None:
    rows, inner, columns = shape
    source = torch.Generator().manual_seed(inner)
    left = torch.randn(33, rows, inner, generator=source, dtype=torch.float64)
    right = torch.randn(
        1 if shared else 33, inner, columns, generator=source, dtype=torch.float64
    )
    found = aligned_product(left, right)
    torch.testing.assert_close(found, left @ right, rtol=1e-13, atol=1e-13)
    for pick in ([0, 0], [32, 5, 1], list(range(30, 3, -1))):
        again = aligned_product(left[pick], right if shared else right[pick])
        assert torch.equal(again, found[pick])
