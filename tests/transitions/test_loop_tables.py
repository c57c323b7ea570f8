"""Widths and areas of loops: exact parallelograms, cut ranges, equilibrium, honest errors."""

from typing import Any

import numpy as np
import pytest
import xarray as xr

from phasegrok.exact import FieldRamp, concatenated, driven_curie_weiss_ising
from phasegrok.transitions.hysteresis.loop_tables import LoopStatus, loops

NAMES: dict[str, Any] = {"control": "field", "variable": "m"}
FIELDS = np.linspace(-1.0, 1.0, 2001)


def table_of(switches: Any, *, fields: Any = FIELDS, slope: float = 0.0) -> xr.Dataset:
    """Runs up at switches[0] and down at switches[1]: m = ±1 + slope h with sharp steps."""
    now, values, direction = [], [], []
    for way, places in zip(("up", "down"), switches, strict=True):
        for at in places:
            along = fields if way == "up" else fields[::-1]
            now.append(along)
            values.append(np.where(along > at, 1.0, -1.0) + slope * along)
            direction.append(way)
    count = len(now)
    return xr.Dataset(
        {
            "field_now": (("run", "record"), np.array(now)),
            "m": (("run", "record"), np.array(values)),
        },
        coords={
            "size": ("run", np.full(count, 10)),
            "rate": ("run", np.full(count, 0.1)),
            "direction": ("run", np.array(direction, dtype=object)),
            "outcome": ("run", np.full(count, "finished", dtype=object)),
            "record_count": ("run", np.full(count, len(fields))),
            "physical_kinetics": ("run", np.ones(count, np.int8)),
        },
    )


def test_a_parallelogram_has_its_area() -> None:
    samples = table_of(([0.3005, 0.5005], [-0.1995, -0.2995]), slope=0.4)
    found = loops(samples, **NAMES).isel(point=0)
    up, down = 0.4005, -0.2495
    assert float(found["width"]) == pytest.approx(up - down, abs=1e-3)
    assert float(found["area"]) == pytest.approx(2 * (up - down), abs=1e-12)
    # Standard errors of two runs: half their difference; areas are twice widths.
    assert float(found["switching_up_error"]) == pytest.approx(0.1, abs=1e-3)
    assert float(found["width_error"]) == pytest.approx(np.hypot(0.1, 0.05), abs=1e-3)
    assert float(found["area_error"]) == pytest.approx(2 * np.hypot(0.1, 0.05))
    assert int(found["status"]) == LoopStatus.WHOLE


def test_an_area_is_positive_whichever_way_the_order_parameter_goes() -> None:
    samples = table_of(([0.3005], [-0.1995]))
    mirrored = samples.assign(m=-samples["m"])
    areas = [float(loops(each, **NAMES)["area"][0]) for each in (samples, mirrored)]
    assert areas[0] == pytest.approx(areas[1]) == pytest.approx(1.0)


def test_a_range_that_cuts_the_loop_gives_no_area() -> None:
    cut = loops(table_of(([1.5, 0.3], [-0.5, -0.4])), level=0.0, **NAMES).isel(point=0)
    assert int(cut["status"]) == LoopStatus.CUT
    assert int(cut["censored_up"]) == 1
    assert np.isnan([float(cut[name]) for name in ("switching_up", "width", "area")]).all()
    assert float(cut["switching_down"]) == pytest.approx(-0.45, abs=2e-3)


def test_branches_that_do_not_meet_are_cut() -> None:
    samples = table_of(([0.3005], [-0.1995]))
    # What is forgotten too late: the down branch ends higher than the up branch began.
    late = samples["m"].values.copy()
    late[1, -300:] += 0.3
    found = loops(samples.assign(m=(("run", "record"), late)), level=0.0, **NAMES)
    assert found["status"].values.tolist() == [LoopStatus.CUT]
    assert np.isnan(found["area"].values).all()


def test_one_direction_has_no_loop() -> None:
    found = loops(table_of(([0.3], [])), **NAMES)
    assert found["status"].values.tolist() == [LoopStatus.ONE_WAY]
    assert float(found["switching_up"][0]) == pytest.approx(0.3, abs=2e-3)


def spins(beta: float, rates: tuple[float, ...], *, replicas: int, way: str) -> xr.Dataset:
    directions = ("around",) if way == "around" else ("up", "down")
    ramp = FieldRamp(
        lowest=-0.8, highest=0.8, rates=rates, record_count=81, directions=directions
    )
    parts = [
        driven_curie_weiss_ising(
            size=size, inverse_temperature=beta, ramp=ramp, replica_count=replicas, seed=4
        )
        for size in (24, 48)
    ]
    return concatenated(parts)


@pytest.mark.parametrize("way", ["around", "apart"])
def test_without_phases_a_slow_loop_closes_as_the_rate(way: str) -> None:
    samples = spins(0.5, (0.02, 0.08), replicas=150, way=way)
    found = loops(samples, control="field", variable="magnetization")
    assert found["size"].values.tolist() == [24, 24, 48, 48]
    assert found["rate"].values.tolist() == pytest.approx([0.02, 0.08, 0.02, 0.08], rel=1e-9)
    # Near equilibrium m lags by rate × χ τ, so that the area is 2 r ∫ χ τ dh for all sizes.
    field = np.linspace(-0.8, 0.8, 2001)
    m = np.zeros_like(field)
    for _ in range(200):
        m = np.tanh(0.5 * (m + field))
    relaxation = 1 / (1 - 0.5 * (1 - m**2))
    response = 0.5 * (1 - m**2) * relaxation
    lag = 2 * float(np.trapezoid(response * relaxation, field))
    slow = found.isel(point=[0, 2])
    expected = lag * slow["rate"].values
    error = slow["area_error"].values
    # Of the next order in the rate and in 1/N, a tenth.
    assert (np.abs(slow["area"].values - expected) < 4.0 * error + 0.1 * expected).all()
    assert (error < 0.3 * expected).all()


def test_errors_are_those_of_repetition() -> None:
    samples = spins(1.3, (0.05,), replicas=160, way="apart")
    groups = [
        loops(
            samples.isel(run=samples["replica"].values // 8 == group),
            control="field",
            variable="magnetization",
            level=0.0,
        )
        for group in range(20)
    ]
    for name in ("switching_up", "width", "area"):
        values = np.array([group[name].values for group in groups])
        errors = np.array([group[f"{name}_error"].values for group in groups])
        ratio = values.std(axis=0, ddof=1) / np.sqrt((errors**2).mean(axis=0))
        # The spread of 20 groups is known to 1/√38.
        assert (np.abs(ratio - 1) < 4.0 / 38**0.5).all()
