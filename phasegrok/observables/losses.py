"""Losses per example, comparable between training and test examples."""

from dataclasses import dataclass
from typing import final

from torch import Tensor

from phasegrok.errors import InvalidStudyError
from phasegrok.networks import ExampleBatch, Network, find_loss
from phasegrok.observables.base import Observable
from phasegrok.observables.measurement import Measurement
from phasegrok.tasks import Task

__all__ = ["TestLoss", "TrainLoss", "check_test_count", "tested"]


@final
@dataclass(frozen=True, kw_only=True)
class TrainLoss(Observable):
    """Mean loss of a training example, without noise."""

    name: str = "train_loss"
    long_name: str = "mean loss of a training example"

    def measure(self, measurement: Measurement) -> Tensor:
        """(run,)."""
        return _mean_loss(measurement, measurement.train_outputs, measurement.train)


@final
@dataclass(frozen=True, kw_only=True)
class TestLoss(Observable):
    """Mean loss of a test example, without noise."""

    __test__ = False  # Its name begins like a test; pytest is told that it is none.

    name: str = "test_loss"
    long_name: str = "mean loss of a test example"

    def measure(self, measurement: Measurement) -> Tensor:
        """(run,)."""
        return _mean_loss(measurement, *tested("test_loss", measurement))

    def check(self, network: Network, task: Task) -> None:
        """Refuse a task without test examples."""
        del network
        check_test_count("test_loss", task)


def tested(name: str, measurement: Measurement) -> tuple[Tensor, ExampleBatch]:
    """Answers to the test examples, and these; refused where there are none."""
    if measurement.test is None or measurement.test_outputs is None:
        raise InvalidStudyError(f"{name} needs test examples; set test_count in the task.")
    return measurement.test_outputs, measurement.test


def check_test_count(name: str, task: Task) -> None:
    """Refuse a task without test examples, before any run is begun."""
    if getattr(task, "test_count", 1) == 0:
        raise InvalidStudyError(
            f"{name} needs test examples, received a task with test_count = 0; raise it "
            f"or leave {name} out."
        )


def _mean_loss(measurement: Measurement, outputs: Tensor, examples: ExampleBatch) -> Tensor:
    task = measurement.tasks[0]
    loss = find_loss(
        str(getattr(task, "loss", "")), output_size=getattr(task, "output_size", 1)
    )
    targets = examples.targets
    doubled = targets.double() if targets.is_floating_point() else targets
    return loss.per_example(outputs.double(), doubled).sum(dim=1) / examples.count
