"""Deep networks in the training loop: the same in every batch, and where theory is exact."""

from typing import Any

import numpy as np
import pytest
import torch

from phasegrok.dynamics import STARTS, StartContext, simulate
from phasegrok.errors import InvalidStudyError
from phasegrok.networks import DeepNetwork, Network, TwoLayerNetwork, deep_linear
from phasegrok.study import Energy, Event, Part, Plan, Recording, Study, part, requested_runs
from phasegrok.tasks import CubicTeacher, LinearTeacher

PICKS = [[0], [7], [4, 1, 6], [3, 2]]
LINEAR = part(
    "linear_teacher",
    input_size=3,
    output_size=2,
    singular_values=[1.0, 0.6],
    example_count=30,
    label_noise=0.1,
    test_count=10,
)
CHAIN = part(
    "linear_teacher", input_size=1, output_size=1, singular_values=[1.0], example_count=4
)
MODE = part("mode_strength", mode=0)
MODES = (part("mode_strength"), part("target_overlap"))


def described(task: Part, network: Part, dynamics: Part, **changes: Any) -> Study:
    fields: dict[str, Any] = {
        "name": "deep",
        "seed": 3,
        "task": task,
        "network": network,
        "dynamics": dynamics,
        "energy": Energy(temperature=0.05, weight_decay=0.2),
        "recording": Recording(steps=9, every=3, states="all", observables=MODES),
        "plan": Plan(disorders=2, replicas=4),
    }
    return Study(**(fields | changes))


@pytest.mark.parametrize(
    ("width", "dtype"), [(1, "float32"), (3, "float32"), (5, "float64"), (17, "float32")]
)
@pytest.mark.parametrize(
    "dynamics",
    [
        part("langevin", step_size=0.01),
        part("langevin", step_size=0.01, minibatch_size=2),
        part("hmc", step_size=0.05, leapfrog_steps=3),
        part("underdamped", step_size=0.05, minibatch_size=25),
        part("adamw", step_size=0.01),
    ],
    ids=lambda each: f"{each.kind}-{each.options.get('minibatch_size', 0)}",
)
def test_linear_runs_are_the_same_in_every_batch(
    same_in_every_batch: Any, width: int, dtype: str, dynamics: Part
) -> None:
    # With two disorders data are those of each run; picks within a disorder share them.
    network = part("deep_linear", depth=3, width=width)
    energy = Energy(temperature=0.05 if dynamics.kind != "adamw" else 0.0, weight_decay=0.2)
    study = described(LINEAR, network, dynamics, dtype=dtype, energy=energy)
    dataset = same_in_every_batch(study, PICKS)
    assert np.isfinite(dataset.loss.values).all()


@pytest.mark.parametrize("depth", [1, 2, 5])
@pytest.mark.parametrize("task", [CHAIN, CHAIN.with_options({"output_size": 3})])
def test_chains_are_the_same_in_every_batch(
    same_in_every_batch: Any, depth: int, task: Part
) -> None:
    network = part("deep_linear", depth=depth, width=1 if depth > 1 else 0, gain=0.5)
    event = Event(name="grown", observable=part("mode_strength", mode=0), threshold=0.1)
    study = described(
        task.with_options({"strength": 1.0}),
        network,
        part("langevin", step_size=0.02),
        events=[event],
        plan=Plan(grid={"strength": [1.0, 1.2], "gain": [0.1, 0.5]}, replicas=2),
    )
    same_in_every_batch(study, PICKS)


@pytest.mark.parametrize("widths", [[1], [3, 17], [16, 8, 5]])
def test_classes_are_the_same_in_every_batch(
    same_in_every_batch: Any, widths: list[int]
) -> None:
    study = described(
        part("mnist", example_count=40, test_count=11, classes=[3, 8, 1]),
        part("deep", depth=len(widths) + 1, widths=widths),
        part("adamw", step_size=0.01, minibatch_size=7),
        energy=Energy(weight_decay=0.1),
        recording=Recording(
            steps=9,
            every=3,
            observables=[part("accuracy"), part("test_accuracy"), part("train_loss")],
        ),
    )
    dataset = same_in_every_batch(study, PICKS)
    np.testing.assert_allclose(dataset.loss, dataset.train_loss, rtol=1e-12)


def test_digits_are_learned() -> None:
    study = described(
        part("mnist", example_count=500, test_count=300),
        part("deep", depth=3, width=32),
        part("adamw", step_size=0.003),
        energy=Energy(),
        recording=Recording(
            steps=60, every=60, observables=[part("accuracy"), part("test_accuracy")]
        ),
        plan=Plan(replicas=2),
    )
    dataset = simulate(study, requested_runs(study)).dataset
    # Ten classes by chance: 0.1 with a standard deviation of 0.013 and 0.017.
    assert bool((dataset.accuracy[:, 1] > 0.95).all())
    assert bool((dataset.test_accuracy[:, 1] > 0.75).all())
    assert bool((dataset.test_accuracy[:, 0] < 0.3).all())


@pytest.mark.parametrize(("depth", "decay"), [(2, 0.3), (3, 0.3), (3, 0.46), (4, 0.3)])
def test_descent_from_the_learned_state_ends_at_the_exact_minimum(
    depth: int, decay: float
) -> None:
    # Balanced layers of strength b: U = ½(1 - b^L)² + (L/2) λ b², minimal where
    # b^(2L-2) - b^(L-2) + λ = 0, whose largest root is the learned state.
    study = described(
        CHAIN.with_options({"input_size": 2, "output_size": 2, "singular_values": [1.0]}),
        part("deep_linear", depth=depth, width=3),
        part("gradient_descent", step_size=0.1),
        energy=Energy(weight_decay=decay),
        recording=Recording(steps=3000, every=3000, observables=[MODE]),
        plan=Plan(starts=("learned",)),
        dtype="float64",
    )
    dataset = simulate(study, requested_runs(study)).dataset
    polynomial = np.zeros(2 * depth - 1)
    polynomial[0], polynomial[-1] = 1.0, decay
    polynomial[depth] -= 1.0
    roots = np.roots(polynomial)
    b = roots[np.abs(roots.imag) < 1e-12].real.max()
    strengths = dataset.mode_strength.values[0]
    assert strengths[0] == pytest.approx(1.0, abs=1e-14)
    assert strengths[1] == pytest.approx(b**depth, abs=1e-10)
    assert dataset.loss.values[0, 1] == pytest.approx(0.5 * (1.0 - b**depth) ** 2, abs=1e-12)
    for layer in range(1, depth + 1):
        norm = dataset[f"half_square_norm_layer_{layer}"].values[0, 1]
        assert norm == pytest.approx(0.5 * b * b, abs=1e-10)


def test_beyond_the_spinodal_the_learned_state_is_left() -> None:
    # L = 3, s = 1: λ_sp = (3/4) (1/4)^(1/3) = 0.47247.
    study = described(
        CHAIN,
        part("deep_linear", depth=3, width=1),
        part("gradient_descent", step_size=0.1),
        energy=Energy(weight_decay=0.47),
        recording=Recording(steps=3000, every=3000, observables=[MODE]),
        plan=Plan(grid={"weight_decay": [0.47, 0.475]}, starts=("learned",)),
        dtype="float64",
    )
    dataset = simulate(study, requested_runs(study)).dataset
    ends = dataset.sortby("weight_decay").mode_strength.values[:, 1]
    assert ends[0] > 0.25
    assert abs(ends[1]) < 1e-3


def test_a_single_layer_has_the_law_of_ridge_regression() -> None:
    # U = ½(s - w)² + (λ/2) w²: w ~ Normal(s/(1 + λ), T/(1 + λ)).
    study = described(
        CHAIN.with_options({"strength": 0.8}),
        part("deep_linear", depth=1),
        part("hmc", step_size=0.7, coordinates="plain", leapfrog_steps=3),
        energy=Energy(temperature=0.1, weight_decay=0.5),
        recording=Recording(steps=40, every=40, observables=[MODE]),
        plan=Plan(replicas=2000),
    )
    values = simulate(study, requested_runs(study)).dataset.mode_strength.values[:, 1]
    mean, variance = 0.8 / 1.5, 0.1 / 1.5
    assert abs(values.mean() - mean) < 4.0 * np.sqrt(variance / len(values))
    squares = (values - mean) ** 2
    assert abs(squares.mean() - variance) < 4.0 * variance * np.sqrt(2.0 / len(values))


def context_of(network: Network, task: Any) -> StartContext:
    return StartContext(
        network=network,
        data=task.draw(study_seed=1, disorder=0),
        generator=torch.Generator(),
        dtype=torch.float64,
    )


@pytest.mark.parametrize("strength", [1.0, -0.5])
@pytest.mark.parametrize(
    ("widths", "kept"),
    [((), 3), ((3,), 3), ((7, 4), 3), ((6, 2), 2), ((1, 1), 1), ((9, 9, 9), 3)],
)
def test_the_learned_start_is_the_teacher_in_balanced_factors(
    widths: tuple[int, ...], kept: int, strength: float
) -> None:
    values = (0.5, 2.0, 1.0)
    task = LinearTeacher(
        input_size=5,
        output_size=4,
        singular_values=values,
        example_count=9,
        strength=strength,
    )
    network = deep_linear(depth=len(widths) + 1, widths=widths, input_size=5, output_size=4)
    context = context_of(network, task)
    weights = STARTS["learned"](context)
    product = weights["layer_1"]
    for layer in range(2, network.depth + 1):
        product = weights[f"layer_{layer}"] @ product
    truth = context.data.truth
    strongest = [1, 2, 0][:kept]
    left, right = truth["left"][:, strongest], truth["right"][:, strongest]
    exact = strength * (left * np.array(values)[strongest]) @ right.T
    np.testing.assert_allclose(product, exact, atol=1e-14)
    # Balanced: each layer has the singular values |strength s|^(1/L).
    shares = np.abs(strength * np.array(values)[strongest]) ** (1.0 / network.depth)
    for each in weights.values():
        singular = np.linalg.svd(each.numpy(), compute_uv=False)
        np.testing.assert_allclose(singular[:kept], np.sort(shares)[::-1], rtol=1e-13)
        np.testing.assert_allclose(singular[kept:], 0.0, atol=1e-15)


def test_the_prior_with_a_small_gain_is_near_zero() -> None:
    network = deep_linear(depth=3, width=4, gain=1e-3, input_size=2)
    task = LinearTeacher(input_size=2, output_size=1, singular_values=(1.0,), example_count=3)
    weights = STARTS["prior"](context_of(network, task))
    assert max(float(each.abs().max()) for each in weights.values()) < 5e-3
    assert min(float(each.abs().max()) for each in weights.values()) > 0.0


@pytest.mark.parametrize(
    ("network", "task"),
    [
        (
            DeepNetwork(depth=2, width=3, input_size=3),
            LinearTeacher(input_size=3, output_size=1, singular_values=(1.0,), example_count=3),
        ),
        (
            deep_linear(depth=2, width=3, input_size=3),
            CubicTeacher(input_size=3, example_count=3, cubic=0.1),
        ),
        (
            TwoLayerNetwork(width=3, input_size=3, activation="linear"),
            LinearTeacher(input_size=3, output_size=1, singular_values=(1.0,), example_count=3),
        ),
    ],
)
def test_the_learned_start_refuses_what_is_no_linear_network_of_a_linear_teacher(
    network: Network, task: Any
) -> None:
    with pytest.raises(InvalidStudyError, match="'learned' needs the network deep_linear"):
        STARTS["learned"](context_of(network, task))
