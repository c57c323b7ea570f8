"""Accuracies: counted by hand, ties by chance, both sets of examples."""

import pytest
import torch
from torch import Tensor

from phasegrok.errors import InvalidStudyError
from phasegrok.networks import DeepNetwork, ExampleBatch, evaluation_of, find_loss
from phasegrok.observables import Accuracy, Measurement, TestAccuracy, build_observables
from phasegrok.study import part
from phasegrok.tasks import CubicTeacher, Mnist

# f(x) = W x with three inputs and outputs: the answers are what the test says.
NETWORK = DeepNetwork(depth=1, input_size=3, output_size=3)
TASK = Mnist(example_count=4, classes=(0, 1, 2))


def batch(inputs: Tensor, targets: list[int]) -> ExampleBatch:
    return ExampleBatch(
        inputs=inputs[None].double(), targets=torch.tensor([targets]), total=len(targets)
    )


def measured(weights: Tensor, *, with_test: bool = True) -> Measurement:
    rows = NETWORK.layout().join({"layer_1": weights.double()})
    test = batch(torch.eye(3), [1, 1, 1])
    return Measurement(
        network=NETWORK,
        rows=rows,
        evaluation=evaluation_of(
            NETWORK, find_loss("cross_entropy", output_size=3), dtype=torch.float64
        ),
        train=batch(torch.cat([torch.eye(3), -torch.eye(3)[:1]]), [0, 1, 2, 0]),
        test=test if with_test else None,
        tasks=[TASK] * len(weights),
        truth={},
    )


def test_fractions_of_both_sets() -> None:
    eye = torch.eye(3)
    weights = torch.stack([eye, -eye, eye[[1, 2, 0]], torch.zeros(3, 3)])
    live = measured(weights)
    # The fourth input is -e_0, whose class 0 has the lowest output for W = 1, the highest for
    # W = -1; for -1, e_0 leaves classes 1 and 2 level. The cycle maps e_k to e_(k-1) and -e_0
    # to -e_2, where 0 and 1 are level. Zero weights are right by chance.
    found = Accuracy().measure(live).tolist()
    assert found == pytest.approx([3 / 4, 1 / 4, 0.5 / 4, 1 / 3])
    assert TestAccuracy().measure(live).tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1 / 3])


def test_scaling_outputs_changes_nothing() -> None:
    weights = torch.randn(4, 3, 3, generator=torch.Generator().manual_seed(1))
    first, second = (Accuracy().measure(measured(scale * weights)) for scale in (1.0, 7.0))
    assert torch.equal(first, second)


def test_each_says_what_it_is() -> None:
    both = build_observables([part("accuracy"), part("test_accuracy")])
    assert [each.name for each in both] == ["accuracy", "test_accuracy"]
    assert ["training" in each.long_name for each in both] == [True, False]


def test_refuses_tasks_without_classes_or_test_examples() -> None:
    cubic = CubicTeacher(input_size=3, example_count=4, cubic=0.1)
    for kind in (Accuracy(), TestAccuracy()):
        with pytest.raises(InvalidStudyError, match="needs a task with classes"):
            kind.check(NETWORK, cubic)
        kind.check(NETWORK, TASK)
    without = Mnist(example_count=4, test_count=0)
    with pytest.raises(InvalidStudyError, match="test_count = 0; raise it"):
        TestAccuracy().check(NETWORK, without)
    with pytest.raises(InvalidStudyError, match="set test_count in the task"):
        TestAccuracy().measure(measured(torch.zeros(2, 3, 3), with_test=False))
