"""Order parameters against quadrature and Monte Carlo over the network's own outputs."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from phasegrok.errors import InvalidStudyError
from phasegrok.networks import (
    ExampleBatch,
    TwoLayerEvaluation,
    TwoLayerNetwork,
    find_loss,
)
from phasegrok.observables import (
    OBSERVABLES,
    AlignedFraction,
    CubicDiscrepancy,
    LinearDiscrepancy,
    Measurement,
    TeacherOverlap,
    TestLoss,
    TrainLoss,
    build_observables,
)
from phasegrok.schema import Symmetry
from phasegrok.study import part
from phasegrok.tasks import CubicTeacher

Array = npt.NDArray[np.float64]
RUNS, WIDTH, INPUTS = 4, 5, 3
NETWORK = TwoLayerNetwork(width=WIDTH, input_size=INPUTS)
TASKS = [CubicTeacher(input_size=INPUTS, example_count=8, cubic=-0.1 * run) for run in range(4)]


@dataclass(frozen=True, kw_only=True)
class OtherTask:
    """A task that is no cubic teacher."""

    loss: str = "half_squared_error"
    input_shape: tuple[int, ...] = (INPUTS,)
    output_size: int = 1

    def draw(self, *, study_seed: int, disorder: int) -> Any:
        raise NotImplementedError


def measurement(*, shared_teacher: bool = True, with_test: bool = True) -> Measurement:
    sets = [
        TASKS[run].draw(study_seed=1, disorder=0 if shared_teacher else run)
        for run in range(RUNS)
    ]
    source = torch.Generator().manual_seed(8)
    rows = torch.randn(RUNS, NETWORK.layout().row_size, generator=source, dtype=torch.float64)
    NETWORK.layout().clear_padding(rows)

    def batch(kind: str) -> ExampleBatch:
        each = [getattr(data, kind) for data in sets]
        return ExampleBatch(
            inputs=torch.as_tensor(np.stack([one.inputs for one in each])),
            targets=torch.as_tensor(np.stack([one.targets for one in each])),
            total=each[0].count,
        )

    teachers = np.stack([data.truth["teacher"] for data in sets])
    return Measurement(
        network=NETWORK,
        rows=rows,
        evaluation=TwoLayerEvaluation(NETWORK, find_loss("half_squared_error")),
        train=batch("train"),
        test=batch("test") if with_test else None,
        tasks=TASKS,
        truth={"teacher": torch.as_tensor(teachers[:1] if shared_teacher else teachers)},
    )


def hermite_moments(live: Measurement) -> tuple[Array, Array]:
    """⟨f H₁⟩ and ⟨f H₃⟩ by Gauss-Hermite quadrature of the network's outputs, (run,)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    weights = weights / math.sqrt(2.0 * math.pi)
    grid = np.stack(np.meshgrid(nodes, nodes, nodes, indexing="ij"), axis=-1).reshape(-1, 3)
    measure = np.einsum("a,b,c->abc", weights, weights, weights).ravel()
    outputs = NETWORK.outputs(live.parameters, torch.as_tensor(grid)).numpy()
    z = np.broadcast_to(live.truth["teacher"].numpy() @ grid.T, outputs.shape)
    return (outputs * z) @ measure, (outputs * (z**3 - 3.0 * z)) @ measure


@pytest.mark.parametrize("shared_teacher", [True, False])
def test_discrepancies_are_those_of_the_outputs(shared_teacher: bool) -> None:
    live = measurement(shared_teacher=shared_teacher)
    linear, cubic = hermite_moments(live)
    strengths = np.array([task.cubic for task in TASKS])
    np.testing.assert_allclose(LinearDiscrepancy().measure(live), 1.0 - linear, atol=2e-5)
    np.testing.assert_allclose(
        CubicDiscrepancy().measure(live), strengths - cubic / 6.0, atol=2e-5
    )


def test_a_linear_discrepancy_by_monte_carlo() -> None:
    live, count = measurement(), 400_000
    inputs = np.random.default_rng(5).standard_normal((count, INPUTS))
    outputs = NETWORK.outputs(live.parameters, torch.as_tensor(inputs)).numpy()
    z = inputs @ live.truth["teacher"].numpy()[0]
    for found, polynomial, norm, full in (
        (LinearDiscrepancy().measure(live), z, 1.0, np.ones(RUNS)),
        (
            CubicDiscrepancy().measure(live),
            z**3 - 3.0 * z,
            6.0,
            np.array([task.cubic for task in TASKS]),
        ),
    ):
        products = outputs * polynomial / norm
        errors = products.std(1, ddof=1) / math.sqrt(count)
        assert np.abs((full - products.mean(1) - found.numpy()) / errors).max() < 4.0


@pytest.mark.parametrize("shared_teacher", [True, False])
def test_overlaps_and_aligned_fraction(shared_teacher: bool) -> None:
    live = measurement(shared_teacher=shared_teacher)
    first = live.parameters["first"].numpy()
    teachers = np.broadcast_to(live.truth["teacher"].numpy(), (RUNS, INPUTS))
    exact = np.stack([weights @ w for weights, w in zip(first, teachers, strict=True)])
    np.testing.assert_allclose(TeacherOverlap().measure(live), exact, rtol=1e-13)
    for threshold in (0.2, 0.5, 1.0):
        found = AlignedFraction(threshold=threshold).measure(live)
        np.testing.assert_allclose(found, (np.abs(exact) > threshold).mean(1))
    assert f"{AlignedFraction(threshold=0.25).long_name}".endswith("> 0.25")


def test_flipping_a_neuron_changes_overlaps_alone() -> None:
    live, flipped = measurement(), measurement()
    for view in flipped.parameters.values():
        view.neg_()
    for kind in (LinearDiscrepancy(), CubicDiscrepancy(), AlignedFraction()):
        torch.testing.assert_close(
            kind.measure(live), kind.measure(flipped), rtol=1e-13, atol=1e-15
        )
    before, after = (TeacherOverlap().measure(each) for each in (live, flipped))
    torch.testing.assert_close(before, -after)
    assert TeacherOverlap().symmetry is Symmetry.SIGN
    assert LinearDiscrepancy().symmetry is Symmetry.NONE


def test_losses_are_means_over_examples() -> None:
    live = measurement()
    assert live.test is not None
    for kind, batch in ((TrainLoss(), live.train), (TestLoss(), live.test)):
        outputs = NETWORK.outputs(live.parameters, batch.inputs)
        exact = 0.5 * (outputs - batch.targets).square().mean(1)
        torch.testing.assert_close(kind.measure(live), exact, rtol=1e-12, atol=0.0)


# Others are tested with the tasks that they measure.
HERE = sorted(set(OBSERVABLES) - {"accuracy", "mode_strength", "test_accuracy"})


@pytest.mark.parametrize("name", HERE)
def test_each_says_what_it_is(name: str) -> None:
    (observable,) = build_observables([part(name)])
    assert observable.name == name
    assert observable.units == "1"
    assert len(observable.long_name) > 10
    values = observable.measure(measurement())
    assert values.shape[0] == RUNS
    assert values.dim() == 1 + len(observable.dims)


@pytest.mark.parametrize("kind", [LinearDiscrepancy(), CubicDiscrepancy()])
def test_closed_forms_refuse_other_activations(kind: LinearDiscrepancy) -> None:
    relu = TwoLayerNetwork(width=3, input_size=INPUTS, activation="relu")
    with pytest.raises(InvalidStudyError, match="closed form for the activation 'erf'"):
        kind.check(relu, TASKS[0])
    kind.check(NETWORK, TASKS[0])


@pytest.mark.parametrize(
    "kind", [LinearDiscrepancy(), CubicDiscrepancy(), TeacherOverlap(), AlignedFraction()]
)
def test_order_parameters_refuse_other_tasks(kind: TeacherOverlap) -> None:
    with pytest.raises(InvalidStudyError, match="received TwoLayerNetwork and OtherTask"):
        kind.check(NETWORK, OtherTask())


def test_test_loss_refuses_a_task_without_test_examples() -> None:
    without = CubicTeacher(input_size=3, example_count=4, cubic=0.1, test_count=0)
    with pytest.raises(InvalidStudyError, match="test_count = 0; raise it"):
        TestLoss().check(NETWORK, without)
    with pytest.raises(InvalidStudyError, match="set test_count in the task"):
        TestLoss().measure(measurement(with_test=False))


def test_lists_refuse_equal_names_and_things_that_are_no_observables() -> None:
    with pytest.raises(InvalidStudyError, match="every observable needs a name of its own"):
        build_observables([part("train_loss"), part("train_loss")])
    both = [part("aligned_fraction"), part("aligned_fraction", threshold=0.2, name="loose")]
    assert [each.name for each in build_observables(both)] == ["aligned_fraction", "loose"]
    with pytest.raises(InvalidStudyError, match=r"received \['Fraction'\]"):
        build_observables([part("fractions:Fraction")])
    with pytest.raises(InvalidStudyError, match="Did you mean 'test_loss'"):
        build_observables([part("tes_loss")])
