"""Random numbers of each run from its own generators, drawn in blocks."""

from collections.abc import Callable, Sequence
from typing import final

import torch
from torch import Generator, Tensor

from phasegrok.dynamics.snapshot import Snapshot

__all__ = ["Stream", "generator", "normal_stream", "uniform_stream"]

BLOCK_NUMBERS = 65_536
"""Numbers that a run draws at once. A call costs microseconds, so single draws would cost more
than the numbers; the length of a block depends on the numbers per step alone, never on the
batch, so a run draws the same numbers in any company."""


def generator(seed: int, device: torch.device) -> Generator:
    """Make a seeded generator on a device."""
    return Generator(device=device).manual_seed(seed)


@final
class Stream:
    """Numbers for one step of every run at a time.

    Parameters
    ----------
    generators : sequence of torch.Generator
        One per run.
    shape : tuple of int
        Of one run's numbers in one step.
    fill : callable
        Fills a tensor from a generator, in place.
    dtype : torch.dtype
        Of the numbers.
    finish : callable
        Applied in place to each new block (run, step, *shape).
    """

    def __init__(
        self,
        generators: Sequence[Generator],
        *,
        shape: tuple[int, ...],
        fill: Callable[[Tensor, Generator], object],
        dtype: torch.dtype,
        finish: Callable[[Tensor], object] | None = None,
    ) -> None:
        self.generators = list(generators)
        size = max(1, torch.Size(shape).numel())
        length = min(64, max(1, BLOCK_NUMBERS // size))
        device = self.generators[0].device
        self._block = torch.zeros(
            (len(self.generators), length, *shape), dtype=dtype, device=device
        )
        self._position = length
        self._fill = fill
        self._finish = finish

    def next(self) -> Tensor:
        """Numbers of the next step, (run, *shape), valid until the next call."""
        if self._position == self._block.shape[1]:
            for row, source in zip(self._block, self.generators, strict=True):
                self._fill(row, source)
            if self._finish is not None:
                self._finish(self._block)
            self._position = 0
        self._position += 1
        return self._block[:, self._position - 1]

    def select(self, rows: Sequence[int]) -> None:
        """Keep some runs, in this order; one that is named twice goes on as two equal runs."""
        self._block = self._block[list(rows)].clone()
        taken: set[int] = set()
        chosen = []
        for row in rows:
            source = self.generators[row]
            chosen.append(source.clone_state() if row in taken else source)
            taken.add(row)
        self.generators = chosen

    def snapshot(self) -> Snapshot:
        """Give what is left of the block, and the states behind it."""
        return {
            "block": self._block[:, self._position :].clone(),
            "generators": [source.get_state() for source in self.generators],
        }

    def restore(self, snapshot: Snapshot) -> None:
        """Go on where a snapshot of as many runs was taken."""
        rest = snapshot["block"]
        self._position = self._block.shape[1] - rest.shape[1]
        self._block[:, self._position :] = rest
        for source, state in zip(self.generators, snapshot["generators"], strict=True):
            source.set_state(state)


def normal_stream(
    generators: Sequence[Generator],
    *,
    shape: tuple[int, ...],
    dtype: torch.dtype,
    finish: Callable[[Tensor], object] | None = None,
) -> Stream:
    """Independent standard normal numbers."""
    return Stream(
        generators,
        shape=shape,
        dtype=dtype,
        fill=lambda row, source: row.normal_(generator=source),
        finish=finish,
    )


def uniform_stream(
    generators: Sequence[Generator], *, shape: tuple[int, ...], dtype: torch.dtype
) -> Stream:
    """Independent uniform numbers in [0, 1)."""
    return Stream(
        generators,
        shape=shape,
        dtype=dtype,
        fill=lambda row, source: row.uniform_(generator=source),
    )
