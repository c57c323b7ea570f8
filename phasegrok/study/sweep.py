"""A control that is swept at a rate, from one end of its range to the other."""

from dataclasses import dataclass
from typing import Final, Literal, final

from phasegrok.errors import InvalidStudyError, did_you_mean
from phasegrok.study.checks import require_non_negative, require_number, require_text
from phasegrok.study.conditions import Ramp
from phasegrok.study.recording import STEPS_LIMIT

__all__ = ["Sweep"]

_DIRECTIONS: Final = ("up", "down", "around")


@final
@dataclass(frozen=True, kw_only=True)
class Sweep:
    """A control that moves at a constant rate; the run ends where its way ends.

    `rate` and `direction` may be controls of the plan: runs of all rates and directions then
    share a batch, and each makes the same number of records, evenly along its own way.

    Parameters
    ----------
    control : str
        "temperature", "weight_decay", "weight_decay.<layer>", a number of the dynamics, or a
        number of the task in which the targets are affine.
    low, high : float
        Ends of the range.
    rate : float
        |dg/dt|, per unit of time, above zero.
    direction : {"up", "down", "around"}
        From low to high, from high to low, or from low to high and back.
    wait : float
        Time at the first value before the sweep, without records.
    """

    control: str
    low: float
    high: float
    rate: float
    direction: Literal["up", "down", "around"] = "up"
    wait: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a sweep that goes nowhere.

        Raises
        ------
        InvalidStudyError
            For an empty range, a rate that is not positive or a direction that is none.
        """
        require_text("the control of the sweep", self.control)
        for name in ("low", "high", "wait"):
            value = require_non_negative(f"{name} of the sweep", getattr(self, name))
            object.__setattr__(self, name, value)
        object.__setattr__(self, "rate", require_number("rate of the sweep", self.rate))
        if not self.high > self.low:
            raise InvalidStudyError(
                f"the sweep of {self.control!r} needs high above low, received low = "
                f"{self.low:g} and high = {self.high:g}; its direction is set by 'direction'."
            )
        if not self.rate > 0.0:
            raise InvalidStudyError(
                f"the sweep of {self.control!r} needs a rate above zero, received "
                f"{self.rate:g}; its direction is set by 'direction'."
            )
        if self.direction not in _DIRECTIONS:
            raise InvalidStudyError(
                f"the direction of a sweep must be one of {list(_DIRECTIONS)}, received "
                f"{self.direction!r}." + did_you_mean(str(self.direction), _DIRECTIONS)
            )

    def ramp(self, time_per_step: float) -> Ramp:
        """Give the schedule in steps.

        Parameters
        ----------
        time_per_step : float
            Of one update.

        Returns
        -------
        Ramp
            Its way has a whole number of steps, at least one each way.

        Raises
        ------
        InvalidStudyError
            For more steps than a run can have.
        """
        wait = self.wait / time_per_step
        way = (self.high - self.low) / (self.rate * time_per_step)
        if not wait + 2.0 * way < STEPS_LIMIT:
            raise InvalidStudyError(
                f"the sweep of {self.control!r} at the rate {self.rate:g} takes {way:.3g} "
                f"steps of {time_per_step:g}; at most {STEPS_LIMIT:g} can be made; raise the "
                "rate."
            )
        first, steps = round(wait), max(round(way), 1)
        ends = [self.high, self.low] if self.direction == "down" else [self.low, self.high]
        ends += [self.low] if self.direction == "around" else []
        knots = [(first + index * steps, value) for index, value in enumerate(ends)]
        return Ramp(control=self.control, knots=knots)
