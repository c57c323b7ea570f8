"""Controls that change within a run."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from phasegrok.dynamics.integrator import Settings
from phasegrok.dynamics.system import System
from phasegrok.errors import InvalidStudyError, did_you_mean
from phasegrok.study import Ramp

__all__ = ["apply_control", "apply_ramps", "check_control", "control_now", "ramp_value"]


def ramp_value(ramp: Ramp, step: int) -> float:
    """Value of the control at a step: linear between knots, constant outside."""
    steps, values = zip(*ramp.knots, strict=True)
    return float(np.interp(step, steps, values))


def check_control(control: str, layers: Sequence[str], settings: Sequence[str]) -> None:
    """Refuse a control that cannot change within a run.

    Raises
    ------
    InvalidStudyError
        With the controls that can.
    """
    known = ["temperature", "weight_decay", *(f"weight_decay.{name}" for name in layers)]
    known += list(settings)
    if control not in known:
        raise InvalidStudyError(
            f"{control!r} cannot change within a run." + did_you_mean(control, known)
        )


def apply_ramps(ramps: Sequence[Ramp], step: int, system: System, settings: Settings) -> None:
    """Set every ramped control to its value at a step."""
    for ramp in ramps:
        values = torch.full_like(system.temperature, ramp_value(ramp, step))
        apply_control(ramp.control, values, system, settings)


def apply_control(control: str, values: Tensor, system: System, settings: Settings) -> None:
    """Set one control of every run.

    Parameters
    ----------
    control : str
        "temperature", "weight_decay", "weight_decay.<layer>" or an option of the integrator.
    values : (run,) float64 tensor
        New values.
    system, settings
        Where they act.
    """
    if control == "temperature":
        system.set_temperature(values)
    elif control == "weight_decay":
        for layer in list(system.decay):
            system.set_decay(layer, values)
    elif control.startswith("weight_decay."):
        system.set_decay(control.removeprefix("weight_decay."), values)
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
    return settings[control][:, 0].double()
