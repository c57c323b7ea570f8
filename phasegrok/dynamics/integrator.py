"""The contract of every integrator."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, final

import torch
from torch import Tensor

from phasegrok.dynamics.snapshot import Snapshot
from phasegrok.dynamics.streams import Stream
from phasegrok.dynamics.system import System
from phasegrok.networks import ExampleBatch

__all__ = ["Drive", "Integrator", "Settings", "State", "assembled_gradient"]

Settings = dict[str, Tensor]
"""The float options of an integrator, (run, 1) each: they may differ from run to run."""


@final
@dataclass(kw_only=True)
class State:
    """What the next step needs: all of it has the run as axis 0.

    Parameters
    ----------
    position : (run, row) tensor
        In the coordinates of the system.
    buffers : dict of (run, ...) tensors
        Momenta, cached gradients, adapted step sizes: what the integrator keeps.
    time : (run,) float64 tensor
        Σ of the step sizes used.
    step : int
        Number of updates made.
    """

    position: Tensor
    buffers: dict[str, Tensor] = field(default_factory=dict)
    time: Tensor
    step: int = 0

    def select(self, rows: Sequence[int]) -> None:
        """Keep some runs, in this order."""
        index = list(rows)
        self.position = self.position[index]
        self.time = self.time[index]
        self.buffers = {name: value[index] for name, value in self.buffers.items()}

    def snapshot(self) -> Snapshot:
        """Give copies of all of it."""
        return {
            "position": self.position.clone(),
            "buffers": {name: value.clone() for name, value in self.buffers.items()},
            "time": self.time.clone(),
            "step": self.step,
        }

    def restore(self, snapshot: Snapshot) -> None:
        """Go on where a snapshot was taken."""
        device = self.position.device
        # Copies begin at aligned addresses, wherever what was read lies: products round by it.
        self.position = snapshot["position"].to(device, copy=True)
        self.buffers = {
            name: value.to(device, copy=True) for name, value in snapshot["buffers"].items()
        }
        self.time = snapshot["time"].to(device, copy=True)
        self.step = snapshot["step"]


@final
@dataclass(kw_only=True)
class Drive:
    """What the loop hands an integrator besides the state.

    Parameters
    ----------
    settings : dict of (run, 1) tensors
        Float options.
    normal : Stream
        Standard normal rows (run, row), zero in the padding.
    uniform : Stream
        Two uniform float64 numbers of each run.
    minibatch : callable result or None
        Examples of this step; None for all.
    noise : (run, ...) tensor or None
        Uniform numbers of this step, for networks that ask for them.
    """

    settings: Settings
    normal: Stream
    uniform: Stream
    minibatch: ExampleBatch | None = None
    noise: Tensor | None = None


class Integrator(ABC):
    """How parameters move; a concrete one is a frozen dataclass of options.

    Options that are floats may differ from run to run of a batch and reach `step` through
    `Drive.settings`; options that are whole numbers or words are the same for a batch and are
    read from the object.
    """

    @property
    def coordinates(self) -> Literal["plain", "whitened"]:
        """Coordinates that positions are in."""
        return "plain"

    @property
    def kinetics_are_physical(self) -> bool:
        """Whether its time is that of a physical or training process, not of a sampler."""
        return self.coordinates == "plain"

    @property
    def minibatch_size(self) -> int:
        """Examples per gradient; 0 for all of them."""
        return 0

    @property
    def fixed_options(self) -> tuple[str, ...]:
        """Float options that are read once, at the start, and so cannot be ramped."""
        return ()

    @property
    def needs_exact_energy(self) -> bool:
        """Whether steps are judged by the energy, which noise of the network would falsify."""
        return False

    @property
    def uses_temperature(self) -> bool:
        """Whether the temperature acts on the steps themselves, as noise or by acceptance."""
        return True

    @property
    def gradients_per_step(self) -> int:
        """Gradients that one update costs."""
        return 1

    @property
    def gradients_to_begin(self) -> int:
        """Gradients computed once, before the first update."""
        return 0

    @property
    def time_per_step(self) -> float:
        """Time of one update at the step size of the description."""
        return float(getattr(self, "step_size", 1.0))

    @abstractmethod
    def begin(self, state: State, system: System, settings: Settings) -> None:
        """Make the buffers that `step` expects, in place."""

    @abstractmethod
    def step(self, state: State, system: System, drive: Drive) -> None:
        """Make one update of every run, in place, and advance `State.time`."""

    def largest_stable(self, curvature: Tensor, settings: Settings) -> Tensor:
        """Largest stable step size, (run,), for the largest curvature λ_max of V, (run,)."""
        del settings
        return 2.0 / curvature

    def rescale(self, state: State, ratio: Tensor) -> None:  # noqa: B027
        """Adapt momenta after the bath temperature was multiplied by ratio, (run, 1)."""

    def records(self) -> dict[str, str]:
        """Buffers that are recorded, (run, 1) each: buffer name to description."""
        return {}


def assembled_gradient(state: State, system: System, drive: Drive) -> Tensor:
    """∂V/∂z at the position, in a buffer of the state.

    Parameters
    ----------
    state, system, drive
        As in `Integrator.step`.

    Returns
    -------
    (run, row) tensor
        Overwritten by the next call.
    """
    data = system.data_gradient(state.position, drive.minibatch, drive.noise)
    out = state.buffers.get("gradient")
    if out is None:
        out = torch.empty_like(state.position)
        state.buffers["gradient"] = out
    return system.assemble(data.rows, state.position, out)
