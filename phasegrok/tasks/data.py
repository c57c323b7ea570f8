"""What a task hands over: examples to learn from, examples to test on, and the truth."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, final, runtime_checkable

import numpy as np
import numpy.typing as npt

__all__ = ["Examples", "Task", "TaskData"]


@final
@dataclass(frozen=True, kw_only=True)
class Examples:
    """Rows of data.

    Parameters
    ----------
    inputs : (example, input) or (example, *shape) array
        What the network sees.
    targets : (example,) or (example, output) array
        What it should answer; whole numbers for classes.
    """

    inputs: npt.NDArray[Any]
    targets: npt.NDArray[Any]

    @property
    def count(self) -> int:
        """Number of examples."""
        return int(self.inputs.shape[0])


@final
@dataclass(frozen=True, kw_only=True)
class TaskData:
    """One disorder of a task.

    Parameters
    ----------
    train : Examples
        The examples in the energy.
    test : Examples or None
        Fresh examples of the same law.
    truth : mapping of arrays
        What the task was made from, such as the teacher's direction.
    """

    train: Examples
    test: Examples | None = None
    truth: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict)


@runtime_checkable
class Task(Protocol):
    """What every task offers; a user's own needs no base class."""

    @property
    def loss(self) -> str:
        """Name of the loss, as in `phasegrok.networks.losses`."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input."""

    @property
    def output_size(self) -> int:
        """Number of outputs; 1 means that outputs have no axis of their own."""

    def draw(self, *, study_seed: int, disorder: int) -> TaskData:
        """Draw one disorder; the first n examples are the same at every example count."""
