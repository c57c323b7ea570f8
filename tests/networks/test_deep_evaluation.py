"""Hand-written gradients of deep networks: autograd, slopes, moments, targets, every batch."""

import itertools
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from phasegrok.errors import InvalidStudyError, InvalidValueError
from phasegrok.networks import (
    DeepEvaluation,
    DeepLinearEvaluation,
    DeepNetwork,
    Evaluation,
    ExampleBatch,
    MappedEvaluation,
    ScalarChainEvaluation,
    TwoLayerNetwork,
    evaluation_of,
    find_loss,
)
from phasegrok.networks.activations import ACTIVATIONS
from phasegrok.networks.deep_linear_evaluation import moments_are_cheaper

RUNS = 5
# Inputs, hidden widths, outputs: awkward ones among them, and a layer alone.
SHAPES = [
    ((3, 7, 1), 37),
    ((1, 1, 1, 1), 20),
    ((1, 3, 5, 1), 9),
    ((4, 16, 17, 4), 40),
    ((2, 1, 3), 6),
    ((3, 5, 2, 8, 3), 33),
    ((4, 2), 11),
    ((1, 1), 5),
]
SQUARED = ["half_squared_error", "half_mean_squared_error", "mean_squared_error"]


def network_of(sizes: tuple[int, ...], activation: str) -> DeepNetwork:
    inputs, *hidden, outputs = sizes
    return DeepNetwork(
        depth=len(sizes) - 1,
        widths=tuple(hidden),
        activation=activation,
        input_size=inputs,
        output_size=outputs,
    )


def examples_of(
    network: DeepNetwork,
    count: int,
    *,
    sets: tuple[int, int] = (1, 1),
    classes: bool = False,
    dtype: torch.dtype = torch.float64,
    seed: int = 3,
) -> ExampleBatch:
    """Examples with sets of inputs and sets of targets; a minibatch of twice as many."""
    source = torch.Generator().manual_seed(seed)
    size = network.output_size
    inputs = torch.randn(sets[0], count, network.input_size, generator=source, dtype=dtype)
    shape = (sets[1], count) if size == 1 else (sets[1], count, size)
    targets = torch.randn(shape, generator=source, dtype=dtype)
    if classes:
        targets = torch.randint(size, shape[:2], generator=source)
    return ExampleBatch(inputs=inputs, targets=targets, total=2 * count, weight=2.0)


def rows_of(
    network: DeepNetwork, runs: int = RUNS, dtype: torch.dtype = torch.float64
) -> Tensor:
    layout = network.layout()
    source = torch.Generator().manual_seed(9)
    rows = torch.randn(runs, layout.row_size, generator=source, dtype=dtype)
    layout.clear_padding(rows)
    return rows


def total(network: DeepNetwork, loss: Any, examples: ExampleBatch, rows: Tensor) -> Tensor:
    outputs = network.outputs(network.layout().split(rows), examples.inputs)
    terms = loss.per_example(outputs, examples.targets)
    summed: Tensor = terms.sum(1) * loss.prefactor(examples.total) * examples.weight
    return summed


def check_against_autograd(
    network: DeepNetwork, loss: Any, examples: ExampleBatch, evaluation: Evaluation[Any]
) -> None:
    rows = rows_of(network)
    leaf = rows.clone().requires_grad_()
    losses = total(network, loss, examples, leaf)
    (exact,) = torch.autograd.grad(losses.sum(), leaf)
    prepared = evaluation.prepare(examples)
    gradient = evaluation.gradient(rows, prepared, None)
    torch.testing.assert_close(gradient.rows, exact, rtol=1e-11, atol=1e-11)
    torch.testing.assert_close(gradient.loss, losses.detach(), rtol=1e-11, atol=1e-11)
    alone = evaluation.loss(rows, prepared)
    torch.testing.assert_close(alone, losses.detach(), rtol=1e-11, atol=1e-11)
    plain = network.outputs(network.layout().split(rows), examples.inputs)
    answers = evaluation.outputs(rows, prepared)
    torch.testing.assert_close(answers, plain, rtol=1e-11, atol=1e-11)
    assert answers.shape == plain.shape


@pytest.mark.parametrize(("sizes", "count"), SHAPES, ids=str)
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("sets", [(1, 1), (RUNS, RUNS), (1, RUNS), (RUNS, 1)])
def test_gradient_loss_and_outputs_are_those_of_autograd(
    sizes: tuple[int, ...], count: int, activation: str, sets: tuple[int, int]
) -> None:
    network = network_of(sizes, activation)
    for name in SQUARED:
        loss = find_loss(name, output_size=network.output_size)
        examples = examples_of(network, count, sets=sets)
        evaluations = [evaluation_of(network, loss, dtype=torch.float64)]
        evaluations.append(DeepEvaluation(network, loss))
        for evaluation in evaluations:
            check_against_autograd(network, loss, examples, evaluation)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("sizes", [(3, 7, 4), (5, 6, 3, 2), (4, 3)], ids=str)
def test_cross_entropy_is_that_of_autograd(sizes: tuple[int, ...], activation: str) -> None:
    network = network_of(sizes, activation)
    loss = find_loss("cross_entropy", output_size=network.output_size)
    evaluation = evaluation_of(network, loss, dtype=torch.float64)
    assert isinstance(evaluation, DeepEvaluation)
    for sets in ((1, 1), (RUNS, RUNS)):
        examples = examples_of(network, 21, sets=sets, classes=True)
        check_against_autograd(network, loss, examples, evaluation)


@pytest.mark.parametrize(
    ("sizes", "activation"),
    [((1, 1, 1, 1), "linear"), ((2, 3, 2, 2), "linear"), ((2, 3, 2, 1), "tanh")],
)
def test_gradient_is_the_slope_of_the_loss(sizes: tuple[int, ...], activation: str) -> None:
    network = network_of(sizes, activation)
    loss = find_loss("half_mean_squared_error", output_size=network.output_size)
    evaluation = evaluation_of(network, loss, dtype=torch.float64)
    prepared, rows = evaluation.prepare(examples_of(network, 15)), rows_of(network)
    exact = evaluation.gradient(rows, prepared, None).rows.clone()
    shift = 1e-6
    for index in range(network.layout().parameter_count):
        moved = rows.clone()
        moved[:, index] += shift
        above = evaluation.loss(moved, prepared)
        moved[:, index] -= 2.0 * shift
        slope = (above - evaluation.loss(moved, prepared)) / (2.0 * shift)
        torch.testing.assert_close(slope, exact[:, index], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("sizes", [(1, 1, 1, 1), (1, 8, 8, 1), (4, 16, 16, 4)], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_moments_and_examples_and_the_mapped_network_agree(
    sizes: tuple[int, ...], dtype: torch.dtype
) -> None:
    network = network_of(sizes, "linear")
    loss = find_loss("half_mean_squared_error", output_size=network.output_size)
    examples, rows = examples_of(network, 50, dtype=dtype), rows_of(network, dtype=dtype)
    by_moments: Evaluation[Any] = evaluation_of(network, loss, dtype=dtype)
    kind = ScalarChainEvaluation if sizes == (1, 1, 1, 1) else DeepLinearEvaluation
    assert type(by_moments).__name__ == kind.__name__
    tolerance = 1e-11 if dtype == torch.float64 else 2e-5
    found = by_moments.gradient(rows, by_moments.prepare(examples), None)
    others: list[Evaluation[Any]] = [
        DeepEvaluation(network, loss),
        MappedEvaluation(network, loss, dtype=dtype),
    ]
    for other in others:
        exact = other.gradient(rows, other.prepare(examples), None)
        scale = exact.rows.abs().max()
        assert float((found.rows - exact.rows).abs().max() / scale) < tolerance
        torch.testing.assert_close(found.loss, exact.loss, rtol=tolerance, atol=tolerance)


def test_moments_are_taken_where_they_cost_less() -> None:
    wide, narrow = network_of((30, 8, 3), "linear"), network_of((4, 16, 16, 4), "linear")

    def batch(network: DeepNetwork, count: int, total: int) -> ExampleBatch:
        return replace(examples_of(network, count), total=total)

    assert moments_are_cheaper(narrow, batch(narrow, 50, 50))
    assert moments_are_cheaper(wide, batch(wide, 500, 500))
    assert not moments_are_cheaper(wide, batch(wide, 20, 20))  # Fewer than inputs.
    assert not moments_are_cheaper(wide, batch(wide, 50, 500))  # For one gradient only.
    assert not moments_are_cheaper(narrow, batch(narrow, 4, 50))


SMALL = [(sizes, "linear") for sizes, _ in SHAPES] + [
    ((7, 24, 16, 3), "linear"),  # Rounds by place where layers are not padded.
    ((3, 7, 1), "tanh"),
    ((3, 5, 1, 17, 3), "erf"),
    ((2, 1, 1, 3), "relu"),
    ((3, 16), "tanh"),
]


def numbers(
    evaluation: Evaluation[Any], rows: Tensor, batch: ExampleBatch
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    prepared = evaluation.prepare(batch)
    gradient = evaluation.gradient(rows, prepared, None)
    kept = gradient.rows.clone(), gradient.loss.clone()
    return (*kept, evaluation.loss(rows, prepared), evaluation.outputs(rows, prepared))


@pytest.mark.parametrize(("sizes", "activation"), SMALL, ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("count", [3, 40])
def test_numbers_of_a_run_are_the_same_in_every_batch(
    sizes: tuple[int, ...], activation: str, dtype: torch.dtype, count: int
) -> None:
    network = network_of(sizes, activation)
    runs = 67
    rows = rows_of(network, runs, dtype)
    for name in ("half_mean_squared_error", "cross_entropy"):
        if name == "cross_entropy" and network.output_size == 1:
            continue
        loss = find_loss(name, output_size=network.output_size)
        classes = name == "cross_entropy"
        own = examples_of(network, count, sets=(runs, runs), classes=classes, dtype=dtype)
        one = ExampleBatch(inputs=own.inputs[5:6], targets=own.targets[5:6], total=count)
        whole = numbers(evaluation_of(network, loss, dtype=dtype), rows, own)
        shared = numbers(evaluation_of(network, loss, dtype=dtype), rows, one)
        for pick in ([0, 0], [66, 66], [3, 11, 5], list(range(40, 3, -1)), [5, 5]):
            evaluation = evaluation_of(network, loss, dtype=dtype)
            some = replace(own, inputs=own.inputs[pick], targets=own.targets[pick])
            for found, expected in zip(
                numbers(evaluation, rows[pick], some), whole, strict=True
            ):
                assert torch.equal(found, expected[pick])
            copies = replace(
                one,
                inputs=one.inputs.expand(len(pick), -1, -1).clone(),
                targets=one.targets[[0] * len(pick)],
            )
            for each in (one, copies):
                for found, expected in zip(
                    numbers(evaluation, rows[pick], each), shared, strict=True
                ):
                    assert torch.equal(found, expected[pick])


def test_pieces_of_a_large_batch_are_those_of_small_ones() -> None:
    for sizes, activation in (((20, 64, 64, 3), "tanh"), ((12, 40, 40, 3), "linear")):
        network = network_of(sizes, activation)
        loss = find_loss("half_mean_squared_error", output_size=3)
        rows = rows_of(network, 131, torch.float32)
        examples = examples_of(network, 70, dtype=torch.float32)
        whole = numbers(evaluation_of(network, loss, dtype=torch.float32), rows, examples)
        for first in (0, 57, 128):
            pick = slice(first, first + 3)
            evaluation = evaluation_of(network, loss, dtype=torch.float32)
            for found, expected in zip(
                numbers(evaluation, rows[pick].clone(), examples), whole, strict=True
            ):
                assert torch.equal(found, expected[pick])


def test_buffers_carry_nothing_from_call_to_call() -> None:
    for sizes, activation in SMALL:
        network = network_of(sizes, activation)
        loss = find_loss("half_squared_error", output_size=network.output_size)
        evaluation = evaluation_of(network, loss, dtype=torch.float64)
        rows = rows_of(network)
        many, few = examples_of(network, 40), examples_of(network, 7, seed=8)
        first = numbers(evaluation, rows, many)
        numbers(evaluation, rows[:2] * 3.0, few)
        numbers(evaluation, rows * 1e3, few)
        for found, expected in zip(numbers(evaluation, rows, many), first, strict=True):
            assert torch.equal(found, expected)


def test_a_loss_that_was_overwritten_is_refused() -> None:
    for sizes in ((1, 1, 1), (2, 3, 2)):
        network = network_of(sizes, "linear")
        loss = find_loss("half_squared_error", output_size=network.output_size)
        evaluation = evaluation_of(network, loss, dtype=torch.float64)
        rows, prepared = rows_of(network), evaluation.prepare(examples_of(network, 40))
        read, unread = evaluation.gradient(rows, prepared, None), None
        assert read.loss.shape == (RUNS,)
        unread = evaluation.gradient(rows, prepared, None)
        evaluation.outputs(2.0 * rows, prepared)
        assert read.loss.shape == (RUNS,)  # Taken in time.
        with pytest.raises(InvalidValueError, match="received 1 evaluations since"):
            _ = unread.loss


TARGET_SETS = list(itertools.product([1, RUNS], [1, RUNS], [1, RUNS]))


@pytest.mark.parametrize("kind", ["chosen", "mapped", "two_layer", "cross_entropy", "few"])
@pytest.mark.parametrize(("inputs", "before", "after"), TARGET_SETS)
def test_new_targets_are_as_if_prepared_anew(
    kind: str, inputs: int, before: int, after: int
) -> None:
    cases: list[tuple[Any, str]] = [
        (network_of((3, 5, 4, 2), "linear"), "half_mean_squared_error"),
        (network_of((3, 5, 4, 1), "tanh"), "half_mean_squared_error"),
        (network_of((1, 1, 1), "linear"), "mean_squared_error"),
    ]
    if kind == "two_layer":
        cases = [
            (TwoLayerNetwork(width=5, input_size=3, output_size=size), "half_squared_error")
            for size in (1, 2)
        ]
    if kind == "cross_entropy":
        cases = [(network_of((3, 5, 4), "tanh"), "cross_entropy")]
    for network, name in cases:
        loss = find_loss(name, output_size=network.output_size)
        evaluation = (
            MappedEvaluation(network, loss, dtype=torch.float64)
            if kind == "mapped"
            else evaluation_of(network, loss, dtype=torch.float64)
        )
        rows = rows_of(network)
        count, classes = 2 if kind == "few" else 20, kind == "cross_entropy"
        old = examples_of(network, count, sets=(inputs, before), classes=classes)
        targets = examples_of(network, count, sets=(1, after), classes=classes, seed=5).targets
        anew = replace(old, targets=targets)
        prepared = evaluation.prepare(old)
        first = [each.clone() for each in numbers_of(evaluation, rows, prepared)]
        changed = evaluation.retarget(prepared, targets)
        expected = numbers_of(evaluation, rows, evaluation.prepare(anew))
        for ours, exact in zip(numbers_of(evaluation, rows, changed), expected, strict=True):
            assert torch.equal(ours, exact)
        # What was prepared before stays as it was.
        again = numbers_of(evaluation, rows, prepared)
        assert all(torch.equal(a, b) for a, b in zip(again, first, strict=True))
        assert not torch.equal(expected[1], first[1])


def numbers_of(
    evaluation: Evaluation[Any], rows: Tensor, prepared: Any
) -> tuple[Tensor, Tensor, Tensor]:
    gradient = evaluation.gradient(rows, prepared, None)
    return gradient.rows.clone(), gradient.loss.clone(), evaluation.outputs(rows, prepared)


def test_targets_of_another_shape_are_refused() -> None:
    for sizes, activation in (((3, 5, 2), "linear"), ((3, 5, 2), "tanh")):
        network = network_of(sizes, activation)
        loss = find_loss("half_squared_error", output_size=2)
        for evaluation in (
            evaluation_of(network, loss, dtype=torch.float64),
            MappedEvaluation(network, loss, dtype=torch.float64),
        ):
            prepared: Any = evaluation.prepare(examples_of(network, 20))
            with pytest.raises(InvalidStudyError, match=r"\(20, 2\), received \(19, 2\)"):
                evaluation.retarget(prepared, torch.zeros(1, 19, 2, dtype=torch.float64))
