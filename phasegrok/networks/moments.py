"""Second moments of examples: all that a squared loss of a linear network depends on.

With f(x) = P x, κ the curvature of the loss, and g its prefactor times the weight of a
minibatch, L = ½ [tr(P C Pᵀ) - 2 tr(P Bᵀ) + a] and ∂L/∂P = P C - B, where C = κg Σ x xᵀ,
B = κg Σ y xᵀ and a = κg Σ |y|².
"""

from dataclasses import dataclass, replace
from typing import final

import torch
from torch import Tensor

from phasegrok.networks.losses import SquaredLoss
from phasegrok.networks.padding import PaddedExamples, pieces, retargeted

__all__ = ["MomentExamples", "moment_examples", "moment_loss", "moments_retargeted"]

_CHUNK_NUMBERS = 100_000


@final
@dataclass(frozen=True, kw_only=True)
class MomentExamples:
    """Examples with their moments, which include the factors of the loss.

    Parameters
    ----------
    padded : PaddedExamples
        The examples themselves.
    covariance : (1 or run, padded input, padded input) float64 tensor
        C.
    correlation : (1 or run, padded output, padded input) float64 tensor
        B.
    target_norm : (1 or run,) float64 tensor
        a.
    rounded_covariance, rounded_correlation : tensor
        C and B in the dtype of the weights.
    """

    padded: PaddedExamples
    covariance: Tensor
    correlation: Tensor
    target_norm: Tensor
    rounded_covariance: Tensor
    rounded_correlation: Tensor


def moment_examples(
    padded: PaddedExamples, loss: SquaredLoss, *, output_count: int
) -> MomentExamples:
    """Take the moments of examples.

    Parameters
    ----------
    padded : PaddedExamples
        The examples.
    loss : SquaredLoss
        Gives the factors.
    output_count : int
        Number of outputs after filling up.

    Returns
    -------
    MomentExamples
        Bitwise the same for a set alone and among others.
    """
    covariance = _products(padded.columns, padded.columns)
    covariance *= _factor(padded, loss)
    correlation, norm = _target_moments(padded, loss, output_count)
    return MomentExamples(
        padded=padded,
        covariance=covariance,
        correlation=correlation,
        target_norm=norm,
        rounded_covariance=covariance.to(padded.columns.dtype),
        rounded_correlation=correlation.to(padded.columns.dtype),
    )


def moments_retargeted(
    examples: MomentExamples, targets: Tensor, loss: SquaredLoss
) -> MomentExamples:
    """Exchange the targets, (1 or run, example[, output]); see `Evaluation.retarget`."""
    padded = retargeted(examples.padded, targets)
    correlation, norm = _target_moments(padded, loss, examples.correlation.shape[1])
    return replace(
        examples,
        padded=padded,
        correlation=correlation,
        target_norm=norm,
        rounded_correlation=correlation.to(padded.columns.dtype),
    )


def moment_loss(product: Tensor, examples: MomentExamples) -> Tensor:
    """L of the linear maps of all runs.

    Parameters
    ----------
    product : (run, padded output, padded input) tensor
        P.
    examples : MomentExamples
        Moments.

    Returns
    -------
    (run,) float64 tensor
        In float64 throughout, so that what cancels near a fit does no harm.
    """
    doubled = product.double()
    covariance = examples.covariance.expand(len(doubled), -1, -1)
    slope = torch.bmm(doubled, covariance) - 2.0 * examples.correlation
    return 0.5 * ((slope * doubled).flatten(1).sum(dim=1) + examples.target_norm)


def _factor(padded: PaddedExamples, loss: SquaredLoss) -> float:
    original = padded.original
    return loss.curvature * loss.prefactor(original.total) * original.weight


def _target_moments(
    padded: PaddedExamples, loss: SquaredLoss, output_count: int
) -> tuple[Tensor, Tensor]:
    targets = padded.targets if padded.targets.dim() == 3 else padded.targets[:, :, None]
    sets, count, size = targets.shape
    answers = padded.columns.new_zeros((sets, output_count, count))
    answers[:, :size] = targets.transpose(1, 2)
    factor = _factor(padded, loss)
    paired = answers if sets > 1 else answers.expand(2, -1, -1)
    norm = paired.double().square().flatten(1).sum(dim=1)[:sets]
    return _products(answers, padded.columns) * factor, norm * factor


def _products(left: Tensor, right: Tensor) -> Tensor:
    """Σ_μ left_μ right_μᵀ of every set in float64; a lone set is computed as a pair."""
    sets = max(len(left), len(right))
    first, second = (
        each.expand(max(sets, 2), -1, -1) if len(each) == 1 else each for each in (left, right)
    )
    product = torch.empty(
        (len(first), left.shape[1], right.shape[1]), dtype=torch.float64, device=left.device
    )
    fitting = max(2, _CHUNK_NUMBERS // (right.shape[1] * right.shape[2]))
    for piece in pieces(len(first), fitting):
        columns = second[piece].double().transpose(1, 2)
        torch.bmm(first[piece].double(), columns, out=product[piece])
    return product[:sets]
