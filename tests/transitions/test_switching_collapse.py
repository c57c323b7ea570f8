"""The collapse of switching fields: exact escapes over a barrier, and loops without one."""

from typing import Any

import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import FormatError, InsufficientSamplesError, InvalidValueError
from phasegrok.transitions.hysteresis.loop_tables import LoopStatus
from phasegrok.transitions.hysteresis.rate_regimes import compare_rate_laws, rate_laws
from phasegrok.transitions.hysteresis.switching_collapse import (
    CollapseStatus,
    compare_collapse,
    switching_collapse,
)
from phasegrok.transitions.hysteresis.switching_laws import fit_far_above

HEATS = np.array([0.01, 0.02, 0.04])
RATES = np.geomspace(1e-6, 1e-3, 7)
ATTEMPT = 0.2


def escape_field(heat: float, rate: float) -> float:
    """Mean field of escape over B(h) = (1 - h)^(3/2) at a rate k₀ √(1 - h) e^(-B/T)."""
    field = np.linspace(0.0, 1.0, 40001)
    left = np.maximum(1.0 - field, 0.0)
    hazard = ATTEMPT * np.sqrt(left) * np.exp(-(left**1.5) / heat) / rate
    # What has not escaped at the spinodal does so there.
    outlived = np.exp(
        -np.concatenate([[0.0], np.cumsum(hazard[1:] + hazard[:-1]) / 2]) * field[1]
    )
    return float(outlived.sum() * field[1])


def continuous_width(heat: float, rate: float) -> float:
    """r ln(1/T): the lag of a network of two layers about its continuous transition."""
    return float(30.0 * rate**0.7 * np.log(1.0 / heat))


def table_of(width: Any, seed: int, *, error: float = 0.002, rates: Any = RATES) -> xr.Dataset:
    generator = np.random.default_rng(seed)
    points = [(heat, rate) for heat in HEATS for rate in rates]
    field = np.array([width(*each) for each in points])
    noise = error * generator.normal(size=(2, field.size))
    up, down = field + noise[0], -field + noise[1]
    known = np.full(field.size, error)
    columns = {
        "switching_up": up,
        "switching_down": down,
        "switching_up_error": known,
        "switching_down_error": known,
        "width": up - down,
        "width_error": np.sqrt(2) * known,
        "status": np.full(field.size, int(LoopStatus.WHOLE)),
    }
    return xr.Dataset(
        {name: ("point", values) for name, values in columns.items()},
        coords={
            "size": ("point", 1 / np.array(points)[:, 0]),
            "rate": ("point", np.array(points)[:, 1]),
        },
        attrs={"control": "field", "variable": "m"},
    )


def test_escapes_over_a_barrier_collapse_and_give_the_attempt_rate() -> None:
    # Escape where k T/(r dB/dh) = e^(B/T): r₀ = ρT with ρ = 2k₀/3.
    wanted = np.log(2 * ATTEMPT / 3)
    scales, errors = [], []
    for seed in range(8):
        found = switching_collapse(table_of(escape_field, seed))
        assert (found["status"] == CollapseStatus.COLLAPSES).all()
        scales.append(found["log_rate_scale"].to_numpy())
        errors.append(found["log_rate_scale_error"].to_numpy())
        assert float(found["scatter"].max()) < 0.01
    # Corrections are of the order of the width of the law of escapes, e^γ at most.
    assert np.mean(scales) == pytest.approx(wanted, abs=np.euler_gamma + 0.3)
    # The stated error holds the 1 % as well.
    assert np.std(scales, ddof=1) < 1.5 * np.mean(errors)


def test_an_attempt_rate_is_given_at_the_mean_temperature() -> None:
    found = switching_collapse(table_of(escape_field, 1))
    middle = np.mean(np.log(HEATS))
    np.testing.assert_allclose(
        found["log_attempt_rate"], found["log_rate_scale"] + middle, rtol=1e-12
    )


def test_units_of_rates_and_branches_do_not_matter() -> None:
    table = table_of(escape_field, 2)
    once, faster = (
        switching_collapse(each)
        for each in (table, table.assign_coords(rate=7.0 * table["rate"]))
    )
    shift = faster["log_rate_scale"] - once["log_rate_scale"]
    np.testing.assert_allclose(shift, np.log(7.0), atol=1e-3)
    np.testing.assert_allclose(faster["place"], once["place"], rtol=1e-3)
    turned = table.rename(
        {
            "switching_up": "switching_down",
            "switching_down": "switching_up",
            "switching_up_error": "switching_down_error",
            "switching_down_error": "switching_up_error",
        }
    )
    other = switching_collapse(turned)
    np.testing.assert_allclose(other["scatter"][::-1], once["scatter"], rtol=1e-6)


def test_what_has_no_barrier_does_not_collapse() -> None:
    for seed in range(4):
        table = table_of(continuous_width, seed, error=0.001)
        assert compare_collapse(table).attrs["answer"] == "does not"
        best = compare_collapse(table).sortby("weight").isel(model=-1)
        assert best["model"].item() == "continuous"
        weights = compare_collapse(table_of(escape_field, seed))
        assert weights.attrs["answer"] == "collapses"


def test_fields_of_the_rate_alone_are_told_apart() -> None:
    table = table_of(lambda _, rate: 0.5 + 8.0 * rate ** (2 / 3), 3)
    found = compare_collapse(table)
    assert found.attrs["answer"] == "does not"
    assert np.argmin(found["weight"].to_numpy()) == 0


def test_noise_alone_is_undecided_and_a_jumble_fits_nothing() -> None:
    loud = table_of(escape_field, 4, error=3.0)
    assert compare_collapse(loud).attrs["answer"] != "collapses"
    generator = np.random.default_rng(5)
    jumble = table_of(lambda *_: generator.normal(), 5)
    assert compare_collapse(jumble).attrs["answer"] == "undecided"
    assert (switching_collapse(jumble)["status"] == CollapseStatus.MISFIT).all()
    scatter = switching_collapse(jumble)
    assert float(scatter["scatter"].min()) > 3 * float(scatter["scatter_error"].max()) > 0


def test_too_few_points_give_no_estimate() -> None:
    table = table_of(escape_field, 6).isel(point=slice(0, 5))
    found = switching_collapse(table)
    assert (found["status"] == CollapseStatus.TOO_FEW).all()
    assert np.isnan(found["log_rate_scale"]).all()
    with pytest.raises(InsufficientSamplesError, match="switching fields of a branch"):
        compare_collapse(table)


@pytest.mark.parametrize(
    ("law", "width"),
    [
        ("near equilibrium", lambda r: 4.0 * r),
        ("plateau", lambda r: 0.3 + 0 * r),
        ("deterministic", lambda r: 0.3 + 2.0 * r ** (2 / 3)),
        ("far above", lambda r: 2.0 * r**0.5),
        ("continuous", lambda r: 1.5 * r**0.3),
    ],
)
def test_every_regime_is_recognised(law: str, width: Any) -> None:
    generator = np.random.default_rng(7)
    rate = np.geomspace(0.01, 1.0, 9)
    exact = width(rate)
    found = compare_rate_laws(rate, exact * (1 + 0.01 * generator.normal(size=9)), 0.01 * exact)
    assert found.sortby("weight")["law"].to_numpy()[-1] == law
    best = found.sel(law=law)
    assert int(best["consistent"]) == 1
    assert float(found["weight"].sum()) == pytest.approx(1.0)
    if law in ("plateau", "deterministic"):
        assert abs(float(best["limit"]) - 0.3) < 4 * float(best["limit_error"])
    if law == "continuous":
        assert abs(float(best["exponent"]) - 0.3) < 4 * float(best["exponent_error"])
    if law == "far above":
        fit = fit_far_above(rate, exact, 0.01 * exact)
        assert fit.coefficients["square_root"] == pytest.approx(2.0)
        assert (fit.limit, fit.freedom) == (0.0, 8)


def test_laws_of_the_rate_are_compared_size_by_size() -> None:
    table = table_of(lambda heat, rate: (30 if heat > 0.015 else 3) * rate**0.5, 8, error=1e-4)
    found = rate_laws(table)
    assert found["size"].to_numpy().tolist() == pytest.approx([25.0, 50.0, 100.0])
    best = found["law"].to_numpy()[found["weight"].argmax("law").to_numpy()]
    assert set(best) == {"far above"}
    cut = table.assign(status=table["status"] * 0 + int(LoopStatus.CUT))
    with pytest.raises(InsufficientSamplesError, match="rates of one size"):
        rate_laws(cut)


def test_what_has_no_meaning_is_refused() -> None:
    table = table_of(escape_field, 9)
    with pytest.raises(FormatError, match="switching_up"):
        switching_collapse(table.drop_vars("switching_up"))
    with pytest.raises(InvalidValueError, match="finite sizes"):
        switching_collapse(table.assign_coords(size=table["size"] * np.inf))
    with pytest.raises(InvalidValueError, match="attempt_exponent"):
        switching_collapse(table, attempt_exponent=-1.0)
    with pytest.raises(InvalidValueError, match="'width' or 'area'"):
        rate_laws(table, quantity="height")
    with pytest.raises(InsufficientSamplesError, match="laws of the rate"):
        compare_rate_laws([1.0, 2.0], [1.0, 2.0], [0.1, 0.1])
