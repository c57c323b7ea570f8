"""Lifetimes by point and their growth with the size, against exact mean times."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import FormatError, InsufficientSamplesError, InvalidValueError
from phasegrok.exact import (
    concatenated,
    curie_weiss_barrier,
    curie_weiss_escape_time,
    curie_weiss_escapes,
)
from phasegrok.exact.curie_weiss_kinetics import curie_weiss_rates
from phasegrok.transitions.escape.arrhenius_law import arrhenius
from phasegrok.transitions.escape.lifetime_tables import lifetimes
from phasegrok.transitions.escape.lifetimes import LifetimeStatus
from phasegrok.verdict.kinetics import lifetime_signature

SIZES = (40, 60, 90, 120)
SPINS: dict[str, Any] = {
    "inverse_temperature": 1.5,
    "field": 0.09,
    "exit_magnetization": 0.5,
}
# Relaxation within the phase, in sweeps: some 1/(1 - β(1 - m²)), and the way to the exit.
DEAD_TIME = 15.0
EXACT = np.array([curie_weiss_escape_time(size=size, **SPINS) for size in SIZES])


@pytest.fixture(scope="module")
def escapes() -> xr.Dataset:
    """Of sizes whose lifetimes span a decade; some 30 % of the runs are censored."""
    parts = [
        curie_weiss_escapes(size=size, stop_time=1.2 * time, replica_count=250, seed=2, **SPINS)
        for size, time in zip(SIZES, EXACT, strict=True)
    ]
    return concatenated(parts)


@pytest.fixture(scope="module")
def table(escapes: xr.Dataset) -> xr.Dataset:
    return lifetimes(escapes, event="escape", dead_time=DEAD_TIME)


def passage_after(size: int) -> float:
    """Mean time of escape once the phase has been forgotten: the last rate of the chain."""
    up, down = curie_weiss_rates(size=size, inverse_temperature=1.5, field=0.09)
    target = int(np.ceil(size * 0.75 - 1e-9))
    generator = np.diag(up[:-1], 1) + np.diag(down[1:], -1) - np.diag(up + down)
    slowest = np.linalg.eigvals(generator[:target, :target]).real.max()
    return float(-1 / slowest)


def test_censored_lifetimes_are_those_of_the_exact_chain(table: xr.Dataset) -> None:
    assert table["size"].values.tolist() == list(SIZES)
    assert EXACT[-1] / EXACT[0] > 5
    exact = np.array([passage_after(size) for size in SIZES])
    share = table["censored"] / (table["censored"] + table["escapes"])
    assert ((share > 0.2) & (share < 0.45)).all()
    error = table["value"].values / table["escapes"].values ** 0.5
    assert (np.abs(table["value"].values - exact) < 3.5 * error).all()
    assert (table["status"] == LifetimeStatus.RESOLVED).all()


def test_leaving_out_censored_runs_misses_all_of_them(escapes: xr.Dataset) -> None:
    for size, exact in zip(SIZES, EXACT, strict=True):
        upper = escapes["event_escape_upper"].values[escapes["size"].values == size] / size
        naive = upper[np.isfinite(upper)]
        assert naive.mean() + 5 * naive.std() / naive.size**0.5 < exact


def test_the_barrier_and_the_prefactor_are_those_of_the_chain(table: xr.Dataset) -> None:
    found = arrhenius(table)
    logs = np.log([passage_after(size) for size in SIZES])
    count = table["escapes"].values
    # The same weights on the exact times: what an infinite number of runs would give.
    slope, offset = np.polyfit(SIZES, logs, 1, w=count**0.5)
    assert abs(found.barrier - slope) < 3.5 * found.barrier_error
    assert abs(found.log_prefactor - offset) < 3.5 * found.log_prefactor_error
    barrier = curie_weiss_barrier(inverse_temperature=1.5, field=0.09)
    # Corrections of order 1/N to the barrier remain at these sizes.
    assert abs(found.barrier - barrier) < 3.5 * found.barrier_error + 0.1 * barrier
    assert found.barrier_error < 0.1 * barrier
    assert found.predictive > 0.001


def synthetic(sizes: list[float], escaped: int, generator: np.random.Generator) -> xr.Dataset:
    """Table of complete samples of τ = 2 e^(0.1 N)."""
    tau = 2.0 * np.exp(0.1 * np.array(sizes))
    value = tau * generator.gamma(escaped, size=tau.size) / escaped
    numbers = {"value": value, "effective_escapes": np.full(tau.size, float(escaped))}
    return xr.Dataset(
        {name: ("point", each) for name, each in numbers.items()},
        coords={"size": ("point", sizes)},
    )


def test_errors_of_the_barrier_are_honest_with_few_escapes() -> None:
    generator = np.random.default_rng(1)
    fits = [arrhenius(synthetic([10.0, 20.0, 30.0], 5, generator)) for _ in range(2000)]
    for name, exact in (("barrier", 0.1), ("log_prefactor", np.log(2.0))):
        values = np.array([getattr(fit, name) for fit in fits])
        errors = np.array([getattr(fit, f"{name}_error") for fit in fits])
        # Without the correction ψ(n) - ln n the prefactor is off by 0.1.
        assert abs(values.mean() - exact) < 4.0 * values.std() / 2000**0.5
        inside = np.mean(np.abs(values - exact) < errors)
        assert 0.66 < inside < 0.82  # Widened where χ² exceeds its freedom.


def test_steps_become_time(escapes: xr.Dataset) -> None:
    slower = escapes.assign_coords(time=3.0 * escapes["time"])
    one, three = (lifetimes(each, event="escape") for each in (escapes, slower))
    np.testing.assert_allclose(three["value"], 3.0 * one["value"], rtol=1e-9)


def test_failed_runs_are_left_out_and_counted(escapes: xr.Dataset) -> None:
    outcome = escapes["outcome"].values.copy()
    outcome[:7] = "diverged"
    failed = escapes.assign_coords(outcome=("run", outcome))
    table, rest = (
        lifetimes(each, event="escape") for each in (failed, escapes.isel(run=slice(7, None)))
    )
    np.testing.assert_allclose(table["value"], rest["value"])
    assert table["left_out"].values.tolist() == [7, 0, 0, 0]


def failing(escapes: xr.Dataset, sizes: tuple[int, ...]) -> xr.Dataset:
    """All runs of some sizes failed, and say nothing."""
    lost = np.isin(escapes["size"].values, sizes)
    outcome = np.where(lost, "failed", escapes["outcome"].values.astype(str))
    bounds = {
        name: escapes[name].where(xr.DataArray(~lost, dims="run"))
        for name in ("event_escape_lower", "event_escape_upper")
    }
    return escapes.assign(bounds).assign_coords(outcome=("run", outcome))


@pytest.mark.parametrize("lost", SIZES)
def test_a_point_whose_runs_all_failed_is_a_row_and_harms_no_other(
    escapes: xr.Dataset, table: xr.Dataset, lost: int
) -> None:
    found = lifetimes(failing(escapes, (lost,)), event="escape", dead_time=DEAD_TIME)
    assert found["size"].values.tolist() == list(SIZES)
    xr.testing.assert_identical(
        found.isel(point=found["size"].values != lost),
        table.isel(point=table["size"].values != lost),
    )
    row = found.isel(point=SIZES.index(lost))
    assert row["status"] == LifetimeStatus.NO_RUNS
    meanings = found["status"].attrs["flag_meanings"].split()
    assert meanings[int(row["status"])] == "no_runs"
    assert row["left_out"] == 250
    for name in ("value", "lower_68", "upper_68", "lower_95", "upper_95", "trend"):
        assert np.isnan(row[name])
    for name in ("escapes", "censored", "excluded", "effective_escapes", "time_at_risk"):
        assert row[name] == 0


def test_points_without_runs_enter_neither_the_barrier_nor_the_verdict(
    escapes: xr.Dataset, table: xr.Dataset
) -> None:
    found = lifetimes(failing(escapes, SIZES[1:2]), event="escape", dead_time=DEAD_TIME)
    rest = table.isel(point=[0, 2, 3])
    assert arrhenius(found) == arrhenius(rest)
    one, other = (
        lifetime_signature(each, size="size", dimension=None) for each in (found, rest)
    )
    # What was left out is told, and nothing else differs.
    told = "of the lifetimes, 1 size without escapes was left out"
    assert one == replace(other, doubts=(*other.doubts, told))
    assert one.supports > 0.5


def test_a_point_that_does_not_outlive_the_dead_time_is_a_row(
    escapes: xr.Dataset, table: xr.Dataset
) -> None:
    upper = escapes["event_escape_upper"]
    early = (escapes["size"] != SIZES[0]) | (upper < DEAD_TIME * SIZES[0])
    found = lifetimes(escapes.isel(run=early.values), event="escape", dead_time=DEAD_TIME)
    assert found["status"].values[0] == LifetimeStatus.NO_RUNS
    assert found["excluded"].values[0] == np.count_nonzero(
        early.values & (escapes["size"].values == SIZES[0])
    )
    xr.testing.assert_identical(found.isel(point=[1, 2, 3]), table.isel(point=[1, 2, 3]))


def test_where_all_runs_failed_every_row_says_so(escapes: xr.Dataset) -> None:
    found = lifetimes(failing(escapes, SIZES), event="escape")
    assert (found["status"] == LifetimeStatus.NO_RUNS).all()
    with pytest.raises(InsufficientSamplesError, match="at least 2"):
        arrhenius(found)
    silent = lifetime_signature(found, size="size", dimension=None)
    assert (silent.supports, silent.opposes) == (0.0, 0.0)
    assert "say nothing" in silent.doubts[0]


def test_what_has_no_lifetime_is_refused(escapes: xr.Dataset, table: xr.Dataset) -> None:
    with pytest.raises(FormatError, match="event_learnt_lower"):
        lifetimes(escapes, event="learnt")
    with pytest.raises(FormatError, match="coordinate 'sise'"):
        lifetimes(escapes, event="escape", by=["sise"])
    kinetics = escapes["physical_kinetics"] * 0
    with pytest.raises(FormatError, match="physical meaning"):
        lifetimes(escapes.assign_coords(physical_kinetics=kinetics), event="escape")
    with pytest.raises(FormatError, match="two records at different times"):
        lifetimes(escapes.assign_coords(time=0.0 * escapes["time"]), event="escape")
    with pytest.raises(InsufficientSamplesError, match="at least 2"):
        arrhenius(table.isel(point=[0]))
    with pytest.raises(InvalidValueError, match="coordinate 'width'"):
        arrhenius(table, size="width")
