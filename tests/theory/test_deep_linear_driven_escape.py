"""Ramped chains against a solver of the master equation, the exact law and Langevin runs."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import xarray as xr
from scipy.integrate import solve_ivp, trapezoid
from scipy.optimize import brentq

from phasegrok.errors import InvalidValueError
from phasegrok.theory.deep_linear_driven_escape import deep_linear_driven_escape
from phasegrok.theory.deep_linear_equilibrium import deep_linear_equilibrium
from phasegrok.theory.deep_linear_escape import deep_linear_escape
from phasegrok.theory.deep_linear_modes import deep_linear_modes

FloatArray = npt.NDArray[np.float64]


def _rates(decay: float, heat: float) -> tuple[float, float]:
    found = deep_linear_escape(layer_count=3, weight_decay=decay, temperature=heat)
    return found["rate_to_learn"].item(), found["rate_to_forget"].item()


@pytest.mark.parametrize("direction", ["up", "down"])
def test_shares_solve_the_master_equation(direction: str) -> None:
    # A range in which all rates hold.
    heat, rate, low, high = 0.003, 2e-6, 0.29, 0.43
    found = deep_linear_driven_escape(
        layer_count=3, temperature=heat, rates=rate, lowest=low, highest=high, record_count=29
    ).sel(direction=direction)
    assert found["holds_to_learn"].all()
    assert found["holds_to_forget"].all()
    sign, start = (1, low) if direction == "up" else (-1, high)

    def change(time: float, state: FloatArray) -> list[float]:
        learn, forget = _rates(start + sign * rate * time, heat)
        leaving = forget if direction == "up" else learn
        return [learn * (1 - state[0]) - forget * state[0], -leaving * state[1]]

    first = [1.0 if direction == "up" else 0.0, 1.0]
    times = np.linspace(0, (high - low) / rate, 29)
    options: dict[str, Any] = {"t_eval": times, "rtol": 1e-8, "atol": 1e-10}
    exact = solve_ivp(change, (0.0, times[-1]), first, **options).y[:, ::sign]
    np.testing.assert_allclose(found["learned_share"][0], exact[0], atol=2e-5)
    np.testing.assert_allclose(found["survival"][0], exact[1], atol=2e-5)
    half = float(found["switching_field"][0])
    rising = slice(None, None, -1) if direction == "up" else slice(None)
    decays = found["weight_decay"].values
    expected = np.interp(0.5, exact[1][rising], decays[rising])
    assert half == pytest.approx(expected, abs=5e-4)
    assert float(found["outside_share"][0]) == 0.0


def test_slow_ramps_follow_the_equilibrium() -> None:
    heat = 0.001
    found = deep_linear_driven_escape(
        layer_count=3, temperature=heat, rates=1e-30, lowest=0.39, highest=0.404, record_count=8
    )
    # All but where they start.
    up, down = found["learned_share"].values[:, 0, 1:-1]
    np.testing.assert_allclose(up, down, atol=1e-9)
    exact = deep_linear_equilibrium(
        layer_count=3, width=1, temperature=heat, weight_decay=found["weight_decay"].values
    )["learned_weight"].values[0, 1:-1]
    logit = np.log(up / (1 - up)) - np.log(exact / (1 - exact))
    # Laplace's integrals are off by the order of T.
    assert np.abs(logit).max() < 0.05
    # What is left is one triangle at either start.
    assert float(found["loop_area"][0]) == pytest.approx(0.0, abs=2e-4)


def test_exponential_rates_move_the_switching_field_by_a_logarithm() -> None:
    rates = np.array([1e-8, 1e-7, 1e-6])
    found = deep_linear_driven_escape(
        layer_count=3, temperature=0.002, rates=rates, lowest=0.38, highest=0.5
    ).sel(direction="up")
    for rate, field in zip(rates, found["switching_field"].values, strict=True):
        # ∫ k dλ/r = ln 2, with k falling away by its own slope below the field.
        def hazard(decay: float, rate: float = rate) -> float:
            grid = np.linspace(0.38, decay, 2001)
            chain = deep_linear_escape(layer_count=3, weight_decay=grid, temperature=0.002)
            total = trapezoid(chain["rate_to_forget"].values[0], grid)
            return float(total / rate - np.log(2))

        assert field == pytest.approx(brentq(hazard, 0.39, 0.45), abs=2e-5)
    assert (np.diff(found["switching_field"]) > 0).all()


def _langevin(heat: float, rate: float, low: float, high: float, way: str) -> FloatArray:
    """Rows of λ, share of learned chains and share that never left, of 500 chains."""
    rng = np.random.default_rng(7)
    step, decay = 0.05, low if way == "up" else high
    modes = deep_linear_modes(layer_count=3, singular_values=1.0, weight_decay=decay)
    start = modes["learned_product"].item() ** (1 / 3) if way == "up" else 0.0
    weights = np.full((3, 500), start)
    rows = []
    count = int((high - low) / rate / step)
    for index in range(count):
        others = weights[[1, 2, 0]] * weights[[2, 0, 1]]
        slope = decay * weights - (1 - weights.prod(axis=0)) * others
        weights = weights - step * slope
        weights += np.sqrt(2 * heat * step) * rng.standard_normal(weights.shape)
        decay += rate * step if way == "up" else -rate * step
        if index % (count // 20) == 0:
            rows.append([decay, (weights.prod(axis=0) > 0.15).mean()])
    return np.array(rows).T


@pytest.mark.parametrize(("way", "low", "high"), [("up", 0.36, 0.46), ("down", 0.27, 0.36)])
def test_langevin_chains_switch_as_told(way: str, low: float, high: float) -> None:
    heat, rate = 0.005, 1e-4
    decays, shares = _langevin(heat, rate, low, high, way)
    found = deep_linear_driven_escape(
        layer_count=3, temperature=heat, rates=rate, lowest=low, highest=high
    ).sel(direction=way)
    told = np.interp(decays, found["weight_decay"], found["learned_share"][0])
    assert np.abs(shares - told).max() < 0.3 / math.e + 4 * (0.25 / 500) ** 0.5
    # A rate that is too high by x moves the share by x/e at most; about 0.15 to 0.3 here.
    assert told.max() - told.min() > 0.5


def test_shares_outside_are_told() -> None:
    found = deep_linear_driven_escape(
        layer_count=3, temperature=0.003, rates=[1e-7, 1e-3], lowest=0.1, highest=0.55
    )
    outside = found["outside_share"]
    assert (outside.sel(rate=1e-7) < 1e-6).all()
    assert float(outside.sel(rate=1e-3, direction="up")) > 0.9
    beyond = found["weight_decay"] > 0.4725
    assert (found["learned_share"].sel(direction="up").where(beyond, 0.0) == 0.0).all()
    assert not found["holds_to_forget"].where(beyond, False).any()
    area = found["loop_area"].values
    assert 0 < area[0] < area[1]
    down = found["order_parameter"].sel(direction="down", rate=1e-7)
    up = found["order_parameter"].sel(direction="up", rate=1e-7)
    assert area[0] == pytest.approx(trapezoid(up - down, found["weight_decay"]))


def test_target_sets_the_scales() -> None:
    def at(target: float) -> xr.Dataset:
        unit = target ** (2 - 2 / 4)
        return deep_linear_driven_escape(
            layer_count=4,
            temperature=0.003 * target**2,
            rates=1e-5 * unit**2,
            lowest=0.1 * unit,
            highest=0.4 * unit,
            target=target,
        )

    one, two = at(1.0), at(2.0)
    np.testing.assert_allclose(two["learned_share"], one["learned_share"], rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(two["order_parameter"], 2 * one["order_parameter"], atol=1e-8)
    np.testing.assert_allclose(two["switching_field"], 2**1.5 * one["switching_field"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layer_count": 2}, "without a barrier"),
        ({"temperature": 0.2}, "must leave barriers of 2 temperatures"),
        ({"rates": [1e-5, 0.0]}, "every rate must be positive"),
        ({"lowest": 0.5}, "lowest must lie below highest"),
        ({"record_count": 1}, "record_count must be a whole number of at least 2"),
        ({"temperature": 1e-12}, "GiB"),
    ],
)
def test_refusals(change: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {
        "layer_count": 3,
        "temperature": 0.003,
        "rates": 1e-5,
        "lowest": 0.2,
        "highest": 0.5,
    }
    with pytest.raises(InvalidValueError, match=message):
        deep_linear_driven_escape(**{**good, **change})
