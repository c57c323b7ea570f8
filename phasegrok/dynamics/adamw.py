"""Adam with decoupled weight decay."""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from phasegrok.dynamics.integrator import Drive, Integrator, Settings, State
from phasegrok.dynamics.system import System
from phasegrok.dynamics.validation import require_fraction, require_positive

__all__ = ["AdamW"]


@final
@dataclass(frozen=True, kw_only=True)
class AdamW(Integrator):
    """Loshchilov and Hutter, arXiv 1711.05101: θ ← (1 - ηλ) θ - η m̂/(√v̂ + ε).

    m̂ and v̂ are the bias-corrected running means of the gradient of loss and penalties and of
    its square. Weight decay acts beside them, as in ``torch.optim.AdamW``. Adam is no sampler:
    the temperature is not used.

    Parameters
    ----------
    step_size : float
        η.
    first_beta, second_beta : float
        Memories of the two running means, in [0, 1).
    floor : float
        ε.
    minibatch_size : int
        Examples per gradient; 0 for all.
    """

    step_size: float
    first_beta: float = 0.9
    second_beta: float = 0.999
    floor: float = 1e-8
    minibatch_size: int = 0

    def __post_init__(self) -> None:
        """Refuse values without meaning."""
        require_positive("adamw", step_size=self.step_size, floor=self.floor)
        require_fraction("adamw", first_beta=self.first_beta, second_beta=self.second_beta)

    @property
    def uses_temperature(self) -> bool:
        """No noise: at most the weight decay follows the temperature."""
        return False

    def largest_stable(self, curvature: Tensor, settings: Settings) -> Tensor:
        """No bound: the update is scaled by the gradient itself."""
        del settings
        return torch.full_like(curvature, torch.inf)

    def begin(self, state: State, system: System, settings: Settings) -> None:
        """Running means and the products of the betas."""
        del system, settings
        zeros = torch.zeros_like(state.position)
        state.buffers.update(mean=zeros, square=zeros.clone())
        ones = torch.ones_like(state.time)[:, None]
        state.buffers.update(first_product=ones, second_product=ones.clone())

    def step(self, state: State, system: System, drive: Drive) -> None:
        """One update."""
        settings, buffers = drive.settings, state.buffers
        gradient = system.data_gradient(state.position, drive.minibatch, drive.noise).rows
        first, second = settings["first_beta"], settings["second_beta"]
        buffers["mean"].mul_(first).add_(gradient * (1.0 - first))
        buffers["square"].mul_(second).add_(gradient.square() * (1.0 - second))
        buffers["first_product"].mul_(first.double())
        buffers["second_product"].mul_(second.double())
        dtype = state.position.dtype
        mean = buffers["mean"] / (1.0 - buffers["first_product"]).to(dtype)
        square = buffers["square"] / (1.0 - buffers["second_product"]).to(dtype)
        step_size = settings["step_size"]
        state.position.sub_(state.position * system.decay_rows * step_size)
        state.position.sub_(mean / (square.sqrt() + settings["floor"]) * step_size)
        state.time += step_size[:, 0].double()
