"""What makes a run, and the seed and the name that follow from it, never from its position."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, final

import numpy as np

from phasegrok.exact.checking import whole_number
from phasegrok.exact.limits import require_run_memory
from phasegrok.seeding import Label, digest, seed

__all__ = ["RunLabels", "Source", "laid_out"]


@final
@dataclass(frozen=True, kw_only=True)
class RunLabels:
    """What tells one run from all others of its system.

    Parameters
    ----------
    controls : mapping
        Value of each control, the size included.
    replica : int
        Which of the runs that are alike but for their random numbers.
    start : str
        How the initial state was made; "independent" where draws have no memory.
    disorder : int
        Which draw of the quenched disorder.
    details : mapping
        Numbers that define this run besides its controls.
    """

    controls: Mapping[str, float]
    replica: int
    start: str = "independent"
    disorder: int = 0
    details: Mapping[str, float] = field(default_factory=dict)

    def plain(self) -> dict[str, Label]:
        """All labels by name; a control never bears the name of another label."""
        own: dict[str, Label] = {
            "replica": self.replica,
            "start": self.start,
            "disorder": self.disorder,
        }
        return {**self.controls, **self.details, **own}


@final
@dataclass(frozen=True, kw_only=True)
class Source:
    """Where samples come from.

    Parameters
    ----------
    system : str
        What was sampled; part of every seed.
    seed : int
        Seed that the caller chose.
    integrator : str
        How states follow each other.
    physical_kinetics : bool
        Whether time has a physical meaning.
    parameters : mapping
        What else defines the system, the same for all runs; part of every seed.

    Raises
    ------
    InvalidValueError
        If the seed is not a whole number of at least 0.
    """

    system: str
    seed: int
    integrator: str
    physical_kinetics: bool = False
    parameters: Mapping[str, Label] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the seed."""
        whole_number("seed", self.seed, minimum=0)

    def generator(self, labels: Mapping[str, Label]) -> np.random.Generator:
        """Make the random numbers that belong to the labels, whatever else is sampled."""
        every = {**self.parameters, **labels}
        return np.random.default_rng(seed(int(self.seed), self.system, every))

    def run_id(self, run: RunLabels) -> str:
        """Name a run by what makes it."""
        return digest([self.system, self.identity(), run.plain()])

    def identity(self) -> dict[str, Any]:
        """What all runs share, so that datasets of several sizes have one identity."""
        return {"exact": self.system, "seed": int(self.seed), **self.parameters}


def laid_out(
    points: Sequence[Mapping[str, float]],
    *,
    replica_count: int,
    starts: Sequence[str] = ("independent",),
    disorder_count: int = 1,
) -> list[RunLabels]:
    """List the runs of several points.

    Parameters
    ----------
    points : sequence of mapping
        Controls, the size included.
    replica_count : int
        Runs per point, disorder and start.
    starts : sequence of str
        Initial states.
    disorder_count : int
        Draws of the disorder.

    Returns
    -------
    list of RunLabels
        Sorted by point, disorder, start and replica.

    Raises
    ------
    InvalidValueError
        If a count is not a whole number of at least 1, or there are more runs than fit.
    """
    replicas = whole_number("replica_count", replica_count, minimum=1)
    disorders = whole_number("disorder_count", disorder_count, minimum=1)
    require_run_memory(len(points) * len(starts) * replicas * disorders)
    return [
        RunLabels(controls=point, disorder=disorder, start=start, replica=replica)
        for point, disorder, start, replica in product(
            points, range(disorders), starts, range(replicas)
        )
    ]
