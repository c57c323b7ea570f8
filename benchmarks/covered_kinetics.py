"""Loops, their laws, lifetimes and barriers, from switching and escape laws written down.

Fields at which a barrier that a ramp lowers is crossed follow Gumbel's law: the hazard grows
as e^(h/w), with the mean h₀ - γ w. Escapes over a standing barrier are exponential.
"""

from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from typing import Final

import numpy as np
import xarray as xr
from coverage_rows import Experiment, FloatArray, Readings, between, symmetric

from phasegrok import transitions

LIFETIME_LEVELS: Final = (0.6827, 0.9545)
CENSORED: Final = 0.3
RUNS: Final = 40
BRANCHES: Final = 20
FIELDS: Final = np.linspace(-2.0, 2.0, 801)
SWITCHING, WIDTH = 1.0, 0.1
RATES: Final = np.geomspace(1e-4, 1e-1, 10)
FIELD_ERROR: Final = 0.003
BARRIER, PREFACTOR, VOLUMES = 0.05, 3.0, (40, 60, 90, 120)
MANY, TOGETHER = 2000, 100
ERROR: Final = "normal law of the error"


def driven(fields: FloatArray) -> xr.Dataset:
    """Runs along a ramp and back that flip sign at fields of their own, (branch, run)."""
    up, down = fields[0, :, np.newaxis], fields[1, :, np.newaxis]
    around = np.concatenate([FIELDS, FIELDS[-2::-1]])
    values = np.concatenate(
        [np.where(up < FIELDS, 1.0, -1.0), np.where(down > FIELDS[-2::-1], -1.0, 1.0)], axis=1
    )
    count = fields.shape[1]
    return xr.Dataset(
        {
            "field_now": (("run", "record"), np.broadcast_to(around, values.shape)),
            "order_parameter": (("run", "record"), values),
        },
        coords={
            "size": ("run", np.full(count, 100)),
            "rate": ("run", np.full(count, 0.01)),
            "physical_kinetics": ("run", np.ones(count, dtype=np.int8)),
            "outcome": ("run", np.full(count, "finished", dtype=object)),
            "record_count": ("run", np.full(count, values.shape[1])),
        },
    )


def loops(seed: int, count: int) -> list[Readings]:
    """Mean switching field of one direction, and the width of the loop."""
    generator = np.random.default_rng(seed)
    tables = []
    for _ in range(count):
        # The least of many: minus Gumbel's law of largest values.
        drawn = SWITCHING - WIDTH * generator.gumbel(size=(2, BRANCHES))
        runs = driven(drawn * np.array([[1.0], [-1.0]]))
        table = transitions.loops(runs, control="field", variable="order_parameter")
        tables.append(table.isel(point=0))
    mean = SWITCHING - WIDTH * float(np.euler_gamma)
    freedom = {"switching_up": BRANCHES - 1, "width": 2 * (BRANCHES - 1)}
    truth = {"switching_up": mean, "width": 2.0 * mean}
    return [
        symmetric(
            [float(table[name]) for table in tables],
            [float(table[f"{name}_error"]) for table in tables],
            truth[name],
            freedom=freedom[name],
        )
        for name in truth
    ]


def deterministic(seed: int, count: int) -> list[Readings]:
    generator = np.random.default_rng(seed)
    mean = 0.5 + 1.2 * RATES ** (2 / 3) - 0.3 * RATES
    error = np.full(RATES.size, FIELD_ERROR)
    noise = FIELD_ERROR * generator.standard_normal((count, RATES.size))
    fits = [transitions.fit_deterministic(RATES, mean + each, error) for each in noise]
    return [_limits(fits, 0.5)]


def activated(seed: int, count: int) -> list[Readings]:
    """Two temperatures at each of the slower rates."""
    generator = np.random.default_rng(seed)
    rate, heat = (each.ravel() for each in np.meshgrid(RATES[:6], [0.005, 0.01]))
    mean = 1.0 - (2.0 * heat * np.log(500.0 * heat / rate)) ** (2 / 3)
    error = np.full(rate.size, FIELD_ERROR)
    noise = FIELD_ERROR * generator.standard_normal((count, rate.size))
    fits = [
        transitions.fit_activated(rate, mean + each, error, temperature=heat) for each in noise
    ]
    return [_limits(fits, 1.0)]


def near_equilibrium(seed: int, count: int) -> list[Readings]:
    generator = np.random.default_rng(seed)
    error = np.full(RATES.size, FIELD_ERROR)
    noise = FIELD_ERROR * generator.standard_normal((count, RATES.size))
    fits = [
        transitions.fit_near_equilibrium(RATES, 2.0 * RATES + each, error) for each in noise
    ]
    values = [fit.coefficients["linear"] for fit in fits]
    errors = [fit.coefficients["linear_error"] for fit in fits]
    return [symmetric(values, errors, 2.0)]


def _limits(fits: list[transitions.SwitchingFit], truth: float) -> Readings:
    return symmetric([fit.limit for fit in fits], [fit.limit_error for fit in fits], truth)


def censored(seed: int, count: int) -> list[Readings]:
    """Escapes followed until three in ten are left."""
    stop = -np.log(CENSORED)
    times = np.random.default_rng(seed).exponential(size=(count, RUNS))
    found = [
        transitions.lifetime(np.minimum(each, stop), np.where(each > stop, np.inf, each))
        for each in times
    ]
    return [_lifetimes(found)]


def looked_at(seed: int, count: int) -> list[Readings]:
    """Escapes dated between looks a quarter of a lifetime apart, until 30 % are left."""
    spacing = -0.2 * np.log(CENSORED)
    times = np.random.default_rng(seed).exponential(size=(count, RUNS))
    found = []
    for each in times:
        lower = np.minimum(np.floor(each / spacing), 5.0) * spacing
        late = each > 5.0 * spacing
        found.append(transitions.lifetime(lower, np.where(late, np.inf, lower + spacing)))
    return [_lifetimes(found)]


def _lifetimes(found: list[transitions.Lifetime]) -> Readings:
    bounds = [
        [[getattr(each, f"{side}_{level}") for each in found] for side in ("lower", "upper")]
        for level in ("68", "95")
    ]
    errors = [each.value / np.sqrt(each.effective_escapes) for each in found]
    values = [each.value for each in found]
    return between(values, errors, 1.0, bounds=bounds, levels=LIFETIME_LEVELS)


def barrier(seed: int, count: int) -> list[Readings]:
    """Sizes whose lifetimes grow as e^(N b), three runs in ten censored at each."""
    generator = np.random.default_rng(seed)
    fits = []
    for _ in range(count):
        rows = []
        for volume in VOLUMES:
            scale = PREFACTOR * np.exp(BARRIER * volume)
            times = scale * generator.exponential(size=RUNS)
            stop = -scale * np.log(CENSORED)
            upper = np.where(times > stop, np.inf, times)
            rows.append(asdict(transitions.lifetime(np.minimum(times, stop), upper)))
        table = xr.Dataset(
            {
                name: ("point", [float(row[name]) for row in rows])
                for name in ("value", "effective_escapes")
            },
            coords={"size": ("point", list(VOLUMES))},
        )
        fits.append(transitions.arrhenius(table))
    return [
        symmetric([fit.barrier for fit in fits], [fit.barrier_error for fit in fits], BARRIER),
        symmetric(
            [fit.log_prefactor for fit in fits],
            [fit.log_prefactor_error for fit in fits],
            np.log(PREFACTOR),
        ),
    ]


def experiments() -> Iterator[Experiment]:
    """All are cheap."""
    student = "Student's law of the error"
    names = ("loops, switching_up", "loops, width")
    yield Experiment(names, f"{BRANCHES} branches, Gumbel's law", student, MANY, 50, loops)
    line = f"{RATES.size} rates, normal errors"
    own = "χ² law of the estimator"
    for name, input_name, interval, measure in (
        ("fit_deterministic, limit", line, ERROR, deterministic),
        ("fit_activated, limit", "6 rates, 2 temperatures, normal errors", ERROR, activated),
        ("fit_near_equilibrium, linear", line, ERROR, near_equilibrium),
        ("lifetime", f"{RUNS} runs, 30 % censored", own, censored),
        ("lifetime between looks", f"{RUNS} runs, 30 % censored", own, looked_at),
    ):
        repetitions = 400 if measure is activated else MANY
        yield Experiment((name,), input_name, interval, repetitions, TOGETHER, partial(measure))
    names = ("arrhenius, barrier", "arrhenius, log_prefactor")
    sizes = f"{len(VOLUMES)} sizes of {RUNS} runs, 30 % censored"
    yield Experiment(names, sizes, ERROR, MANY, TOGETHER, barrier)
