"""Escapes from a metastable phase, looked for after every update and censored at a stop."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
import xarray as xr
from numpy.typing import ArrayLike

from phasegrok.errors import InvalidValueError
from phasegrok.exact.checking import FloatArray, points, require_memory
from phasegrok.exact.checking import whole_number as whole
from phasegrok.exact.curie_weiss_kinetics import (
    curie_weiss_fixed_point,
    move_probabilities,
    require_table_memory,
)
from phasegrok.exact.driven_double_well import double_well_minimum, heun, require_stable
from phasegrok.exact.labels import RunLabels, Source, laid_out
from phasegrok.exact.limits import (
    moderate_number,
    moderate_positive,
    require_moderate,
    require_updates,
)
from phasegrok.exact.samples import Observed, require_dataset_memory, samples_dataset
from phasegrok.schema import RECORD, RUN, Outcome

__all__ = ["curie_weiss_escapes", "double_well_escapes"]

# Updates between two times at which runs that have escaped are left out.
BLOCK_UPDATES: Final = 512

# Of one run in a block: random numbers, path, and the generator.
RUN_BYTES: Final = 40.0 * BLOCK_UPDATES

IntArray = npt.NDArray[np.int64]


class _Block(Protocol):
    """Moves the runs of some indices by a block of updates; gives the path (update, run)."""

    def __call__(self, alive: IntArray, length: int) -> FloatArray: ...


def curie_weiss_escapes(
    *,
    size: int,
    inverse_temperature: float,
    field: ArrayLike,
    exit_magnetization: float,
    stop_time: float,
    replica_count: int,
    seed: int,
) -> xr.Dataset:
    """Let the Curie-Weiss Ising model escape from the phase that points down.

    Parameters
    ----------
    size : int
        Number N of spins.
    inverse_temperature : float
        β of the heat bath, above 1.
    field : array_like
        h, against the phase.
    exit_magnetization : float
        Mean spin at which a run has escaped; choose it beyond the saddle.
    stop_time : float
        Sweeps after which a run that has not escaped is censored.
    replica_count : int
        Runs per field.
    seed : int
        Runs with equal labels (N, β, h, exit, replica) are equal in every call.

    Returns
    -------
    Dataset
        On run: ``event_escape_lower`` and ``event_escape_upper``, the last update before and
        the first after, or the last update and infinity; N updates are one sweep, the unit of
        time. On (run, record): ``magnetization`` at the beginning and the end.

    Raises
    ------
    InvalidValueError
        For numbers without meaning, an exit that the metastable phase lies beyond, or more
        than fits into memory or a day.

    See Also
    --------
    curie_weiss_escape_time : the exact mean.
    """
    count = whole("size", size, minimum=2)
    fixed = {
        "inverse_temperature": moderate_positive("inverse_temperature", inverse_temperature)
    }
    level = moderate_number("exit_magnetization", exit_magnetization)
    if level > 1.0:
        raise InvalidValueError(
            f"exit_magnetization must be at most 1, the largest mean spin, received {level:g}."
        )
    controls = [{**fixed, **each, "size": count} for each in points({"field": field})]
    source = Source(
        system="curie_weiss_escapes",
        seed=seed,
        integrator="glauber",
        physical_kinetics=True,
        parameters={"exit": level},
    )
    require_moderate("field", (point["field"] for point in controls))
    require_table_memory(count, len(controls))
    runs = laid_out(controls, replica_count=replica_count, starts=("low",))
    begin = _each_point(
        runs, lambda point: curie_weiss_fixed_point(start=-1.0, **_without(point, "size"))
    )
    spins_up = np.rint(count * (1 + begin) / 2).astype(np.int64)
    target = int(np.ceil(count * (1 + level) / 2 - 1e-9))
    # A few spins cannot tell the phase from an exit that is near.
    _require_below(np.where(spins_up < target, begin, 1.0), level)
    last = _last_update(moderate_positive("stop_time", stop_time) * count, len(runs))
    advance = _curie_weiss_block(source, runs, spins_up)
    exits, end = _exits(advance, len(runs), last, target)
    values = np.stack([2 * spins_up / count - 1, 2 * end / count - 1], axis=1)
    observed = Observed(values=values, long_name="mean spin")
    return _dataset(source, runs, exits, last, 1 / count, {"magnetization": observed})


def double_well_escapes(
    *,
    barrier: float,
    temperature: ArrayLike,
    exit_coordinate: float = 0.5,
    time_step: float = 0.01,
    stop_time: float,
    replica_count: int,
    seed: int,
) -> xr.Dataset:
    """Let a coordinate escape from the well at -1 of U = a (x² - 1)² by Langevin dynamics.

    Parameters
    ----------
    barrier : float
        a.
    temperature : array_like
        T, above zero; the size is N = 1/T.
    exit_coordinate : float
        Where a run has escaped; beyond the saddle at 0.
    time_step : float
        Of Heun's rule; x is looked at after every step.
    stop_time : float
        Time after which a run that has not escaped is censored.
    replica_count : int
        Runs per temperature.
    seed : int
        Runs with equal labels (a, T, exit, time step, replica) are equal in every call.

    Returns
    -------
    Dataset
        As of `curie_weiss_escapes`, with ``order_parameter``, x, and ``size``.

    Raises
    ------
    InvalidValueError
        For numbers without meaning, a step too long, or more than fits into memory or a day.

    See Also
    --------
    double_well_passage_time : the exact mean.
    """
    step = moderate_positive("time_step", time_step)
    height = moderate_positive("barrier", barrier)
    level = moderate_number("exit_coordinate", exit_coordinate)
    if 8 * height * step > 2:
        raise InvalidValueError(
            f"time_step must stay below 1/(4 barrier) = {1 / (4 * height):g}, beyond which the "
            f"rule is unstable in the wells, received {step:g}; shorten it."
        )
    source = Source(
        system="double_well_escapes",
        seed=seed,
        integrator="heun",
        physical_kinetics=True,
        parameters={
            "barrier": height,
            "time_step": step,
            "exit": level,
        },
    )
    controls = points({"temperature": temperature}, positive=["temperature"])
    require_moderate("temperature", (point["temperature"] for point in controls))
    runs = laid_out(controls, replica_count=replica_count, starts=("low",))
    start = np.full(len(runs), double_well_minimum(barrier=height, field=0.0, side=-1.0))
    _require_below(start, level)
    last = _last_update(moderate_positive("stop_time", stop_time) / step, len(runs))
    advance = _double_well_block(source, runs, start, (height, step))
    exits, end = _exits(advance, len(runs), last, level)
    heat = np.array([run.controls["temperature"] for run in runs])
    observed = Observed(
        values=np.stack([start, end], axis=1), long_name="coordinate in the double well"
    )
    dataset = _dataset(source, runs, exits, last, step, {"order_parameter": observed})
    return dataset.assign_coords(size=(RUN, 1 / heat))


def _without(point: Mapping[str, float], name: str) -> dict[str, float]:
    return {key: value for key, value in point.items() if key != name}


def _each_point(
    runs: Sequence[RunLabels], function: Callable[[Mapping[str, float]], float]
) -> FloatArray:
    """Value of a function of the controls for every run, computed once a point."""
    keys = [tuple(run.controls.items()) for run in runs]
    known = {key: function(dict(key)) for key in dict.fromkeys(keys)}
    return np.array([known[key] for key in keys])


def _require_below(start: FloatArray, level: float) -> None:
    if start.max() >= level:
        raise InvalidValueError(
            f"a run must begin below its exit, received a start of {start.max():.4g} and an "
            f"exit at {level:.4g}; raise the exit, or lower the field to where the phase is "
            "metastable."
        )


def _last_update(updates: float, run_count: int) -> int:
    """Update after which runs are censored."""
    require_updates("the stop_time", updates)
    require_memory(f"blocks of {run_count} runs", RUN_BYTES * run_count)
    return max(1, round(updates))


def _curie_weiss_block(source: Source, runs: Sequence[RunLabels], start: IntArray) -> _Block:
    size = int(runs[0].controls["size"])
    beta = runs[0].controls["inverse_temperature"]
    field = np.array([run.controls["field"] for run in runs])
    distinct, row = np.unique(field, return_inverse=True)
    up, down = (each.reshape(-1) for each in move_probabilities(size, beta, distinct))
    top, offset = 1 - down, row.reshape(-1) * (size + 1)
    place = start + offset
    generators = [source.generator(run.plain()) for run in runs]

    def advance(alive: IntArray, length: int) -> FloatArray:
        numbers = np.stack([generators[run].random(BLOCK_UPDATES) for run in alive], axis=1)
        now, path = place[alive], np.empty((length, alive.size), np.int64)
        for update in range(length):
            rises, falls = numbers[update] < up[now], numbers[update] >= top[now]
            now += rises
            now -= falls
            path[update] = now
        place[alive] = now
        return (path - offset[alive]).astype(np.float64)

    return advance


def _double_well_block(
    source: Source, runs: Sequence[RunLabels], start: FloatArray, numbers: tuple[float, float]
) -> _Block:
    barrier, step = numbers
    noise = np.sqrt(2 * step * np.array([run.controls["temperature"] for run in runs]))
    place = start.copy()
    generators = [source.generator(run.plain()) for run in runs]

    def advance(alive: IntArray, length: int) -> FloatArray:
        kicks = np.stack(
            [noise[run] * generators[run].standard_normal(BLOCK_UPDATES) for run in alive],
            axis=1,
        )
        now, path = place[alive], np.empty((length, alive.size))
        with np.errstate(over="ignore", invalid="ignore"):
            for update in range(length):
                now = heun(
                    now, kicks[update], barrier=barrier, fields=(0.0, 0.0), time_step=step
                )
                path[update] = now
        require_stable(path, step)
        place[alive] = now
        return path

    return advance


def _exits(
    advance: _Block, run_count: int, last: int, level: float
) -> tuple[FloatArray, FloatArray]:
    """First update at which each run is at the level or beyond, infinite without; the end."""
    exits, end = np.full(run_count, np.inf), np.empty(run_count)
    alive = np.arange(run_count, dtype=np.int64)
    for done in range(0, last, BLOCK_UPDATES):
        path = advance(alive, min(BLOCK_UPDATES, last - done))
        beyond = path >= level
        escaped = beyond.any(axis=0)
        first = beyond.argmax(axis=0)
        exits[alive[escaped]] = done + first[escaped] + 1
        end[alive] = np.where(escaped, path[first, np.arange(alive.size)], path[-1])
        alive = alive[~escaped]
        if not alive.size:
            break
    return exits, end


def _dataset(
    source: Source,
    runs: Sequence[RunLabels],
    exits: FloatArray,
    last: int,
    step_time: float,
    variables: Mapping[str, Observed],
) -> xr.Dataset:
    require_dataset_memory(runs, 2, variable_count=6)
    escaped = np.isfinite(exits)
    ends = np.where(escaped, exits, last).astype(np.int64)
    step = np.stack([np.zeros_like(ends), ends], axis=1)
    dataset = samples_dataset(source, runs, step=np.arange(2), variables=variables)
    meaning = {"units": "steps", "symmetry": "none"}
    bounds = {"lower": np.where(escaped, exits - 1, last), "upper": exits}
    for side, values in bounds.items():
        described = {**meaning, "long_name": f"escape from the metastable phase, {side} bound"}
        dataset[f"event_escape_{side}"] = (RUN, values.astype(np.float64), described)
    outcome = np.where(escaped, Outcome.TRUNCATED.value, Outcome.FINISHED.value)
    return dataset.assign_coords(
        step=((RUN, RECORD), step),
        time=((RUN, RECORD), step * step_time),
        outcome=(RUN, outcome.astype(object)),
        outcome_reason=(RUN, np.where(escaped, "event escape", "").astype(object)),
    )
