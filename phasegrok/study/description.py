"""The description of a study: everything that is asked for, as frozen plain data."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal, final

from phasegrok.errors import InvalidStudyError
from phasegrok.study.control import Point, grid_points
from phasegrok.study.part import Part
from phasegrok.study.recording import Recording

__all__ = ["Energy", "Event", "Exchange", "Plan", "Ramp", "Study"]


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
        object.__setattr__(self, "penalties", tuple(self.penalties))
        _require_non_negative("temperature", self.temperature)
        decay = self.weight_decay
        if isinstance(decay, str):
            if decay != "prior":
                raise InvalidStudyError(
                    "weight_decay must be a number, a table of numbers by layer or 'prior', "
                    f"received {decay!r}."
                )
        elif isinstance(decay, Mapping):
            for layer, value in decay.items():
                _require_non_negative(f"weight_decay of the layer {layer!r}", value)
        else:
            _require_non_negative("weight_decay", decay)


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
            For fewer than two knots, or steps that do not increase.
        """
        knots = tuple((int(step), float(value)) for step, value in self.knots)
        object.__setattr__(self, "knots", knots)
        steps = [step for step, _ in knots]
        if len(knots) < 2 or any(b <= a for a, b in pairwise(steps)):
            raise InvalidStudyError(
                f"the ramp of {self.control!r} needs at least two knots with increasing steps, "
                f"received {knots}."
            )
        for _, value in knots:
            _require_non_negative(f"ramp of {self.control!r}", value)

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
            For an unknown direction or a spacing below 1.
        """
        if self.direction not in ("above", "below") or self.every < 1:
            raise InvalidStudyError(
                f"the event {self.name!r} needs direction 'above' or 'below' and every >= 1, "
                f"received {self.direction!r} and {self.every}."
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
            For fewer than two rungs, equal rungs or a spacing below 1.
        """
        rungs = tuple(float(value) for value in self.rungs)
        object.__setattr__(self, "rungs", rungs)
        if len(set(rungs)) < 2 or len(set(rungs)) < len(rungs) or self.every < 1:
            raise InvalidStudyError(
                f"the exchange ladder of {self.control!r} needs at least two different rungs "
                f"and every >= 1, received rungs {rungs} and every {self.every}."
            )


@final
@dataclass(frozen=True, kw_only=True)
class Plan:
    """Which runs are asked for; the plan of a study may grow, its identity may not.

    Parameters
    ----------
    grid : mapping
        Control to values; all combinations are run.
    points : sequence of mapping
        Scattered points in control space, run besides the grid.
    disorders : int
        Number of draws of teacher and data.
    replicas : int
        Number of runs per disorder and start, each with its own initial state and noise.
    starts : sequence of str
        How initial states are made, such as ("prior", "aligned").
    """

    grid: Mapping[str, Any] = field(default_factory=dict)
    points: Sequence[Mapping[str, Any]] = ()
    disorders: int = 1
    replicas: int = 1
    starts: Sequence[str] = ("prior",)

    def __post_init__(self) -> None:
        """Refuse a plan without runs.

        Raises
        ------
        InvalidStudyError
            For counts below 1, no starts, or an empty grid axis.
        """
        object.__setattr__(self, "points", tuple(dict(point) for point in self.points))
        object.__setattr__(self, "starts", tuple(self.starts))
        object.__setattr__(self, "grid", dict(self.grid))
        for name in ("disorders", "replicas"):
            if int(getattr(self, name)) < 1:
                raise InvalidStudyError(
                    f"the plan needs {name} >= 1, received {getattr(self, name)}."
                )
        if not self.starts:
            raise InvalidStudyError("the plan needs at least one start, received none.")
        self.control_points()

    def control_points(self) -> list[Point]:
        """All points of the grid, then the scattered ones, each once."""
        points = grid_points(self.grid) if self.grid or not self.points else []
        points += [dict(point) for point in self.points]
        unique = {repr(sorted(point.items())): point for point in points}
        return list(unique.values())


@final
@dataclass(frozen=True, kw_only=True)
class Study:
    """All runs of one description, kept in one folder.

    Parameters
    ----------
    name : str
        Title.
    seed : int
        The seed from which every other one is derived.
    task, network, dynamics : Part
        What is learned, by what, and how the parameters move.
    energy : Energy
        Temperature, weight decay and extra terms.
    recording : Recording
        What is kept, and when.
    plan : Plan
        Which runs.
    ramps : sequence of Ramp
        Controls that change within a run.
    events : sequence of Event
        Crossings that are dated.
    exchange : Exchange or None
        A ladder: each planned run becomes one unit with a walker per rung.
    dtype : {"float32", "float64"}
        Precision of the parameters.
    divergence_factor : float
        A run whose energy exceeds this factor times the larger of its first energy and the
        thermal ½PT of its P parameters has diverged.
    """

    name: str
    seed: int
    task: Part
    network: Part
    dynamics: Part
    recording: Recording
    energy: Energy = field(default_factory=Energy)
    plan: Plan = field(default_factory=Plan)
    ramps: Sequence[Ramp] = ()
    events: Sequence[Event] = ()
    exchange: Exchange | None = None
    dtype: Literal["float32", "float64"] = "float32"
    divergence_factor: float = 1e4

    def __post_init__(self) -> None:
        """Refuse a study that could not be carried out.

        Raises
        ------
        InvalidStudyError
            For an unknown dtype, or a seed that is not a whole number.
        """
        object.__setattr__(self, "ramps", tuple(self.ramps))
        object.__setattr__(self, "events", tuple(self.events))
        if self.dtype not in ("float32", "float64"):
            raise InvalidStudyError(
                f"dtype must be 'float32' or 'float64', received {self.dtype!r}."
            )
        if not self.divergence_factor > 1.0:
            raise InvalidStudyError(
                f"divergence_factor must be larger than 1, received {self.divergence_factor!r}."
            )
        if isinstance(self.seed, bool) or not isinstance(self.seed, int):
            raise InvalidStudyError(f"seed must be a whole number, received {self.seed!r}.")


def _require_non_negative(name: str, value: Any) -> None:
    number = not isinstance(value, bool) and isinstance(value, int | float)
    if not number or not math.isfinite(value) or value < 0.0:
        raise InvalidStudyError(
            f"{name} must be a finite number and not negative, received {value!r}."
        )
