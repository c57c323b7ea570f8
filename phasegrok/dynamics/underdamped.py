"""Underdamped Langevin dynamics by the BAOAB splitting."""

from dataclasses import dataclass
from typing import Literal, final

import torch
from torch import Tensor

from phasegrok.dynamics.integrator import Drive, Integrator, Settings, State
from phasegrok.dynamics.system import System
from phasegrok.dynamics.validation import check_coordinates, require_positive

__all__ = ["Underdamped"]


@final
@dataclass(frozen=True, kw_only=True)
class Underdamped(Integrator):
    """dz = p dt, dp = -∂V/∂z dt - γ p dt + √(2γT) dW, split as B A O A B.

    B kicks the momenta, A moves the positions, O mixes the momenta with the bath exactly. On a
    quadratic energy ½λz² the stationary variance of z is exactly T/λ at every stable step, and
    that of p is T(1 - λh²/4) (Leimkuhler and Matthews, J. Chem. Phys. 138, 174102, 2013).

    Parameters
    ----------
    step_size : float
        h, a time.
    friction : float
        γ, an inverse time.
    coordinates : {"plain", "whitened"}
        Whitened coordinates equilibrate faster but change the kinetics.
    minibatch_size : int
        Examples per gradient; 0 for all.
    """

    step_size: float
    friction: float = 1.0
    coordinates: Literal["plain", "whitened"] = "plain"
    minibatch_size: int = 0

    def __post_init__(self) -> None:
        """Refuse values without meaning."""
        require_positive("underdamped", step_size=self.step_size, friction=self.friction)
        check_coordinates(self.coordinates)

    @property
    def gradients_to_begin(self) -> int:
        """The one of the first kick."""
        return 1

    def begin(self, state: State, system: System, settings: Settings) -> None:
        """Momenta begin at rest; the gradient of the data is kept from step to step."""
        del system, settings
        state.buffers["momentum"] = torch.zeros_like(state.position)
        state.buffers["gradient"] = torch.empty_like(state.position)
        state.buffers["has_gradient"] = torch.zeros_like(state.time)
        state.buffers["data_gradient"] = torch.zeros_like(state.position)

    def step(self, state: State, system: System, drive: Drive) -> None:
        """One step B A O A B."""
        step_size, friction = drive.settings["step_size"], drive.settings["friction"]
        momentum = state.buffers["momentum"]
        if not bool(state.buffers["has_gradient"].all()):
            _new_gradient(state, system, drive)
        _kick(state, system, 0.5 * step_size)
        state.position.addcmul_(momentum, 0.5 * step_size)
        kept = torch.exp(-friction * step_size)
        momentum.mul_(kept)
        momentum.addcmul_(drive.normal.next(), ((1.0 - kept * kept) * system.bath).sqrt())
        state.position.addcmul_(momentum, 0.5 * step_size)
        _new_gradient(state, system, drive)
        _kick(state, system, 0.5 * step_size)
        state.time += step_size[:, 0].double()

    def largest_stable(self, curvature: Tensor, settings: Settings) -> Tensor:
        """Below 2/√λ_max."""
        del settings
        return 2.0 / curvature.sqrt()

    def rescale(self, state: State, ratio: Tensor) -> None:
        """Momenta keep their ratio to the thermal ones."""
        state.buffers["momentum"].mul_(ratio.sqrt())


def _new_gradient(state: State, system: System, drive: Drive) -> None:
    data = system.data_gradient(state.position, drive.minibatch, drive.noise)
    state.buffers["data_gradient"].copy_(data.rows)
    state.buffers["has_gradient"].fill_(1.0)


def _kick(state: State, system: System, duration: Tensor) -> None:
    # Assembled anew at each kick, so that a ramped control acts at once.
    buffers = state.buffers
    gradient = system.assemble(buffers["data_gradient"], state.position, buffers["gradient"])
    buffers["momentum"].sub_(gradient.mul_(duration))
