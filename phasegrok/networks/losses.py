"""Losses L of outputs and targets, with their gradients in the outputs."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from phasegrok.errors import InvalidStudyError, did_you_mean
from phasegrok.study import find_plug_in

__all__ = [
    "LOSSES",
    "CrossEntropy",
    "HalfMeanSquaredError",
    "HalfSquaredError",
    "Loss",
    "MeanSquaredError",
    "SquaredLoss",
    "find_loss",
]


@dataclass(frozen=True)
class Loss(ABC):
    """A loss over examples: additive over them, so that minibatches can be scaled.

    Parameters
    ----------
    output_size : int
        Number of outputs; 1 means that outputs and targets have no output axis.
    """

    output_size: int = 1

    @abstractmethod
    def per_example(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Terms of the sum over examples.

        Parameters
        ----------
        outputs : (..., example[, output]) tensor
            Of the network.
        targets : (..., example[, output]) tensor
            Whole numbers (..., example) for classes.

        Returns
        -------
        (..., example) tensor
            Before the prefactor.
        """

    @abstractmethod
    def cotangent(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Gradient of the sum of `per_example` in the outputs, with their shape."""

    @abstractmethod
    def prefactor(self, example_count: int) -> float:
        """Factor in front of the sum over all n training examples: 1 or 1/n."""

    @abstractmethod
    def noise_variance(self, temperature: float, example_count: int) -> float | None:
        """Variance σ² of the measurement noise for which exp(-U/T) is a posterior."""

    def _sum_outputs(self, terms: Tensor) -> Tensor:
        return terms.sum(dim=-1) if self.output_size > 1 else terms


class SquaredLoss(Loss):
    """A multiple of Σ_μ |f(x_μ) - y_μ|²: it depends on the data by second moments alone."""

    @property
    @abstractmethod
    def curvature(self) -> float:
        """Second derivative κ of `per_example` in an output: terms are ½ κ |f - y|²."""


@final
class HalfSquaredError(SquaredLoss):
    """L = ½ Σ_μ |f(x_μ) - y_μ|²: the temperature is the noise variance σ²."""

    @property
    def curvature(self) -> float:
        """1."""
        return 1.0

    def per_example(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """½ of the squared error of each example."""
        return 0.5 * self._sum_outputs((outputs - targets).square())

    def cotangent(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The error itself."""
        return outputs - targets

    def prefactor(self, example_count: int) -> float:  # noqa: ARG002
        """1: a sum."""
        return 1.0

    def noise_variance(self, temperature: float, example_count: int) -> float | None:  # noqa: ARG002
        """σ² = T."""
        return temperature


@final
class HalfMeanSquaredError(SquaredLoss):
    """L = (1/2n) Σ_μ |f(x_μ) - y_μ|²: the noise variance σ² is nT."""

    @property
    def curvature(self) -> float:
        """1."""
        return 1.0

    def per_example(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """½ of the squared error of each example."""
        return 0.5 * self._sum_outputs((outputs - targets).square())

    def cotangent(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The error itself."""
        return outputs - targets

    def prefactor(self, example_count: int) -> float:
        """1/n: a mean."""
        return 1.0 / example_count

    def noise_variance(self, temperature: float, example_count: int) -> float | None:
        """σ² = nT."""
        return temperature * example_count


@final
class MeanSquaredError(SquaredLoss):
    """L = (1/n) Σ_μ |f(x_μ) - y_μ|²."""

    @property
    def curvature(self) -> float:
        """2."""
        return 2.0

    def per_example(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Squared error of each example."""
        return self._sum_outputs((outputs - targets).square())

    def cotangent(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Twice the error."""
        return 2.0 * (outputs - targets)

    def prefactor(self, example_count: int) -> float:
        """1/n: a mean."""
        return 1.0 / example_count

    def noise_variance(self, temperature: float, example_count: int) -> float | None:
        """σ² = nT/2."""
        return 0.5 * temperature * example_count


@final
class CrossEntropy(Loss):
    """L = -(1/n) Σ_μ log softmax(f(x_μ))[class of μ]."""

    def per_example(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Negative log-probability of the class of each example."""
        logs = torch.log_softmax(outputs, dim=-1)
        return -logs.gather(-1, targets[..., None].expand(*logs.shape[:-1], 1)).squeeze(-1)

    def cotangent(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Probabilities minus the class as a unit vector."""
        index = targets[..., None].expand(*outputs.shape[:-1], 1)
        ones = outputs.new_ones(()).expand(index.shape)
        return torch.softmax(outputs, dim=-1).scatter_add(-1, index, -ones)

    def prefactor(self, example_count: int) -> float:
        """1/n: a mean."""
        return 1.0 / example_count

    def noise_variance(self, temperature: float, example_count: int) -> float | None:  # noqa: ARG002
        """None: classes have no Gaussian noise."""
        return None


LOSSES: dict[str, type[Loss]] = {
    "half_mean_squared_error": HalfMeanSquaredError,
    "half_squared_error": HalfSquaredError,
    "mean_squared_error": MeanSquaredError,
    "cross_entropy": CrossEntropy,
}
"""Built-in losses, by the name that a task gives."""


def find_loss(name: str, *, output_size: int = 1) -> Loss:
    """Make the loss that a task names.

    Parameters
    ----------
    name : str
        A built-in name or ``module:object``.
    output_size : int
        Number of outputs of the network.

    Returns
    -------
    Loss
        The loss.

    Raises
    ------
    InvalidStudyError
        If there is no such loss.
    """
    kind = find_plug_in(name) if ":" in name else LOSSES.get(name)
    loss = kind(output_size) if kind is not None else None
    if not isinstance(loss, Loss):
        raise InvalidStudyError(f"there is no loss {name!r}." + did_you_mean(name, LOSSES))
    return loss
