"""Rates of escape against Langevin dynamics, numerical Hessians and the exact law."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.integrate import quad

from phasegrok.errors import InvalidValueError
from phasegrok.theory.deep_linear_equilibrium import deep_linear_equilibrium
from phasegrok.theory.deep_linear_escape import deep_linear_escape, langer_rate
from phasegrok.theory.deep_linear_modes import deep_linear_modes

FloatArray = npt.NDArray[np.float64]


def _energy(weights: FloatArray, decay: float, target: float) -> float:
    return float((target - weights.prod()) ** 2 + decay * weights @ weights) / 2


def _curvatures(weight: float, layers: int, decay: float, target: float) -> FloatArray:
    """Eigenvalues of the Hessian by differences of the energy."""
    steps = 1e-4 * np.eye(layers)
    centre = np.full(layers, weight)

    def at(first: FloatArray, second: FloatArray) -> float:
        signs = ((1, 1), (1, -1), (-1, 1), (-1, -1))
        values = [_energy(centre + a * first + b * second, decay, target) for a, b in signs]
        return (values[0] - values[1] - values[2] + values[3]) / 4e-8

    hessian = np.array([[at(first, second) for second in steps] for first in steps])
    values: FloatArray = np.linalg.eigvalsh(hessian)
    return values


def test_mean_times_known_for_three_layers() -> None:
    barrier = deep_linear_escape(layer_count=3, weight_decay=0.35, temperature=1.0)
    height = float(barrier["barrier_to_learn"][0])
    assert height == pytest.approx(0.022503, abs=1e-6)
    rates = deep_linear_escape(
        layer_count=3, weight_decay=0.35, temperature=height / np.array([3.0, 4.0, 5.0, 6.0])
    )
    times = 1 / rates["rate_to_learn"].values[:, 0]
    np.testing.assert_allclose(times, [196, 534, 1452, 3946], atol=0.6)
    # Those of 2000 simulated escapes each, 223(5) to 4186(90): they tend to the limit.
    ratios = np.array([223, 596, 1581, 4186]) / times
    assert (np.diff(ratios) < 0).all()
    assert (ratios - 1 < 1.5 / np.array([3, 4, 5, 6])).all()


@pytest.mark.parametrize("layers", [3, 4, 6])
@pytest.mark.parametrize("target", [1.0, 1.4])
def test_rates_are_those_of_numerical_hessians(layers: int, target: float) -> None:
    decay = 0.2 * target ** (2 - 2 / layers)
    modes = deep_linear_modes(
        layer_count=layers, singular_values=target, weight_decay=decay
    ).isel(mode=0, weight_decay=0)
    saddle, learned = (
        float(modes[name]) ** (1 / layers) for name in ("saddle_product", "learned_product")
    )
    found = deep_linear_escape(
        layer_count=layers, weight_decay=decay, temperature=0.005, target=target
    ).isel(weight_decay=0)
    across = _curvatures(saddle, layers, decay, target)
    assert float(found["saddle_curvature"]) == pytest.approx(across.min(), rel=1e-5)
    for way, start, exits in (("learn", 0.0, 2 ** (layers - 1)), ("forget", learned, 1)):
        places = (np.full(layers, saddle), np.full(layers, start))
        height, bottom = (_energy(place, decay, target) for place in places)
        rate = langer_rate(
            minimum_curvatures=_curvatures(start, layers, decay, target),
            saddle_curvatures=across,
            barrier=height - bottom,
            temperature=0.005,
            exits=exits,
        )
        assert float(found[f"rate_to_{way}"][0]) == pytest.approx(rate, rel=1e-5)
        prefactor = rate * np.exp((height - bottom) / 0.005)
        assert float(found[f"prefactor_to_{way}"]) == pytest.approx(prefactor, rel=1e-5)


def test_one_direction_is_the_exact_passage_at_low_temperature() -> None:
    # U = (x² - 1)²: Pontryagin's quadrature from the well to far beyond the pass.
    heat = 0.05

    def inner(y: float) -> float:
        below, _ = quad(lambda z: np.exp(-((z**2 - 1) ** 2) / heat), -2.0, y, limit=200)
        return float(np.exp((y**2 - 1) ** 2 / heat) * below)

    time = quad(inner, -1.0, 0.7, limit=200)[0] / heat
    rate = langer_rate(
        minimum_curvatures=8.0, saddle_curvatures=-4.0, barrier=1.0, temperature=heat
    )
    assert rate * time == pytest.approx(1.0, abs=heat)
    twice = langer_rate(
        minimum_curvatures=8.0, saddle_curvatures=-4.0, barrier=1.0, temperature=heat, exits=2
    )
    assert twice == pytest.approx(2 * rate)


@pytest.mark.parametrize("layers", [3, 4])
def test_rates_balance_the_exact_weights(layers: int) -> None:
    distance = []
    for heat in (0.002, 0.001):
        decay = 0.39 if layers == 3 else 0.265
        rates = deep_linear_escape(layer_count=layers, weight_decay=decay, temperature=heat)
        ratio = float(rates["rate_to_learn"][0, 0] / rates["rate_to_forget"][0, 0])
        exact = deep_linear_equilibrium(
            layer_count=layers, width=1, temperature=heat, weight_decay=decay
        )
        weight = exact["learned_weight"].item()
        distance.append(np.log(ratio * (1 - weight) / weight))
    # Laplace's integrals are off by the order of T.
    assert abs(distance[1]) < 0.05
    assert distance[0] / distance[1] == pytest.approx(2.0, abs=0.3)


def _first_passage(
    decay: float, heat: float, start: float, gone: Callable[[FloatArray], Any], seed: int
) -> FloatArray:
    """Times of Euler's scheme for chains of three layers."""
    rng = np.random.default_rng(seed)
    weights, step = np.full((3, 800), start), 0.05
    times: list[float] = []
    count = 0
    while weights.size:
        others = weights[[1, 2, 0]] * weights[[2, 0, 1]]
        slope = decay * weights - (1 - weights.prod(axis=0)) * others
        noise = np.sqrt(2 * heat * step) * rng.standard_normal(weights.shape)
        weights = weights - step * slope + noise
        count += 1
        left = gone(weights.prod(axis=0))
        if left.any():
            times += [count * step] * int(left.sum())
            weights = weights[:, ~left]
    return np.array(times)


@pytest.mark.parametrize(("way", "decay"), [("learn", 0.35), ("forget", 0.43)])
def test_langevin_chains_escape_at_these_rates(way: str, decay: float) -> None:
    modes = deep_linear_modes(layer_count=3, singular_values=1.0, weight_decay=decay)
    heat = modes[f"barrier_to_{way}"].item() / 3
    if way == "learn":
        times = _first_passage(decay, heat, 0.0, lambda m: m > 0.4, 1)
    else:
        start = modes["learned_product"].item() ** (1 / 3)
        times = _first_passage(decay, heat, start, lambda m: m < 0.03, 2)
    rates = deep_linear_escape(layer_count=3, weight_decay=decay, temperature=heat)
    ratio = times.mean() * rates[f"rate_to_{way}"].item()
    error = times.std(ddof=1) / times.mean() / len(times) ** 0.5
    # The formula is the first term of a series in T/ΔF = 1/3, with a positive second term of
    # less than half its coefficient.
    assert -4 * error < np.log(ratio) < 1 / 6 + 4 * error
    assert rates[f"holds_to_{way}"].item()


def test_where_no_rate_holds() -> None:
    found = deep_linear_escape(
        layer_count=3, weight_decay=[0.1, 0.35, 0.46, 0.48], temperature=[0.0075, 0.02]
    )
    assert found["holds_to_learn"].values.tolist() == [
        [False, True, True, False],
        [False, False, True, False],
    ]
    assert found["holds_to_forget"].values.tolist() == [
        [True, True, False, False],
        [True, True, False, False],
    ]
    assert np.isnan(found["rate_to_forget"][:, 3]).all()


GOOD: dict[str, Any] = {
    "minimum_curvatures": [1.0, 1.0],
    "saddle_curvatures": [-1.0, 1.0],
    "barrier": 1.0,
    "temperature": 0.1,
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"minimum_curvatures": [1.0, -1.0]},
            "of the minimum must be positive",
        ),
        ({"saddle_curvatures": [1.0, 1.0]}, "one of them negative"),
        ({"saddle_curvatures": [-1.0, -1.0]}, "one of them negative"),
        ({"saddle_curvatures": [-1.0, 0.0]}, "none zero"),
        ({"saddle_curvatures": [-1.0, 1.0, 1.0]}, "must be 2 numbers"),
        ({"barrier": 0.0}, "barrier must be positive"),
        ({"temperature": -0.1}, "temperature must be positive"),
        ({"exits": 0}, "exits must be a whole number"),
    ],
)
def test_refusals_of_rates(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValueError, match=message):
        langer_rate(**{**GOOD, **change})


def test_two_layers_have_no_escape() -> None:
    with pytest.raises(InvalidValueError, match="without a barrier"):
        deep_linear_escape(layer_count=2, weight_decay=0.3, temperature=0.01)
