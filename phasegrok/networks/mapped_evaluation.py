"""Outputs and gradients of any network by torch.func, in groups of a fixed number of runs.

Which kernel torch takes for a product or a convolution, and so how it rounds, depends on the
number of runs. Here a group always has the same number: the last one is filled up with copies.
What is left, the place of a run in its group, is probed; where it matters a group is one run.
"""

import warnings
from dataclasses import dataclass, replace
from typing import final

import torch
from torch import Tensor

from phasegrok.networks.base import Network
from phasegrok.networks.evaluation import Evaluation, ExampleBatch, Gradient, total_loss
from phasegrok.networks.losses import Loss

__all__ = ["GROUP", "MappedEvaluation", "MappedExamples", "is_batch_invariant"]

GROUP = 8
"""Runs computed at once. Larger groups gain little on a CPU and cost a lone run more."""

_PROBES = 4


@final
@dataclass(frozen=True, kw_only=True)
class MappedExamples:
    """Examples cut into the groups that they will be used in.

    Parameters
    ----------
    inputs, targets : tuple of tensors
        One for each group of runs, or a single one where all runs share theirs; each has the
        runs of a group as axis 0.
    size : int
        Runs of a group.
    original : ExampleBatch
        Where they came from.
    """

    inputs: tuple[Tensor, ...]
    targets: tuple[Tensor, ...]
    size: int
    original: ExampleBatch

    @property
    def groups(self) -> tuple[ExampleBatch, ...]:
        """One for each group of runs, or a single one where inputs and targets are shared."""
        count = max(len(self.inputs), len(self.targets))
        inputs = self.inputs * count if len(self.inputs) == 1 else self.inputs
        targets = self.targets * count if len(self.targets) == 1 else self.targets
        return tuple(
            replace(self.original, inputs=own, targets=answers)
            for own, answers in zip(inputs, targets, strict=True)
        )


@final
class MappedEvaluation(Evaluation[MappedExamples]):
    """See `Evaluation`: the loss is differentiated, whatever the network is.

    Parameters
    ----------
    network : Network
        Written for a batch, or mapped over runs.
    loss : Loss
        Of its outputs.
    dtype : torch.dtype
        Of the weights.
    """

    def __init__(self, network: Network, loss: Loss, *, dtype: torch.dtype) -> None:
        self._network = network
        self._loss = loss
        self._dtype = dtype
        self._layout = network.layout()
        self._sizes: dict[int, int] = {}

    def prepare(self, examples: ExampleBatch) -> MappedExamples:
        """See `Evaluation.prepare`."""
        size = self._group_size(examples)
        return MappedExamples(
            inputs=_in_groups(examples.inputs, size),
            targets=_in_groups(examples.targets, size),
            size=size,
            original=examples,
        )

    def retarget(self, prepared: MappedExamples, targets: Tensor) -> MappedExamples:
        """See `Evaluation.retarget`."""
        return replace(
            prepared,
            targets=_in_groups(targets, prepared.size),
            original=prepared.original.with_targets(targets),
        )

    def outputs(self, rows: Tensor, examples: MappedExamples) -> Tensor:
        """See `Evaluation.outputs`."""
        parts = []
        for places, group in _groups(rows, examples):
            parts.append(self._answers(rows[places], group)[: _kept(places)])
        return torch.cat(parts)

    def loss(self, rows: Tensor, examples: MappedExamples) -> Tensor:
        """See `Evaluation.loss`."""
        parts = []
        for places, group in _groups(rows, examples):
            answers = self._answers(rows[places], group)
            parts.append(self._sum_loss(answers, group)[: _kept(places)])
        return torch.cat(parts)

    def gradient(
        self, rows: Tensor, examples: MappedExamples, noise: Tensor | None
    ) -> Gradient:
        """See `Evaluation.gradient`."""
        gradients, losses = [], []
        for places, group in _groups(rows, examples):
            own_noise = None if noise is None else noise[places]
            part = self._differentiate(rows[places], group, own_noise)
            gradients.append(part.rows[: _kept(places)])
            losses.append(part.loss[: _kept(places)])
        return Gradient(rows=torch.cat(gradients), loss=torch.cat(losses))

    def _answers(self, rows: Tensor, examples: ExampleBatch) -> Tensor:
        with torch.no_grad():
            return self._network.outputs(self._layout.split(rows), examples.inputs, None)

    def _differentiate(
        self, rows: Tensor, examples: ExampleBatch, noise: Tensor | None
    ) -> Gradient:
        # One backward pass serves every run: the loss of a run depends on its own row alone.
        leaf = rows.detach().requires_grad_()
        outputs = self._network.outputs(self._layout.split(leaf), examples.inputs, noise)
        terms = self._loss.per_example(outputs, examples.targets)
        factor = self._loss.prefactor(examples.total) * examples.weight
        (gradient,) = torch.autograd.grad(terms.sum() * factor, leaf)
        return Gradient(rows=gradient, loss=self._sum_loss(outputs.detach(), examples))

    def _sum_loss(self, outputs: Tensor, examples: ExampleBatch) -> Tensor:
        return total_loss(self._loss, outputs, examples)

    def _group_size(self, examples: ExampleBatch) -> int:
        if examples.count not in self._sizes:
            kept = is_batch_invariant(self._network, self._loss, examples, dtype=self._dtype)
            self._sizes[examples.count] = GROUP if kept else 1
        return self._sizes[examples.count]


def is_batch_invariant(
    network: Network, loss: Loss, examples: ExampleBatch, *, dtype: torch.dtype
) -> bool:
    """Probe whether a run's numbers are bitwise the same at every place of a group.

    Parameters
    ----------
    network : Network
        Written for a batch, or mapped over runs.
    loss : Loss
        Of its outputs.
    examples : ExampleBatch
        Gives shapes. Inputs that are whole numbers are used as they are.
    dtype : torch.dtype
        Of the weights.

    Returns
    -------
    bool
        The probe draws its own weights and examples, so that its answer depends on sizes and
        machine alone.
    """
    source = torch.Generator().manual_seed(20240101)
    evaluation = MappedEvaluation(network, loss, dtype=dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(_PROBES):
            rows, own, noise = _probe(network, loss, examples, dtype=dtype, source=source)
            gradient = evaluation._differentiate(rows, own, noise)
            answers = evaluation._answers(rows, own)
            loss_alone = evaluation._sum_loss(answers, own)
            for each in (gradient.rows, gradient.loss, answers, loss_alone):
                if not torch.equal(each, each[:1].expand_as(each)):
                    return False
    return True


def _probe(
    network: Network,
    loss: Loss,
    examples: ExampleBatch,
    *,
    dtype: torch.dtype,
    source: torch.Generator,
) -> tuple[Tensor, ExampleBatch, Tensor | None]:
    """One run with its own examples and noise, at every place of a group."""

    def everywhere(one: Tensor) -> Tensor:
        return one.to(examples.inputs.device).expand(GROUP, *one.shape[1:]).clone()

    layout = network.layout()
    rows = 0.5 * torch.randn(1, layout.row_size, generator=source, dtype=dtype)
    layout.clear_padding(rows)
    inputs, targets = examples.inputs[:1], examples.targets[:1]
    if inputs.is_floating_point():
        inputs = torch.randn(inputs.shape, generator=source, dtype=dtype)
    if targets.is_floating_point():
        targets = torch.randn(targets.shape, generator=source, dtype=dtype)
    else:
        targets = torch.arange(targets.numel()).remainder(loss.output_size).view(targets.shape)
    shape = network.noise_shape(examples.count)
    noise = None if shape is None else torch.rand(1, *shape, generator=source, dtype=dtype)
    own = ExampleBatch(
        inputs=everywhere(inputs),
        targets=everywhere(targets),
        total=examples.total,
        weight=examples.weight,
    )
    return everywhere(rows), own, None if noise is None else everywhere(noise)


def _groups(rows: Tensor, examples: MappedExamples) -> list[tuple[list[int], ExampleBatch]]:
    """Places of every group of runs, the last filled up, and the examples of each."""
    runs, size = rows.shape[0], examples.size
    starts = range(0, runs, size)
    groups = examples.groups
    sets = groups * len(starts) if len(groups) == 1 else groups
    return [(_places(a, size, runs), own) for a, own in zip(starts, sets, strict=True)]


def _places(first: int, size: int, runs: int) -> list[int]:
    return [min(place, runs - 1) for place in range(first, first + size)]


def _kept(places: list[int]) -> int:
    """How many of the places are runs, and no copies that fill the group up."""
    return len(dict.fromkeys(places))


def _in_groups(sets: Tensor, size: int) -> tuple[Tensor, ...]:
    """Sets (1 or run, example, ...) of each group, the last one filled up."""
    runs = sets.shape[0]
    return tuple(sets[_places(first, size, runs)] for first in range(0, runs, size))
