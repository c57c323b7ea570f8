"""The conditions under which a run trains: its energy, what changes in it, what it meets."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, final

from phasegrok.errors import InvalidStudyError, did_you_mean
from phasegrok.study.checks import (
    plain_value,
    require_boolean,
    require_kind,
    require_kinds,
    require_list,
    require_non_negative,
    require_number,
    require_table,
    require_text,
    require_whole,
)
from phasegrok.study.part import Part
from phasegrok.study.recording import STEPS_LIMIT

__all__ = ["Energy", "Event", "Exchange", "Ramp"]


@final
@dataclass(frozen=True, kw_only=True)
class Energy:
    """The energy U = L + ½ Σ_l λ_l |θ_l|² + Σ_k penalty_k and its temperature.

    Parameters
    ----------
    temperature : float
        T of the stationary law exp(-U/T); 0 for dynamics without noise.
    weight_decay : "prior", float or mapping
        λ of every layer, or one per layer name. "prior" takes λ_l = T / v_l from the prior
        variances v_l of the network, so that exp(-U/T) is a Bayesian posterior.
    penalties : sequence of Part
        Named extra terms; the option ``strength`` of each may be a control
        ``penalty_<name>.strength``.
    """

    temperature: float = 0.0
    weight_decay: Any = 0.0
    penalties: Sequence[Part] = ()

    def __post_init__(self) -> None:
        """Refuse what has no stationary law.

        Raises
        ------
        InvalidStudyError
            For a negative or infinite temperature or weight decay.
        """
        penalties = require_kinds("penalties", self.penalties, Part)
        temperature = require_non_negative("temperature", self.temperature)
        decay = plain_value(self.weight_decay)
        object.__setattr__(self, "penalties", penalties)
        object.__setattr__(self, "temperature", temperature)
        object.__setattr__(self, "weight_decay", decay)
        if isinstance(decay, str):
            if decay != "prior":
                raise InvalidStudyError(
                    "weight_decay must be a number, a table of numbers by layer or 'prior', "
                    f"received {decay!r}; write one of these." + did_you_mean(decay, ["prior"])
                )
        elif isinstance(decay, Mapping):
            for layer, value in require_table("weight_decay", decay).items():
                require_non_negative(f"weight_decay of the layer {layer!r}", value)
        else:
            require_non_negative("weight_decay", decay)


@final
@dataclass(frozen=True, kw_only=True)
class Ramp:
    """A control that follows a schedule within a run.

    Parameters
    ----------
    control : str
        "temperature", "weight_decay" or "weight_decay.<layer>".
    knots : sequence of (step, value)
        Linear between knots, constant before the first and after the last.
    """

    control: str
    knots: Sequence[tuple[int, float]]

    def __post_init__(self) -> None:
        """Refuse knots that do not increase.

        Raises
        ------
        InvalidStudyError
            For fewer than two knots, steps that do not increase, or what is no pair of a step
            and a value.
        """
        require_text("the control of a ramp", self.control)
        where = f"the ramp of {self.control!r}"
        knots = tuple(
            _knot(where, knot) for knot in require_list(f"knots of {where}", self.knots)
        )
        object.__setattr__(self, "knots", knots)
        steps = [step for step, _ in knots]
        if len(knots) < 2 or any(b <= a for a, b in pairwise(steps)):
            raise InvalidStudyError(
                f"the ramp of {self.control!r} needs at least two knots with increasing steps, "
                f"received {knots}; write them as [[step, value], [later step, value]]."
            )
        for _, value in knots:
            require_non_negative(f"ramp of {self.control!r}", value)

    @property
    def direction(self) -> str:
        """Way the values at the knots go: "up", "down" or "around"."""
        values = [value for _, value in self.knots]
        changes = [b - a for a, b in pairwise(values)]
        if all(change >= 0.0 for change in changes):
            return "up"
        return "down" if all(change <= 0.0 for change in changes) else "around"


@final
@dataclass(frozen=True, kw_only=True)
class Event:
    """A crossing of a threshold by an observable, dated between two steps.

    Parameters
    ----------
    name : str
        The variables are ``event_<name>_lower`` and ``event_<name>_upper``, in steps.
    observable : Part
        A scalar observable of a run.
    threshold : float
        Level that is crossed.
    direction : {"above", "below"}
        Which side counts as having happened.
    every : int
        Steps between looks: 1 looks at every step.
    stop : bool
        End the run when it happens.
    """

    name: str
    observable: Part
    threshold: float
    direction: Literal["above", "below"] = "above"
    every: int = 1
    stop: bool = False

    def __post_init__(self) -> None:
        """Refuse a word or a spacing that means nothing.

        Raises
        ------
        InvalidStudyError
            For an unknown direction, a spacing below 1, a threshold that is no finite number,
            or a name that could not be part of a variable's.
        """
        if not re.fullmatch(r"[\w-]+", require_text("the name of an event", self.name)):
            raise InvalidStudyError(
                "the name of an event must hold only letters, digits, _ and -, "
                f"received {self.name!r}; it becomes part of the names of variables."
            )
        where = f"the event {self.name!r}"
        require_kind(f"the observable of {where}", self.observable, Part)
        threshold = require_number(f"threshold of {where}", self.threshold)
        object.__setattr__(self, "threshold", threshold)
        object.__setattr__(self, "every", require_whole(f"every of {where}", self.every))
        object.__setattr__(self, "stop", require_boolean(f"stop of {where}", self.stop))
        if self.direction not in ("above", "below") or self.every < 1:
            raise InvalidStudyError(
                f"the event {self.name!r} needs direction 'above' or 'below' and every >= 1, "
                f"received {self.direction!r} and {self.every}; change what differs."
            )


@final
@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A ladder of runs that exchange the value of one control.

    Parameters
    ----------
    control : str
        "temperature", "weight_decay" or "weight_decay.<layer>".
    rungs : sequence of float
        Values of the control, at least two.
    every : int
        Steps between attempted exchanges.
    """

    control: str
    rungs: Sequence[float]
    every: int = 1

    def __post_init__(self) -> None:
        """Refuse a ladder that cannot exchange.

        Raises
        ------
        InvalidStudyError
            For fewer than two rungs, equal rungs, a spacing below 1, or rungs that are no
            finite numbers.
        """
        require_text("the control of the exchange", self.control)
        where = f"the exchange ladder of {self.control!r}"
        values = require_list(f"rungs of {where}", self.rungs)
        rungs = tuple(float(require_number(f"every rung of {where}", each)) for each in values)
        object.__setattr__(self, "every", require_whole(f"every of {where}", self.every))
        object.__setattr__(self, "rungs", rungs)
        if len(set(rungs)) < 2 or len(set(rungs)) < len(rungs) or self.every < 1:
            raise InvalidStudyError(
                f"the exchange ladder of {self.control!r} needs at least two different rungs "
                f"and every >= 1, received rungs {rungs} and every {self.every}; change what "
                "differs."
            )


def _knot(where: str, knot: Any) -> tuple[int, float]:
    pair = require_list(f"every knot of {where}", knot)
    if len(pair) != 2:
        raise InvalidStudyError(
            f"every knot of {where} must be a step and a value, received {knot!r}; "
            "write it as [step, value]."
        )
    step = require_whole(f"every step of {where}", pair[0], maximum=STEPS_LIMIT)
    return step, float(require_number(f"every value of {where}", pair[1]))
