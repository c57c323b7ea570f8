"""Deep linear networks against quadrature over other variables and closed forms."""

from collections.abc import Callable
from dataclasses import astuple
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats
from scipy.optimize import brentq

import phasegrok
from phasegrok.errors import InvalidValueError
from phasegrok.exact import (
    concatenated,
    deep_linear,
    deep_linear_law,
    deep_linear_learned_weight,
    deep_linear_moments,
    deep_linear_transition,
)
from phasegrok.exact.deep_linear import quantile_of
from phasegrok.exact.deep_linear_moments import DeepLinearMoments

Distance = Callable[[Any, float], float]
FloatArray = npt.NDArray[np.float64]
# Layers, width, temperature, weight decay, target: both phases, coexistence and all entropy.
PLACES = [
    (2, 1, 0.01, 0.95, 1.0),
    (2, 4, 0.02, 0.9, 1.0),
    (2, 3, 0.5, 0.4, 2.0),
    (3, 1, 0.005, 0.3987, 1.0),
    (3, 4, 0.02, 0.45, 1.0),
    (3, 8, 0.01, 0.55, 1.0),
    (3, 2, 0.5, 0.7, 1.5),
    (4, 2, 1.0, 1.5, 1.2),
]
# The nodes of the quadrature, and the quantities that they confirm, would fill the memory.
DEEP_PLACES = [(4, 4, 0.02, 0.33, 1.0), (5, 1, 0.005, 0.21, 1.0), (8, 2, 0.05, 0.4, 1.0)]
COLD_PLACES = [(3, 64, 0.001, 0.4, 1.0), (3, 1, 3e-5, 0.4, 1.0), (4, 8, 1e-4, 0.3, 1.0)]
NAMES = ("layer_count", "width", "temperature", "weight_decay", "target")


def _named(place: tuple[float, ...]) -> dict[str, Any]:
    return dict(zip(NAMES, place, strict=True))


def _exact(place: tuple[float, ...]) -> DeepLinearMoments:
    return deep_linear_moments(**_named(place))


@pytest.mark.parametrize("place", PLACES)
def test_draws_have_the_moments_of_the_quadrature(
    place: tuple[float, ...], errors_away: Distance
) -> None:
    samples = deep_linear(**_named(place), record_count=1000, replica_count=100, seed=2)
    exact = _exact(place)
    output = samples["order_parameter"].values - exact.order_parameter
    norm = samples["half_square_norm"].values - exact.half_square_norm
    assert errors_away(output.mean(axis=1), 0.0) < 4
    assert errors_away(norm.mean(axis=1), 0.0) < 4
    assert errors_away((output**2).mean(axis=1), exact.order_parameter_variance) < 4
    assert errors_away((norm**2).mean(axis=1), exact.half_square_norm_variance) < 4
    assert errors_away((output * norm).mean(axis=1), exact.covariance) < 4


@pytest.mark.parametrize(("layers", "width"), [(2, 3), (3, 1), (3, 2), (4, 3), (6, 2)])
def test_equipartition_counts_every_weight(
    layers: int, width: int, errors_away: Distance
) -> None:
    # ⟨θ·∂U/∂θ⟩ = (number of weights) T, and θ·∂U/∂θ = 2 λ S - L m (s - m).
    weights = 2 * width + (layers - 2) * width**2
    samples = deep_linear(
        layer_count=layers,
        width=width,
        temperature=0.03,
        weight_decay=0.45,
        record_count=1000,
        replica_count=100,
        seed=4,
    )
    output, norm = samples["order_parameter"].values, samples["half_square_norm"].values
    virial = 2 * 0.45 * norm - layers * output * (1 - output)
    assert errors_away(virial.mean(axis=1), weights * 0.03) < 4


@pytest.mark.parametrize(
    ("place", "output"),
    [((3, 4, 0.02, 0.45, 1.0), 0.46205), ((3, 8, 0.01, 0.55, 1.0), 0.29620)],
)
def test_means_that_langevin_dynamics_confirmed(
    place: tuple[float, ...], output: float
) -> None:
    assert _exact(place).order_parameter == pytest.approx(output, abs=1e-5)


@pytest.mark.parametrize("place", PLACES)
def test_response_to_the_weight_decay_is_the_covariance(place: tuple[float, ...]) -> None:
    layers, width, heat, decay, target = place
    step = 1e-4 * decay
    above = _exact((layers, width, heat, decay + step, target))
    below = _exact((layers, width, heat, decay - step, target))
    here = _exact(place)
    change = (above.order_parameter - below.order_parameter) / (2 * step)
    assert change == pytest.approx(-here.covariance / heat, rel=1e-4)
    growth = (above.half_square_norm - below.half_square_norm) / (2 * step)
    assert growth == pytest.approx(-here.half_square_norm_variance / heat, rel=1e-4)


def test_energy_and_target_set_the_scales() -> None:
    # θ -> s^(1/L) θ turns T, λ into s² T, s^(2 - 2/L) λ.
    one = astuple(_exact((3, 4, 0.02, 0.45, 1.0)))
    other = astuple(_exact((3, 4, 0.08, 0.45 * 2 ** (4 / 3), 2.0)))
    powers = np.array([1, 2 / 3, 2, 4 / 3, 5 / 3])
    np.testing.assert_allclose(other, one * 2.0**powers, rtol=1e-9)


@pytest.mark.parametrize("place", PLACES)
def test_law_of_the_product_agrees_with_the_nodes(place: tuple[float, ...]) -> None:
    network = _named(place)
    law = deep_linear_law(**network)
    heat, decay, target = place[2:]

    def output(x: FloatArray) -> FloatArray:
        return target * np.exp(2 * x) / (np.exp(2 * x) + decay)

    def output_above(x: FloatArray, cut: float) -> FloatArray:
        product = np.exp(x)
        width = np.sqrt(heat / (product**2 + decay)) * product
        return np.asarray(stats.norm.sf(cut, output(x), width))

    exact = _exact(place).order_parameter
    assert law.expectation(output) == pytest.approx(exact, rel=1e-9)
    for cut in (-0.05, 0.1, 0.5):
        weight = deep_linear_learned_weight(**network, cut=cut)
        found = law.expectation(partial(output_above, cut=cut))
        # At a = 0 the probability is a step, which costs the nodes some digits.
        assert found == pytest.approx(weight, rel=1e-4)


@pytest.mark.parametrize("place", [*PLACES, *DEEP_PLACES, *COLD_PLACES])
def test_error_of_the_quantile_is_the_stated_one(place: tuple[float, ...]) -> None:
    law = deep_linear_law(**_named(place))
    probability = np.concatenate([[0, 1e-9], (np.arange(50_000) + 0.5) / 50_000, [1 - 1e-9]])
    x = quantile_of(law, probability)
    np.testing.assert_allclose(law.distribution(x), probability, rtol=0, atol=1e-5)
    assert (np.diff(x) >= 0).all()


@pytest.mark.parametrize("place", DEEP_PLACES)
def test_draws_of_many_layers_have_the_means_of_the_law(
    place: tuple[float, ...], errors_away: Distance
) -> None:
    samples = deep_linear(**_named(place), record_count=300, replica_count=100, seed=7)
    law = deep_linear_law(**_named(place))
    _, _, heat, decay, target = place

    def output(x: FloatArray) -> FloatArray:
        return target * np.exp(2 * x) / (np.exp(2 * x) + decay)

    def square(x: FloatArray) -> FloatArray:
        return output(x) ** 2 + np.exp(2 * x) * heat / (np.exp(2 * x) + decay)

    found = samples["order_parameter"].values
    assert errors_away(found.mean(axis=1), law.expectation(output)) < 4
    assert errors_away((found**2).mean(axis=1), law.expectation(square)) < 4


def test_draws_follow_the_law() -> None:
    # Two layers of one neuron hold r₁ and w alone, and a = r₁ follows from m and S.
    samples = deep_linear(
        layer_count=2,
        width=1,
        temperature=0.02,
        weight_decay=[0.7, 1.0],
        record_count=20_000,
        seed=5,
    )
    for row, decay in enumerate((0.7, 1.0)):
        law = deep_linear_law(layer_count=2, width=1, temperature=0.02, weight_decay=decay)
        output = samples["order_parameter"].values[row]
        norm = samples["half_square_norm"].values[row]
        # r² and w² are the roots of q² - 2 S q + m²; which is which is a coin's toss, since
        # at h = 1 the layers are exchangeable.
        root = np.sqrt(np.maximum(norm**2 - output**2, 0))
        larger = np.random.default_rng(row).random(len(root)) < 0.5
        square = np.where(larger, norm + root, output**2 / (norm + root))
        assert stats.kstest(law.distribution(np.log(square) / 2), "uniform").pvalue > 1e-3
        energy = (1 - output) ** 2 / 2 + decay * norm
        np.testing.assert_allclose(samples["energy"].values[row], energy)


def test_output_of_three_layers_follows_its_density() -> None:
    network = _named((3, 4, 0.02, 0.45, 1.0))
    samples = deep_linear(**network, record_count=20_000, seed=6)
    cuts = np.linspace(-0.6, 1.5, 200)
    below = [1 - deep_linear_learned_weight(**network, cut=cut) for cut in cuts]
    draws = samples["order_parameter"].values[0]
    found = np.interp(draws, cuts, below)
    assert stats.kstest(found, "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(draws[1:], draws[:-1])[0, 1]) < 4 / 20_000**0.5


def _saddle(width: int, temperature: float, decay: float) -> float:
    """Product of the norms where the density of (r₁, r₂) has its pass, at r₁ = r₂."""
    y = np.linspace(0.02, 0.45, 4301)
    stiffness = y**2 + decay
    slope = decay * y - decay * y**2 / stiffness**2
    slope -= temperature * ((width - 1) - y**2 / stiffness)
    # Below the pass the exponent rises.
    return float(y[np.flatnonzero(slope > 0)[-1]])


def _equal_weight(width: int, temperature: float, near: float) -> float:
    """λ at which half of the weight lies on either side of the pass."""

    def excess(decay: float) -> float:
        law = deep_linear_law(**_named((3, width, temperature, decay, 1.0)))
        cut = np.log(np.array(_saddle(width, temperature, decay)))
        return float(law.distribution(cut)) - 0.5

    return float(brentq(excess, near - 0.004, near + 0.004, xtol=1e-7))


@pytest.mark.parametrize(
    ("temperature", "width", "decay"),
    [
        (0.005, 1, 0.3987),
        (0.005, 2, 0.4227),
        (0.005, 4, 0.4605),
        (0.005, 8, 0.5212),
        (0.001, 1, 0.3972),
        (0.001, 2, 0.4036),
        (0.001, 4, 0.4141),
        (0.001, 8, 0.4318),
        (0.001, 16, 0.4615),
        (0.001, 32, 0.5110),
    ],
)
def test_weight_decay_of_equal_weights(temperature: float, width: int, decay: float) -> None:
    # Known to the digits given here.
    assert _equal_weight(width, temperature, decay) == pytest.approx(decay, abs=6e-5)


def test_two_layers_cross_over_between_their_closed_forms() -> None:
    # At low temperature m is s - λ below λ = s and vanishes above, without a jump.
    for decay in (0.5, 0.8):
        low = _exact((2, 1, 1e-4, decay, 1.0))
        assert low.order_parameter == pytest.approx(1 - decay, abs=2e-3)
    assert _exact((2, 1, 1e-4, 1.3, 1.0)).order_parameter == pytest.approx(0, abs=2e-3)
    transition = deep_linear_transition(layer_count=2, target=0.7)
    assert astuple(transition) == pytest.approx((0.7, 0.0, 0.7))


@pytest.mark.parametrize("layers", [3, 4, 7])
@pytest.mark.parametrize("target", [1.0, 0.6])
def test_transition_is_that_of_the_energy(layers: int, target: float) -> None:
    transition = deep_linear_transition(layer_count=layers, target=target)
    b = np.linspace(0, 1.2, 400_001)
    output = b**layers

    def energy(decay: float) -> FloatArray:
        values: FloatArray = (target - output) ** 2 / 2 + layers * decay * b**2 / 2
        return values

    at_transition = energy(transition.weight_decay)
    learned = np.argmin(np.where(output > transition.jump / 2, at_transition, np.inf))
    assert at_transition[learned] == pytest.approx(target**2 / 2, abs=1e-9)
    assert output[learned] == pytest.approx(transition.jump, rel=1e-4)
    # A minimum besides b = 0 exists just below the spinodal and not above.
    for factor, exists in ((0.999, True), (1.001, False)):
        slope = np.diff(energy(factor * transition.spinodal_weight_decay))
        assert (slope < 0).any() == exists


def test_transition_in_numbers() -> None:
    three, four = (deep_linear_transition(layer_count=layers) for layers in (3, 4))
    assert astuple(three) == pytest.approx((0.39685, 0.5, 0.47247), abs=5e-6)
    assert astuple(four) == pytest.approx((0.27217, 2 / 3, 0.38490), abs=5e-6)


def test_dataset_follows_the_schema() -> None:
    both = [
        deep_linear(
            layer_count=3,
            width=width,
            temperature=[0.01, 0.02],
            weight_decay=0.4,
            record_count=5,
            replica_count=2,
            seed=1,
        )
        for width in (2, 4)
    ]
    samples = concatenated(both)
    assert phasegrok.validate(samples) == []
    np.testing.assert_allclose(samples["size"], [100.0, 100.0, 50.0, 50.0] * 2)
    assert samples["width"].values.tolist() == [2] * 4 + [4] * 4
    alone = deep_linear(
        layer_count=3, width=4, temperature=0.02, weight_decay=0.4, record_count=5, seed=1
    )
    np.testing.assert_array_equal(alone["energy"][0], samples["energy"][6])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layer_count": 1}, "layer_count must be a whole number of at least 2"),
        ({"layer_count": 31}, "layer_count must be 2 to"),
        ({"width": 0}, "width must be a whole number"),
        ({"temperature": 0.0}, "temperature must be positive"),
        ({"temperature": 1e-14}, "must not exceed"),
        ({"weight_decay": -0.1}, "weight_decay must be positive"),
        ({"weight_decay": [0.4, 0.4]}, "none twice"),
        ({"target": 0.0}, "target must be positive"),
        ({"record_count": 0}, "record_count must be a whole number"),
        ({"record_count": 10**11}, "GiB"),
    ],
)
def test_refusals(change: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {**_named((3, 2, 0.1, 0.4, 1.0)), "record_count": 5, "seed": 1}
    with pytest.raises(InvalidValueError, match=message):
        deep_linear(**{**good, **change})


def test_refusals_of_moments() -> None:
    network = _named((3, 1, 1e-7, 0.4, 1.0))
    with pytest.raises(InvalidValueError, match="GiB"):
        deep_linear_moments(**network)
    with pytest.raises(InvalidValueError, match="cut must be a finite number"):
        deep_linear_learned_weight(**{**network, "temperature": 0.1}, cut=np.nan)
    with pytest.raises(InvalidValueError, match="target must be positive"):
        deep_linear_transition(layer_count=3, target=-1.0)
