"""Reweighting, lines, profiles, round trips and collapses of what has no meaning: refused."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import xarray as xr

from phasegrok import exact, statistics, transitions
from phasegrok.errors import PhasegrokError

PLACE: dict[str, Any] = {"temperature": 0.02, "weight_decay": 0.5}


@cache
def _drawn() -> xr.Dataset:
    return exact.deep_linear(
        layer_count=3,
        width=2,
        temperature=0.02,
        weight_decay=np.array([0.48, 0.52]),
        record_count=40,
        replica_count=2,
        seed=1,
    )


def drawn() -> xr.Dataset:
    return _drawn().copy(deep=True)


def two_temperatures() -> xr.Dataset:
    samples = exact.deep_linear(
        layer_count=3,
        width=2,
        temperature=np.array([0.02, 0.025]),
        weight_decay=0.45,
        record_count=60,
        replica_count=2,
        seed=1,
    )
    return transitions.clausius_clapeyron(
        samples, "half_square_norm", cut=0.5, along="weight_decay"
    )


def walkers() -> xr.Dataset:
    rung = np.stack([[0, 1, 2, 1, 0, 1], [1, 0, 1, 2, 2, 2], [2, 2, 0, 0, 1, 0]])
    return xr.Dataset(
        {"rung": (("run", "record"), rung), "q": (("run", "record"), 1.0 * rung)},
        coords={
            "first_rung": ("run", [0, 1, 2]),
            "temperature": ("run", [0.1, 0.2, 0.3]),
            "disorder": ("run", [0, 0, 0]),
            "replica": ("run", [0, 0, 0]),
            "start": ("run", np.full(3, "prior", dtype=object)),
            "outcome": ("run", np.full(3, "finished", dtype=object)),
            "record_count": ("run", [6, 6, 6]),
            "step": ("record", np.arange(6)),
        },
    )


def counted() -> xr.Dataset:
    return walkers().assign(round_trip_count=("run", [1, 2, 0]))


def profile() -> xr.Dataset:
    q = np.linspace(-1.5, 1.5, 31)
    free = (q**2 - 1) ** 2
    draws = np.stack([free, free + 0.01])
    return xr.Dataset(
        {
            "free_energy": ("bin", free),
            "error": ("bin", np.full(31, 0.01)),
            "draws": (("resample", "bin"), draws),
        },
        coords={
            "coordinate": ("bin", q),
            "lower_edge": ("bin", q - 0.05),
            "upper_edge": ("bin", q + 0.05),
        },
        attrs={"temperature": 0.2, "error_units": "runs"},
    )


def table_of_loops() -> xr.Dataset:
    points = [(size, rate) for size in (10.0, 20.0, 40.0) for rate in (1e-3, 1e-2, 0.05, 0.1)]
    size, rate = np.array(points).T
    field = 1.0 - (np.log(1.0 / rate) / size) ** (2 / 3)
    columns = {"switching_up": field, "switching_down": -field, "width": 2 * field}
    errors = {f"{name}_error": np.full(12, 0.01) for name in columns}
    return xr.Dataset(
        {
            n: ("point", c)
            for n, c in {**columns, **errors, "status": np.zeros(12, int)}.items()
        },
        coords={"size": ("point", size), "rate": ("point", rate)},
    )


def reweighted(samples: Any) -> xr.Dataset:
    states = statistics.solve_controls(samples)
    at = {name: [value] for name, value in PLACE.items()}
    return statistics.reweighted_map(states, {"m": "order_parameter"}, at=at)


def line(samples: Any) -> xr.Dataset:
    states = statistics.solve_controls(samples)
    return transitions.coexistence_line(
        states, along="weight_decay", at={"temperature": [0.02]}, seed=1, resamples=2
    )


def profiled(samples: Any) -> xr.Dataset:
    states = statistics.solve_controls(samples)
    return transitions.free_energy_profile(
        states, "half_square_norm", at=PLACE, seed=1, resamples=2
    )


OF_DATASETS: dict[str, tuple[Callable[[], xr.Dataset], Callable[[Any], Any]]] = {
    "reweighted_map": (drawn, reweighted),
    "coexistence_line": (drawn, line),
    "free_energy_profile": (drawn, profiled),
    "clausius_clapeyron": (
        drawn,
        lambda d: transitions.clausius_clapeyron(
            d, "half_square_norm", cut=0.5, along="weight_decay"
        ),
    ),
    "integrated_line": (two_temperatures, lambda d: transitions.integrated_line(d, start=0.5)),
    "at_rungs": (walkers, lambda d: statistics.at_rungs(d, control="temperature")),
    "ladder_round_trips": (walkers, transitions.ladder_round_trips),
    "ladder_round_trips as stored": (counted, transitions.ladder_round_trips),
    "phase_round_trips": (
        walkers,
        lambda d: transitions.phase_round_trips(d, "q", lower=0.0, upper=2.0),
    ),
    "profile_wells": (profile, transitions.profile_wells),
    "escape_from_profile": (
        profile,
        lambda d: transitions.escape_from_profile(
            d, diffusion=lambda q: 0.2 + 0.0 * q, up=True
        ),
    ),
    "switching_collapse": (table_of_loops, transitions.switching_collapse),
    "compare_collapse": (table_of_loops, transitions.compare_collapse),
    "rate_laws": (table_of_loops, transitions.rate_laws),
}


@pytest.mark.parametrize("name", OF_DATASETS)
def test_sound_datasets_are_not_refused(name: str) -> None:
    made, work = OF_DATASETS[name]
    assert work(made()) is not None


@pytest.mark.parametrize("name", OF_DATASETS)
def test_bad_datasets_are_refused_in_words(name: str, bad: Any) -> None:
    """Each variable in turn is missing, or filled with what has no meaning."""
    made, work = OF_DATASETS[name]
    dataset = made()
    others: list[Any] = [dataset.to_array(), "word", dataset.to_dict(), [], xr.Dataset()]
    for wrong in others:
        with pytest.raises(PhasegrokError):
            work(wrong)
    for each in map(str, dataset.variables):
        bad.attempt(lambda each=each: work(dataset.drop_vars(each)))
        held = dataset[each]
        if each in dataset.indexes:
            continue
        for value in (np.nan, np.inf, 0, -1, 1e200, "failed"):
            filled = xr.full_like(held.astype(object), value).astype(np.array(value).dtype)
            bad.attempt(lambda f=filled, each=each: work(dataset.assign({each: f})))
    for dimension in map(str, dataset.sizes):
        for count in (0, 1, 2):
            part = dataset.isel({dimension: slice(0, count)})
            bad.attempt(lambda part=part: work(part))
