"""A plain ``torch.nn.Module`` as a network."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import final

import torch
from torch import Generator, Tensor, nn

from phasegrok.errors import InvalidStudyError
from phasegrok.networks.base import SingleRunNetwork
from phasegrok.networks.layout import Leaf, Parameters

__all__ = ["ModuleNetwork"]

_DROPOUTS = (
    nn.AlphaDropout,
    nn.Dropout,
    nn.Dropout1d,
    nn.Dropout2d,
    nn.Dropout3d,
    nn.FeatureAlphaDropout,
)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ModuleNetwork(SingleRunNetwork):
    """Wraps a module whose ``forward`` maps (example, *input) to (example[, output]).

    Its named parameters become the leaves, a dot in a name an underscore. The start "own" is
    what a newly made module begins with.

    Parameters
    ----------
    make : callable
        Makes the module anew: without buffers that training changes, such as those of batch
        normalisation, and without random numbers of its own, such as those of dropout.
    input_shape : tuple of int
        Shape of one input.
    key : str
        What tells this module's batches from others': its kind and options.
    """

    make: Callable[[], nn.Module]
    input_shape: tuple[int, ...]
    key: str = ""
    module: nn.Module = field(init=False)

    def __post_init__(self) -> None:
        """Make a module for its shapes, and refuse one with a memory or noise of its own.

        Raises
        ------
        InvalidStudyError
            If the module has buffers, no parameters, or dropout.
        """
        object.__setattr__(self, "module", _made(self.make, seed=0))
        buffers = [name for name, _ in self.module.named_buffers()]
        if buffers or not list(self.module.parameters()):
            raise InvalidStudyError(
                "a module used as a network must have parameters and no buffers, received "
                f"{type(self.module).__name__} with buffers {buffers}; batch normalisation, "
                "for one, would couple examples over time and cannot be used."
            )
        if any(isinstance(part, _DROPOUTS) and part.p > 0.0 for part in self.module.modules()):
            raise InvalidStudyError(
                "a module used as a network must draw no random numbers, received "
                f"{type(self.module).__name__} with dropout; write a Network whose noise_shape "
                "asks the training loop for them."
            )

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """One per named parameter."""
        return tuple(
            Leaf(name.replace(".", "_"), tuple(value.shape))
            for name, value in self.module.named_parameters()
        )

    def batch_key(self) -> Hashable:
        """Kind and options of the module."""
        return (self.key, self.input_shape)

    def single_outputs(
        self, parameters: Parameters, inputs: Tensor, noise: Tensor | None
    ) -> Tensor:
        """See `SingleRunNetwork.single_outputs`; a module is used without noise."""
        del noise
        named = {
            name: parameters[name.replace(".", "_")]
            for name, _ in self.module.named_parameters()
        }
        answers: Tensor = torch.func.functional_call(self.module, named, (inputs,))
        one_output = answers.dim() == 2 and answers.shape[1] == 1
        return answers.squeeze(1) if one_output else answers

    def initial(self, generator: Generator, dtype: torch.dtype) -> Parameters | None:
        """Weights of a newly made module."""
        seed = int(torch.randint(2**62, (), generator=generator))
        fresh = _made(self.make, seed=seed)
        return {
            name.replace(".", "_"): value.detach().to(dtype).clone()
            for name, value in fresh.named_parameters()
        }


def _made(make: Callable[[], nn.Module], *, seed: int) -> nn.Module:
    # Modules draw from the global generator of torch, which is set aside for the time.
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return make()
