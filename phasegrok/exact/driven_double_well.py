"""Langevin dynamics in the double well U(x) = a (x² - 1)² - h x while its field is driven.

dx = -U'(x) dt + √(2T) dW by Heun's rule, which is of second order in the time step for additive
noise and for none: T = 0 is the deterministic limit.

References
----------
Jung, Gray, Roy and Mandel, Phys. Rev. Lett. 65, 1873 (1990); Kloeden and Platen, Numerical
Solution of Stochastic Differential Equations (1992).
"""

from collections.abc import Sequence
from itertools import pairwise
from math import ceil, sqrt

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from phasegrok.errors import InvalidValueError
from phasegrok.exact.checking import FloatArray, points, require_memory
from phasegrok.exact.field_ramp import (
    FieldRamp,
    Sweep,
    field_now,
    ramped_dataset,
    require_ramp,
)
from phasegrok.exact.joining import concatenated
from phasegrok.exact.labels import RunLabels, Source
from phasegrok.exact.limits import moderate_positive, require_moderate, require_updates
from phasegrok.exact.samples import Observed, require_dataset_memory
from phasegrok.exact.streams import normal_updates

__all__ = [
    "double_well_minimum",
    "double_well_spinodal_field",
    "driven_double_well",
    "heun",
    "require_stable",
]


def driven_double_well(
    *,
    barrier: float,
    temperature: ArrayLike,
    ramp: FieldRamp,
    time_step: float = 0.02,
    replica_count: int = 1,
    seed: int,
) -> xr.Dataset:
    """Follow a coordinate in the double well while its field is driven.

    Parameters
    ----------
    barrier : float
        a, the height of the barrier at h = 0.
    temperature : array_like
        T, zero or above; the size is N = 1/T.
    ramp : FieldRamp
        Range, rates and directions.
    time_step : float
        Largest step, in units in which the curvature of a well is 8a; it is shortened so that
        a whole number of steps lies between two records.
    replica_count : int
        Runs per point, rate and direction.
    seed : int
        Runs with equal labels (a, T, ramp, time step, replica) are equal in every call.

    Returns
    -------
    Dataset
        On (run, record): ``order_parameter``, x, and ``field_now``. Coordinates
        ``temperature`` and ``size`` (infinite at T = 0).

    Raises
    ------
    InvalidValueError
        For controls or counts without meaning, a step too long for the curvature, or more
        than fits into memory or a day.
    """
    require_ramp(ramp)
    controls = points({"temperature": temperature})
    if min(point["temperature"] for point in controls) < 0:
        raise InvalidValueError(f"temperature must not be negative, received {temperature!r}.")
    require_moderate("temperature", (point["temperature"] for point in controls))
    height = moderate_positive("barrier", barrier)
    largest = moderate_positive("time_step", time_step)
    if 8 * height * largest > 0.5:
        raise InvalidValueError(
            f"time_step must stay below 1/(16 barrier) = {1 / (16 * height):g} to follow the "
            f"curvature of the wells, received {largest:g}; shorten it."
        )
    source = Source(
        system="driven_double_well",
        seed=seed,
        integrator="heun",
        physical_kinetics=True,
        parameters={"barrier": height, "time_step": largest},
    )
    parts = [
        _driven(
            source, ramp.runs(controls, sweep, replica_count), ramp, sweep, (height, largest)
        )
        for sweep in ramp.sweeps()
    ]
    return concatenated(parts)


def double_well_spinodal_field(*, barrier: float) -> float:
    """Field at which the higher of the two wells disappears at T = 0.

    Parameters
    ----------
    barrier : float
        a.

    Returns
    -------
    float
        h_s = 8a/(3√3), where x = -1/√3; the other branch ends at -h_s.

    Raises
    ------
    InvalidValueError
        If a is not positive, or beyond 1e60.
    """
    return 8 * moderate_positive("barrier", barrier) / (3 * sqrt(3))


def double_well_minimum(*, barrier: float, field: float, side: float) -> float:
    """Bottom of the well on one side, or of the only one.

    Parameters
    ----------
    barrier, field : float
        a and h.
    side : float
        -1 for the lower end of the coordinate, 1 for the upper.
    """
    roots = np.roots([4 * barrier, 0.0, -4 * barrier, -field])
    real = roots.real[np.abs(roots.imag) < 1e-9]
    return float(real.max() if side > 0 else real.min())


def heun(
    x: FloatArray,
    kick: FloatArray,
    *,
    barrier: float,
    fields: tuple[float, float],
    time_step: float,
) -> FloatArray:
    """Move all runs by one step of Heun's rule.

    Parameters
    ----------
    x : (run,) array
        Coordinate.
    kick : (run,) array
        √(2T dt) times standard normal numbers.
    barrier : float
        a.
    fields : (float, float)
        h at the beginning and the end of the step.
    time_step : float
        dt.

    Returns
    -------
    (run,) array
    """
    first = fields[0] - 4 * barrier * x * (x * x - 1)
    trial = x + time_step * first + kick
    second = fields[1] - 4 * barrier * trial * (trial * trial - 1)
    return x + 0.5 * time_step * (first + second) + kick


def require_stable(x: FloatArray, time_step: float) -> None:
    """Refuse coordinates that the rule has lost.

    Parameters
    ----------
    x : (...) array
        Coordinates.
    time_step : float
        dt.

    Raises
    ------
    InvalidValueError
        Where one is no number: the curvature grows as x², and no step fits all of it.
    """
    if not np.isfinite(x).all():
        raise InvalidValueError(
            f"a time_step of {time_step:g} is too long for how far the coordinate goes at this "
            "temperature and field, and it was lost; shorten the step, or lower either."
        )


def _driven(
    source: Source,
    runs: Sequence[RunLabels],
    ramp: FieldRamp,
    sweep: Sweep,
    well: tuple[float, float],
) -> xr.Dataset:
    barrier, longest = well
    fields = ramp.fields(sweep.direction)
    require_dataset_memory(runs, fields.size, variable_count=6)
    duration = ramp.spacing / sweep.rate
    updates = max(1, ceil(duration / longest - 1e-9))
    require_updates("the slowest rate", float(updates) * fields.size)
    require_memory("the fields between two records", 60.0 * updates)
    heat = np.array([run.controls["temperature"] for run in runs])
    side = 1.0 if runs[0].start == "high" else -1.0
    x = np.full(
        len(runs), double_well_minimum(barrier=barrier, field=float(fields[0]), side=side)
    )
    step_time = duration / updates
    noise = np.sqrt(2 * heat * step_time)
    numbers = normal_updates([source.generator(run.plain()) for run in runs])
    kept = np.empty((len(runs), fields.size))
    kept[:, 0] = x
    for record in range(1, fields.size):
        between = np.linspace(fields[record - 1], fields[record], updates + 1).tolist()
        with np.errstate(over="ignore", invalid="ignore"):
            for ends in pairwise(between):
                x = heun(
                    x, noise * next(numbers), barrier=barrier, fields=ends, time_step=step_time
                )
        require_stable(x, step_time)
        kept[:, record] = x
    step = updates * np.arange(fields.size, dtype=np.int64)
    with np.errstate(divide="ignore"):
        size = 1 / heat
    variables = {
        "order_parameter": Observed(values=kept, long_name="coordinate in the double well"),
        **field_now(fields, len(runs)),
    }
    return ramped_dataset(
        source,
        runs,
        sweep,
        step=step,
        time=(step * step_time).astype(np.float64),
        variables=variables,
        derived={"size": size},
    )
