"""Networks of the user's own give the same numbers as by hand, in every batch."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from phasegrok.errors import InvalidStudyError
from phasegrok.networks import (
    Evaluation,
    ExampleBatch,
    Leaf,
    Network,
    Parameters,
    TwoLayerNetwork,
    build_network,
    evaluation_of,
    find_loss,
    is_batch_invariant,
)
from phasegrok.study import part
from phasegrok.tasks import CubicTeacher

TASK = CubicTeacher(input_size=4, example_count=11, cubic=-0.3)
ONE_RUN = part("contract_parts:TwoLayersOneRun", width=7)


@dataclass(frozen=True, kw_only=True)
class PlaceDependent(Network):
    """Breaks the rule on purpose: an output depends on the place of the run in the batch."""

    input_size: int = 4

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        return (Leaf("weights", (self.input_size,)),)

    def outputs(
        self, parameters: Parameters, inputs: Tensor, noise: Tensor | None = None
    ) -> Tensor:
        del noise
        answers = (parameters["weights"][:, None] * inputs).sum(-1)
        places = torch.arange(answers.shape[0], dtype=answers.dtype)
        return answers * (1.0 + 1e-6 * places[:, None])


def examples(sets: int, dtype: torch.dtype = torch.float64) -> ExampleBatch:
    source = torch.Generator().manual_seed(4)
    inputs = torch.randn(sets, 11, 4, generator=source, dtype=dtype)
    targets = torch.randn(sets, 11, generator=source, dtype=dtype)
    return ExampleBatch(inputs=inputs, targets=targets, total=11)


def rows_of(network: Network, runs: int, dtype: torch.dtype = torch.float64) -> Tensor:
    layout = network.layout()
    source = torch.Generator().manual_seed(9)
    rows = torch.randn(runs, layout.row_size, generator=source, dtype=dtype)
    layout.clear_padding(rows)
    return rows


def numbers(
    evaluation: Evaluation[Any], rows: Tensor, batch: ExampleBatch
) -> tuple[Tensor, Tensor, Tensor]:
    prepared = evaluation.prepare(batch)
    gradient = evaluation.gradient(rows, prepared, None)
    return gradient.rows.clone(), gradient.loss, evaluation.outputs(rows, prepared)


@pytest.mark.parametrize("activation", ["erf", "tanh", "relu", "quadratic", "linear"])
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("runs", [1, 2, 7, 8, 9, 20])
def test_a_network_for_one_run_agrees_with_the_one_by_hand(
    activation: str, shared: bool, runs: int
) -> None:
    mapped = build_network(ONE_RUN.with_options({"activation": activation}), TASK)
    written = TwoLayerNetwork(width=7, input_size=4, activation=activation)
    loss, batch, rows = (
        find_loss("half_squared_error"),
        examples(1 if shared else runs),
        rows_of(written, runs),
    )
    made = [evaluation_of(each, loss, dtype=torch.float64) for each in (mapped, written)]
    if runs == 1:  # By hand a lone run is computed as a pair.
        exact = numbers(made[1], rows[[0, 0]], examples(1))
        exact = (exact[0][:1], exact[1][:1], exact[2][:1])
    else:
        exact = numbers(made[1], rows, batch)
    for found, expected in zip(numbers(made[0], rows, batch), exact, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-11)


def test_a_module_agrees_with_itself_run_by_run() -> None:
    network: Any = build_network(part("contract_parts:Perceptron", width=5), TASK)
    rows, batch = rows_of(network, 10), examples(10)
    loss = find_loss("half_squared_error")
    gradients, losses, answers = numbers(
        evaluation_of(network, loss, dtype=torch.float64), rows, batch
    )
    named = {name.replace(".", "_"): name for name, _ in network.module.named_parameters()}
    for run in range(10):
        weights = network.layout().split(rows[run : run + 1])
        own = {named[name]: value[0].clone() for name, value in weights.items()}
        for value in own.values():
            value.requires_grad_()
        out = torch.func.functional_call(network.module, own, (batch.inputs[run],))[:, 0]
        total = 0.5 * (out - batch.targets[run]).square().sum()
        total.backward()
        exact = network.layout().join(
            {short: own[long].grad[None] for short, long in named.items()}
        )
        torch.testing.assert_close(gradients[run], exact[0], rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(losses[run], total.detach(), rtol=1e-12, atol=1e-14)
        torch.testing.assert_close(answers[run], out.detach(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", ["TwoLayersOneRun", "Perceptron", "Diagonal"])
def test_numbers_of_a_run_are_the_same_in_every_batch(kind: str, dtype: torch.dtype) -> None:
    options = {} if kind == "Diagonal" else {"width": 7}
    network = build_network(part(f"contract_parts:{kind}", **options), TASK)
    loss = find_loss("half_squared_error")
    rows, batch = rows_of(network, 21, dtype), examples(1, dtype)
    whole = numbers(evaluation_of(network, loss, dtype=dtype), rows, batch)
    for pick in ([0], [20], [3, 11, 5], list(range(20, 3, -1))):
        own = ExampleBatch(
            inputs=batch.inputs.expand(len(pick), -1, -1).clone(),
            targets=batch.targets.expand(len(pick), -1).clone(),
            total=11,
        )
        for each in (batch, own):
            part_of = numbers(evaluation_of(network, loss, dtype=dtype), rows[pick], each)
            for found, expected in zip(part_of, whole, strict=True):
                assert torch.equal(found, expected[pick])


def test_probe_sees_a_network_that_depends_on_places() -> None:
    loss, dtype = find_loss("half_squared_error"), torch.float64
    assert not is_batch_invariant(PlaceDependent(), loss, examples(1), dtype=dtype)
    diagonal = build_network(part("contract_parts:Diagonal"), TASK)
    assert is_batch_invariant(diagonal, loss, examples(1), dtype=dtype)
    # Where the probe says no, every run is computed alone and so at the first place.
    rows = rows_of(PlaceDependent(), 9)
    evaluation = evaluation_of(PlaceDependent(), loss, dtype=dtype)
    answers = evaluation.outputs(rows, evaluation.prepare(examples(1)))
    exact = (rows[:, None, :4] * examples(1).inputs).sum(-1)
    torch.testing.assert_close(answers, exact, rtol=1e-13, atol=1e-13)


def test_start_of_a_module_follows_from_the_generator_alone() -> None:
    network = build_network(part("contract_parts:Perceptron", width=5), TASK)
    again = build_network(part("contract_parts:Perceptron", width=5), TASK)
    torch.manual_seed(0)
    before = torch.random.get_rng_state()

    def start(of: Network, seed: int) -> Parameters:
        weights = of.initial(torch.Generator().manual_seed(seed), torch.float32)
        assert weights is not None
        return weights

    first, same, other = start(network, 1), start(again, 1), start(network, 2)
    assert set(first) == {
        "scale",
        "layers_0_weight",
        "layers_0_bias",
        "layers_2_weight",
        "layers_2_bias",
    }
    for name, value in first.items():
        assert torch.equal(value, same[name])
        assert not torch.equal(value, other[name])
    assert torch.equal(torch.random.get_rng_state(), before)
    np.testing.assert_array_less(first["layers_0_weight"].abs(), 0.5)  # 1/√4 of nn.Linear.


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("Normalised", "no buffers, received Normalised with buffers"),
        ("Dropping", "draw no random numbers"),
        ("LargestWeight", "must be a phasegrok.networks.Network or a torch.nn.Module"),
    ],
)
def test_refuses_modules_that_are_no_networks(kind: str, message: str) -> None:
    with pytest.raises(InvalidStudyError, match=message):
        build_network(part(f"contract_parts:{kind}"), TASK)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 0}, "width of two_layer must be at least 1, received 0"),
        ({"width": 2.5}, "width of two_layer must be a whole number, received 2.5"),
        (
            {"width": 2, "readout_variance": 0.0},
            "readout_variance of two_layer must be a finite number above zero",
        ),
        ({"width": 2, "activation": "err"}, "Did you mean 'erf'"),
        ({"width": 2, "scaling": "mean-field"}, "Did you mean 'mean_field'"),
        ({"widht": 2}, "Did you mean 'width'"),
        ({}, "needs the option 'width'"),
    ],
)
def test_refuses_two_layer_networks_without_meaning(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidStudyError, match=message):
        build_network(part("two_layer", **options), TASK)


def test_prior_variances_of_both_scalings() -> None:
    options = {"width": 10, "first_variance": 0.5, "readout_variance": 3.0}
    standard = build_network(part("two_layer", **options), TASK).prior_variances()
    mean_field = build_network(
        part("two_layer", scaling="mean_field", **options), TASK
    ).prior_variances()
    assert standard == {"first": 0.5 / 4, "readout": 0.3}
    assert mean_field == {"first": 0.5 / 4, "readout": pytest.approx(0.03)}
