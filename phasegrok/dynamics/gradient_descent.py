"""Gradient descent with momentum, on all examples or on minibatches."""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from phasegrok.dynamics.integrator import (
    Drive,
    Integrator,
    Settings,
    State,
    assembled_gradient,
)
from phasegrok.dynamics.system import System
from phasegrok.dynamics.validation import require_fraction, require_positive

__all__ = ["GradientDescent"]


@final
@dataclass(frozen=True, kw_only=True)
class GradientDescent(Integrator):
    """m ← μ m + ∂U/∂θ, θ ← θ - η m: no noise but that of minibatches.

    Parameters
    ----------
    step_size : float
        η, a time; with momentum the effective one is η/(1 - μ).
    momentum : float
        μ, in [0, 1).
    minibatch_size : int
        Examples per gradient; 0 for all.
    """

    step_size: float
    momentum: float = 0.0
    minibatch_size: int = 0

    def __post_init__(self) -> None:
        """Refuse values without meaning."""
        require_positive("gradient_descent", step_size=self.step_size)
        require_fraction("gradient_descent", momentum=self.momentum)

    @property
    def uses_temperature(self) -> bool:
        """No noise: at most the weight decay follows the temperature."""
        return False

    def begin(self, state: State, system: System, settings: Settings) -> None:
        """The velocity begins at zero."""
        del system, settings
        state.buffers["velocity"] = torch.zeros_like(state.position)

    def step(self, state: State, system: System, drive: Drive) -> None:
        """One update."""
        step_size = drive.settings["step_size"]
        velocity = state.buffers["velocity"]
        gradient = assembled_gradient(state, system, drive)
        velocity.mul_(drive.settings["momentum"]).add_(gradient)
        state.position.addcmul_(velocity, step_size, value=-1.0)
        state.time += step_size[:, 0].double()

    def largest_stable(self, curvature: Tensor, settings: Settings) -> Tensor:
        """Below 2(1 + μ)/λ_max: both roots of z² - (1 + μ - ηλ)z + μ are within the circle."""
        return 2.0 * (1.0 + settings["momentum"][:, 0].double()) / curvature
