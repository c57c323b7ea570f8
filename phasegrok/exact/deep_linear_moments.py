"""Means of a deep linear network by quadrature over its layers' norms.

The quadrature shares nothing with the draws but the energy: it runs over every r_l on
Gauss-Legendre nodes, where the draws know of the product a and of Bessel functions.
"""

from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
from scipy.special import ndtr

from phasegrok.exact.checking import FloatArray, finite_number, require_memory
from phasegrok.exact.deep_linear_law import DeepLinearNetwork

__all__ = [
    "DeepLinearMoments",
    "deep_linear_learned_weight",
    "deep_linear_moments",
]

TAIL = 45.0
# Nodes per bound on the narrowest width of the density; half of it gives ten digits.
NODES_PER_WIDTH = 1


@final
@dataclass(frozen=True, kw_only=True)
class DeepLinearMoments:
    """Exact means of the output m and of S = ½ Σ_l |W_l|² in equilibrium.

    Parameters
    ----------
    order_parameter, half_square_norm : float
        ⟨m⟩ and ⟨S⟩.
    order_parameter_variance, half_square_norm_variance : float
        Var(m) and Var(S).
    covariance : float
        Cov(m, S); -Cov(m, S)/T is d⟨m⟩/dλ.
    """

    order_parameter: float
    half_square_norm: float
    order_parameter_variance: float
    half_square_norm_variance: float
    covariance: float


def deep_linear_moments(
    *,
    layer_count: int,
    width: int,
    temperature: float,
    weight_decay: float,
    target: float = 1.0,
) -> DeepLinearMoments:
    """Integrate the stationary law of `deep_linear`.

    Parameters
    ----------
    layer_count : int
        L, 2 to 30; more than four layers fill the memory at most temperatures.
    width : int
        h, neurons of every hidden layer.
    temperature, weight_decay, target : float
        T, λ and s.

    Returns
    -------
    DeepLinearMoments
        To ten digits.

    Raises
    ------
    InvalidValueError
        For numbers without meaning, or a temperature so low that the nodes fill the memory.
    """
    network = DeepLinearNetwork.checked(
        layer_count=layer_count,
        width=width,
        temperature=temperature,
        weight_decay=weight_decay,
        target=target,
    )
    weight, product, square = _nodes(network)
    last, variance = network.last_layer(product)
    spread = network.temperature / network.weight_decay
    # Given the norms: m = a w, and S = ½ (Σ r² + w² + a sum of free squares).
    output = product * last
    half_norm = (square + last**2 + variance + network.free_count * spread) / 2
    free = network.free_count * spread**2 / 2
    given_norm = variance**2 / 2 + last**2 * variance + free
    mean_output, mean_norm = float(weight @ output), float(weight @ half_norm)
    output, half_norm = output - mean_output, half_norm - mean_norm
    return DeepLinearMoments(
        order_parameter=mean_output,
        half_square_norm=mean_norm,
        order_parameter_variance=float(weight @ (output**2 + product**2 * variance)),
        half_square_norm_variance=float(weight @ (half_norm**2 + given_norm)),
        covariance=float(weight @ (output * half_norm + product * last * variance)),
    )


def deep_linear_learned_weight(
    *,
    layer_count: int,
    width: int,
    temperature: float,
    weight_decay: float,
    target: float = 1.0,
    cut: float,
) -> float:
    """Probability that the output lies above a cut between the basins.

    Parameters
    ----------
    layer_count : int
        L, 2 to 30; more than four layers fill the memory at most temperatures.
    width : int
        h, neurons of every hidden layer.
    temperature, weight_decay, target : float
        T, λ and s.
    cut : float
        Value of m.

    Returns
    -------
    float
        Where the basins are far apart it depends on the cut by no more than what lies between.

    Raises
    ------
    InvalidValueError
        As `deep_linear_moments`.
    """
    network = DeepLinearNetwork.checked(
        layer_count=layer_count,
        width=width,
        temperature=temperature,
        weight_decay=weight_decay,
        target=target,
    )
    place = finite_number("cut", cut)
    weight, product, _ = _nodes(network)
    last, variance = network.last_layer(product)
    with np.errstate(over="ignore"):  # A cut that is far away is at infinity.
        away = (product * last - place) / (product * np.sqrt(variance))
    return float(weight @ ndtr(away))


class _Nodes(NamedTuple):
    weight: FloatArray  # (node,) of sum one
    product: FloatArray  # (node,) a
    square: FloatArray  # (node,) Σ r_l²


def _nodes(network: DeepLinearNetwork) -> _Nodes:
    """Weights of the stationary law at every combination of norms."""
    heat, decay, hidden = network.temperature, network.weight_decay, network.hidden_count
    norm, measure = _norms(network)
    product, square, log_weight = np.ones(1), np.zeros(1), np.zeros(1)
    each = np.log(measure) + (network.width - 1) * np.log(norm) - decay * norm**2 / (2 * heat)
    for _ in range(hidden):
        product = np.outer(product, norm).reshape(-1)
        square = np.add.outer(square, norm**2).reshape(-1)
        log_weight = np.add.outer(log_weight, each).reshape(-1)
    log_weight -= network.integrated_exponent(product)
    weight = np.exp(log_weight - log_weight.max())
    return _Nodes(weight / weight.sum(), product, square)


def _norms(network: DeepLinearNetwork) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights of Gauss and Legendre for one norm."""
    heat, decay = network.temperature, network.weight_decay
    # At most s²/2T is gained by learning, and r^(h-1) gains less than half of the decay costs
    # beyond this norm.
    gain = network.target**2 + 2 * heat * (TAIL + 4 * network.width * network.hidden_count)
    reach = np.sqrt(gain / decay)
    curvature = decay + 2 * network.target**2 * max(1.0, reach) ** 2 / decay
    asked = NODES_PER_WIDTH * reach * np.sqrt(curvature / heat)
    # The nodes themselves are the eigenvalues of a matrix.
    byte_count = 80.0 * (min(asked, 1e100) + 32) ** max(network.hidden_count, 2)
    require_memory(f"the quadrature with {asked + 32:.4g} nodes a layer", byte_count)
    count = int(asked) + 32
    node, measure = np.polynomial.legendre.leggauss(count)
    return reach * (node + 1) / 2, reach * measure / 2
