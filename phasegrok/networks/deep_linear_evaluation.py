"""Gradients of deep linear networks from second moments, whatever the number of examples.

With P = W_L ... W_1, T_l = W_L ... W_(l+1), E = P C - B as in `moments`, and Q_l = E (W_l ...
W_1)ᵀ, the gradient of a layer is T_lᵀ Q_(l-1). Products begin at the outputs, of which there
are mostly few.
"""

import itertools
from collections.abc import Callable
from functools import partial
from typing import final

import torch
from torch import Tensor

from phasegrok.networks.deep import DeepNetwork
from phasegrok.networks.deep_buffers import WeightBuffers, padded_sizes
from phasegrok.networks.deep_evaluation import DeepEvaluation
from phasegrok.networks.evaluation import Evaluation, ExampleBatch, Gradient, require_latest
from phasegrok.networks.losses import SquaredLoss
from phasegrok.networks.moments import (
    MomentExamples,
    moment_examples,
    moment_loss,
    moments_retargeted,
)
from phasegrok.networks.padding import PaddedExamples, pieces

__all__ = ["DeepLinearEvaluation", "moments_are_cheaper"]

CACHE_BYTES = 4_000_000
"""Size of the buffers of one piece: matrices are small, so calls cost more than memory."""


def moments_are_cheaper(network: DeepNetwork, examples: ExampleBatch) -> bool:
    """Tell by sizes alone whether a gradient from moments costs less than one from examples.

    Parameters
    ----------
    network : DeepNetwork
        Sizes.
    examples : ExampleBatch
        All of them, whose moments are taken once, or a minibatch, whose moments are taken for
        a single gradient.

    Returns
    -------
    bool
        False also where there are fewer examples than inputs: moments take more room then.
    """
    inputs, *_, outputs = network.sizes
    weights = sum(above * below for below, above in itertools.pairwise(network.sizes))
    direct = 3 * examples.count * weights
    moments = 3 * outputs * weights + outputs * inputs**2
    if examples.count < examples.total:
        # In float64, which costs twice as much.
        moments += 2 * examples.count * inputs * (inputs + outputs)
    return examples.count >= inputs and moments < direct


@final
class _Workspace:
    """Buffers of a piece, used in turns, and the products P of all runs."""

    def __init__(self, network: DeepNetwork, rows: Tensor) -> None:
        inputs, *hidden, outputs = padded_sizes(network)
        runs = rows.shape[0]
        numbers = 2 * network.layout().row_size + 2 * outputs * (sum(hidden) + inputs)
        fitting = max(2, CACHE_BYTES // (numbers * rows.element_size()))
        self.pieces = pieces(runs, fitting if rows.device.type == "cpu" else runs)
        size = self.pieces[0].stop - self.pieces[0].start
        self.buffers = WeightBuffers(network, rows, size)
        self.from_outputs = [rows.new_zeros((size, outputs, each)) for each in hidden[:-1]]
        """T_1 to T_(L-2); T_(L-1) is the last layer itself."""
        self.errors = rows.new_zeros((size, outputs, inputs))
        self.to_inputs = [rows.new_zeros((size, outputs, each)) for each in hidden]
        """Q_1 to Q_(L-1)."""
        self.products = rows.new_zeros((runs, outputs, inputs))
        self.gradient = torch.zeros_like(rows)
        self.evaluations = 0


@final
class DeepLinearEvaluation(Evaluation[MomentExamples | PaddedExamples]):
    """See `Evaluation`: from moments where these are cheaper, else from examples.

    Parameters
    ----------
    network : DeepNetwork
        With the activation "linear".
    loss : SquaredLoss
        Of outputs and targets.
    """

    def __init__(self, network: DeepNetwork, loss: SquaredLoss) -> None:
        self._network = network
        self._loss = loss
        self._direct = DeepEvaluation(network, loss)
        self._workspaces: dict[tuple[object, ...], _Workspace] = {}

    def prepare(self, examples: ExampleBatch) -> MomentExamples | PaddedExamples:
        """See `Evaluation.prepare`."""
        padded = self._direct.prepare(examples)
        if not moments_are_cheaper(self._network, examples):
            return padded
        return moment_examples(padded, self._loss, output_count=padded_sizes(self._network)[-1])

    def retarget(
        self, prepared: MomentExamples | PaddedExamples, targets: Tensor
    ) -> MomentExamples | PaddedExamples:
        """See `Evaluation.retarget`."""
        if isinstance(prepared, PaddedExamples):
            return self._direct.retarget(prepared, targets)
        return moments_retargeted(prepared, targets, self._loss)

    def outputs(self, rows: Tensor, examples: MomentExamples | PaddedExamples) -> Tensor:
        """See `Evaluation.outputs`."""
        if isinstance(examples, PaddedExamples):
            return self._direct.outputs(rows, examples)
        products = self._all_products(rows).products
        columns = examples.padded.columns.expand(len(products), -1, -1)
        size, count = self._network.output_size, examples.padded.original.count
        answers = torch.bmm(products, columns)[:, :size, :count]
        return answers[:, 0].clone() if size == 1 else answers.transpose(1, 2).contiguous()

    def loss(self, rows: Tensor, examples: MomentExamples | PaddedExamples) -> Tensor:
        """See `Evaluation.loss`."""
        if isinstance(examples, PaddedExamples):
            return self._direct.loss(rows, examples)
        return moment_loss(self._all_products(rows).products, examples)

    def gradient(
        self, rows: Tensor, examples: MomentExamples | PaddedExamples, noise: Tensor | None
    ) -> Gradient:
        """See `Evaluation.gradient`."""
        if isinstance(examples, PaddedExamples):
            return self._direct.gradient(rows, examples, noise)
        space = self._workspace(rows)
        for piece in space.pieces:
            space.buffers.load(rows[piece])
            self._multiply(space, space.products[piece])
            self._differentiate(space, space.products[piece], _moments_of(examples, piece))
            space.buffers.store(space.gradient[piece])
        return Gradient(rows=space.gradient, loss=self._later_loss(space, examples))

    def _workspace(self, rows: Tensor) -> _Workspace:
        key = (rows.shape[0], rows.dtype, rows.device)
        if key not in self._workspaces:
            self._workspaces[key] = _Workspace(self._network, rows)
        self._workspaces[key].evaluations += 1
        return self._workspaces[key]

    def _all_products(self, rows: Tensor) -> _Workspace:
        space = self._workspace(rows)
        for piece in space.pieces:
            space.buffers.load(rows[piece])
            self._multiply(space, space.products[piece])
        return space

    def _multiply(self, space: _Workspace, product: Tensor) -> None:
        """T of every layer, and P, of a piece."""
        *lower, above = space.buffers.weights
        if not lower:
            product.copy_(above)
            return
        for weights, buffer in zip(lower[:0:-1], space.from_outputs[::-1], strict=True):
            above = torch.bmm(above, weights, out=buffer)
        torch.bmm(above, lower[0], out=product)

    def _differentiate(
        self, space: _Workspace, product: Tensor, moments: tuple[Tensor, Tensor]
    ) -> None:
        """Gradients of all layers of a piece, from the first to the last."""
        covariance, correlation = moments
        expanded = covariance.expand(len(product), -1, -1)
        error = torch.baddbmm(correlation, product, expanded, beta=-1.0, out=space.errors)
        *gradients, last = space.buffers.gradients
        above = [*space.from_outputs, space.buffers.weights[-1]]
        for index, gradient in enumerate(gradients):
            torch.bmm(above[index].transpose(1, 2), error, out=gradient)
            weights = space.buffers.weights[index].transpose(1, 2)
            error = torch.bmm(error, weights, out=space.to_inputs[index])
        last.copy_(error)

    def _later_loss(self, space: _Workspace, examples: MomentExamples) -> Callable[[], Tensor]:
        return partial(_loss_of, space, examples, space.evaluations)


def _loss_of(space: _Workspace, examples: MomentExamples, evaluation: int) -> Tensor:
    require_latest(evaluation, space.evaluations)
    return moment_loss(space.products, examples)


def _moments_of(examples: MomentExamples, piece: slice) -> tuple[Tensor, Tensor]:
    both = (examples.rounded_covariance, examples.rounded_correlation)
    covariance, correlation = (each if len(each) == 1 else each[piece] for each in both)
    return covariance, correlation
