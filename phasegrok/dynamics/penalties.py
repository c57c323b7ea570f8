"""Named extra terms of the energy."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from phasegrok.errors import InvalidStudyError
from phasegrok.networks import Layout, Parameters
from phasegrok.study import Part, build_part, checks, penalty_name

__all__ = ["PENALTIES", "NamedPenalty", "Penalty", "QuarticPenalty", "build_penalties"]


class Penalty(ABC):
    """An energy of the weights of one run; the library multiplies it by its strength."""

    @abstractmethod
    def energy(self, parameters: Parameters) -> Tensor:
        """Energy () of one run's weights {name: (*shape)}, differentiable by torch."""


@final
@dataclass(frozen=True, kw_only=True)
class QuarticPenalty(Penalty):
    """¼ Σ θ⁴: confines weights harder than weight decay far out and not at all near zero."""

    def energy(self, parameters: Parameters) -> Tensor:
        """See `Penalty.energy`."""
        terms = [0.25 * each.square().square().sum() for each in parameters.values()]
        return torch.stack(terms).sum()


PENALTIES: dict[str, Callable[..., Penalty]] = {"quartic": QuarticPenalty}
"""Built-in kinds, by the name used in a study."""


@final
class NamedPenalty:
    """A penalty, its name, and its strength in each run.

    Parameters
    ----------
    name : str
        The variable is ``penalty_<name>``, without the strength.
    penalty : Penalty
        The term.
    strength : (run,) float64 tensor
        Its factor in the energy.
    """

    def __init__(self, name: str, penalty: Penalty, strength: Tensor) -> None:
        self.name = name
        self.strength = strength
        self._penalty = penalty

    def energy(self, rows: Tensor, layout: Layout) -> Tensor:
        """The term without its strength, (run,) float64."""
        with torch.no_grad():
            values = [self._of_one(row, layout) for row in rows.double()]
        return torch.stack(values)

    def add_gradient(self, rows: Tensor, layout: Layout, out: Tensor) -> None:
        """Add strength times gradient to rows (run, row), one run at a time."""
        for run, row in enumerate(rows):
            leaf = row.detach().clone().requires_grad_()
            (gradient,) = torch.autograd.grad(self._of_one(leaf, layout), leaf)
            out[run] += gradient * self.strength[run].to(out.dtype)

    def select(self, rows: Sequence[int]) -> None:
        """Keep some runs."""
        self.strength = self.strength[list(rows)]

    def _of_one(self, row: Tensor, layout: Layout) -> Tensor:
        parameters = {name: view[0] for name, view in layout.split(row[None]).items()}
        return self._penalty.energy(parameters)


def build_penalties(
    per_run: Sequence[Sequence[Part]], device: torch.device
) -> tuple[NamedPenalty, ...]:
    """Make the penalties of a batch.

    Parameters
    ----------
    per_run : sequence over runs of sequence of Part
        Equal but for the option ``strength``, 1 where it is not given.
    device : torch.device
        Where the strengths live.

    Returns
    -------
    tuple of NamedPenalty
        In the order of the study.

    Raises
    ------
    InvalidStudyError
        For an unknown kind, a plug-in that is no penalty, or a name or strength of the wrong
        type.
    """
    penalties = []
    for index, description in enumerate(per_run[0]):
        options = {
            k: v for k, v in description.options.items() if k not in ("name", "strength")
        }
        if "name" in description.options:
            checks.require_text(_option("name", description), description.options["name"])
        built = build_part(Part(description.kind, options), PENALTIES, "penalty")
        if not isinstance(built, Penalty):
            raise InvalidStudyError(
                f"the penalty {description.kind!r} must be a phasegrok.dynamics.Penalty, "
                f"received {type(built).__name__}. See docs/extending.md."
            )
        strengths = [_strength(parts[index]) for parts in per_run]
        strength = torch.tensor(strengths, dtype=torch.float64, device=device)
        penalties.append(NamedPenalty(penalty_name(per_run[0], index), built, strength))
    return tuple(penalties)


def _strength(description: Part) -> float:
    given = description.options.get("strength", 1.0)
    return float(checks.require_number(_option("strength", description), given))


def _option(name: str, description: Part) -> str:
    return f"the option {name!r} of the penalty {description.kind!r}"
