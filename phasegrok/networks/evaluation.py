"""Outputs, loss and gradient of a batch in flat rows, bitwise independent of the batch."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar, final

from torch import Tensor

from phasegrok.errors import InvalidStudyError, InvalidValueError
from phasegrok.networks.losses import Loss

__all__ = ["Evaluation", "ExampleBatch", "Gradient", "require_latest", "total_loss"]

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

    def with_targets(self, targets: Tensor) -> "ExampleBatch":
        """Give the same examples other targets, (1 or run, example[, output]).

        Raises
        ------
        InvalidStudyError
            If the targets are not of as many examples, or of another shape for each.
        """
        if targets.shape[1:] != self.targets.shape[1:]:
            raise InvalidStudyError(
                f"each set of new targets must have the shape {tuple(self.targets.shape[1:])}, "
                f"received {tuple(targets.shape[1:])}; give one target for each example."
            )
        return replace(self, targets=targets)


@final
class Gradient:
    """Loss and gradient of every run at one set of parameters.

    Parameters
    ----------
    rows : (run, row) tensor
        ∂L/∂θ, zero in the padding; a buffer that the next evaluation overwrites.
    loss : (run,) float64 tensor, or callable that gives it
        L. A callable is called when the loss is first asked for, since most dynamics never do;
        it refuses once the next evaluation has overwritten what it needs.
    """

    def __init__(self, *, rows: Tensor, loss: Tensor | Callable[[], Tensor]) -> None:
        self.rows = rows
        self._loss = loss

    @property
    def loss(self) -> Tensor:
        """L of every run, (run,) float64."""
        if not isinstance(self._loss, Tensor):
            self._loss = self._loss()
        return self._loss


class Evaluation(ABC, Generic[Prepared]):
    """How a batch of one network and one loss is computed; holds buffers, never weights."""

    @abstractmethod
    def prepare(self, examples: ExampleBatch) -> Prepared:
        """Bring examples into the form that this evaluation wants, once for many calls."""

    @abstractmethod
    def retarget(self, prepared: Prepared, targets: Tensor) -> Prepared:
        """Exchange the targets of prepared examples, for less than preparing them anew.

        Parameters
        ----------
        prepared : Prepared
            What `prepare` or `retarget` returned; it stays as it is.
        targets : (1 or run, example[, output]) tensor
            Of the same examples. They may be those of each run where the inputs are shared,
            and shared where the inputs are those of each run.

        Returns
        -------
        Prepared
            Bitwise what `prepare` makes of the inputs and these targets.
        """

    @abstractmethod
    def outputs(self, rows: Tensor, examples: Prepared) -> Tensor:
        """Answers (run, example[, output]) without noise, in a tensor of its own."""

    @abstractmethod
    def loss(self, rows: Tensor, examples: Prepared) -> Tensor:
        """L of every run without noise, (run,) float64."""

    @abstractmethod
    def gradient(self, rows: Tensor, examples: Prepared, noise: Tensor | None) -> Gradient:
        """L and ∂L/∂θ of every run."""


def require_latest(evaluation: int, latest: int) -> None:
    """Refuse to read from buffers of an evaluation that later ones have overwritten.

    Raises
    ------
    InvalidValueError
        If the two numbers of evaluations differ.
    """
    if evaluation != latest:
        raise InvalidValueError(
            "the loss of a gradient must be read before the next evaluation of as many runs, "
            f"received {latest - evaluation} evaluations since; read it earlier."
        )


def total_loss(loss: Loss, outputs: Tensor, examples: ExampleBatch) -> Tensor:
    """L of outputs (run, example[, output]), summed in float64, (run,)."""
    targets = examples.targets
    doubled = targets.double() if targets.is_floating_point() else targets
    terms = loss.per_example(outputs.double(), doubled)
    return terms.sum(dim=1) * (loss.prefactor(examples.total) * examples.weight)
