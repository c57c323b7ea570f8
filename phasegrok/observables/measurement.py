"""What an observable may look at: the live state of a batch."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any, final

import torch
from torch import Tensor

from phasegrok.networks import Evaluation, ExampleBatch, Network, Parameters

__all__ = ["Measurement"]


@final
class Measurement:
    """The state of all runs of a batch at one step.

    Parameters
    ----------
    network : Network
        Sizes and outputs.
    rows : (run, row) tensor
        Weights in flat rows.
    evaluation : Evaluation
        How outputs are computed without dependence on the batch.
    train, test : ExampleBatch or None
        Full training examples, and test examples where the task has them.
    tasks : sequence of Task
        The task of each run; its numbers may differ from run to run.
    truth : mapping of tensors
        What the tasks were made from, (1 or run, ...), such as "teacher" (1 or run, input).
    numbers : mapping of (run,) float64 tensors
        Numbers of the tasks that change within the runs, as they are now.
    """

    def __init__(  # noqa: PLR0913 - all that may be looked at
        self,
        *,
        network: Network,
        rows: Tensor,
        evaluation: Evaluation[Any],
        train: ExampleBatch,
        test: ExampleBatch | None,
        tasks: Sequence[object],
        truth: Mapping[str, Tensor],
        numbers: Mapping[str, Tensor] = MappingProxyType({}),
    ) -> None:
        self.network = network
        self.rows = rows
        self.evaluation = evaluation
        self.train = train
        self.test = test
        self.tasks = tasks
        self.truth = truth
        self._numbers = numbers

    @cached_property
    def parameters(self) -> Parameters:
        """Weights by name, (run, *shape)."""
        return self.network.layout().split(self.rows)

    @cached_property
    def train_outputs(self) -> Tensor:
        """Answers to the training inputs, (run, example[, output])."""
        return self.evaluation.outputs(self.rows, self.evaluation.prepare(self.train))

    @cached_property
    def test_outputs(self) -> Tensor | None:
        """Answers to the test inputs, (run, example[, output]); None without test examples."""
        if self.test is None:
            return None
        return self.evaluation.outputs(self.rows, self.evaluation.prepare(self.test))

    def task_numbers(self, name: str) -> Tensor:
        """A number of the task of each run, as it is now, (run,) float64."""
        if name in self._numbers:
            return self._numbers[name]
        values = [float(getattr(task, name)) for task in self.tasks]
        return torch.tensor(values, dtype=torch.float64, device=self.rows.device)
