"""The hand-written gradient against autograd, finite differences and the mapped network."""

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor

from phasegrok.networks import ExampleBatch, Layout, TwoLayerNetwork, find_loss
from phasegrok.networks.activations import ACTIVATIONS
from phasegrok.networks.evaluation import Gradient
from phasegrok.networks.losses import Loss
from phasegrok.networks.two_layer_evaluation import TwoLayerEvaluation

RUNS, EXAMPLES, INPUTS = 5, 37, 3


def made(
    width: int, activation: str, loss_name: str, output_size: int, *, shared: bool
) -> tuple[TwoLayerNetwork, Loss, ExampleBatch, Tensor]:
    source = torch.Generator().manual_seed(width + output_size)
    network = TwoLayerNetwork(
        width=width, input_size=INPUTS, output_size=output_size, activation=activation
    )
    sets = 1 if shared else RUNS
    shape = (sets, EXAMPLES) if output_size == 1 else (sets, EXAMPLES, output_size)
    targets = torch.randn(shape, generator=source, dtype=torch.float64)
    if loss_name == "cross_entropy":
        targets = torch.randint(output_size, (sets, EXAMPLES), generator=source)
    inputs = torch.randn(sets, EXAMPLES, INPUTS, generator=source, dtype=torch.float64)
    # A minibatch: the sum over these examples is weighted.
    examples = ExampleBatch(inputs=inputs, targets=targets, total=80, weight=80 / EXAMPLES)
    layout = network.layout()
    rows = torch.randn(RUNS, layout.row_size, generator=source, dtype=torch.float64)
    layout.clear_padding(rows)
    return network, find_loss(loss_name, output_size=output_size), examples, rows


def total_loss(
    network: TwoLayerNetwork, loss: Loss, examples: ExampleBatch, rows: Tensor
) -> Tensor:
    outputs = network.outputs(network.layout().split(rows), examples.inputs)
    terms = loss.per_example(outputs, examples.targets)
    return terms.sum(1) * loss.prefactor(examples.total) * examples.weight


def by_hand(
    network: TwoLayerNetwork, loss: Loss, examples: ExampleBatch, rows: Tensor
) -> Gradient:
    evaluation = TwoLayerEvaluation(network, loss)
    return evaluation.gradient(rows, evaluation.prepare(examples), None)


LOSSES = [
    ("half_squared_error", 1),
    ("mean_squared_error", 1),
    ("half_squared_error", 3),
    ("mean_squared_error", 3),
    ("cross_entropy", 3),
]
CASES = list(itertools.product([1, 2, 7, 16, 88], sorted(ACTIVATIONS), LOSSES, [True, False]))


@pytest.mark.parametrize(("width", "activation", "loss_and_size", "shared"), CASES)
def test_gradient_and_loss_are_those_of_autograd(
    width: int, activation: str, loss_and_size: tuple[str, int], shared: bool
) -> None:
    network, loss, examples, rows = made(width, activation, *loss_and_size, shared=shared)
    leaf = rows.clone().requires_grad_()
    losses = total_loss(network, loss, examples, leaf)
    (exact,) = torch.autograd.grad(losses.sum(), leaf)

    gradient = by_hand(network, loss, examples, rows)

    torch.testing.assert_close(gradient.rows, exact, rtol=1e-11, atol=1e-11)
    torch.testing.assert_close(gradient.loss, losses.detach(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("loss_and_size", LOSSES, ids=str)
def test_gradient_is_the_slope_of_the_loss(
    activation: str, loss_and_size: tuple[str, int]
) -> None:
    network, loss, examples, rows = made(2, activation, *loss_and_size, shared=False)
    evaluation = TwoLayerEvaluation(network, loss)
    prepared = evaluation.prepare(examples)
    exact = evaluation.gradient(rows, prepared, None).rows.clone()
    shift = 1e-6
    used = torch.cat([torch.arange(part.start, part.stop) for part in slices(network.layout())])
    for index in used.tolist():
        sides = []
        for sign in (1.0, -1.0):
            moved = rows.clone()
            moved[:, index] += sign * shift
            sides.append(evaluation.loss(moved, prepared))
        slope = (sides[0] - sides[1]) / (2.0 * shift)
        # ReLU has a kink, where a difference across it is off by the kink's share.
        tolerance = 1e-3 if activation == "relu" else 1e-6
        torch.testing.assert_close(slope, exact[:, index], rtol=tolerance, atol=tolerance * 10)


def slices(layout: Layout) -> list[slice]:
    return list(layout.slices.values())


@pytest.mark.parametrize("width", [1, 7, 16])
@pytest.mark.parametrize("output_size", [1, 3])
def test_outputs_are_those_of_the_plain_form(width: int, output_size: int) -> None:
    made_of = made(width, "erf", "half_squared_error", output_size, shared=True)
    network, loss, examples, rows = made_of
    evaluation = TwoLayerEvaluation(network, loss)
    answers = evaluation.outputs(rows, evaluation.prepare(examples))
    plain = network.outputs(network.layout().split(rows), examples.inputs)
    torch.testing.assert_close(answers, plain, rtol=1e-12, atol=1e-12)
    assert answers.shape == (RUNS, EXAMPLES) + ((3,) if output_size == 3 else ())


def test_buffers_carry_nothing_from_call_to_call() -> None:
    network, loss, examples, rows = made(7, "erf", "half_squared_error", 3, shared=True)
    evaluation = TwoLayerEvaluation(network, loss)
    prepared = evaluation.prepare(examples)
    first = evaluation.gradient(rows, prepared, None).rows.clone()
    fewer = ExampleBatch(
        inputs=examples.inputs[:, :20], targets=examples.targets[:, :20], total=80
    )
    evaluation.gradient(rows[:2] * 3.0, evaluation.prepare(fewer), None)
    evaluation.outputs(rows * 2.0, evaluation.prepare(fewer))
    again = evaluation.gradient(rows, prepared, None).rows
    assert torch.equal(first, again)


def test_pieces_of_a_large_batch_are_those_of_small_ones() -> None:
    network = TwoLayerNetwork(width=88, input_size=20)
    source = torch.Generator().manual_seed(0)
    inputs = torch.randn(1, 300, 20, generator=source)
    examples = ExampleBatch(
        inputs=inputs, targets=torch.randn(1, 300, generator=source), total=300
    )
    rows = torch.randn(31, network.layout().row_size, generator=source)
    network.layout().clear_padding(rows)
    loss: Any = find_loss("half_squared_error")
    whole = by_hand(network, loss, examples, rows)
    for first in range(0, 30, 3):
        part = by_hand(network, loss, examples, rows[first : first + 3].clone())
        assert torch.equal(part.rows, whole.rows[first : first + 3])
        assert torch.equal(part.loss, whole.loss[first : first + 3])
