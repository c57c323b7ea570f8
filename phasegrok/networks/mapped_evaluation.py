"""Outputs and gradients of any network by torch.func, over the batch or run by run."""

import warnings
from abc import ABC, abstractmethod
from typing import final

import torch
from torch import Tensor

from phasegrok.networks.base import Network
from phasegrok.networks.evaluation import Evaluation, ExampleBatch, Gradient
from phasegrok.networks.losses import Loss

__all__ = ["BatchedEvaluation", "RunByRunEvaluation", "is_batch_invariant"]


class _MappedEvaluation(Evaluation[ExampleBatch], ABC):
    """What both ways share: the loss is differentiated, whatever the network is."""

    def __init__(self, network: Network, loss: Loss) -> None:
        self._network = network
        self._loss = loss
        self._layout = network.layout()

    def prepare(self, examples: ExampleBatch) -> ExampleBatch:
        """See `Evaluation.prepare`: nothing needs doing."""
        return examples

    def loss(self, rows: Tensor, examples: ExampleBatch) -> Tensor:
        """See `Evaluation.loss`."""
        return self._sum_loss(self.outputs(rows, examples), examples)

    def outputs(self, rows: Tensor, examples: ExampleBatch) -> Tensor:
        """See `Evaluation.outputs`."""
        with torch.no_grad():
            return self._forward(rows, examples, None)

    @abstractmethod
    def _forward(
        self, rows: Tensor, examples: ExampleBatch, noise: Tensor | None
    ) -> Tensor: ...

    def _differentiate(
        self, rows: Tensor, examples: ExampleBatch, noise: Tensor | None
    ) -> Gradient:
        # One backward pass serves every run: the loss of a run depends on its own row alone.
        leaf = rows.detach().requires_grad_()
        outputs = self._network.outputs(
            self._layout.split(leaf), expanded(examples.inputs, rows.shape[0]), noise
        )
        terms = self._loss.per_example(outputs, examples.targets)
        factor = self._loss.prefactor(examples.total) * examples.weight
        (gradient,) = torch.autograd.grad(terms.sum() * factor, leaf)
        return Gradient(rows=gradient, loss=self._sum_loss(outputs.detach(), examples))

    def _sum_loss(self, outputs: Tensor, examples: ExampleBatch) -> Tensor:
        factor = self._loss.prefactor(examples.total) * examples.weight
        targets = examples.targets
        doubled = targets.double() if targets.is_floating_point() else targets
        terms = self._loss.per_example(outputs.double(), doubled)
        return torch.stack([each.contiguous().sum() for each in terms]) * factor


@final
class BatchedEvaluation(_MappedEvaluation):
    """All runs in one call: fast, and used where the probe finds every bit kept."""

    def _forward(self, rows: Tensor, examples: ExampleBatch, noise: Tensor | None) -> Tensor:
        return self._network.outputs(
            self._layout.split(rows), expanded(examples.inputs, rows.shape[0]), noise
        )

    def gradient(self, rows: Tensor, examples: ExampleBatch, noise: Tensor | None) -> Gradient:
        """See `Evaluation.gradient`."""
        return self._differentiate(rows, examples, noise)


@final
class RunByRunEvaluation(_MappedEvaluation):
    """One run at a time, in tensors of its own: bitwise independent of the batch always."""

    def _forward(self, rows: Tensor, examples: ExampleBatch, noise: Tensor | None) -> Tensor:
        answers = [
            self._network.outputs(
                self._layout.split(row), one.inputs, None if noise is None else noise[[run]]
            )
            for run, (row, one) in enumerate(_each_run(rows, examples))
        ]
        return torch.cat(answers)

    def gradient(self, rows: Tensor, examples: ExampleBatch, noise: Tensor | None) -> Gradient:
        """See `Evaluation.gradient`."""
        parts = [
            self._differentiate(row, one, None if noise is None else noise[[run]])
            for run, (row, one) in enumerate(_each_run(rows, examples))
        ]
        return Gradient(
            rows=torch.cat([part.rows for part in parts]),
            loss=torch.cat([part.loss for part in parts]),
        )


def is_batch_invariant(network: Network, loss: Loss, examples: ExampleBatch) -> bool:
    """Probe whether a run's outputs and gradient are bitwise the same in any batch.

    Parameters
    ----------
    network : Network
        Written for a batch, or mapped over runs.
    loss : Loss
        Of its outputs.
    examples : ExampleBatch
        The first set of inputs and targets is used.

    Returns
    -------
    bool
        The probe draws its own weights, so its answer depends on sizes and machine alone.
    """
    layout = network.layout()
    generator = torch.Generator().manual_seed(20240101)
    rows = torch.randn(7, layout.row_size, generator=generator, dtype=torch.float64)
    rows = (0.5 * rows).to(examples.inputs.dtype).to(examples.inputs.device)
    layout.clear_padding(rows)
    one = ExampleBatch(
        inputs=examples.inputs[:1], targets=examples.targets[:1], total=examples.total
    )
    shape = network.noise_shape(one.count)
    noise = None if shape is None else torch.rand(7, *shape, generator=generator)
    evaluation = BatchedEvaluation(network, loss)
    own = ExampleBatch(
        inputs=expanded(one.inputs, 7).clone(),
        targets=expanded(one.targets, 7).clone(),
        total=examples.total,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = _probe(evaluation, rows, one, noise)
        if not all(map(torch.equal, whole, _probe(evaluation, rows, own, noise))):
            return False
        for first, end in ((0, 2), (1, 3), (2, 7), (5, 7)):
            part = _probe(
                evaluation,
                rows[first:end].clone(),
                one,
                None if noise is None else noise[first:end],
            )
            if not all(torch.equal(a, b[first:end]) for a, b in zip(part, whole, strict=True)):
                return False
    return True


def _probe(
    evaluation: BatchedEvaluation, rows: Tensor, examples: ExampleBatch, noise: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    gradient = evaluation.gradient(rows, examples, noise)
    return gradient.rows, gradient.loss, evaluation.outputs(rows, examples)


def expanded(shared_or_per_run: Tensor, run_count: int) -> Tensor:
    """Repeat what is shared along the run axis, without copying."""
    return shared_or_per_run.expand(run_count, *shared_or_per_run.shape[1:])


def _each_run(rows: Tensor, examples: ExampleBatch) -> list[tuple[Tensor, ExampleBatch]]:
    shared = examples.inputs.shape[0] == 1
    parts = []
    for run in range(rows.shape[0]):
        own = slice(0, 1) if shared else slice(run, run + 1)
        one = ExampleBatch(
            inputs=examples.inputs[own].clone(),
            targets=examples.targets[own].clone(),
            total=examples.total,
            weight=examples.weight,
        )
        parts.append((rows[run : run + 1].clone(), one))
    return parts
