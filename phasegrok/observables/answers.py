"""What any network's answers have to do with their targets."""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from phasegrok.errors import InvalidStudyError
from phasegrok.networks import ExampleBatch, Network
from phasegrok.observables.base import Observable
from phasegrok.observables.losses import check_test_count, tested
from phasegrok.observables.measurement import Measurement
from phasegrok.tasks import Task

__all__ = ["Accuracy", "TargetOverlap", "TestAccuracy"]


@final
@dataclass(frozen=True, kw_only=True)
class TargetOverlap(Observable):
    """m = Σ f·y / Σ y² over training examples: 1 where all is learned, 0 where nothing is.

    For a linear network on whitened inputs and a teacher with one mode without noise it is
    m_1/s, the strength of that mode in the network over that in the teacher. It is 0 where all
    targets are.
    """

    name: str = "target_overlap"
    long_name: str = "overlap Σ f·y / Σ y² of answers with targets, over training examples"

    def measure(self, measurement: Measurement) -> Tensor:
        """(run,)."""
        outputs = measurement.train_outputs.double()
        # Expanded first: a sum over one set may round otherwise than over that of each run.
        targets = measurement.train.targets.double().expand_as(outputs)
        products, squares = (
            (each * targets).flatten(1).sum(dim=1) for each in (outputs, targets)
        )
        return torch.where(squares > 0.0, products / squares, torch.zeros_like(products))

    def check(self, network: Network, task: Task) -> None:
        """Refuse classes."""
        del network
        if task.loss == "cross_entropy":
            raise InvalidStudyError(
                "target_overlap needs targets that are numbers, received a task with classes; "
                "measure accuracy."
            )


@final
@dataclass(frozen=True, kw_only=True)
class Accuracy(Observable):
    """Fraction of the training examples whose class has the largest output.

    Where k classes share the largest output, such an example counts as 1/k: a network that
    answers nothing is right as often as by chance.
    """

    name: str = "accuracy"
    long_name: str = "fraction of training examples with the right class"

    def measure(self, measurement: Measurement) -> Tensor:
        """(run,)."""
        return _accuracy(measurement.train_outputs, measurement.train)

    def check(self, network: Network, task: Task) -> None:
        """Refuse tasks without classes."""
        del network
        _check_classes(self.name, task)


@final
@dataclass(frozen=True, kw_only=True)
class TestAccuracy(Observable):
    """Fraction of the test examples whose class has the largest output; see `Accuracy`."""

    __test__ = False  # Its name begins like a test; pytest is told that it is none.

    name: str = "test_accuracy"
    long_name: str = "fraction of test examples with the right class"

    def measure(self, measurement: Measurement) -> Tensor:
        """(run,)."""
        return _accuracy(*tested("test_accuracy", measurement))

    def check(self, network: Network, task: Task) -> None:
        """Refuse tasks without classes or without test examples."""
        del network
        _check_classes(self.name, task)
        check_test_count("test_accuracy", task)


def _accuracy(outputs: Tensor, examples: ExampleBatch) -> Tensor:
    largest = outputs == outputs.amax(dim=2, keepdim=True)
    index = examples.targets[:, :, None].expand(len(outputs), -1, -1)
    right = largest.gather(2, index)[:, :, 0].double() / largest.sum(dim=2)
    return right.sum(dim=1) / examples.count


def _check_classes(name: str, task: Task) -> None:
    if task.loss != "cross_entropy":
        raise InvalidStudyError(
            f"{name} needs a task with classes and the loss cross_entropy, received "
            f"{type(task).__name__} with {task.loss}; leave it out, or measure target_overlap."
        )
