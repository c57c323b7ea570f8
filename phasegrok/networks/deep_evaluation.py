"""Hand-written outputs and gradients of deep networks, with every buffer reused.

Batched matrix products run over pieces of the batch that fit the cache; `deep_buffers` tells
how they are laid out, so that a run's numbers do not depend on its batch.
"""

from typing import final

import torch
from torch import Tensor

from phasegrok.networks.activations import ACTIVATIONS
from phasegrok.networks.deep import DeepNetwork
from phasegrok.networks.deep_buffers import WeightBuffers, padded_sizes
from phasegrok.networks.evaluation import Evaluation, ExampleBatch, Gradient, total_loss
from phasegrok.networks.losses import Loss
from phasegrok.networks.padding import PaddedExamples, padded_examples, pieces, retargeted

__all__ = ["DeepEvaluation"]

CACHE_BYTES = 900_000
"""Size of the activations and slopes of one piece: most of a second-level cache."""


@final
class _Workspace:
    """All buffers for one number of runs and examples: those of a piece, used in turns."""

    def __init__(self, network: DeepNetwork, rows: Tensor, padded: int) -> None:
        runs, sizes = rows.shape[0], padded_sizes(network)
        per_run = 2 * sum(sizes[1:-1]) * padded * rows.element_size()
        fitting = max(2, CACHE_BYTES // max(per_run, 1)) if rows.device.type == "cpu" else runs
        self.pieces = pieces(runs, fitting)
        size = self.pieces[0].stop - self.pieces[0].start
        self.buffers = WeightBuffers(network, rows, size)
        self.hidden = [rows.new_zeros((size, each, padded)) for each in sizes[1:-1]]
        self.slopes = [torch.zeros_like(each) for each in self.hidden]
        self.answers = rows.new_zeros((size, sizes[-1], padded))
        self.cotangent = torch.zeros_like(self.answers)
        self.gradient = torch.zeros_like(rows)


@final
class DeepEvaluation(Evaluation[PaddedExamples]):
    """See `Evaluation`.

    Parameters
    ----------
    network : DeepNetwork
        Sizes and activation.
    loss : Loss
        Of outputs and targets.
    """

    def __init__(self, network: DeepNetwork, loss: Loss) -> None:
        self._network = network
        self._loss = loss
        self._activation = ACTIVATIONS[network.activation]
        self._is_linear = network.activation == "linear"
        self._workspaces: dict[tuple[object, ...], _Workspace] = {}

    def prepare(self, examples: ExampleBatch) -> PaddedExamples:
        """See `Evaluation.prepare`."""
        return padded_examples(examples, input_count=padded_sizes(self._network)[0])

    def retarget(self, prepared: PaddedExamples, targets: Tensor) -> PaddedExamples:
        """See `Evaluation.retarget`."""
        return retargeted(prepared, targets)

    def outputs(self, rows: Tensor, examples: PaddedExamples) -> Tensor:
        """See `Evaluation.outputs`."""
        space, count = self._workspace(rows, examples), examples.original.count
        answers = None
        for piece in space.pieces:
            space.buffers.load(rows[piece])
            self._forward(space, _of_piece(examples.columns, piece), with_slopes=False)
            found = self._public(space.answers)[:, :count]
            if answers is None:
                answers = found.new_empty((rows.shape[0], *found.shape[1:]))
            answers[piece] = found
        return rows.new_empty(0) if answers is None else answers

    def loss(self, rows: Tensor, examples: PaddedExamples) -> Tensor:
        """See `Evaluation.loss`."""
        return total_loss(self._loss, self.outputs(rows, examples), examples.original)

    def gradient(
        self, rows: Tensor, examples: PaddedExamples, noise: Tensor | None
    ) -> Gradient:
        """See `Evaluation.gradient`."""
        del noise
        space, original = self._workspace(rows, examples), examples.original
        losses = torch.empty(rows.shape[0], dtype=torch.float64, device=rows.device)
        for piece in space.pieces:
            columns = _of_piece(examples.columns, piece)
            targets = _of_piece(original.targets, piece)
            space.buffers.load(rows[piece])
            self._forward(space, columns, with_slopes=not self._is_linear)
            self._cotangent(space, _of_piece(examples.targets, piece), original)
            self._backward(space, columns)
            space.buffers.store(space.gradient[piece])
            answers = self._public(space.answers)[:, : original.count]
            losses[piece] = total_loss(self._loss, answers, original.with_targets(targets))
        return Gradient(rows=space.gradient, loss=losses)

    def _workspace(self, rows: Tensor, examples: PaddedExamples) -> _Workspace:
        padded = examples.columns.shape[2]
        key = (rows.shape[0], padded, rows.dtype, rows.device)
        if key not in self._workspaces:
            self._workspaces[key] = _Workspace(self._network, rows, padded)
        return self._workspaces[key]

    def _forward(self, space: _Workspace, columns: Tensor, *, with_slopes: bool) -> None:
        """Hidden activations, their slopes where asked for, and answers of a piece."""
        *hidden_weights, last = space.buffers.weights
        below = columns.expand(len(last), -1, -1)
        for weights, hidden, slopes in zip(
            hidden_weights, space.hidden, space.slopes, strict=True
        ):
            torch.bmm(weights, below, out=hidden)
            if with_slopes:
                below = self._activation.apply_with_slope(hidden, slopes)
            else:
                below = self._activation.value(hidden)
        torch.bmm(last, below, out=space.answers)

    def _cotangent(self, space: _Workspace, targets: Tensor, original: ExampleBatch) -> None:
        gradient = self._loss.cotangent(self._public(space.answers), targets)
        gradient *= self._loss.prefactor(original.total) * original.weight
        self._public(space.cotangent).copy_(gradient)

    def _backward(self, space: _Workspace, columns: Tensor) -> None:
        """Gradients of a piece from the last layer to the first; hidden values are used up."""
        delta, factor = space.cotangent, 1.0
        layers = zip(space.buffers.weights, space.buffers.gradients, strict=True)
        below = [columns.expand(len(delta), -1, -1), *space.hidden]
        for number, (weights, gradient) in reversed(list(enumerate(layers))):
            torch.bmm(delta, below[number].transpose(1, 2), out=gradient)
            if factor != 1.0:
                gradient.mul_(factor)
            if number == 0:
                break
            delta = torch.bmm(weights.transpose(1, 2), delta, out=below[number])
            if not self._is_linear:
                delta.mul_(space.slopes[number - 1])
                factor *= self._activation.slope_factor

    def _public(self, answers: Tensor) -> Tensor:
        size = self._network.output_size
        return answers[:, 0] if size == 1 else answers[:, :size].transpose(1, 2)


def _of_piece(sets: Tensor, piece: slice) -> Tensor:
    return sets if sets.shape[0] == 1 else sets[piece]
