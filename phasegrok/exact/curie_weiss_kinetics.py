"""Heat-bath dynamics of the Curie-Weiss Ising model: a birth-death chain of the spins up.

H = -M²/(2N) - h M. In one update a spin chosen at random is drawn anew from the Boltzmann law
in the field of the others, so the number k of spins up moves by one at most. N updates are one
sweep, the unit of time. In the limit N → ∞ the mean spin follows dm/dt = tanh(β(m + h)) - m,
whose metastable phase ends at the spinodal field.

References
----------
Glauber, J. Math. Phys. 4, 294 (1963); Griffiths, Weng and Langer, Phys. Rev. 149, 301 (1966).
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from scipy.special import expit

from phasegrok.errors import InvalidValueError
from phasegrok.exact.checking import (
    FloatArray,
    points,
    require_memory,
    require_positive,
    whole_number,
)
from phasegrok.exact.field_ramp import (
    FieldRamp,
    Sweep,
    field_now,
    ramped_dataset,
    require_ramp,
)
from phasegrok.exact.joining import concatenated
from phasegrok.exact.labels import RunLabels, Source
from phasegrok.exact.limits import require_moderate, require_updates
from phasegrok.exact.samples import Observed, require_dataset_memory
from phasegrok.exact.streams import uniform_updates

__all__ = [
    "curie_weiss_fixed_point",
    "curie_weiss_rates",
    "curie_weiss_spinodal_field",
    "driven_curie_weiss_ising",
    "move_probabilities",
    "require_table_memory",
]

# Of both directions, and what they are made from.
STATE_BYTES = 80.0


def driven_curie_weiss_ising(
    *,
    size: int,
    inverse_temperature: ArrayLike,
    ramp: FieldRamp,
    replica_count: int = 1,
    seed: int,
) -> xr.Dataset:
    """Follow the Curie-Weiss Ising model while its field is driven.

    Parameters
    ----------
    size : int
        Number N of spins.
    inverse_temperature : array_like
        β; above 1 there are two phases and a loop that survives in the limit.
    ramp : FieldRamp
        Range, rates per sweep and directions. Within a run the field is constant over a sweep
        at most, at its value halfway.
    replica_count : int
        Runs per point, rate and direction.
    seed : int
        Runs with equal labels (N, β, ramp, replica) are equal in every call.

    Returns
    -------
    Dataset
        On (run, record): ``magnetization``, M/N, and ``field_now``. ``step`` counts updates of
        one spin, ``time`` sweeps; ``rate`` is that of a whole number of updates per record.

    Raises
    ------
    InvalidValueError
        For sizes, controls or counts without meaning, or more than fits into memory or a day.
    """
    require_ramp(ramp)
    count = whole_number("size", size, minimum=2)
    controls = points(
        {"inverse_temperature": inverse_temperature}, positive=["inverse_temperature"]
    )
    require_moderate(
        "inverse_temperature", (point["inverse_temperature"] for point in controls)
    )
    require_table_memory(count, len(controls))
    sized = [{**point, "size": count} for point in controls]
    source = Source(
        system="driven_curie_weiss_ising",
        seed=seed,
        integrator="glauber",
        physical_kinetics=True,
    )
    parts = [
        _driven(source, ramp.runs(sized, sweep, replica_count), ramp, sweep)
        for sweep in ramp.sweeps()
    ]
    return concatenated(parts)


def curie_weiss_spinodal_field(*, inverse_temperature: float) -> float:
    """Field at which the phase that points against it ceases to be metastable, N → ∞.

    Parameters
    ----------
    inverse_temperature : float
        β, above 1.

    Returns
    -------
    float
        h_s = m_s - artanh(m_s)/β with m_s = √(1 - 1/β); the other branch ends at -h_s.

    Raises
    ------
    InvalidValueError
        For β of 1 or less, where there is one phase.
    """
    beta = require_positive("inverse_temperature", inverse_temperature)
    if beta <= 1:
        raise InvalidValueError(
            f"a spinodal needs an inverse temperature above 1, received {beta:g}; at or below "
            "it there is one phase."
        )
    # Beyond 10¹⁶ the root is one, whose artanh is none; what it adds over β is nothing then.
    magnetization = min(np.sqrt(1 - 1 / beta), np.nextafter(1.0, 0.0))
    return float(magnetization - np.arctanh(magnetization) / beta)


def curie_weiss_rates(
    *, size: int, inverse_temperature: float, field: float
) -> tuple[FloatArray, FloatArray]:
    """Rates per sweep at which a spin turns up and down.

    Parameters
    ----------
    size : int
        N.
    inverse_temperature, field : float
        β and h.

    Returns
    -------
    up, down : (N + 1,) arrays
        By the number of spins up.
    """
    up, down = move_probabilities(size, inverse_temperature, np.array([field]))
    return size * up[0], size * down[0]


def require_table_memory(size: int, point_count: int) -> None:
    """Refuse more spins than the probabilities of all states fit for.

    Parameters
    ----------
    size : int
        N.
    point_count : int
        Temperatures or fields, each with a table of its own.

    Raises
    ------
    InvalidValueError
        With the estimate.
    """
    require_memory(f"the rates of {size:.3g} spins", STATE_BYTES * size * point_count)


def move_probabilities(
    size: int, inverse_temperature: float, fields: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Chance that one update adds a spin up, or takes one away.

    Parameters
    ----------
    size : int
        N.
    inverse_temperature : float
        β.
    fields : (field,) array
        h.

    Returns
    -------
    up, down : (field, N + 1) arrays
        They and exp(-βH) are in detailed balance.
    """
    spins_up = np.arange(size + 1.0)
    total = 2 * spins_up - size
    # A spin feels the others only: M + 1 for one that points down, M - 1 for one up.
    feels = [(total + own) / size + fields[:, None] for own in (1.0, -1.0)]
    up = (1 - spins_up / size) * expit(2 * inverse_temperature * feels[0])
    down = spins_up / size * expit(-2 * inverse_temperature * feels[1])
    return up, down


def curie_weiss_fixed_point(*, inverse_temperature: float, field: float, start: float) -> float:
    """Mean spin of the phase that mean-field dynamics reaches from a start.

    Parameters
    ----------
    inverse_temperature, field : float
        β and h.
    start : float
        -1 for the phase that points down, 1 for the one that points up.

    Returns
    -------
    float
        A solution of m = tanh(β(m + h)), approached monotonically.
    """
    magnetization = float(start)
    for _ in range(10_000):
        following = float(np.tanh(inverse_temperature * (magnetization + field)))
        if following == magnetization:
            break
        magnetization = following
    return magnetization


def _driven(
    source: Source, runs: Sequence[RunLabels], ramp: FieldRamp, sweep: Sweep
) -> xr.Dataset:
    size = int(runs[0].controls["size"])
    fields = ramp.fields(sweep.direction)
    require_dataset_memory(runs, fields.size, variable_count=6)
    updates = max(1, round(ramp.spacing * size / sweep.rate))
    require_updates("the slowest rate", float(updates) * fields.size)
    require_memory("the sweeps between two records", 100.0 * updates / size)
    magnetization = 2 * _counts(source, runs, fields, updates) / size - 1
    step = updates * np.arange(fields.size, dtype=np.int64)
    exact = Sweep(direction=sweep.direction, rate=ramp.spacing * size / updates)
    variables = {
        "magnetization": Observed(values=magnetization, long_name="mean spin"),
        **field_now(fields, len(runs)),
    }
    return ramped_dataset(source, runs, exact, step=step, time=step / size, variables=variables)


def _counts(
    source: Source, runs: Sequence[RunLabels], fields: FloatArray, updates: int
) -> FloatArray:
    """Spins up at every record, (run, record)."""
    size = int(runs[0].controls["size"])
    beta = np.array([run.controls["inverse_temperature"] for run in runs])
    distinct, row = np.unique(beta, return_inverse=True)
    offset = row.reshape(-1) * (size + 1)
    side = 1.0 if runs[0].start == "high" else -1.0
    begin = [
        curie_weiss_fixed_point(inverse_temperature=each, field=float(fields[0]), start=side)
        for each in distinct
    ]
    # Place in the tables of all temperatures, laid end to end.
    place = np.rint(size * (1 + np.array(begin)) / 2).astype(np.int64)[row.reshape(-1)] + offset
    numbers = uniform_updates([source.generator(run.plain()) for run in runs])
    counts = np.empty((len(runs), fields.size))
    counts[:, 0] = place - offset
    # As even as can be, the longer ones first.
    piece_count = -(-updates // size)
    shortest, longer = divmod(updates, piece_count)
    pieces = [shortest + 1] * longer + [shortest] * (piece_count - longer)
    # Middle of each piece, as a share of the way to the next record.
    middles = (np.cumsum(pieces) - np.array(pieces) / 2) / updates
    for record in range(1, fields.size):
        before, after = fields[record - 1], fields[record]
        for length, middle in zip(pieces, middles, strict=True):
            now = np.array([before + (after - before) * middle])
            tables = [move_probabilities(size, each, now) for each in distinct]
            up, down = (np.concatenate([each[way][0] for each in tables]) for way in (0, 1))
            top = 1 - down
            for _ in range(length):
                uniform = next(numbers)
                rises, falls = uniform < up[place], uniform >= top[place]
                place += rises
                place -= falls
        counts[:, record] = place - offset
    return counts
