"""Hand-written outputs and gradients of two-layer networks, with every buffer reused.

Batched matrix products run over pieces of the batch that fit the cache. Each matrix begins at
an aligned address, has at least two rows and is never a vector, and a lone run is computed as
a pair: then the products round alike wherever a run sits in a batch.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from phasegrok.networks.activations import ACTIVATIONS
from phasegrok.networks.evaluation import Evaluation, ExampleBatch, Gradient
from phasegrok.networks.layout import ALIGNMENT
from phasegrok.networks.losses import Loss
from phasegrok.networks.two_layer import TwoLayerNetwork

__all__ = ["PaddedExamples", "TwoLayerEvaluation"]

CACHE_BYTES = 600_000
"""Size of the hidden activations and slopes of one piece: most of a second-level cache."""


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


@final
class TwoLayerEvaluation(Evaluation[PaddedExamples]):
    """See `Evaluation`.

    Parameters
    ----------
    network : TwoLayerNetwork
        Sizes and activation.
    loss : Loss
        Of outputs and targets.
    """

    def __init__(self, network: TwoLayerNetwork, loss: Loss) -> None:
        self._network = network
        self._loss = loss
        self._layout = network.layout()
        self._activation = ACTIVATIONS[network.activation]
        # Sizes for which every matrix of a batch begins at a multiple of 64 bytes.
        self._hidden_rows = _up(network.width, 8)
        self._input_rows = _up(network.input_size, 8)
        self._output_rows = _up(network.output_size, 2)
        self._buffers: dict[str, Tensor] = {}

    def prepare(self, examples: ExampleBatch) -> PaddedExamples:
        """See `Evaluation.prepare`."""
        groups, count, size = examples.inputs.shape
        padded = _up(count, ALIGNMENT)
        columns = examples.inputs.new_zeros((groups, self._input_rows, padded))
        columns[:, :size, :count] = examples.inputs.transpose(1, 2)
        targets = examples.targets.new_zeros((groups, padded, *examples.targets.shape[2:]))
        targets[:, :count] = examples.targets
        return PaddedExamples(columns=columns, targets=targets, original=examples)

    def outputs(self, rows: Tensor, examples: PaddedExamples) -> Tensor:
        """See `Evaluation.outputs`."""
        answers = self._answers(rows, examples)
        for piece in self._pieces(rows, examples):
            hidden = self._hidden(rows[piece], _take(examples.columns, piece))
            self._read_out(rows[piece], self._activation.value(hidden), answers[piece])
        return self._public(answers)[:, : examples.original.count].clone()

    def loss(self, rows: Tensor, examples: PaddedExamples) -> Tensor:
        """See `Evaluation.loss`."""
        return self._sum_loss(self.outputs(rows, examples), examples)

    def gradient(
        self, rows: Tensor, examples: PaddedExamples, noise: Tensor | None
    ) -> Gradient:
        """See `Evaluation.gradient`."""
        del noise
        answers = self._answers(rows, examples)
        gradient = self._buffer("gradient", rows, *rows.shape)
        views = self._layout.split(gradient)
        for piece in self._pieces(rows, examples):
            columns = _take(examples.columns, piece)
            hidden = self._hidden(rows[piece], columns)
            slopes = self._buffer("slopes", rows, *hidden.shape)
            self._activation.slope(hidden, slopes)
            self._activation.value(hidden)
            read_out = self._read_out(rows[piece], hidden, answers[piece])
            cotangent = self._cotangent(
                answers[piece], _take(examples.targets, piece), examples
            )
            self._readout_gradient(cotangent, hidden, views["readout"][piece])
            target = views["first"][piece]
            if self._network.output_size == 1:
                self._first_gradient_single(read_out, cotangent, slopes, columns, target)
            else:
                self._first_gradient(read_out, cotangent, slopes, columns, target)
        public = self._public(answers)[:, : examples.original.count]
        return Gradient(rows=gradient, loss=self._sum_loss(public, examples))

    def _hidden(self, rows: Tensor, columns: Tensor) -> Tensor:
        first = self._layout.split(rows)["first"]
        runs, padded = rows.shape[0], columns.shape[2]
        if self._hidden_rows != self._network.width:
            copy = self._buffer("first", rows, runs, self._hidden_rows, first.shape[2])
            copy[:, : self._network.width] = first
            first = copy
        inputs = columns[:, : self._network.input_size].expand(runs, -1, -1)
        hidden = self._buffer("hidden", rows, runs, self._hidden_rows, padded)
        return torch.bmm(first, inputs, out=hidden)

    def _read_out(self, rows: Tensor, hidden: Tensor, answers: Tensor) -> Tensor:
        readout = self._layout.split(rows)["readout"]
        copy = self._buffer(
            "readout", rows, rows.shape[0], self._output_rows, self._hidden_rows
        )
        copy[:, : readout.shape[1], : readout.shape[2]] = readout
        torch.bmm(copy, hidden, out=answers)
        return copy

    def _cotangent(self, answers: Tensor, targets: Tensor, examples: PaddedExamples) -> Tensor:
        cotangent = self._buffer("cotangent", answers, *answers.shape)
        gradient = self._loss.cotangent(self._public(answers), targets)
        gradient *= self._loss.prefactor(examples.original.total) * examples.original.weight
        self._public(cotangent).copy_(gradient)
        return cotangent

    def _readout_gradient(self, cotangent: Tensor, hidden: Tensor, out: Tensor) -> None:
        shape = (hidden.shape[0], self._output_rows, self._hidden_rows)
        product = self._buffer("readout gradient", hidden, *shape)
        torch.bmm(cotangent, hidden.transpose(1, 2), out=product)
        out.copy_(product[:, : out.shape[1], : out.shape[2]])

    def _first_gradient_single(
        self, readout: Tensor, cotangent: Tensor, slopes: Tensor, columns: Tensor, out: Tensor
    ) -> None:
        # With one output the readout is a factor of each row: it multiplies the small product.
        weighted = self._buffer("weighted", slopes, slopes.shape[0], *columns.shape[1:])
        torch.mul(columns, cotangent[:, :1], out=weighted)
        product = self._product(slopes, weighted)
        factor = readout[:, 0, : out.shape[1], None] * self._activation.slope_factor
        torch.mul(product[:, : out.shape[1], : out.shape[2]], factor, out=out)

    def _first_gradient(
        self, readout: Tensor, cotangent: Tensor, slopes: Tensor, columns: Tensor, out: Tensor
    ) -> None:
        backward = self._buffer("backward", slopes, *slopes.shape)
        torch.bmm(readout.transpose(1, 2), cotangent, out=backward)
        backward.mul_(slopes).mul_(self._activation.slope_factor)
        product = self._product(backward, columns.expand(slopes.shape[0], -1, -1))
        out.copy_(product[:, : out.shape[1], : out.shape[2]])

    def _product(self, slopes: Tensor, weighted: Tensor) -> Tensor:
        shape = (slopes.shape[0], self._hidden_rows, self._input_rows)
        product = self._buffer("first gradient", slopes, *shape)
        return torch.bmm(slopes, weighted.transpose(1, 2), out=product)

    def _answers(self, rows: Tensor, examples: PaddedExamples) -> Tensor:
        padded = examples.columns.shape[2]
        return self._buffer("answers", rows, rows.shape[0], self._output_rows, padded)

    def _public(self, answers: Tensor) -> Tensor:
        size = self._network.output_size
        return answers[:, 0] if size == 1 else answers[:, :size].transpose(1, 2)

    def _sum_loss(self, outputs: Tensor, examples: PaddedExamples) -> Tensor:
        original = examples.original
        terms = self._loss.per_example(outputs.double(), _as_loss_target(original.targets))
        return terms.sum(dim=1) * (self._loss.prefactor(original.total) * original.weight)

    def _pieces(self, rows: Tensor, examples: PaddedExamples) -> Iterator[slice]:
        """Cut the runs; the last piece reaches back, so that none has a single run."""
        runs = rows.shape[0]
        per_run = 2 * self._hidden_rows * examples.columns.shape[2] * rows.element_size()
        size = min(runs, max(2, CACHE_BYTES // per_run)) if rows.device.type == "cpu" else runs
        for first in range(0, runs, size):
            end = min(first + size, runs)
            yield slice(end - size, end)

    def _buffer(self, name: str, like: Tensor, *shape: int) -> Tensor:
        """Reuse a buffer; it is made anew, filled with zeros, when its shape changes."""
        found = self._buffers.get(name)
        if found is None or found.shape != shape or found.dtype != like.dtype:
            found = like.new_zeros(shape)
            self._buffers[name] = found
        return found


def _take(shared_or_per_run: Tensor, piece: slice) -> Tensor:
    return shared_or_per_run if shared_or_per_run.shape[0] == 1 else shared_or_per_run[piece]


def _as_loss_target(targets: Tensor) -> Tensor:
    return targets.double() if targets.is_floating_point() else targets


def _up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
