"""A plain ``torch.nn.Module`` as a network."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import final

import torch
from torch import Generator, Tensor, nn

from phasegrok.errors import InvalidStudyError
from phasegrok.networks.base import SingleRunNetwork
from phasegrok.networks.layout import Leaf, Parameters

__all__ = ["ModuleNetwork"]


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ModuleNetwork(SingleRunNetwork):
    """Wraps a module whose ``forward`` maps (example, *input) to (example[, output]).

    Its named parameters become the leaves, a dot in a name an underscore. The start "own" draws
    what the module's ``reset_parameters`` would.

    Parameters
    ----------
    module : torch.nn.Module
        Without buffers that training changes, such as those of batch normalisation.
    input_shape : tuple of int
        Shape of one input.
    key : str
        What tells this module's batches from others': its kind and options.
    """

    module: nn.Module
    input_shape: tuple[int, ...]
    key: str = ""

    def __post_init__(self) -> None:
        """Refuse modules with a memory of their own.

        Raises
        ------
        InvalidStudyError
            If the module has buffers, or no parameters.
        """
        buffers = [name for name, _ in self.module.named_buffers()]
        if buffers or not list(self.module.parameters()):
            raise InvalidStudyError(
                "a module used as a network must have parameters and no buffers, received "
                f"{type(self.module).__name__} with buffers {buffers}; batch normalisation, "
                "for one, would couple examples over time and cannot be used."
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
        """Draw as the module's own ``reset_parameters`` does.

        Those use the global generator of torch, which is set aside and seeded for the time.
        """
        seed = int(torch.randint(2**62, (), generator=generator))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            for part in self.module.modules():
                reset = getattr(part, "reset_parameters", None)
                if callable(reset):
                    reset()
        return {
            name.replace(".", "_"): value.detach().to(dtype).clone()
            for name, value in self.module.named_parameters()
        }
