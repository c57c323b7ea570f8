"""Maps of exact means against quadrature over other variables and against draws."""

from dataclasses import astuple
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import xarray as xr

from phasegrok.errors import InvalidValueError
from phasegrok.exact import (
    deep_linear,
    deep_linear_law,
    deep_linear_learned_weight,
    deep_linear_moments,
)
from phasegrok.theory.deep_linear_equilibrium import deep_linear_equilibrium

FloatArray = npt.NDArray[np.float64]
# Layers, width, temperature, weight decay, target.
PLACES = [
    (2, 1, 0.01, 0.95, 1.0),
    (2, 3, 0.5, 0.4, 2.0),
    (3, 1, 0.005, 0.3987, 1.0),
    (3, 4, 0.02, 0.45, 1.0),
    (3, 2, 0.5, 0.7, 1.5),
    (3, 4, 0.005, 0.45, 1.0),
    (4, 2, 1.0, 1.5, 1.2),
]
NAMES = ("layer_count", "width", "temperature", "weight_decay", "target")
MOMENTS = (
    "order_parameter",
    "half_square_norm",
    "order_parameter_variance",
    "half_square_norm_variance",
    "covariance",
)


def _at(place: tuple[float, ...]) -> xr.Dataset:
    named: dict[str, Any] = dict(zip(NAMES, place, strict=True))
    return deep_linear_equilibrium(**named).isel(temperature=0, weight_decay=0)


@pytest.mark.parametrize("place", PLACES)
def test_means_are_those_of_the_quadrature_over_all_norms(place: tuple[float, ...]) -> None:
    named: dict[str, Any] = dict(zip(NAMES, place, strict=True))
    exact = astuple(deep_linear_moments(**named))
    found = _at(place)
    np.testing.assert_allclose([float(found[name]) for name in MOMENTS], exact, rtol=1e-9)
    loss = ((place[4] - exact[0]) ** 2 + exact[2]) / 2
    assert float(found["loss"]) == pytest.approx(loss, rel=1e-9)
    energy = loss + place[3] * exact[1]
    assert float(found["energy"]) == pytest.approx(energy, rel=1e-9)


@pytest.mark.parametrize("layers", [2, 3, 4, 6, 30])
@pytest.mark.parametrize(("width", "temperature"), [(1, 0.003), (5, 0.02), (40, 0.3)])
def test_equipartition_counts_every_weight(layers: int, width: int, temperature: float) -> None:
    # ⟨θ·∂U/∂θ⟩ = (number of weights) T, and θ·∂U/∂θ = 2 λ Q - L m (s - m).
    found = _at((layers, width, temperature, 0.35, 1.2))
    second = float(found["order_parameter_variance"] + found["order_parameter"] ** 2)
    output, norm = float(found["order_parameter"]), float(found["half_square_norm"])
    virial = 2 * 0.35 * norm - layers * (1.2 * output - second)
    weights = 2 * width + (layers - 2) * width**2
    assert virial == pytest.approx(weights * temperature, rel=1e-8)


def test_phases_average_to_the_whole() -> None:
    found = deep_linear_equilibrium(
        layer_count=4, width=2, temperature=[0.001, 0.004], weight_decay=[0.24, 0.28, 0.3]
    )
    weight = found["learned_weight"]
    assert found["bistable"].all()
    for name in ("order_parameter", "half_square_norm", "loss", "energy"):
        phases = found[f"phase_{name}"]
        mean = (1 - weight) * phases.isel(phase=0) + weight * phases.isel(phase=1)
        np.testing.assert_allclose(mean, found[name], rtol=1e-10)
    assert (found["phase_order_parameter"].sel(phase="learned") > 0.3).all()
    assert (found["phase_order_parameter"].sel(phase="unlearned") < 0.15).all()


@pytest.mark.parametrize("place", [(3, 1, 0.002, 0.397, 1.0), (3, 4, 0.002, 0.425, 1.0)])
def test_learned_weight_hardly_depends_on_the_coordinate(place: tuple[float, ...]) -> None:
    named: dict[str, Any] = dict(zip(NAMES, place, strict=True))
    found = _at(place)
    by_output = deep_linear_learned_weight(**named, cut=0.2)
    assert 0.1 < by_output < 0.9
    barrier = min(float(found["barrier_to_learn"]), float(found["barrier_to_forget"]))
    # What lies between the two cuts: a few peak widths at the density of the valley.
    between = 5 * np.exp(-barrier)
    assert float(found["learned_weight"]) == pytest.approx(by_output, abs=between)


def test_barriers_are_those_of_the_density_of_ln_a() -> None:
    place = (3, 2, 0.002, 0.41, 1.0)
    law = deep_linear_law(**dict(zip(NAMES, place, strict=True)))  # type: ignore[arg-type]
    x = np.linspace(-9, 0.5, 200_001)
    height = -np.log(law.density(x))
    rise = np.diff(height) > 0
    turns = height[np.flatnonzero(rise[1:] != rise[:-1]) + 1]
    found = _at(place)
    assert float(found["barrier_to_learn"]) == pytest.approx(turns[1] - turns[0], abs=1e-6)
    assert float(found["barrier_to_forget"]) == pytest.approx(turns[1] - turns[2], abs=1e-6)


def test_a_metastable_phase_of_no_weight_has_means_of_its_own() -> None:
    # Far from coexistence, as where a loop is followed.
    found = _at((3, 1, 2e-4, 0.25, 1.0))
    assert float(found["learned_weight"]) == pytest.approx(1.0, abs=1e-12)
    unlearned = found.sel(phase="unlearned")
    # Equipartition of three weights around the origin.
    norm = 3 * 2e-4 / (2 * 0.25)
    assert float(unlearned["phase_half_square_norm"]) == pytest.approx(norm, rel=2e-2)
    assert float(found["half_square_norm"]) > 100 * norm


def test_response_to_the_weight_decay_is_the_covariance() -> None:
    decays = 0.35 * np.array([1 - 1e-4, 1.0, 1 + 1e-4])
    found = deep_linear_equilibrium(
        layer_count=5, width=3, temperature=0.01, weight_decay=decays
    ).isel(temperature=0)
    change = np.diff(found["order_parameter"][[0, 2]]) / np.diff(decays[[0, 2]])
    assert change[0] == pytest.approx(-float(found["covariance"][1]) / 0.01, rel=1e-5)


def test_draws_of_four_layers_have_these_means() -> None:
    place = (4, 4, 0.01, 0.33, 1.0)
    named: dict[str, Any] = dict(zip(NAMES, place, strict=True))
    samples = deep_linear(**named, record_count=1000, replica_count=50, seed=11)
    found = _at(place)
    for name in ("order_parameter", "half_square_norm", "energy"):
        means = samples[name].values.mean(axis=1)
        error = means.std(ddof=1) / len(means) ** 0.5
        assert abs(means.mean() - float(found[name])) < 4 * error


def test_energy_and_target_set_the_scales() -> None:
    one, other = _at((4, 2, 0.002, 0.28, 1.0)), _at((4, 2, 0.008, 0.28 * 2**1.5, 2.0))
    powers = {"order_parameter": 1, "half_square_norm": 0.5, "loss": 2, "learned_weight": 0}
    for name, power in powers.items():
        assert float(other[name]) == pytest.approx(2**power * float(one[name]), rel=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layer_count": 31}, "layer_count must be 2 to 30"),
        ({"width": 0}, "width must be a whole number"),
        ({"temperature": [0.1, 0.0]}, "every temperature must be positive"),
        ({"temperature": [0.1, 1e-12]}, "must not exceed"),
        ({"weight_decay": []}, "at least one number"),
        ({"target": -1.0}, "target must be positive"),
    ],
)
def test_refusals(change: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = dict(zip(NAMES, PLACES[4], strict=True))
    with pytest.raises(InvalidValueError, match=message):
        deep_linear_equilibrium(**{**good, **change})
