"""Losses: their gradients in the outputs, their prefactors, and the noise they mean."""

import math
from typing import Any

import pytest
import torch

from phasegrok.errors import InvalidStudyError
from phasegrok.networks import LOSSES, SquaredLoss, find_loss

CASES = [(name, size) for name in sorted(LOSSES) for size in (1, 2, 5)]


def data(name: str, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    source = torch.Generator().manual_seed(size)
    outputs = torch.randn(3, 7, size, generator=source, dtype=torch.float64)
    if name == "cross_entropy":
        return outputs, torch.randint(size, (1, 7), generator=source)
    targets = torch.randn(1, 7, size, generator=source, dtype=torch.float64)
    return (outputs[..., 0], targets[..., 0]) if size == 1 else (outputs, targets)


@pytest.mark.parametrize(("name", "size"), CASES)
def test_cotangent_is_the_gradient_of_the_terms(name: str, size: int) -> None:
    loss = find_loss(name, output_size=size)
    outputs, targets = data(name, size)
    leaf = outputs.clone().requires_grad_()
    terms = loss.per_example(leaf, targets)
    assert terms.shape == (3, 7)
    (exact,) = torch.autograd.grad(terms.sum(), leaf)
    cotangent = loss.cotangent(outputs, targets)
    assert cotangent.shape == outputs.shape
    torch.testing.assert_close(cotangent, exact, rtol=1e-12, atol=1e-14)


def test_values_of_the_terms() -> None:
    outputs, targets = torch.tensor([[1.0, 4.0]]), torch.tensor([[3.0, 1.0]])
    half = find_loss("half_squared_error").per_example(outputs, targets)
    mean = find_loss("mean_squared_error").per_example(outputs, targets)
    assert half.tolist() == [[2.0, 4.5]]
    assert mean.tolist() == [[4.0, 9.0]]
    logits = torch.tensor([[[0.0, math.log(3.0)]]])
    entropy = find_loss("cross_entropy", output_size=2)
    assert float(entropy.per_example(logits, torch.tensor([[1]]))) == pytest.approx(
        math.log(4.0 / 3.0), rel=1e-6
    )


def test_prefactors_and_noise_agree() -> None:
    # exp(-L/T) is Gaussian in the error e where prefactor·share·e²/T = ½e²/σ².
    for name, share in (
        ("half_squared_error", 0.5),
        ("half_mean_squared_error", 0.5),
        ("mean_squared_error", 1.0),
    ):
        loss = find_loss(name)
        noise = loss.noise_variance(0.3, 20)
        assert noise is not None
        assert share * loss.prefactor(20) / 0.3 == pytest.approx(0.5 / noise)
    entropy: Any = find_loss("cross_entropy", output_size=3)
    assert entropy.noise_variance(0.3, 20) is None
    assert entropy.prefactor(20) == 1 / 20


def test_half_the_mean_of_squares_and_its_noise() -> None:
    # L = (1/2n) Σ (f - y)² over n = 20 examples: σ² = nT.
    loss = find_loss("half_mean_squared_error")
    assert loss.prefactor(20) == 1 / 20
    assert loss.per_example(torch.tensor([1.0, 4.0]), torch.tensor([3.0, 1.0])).tolist() == [
        2.0,
        4.5,
    ]
    assert loss.noise_variance(0.3, 20) == pytest.approx(6.0)


@pytest.mark.parametrize("name", [name for name in sorted(LOSSES) if "squared" in name])
def test_curvature_is_the_second_derivative_of_the_terms(name: str) -> None:
    loss = find_loss(name)
    assert isinstance(loss, SquaredLoss)
    errors = torch.linspace(-2.0, 3.0, 7, dtype=torch.float64)
    terms = loss.per_example(errors, torch.zeros_like(errors))
    torch.testing.assert_close(terms, 0.5 * loss.curvature * errors.square())


def test_refuses_an_unknown_loss() -> None:
    with pytest.raises(InvalidStudyError, match="Did you mean 'half_squared_error'"):
        find_loss("half_square_error")
