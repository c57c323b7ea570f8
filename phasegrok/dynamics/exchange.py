"""Replica exchange: walkers of a ladder swap the values of one control."""

import math
from collections.abc import Sequence
from typing import final

import torch
from torch import Generator, Tensor

from phasegrok.dynamics.integrator import Integrator, Settings, State
from phasegrok.dynamics.ramps import apply_control
from phasegrok.dynamics.snapshot import Snapshot
from phasegrok.dynamics.system import System
from phasegrok.dynamics.traffic import Traffic
from phasegrok.study import Exchange

__all__ = ["RUNG", "Ladders"]

RUNG = "rung"
"""Variable with the present rung of each walker at each record."""


@final
class Ladders:
    """The ladders of a batch; a walker's rung changes, its weights stay its own.

    A swap of the controls of walkers i and j is accepted with probability
    min{1, exp[u_i(θ_i) + u_j(θ_j) - u_i(θ_j) - u_j(θ_i)]}, u = U/T, so the joint law is kept
    (Hukushima and Nemoto, J. Phys. Soc. Jpn. 65, 1604, 1996).

    Parameters
    ----------
    exchange : Exchange
        Control, rungs and interval.
    units : sequence of str
        Ladder of each run; runs of one ladder lie together.
    rungs : sequence of int
        First rung of each run.
    generators : dict of torch.Generator
        One per ladder.
    """

    def __init__(
        self,
        exchange: Exchange,
        *,
        units: Sequence[str],
        rungs: Sequence[int],
        generators: dict[str, Generator],
    ) -> None:
        self.exchange = exchange
        self.rung = torch.tensor(rungs, dtype=torch.int64)
        self._members = {
            unit: [index for index, each in enumerate(units) if each == unit]
            for unit in generators
        }
        self._generators = generators
        self._attempts = 0
        self.traffic = Traffic(self.rung, top=len(exchange.rungs) - 1)

    def attempt(
        self, state: State, system: System, settings: Settings, integrator: Integrator
    ) -> None:
        """Try to swap every second pair of neighbouring rungs of every ladder."""
        reduced = self._reduced_energies(state, system).tolist()
        before = self._values(self.rung).to(system.temperature)
        for unit, source in self._generators.items():
            self._attempt_one(unit, source, reduced)
        self.traffic.count(self.rung)
        self._attempts += 1
        values = self._values(self.rung).to(system.temperature)
        apply_control(self.exchange.control, values, system, settings)
        if self.exchange.control == "temperature" and not system.whitened:
            ratio = (values / before)[:, None].to(state.position.dtype)
            integrator.rescale(state, ratio)

    def snapshot(self) -> Snapshot:
        """Give the rungs, and the states of the generators."""
        return {
            "rung": self.rung.clone(),
            "attempts": self._attempts,
            "traffic": self.traffic.snapshot(),
            "generators": {unit: each.get_state() for unit, each in self._generators.items()},
        }

    def restore(self, snapshot: Snapshot) -> None:
        """Go on where a snapshot was taken."""
        self.rung = snapshot["rung"]
        self._attempts = snapshot["attempts"]
        self.traffic.restore(snapshot["traffic"])
        for unit, source in self._generators.items():
            source.set_state(snapshot["generators"][unit])

    def _attempt_one(
        self, unit: str, source: Generator, reduced: Sequence[Sequence[float]]
    ) -> None:
        uniform = torch.rand(len(self.exchange.rungs), generator=source, dtype=torch.float64)
        chances = uniform.tolist()
        walker = {int(self.rung[row]): row for row in self._members[unit]}
        home = {int(self.traffic.home[row]): row for row in self._members[unit]}
        for lower in range(self._attempts % 2, len(chances) - 1, 2):
            i, j = walker[lower], walker[lower + 1]
            gain = reduced[i][lower] + reduced[j][lower + 1]
            gain = gain - reduced[i][lower + 1] - reduced[j][lower]
            accepted = chances[lower] < math.exp(min(gain, 0.0))
            if accepted:
                self.rung[i], self.rung[j] = lower + 1, lower
            self.traffic.note_attempt(home[lower], accepted=accepted)

    def _reduced_energies(self, state: State, system: System) -> Tensor:
        """U/T of every walker at every rung, (run, rung) float64."""
        weights = system.weights(state.position).clone()
        loss = system.loss(state.position)
        columns = []
        kept = (system.temperature, dict(system.decay), dict(system.prior))
        for rung in range(len(self.exchange.rungs)):
            values = self._values(torch.full_like(self.rung, rung)).to(system.temperature)
            apply_control(self.exchange.control, values, system, {})
            columns.append(system.full_energy(weights, loss) / system.temperature)
        system.temperature, system.decay, system.prior = kept
        return torch.stack(columns, dim=1).cpu()

    def _values(self, rungs: Tensor) -> Tensor:
        return torch.tensor(self.exchange.rungs, dtype=torch.float64)[rungs]
