"""Coexistence at finite temperature against the exact law, its limits and its slope."""

from typing import Any

import numpy as np
import pytest

from phasegrok.errors import InvalidValueError
from phasegrok.exact import deep_linear_law, deep_linear_transition
from phasegrok.theory.deep_linear_coexistence import deep_linear_coexistence
from phasegrok.theory.deep_linear_equilibrium import deep_linear_equilibrium
from phasegrok.theory.deep_linear_large_width import deep_linear_large_width_lines


@pytest.mark.parametrize(
    ("width", "temperatures", "decays"),
    [
        (1, [0.001, 0.005], [0.3972, 0.3987]),
        (2, [0.001, 0.005], [0.4036, 0.4227]),
        (4, [0.001, 0.005], [0.4141, 0.4605]),
        (8, [0.001], [0.4318]),
        (16, [0.001], [0.4615]),
        (32, [0.001], [0.5110]),
    ],
)
def test_equal_weights_in_numbers(
    width: int, temperatures: list[float], decays: list[float]
) -> None:
    found = deep_linear_coexistence(layer_count=3, width=width, temperature=temperatures)
    # They were found with a valley of another coordinate, which matters at the last digits.
    np.testing.assert_allclose(found["coexistence"], decays, rtol=0, atol=1.6e-4)


@pytest.mark.parametrize(("layers", "width", "temperature"), [(3, 4, 0.003), (5, 2, 0.004)])
def test_both_basins_have_half_of_the_weight(
    layers: int, width: int, temperature: float
) -> None:
    found = deep_linear_coexistence(
        layer_count=layers, width=width, temperature=temperature, target=1.3
    )
    there = deep_linear_equilibrium(
        layer_count=layers,
        width=width,
        temperature=temperature,
        weight_decay=found["coexistence"].values,
        target=1.3,
    )
    assert there["learned_weight"].item() == pytest.approx(0.5, abs=1e-9)
    for name in ("order_parameter", "half_square_norm", "loss", "energy"):
        np.testing.assert_allclose(found[name][0], there[f"phase_{name}"][0, 0], rtol=1e-9)


@pytest.mark.parametrize(("layers", "width"), [(3, 1), (3, 4), (4, 2)])
def test_slope_is_that_of_the_line(layers: int, width: int) -> None:
    heat = 0.0008
    found = deep_linear_coexistence(
        layer_count=layers, width=width, temperature=heat * np.array([0.999, 1.0, 1.001])
    )
    change = float(found["coexistence"][2] - found["coexistence"][0]) / (0.002 * heat)
    # The valley moves with the temperature, at no weight.
    assert float(found["slope"][1]) == pytest.approx(change, rel=1e-3)


def test_scalar_chain_starts_from_the_closed_form_with_a_known_slope() -> None:
    alone = deep_linear_transition(layer_count=3)
    found = deep_linear_coexistence(layer_count=3, width=1, temperature=[1e-5, 1e-4])
    shift = (found["coexistence"] - alone.weight_decay) / found["temperature"]
    np.testing.assert_allclose(shift, 0.3668, atol=2e-4)
    np.testing.assert_allclose(found["slope"], 0.3668, atol=2e-4)
    jump = found["order_parameter"].diff("phase").values
    np.testing.assert_allclose(jump[0], alone.jump, atol=2e-4)


@pytest.mark.parametrize(
    ("layers", "width", "temperature"), [(3, 4, 0.005), (3, 1, 0.002), (4, 8, 0.008)]
)
def test_limits_are_where_the_density_has_two_peaks(
    layers: int, width: int, temperature: float
) -> None:
    found = deep_linear_coexistence(
        layer_count=layers, width=width, temperature=temperature
    ).isel(temperature=0)

    def peaks(decay: float) -> int:
        law = deep_linear_law(
            layer_count=layers, width=width, temperature=temperature, weight_decay=decay
        )
        x = np.linspace(-14, 1, 300_001)
        rise = np.diff(law.exponent(x)) < 0
        return int((rise[:-1] & ~rise[1:]).sum())

    for name, inside in (("lower_limit", 1.002), ("upper_limit", 0.998)):
        limit = float(found[name])
        assert peaks(limit * inside) == 2
        assert peaks(limit / inside) == 1


@pytest.mark.parametrize("layers", [3, 4])
def test_limit_of_large_width_is_approached_as_one_over_the_width(layers: int) -> None:
    heat = 0.02 if layers == 3 else 0.05
    limit = deep_linear_large_width_lines(layer_count=layers, scaled_temperature=heat)
    names = {"coexistence": "coexistence", "lower_limit": "lower_spinodal"}
    names["upper_limit"] = "upper_spinodal"
    distance = []
    for width in (32, 64, 128):
        found = deep_linear_coexistence(
            layer_count=layers, width=width, temperature=heat / width
        )
        distance.append(
            [float(found[name][0]) - float(limit[other][0]) for name, other in names.items()]
        )
    ratio = np.array(distance[:-1]) / np.array(distance[1:])
    np.testing.assert_allclose(ratio, 2.0, atol=0.05)


@pytest.mark.parametrize("width", [8, 16, 32, 128])
def test_a_narrow_range_of_two_peaks_is_found_up_to_the_end_of_the_line(width: int) -> None:
    heat = np.arange(0.02, 0.0545, 0.0015)
    found = deep_linear_coexistence(layer_count=3, width=width, temperature=heat / width)
    known = np.isfinite(found["coexistence"].values)
    last = int(known.sum())
    assert known[:last].all()
    assert not known[last:].any()
    # Wider networks have two peaks further up.
    assert heat[last - 1] > {8: 0.036, 16: 0.04, 32: 0.044, 128: 0.05}[width]
    gap = np.log(found["upper_limit"].values / found["lower_limit"].values)[:last]
    assert (np.diff(gap) < 0.0).all()
    assert (found["slope"].values[:last] > 0.0).all()


def test_nothing_coexists_beyond_the_end_of_the_line_or_with_two_layers() -> None:
    hot = deep_linear_coexistence(layer_count=3, width=16, temperature=[0.001, 0.06 / 16])
    assert np.isfinite(hot["coexistence"][0])
    assert all(np.isnan(hot[name][1]).all() for name in hot.data_vars)
    two = deep_linear_coexistence(layer_count=2, width=4, temperature=[1e-4, 0.01])
    assert all(np.isnan(values).all() for values in two.data_vars.values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layer_count": 1}, "layer_count must be a whole number"),
        ({"temperature": [0.001, -1.0]}, "every temperature must be positive"),
        ({"target": 0.0}, "target must be positive"),
    ],
)
def test_refusals(change: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {"layer_count": 3, "width": 2, "temperature": 0.001}
    with pytest.raises(InvalidValueError, match=message):
        deep_linear_coexistence(**{**good, **change})
