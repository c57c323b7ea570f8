"""Examples and matrices filled up with zeros, so that products round alike in every batch."""

from dataclasses import dataclass, replace
from typing import final

import torch
from torch import Tensor

from phasegrok.networks.evaluation import ExampleBatch
from phasegrok.networks.layout import ALIGNMENT, up

__all__ = ["PaddedExamples", "aligned_product", "padded_examples", "pieces", "retargeted"]


@final
@dataclass(frozen=True, kw_only=True)
class PaddedExamples:
    """Examples with zero inputs added up to an aligned count.

    All activations vanish at zero and there is no bias, so the added examples contribute
    exactly nothing to a gradient; they are left out of losses and outputs.

    Parameters
    ----------
    columns : (1 or run, padded input, padded example) tensor
        Inputs, examples along the contiguous axis.
    targets : (1 or run, padded example[, output]) tensor
        Zero where added.
    original : ExampleBatch
        Where they came from.
    """

    columns: Tensor
    targets: Tensor
    original: ExampleBatch


def padded_examples(examples: ExampleBatch, *, input_count: int) -> PaddedExamples:
    """Fill examples up.

    Parameters
    ----------
    examples : ExampleBatch
        Inputs (1 or run, example, input).
    input_count : int
        Number of inputs after filling up.

    Returns
    -------
    PaddedExamples
        With a multiple of `ALIGNMENT` examples.
    """
    sets, count, size = examples.inputs.shape
    columns = examples.inputs.new_zeros((sets, input_count, up(count, ALIGNMENT)))
    columns[:, :size, :count] = examples.inputs.transpose(1, 2)
    return PaddedExamples(
        columns=columns, targets=_padded_targets(examples.targets), original=examples
    )


def retargeted(examples: PaddedExamples, targets: Tensor) -> PaddedExamples:
    """Exchange the targets, (1 or run, example[, output]); see `Evaluation.retarget`."""
    return replace(
        examples,
        targets=_padded_targets(targets),
        original=examples.original.with_targets(targets),
    )


def pieces(runs: int, size: int) -> list[slice]:
    """Cut runs into pieces of one size, at most the given one and, of several runs, at least 2.

    Where they do not divide evenly the last piece reaches back: some runs are computed twice.
    """
    count = up(runs, size) // size
    size = min(runs, max(2, up(runs, count) // count))
    ends = [min(first + size, runs) for first in range(0, runs, size)]
    return [slice(end - size, end) for end in ends]


def aligned_product(left: Tensor, right: Tensor) -> Tensor:
    """Product of each run's matrices, bitwise the same in every batch of at least two runs.

    Parameters
    ----------
    left : (run, row, inner) tensor
        Wherever in memory.
    right : (1 or run, inner, column) tensor
        One for all runs, or one per run.

    Returns
    -------
    (run, row, column) tensor
        A view of a padded product.
    """
    if left.shape[2] == 1:
        # A single product each has only one way to round.
        return left * right
    first, second = _padded_matrix(left, rows_to=2), _padded_matrix(right, rows_to=8)
    product = torch.bmm(first, second.expand(len(first), -1, -1))
    return product[:, : left.shape[1], : right.shape[2]]


def _padded_matrix(matrix: Tensor, *, rows_to: int) -> Tensor:
    runs, rows, columns = matrix.shape
    padded = matrix.new_zeros((runs, up(rows, rows_to), up(columns, 8)))
    padded[:, :rows, :columns] = matrix
    return padded


def _padded_targets(targets: Tensor) -> Tensor:
    sets, count = targets.shape[:2]
    padded = targets.new_zeros((sets, up(count, ALIGNMENT), *targets.shape[2:]))
    padded[:, :count] = targets
    return padded
