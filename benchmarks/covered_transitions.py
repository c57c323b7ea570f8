"""Signatures of transitions, on exact draws of mean-field models whose laws are finite sums."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from itertools import pairwise
from typing import Any, Final

import numpy as np
import xarray as xr
from coverage_rows import Experiment, FloatArray, Readings, between, joined, symmetric
from scipy.optimize import brentq, minimize_scalar

from phasegrok import exact, transitions
from phasegrok.statistics import Status

ERROR: Final = "normal law of the error"
POSTERIOR: Final = "quantiles of the posterior"
CONTROL: Final = "inverse_temperature"
ALONG: Final[dict[str, Any]] = {"control": CONTROL, "size": "size", "dimension": None}

SPINS: Final = 900
RATIO: Final = 2.0
COEXISTENCE: Final = ("equal_weight_point", "jump", "barrier")
POTTS: Final = exact.curie_weiss_potts_transition(3).inverse_temperature

SIZES: Final = (64, 128, 256)
SCALING_SIZES: Final = (64, 256, 1024)
EXPONENTS: Final = {"transition": 1.0, "width_exponent": 0.5, "order_exponent": 0.25}


def potts_runs(seed: int) -> xr.Dataset:
    """Three states at three controls about the transition, 2 runs of 1,000 draws each."""
    return exact.curie_weiss_potts(
        size=SPINS,
        inverse_temperature=POTTS + np.array([-0.003, 0.005, 0.013]),
        record_count=1000,
        replica_count=2,
        seed=seed,
    )


def ising_runs(
    seed: int, sizes: Sequence[int], window: Callable[[int], FloatArray]
) -> xr.Dataset:
    """1,000 draws at every control of a window."""
    return exact.concatenated(
        [
            exact.curie_weiss_ising(
                size=size, inverse_temperature=window(size), record_count=1000, seed=seed
            )
            for size in sizes
        ]
    )


def fixed_window(_size: int) -> FloatArray:
    return np.linspace(0.8, 1.3, 10)


def scaled_window(size: int) -> FloatArray:
    window: FloatArray = 1.0 + np.linspace(-1.5, 3.0, 10) / np.sqrt(size)
    return window


@cache
def exact_coexistence() -> dict[str, float]:
    """Points, jump and barrier from sums over all occupations."""
    low, high = POTTS - 0.023, POTTS + 0.033

    def law(beta: float) -> tuple[FloatArray, FloatArray]:
        found = exact.curie_weiss_potts_law(size=SPINS, inverse_temperature=beta)
        marginal = found.marginal("order_parameter")
        return marginal.value, marginal.probability

    def heights(beta: float) -> tuple[float, float, float, float]:
        m, p = law(beta)
        log_p = np.log(p)
        middle = (m > 0.2) & (m < 0.4)
        cut = m[middle][np.argmin(log_p[middle])]
        return log_p[m < cut].max(), log_p[m > cut].max(), log_p[middle].min(), float(cut)

    def tilt(beta: float) -> float:
        below, above, *_ = heights(beta)
        return above - below

    peak, _, valley, cut = heights(brentq(tilt, low, high, xtol=1e-7))

    def excess(beta: float) -> float:
        m, p = law(beta)
        above = float(p[m > cut].sum())
        return float(np.log(above / (1.0 - above) / RATIO))

    point = brentq(excess, low, high, xtol=1e-7)
    m, p = law(point)
    below, above = (float(p[side] @ m[side] / p[side].sum()) for side in (m < cut, m > cut))
    return {"equal_weight_point": point, "jump": above - below, "barrier": peak - valley}


def coexistence(with_energy: bool, seed: int, count: int) -> list[Readings]:
    rows = []
    for repetition in range(count):
        runs = potts_runs(seed + repetition)
        rows.append(
            transitions.coexistence_points(
                runs["order_parameter"],
                energy=runs["energy"] if with_energy else None,
                weight_ratio=RATIO,
                seed=repetition,
                **ALONG,
            ).isel(size=0)
        )
    return [
        symmetric(
            [float(row[name]) for row in rows],
            [_error_if(row, name) for row in rows],
            exact_coexistence()[name],
        )
        for name in COEXISTENCE
    ]


def _error_if(row: xr.Dataset, name: str) -> float:
    """Error of a quantity that is RESOLVED: else it is a lower bound, and says so."""
    resolved = int(row[f"{name}_status"]) == Status.RESOLVED
    return float(row[f"{name}_error"]) if resolved else float("nan")


@cache
def exact_peaks(size: int) -> tuple[float, float]:
    """Control and height of the largest N Var |m|."""

    def negative(beta: float) -> float:
        law = exact.curie_weiss_ising_law(size=size, inverse_temperature=beta)
        return -size * law.variance("order_parameter")

    best = minimize_scalar(negative, bounds=(0.9, 1.3), method="bounded")
    return float(best.x), -float(best.fun)


def peaks(with_energy: bool, seed: int, count: int) -> list[Readings]:
    """Of the largest size: peaks of sizes are independent and alike."""
    rows = []
    for repetition in range(count):
        runs = ising_runs(seed + repetition, SIZES[-1:], fixed_window)
        found = transitions.peak_positions(
            runs["magnetization"],
            energy=runs["energy"] if with_energy else None,
            seed=repetition,
            **ALONG,
        )
        rows.append(found.isel(size=0))
    names = ("fluctuation_control", "fluctuation_peak")
    return [
        _found(rows, name, truth, finding="fluctuation_finding")
        for name, truth in zip(names, exact_peaks(SIZES[-1]), strict=True)
    ]


def _found(
    rows: Sequence[xr.Dataset], name: str, truth: float, *, finding: str = "finding"
) -> Readings:
    """Readings of what was found, others left out."""
    good = [str(row[finding].item()) == transitions.Finding.FOUND.value for row in rows]
    errors = [float(row[f"{name}_error"]) for row in rows]
    return symmetric([float(row[name]) for row in rows], np.where(good, errors, np.nan), truth)


def exact_cumulant(size: int, beta: float) -> float:
    law = exact.curie_weiss_ising_law(size=size, inverse_temperature=beta)
    second, fourth = (law.mean("magnetization", power=power) for power in (2, 4))
    return 1.0 - fourth / (3.0 * second**2)


@cache
def exact_crossing(smaller: int, larger: int) -> tuple[float, float]:
    """Control and value at which two cumulants cross."""

    def difference(beta: float) -> float:
        return exact_cumulant(smaller, beta) - exact_cumulant(larger, beta)

    control = float(brentq(difference, 0.9, 1.2))
    return control, exact_cumulant(smaller, control)


def crossings(with_energy: bool, seed: int, count: int) -> list[Readings]:
    """Of the two larger sizes."""
    sizes = SIZES[1:]
    rows = []
    for repetition in range(count):
        runs = ising_runs(seed + repetition, sizes, fixed_window)
        found = transitions.cumulant_crossings(
            runs["magnetization"],
            energy=runs["energy"] if with_energy else None,
            seed=repetition,
            **ALONG,
        )
        rows.append(found.isel(pair=0))
    ((smaller, larger),) = pairwise(sizes)
    truths = exact_crossing(smaller, larger)
    return [
        _found(rows, name, truth)
        for name, truth in zip(("control", "value"), truths, strict=True)
    ]


def of_summary(summary: xr.Dataset) -> list[Readings]:
    """Quantiles of the exponents of one fit."""
    readings = []
    for name, truth in EXPONENTS.items():
        row = summary.sel(quantity=name)
        bounds = [
            [float(row["lower"]), float(row["upper"])],
            [float(row["lower_95"]), float(row["upper_95"])],
        ]
        error = float(row["error"])
        readings.append(between(float(row["mean"]), error, truth, bounds=bounds))
    return readings


def scaling(seed: int, count: int) -> list[Readings]:
    fits = []
    for repetition in range(count):
        runs = ising_runs(seed + repetition, SCALING_SIZES, scaled_window)
        fit = transitions.finite_size_scaling(
            runs["magnetization"], energy=runs["energy"], seed=repetition, **ALONG
        )
        fits.append(of_summary(fit.summary))
    return [joined(parts) for parts in zip(*fits, strict=True)]


def collapse(seed: int, count: int) -> list[Readings]:
    fits = []
    for repetition in range(count):
        runs = ising_runs(seed + repetition, SCALING_SIZES, scaled_window)
        fit = transitions.data_collapse(runs["magnetization"], seed=repetition, **ALONG)
        fits.append(of_summary(fit.summary))
    return [joined(parts) for parts in zip(*fits, strict=True)]


def _named(function: str, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{function}, {name}" for name in names)


def experiments() -> Iterator[Experiment]:
    """With the energy and without, dear ones less often."""
    three_states = f"mean-field Potts q=3, N = {SPINS}"
    ising = f"mean-field Ising, N = {SIZES[-1]}"
    pair = f"mean-field Ising, N = {SIZES[-2]} and {SIZES[-1]}"
    many = "mean-field Ising, N = 64, 256 and 1024"
    for with_energy, beside in ((True, ", energy"), (False, ", no energy")):
        names = _named("coexistence_points", COEXISTENCE)
        measure = partial(coexistence, with_energy)
        count = 40 if with_energy else 60
        yield Experiment(names, three_states + beside, ERROR, count, 20, measure)
        names = _named("peak_positions", ("control", "height"))
        measure = partial(peaks, with_energy)
        yield Experiment(names, ising + beside, ERROR, 60, 20, measure)
        names = _named("cumulant_crossings", ("control", "value"))
        measure = partial(crossings, with_energy)
        yield Experiment(names, pair + beside, ERROR, 60, 20, measure)
    names = _named("finite_size_scaling", tuple(EXPONENTS))
    yield Experiment(names, f"{many}, energy", POSTERIOR, 40, 20, scaling)
    names = _named("data_collapse", tuple(EXPONENTS))
    yield Experiment(names, many, POSTERIOR, 24, 8, collapse)
