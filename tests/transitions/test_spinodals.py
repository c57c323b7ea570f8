"""Limits of metastability against exact spinodals, and where there is none."""

import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import FormatError
from phasegrok.exact import (
    FieldRamp,
    curie_weiss_spinodal_field,
    double_well_spinodal_field,
    driven_double_well,
)
from phasegrok.exact.curie_weiss_kinetics import driven_curie_weiss_ising
from phasegrok.exact.joining import concatenated
from phasegrok.transitions.hysteresis.loop_tables import loops
from phasegrok.transitions.hysteresis.spinodals import SpinodalStatus, spinodal_estimate

SIZES, RATES = (40.0, 80.0, 160.0, 320.0), (3e-4, 1e-3, 3e-3, 1e-2)


def spins(beta: float, reach: float) -> xr.Dataset:
    ramp = FieldRamp(lowest=-reach, highest=reach, rates=(1e-3, 2e-3, 5e-3), record_count=81)
    parts = [
        driven_curie_weiss_ising(
            size=size, inverse_temperature=beta, ramp=ramp, replica_count=20, seed=7
        )
        for size in (50, 100, 200)
    ]
    return loops(concatenated(parts), control="field", variable="magnetization", level=0.0)


def test_the_wells_end_at_their_spinodal() -> None:
    ramp = FieldRamp(lowest=-0.7, highest=0.7, rates=(3e-4, 1e-3, 3e-3), record_count=141)
    samples = driven_double_well(
        barrier=0.25,
        temperature=[0.02, 0.01, 0.005, 0.0025],
        time_step=0.1,
        ramp=ramp,
        replica_count=30,
        seed=3,
    )
    table = loops(samples, control="field", variable="order_parameter", level=0.0)
    found = spinodal_estimate(table)
    exact = double_well_spinodal_field(barrier=0.25)
    distance = np.abs(found["spinodal"].values - [exact, -exact])
    assert (distance < 3.0 * found["spinodal_error"].values).all()
    assert (found["spinodal_error"].values < 0.06 * exact).all()
    assert (found["status"] == SpinodalStatus.RESOLVED).all()
    # No single loop is as wide: all of these at rate and temperature above zero are closer.
    assert (table["switching_up"].sel(point=table["rate"] < 5e-4) < 0.97 * exact).all()


def test_spins_lose_metastability_at_the_mean_field_spinodal() -> None:
    found = spinodal_estimate(spins(1.5, 0.3))
    exact = curie_weiss_spinodal_field(inverse_temperature=1.5)
    distance = np.abs(found["spinodal"].values - [exact, -exact])
    assert (distance < 3.0 * found["spinodal_error"].values).all()
    assert (found["spinodal_error"].values < 0.25 * exact).all()


def test_where_the_loop_closes_nothing_is_metastable() -> None:
    found = spinodal_estimate(spins(1.0, 0.35))
    assert (found["status"] == SpinodalStatus.CLOSED).all()


def synthetic(generator: np.random.Generator, *, error: float = 0.004) -> xr.Dataset:
    """Switching fields that follow the law, with h_s = 0.5 up and -0.3 down."""
    size, rate = (each.ravel() for each in np.meshgrid(SIZES, RATES))
    place = np.log1p(0.5 / size / rate) / size
    lag = 1.3 * rate ** (2 / 3) * rate / (rate + 0.5 / size) - 0.9 * place ** (2 / 3)
    table = xr.Dataset(coords={"size": ("point", size), "rate": ("point", rate)})
    for name, side, limit in (("up", 1.0, 0.5), ("down", -1.0, 0.3)):
        noise = error * generator.standard_normal(size.size)
        table[f"switching_{name}"] = ("point", side * (limit + lag) + noise)
        table[f"switching_{name}_error"] = ("point", np.full(size.size, error))
    return table


def test_errors_cover_the_truth() -> None:
    generator = np.random.default_rng(1)
    found = [spinodal_estimate(synthetic(generator)) for _ in range(40)]
    deviation = np.array([each["spinodal"].values - [0.5, -0.3] for each in found])
    statistical = np.array([each["statistical_error"].values for each in found])
    total = np.array([each["spinodal_error"].values for each in found])
    share = np.mean(np.abs(deviation) < statistical, axis=0)
    assert ((share > 0.5) & (share < 0.9)).all()
    assert (np.mean(np.abs(deviation) < 2 * total, axis=0) > 0.94).all()


def test_all_sizes_lie_on_one_line() -> None:
    found = spinodal_estimate(synthetic(np.random.default_rng(2), error=1e-5))
    for direction in ("up", "down"):
        one = found.sel(direction=direction)
        expected = float(one["barrier_root"]) * one["place"].values ** (2 / 3)
        np.testing.assert_allclose(one["lag"].values, expected, atol=2e-4)
        assert float(one["barrier_root"]) == pytest.approx(0.9, rel=0.01)
        assert float(one["log_rate_scale"]) == pytest.approx(np.log(0.5), abs=0.05)


def test_units_of_the_field_do_not_matter() -> None:
    table = synthetic(np.random.default_rng(3))
    scaled = table * 7.0
    one, seven = spinodal_estimate(table), spinodal_estimate(scaled)
    for name in ("spinodal", "spinodal_error"):
        np.testing.assert_allclose(seven[name], 7.0 * one[name], rtol=1e-5)


def test_censored_branches_are_left_out_and_too_few_say_so() -> None:
    table = synthetic(np.random.default_rng(4))
    table["switching_up"][:12] = np.nan
    found = spinodal_estimate(table)
    status = found["status"].values.tolist()
    assert status == [SpinodalStatus.TOO_FEW, SpinodalStatus.RESOLVED]
    assert np.isnan(float(found["spinodal"][0]))
    table["switching_down"][:3] = np.nan
    again = spinodal_estimate(table)
    assert int(again["points"][1]) == 13
    assert np.isnan(again["lag"].values[1, :3]).all()


def test_a_law_that_does_not_fit_says_so() -> None:
    table = synthetic(np.random.default_rng(5))
    table["switching_up"] = table["switching_up"] + 0.05 * np.cos(40 * np.log(table["rate"]))
    found = spinodal_estimate(table)
    assert int(found["status"][0]) == SpinodalStatus.MISFIT


def test_other_tables_are_refused() -> None:
    table = synthetic(np.random.default_rng(6))
    with pytest.raises(FormatError, match="'switching_down'"):
        spinodal_estimate(table.drop_vars("switching_down"))
    with pytest.raises(FormatError, match="'width'"):
        spinodal_estimate(table, size="width")
