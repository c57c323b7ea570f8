"""Modes of deep linear networks against searches in the space of all weights."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.optimize import brentq, minimize, minimize_scalar, root

from phasegrok.errors import InvalidValueError
from phasegrok.theory.deep_linear_modes import deep_linear_modes

FloatArray = npt.NDArray[np.float64]
SHAPES = {2: [4, 3, 3], 3: [4, 3, 5, 3], 4: [3, 4, 3, 5, 3]}


def _cut(weights: FloatArray, shape: list[int]) -> list[FloatArray]:
    sizes = [m * n for m, n in zip(shape[1:], shape[:-1], strict=True)]
    parts = np.split(weights, np.cumsum(sizes)[:-1])
    return [part.reshape(m, n) for part, m, n in zip(parts, shape[1:], shape[:-1], strict=True)]


def _energy(
    weights: FloatArray,
    shape: list[int],
    correlation: FloatArray,
    decay: float,
    spread: FloatArray,
) -> tuple[float, FloatArray]:
    """½ E|y - W x|² + (λ/2) Σ|W_l|² and its gradient; E[y yᵀ] is that of a teacher."""
    layers = _cut(weights, shape)
    below = [np.eye(shape[0])]
    for layer in layers:
        below.append(layer @ below[-1])
    teacher = correlation / spread
    left = (below[-1] - teacher) * spread
    energy = float(np.sum(left * (below[-1] - teacher)) + decay * weights @ weights) / 2
    above = np.eye(shape[-1])
    slopes: list[FloatArray] = []
    for layer, under in zip(layers[::-1], below[-2::-1], strict=True):
        slopes.insert(0, above.T @ left @ under.T + decay * layer)
        above = above @ layer
    return energy, np.concatenate([each.reshape(-1) for each in slopes])


def _start(shape: list[int], product: FloatArray, rng: np.random.Generator) -> FloatArray:
    """All layers alike in every mode, hidden neurons turned at random."""
    depth = len(shape) - 1
    turns = [np.linalg.qr(rng.normal(size=(size, size)))[0] for size in shape]
    turns[0], turns[-1] = np.eye(shape[0]), np.eye(shape[-1])
    each = product ** (1 / depth)
    layers = []
    for level in range(depth):
        core = np.zeros((shape[level + 1], shape[level]))
        np.fill_diagonal(core, each)
        layers.append(turns[level + 1] @ core @ turns[level].T)
    return np.concatenate([layer.reshape(-1) for layer in layers])


def _problem(
    depth: int, strengths: list[float], variances: list[float], decay: float
) -> tuple[list[int], Callable[[FloatArray], tuple[float, FloatArray]]]:
    shape = SHAPES[depth]
    correlation = np.zeros((shape[-1], shape[0]))
    np.fill_diagonal(correlation, strengths)
    spread = np.ones(shape[0])
    spread[: len(variances)] = variances
    return shape, lambda weights: _energy(weights, shape, correlation, decay, spread)


CHOSEN = [(True, True, True), (True, True, False), (False, True, False), (True, False, True)]


@pytest.mark.parametrize("variances", [[1.0, 1.0, 1.0], [1.3, 0.6, 0.8]])
@pytest.mark.parametrize(("depth", "decay"), [(2, 0.3), (3, 0.25), (4, 0.17)])
@pytest.mark.parametrize("chosen", CHOSEN)
def test_sets_of_learned_modes_are_minima_where_none_tilts_away(
    depth: int, decay: float, chosen: tuple[bool, ...], variances: list[float]
) -> None:
    strengths = [1.1, 0.9, 0.8]
    modes = deep_linear_modes(
        layer_count=depth,
        singular_values=strengths,
        weight_decay=decay,
        input_variances=variances,
    ).isel(weight_decay=0)
    product = np.where(chosen, modes["learned_product"], 0.0)
    shape, problem = _problem(depth, strengths, variances, decay)
    rng = np.random.default_rng(depth)
    start = _start(shape, product * rng.uniform(0.9, 1.1, 3), rng)
    start += 0.003 * rng.normal(size=start.shape)
    found = minimize(problem, start, jac=True, method="BFGS", options={"gtol": 1e-9})
    expected = np.where(chosen, modes["learned_energy"], modes["unlearned_energy"]).sum()
    learned, left = np.flatnonzero(chosen), np.flatnonzero(~np.array(chosen))
    # With two layers nothing but the lowest state is a minimum.
    stays = modes["stable_without"].values[np.ix_(learned, left)].all()
    if not stays or (depth == 2 and left.size):
        assert found.fun < expected - 1e-3
        return
    assert found.fun == pytest.approx(expected, abs=1e-10)
    layers = _cut(found.x, shape)
    whole = np.eye(shape[0])
    for layer in layers:
        whole = layer @ whole
    np.testing.assert_allclose(np.diag(whole)[:3], product, atol=1e-5)


def test_which_mode_tilts_towards_which_depends_on_the_inputs() -> None:
    given: dict[str, Any] = {
        "layer_count": 3,
        "singular_values": [1.1, 0.9],
        "weight_decay": 0.25,
    }
    white = deep_linear_modes(**given)["stable_without"].isel(weight_decay=0)
    coloured = deep_linear_modes(**given, input_variances=[1.3, 0.6])["stable_without"]
    assert white.values.tolist() == [[True, True], [False, True]]
    strong = deep_linear_modes(layer_count=3, singular_values=[3.0, 2.9], weight_decay=1.0)
    assert strong["stable_without"][:, :, 0].values.tolist() == [[True, True], [False, True]]
    assert coloured.isel(weight_decay=0).values.tolist() == [[True, False], [True, True]]


@pytest.mark.parametrize(("depth", "decay"), [(3, 0.25), (4, 0.17)])
@pytest.mark.parametrize("learned", [0.0, 1.0])
def test_saddle_is_a_pass_where_the_stronger_mode_is_learned(
    depth: int, decay: float, learned: float
) -> None:
    strengths, variances = [1.0, 0.8, 0.7], [1.0, 1.0, 1.0]
    modes = deep_linear_modes(
        layer_count=depth, singular_values=strengths, weight_decay=decay
    ).isel(weight_decay=0)
    shape, problem = _problem(depth, strengths, variances, decay)
    product = [learned * modes["learned_product"][0], modes["saddle_product"][1], 0.0]
    start = _start(shape, 1.05 * np.array(product, dtype=np.float64), np.random.default_rng(5))

    def slopes(weights: Any, /) -> Any:
        return problem(weights)[1]

    found = root(slopes, start, method="lm", tol=1e-12)
    energy, slope = problem(found.x)
    assert np.abs(slope).max() < 1e-9
    others = float(modes["learned_energy" if learned else "unlearned_energy"][0])
    others += float(modes["unlearned_energy"][2])
    below = float(modes["unlearned_energy"][1])
    assert energy == pytest.approx(
        others + below + float(modes["barrier_to_learn"][1]), abs=1e-10
    )
    above = float(modes["learned_energy"][1])
    assert energy == pytest.approx(
        others + above + float(modes["barrier_to_forget"][1]), abs=1e-10
    )
    step = 1e-5 * np.eye(len(found.x))
    hessian = (
        np.array([slopes(found.x + each) - slopes(found.x - each) for each in step]) / 2e-5
    )
    falling = np.linalg.eigvalsh((hessian + hessian.T) / 2) < -1e-3
    # Else it also tilts towards the stronger mode.
    assert falling.sum() == (1 if learned else 2)


@pytest.mark.parametrize("depth", [3, 4, 7])
def test_transition_and_spinodal_are_those_of_the_energy(depth: int) -> None:
    strength, variance = 0.8, 1.7

    def energy(weight: float, decay: float) -> float:
        # In weights themselves: c/2 (s/c - b^L)² + (L/2) λ b².
        return variance * (strength / variance - weight**depth) ** 2 / 2 + (
            depth * decay * weight**2 / 2
        )

    def depth_of(decay: float) -> float:
        best = minimize_scalar(
            lambda b: energy(b, decay), bounds=(0.6, 0.95), options={"xatol": 1e-10}
        )
        return float(best.fun) - strength**2 / (2 * variance)

    modes = deep_linear_modes(
        layer_count=depth, singular_values=strength, weight_decay=1.0, input_variances=variance
    )
    critical = float(brentq(depth_of, 0.02, 0.4, xtol=1e-12))
    assert float(modes["transition"][0]) == pytest.approx(critical, rel=1e-8)
    weight = (strength / variance) ** (1 / depth) * np.linspace(0.01, 1, 200_001)
    # Stationary where this equals λ: its maximum is the spinodal.
    needed = weight ** (depth - 2) * (strength - variance * weight**depth)
    assert float(modes["spinodal"][0]) == pytest.approx(needed.max(), rel=1e-8)
    for factor, states in ((0.99, "stable"), (1.01, "metastable")):
        at = deep_linear_modes(
            layer_count=depth,
            singular_values=strength,
            weight_decay=critical * factor,
            input_variances=variance,
        )
        assert at["learned_state"].item() == states
    jumped = deep_linear_modes(
        layer_count=depth,
        singular_values=strength,
        weight_decay=critical,
        input_variances=variance,
    )
    assert float(jumped["jump"][0]) == pytest.approx(jumped["learned_product"].item(), rel=1e-9)


def test_numbers_known_for_three_layers() -> None:
    modes = deep_linear_modes(
        layer_count=3, singular_values=1.0, weight_decay=[0.30, 0.35, 0.48]
    )
    np.testing.assert_allclose(
        modes["barrier_to_learn"][0, :2], [0.013898, 0.022503], rtol=0, atol=5e-7
    )
    assert modes["learned_state"][0].values.tolist() == ["stable", "stable", "absent"]
    numbers = modes[["learned_product", "saddle_product", "barrier_to_forget"]].isel(
        weight_decay=2
    )
    assert all(np.isnan(value).all() for value in numbers.values())


def test_two_layers_learn_continuously_and_without_a_barrier() -> None:
    modes = deep_linear_modes(
        layer_count=2, singular_values=[1.0, 0.5], weight_decay=[0.2, 0.5, 0.7]
    )
    np.testing.assert_allclose(modes["learned_product"][0], [0.8, 0.5, 0.3])
    np.testing.assert_allclose(modes["learned_product"][1], [0.3, np.nan, np.nan])
    np.testing.assert_allclose(modes["transition"], [1.0, 0.5])
    assert np.isnan(modes["barrier_to_learn"]).all()
    assert modes["learned"].values.tolist() == [[True, True, True], [True, False, False]]


def test_a_narrow_layer_leaves_room_for_the_strongest_modes_alone() -> None:
    given: dict[str, Any] = {
        "layer_count": 3,
        "singular_values": [0.7, 1.0, 0.9],
        "weight_decay": [0.1, 0.3, 0.39],
    }
    wide = deep_linear_modes(**given)["learned"]
    narrow = deep_linear_modes(**given, width=2)["learned"]
    one = deep_linear_modes(**given, width=1)["learned"]
    assert wide.values.tolist() == [[True, False, False], [True] * 3, [True, True, False]]
    assert narrow.values.tolist() == [[False] * 3, [True] * 3, [True, True, False]]
    assert one.values.tolist() == [[False] * 3, [True] * 3, [False] * 3]


def test_lowest_energy_of_a_narrow_network_is_found_by_search() -> None:
    strengths, decay = [1.0, 0.8], 0.15
    shape = [2, 1, 2, 2]
    correlation = np.diag(strengths)
    rng = np.random.default_rng(3)

    def problem(weights: FloatArray, /) -> tuple[float, FloatArray]:
        return _energy(weights, shape, correlation, decay, np.ones(2))

    starts = [rng.normal(size=8) for _ in range(40)]
    method: dict[str, Any] = {"jac": True, "options": {"gtol": 1e-9}}
    found = [minimize(problem, start, **method).fun for start in starts]
    modes = deep_linear_modes(
        layer_count=3, singular_values=strengths, weight_decay=decay, width=1
    ).isel(weight_decay=0)
    expected = modes["learned_energy"].where(modes["learned"], modes["unlearned_energy"]).sum()
    assert min(found) == pytest.approx(float(expected), abs=1e-10)


def test_target_sets_the_scale() -> None:
    one = deep_linear_modes(layer_count=4, singular_values=1.0, weight_decay=0.2)
    two = deep_linear_modes(layer_count=4, singular_values=3.0, weight_decay=0.2 * 3**1.5)
    for name, power in (("learned_product", 1), ("saddle_product", 1), ("barrier_to_learn", 2)):
        assert two[name].item() == pytest.approx(one[name].item() * 3**power, rel=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layer_count": 1}, "layer_count must be a whole number of at least 2"),
        ({"layer_count": 10**4}, "layer_count must be at most"),
        ({"singular_values": [1.0, 0.0]}, "every singular value must be positive"),
        ({"singular_values": []}, "at least one number"),
        ({"singular_values": [[1.0]]}, "a row of numbers"),
        ({"weight_decay": np.nan}, "every weight decay must be a finite number"),
        ({"input_variances": [1.0, 1.0]}, "one for each of 1 modes"),
        ({"width": 0}, "width must be a whole number"),
    ],
)
def test_refusals(change: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {"layer_count": 3, "singular_values": 1.0, "weight_decay": 0.3}
    with pytest.raises(InvalidValueError, match=message):
        deep_linear_modes(**{**good, **change})
