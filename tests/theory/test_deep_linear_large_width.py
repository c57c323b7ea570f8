"""Phases of wide deep linear networks against brute-force searches of their free energy."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.optimize import brentq, root

from phasegrok.errors import InvalidValueError
from phasegrok.theory.deep_linear_large_width import (
    deep_linear_critical_point,
    deep_linear_large_width,
    deep_linear_large_width_lines,
)

FloatArray = npt.NDArray[np.float64]
STEEP = [(2, 1e-3), (2, 0.3), (3, 0.06), (3, 1.2), (6, 0.5)]
Y = np.exp(np.linspace(np.log(1e-5), np.log(8.0), 100_001))


def _free(y: Any, depth: int, decay: float, heat: float, target: float = 1.0) -> Any:
    k = depth - 1
    signal = target**2 * decay / (y**k + decay) / 2
    return k * decay * y / 2 + signal - k * heat * np.log(y) / 2


def _turns(depth: int, decay: float, heat: float, target: float = 1.0) -> FloatArray:
    """Squared norms at all stationary points, rising."""
    rise = np.diff(_free(Y, depth, decay, heat, target)) > 0
    return Y[np.flatnonzero(rise[1:] != rise[:-1]) + 1]


@pytest.mark.parametrize("depth", [2, 3, 4, 7])
@pytest.mark.parametrize("target", [1.0, 1.7])
def test_phases_are_the_stationary_points_of_the_free_energy(depth: int, target: float) -> None:
    decays = np.linspace(0.15, 0.8, 14) * target ** (2 - 2 / depth)
    heats = np.array([0.002, 0.02, 0.06, 0.2]) * target**2
    phases = deep_linear_large_width(
        layer_count=depth, weight_decay=decays, scaled_temperature=heats, target=target
    )
    counts = set()
    for heat in heats:
        for decay in decays:
            at = phases.sel(weight_decay=decay, scaled_temperature=heat)
            norms = at["square_norm"].values
            brute = _turns(depth, decay, heat, target)
            np.testing.assert_allclose(norms[~np.isnan(norms)], brute, rtol=5e-4)
            counts.add(len(brute))
            free = _free(norms, depth, decay, heat, target)
            np.testing.assert_allclose(at["free_energy"], free, rtol=1e-10)
            power = norms ** (depth - 1)
            np.testing.assert_allclose(at["order_parameter"], target * power / (power + decay))
            assert bool(at["bistable"]) == (len(brute) == 3)
            lowest = at["order_parameter"].values[int(np.nanargmin(free))]
            assert float(at["stable_order_parameter"]) == pytest.approx(lowest)
    assert counts == ({1} if depth == 2 else {1, 3})


@pytest.mark.parametrize(
    ("depth", "decay", "heat", "output"),
    [(3, 0.573939, 0.054964, 0.11620), (4, 0.57429, 0.14025, 0.15047)],
)
def test_critical_point_in_numbers(
    depth: int, decay: float, heat: float, output: float
) -> None:
    point = deep_linear_critical_point(layer_count=depth)
    assert point is not None
    assert point.weight_decay == pytest.approx(decay, abs=6e-6)
    assert point.scaled_temperature == pytest.approx(heat, abs=6e-6)
    assert point.order_parameter == pytest.approx(output, abs=6e-6)


@pytest.mark.parametrize("depth", [3, 4, 6])
def test_first_three_derivatives_vanish_at_the_critical_point(depth: int) -> None:
    target = 1.3
    point = deep_linear_critical_point(layer_count=depth, target=target)
    assert point is not None

    def derivatives(values: FloatArray) -> FloatArray:
        y, decay, heat = values
        step = 1e-2
        x = np.log(y) + step * np.arange(-4, 5)
        free = _free(np.exp(x), depth, decay, heat, target)
        fit = np.polynomial.Polynomial.fit(x - x[4], free, 8)
        return np.array([fit.deriv(order)(0.0) for order in (1, 2, 3)])

    share = point.order_parameter / target
    y = (point.weight_decay * share / (1 - share)) ** (1 / (depth - 1))
    start = [y * 1.03, point.weight_decay * 0.98, point.scaled_temperature * 1.03]
    found = root(derivatives, start, tol=1e-12)
    expected = [y, point.weight_decay, point.scaled_temperature]
    np.testing.assert_allclose(found.x, expected, rtol=1e-5)


@pytest.mark.parametrize(("depth", "heat"), [(3, 0.005), (3, 0.02), (3, 0.05), (5, 0.1)])
def test_lines_are_those_of_the_free_energy(depth: int, heat: float) -> None:
    lines = deep_linear_large_width_lines(layer_count=depth, scaled_temperature=heat).isel(
        scaled_temperature=0
    )
    for name, inside in (("lower_spinodal", 1.001), ("upper_spinodal", 0.999)):
        edge = float(lines[name])
        assert len(_turns(depth, edge * inside, heat)) == 3
        assert len(_turns(depth, edge / inside, heat)) == 1

    def excess(decay: float) -> float:
        turns = _free(_turns(depth, decay, heat), depth, decay, heat)
        return float(turns[2] - turns[0])

    margin = 0.05 * float(lines["upper_spinodal"] - lines["lower_spinodal"])
    ends = float(lines["lower_spinodal"]) + margin, float(lines["upper_spinodal"]) - margin
    decay = brentq(excess, *ends, xtol=1e-12)
    assert float(lines["coexistence"]) == pytest.approx(decay, abs=1e-9)
    turns = _turns(depth, decay, heat)
    free, power = _free(turns, depth, decay, heat), turns ** (depth - 1)
    assert float(lines["barrier"]) == pytest.approx(free[1] - free[0], rel=1e-5)
    outputs = power / (power + decay)
    assert float(lines["jump"]) == pytest.approx(outputs[2] - outputs[0], abs=1e-4)
    assert np.isnan(lines["crossover"])


@pytest.mark.parametrize("depth", [3, 4, 9])
def test_slope_of_the_line_is_that_of_clausius_and_clapeyron(depth: int) -> None:
    heat = np.array([0.003, 0.02, 0.05])
    step = 1e-4 * heat

    def line(at: FloatArray) -> FloatArray:
        lines = deep_linear_large_width_lines(
            layer_count=depth, scaled_temperature=at, target=1.2
        )
        return np.asarray(lines["coexistence"])

    here = deep_linear_large_width_lines(layer_count=depth, scaled_temperature=heat, target=1.2)
    change = (line(heat + step) - line(heat - step)) / (2 * step)
    np.testing.assert_allclose(here["slope"], change, rtol=1e-5)


def test_numbers_known_for_three_layers() -> None:
    lines = deep_linear_large_width_lines(layer_count=3, scaled_temperature=[1e-9, 0.02])
    assert float(lines["coexistence"][1]) == pytest.approx(0.478, abs=5e-4)
    assert float(lines["upper_spinodal"][1]) == pytest.approx(0.5068, abs=5e-5)
    assert float(lines["lower_spinodal"][1]) == pytest.approx(0.4247, abs=5e-5)
    # At zero temperature the closed forms of one mode.
    assert float(lines["coexistence"][0]) == pytest.approx(0.39685, abs=1e-5)
    assert float(lines["upper_spinodal"][0]) == pytest.approx(0.47247, abs=1e-5)
    assert float(lines["jump"][0]) == pytest.approx(0.5, abs=1e-5)


@pytest.mark.parametrize("depth", [3, 4, 8])
def test_lower_spinodal_closes_as_a_power_of_the_temperature(depth: int) -> None:
    heat, target = 1e-9, 1.4
    lines = deep_linear_large_width_lines(
        layer_count=depth, scaled_temperature=heat * target**2, target=target
    )
    power = (depth - 1) ** (1 - 1 / depth) * (depth - 2) ** (2 / depth - 1)
    expected = power * heat ** (1 - 2 / depth) * target ** (2 - 2 / depth)
    assert float(lines["lower_spinodal"][0]) == pytest.approx(expected, rel=3e-3)
    if depth == 3:
        assert power == pytest.approx(4 ** (1 / 3))


@pytest.mark.parametrize(("depth", "heat"), STEEP)
def test_crossover_is_the_steepest_change_in_logarithms(depth: int, heat: float) -> None:
    lines = deep_linear_large_width_lines(layer_count=depth, scaled_temperature=heat)
    found = float(lines["crossover"][0])
    decays = found * np.exp(np.linspace(-0.2, 0.2, 401))
    phases = deep_linear_large_width(
        layer_count=depth, weight_decay=decays, scaled_temperature=heat
    )
    outputs = phases["stable_order_parameter"].values[0]
    slope = -np.gradient(np.log(outputs), np.log(decays))
    assert np.argmax(slope[1:-1]) + 1 == pytest.approx(200, abs=1)
    assert slope[200] > depth


def test_crossover_begins_at_the_critical_point_or_at_the_continuous_transition() -> None:
    point = deep_linear_critical_point(layer_count=3)
    assert point is not None
    heat = point.scaled_temperature
    lines = deep_linear_large_width_lines(
        layer_count=3, scaled_temperature=[heat * (1 - 1e-5), heat * (1 + 1e-5)]
    )
    assert float(lines["crossover"][1]) == pytest.approx(point.weight_decay, rel=1e-5)
    assert float(lines["coexistence"][0]) == pytest.approx(point.weight_decay, rel=1e-5)
    two = deep_linear_large_width_lines(
        layer_count=2, scaled_temperature=[1e-8, 1.01], target=1.0
    )
    assert float(two["crossover"][0]) == pytest.approx(1.0, abs=1e-6)
    assert np.isnan(two["crossover"][1])
    assert np.isnan(two["coexistence"]).all()
    assert deep_linear_critical_point(layer_count=2) is None


@pytest.mark.parametrize("depth", [2, 3, 10, 1000])
def test_extreme_controls_are_all_learned_or_all_unlearned(depth: int) -> None:
    phases = deep_linear_large_width(
        layer_count=depth, weight_decay=[1e-40, 1e40], scaled_temperature=[1e-20, 0.1]
    )
    outputs = phases["stable_order_parameter"].values
    np.testing.assert_allclose(outputs, [[1.0, 0.0]] * 2, atol=1e-6)
    lines = deep_linear_large_width_lines(layer_count=depth, scaled_temperature=[1e-7, 1e3])
    assert np.isnan(lines["coexistence"][1])
    assert bool(np.isfinite(lines["coexistence"][0])) == (depth > 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layer_count": 1}, "layer_count must be a whole number"),
        ({"weight_decay": [0.4, -1.0]}, "every weight decay must be positive"),
        ({"scaled_temperature": 0.0}, "every scaled temperature must be positive"),
        ({"target": np.inf}, "target must be a finite number"),
    ],
)
def test_refusals(change: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {"layer_count": 3, "weight_decay": 0.4, "scaled_temperature": 0.02}
    with pytest.raises(InvalidValueError, match=message):
        deep_linear_large_width(**{**good, **change})
