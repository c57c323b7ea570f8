"""Gradients of chains of single weights, f(x) = w_L ... w_1 x: elementwise over the runs.

Everything is in float64, in arrays (layer, run) whose length is aligned, so that no run ever
lies in the tail of an array.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import final

import torch
from torch import Tensor

from phasegrok.networks.deep import DeepNetwork
from phasegrok.networks.evaluation import Evaluation, ExampleBatch, Gradient, require_latest
from phasegrok.networks.layout import ALIGNMENT, up
from phasegrok.networks.losses import SquaredLoss

__all__ = ["ChainExamples", "ScalarChainEvaluation"]


@final
@dataclass(frozen=True, kw_only=True)
class ChainExamples:
    """Examples with one input and one output, and their moments as `moments` defines them.

    Parameters
    ----------
    inputs : (1 or run, padded example) float64 tensor
        Zero where added.
    original : ExampleBatch
        Where they came from.
    covariance, correlation, target_norm : (1 or padded run,) float64 tensor
        C, B and a, with the factors of the loss.
    """

    inputs: Tensor
    original: ExampleBatch
    covariance: Tensor
    correlation: Tensor
    target_norm: Tensor


@final
class _Workspace:
    """All buffers for one number of runs."""

    def __init__(self, depth: int, rows: Tensor) -> None:
        self.runs = rows.shape[0]
        shape = (depth, up(self.runs, ALIGNMENT))
        self.weights = torch.zeros(shape, dtype=torch.float64, device=rows.device)
        self.below = torch.zeros_like(self.weights)
        """Products w_l ... w_1 of the weights up to each layer; the last is f(1)."""
        self.above = torch.zeros_like(self.weights)
        """∂L/∂f(1) times the weights beyond each layer."""
        self.slopes = torch.zeros_like(self.weights)
        self.gradient = torch.zeros_like(rows)
        # Views cost as much as the arithmetic, so they are made once.
        self.weight_of, self.below_of, self.above_of, self.slope_of = (
            each.unbind() for each in (self.weights, self.below, self.above, self.slopes)
        )
        self.live_weights = self.weights[:, : self.runs].t()
        self.live_slopes = self.slopes[:, : self.runs].t()
        self.live_gradient = self.gradient[:, :depth]
        self.evaluations = 0


@final
class ScalarChainEvaluation(Evaluation[ChainExamples]):
    """See `Evaluation`.

    Parameters
    ----------
    network : DeepNetwork
        With the activation "linear", and with one input, one output and the width 1.
    loss : SquaredLoss
        Of outputs and targets.
    """

    def __init__(self, network: DeepNetwork, loss: SquaredLoss) -> None:
        self._depth = network.depth
        self._loss = loss
        self._workspaces: dict[tuple[object, ...], _Workspace] = {}

    def prepare(self, examples: ExampleBatch) -> ChainExamples:
        """See `Evaluation.prepare`."""
        inputs = _padded(examples.inputs[:, :, 0])
        factor = self._factor(examples)
        correlation, norm = _target_moments(inputs, examples.targets, factor)
        return ChainExamples(
            inputs=inputs,
            original=examples,
            covariance=_moment(inputs, inputs, factor),
            correlation=correlation,
            target_norm=norm,
        )

    def retarget(self, prepared: ChainExamples, targets: Tensor) -> ChainExamples:
        """See `Evaluation.retarget`."""
        original = prepared.original.with_targets(targets)
        correlation, norm = _target_moments(prepared.inputs, targets, self._factor(original))
        return replace(prepared, original=original, correlation=correlation, target_norm=norm)

    def outputs(self, rows: Tensor, examples: ChainExamples) -> Tensor:
        """See `Evaluation.outputs`."""
        space = self._multiplied(rows)
        inputs = examples.original.inputs[:, :, 0]
        slopes = space.below[-1, : space.runs]
        return (slopes[:, None] * inputs.double()).to(rows.dtype)

    def loss(self, rows: Tensor, examples: ChainExamples) -> Tensor:
        """See `Evaluation.loss`."""
        space = self._multiplied(rows)
        return _loss_of(space, examples, space.evaluations)

    def gradient(self, rows: Tensor, examples: ChainExamples, noise: Tensor | None) -> Gradient:
        """See `Evaluation.gradient`."""
        del noise
        space = self._multiplied(rows)
        error = space.above_of[-1]
        torch.mul(space.below_of[-1], examples.covariance, out=error)
        error.sub_(examples.correlation)
        for layer in range(self._depth - 1, 0, -1):
            torch.mul(error, space.below_of[layer - 1], out=space.slope_of[layer])
            out = space.above_of[layer - 1] if layer > 1 else space.slope_of[0]
            error = torch.mul(error, space.weight_of[layer], out=out)
        if self._depth == 1:
            space.slope_of[0].copy_(error)
        space.live_gradient.copy_(space.live_slopes)
        later: Callable[[], Tensor] = partial(_loss_of, space, examples, space.evaluations)
        return Gradient(rows=space.gradient, loss=later)

    def _factor(self, examples: ExampleBatch) -> float:
        return self._loss.curvature * self._loss.prefactor(examples.total) * examples.weight

    def _multiplied(self, rows: Tensor) -> _Workspace:
        """Products of the weights of every run up to each layer."""
        key = (rows.shape[0], rows.dtype, rows.device)
        if key not in self._workspaces:
            self._workspaces[key] = _Workspace(self._depth, rows)
        space = self._workspaces[key]
        space.evaluations += 1
        space.live_weights.copy_(rows[:, : self._depth])
        below = space.below_of[0].copy_(space.weight_of[0])
        for layer in range(1, self._depth):
            below = torch.mul(below, space.weight_of[layer], out=space.below_of[layer])
        return space


def _loss_of(space: _Workspace, examples: ChainExamples, evaluation: int) -> Tensor:
    require_latest(evaluation, space.evaluations)
    slope = space.below_of[-1]
    doubled = (slope * examples.covariance - 2.0 * examples.correlation) * slope
    return (0.5 * (doubled + examples.target_norm))[: space.runs]


def _padded(numbers: Tensor) -> Tensor:
    """Numbers (set, example) in float64 with zeros behind."""
    sets, count = numbers.shape
    padded = torch.zeros(
        (sets, up(count, ALIGNMENT)), dtype=torch.float64, device=numbers.device
    )
    padded[:, :count] = numbers
    return padded


def _target_moments(inputs: Tensor, targets: Tensor, factor: float) -> tuple[Tensor, Tensor]:
    answers = _padded(targets)
    return _moment(inputs, answers, factor), _moment(answers, answers, factor)


def _moment(left: Tensor, right: Tensor, factor: float) -> Tensor:
    """Sums of products over examples: of each run, with zeros behind, or the one of all."""
    products = left * right
    if len(products) == 1:
        # A lone sum may take other code than many.
        return factor * torch.cat([products, products]).sum(dim=1)[:1]
    moments = products.new_zeros(up(len(products), ALIGNMENT))
    moments[: len(products)] = factor * products.sum(dim=1)
    return moments
