"""Controls that change within a run."""

from collections.abc import Iterator, Sequence
from typing import final

import numpy as np
import torch
from torch import Tensor

from phasegrok.dynamics.integrator import Settings
from phasegrok.dynamics.system import System
from phasegrok.dynamics.umbrella import UmbrellaBias
from phasegrok.errors import InvalidStudyError, did_you_mean
from phasegrok.study import UMBRELLA, Ramp

__all__ = ["MovingControls", "apply_control", "check_control", "control_now", "ramp_value"]

_CENTER = f"{UMBRELLA}center"


def ramp_value(ramp: Ramp, step: int) -> float:
    """Value of the control at a step: linear between knots, constant outside."""
    steps, values = zip(*ramp.knots, strict=True)
    return float(np.interp(step, steps, values))


@final
class MovingControls:
    """The ramps of all runs of a batch: of the same controls, not always with equal knots.

    Parameters
    ----------
    ramps : sequence over runs of sequence of Ramp
        One for each control, in the same order in every run.
    """

    def __init__(self, ramps: Sequence[Sequence[Ramp]]) -> None:
        self._kinds = [list(dict.fromkeys(each)) for each in zip(*ramps, strict=True)]
        self._kind = [
            torch.tensor([kinds.index(ramp) for ramp in own], dtype=torch.int64)
            for kinds, own in zip(self._kinds, zip(*ramps, strict=True), strict=True)
        ]

    @property
    def controls(self) -> list[str]:
        """What moves."""
        return [kinds[0].control for kinds in self._kinds]

    @property
    def are_shared(self) -> bool:
        """Whether all runs have one schedule."""
        return all(len(kinds) == 1 for kinds in self._kinds)

    def at(self, step: int) -> Iterator[tuple[str, Tensor]]:
        """Give every control with its values, (row,) float64, at a step."""
        for kinds, kind in zip(self._kinds, self._kind, strict=True):
            now = [ramp_value(ramp, step) for ramp in kinds]
            yield kinds[0].control, torch.tensor(now, dtype=torch.float64)[kind]

    def select(self, rows: Sequence[int]) -> None:
        """Keep some runs, in this order."""
        self._kind = [kind[list(rows)] for kind in self._kind]


def check_control(control: str, layers: Sequence[str], others: Sequence[str]) -> None:
    """Refuse a control that cannot change within a run.

    Raises
    ------
    InvalidStudyError
        With the controls that can.
    """
    known = ["temperature", "weight_decay", *(f"weight_decay.{name}" for name in layers)]
    known += list(others)
    if control not in known:
        raise InvalidStudyError(
            f"{control!r} cannot change within a run." + did_you_mean(control, known)
        )


def apply_control(control: str, values: Tensor, system: System, settings: Settings) -> None:
    """Set one control of every run.

    Parameters
    ----------
    control : str
        "temperature", "weight_decay", "weight_decay.<layer>", "umbrella.center" or an option of
        the integrator.
    values : (run,) float64 tensor
        New values.
    system, settings
        Where they act.
    """
    if control == "temperature":
        system.set_temperature(values)
    elif control == "weight_decay":
        system.set_decays(dict.fromkeys(system.decay, values))
    elif control.startswith("weight_decay."):
        system.set_decays({control.removeprefix("weight_decay."): values})
    elif control == _CENTER:
        _bias(system).center = values
    else:
        settings[control] = values[:, None].to(settings[control].dtype)


def control_now(control: str, system: System, settings: Settings) -> Tensor:
    """Present value of a control, (run,) float64."""
    if control == "temperature":
        return system.temperature
    if control == "weight_decay":
        return next(iter(system.decay.values()))
    if control.startswith("weight_decay."):
        return system.decay[control.removeprefix("weight_decay.")]
    if control == _CENTER:
        return _bias(system).center
    return settings[control][:, 0].double()


def _bias(system: System) -> UmbrellaBias:
    if system.bias is None:
        raise InvalidStudyError(
            f"{_CENTER!r} cannot change in a study without an umbrella; add [umbrella]."
        )
    return system.bias
