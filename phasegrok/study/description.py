"""The description of a study: what is asked for as a whole, and the plan of its runs."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, final

from phasegrok.errors import InvalidStudyError
from phasegrok.study.checks import (
    plain_value,
    require_kind,
    require_kinds,
    require_list,
    require_number,
    require_table,
    require_text,
    require_whole,
)
from phasegrok.study.conditions import Energy, Event, Exchange, Ramp
from phasegrok.study.control import (
    Point,
    axis_values,
    grid_points,
    point_key,
    scattered_point,
)
from phasegrok.study.part import Part
from phasegrok.study.recording import Recording
from phasegrok.study.sweep import Sweep
from phasegrok.study.umbrella import Umbrella

__all__ = ["RUNS_LIMIT", "Plan", "Study", "require_study"]

RUNS_LIMIT = 10**6
"""Most runs of one study; beyond, telling which are left takes minutes and gigabytes."""


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
    more : sequence of Plan
        Plans whose runs are asked for besides, such as more replicas at a few points. A run
        that several ask for is made once.
    """

    grid: Mapping[str, Any] = field(default_factory=dict)
    points: Sequence[Mapping[str, Any]] = ()
    disorders: int = 1
    replicas: int = 1
    starts: Sequence[str] = ("prior",)
    more: Sequence["Plan"] = ()

    def __post_init__(self) -> None:
        """Refuse a plan without runs.

        Raises
        ------
        InvalidStudyError
            For counts below 1, no starts or one given twice, an empty grid axis, more runs
            than `RUNS_LIMIT`, plans within plans within a plan, or a field of the wrong kind.
        """
        points = require_list("points of the plan", self.points)
        object.__setattr__(self, "points", tuple(scattered_point(point) for point in points))
        axes = require_table("grid of the plan", self.grid).items()
        object.__setattr__(self, "grid", {name: _plain_axis(axis) for name, axis in axes})
        for name in ("disorders", "replicas"):
            count = require_whole(f"{name} of the plan", getattr(self, name))
            object.__setattr__(self, name, count)
            if count < 1:
                raise InvalidStudyError(
                    f"the plan needs {name} >= 1, received {count}; ask for one or more."
                )
        object.__setattr__(self, "starts", _starts(self.starts))
        object.__setattr__(self, "more", require_kinds("more of the plan", self.more, Plan))
        if any(each.more for each in self.more):
            raise InvalidStudyError(
                "what a plan asks for besides must be plans without more of their own; list "
                "all of them in the outer one."
            )
        self.refuse_too_many_runs()
        self.control_points()

    def refuse_too_many_runs(self, *, rungs: int = 1) -> None:
        """Count the runs without making them.

        Parameters
        ----------
        rungs : int
            Walkers of every run, where an exchange ladder asks for several.

        Raises
        ------
        InvalidStudyError
            With what the plan asks for, if that is more than `RUNS_LIMIT`.
        """
        factors = [each.run_factors(rungs) for each in self.entries()]
        runs = sum(math.prod(each.values()) for each in factors)
        if runs > RUNS_LIMIT:
            asked = " and ".join(
                ", ".join(f"{count} {name}" for name, count in each.items() if count > 1)
                for each in factors[:3]
            )
            raise InvalidStudyError(
                f"the plan asks for {runs} runs: {asked}; at most {RUNS_LIMIT} can be asked "
                "for; lower these numbers, or make several studies of it."
            )

    def run_factors(self, rungs: int = 1) -> dict[str, int]:
        """Numbers whose product is the number of runs, `more` aside."""
        points = len(self.points)
        if self.grid or not self.points:
            points += math.prod(len(axis_values(*axis)) for axis in self.grid.items())
        return {
            "points": points,
            "disorders": self.disorders,
            "starts": len(self.starts),
            "replicas": self.replicas,
            "rungs": rungs,
        }

    def entries(self) -> "list[Plan]":
        """Give this plan without its `more`, then each of these."""
        return [replace(self, more=()) if self.more else self, *self.more]

    def controls(self) -> list[str]:
        """Names of all controls that are set at any point, in the order of the plan."""
        points = (point for each in self.entries() for point in each.own_points())
        return list(dict.fromkeys(name for point in points for name in point))

    def own_points(self) -> list[Point]:
        """All points of the grid, then the scattered ones, each once; `more` aside."""
        points = grid_points(self.grid) if self.grid or not self.points else []
        return _each_once([*points, *(dict(point) for point in self.points)])

    def control_points(self) -> list[Point]:
        """All points of the grid, then the scattered ones, then those of `more`, each once."""
        return _each_once(point for each in self.entries() for point in each.own_points())


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
    sweep : Sweep or None
        A control that moves at a rate from one end of its range to the other.
    umbrella : Umbrella or None
        A bias that holds runs near a value of an order parameter.
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
    sweep: Sweep | None = None
    umbrella: Umbrella | None = None
    dtype: Literal["float32", "float64"] = "float32"
    divergence_factor: float = 1e4

    @property
    def moving_controls(self) -> list[str]:
        """Controls that change within a run."""
        controls = [ramp.control for ramp in self.ramps]
        controls += [] if self.sweep is None else [self.sweep.control]
        return controls + ([] if self.exchange is None else [self.exchange.control])

    def __post_init__(self) -> None:
        """Refuse a study that could not be carried out.

        Raises
        ------
        InvalidStudyError
            For a field of the wrong kind, an unknown dtype, a divergence factor that every run
            exceeds, or more walkers than `RUNS_LIMIT`.
        """
        require_text("name of the study", self.name)
        for role in ("task", "network", "dynamics"):
            require_kind(role, getattr(self, role), Part)
        require_kind("recording", self.recording, Recording)
        require_kind("energy", self.energy, Energy)
        require_kind("plan", self.plan, Plan)
        if self.exchange is not None:
            require_kind("exchange", self.exchange, Exchange)
            self.plan.refuse_too_many_runs(rungs=len(self.exchange.rungs))
        if self.umbrella is not None:
            require_kind("umbrella", self.umbrella, Umbrella)
        _check_sweep(self.sweep, self.recording, self.exchange)
        object.__setattr__(self, "ramps", require_kinds("ramps", self.ramps, Ramp))
        object.__setattr__(self, "events", require_kinds("events", self.events, Event))
        object.__setattr__(self, "seed", require_whole("seed", self.seed))
        factor = require_number("divergence_factor", self.divergence_factor)
        object.__setattr__(self, "divergence_factor", factor)
        if self.dtype not in ("float32", "float64"):
            raise InvalidStudyError(
                f"dtype must be 'float32' or 'float64', received {self.dtype!r}; write one of "
                "these."
            )
        if not factor > 1.0:
            raise InvalidStudyError(
                f"divergence_factor must be larger than 1, received {factor!r}; 10000 is usual."
            )


def require_study(value: Any) -> Study:
    """Refuse what is no study, such as the path of its file.

    Parameters
    ----------
    value : object
        What was received.

    Returns
    -------
    Study
        The same.

    Raises
    ------
    InvalidStudyError
        With how a file is read.
    """
    if not isinstance(value, Study):
        raise InvalidStudyError(
            f"a phasegrok.study.Study is needed, received {value!r}; read a file with "
            "phasegrok.study.read_study first."
        )
    return value


def _check_sweep(sweep: Sweep | None, recording: Recording, exchange: Exchange | None) -> None:
    if sweep is None:
        if recording.spacing == "sweep":
            raise InvalidStudyError(
                "records along a sweep need one, received spacing = 'sweep' without [sweep]; "
                "add it, or choose another spacing."
            )
        return
    require_kind("sweep", sweep, Sweep)
    if recording.spacing != "sweep" or recording.steps or recording.start:
        raise InvalidStudyError(
            "a sweep sets the length of its runs: the recording needs spacing = 'sweep' and a "
            f"count, without steps and start; received spacing = {recording.spacing!r}, "
            f"steps = {recording.steps} and start = {recording.start}."
        )
    if exchange is not None:
        raise InvalidStudyError(
            "a study needs either a sweep or an exchange ladder, received both: what is swept "
            "has no stationary law that an exchange could keep; remove one of them."
        )


def _each_once(points: Iterable[Point]) -> list[Point]:
    unique: dict[object, Point] = {}
    for point in points:
        unique.setdefault(point_key(point), point)
    return list(unique.values())


def _starts(starts: Any) -> tuple[str, ...]:
    names = tuple(
        require_text("every start of the plan", each)
        for each in require_list("starts of the plan", starts)
    )
    if not names:
        raise InvalidStudyError(
            "the plan needs at least one start, received none; 'prior' is the usual one."
        )
    if len(set(names)) < len(names):
        raise InvalidStudyError(
            f"the plan needs every start once, received {list(names)}; remove the copy, and "
            "ask for more replicas where more runs are wanted."
        )
    return names


def _plain_axis(axis: Any) -> Any:
    plain = plain_value(axis)
    listed = isinstance(plain, Sequence) and not isinstance(plain, str | bytes)
    return list(plain) if listed else plain
