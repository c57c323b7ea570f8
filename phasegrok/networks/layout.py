"""How the named weights of a network lie in one flat row per run."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias, final

import torch
from torch import Tensor

__all__ = ["ALIGNMENT", "Layout", "Leaf", "Parameters", "up"]

Parameters: TypeAlias = dict[str, Tensor]
"""Named weights; axis 0 of each is the run, except inside a network for a single run."""

ALIGNMENT = 32
"""Numbers that a leaf and a row are padded to.

Vector units and blocked matrix products treat unaligned rows by other code paths, whose
rounding differs: with every row aligned, a run's numbers do not depend on its place in a batch.
"""


def up(size: int, multiple: int) -> int:
    """Smallest multiple that is not below a size."""
    return -(-size // multiple) * multiple


@final
@dataclass(frozen=True)
class Leaf:
    """One named array of weights of a single run."""

    name: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of weights."""
        return math.prod(self.shape)


@final
class Layout:
    """Leaves in a flat row, whose length is a multiple of `ALIGNMENT`.

    Parameters
    ----------
    leaves : iterable of Leaf
        In order; a leaf is also a layer, with a weight decay and a norm of its own.
    alignment : int
        Each leaf begins at a multiple of it.
    """

    def __init__(self, leaves: Iterable[Leaf], *, alignment: int = ALIGNMENT) -> None:
        self.leaves = tuple(leaves)
        self.slices: dict[str, slice] = {}
        offset = 0
        for leaf in self.leaves:
            self.slices[leaf.name] = slice(offset, offset + leaf.size)
            offset += up(leaf.size, alignment)
        self.row_size = up(offset, ALIGNMENT)
        """Length of a row, padding included."""
        self.parameter_count = sum(leaf.size for leaf in self.leaves)
        """Number of weights of a run."""

    def split(self, rows: Tensor) -> Parameters:
        """View rows (run, row) as named weights (run, *shape); nothing is copied."""
        return {
            leaf.name: rows[:, self.slices[leaf.name]].view(rows.shape[0], *leaf.shape)
            for leaf in self.leaves
        }

    def join(self, parameters: Parameters) -> Tensor:
        """Copy named weights (run, *shape) into rows (run, row), zero in the padding."""
        first = next(iter(parameters.values()))
        rows = first.new_zeros((first.shape[0], self.row_size))
        for name, view in self.split(rows).items():
            view.copy_(parameters[name])
        return rows

    def fill(self, values: dict[str, Tensor]) -> Tensor:
        """Spread one number per run and leaf, (run,) each, over rows (run, row)."""
        first = next(iter(values.values()))
        rows = first.new_zeros((first.shape[0], self.row_size))
        for name, where in self.slices.items():
            rows[:, where] = values[name][:, None]
        return rows

    def clear_padding(self, rows: Tensor) -> None:
        """Set what belongs to no weight to zero, in place, in (..., row)."""
        ends = [where.stop for where in self.slices.values()]
        starts = [*[where.start for where in self.slices.values()][1:], self.row_size]
        for end, start in zip(ends, starts, strict=True):
            if end < start:
                rows[..., end:start] = 0.0

    def half_square_norms(self, rows: Tensor) -> dict[str, Tensor]:
        """½|θ_l|² of every leaf, (run,) float64, summed within each run."""
        doubled = rows.to(torch.float64)
        return {
            name: 0.5 * doubled[:, where].square().sum(dim=1)
            for name, where in self.slices.items()
        }
