"""Branches and switching fields of runs whose answer is written down."""

from typing import Any

import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import FormatError
from phasegrok.exact import FieldRamp, driven_double_well
from phasegrok.transitions.hysteresis.loops import SwitchStatus, branches_of, switching_fields

NAMES: dict[str, Any] = {"control": "field", "variable": "m"}
UP = np.linspace(-1.0, 1.0, 21)


def driven(*runs: tuple[Any, Any], counts: list[int] | None = None) -> xr.Dataset:
    """Runs of one length, each a pair of the field and the order parameter at every record."""
    now, values = (np.array([run[place] for run in runs], dtype=float) for place in (0, 1))
    count = len(runs)
    return xr.Dataset(
        {"field_now": (("run", "record"), now), "m": (("run", "record"), values)},
        coords={
            "size": ("run", np.full(count, 10)),
            "rate": ("run", np.full(count, 0.1)),
            "direction": ("run", np.full(count, "up", dtype=object)),
            "outcome": ("run", np.full(count, "finished", dtype=object)),
            "record_count": ("run", counts or [now.shape[1]] * count),
            "physical_kinetics": ("run", np.ones(count, np.int8)),
        },
    )


def step(fields: Any, at: float) -> Any:
    """Order parameter that rises linearly over 0.4 and passes through zero at a field."""
    return np.clip((np.asarray(fields) - at) / 0.2, -1.0, 1.0)


def test_switching_fields_are_interpolated() -> None:
    samples = driven((UP, step(UP, 0.32)), (UP[::-1], step(UP[::-1], -0.27)))
    found = switching_fields(samples, **NAMES)
    np.testing.assert_allclose(found["switching_field"], [0.32, -0.27], atol=1e-12)
    np.testing.assert_allclose(found["lower"], [0.3, -0.3], atol=1e-12)
    np.testing.assert_allclose(found["upper"], [0.4, -0.2], atol=1e-12)
    assert found["direction"].values.tolist() == ["up", "down"]
    assert found["status"].values.tolist() == [0, 0]
    assert found.attrs["level"] == pytest.approx(0.0)
    assert found["size"].dims == ("branch",)


def test_a_run_that_goes_around_has_two_branches() -> None:
    around = np.concatenate([UP, UP[-2::-1]])
    values = np.concatenate([step(UP, 0.5), step(UP[-2::-1], -0.4)])
    samples = driven((around, values))
    parts = branches_of(samples, **NAMES)
    assert [part.direction for part in parts] == ["up", "down"]
    assert parts[0].control[-1] == parts[1].control[0] == 1.0
    found = switching_fields(samples, **NAMES)
    np.testing.assert_allclose(found["switching_field"], [0.5, -0.4], atol=1e-12)


def test_a_control_that_waits_before_it_moves_is_no_turn() -> None:
    fields = np.concatenate([np.full(5, -1.0), UP, np.full(5, 1.0)])
    found = switching_fields(driven((fields, step(fields, 0.2))), **NAMES)
    np.testing.assert_allclose(found["switching_field"], [0.2], atol=1e-12)


def test_branches_that_do_not_switch_are_censored_and_say_so() -> None:
    samples = driven(
        (UP, step(UP, 0.3)),
        (UP, np.full(UP.shape, -1.0)),
        (UP[::-1], np.full(UP.shape, 1.0)),
        (UP, np.full(UP.shape, 1.0)),
    )
    found = switching_fields(samples, level=0.0, **NAMES)
    never, already = int(SwitchStatus.NEVER), int(SwitchStatus.ALREADY)
    assert found["status"].values.tolist() == [0, never, never, already]
    assert np.isnan(found["switching_field"].values[1:]).all()
    np.testing.assert_array_equal(found["lower"].values[1:], [1.0, -np.inf, -np.inf])
    np.testing.assert_array_equal(found["upper"].values[1:], [np.inf, -1.0, -1.0])


def test_several_crossings_are_met_halfway() -> None:
    values = np.where(UP < -0.25, -1.0, 1.0)
    values[(UP > 0.05) & (UP < 0.45)] = -1.0
    found = switching_fields(driven((UP, values)), level=0.0, **NAMES)
    assert int(found["crossings"][0]) == 3
    # First at -0.25, last at 0.45.
    assert float(found["switching_field"][0]) == pytest.approx(0.1)


def test_an_order_parameter_that_falls_with_the_control_is_the_same() -> None:
    samples = driven((UP, step(UP, 0.32)), (UP[::-1], step(UP[::-1], -0.27)))
    mirrored = samples.assign(m=3.0 - 2.0 * samples["m"])
    for name in ("switching_field", "lower", "upper", "status"):
        np.testing.assert_allclose(
            switching_fields(mirrored, **NAMES)[name], switching_fields(samples, **NAMES)[name]
        )


def test_records_never_made_and_failed_runs_are_left_out() -> None:
    values = step(UP, 0.3)
    values[15:] = np.nan
    fields = np.where(np.arange(21) < 15, UP, np.nan)
    samples = driven((fields, values), (UP, step(UP, 0.1)), (UP, step(UP, 0.2)))
    samples = samples.assign_coords(
        record_count=("run", [15, 21, 21]),
        outcome=("run", np.array(["truncated", "failed", "finished"], dtype=object)),
    )
    found = switching_fields(samples, level=0.0, **NAMES)
    np.testing.assert_allclose(found["switching_field"], [0.3, 0.2], atol=1e-12)


def test_a_driven_system_goes_through() -> None:
    ramp = FieldRamp(
        lowest=-2.5, highest=2.5, rates=(0.05,), record_count=101, directions=("around",)
    )
    samples = driven_double_well(barrier=1.0, temperature=0.05, ramp=ramp, seed=1)
    found = switching_fields(samples, control="field", variable="order_parameter")
    up, down = found["switching_field"].values
    assert 0.5 < up < 2.0
    assert -2.0 < down < -0.5


def test_what_is_no_loop_is_refused() -> None:
    samples = driven((UP, step(UP, 0.3)))
    with pytest.raises(FormatError, match="variable 'g_now'"):
        switching_fields(samples, control="g", variable="m")
    with pytest.raises(FormatError, match="variable 'mm'"):
        switching_fields(samples, control="field", variable="mm")
    with pytest.raises(FormatError, match="in which 'field_now' changes"):
        switching_fields(samples.assign(field_now=0.0 * samples["field_now"]), **NAMES)
