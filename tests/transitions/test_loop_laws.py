"""The two laws of loops on systems of either kind."""

from typing import Any

import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import FormatError, InsufficientSamplesError, InvalidValueError
from phasegrok.exact import (
    FieldRamp,
    concatenated,
    curie_weiss_spinodal_field,
    driven_curie_weiss_ising,
)
from phasegrok.inference import Budget, Schedule
from phasegrok.transitions.hysteresis.loop_laws import (
    CRITICAL,
    METASTABLE,
    compare_loop_laws,
)
from phasegrok.transitions.hysteresis.loop_tables import loops

QUICK: dict[str, Any] = {
    "schedule": Schedule(walkers=60, burn_in=15, steps=40),
    "budget": Budget(effective_samples=200, block=100, most_steps=300),
}


def spins(beta: float) -> xr.Dataset:
    ramp = FieldRamp(lowest=-0.32, highest=0.32, rates=(1e-3, 3e-3, 1e-2), record_count=81)
    parts = [
        driven_curie_weiss_ising(
            size=size, inverse_temperature=beta, ramp=ramp, replica_count=24, seed=9
        )
        for size in (32, 96, 256)
    ]
    return loops(concatenated(parts), control="field", variable="magnetization", level=0.0)


def test_loops_of_phases_collapse_and_stay_open() -> None:
    found = compare_loop_laws(spins(1.5), seed=1, **QUICK)
    assert str(found["model"].values[0]) == METASTABLE
    best = found.isel(model=0)
    assert float(best["probability"]) > 0.99
    points = found.attrs["points"]
    assert float(best["chi_square"]) < points + 4.0 * (2 * points) ** 0.5
    exact = 2 * curie_weiss_spinodal_field(inverse_temperature=1.5)
    assert abs(float(best["limit"]) - exact) < 3.0 * float(best["limit_error"])
    assert np.isnan(float(best["exponent"]))
    assert float(found["chi_square"].sel(model=CRITICAL)) > 3 * points


def test_loops_at_a_critical_point_close_as_a_power_of_the_rate() -> None:
    found = compare_loop_laws(spins(1.0), seed=1, quantity="area", **QUICK)
    assert str(found["model"].values[0]) == CRITICAL
    best = found.isel(model=0)
    assert float(best["probability"]) > 0.95
    # h = r t, m³ ~ h and m/t ~ h give h ~ r^(3/5) and m ~ r^(1/5).
    assert abs(float(best["exponent"]) - 0.8) < 3.0 * float(best["exponent_error"])
    assert np.isnan(float(best["limit"]))


def synthetic(width: Any) -> xr.Dataset:
    size, rate = (each.ravel() for each in np.meshgrid([50.0, 100.0, 200.0], [1e-3, 1e-2]))
    values = np.asarray(width(size, rate), dtype=float)
    numbers = {"width": values, "width_error": np.full(size.size, 0.01 * values.max())}
    table = xr.Dataset({name: ("point", each) for name, each in numbers.items()})
    table["status"] = ("point", np.zeros(size.size, dtype=int))
    return table.assign_coords(size=("point", size), rate=("point", rate))


def test_what_cannot_be_compared_is_refused() -> None:
    table = synthetic(lambda size, rate: rate + 0 * size)
    with pytest.raises(InvalidValueError, match="'width' or 'area'"):
        compare_loop_laws(table, seed=1, quantity="height")
    with pytest.raises(FormatError, match="'area'"):
        compare_loop_laws(table, seed=1, quantity="area")
    with pytest.raises(InsufficientSamplesError, match="whole loops with errors"):
        compare_loop_laws(table.assign(status=table["status"] + 1), seed=1)
    with pytest.raises(InsufficientSamplesError, match="sizes"):
        compare_loop_laws(table.assign_coords(size=0 * table["size"] + 5), seed=1)
