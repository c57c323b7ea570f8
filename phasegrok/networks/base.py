"""The contract of every network: sizes and a map from weights to outputs, never weights."""

import math
from abc import ABC, abstractmethod
from collections.abc import Hashable
from typing import final

import torch
from torch import Generator, Tensor

from phasegrok.networks.layout import ALIGNMENT, Layout, Leaf, Parameters

__all__ = ["Network", "SingleRunNetwork", "draw_from_prior", "fan_in_variance"]


class Network(ABC):
    """A map from weights and inputs to outputs for many runs at once.

    A concrete network is a frozen dataclass of sizes. Its fields that are whole numbers or
    words decide shapes; its fields that are floats may differ from run to run of a batch, so
    they may enter `prior_variances` alone unless `batch_key` names them.
    """

    @property
    @abstractmethod
    def leaves(self) -> tuple[Leaf, ...]:
        """Named weights of a single run; each is a layer with its own weight decay."""

    @abstractmethod
    def outputs(
        self, parameters: Parameters, inputs: Tensor, noise: Tensor | None = None
    ) -> Tensor:
        """Answer inputs.

        Parameters
        ----------
        parameters : dict of (run, *shape) tensors
            Weights by name.
        inputs : (example, *input) or (run, example, *input) tensor
            Shared by the runs, or one set per run.
        noise : (run, *noise_shape) tensor or None
            Uniform numbers in [0, 1), drawn by the training loop for dropout and the like;
            None where the network is to be used without noise.

        Returns
        -------
        (run, example[, output]) tensor
            Without the last axis where there is one output.
        """

    def prior_variances(self) -> dict[str, float]:
        """Variance of the Gaussian prior of each layer, also that of the "prior" start."""
        return {leaf.name: fan_in_variance(leaf) for leaf in self.leaves}

    def noise_shape(self, example_count: int) -> tuple[int, ...] | None:  # noqa: ARG002
        """Shape of the uniform noise that one run needs for a gradient; None for no noise."""
        return None

    def batch_key(self) -> Hashable:
        """What two runs must share to be computed in one batch."""
        return repr(self)

    def initial(self, generator: Generator, dtype: torch.dtype) -> Parameters | None:  # noqa: ARG002
        """Weights of the start "own" of a single run, where a network has such a start."""
        return None

    @property
    def leaf_alignment(self) -> int:
        """Multiple of numbers at which each leaf begins in a row.

        Less than the default saves room and noise in small networks, for those whose batches
        are not computed by products of leaves where they lie.
        """
        return ALIGNMENT

    @final
    def layout(self) -> Layout:
        """Where the leaves lie in a flat row."""
        return Layout(self.leaves, alignment=self.leaf_alignment)


class SingleRunNetwork(Network):
    """A network written for one run; the library maps it over the runs of a batch.

    A concrete one has ``input_shape``, the shape of one input, as a field or a property: it
    tells shared inputs from inputs per run.
    """

    # A bare annotation, since a dataclass could not turn an inherited property into a field.
    input_shape: tuple[int, ...]

    @abstractmethod
    def single_outputs(
        self, parameters: Parameters, inputs: Tensor, noise: Tensor | None
    ) -> Tensor:
        """Answer inputs (example, *input) with weights of one run, as `outputs` says."""

    @final
    def outputs(
        self, parameters: Parameters, inputs: Tensor, noise: Tensor | None = None
    ) -> Tensor:
        """See `Network.outputs`."""
        run_count = next(iter(parameters.values())).shape[0]
        input_dim = inputs.dim() - 1 - len(self.input_shape)
        shared = inputs.expand(run_count, *inputs.shape) if input_dim == 0 else inputs
        mapped = torch.func.vmap(
            self.single_outputs, in_dims=(0, 0, None if noise is None else 0)
        )
        return mapped(parameters, shared, noise)


def fan_in_variance(leaf: Leaf) -> float:
    """Prior variance 1 over the number of inputs of a weight, 1 for a vector of weights."""
    return 1.0 / math.prod(leaf.shape[1:]) if len(leaf.shape) > 1 else 1.0


def draw_from_prior(
    leaves: tuple[Leaf, ...],
    variances: dict[str, float],
    *,
    generator: Generator,
    dtype: torch.dtype,
) -> Parameters:
    """Draw the weights of a single run from its Gaussian prior.

    Parameters
    ----------
    leaves : tuple of Leaf
        Names and shapes.
    variances : dict
        Of each leaf.
    generator : torch.Generator
        The run's own, on the CPU so that every device starts from the same state.
    dtype : torch.dtype
        Of the weights.

    Returns
    -------
    dict of (*shape) tensors
        Independent normal weights.
    """
    return {
        leaf.name: torch.randn(leaf.shape, generator=generator, dtype=dtype)
        * math.sqrt(variances[leaf.name])
        for leaf in leaves
    }
