"""Fully connected networks with one hidden layer, many runs at once."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from phasegrok.errors import InvalidStudyError, did_you_mean
from phasegrok.networks.activations import ACTIVATIONS
from phasegrok.networks.base import Network
from phasegrok.networks.layout import Leaf, Parameters
from phasegrok.study.checks import require_positive, require_whole

__all__ = ["TwoLayerNetwork"]

_SCALINGS = {"standard": 1, "mean_field": 2}


@final
@dataclass(frozen=True, kw_only=True)
class TwoLayerNetwork(Network):
    """f(x) = Σ_h a_h φ(w_h·x): one hidden layer, no bias, no factor in the forward pass.

    The scaling with the width N and the number d of inputs sits in the prior: w_h has the
    variance σ_w²/d per component, and a_h has σ_a²/N in standard scaling and σ_a²/N² in
    mean-field scaling (Rubin, Seroussi, Ringel, arXiv 2310.03789, write the latter as
    σ_a² ∝ 1/N).

    Parameters
    ----------
    width : int
        Number N of hidden neurons.
    activation : {"erf", "tanh", "relu", "quadratic", "linear"}
        φ.
    first_variance, readout_variance : float
        σ_w² and σ_a².
    scaling : {"standard", "mean_field"}
        Power of N in the prior of the readout.
    input_size, output_size : int
        Filled in from the task.
    """

    width: int
    input_size: int
    output_size: int = 1
    activation: str = "erf"
    first_variance: float = 1.0
    readout_variance: float = 1.0
    scaling: str = "standard"

    def __post_init__(self) -> None:
        """Refuse what has no meaning.

        Raises
        ------
        InvalidStudyError
            For a size below 1, a variance that is not positive, an unknown word.
        """
        for name in ("width", "input_size", "output_size"):
            size = require_whole(f"the {name} of two_layer", getattr(self, name), minimum=1)
            object.__setattr__(self, name, size)
        for name in ("first_variance", "readout_variance"):
            require_positive(f"the {name} of two_layer", getattr(self, name))
        for word, known in ((self.activation, ACTIVATIONS), (self.scaling, _SCALINGS)):
            if word not in known:
                raise InvalidStudyError(
                    f"the two-layer network knows no {word!r}." + did_you_mean(word, known)
                )

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """``first`` (hidden, input) and ``readout`` (output, hidden)."""
        return (
            Leaf("first", (self.width, self.input_size)),
            Leaf("readout", (self.output_size, self.width)),
        )

    def prior_variances(self) -> dict[str, float]:
        """σ_w²/d, and σ_a²/N or σ_a²/N²."""
        power = _SCALINGS[self.scaling]
        return {
            "first": self.first_variance / self.input_size,
            "readout": self.readout_variance / self.width**power,
        }

    def batch_key(self) -> Hashable:
        """Sizes and activation; the variances may differ from run to run."""
        return (self.width, self.input_size, self.output_size, self.activation)

    def outputs(
        self, parameters: Parameters, inputs: Tensor, noise: Tensor | None = None
    ) -> Tensor:
        """See `Network.outputs`. This plain form is differentiable; training uses buffers."""
        del noise
        first, readout = parameters["first"], parameters["readout"]
        shared = inputs.expand(first.shape[0], -1, -1)
        hidden = torch.bmm(first, shared.transpose(1, 2))
        value = ACTIVATIONS[self.activation].value
        answers = torch.bmm(readout, value(hidden))
        return answers.squeeze(1) if self.output_size == 1 else answers.transpose(1, 2)
