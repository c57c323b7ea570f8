"""Hamiltonian Monte Carlo with step sizes adapted run by run."""

import math
from dataclasses import dataclass
from typing import Literal, final

import torch
from torch import Tensor

from phasegrok.dynamics.integrator import Drive, Integrator, Settings, State
from phasegrok.dynamics.system import System
from phasegrok.dynamics.validation import (
    check_coordinates,
    require_fraction,
    require_positive,
    require_whole,
)

__all__ = ["HamiltonianMonteCarlo"]

# Constants of the dual averaging of Hoffman and Gelman, JMLR 15, 1593 (2014), section 3.2.
_SHRINKAGE, _DELAY, _FORGETTING = 0.05, 10.0, 0.75


@final
@dataclass(frozen=True, kw_only=True)
class HamiltonianMonteCarlo(Integrator):
    """Leapfrog trajectories from fresh momenta, accepted by Metropolis: exact in law.

    A step is one trajectory. During the burn-in each run adapts its own step size by dual
    averaging; afterwards it stays, jittered, so that the stationary law is exact.

    Parameters
    ----------
    step_size : float
        First leapfrog step; dimensionless in whitened coordinates.
    leapfrog_steps : int
        Gradients per trajectory.
    burn_in : int
        Trajectories that adapt the step size; 0 keeps it.
    target_acceptance : float
        Mean acceptance that the adaptation aims at.
    jitter : float
        Each trajectory's step is drawn uniformly within this fraction of the adapted one.
    coordinates : {"whitened", "plain"}
        Whitened by the prior, every direction of the prior has the same scale.
    """

    step_size: float = 0.1
    leapfrog_steps: int = 10
    burn_in: int = 0
    target_acceptance: float = 0.8
    jitter: float = 0.2
    coordinates: Literal["plain", "whitened"] = "whitened"

    def __post_init__(self) -> None:
        """Refuse values without meaning."""
        require_positive(
            "hmc", step_size=self.step_size, target_acceptance=self.target_acceptance
        )
        require_whole("hmc", minimum=1, leapfrog_steps=self.leapfrog_steps)
        require_whole("hmc", minimum=0, burn_in=self.burn_in)
        require_fraction("hmc", target_acceptance=self.target_acceptance, jitter=self.jitter)
        check_coordinates(self.coordinates)

    @property
    def kinetics_are_physical(self) -> bool:
        """A sampler: its time means nothing."""
        return False

    @property
    def fixed_options(self) -> tuple[str, ...]:
        """The step size is each run's own after the start."""
        return ("step_size", "target_acceptance")

    @property
    def needs_exact_energy(self) -> bool:
        """Trajectories are accepted by their energy."""
        return True

    @property
    def gradients_per_step(self) -> int:
        """One for each leapfrog step."""
        return self.leapfrog_steps

    @property
    def gradients_to_begin(self) -> int:
        """The one that the first trajectory begins with."""
        return 1

    @property
    def time_per_step(self) -> float:
        """That of one trajectory before the step size is adapted."""
        return self.step_size * self.leapfrog_steps

    def begin(self, state: State, system: System, settings: Settings) -> None:
        """Gradient and loss at the start; the adaptation's averages."""
        first = system.data_gradient(state.position, None, None)
        log_step = settings["step_size"].double().log()
        state.buffers.update(
            data_gradient=first.rows.clone(),
            loss=first.loss.clone(),
            gradient=torch.empty_like(state.position),
            momentum=torch.zeros_like(state.position),
            log_step=log_step,
            log_step_anchor=log_step + math.log(10.0),
            log_step_average=torch.zeros_like(log_step),
            acceptance_deficit=torch.zeros_like(log_step),
            acceptance=torch.ones_like(log_step),
        )

    def step(self, state: State, system: System, drive: Drive) -> None:
        """One trajectory."""
        buffers = state.buffers
        uniform = drive.uniform.next()
        jitter = 1.0 + drive.settings["jitter"].double() * (2.0 * uniform[:, :1] - 1.0)
        step_size = buffers["log_step"].exp() * jitter
        before = (state.position, buffers["data_gradient"], buffers["loss"])
        buffers["momentum"] = drive.normal.next() * system.bath.sqrt()
        energy = _total_energy(state, system)
        state.position = state.position.clone()
        buffers["data_gradient"] = buffers["data_gradient"].clone()
        self._leapfrog(state, system, step_size.to(state.position.dtype))
        change = (_total_energy(state, system) - energy)[:, None] / system.bath.double()
        probability = torch.nan_to_num(torch.exp(-change), nan=0.0).clamp(max=1.0)
        accepted = uniform[:, 1:] < probability
        state.position = torch.where(accepted, state.position, before[0])
        buffers["data_gradient"] = torch.where(accepted, buffers["data_gradient"], before[1])
        buffers["loss"] = torch.where(accepted[:, 0], buffers["loss"], before[2])
        buffers["acceptance"] = probability
        state.time += (step_size * self.leapfrog_steps)[:, 0]
        if state.step < self.burn_in:
            self._adapt(state, drive.settings["target_acceptance"].double() - probability)

    def largest_stable(self, curvature: Tensor, settings: Settings) -> Tensor:
        """Below 2/√λ_max."""
        del settings
        return 2.0 / curvature.sqrt()

    def records(self) -> dict[str, str]:
        """The acceptance of the last trajectory and the step size."""
        return {
            "acceptance": "acceptance probability of the last trajectory",
            "log_step": "logarithm of the leapfrog step size",
        }

    def _leapfrog(self, state: State, system: System, step_size: Tensor) -> None:
        buffers = state.buffers
        _kick(state, system, 0.5 * step_size)
        for index in range(self.leapfrog_steps):
            state.position.addcmul_(buffers["momentum"], step_size)
            data = system.data_gradient(state.position, None, None)
            buffers["data_gradient"].copy_(data.rows)
            last = index == self.leapfrog_steps - 1
            _kick(state, system, 0.5 * step_size if last else step_size)
        buffers["loss"] = data.loss.clone()

    def _adapt(self, state: State, deficit: Tensor) -> None:
        buffers = state.buffers
        count = state.step + 1.0
        weight = 1.0 / (count + _DELAY)
        average = (1.0 - weight) * buffers["acceptance_deficit"] + weight * deficit
        buffers["acceptance_deficit"] = average
        log_step = buffers["log_step_anchor"] - math.sqrt(count) / _SHRINKAGE * average
        memory = count**-_FORGETTING
        smooth = memory * log_step + (1.0 - memory) * buffers["log_step_average"]
        buffers["log_step_average"] = smooth
        buffers["log_step"] = smooth if state.step + 1 == self.burn_in else log_step


def _kick(state: State, system: System, duration: Tensor) -> None:
    buffers = state.buffers
    gradient = system.assemble(buffers["data_gradient"], state.position, buffers["gradient"])
    buffers["momentum"].sub_(gradient.mul_(duration))


def _total_energy(state: State, system: System) -> Tensor:
    kinetic = 0.5 * state.buffers["momentum"].double().square().sum(dim=1)
    return system.energy(state.position, state.buffers["loss"]) + kinetic
