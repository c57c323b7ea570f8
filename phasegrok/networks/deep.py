"""Fully connected networks of any depth, many runs at once."""

import itertools
from collections.abc import Hashable
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from phasegrok.errors import InvalidStudyError, did_you_mean
from phasegrok.networks.activations import ACTIVATIONS
from phasegrok.networks.base import Network
from phasegrok.networks.layout import Leaf, Parameters
from phasegrok.study.checks import require_list, require_positive, require_whole

__all__ = ["DeepNetwork", "deep_linear"]


@final
@dataclass(frozen=True, kw_only=True)
class DeepNetwork(Network):
    """f(x) = W_L φ(W_(L-1) ... φ(W_1 x)): L layers of weights, without biases.

    There is no factor in front of a sum; the scaling sits in the prior, where a weight of a
    layer has the variance gain² over the number of inputs of that layer.

    Parameters
    ----------
    depth : int
        Number L of layers of weights, at least 1; L - 1 of them have an activation behind.
    width : int
        Number of neurons in every hidden layer; 0 where `widths` are given or L is 1.
    widths : list of int
        Numbers of neurons of the hidden layers one by one, from the inputs on.
    activation : {"erf", "tanh", "relu", "quadratic", "linear"}
        φ.
    gain : float
        Standard deviation of the pre-activations for inputs of variance 1 in a wide linear
        network. With a small one the start "prior" lies near zero.
    input_size, output_size : int
        Filled in from the task.
    """

    depth: int
    width: int = 0
    widths: tuple[int, ...] = ()
    activation: str = "tanh"
    gain: float = 1.0
    input_size: int
    output_size: int = 1

    def __post_init__(self) -> None:
        """Refuse what has no meaning.

        Raises
        ------
        InvalidStudyError
            For a size below 1, widths beside a width or of another number than the depth asks
            for, a gain that is not positive, or an unknown activation.
        """
        smallest = {"depth": 1, "width": 0, "input_size": 1, "output_size": 1}
        for name, least in smallest.items():
            size = require_whole(f"the {name} of deep", getattr(self, name), minimum=least)
            object.__setattr__(self, name, size)
        listed = require_list("the widths of deep", self.widths)
        widths = tuple(require_whole("every width of deep", each, minimum=1) for each in listed)
        object.__setattr__(self, "widths", widths)
        require_positive("the gain of deep", self.gain)
        if self.activation not in ACTIVATIONS:
            raise InvalidStudyError(
                f"the deep network knows no {self.activation!r}."
                + did_you_mean(self.activation, ACTIVATIONS)
            )
        self._check_widths()

    def _check_widths(self) -> None:
        hidden = self.depth - 1
        if self.widths and (self.width or len(self.widths) != hidden):
            raise InvalidStudyError(
                f"a deep network of depth {self.depth} needs either one width for all of its "
                f"{hidden} hidden layers or a list of {hidden} widths, received the width "
                f"{self.width} and the widths {list(self.widths)}; leave one of them out."
            )
        if hidden and not (self.widths or self.width):
            raise InvalidStudyError(
                f"a deep network of depth {self.depth} has {hidden} hidden layers and needs "
                "their width, received none; give width, or widths one by one."
            )

    @property
    def sizes(self) -> tuple[int, ...]:
        """Numbers of inputs, of the neurons of each hidden layer, and of outputs."""
        hidden = self.widths or (self.width,) * (self.depth - 1)
        return (self.input_size, *hidden, self.output_size)

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """``layer_1`` (hidden, input) to ``layer_L`` (output, hidden)."""
        return tuple(
            Leaf(f"layer_{number}", (above, below))
            for number, (below, above) in enumerate(itertools.pairwise(self.sizes), start=1)
        )

    @property
    def leaf_alignment(self) -> int:
        """None: small layers share a row, since batches are computed in buffers."""
        return 1

    def prior_variances(self) -> dict[str, float]:
        """gain² over the number of inputs of each layer."""
        return {leaf.name: self.gain**2 / leaf.shape[1] for leaf in self.leaves}

    def batch_key(self) -> Hashable:
        """Sizes and activation; the gain may differ from run to run."""
        return (self.sizes, self.activation)

    def outputs(
        self, parameters: Parameters, inputs: Tensor, noise: Tensor | None = None
    ) -> Tensor:
        """See `Network.outputs`. This plain form is differentiable; training uses buffers."""
        del noise
        value = ACTIVATIONS[self.activation].value
        first, *later = [parameters[leaf.name] for leaf in self.leaves]
        hidden = torch.bmm(first, inputs.expand(first.shape[0], -1, -1).transpose(1, 2))
        for weights in later:
            hidden = torch.bmm(weights, value(hidden))
        return hidden.squeeze(1) if self.output_size == 1 else hidden.transpose(1, 2)


def deep_linear(
    *,
    depth: int,
    width: int = 0,
    widths: tuple[int, ...] = (),
    gain: float = 1.0,
    input_size: int,
    output_size: int = 1,
) -> DeepNetwork:
    """Make a deep network without activations, f(x) = W_L ... W_1 x.

    Parameters
    ----------
    depth, width, widths, gain, input_size, output_size
        As in `DeepNetwork`.

    Returns
    -------
    DeepNetwork
        With the activation "linear".
    """
    return DeepNetwork(
        depth=depth,
        width=width,
        widths=widths,
        activation="linear",
        gain=gain,
        input_size=input_size,
        output_size=output_size,
    )
