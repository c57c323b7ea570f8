"""Outputs, loss and gradient of a batch in flat rows, bitwise independent of the batch."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Generic, TypeVar, final

from torch import Tensor

__all__ = ["Evaluation", "ExampleBatch", "Gradient"]

Prepared = TypeVar("Prepared")


@final
@dataclass(frozen=True, kw_only=True)
class ExampleBatch:
    """Examples as the runs of a batch see them.

    Parameters
    ----------
    inputs : (1 or run, example, *input) tensor
        One set shared by all runs, or one per run.
    targets : (1 or run, example[, output]) tensor
        Likewise.
    weight : float
        Factor of the sum over these examples: 1 for the full set, examples over minibatch
        size for a minibatch.
    total : int
        Number of training examples, of which these may be a minibatch.
    """

    inputs: Tensor
    targets: Tensor
    total: int
    weight: float = 1.0

    @property
    def count(self) -> int:
        """Number of examples present."""
        return int(self.inputs.shape[1])


@final
@dataclass(frozen=True, kw_only=True)
class Gradient:
    """Loss and gradient of every run at one set of parameters.

    Parameters
    ----------
    rows : (run, row) tensor
        ∂L/∂θ, zero in the padding; a buffer that the next evaluation overwrites.
    loss : (run,) float64 tensor
        L.
    """

    rows: Tensor
    loss: Tensor


class Evaluation(ABC, Generic[Prepared]):
    """How a batch of one network and one loss is computed; holds buffers, never weights."""

    @abstractmethod
    def prepare(self, examples: ExampleBatch) -> Prepared:
        """Bring examples into the form that this evaluation wants, once for many calls."""

    @abstractmethod
    def outputs(self, rows: Tensor, examples: Prepared) -> Tensor:
        """Answers (run, example[, output]) without noise, in a tensor of its own."""

    @abstractmethod
    def loss(self, rows: Tensor, examples: Prepared) -> Tensor:
        """L of every run without noise, (run,) float64."""

    @abstractmethod
    def gradient(self, rows: Tensor, examples: Prepared, noise: Tensor | None) -> Gradient:
        """L and ∂L/∂θ of every run."""
