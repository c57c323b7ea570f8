"""Overdamped Langevin dynamics by the Euler-Maruyama scheme."""

from dataclasses import dataclass
from typing import Literal, final

from phasegrok.dynamics.integrator import (
    Drive,
    Integrator,
    Settings,
    State,
    assembled_gradient,
)
from phasegrok.dynamics.system import System
from phasegrok.dynamics.validation import check_coordinates, require_positive

__all__ = ["Langevin"]


@final
@dataclass(frozen=True, kw_only=True)
class Langevin(Integrator):
    """z ← z - η ∂V/∂z + √(2ηT) ξ, the Euler scheme of dθ = -∇U dt + √(2T) dW.

    On a quadratic energy ½λz² its stationary variance is T/[λ(1 - ηλ/2)], larger than T/λ.

    Parameters
    ----------
    step_size : float
        η, a time.
    coordinates : {"plain", "whitened"}
        Whitened coordinates equilibrate faster but change the kinetics.
    minibatch_size : int
        Examples per gradient; 0 for all. Minibatch noise heats the dynamics.
    """

    step_size: float
    coordinates: Literal["plain", "whitened"] = "plain"
    minibatch_size: int = 0

    def __post_init__(self) -> None:
        """Refuse values without meaning."""
        require_positive("langevin", step_size=self.step_size)
        check_coordinates(self.coordinates)

    def begin(self, state: State, system: System, settings: Settings) -> None:
        """Nothing is kept between steps."""

    def step(self, state: State, system: System, drive: Drive) -> None:
        """One Euler step."""
        step_size = drive.settings["step_size"]
        gradient = assembled_gradient(state, system, drive)
        amplitude = (2.0 * step_size * system.bath).sqrt()
        state.position.addcmul_(gradient, step_size, value=-1.0)
        state.position.addcmul_(drive.normal.next(), amplitude)
        state.time += step_size[:, 0].double()
