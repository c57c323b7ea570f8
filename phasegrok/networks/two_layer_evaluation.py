"""Hand-written outputs and gradients of two-layer networks, with every buffer reused.

Batched matrix products run over pieces of the batch that fit the cache. Each matrix begins at
an aligned address, has at least two rows and is never a vector, and a lone run is computed as
a pair: then the products round alike wherever a run sits in a batch.
"""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from phasegrok.networks.activations import ACTIVATIONS
from phasegrok.networks.evaluation import Evaluation, ExampleBatch, Gradient, total_loss
from phasegrok.networks.layout import up
from phasegrok.networks.losses import Loss
from phasegrok.networks.padding import PaddedExamples, padded_examples, retargeted
from phasegrok.networks.two_layer import TwoLayerNetwork

__all__ = ["TwoLayerEvaluation"]

CACHE_BYTES = 900_000
"""Size of the hidden activations and slopes of one piece: most of a second-level cache."""


@final
@dataclass(frozen=True, kw_only=True)
class _Piece:
    """Buffers of a few runs: the large ones are shared by all pieces, the others views."""

    runs: slice
    hidden: Tensor  # (run, hidden, example)
    slopes: Tensor  # (run, hidden, example)
    weighted: Tensor  # (run, input, example)
    product: Tensor  # (run, hidden, input)
    readout: Tensor  # (run, output, hidden)
    answers: Tensor  # (run, output, example)
    cotangent: Tensor  # (run, output, example)
    readout_product: Tensor  # (run, output, hidden)


@final
class _Workspace:
    """All buffers for one number of runs and examples, cut into pieces once."""

    def __init__(self, sizes: "_Sizes", rows: Tensor, padded: int) -> None:
        runs = rows.shape[0]
        self.readout = rows.new_zeros((runs, sizes.outputs, sizes.hidden))
        self.answers = rows.new_zeros((runs, sizes.outputs, padded))
        self.cotangent = torch.zeros_like(self.answers)
        self.readout_product = torch.zeros_like(self.readout)
        self.gradient = torch.zeros_like(rows)
        self.first = rows.new_zeros((runs, sizes.hidden, sizes.first_inputs))
        per_run = 2 * sizes.hidden * padded * rows.element_size()
        fitting = max(2, CACHE_BYTES // per_run) if rows.device.type == "cpu" else runs
        self.pieces = self._cut(sizes, min(runs, fitting), padded)

    def _cut(self, sizes: "_Sizes", size: int, padded: int) -> list[_Piece]:
        """Cut the runs; the last piece reaches back, so that none has a single run."""
        runs = self.answers.shape[0]
        hidden = self.answers.new_zeros((size, sizes.hidden, padded))
        slopes = torch.zeros_like(hidden)
        weighted = self.answers.new_zeros((size, sizes.inputs, padded))
        product = self.answers.new_zeros((size, sizes.hidden, sizes.inputs))
        ends = [min(first + size, runs) for first in range(0, runs, size)]
        return [
            _Piece(
                runs=slice(end - size, end),
                hidden=hidden,
                slopes=slopes,
                weighted=weighted,
                product=product,
                readout=self.readout[end - size : end],
                answers=self.answers[end - size : end],
                cotangent=self.cotangent[end - size : end],
                readout_product=self.readout_product[end - size : end],
            )
            for end in ends
        ]


@final
@dataclass(frozen=True, kw_only=True)
class _Sizes:
    """Sizes for which every matrix of a batch begins at a multiple of 64 bytes."""

    hidden: int
    inputs: int
    outputs: int
    first_inputs: int


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
        self._sizes = _Sizes(
            hidden=up(network.width, 8),
            inputs=up(network.input_size, 8),
            outputs=up(network.output_size, 2),
            first_inputs=network.input_size,
        )
        self._workspaces: dict[tuple[object, ...], _Workspace] = {}

    def prepare(self, examples: ExampleBatch) -> PaddedExamples:
        """See `Evaluation.prepare`."""
        return padded_examples(examples, input_count=self._sizes.inputs)

    def retarget(self, prepared: PaddedExamples, targets: Tensor) -> PaddedExamples:
        """See `Evaluation.retarget`."""
        return retargeted(prepared, targets)

    def outputs(self, rows: Tensor, examples: PaddedExamples) -> Tensor:
        """See `Evaluation.outputs`."""
        space, first = self._begin(rows, examples)
        for piece in space.pieces:
            self._hidden(piece, first, examples)
            self._activation.value(piece.hidden)
            torch.bmm(piece.readout, piece.hidden, out=piece.answers)
        return self._public(space.answers)[:, : examples.original.count].clone()

    def loss(self, rows: Tensor, examples: PaddedExamples) -> Tensor:
        """See `Evaluation.loss`."""
        return self._sum_loss(self.outputs(rows, examples), examples)

    def gradient(
        self, rows: Tensor, examples: PaddedExamples, noise: Tensor | None
    ) -> Gradient:
        """See `Evaluation.gradient`."""
        del noise
        space, first = self._begin(rows, examples)
        views = self._layout.split(space.gradient)
        factors = space.readout[:, 0, : self._network.width, None] * self._slope_factor
        for piece in space.pieces:
            columns = self._hidden(piece, first, examples)
            self._activation.slope(piece.hidden, piece.slopes)
            self._activation.value(piece.hidden)
            torch.bmm(piece.readout, piece.hidden, out=piece.answers)
            self._cotangent(piece, examples)
            torch.bmm(piece.cotangent, piece.hidden.transpose(1, 2), out=piece.readout_product)
            if self._network.output_size == 1:
                # The readout is a factor of each row then: it multiplies the small product.
                torch.mul(columns, piece.cotangent[:, :1], out=piece.weighted)
                self._first_gradient(piece, piece.slopes, piece.weighted)
                factor = factors[piece.runs]
                torch.mul(self._cut(piece.product), factor, out=views["first"][piece.runs])
            else:
                self._backward(piece)
                self._first_gradient(piece, piece.hidden, columns)
                views["first"][piece.runs] = self._cut(piece.product)
        outputs, width = self._network.output_size, self._network.width
        views["readout"].copy_(space.readout_product[:, :outputs, :width])
        public = self._public(space.answers)[:, : examples.original.count]
        return Gradient(rows=space.gradient, loss=self._sum_loss(public, examples))

    @property
    def _slope_factor(self) -> float:
        return self._activation.slope_factor

    def _begin(self, rows: Tensor, examples: PaddedExamples) -> tuple[_Workspace, Tensor]:
        """Find the workspace and put both layers into the padded form."""
        padded = examples.columns.shape[2]
        key = (rows.shape[0], padded, rows.dtype, rows.device)
        if key not in self._workspaces:
            self._workspaces[key] = _Workspace(self._sizes, rows, padded)
        space = self._workspaces[key]
        weights, width = self._layout.split(rows), self._network.width
        space.readout[:, : self._network.output_size, :width] = weights["readout"]
        if self._sizes.hidden == width:
            return space, weights["first"]
        space.first[:, :width] = weights["first"]
        return space, space.first

    def _hidden(self, piece: _Piece, first: Tensor, examples: PaddedExamples) -> Tensor:
        """Pre-activations of a piece; returns its inputs, expanded to its runs."""
        columns = examples.columns
        count = piece.hidden.shape[0]
        own = columns.expand(count, -1, -1) if columns.shape[0] == 1 else columns[piece.runs]
        inputs = own[:, : self._network.input_size]
        torch.bmm(first[piece.runs], inputs, out=piece.hidden)
        return own

    def _cotangent(self, piece: _Piece, examples: PaddedExamples) -> None:
        targets, original = examples.targets, examples.original
        own = targets if targets.shape[0] == 1 else targets[piece.runs]
        gradient = self._loss.cotangent(self._public(piece.answers), own)
        factor = self._loss.prefactor(original.total) * original.weight
        if factor != 1.0:
            gradient *= factor
        self._public(piece.cotangent).copy_(gradient)

    def _backward(self, piece: _Piece) -> None:
        """Slopes times what comes back through the readout, in the buffer of hidden values."""
        torch.bmm(piece.readout.transpose(1, 2), piece.cotangent, out=piece.hidden)
        piece.hidden.mul_(piece.slopes).mul_(self._slope_factor)

    def _first_gradient(self, piece: _Piece, left: Tensor, right: Tensor) -> None:
        torch.bmm(left, right.transpose(1, 2), out=piece.product)

    def _cut(self, product: Tensor) -> Tensor:
        return product[:, : self._network.width, : self._network.input_size]

    def _public(self, answers: Tensor) -> Tensor:
        size = self._network.output_size
        return answers[:, 0] if size == 1 else answers[:, :size].transpose(1, 2)

    def _sum_loss(self, outputs: Tensor, examples: PaddedExamples) -> Tensor:
        return total_loss(self._loss, outputs, examples.original)
