"""Basins of the exact law of a deep linear network, and quadrature over each of them.

The coordinate is ln a, the logarithm of the product of the hidden layers' norms, in which the
law has one or two peaks. The density of the output m is no potential: with one neuron a layer
it diverges at m = 0 at every temperature.
"""

from typing import NamedTuple, final

import numpy as np

from phasegrok.exact.checking import FloatArray
from phasegrok.exact.deep_linear_hidden import hidden
from phasegrok.exact.deep_linear_law import DeepLinearNetwork, law_exponent

__all__ = ["BasinMeans", "basin_means", "turning_points"]

# exp(-45) of a peak is below double precision.
TAIL = 45.0
# Cells of this part of the local width take eight nodes for twelve digits.
CELL_WIDTH = 0.7
GRID_POINTS = 1000
NODES, WEIGHTS = np.polynomial.legendre.leggauss(8)
NEWTON_STEPS = 6


@final
class BasinMeans(NamedTuple):
    """Of each basin, (basin,) or (moment, basin): one, or the unlearned and the learned.

    The moments are ⟨m⟩, ⟨Q⟩, ⟨L⟩, ⟨m²⟩, ⟨Q²⟩ and ⟨m Q⟩ with Q = ½ Σ|W_l|² and the loss
    L = ½ (s - m)².
    """

    log_weight: FloatArray
    moments: FloatArray


def slope_and_curvature(
    network: DeepLinearNetwork, log_product: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """First and second derivative of -ln p with respect to ln a.

    Parameters
    ----------
    network : DeepLinearNetwork
        At one point of its controls.
    log_product : (...) array
        ln a.

    Returns
    -------
    tuple of (...) arrays
    """
    square = np.exp(2 * log_product)
    share = square / (square + network.weight_decay)
    spread = share * (1 - share)
    norms = hidden(network.hidden_count, network.scaled(log_product))
    force = network.target**2 / network.temperature
    slope = share - force * spread + norms.slope - network.width
    curvature = 2 * spread * (1 - force * (1 - 2 * share)) + norms.curvature
    return slope, curvature


def turning_points(network: DeepLinearNetwork) -> FloatArray:
    """Find the peaks of the density of ln a, and the valley between two.

    Parameters
    ----------
    network : DeepLinearNetwork
        At one point of its controls.

    Returns
    -------
    (1,) or (3,) array
        ln a of the only peak; or of the unlearned peak, the valley and the learned peak.
    """
    grid = _grid(network)
    slope, _ = slope_and_curvature(network, grid)
    found = np.flatnonzero((slope[:-1] < 0) != (slope[1:] < 0))
    low, high = grid[found], grid[found + 1]
    place = low - (high - low) * slope[found] / (slope[found + 1] - slope[found])
    for _ in range(NEWTON_STEPS):
        here, curvature = slope_and_curvature(network, place)
        place = np.clip(place - here / curvature, low, high)
    return place


def _grid(network: DeepLinearNetwork) -> FloatArray:
    """Places of ln a between which the density turns; to the left it rises, then falls."""
    k, decay = network.hidden_count, network.weight_decay
    shift = float(network.scaled(np.zeros(1))[0])
    # At most s²/4T is gained by learning per unit of ln a.
    steepest = network.width + network.target**2 / (4 * network.temperature)
    lower = min(-k - 6.0 - shift, np.log(decay) / 2 - 4.0)
    upper = k / 2 * np.log(1.5 * steepest + k + 50.0) - shift
    return np.linspace(lower, upper, GRID_POINTS)


def basin_means(network: DeepLinearNetwork, turns: FloatArray) -> BasinMeans:
    """Integrate over each basin.

    Parameters
    ----------
    network : DeepLinearNetwork
        At one point of its controls.
    turns : (1,) or (3,) array
        From `turning_points`.

    Returns
    -------
    BasinMeans
        Weights up to a common factor, moments to ten digits.
    """
    ends = _ends(network, turns)
    lowest = law_exponent(network, turns[::2])
    log_weight, moments = [], []
    for left, right, bottom in zip(ends[:-1], ends[1:], lowest, strict=True):
        place, measure = _nodes(network, left, right)
        mass = measure * np.exp(bottom - law_exponent(network, place))
        log_weight.append(np.log(mass.sum()) - bottom)
        moments.append(_moments(network, place) @ mass / mass.sum())
    return BasinMeans(np.array(log_weight), np.stack(moments, axis=1))


def _ends(network: DeepLinearNetwork, turns: FloatArray) -> FloatArray:
    """Ends of the basins, (basin + 1,)."""
    grid = _grid(network)
    exponent = law_exponent(network, grid)
    last = float(law_exponent(network, turns[-1:])[0])
    beyond = grid[(grid > turns[-1]) & (exponent > last + TAIL)]
    upper = beyond[0] if beyond.size else grid[-1]
    # The density falls as a^h towards small a, times a power of ln a.
    lower = turns[0] - TAIL * (1 + network.hidden_count / 8) / network.width - 1
    return np.array([lower, *turns[1:-1], upper])


def _nodes(
    network: DeepLinearNetwork, left: float, right: float
) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights of Gauss and Legendre in cells of the law's local width."""
    x = np.linspace(left, right, GRID_POINTS)
    square, k = np.exp(2 * x), network.hidden_count
    share = square / (square + network.weight_decay)
    learning = 2 * network.target**2 * share * (1 - share) / network.temperature
    norms = 2 * network.weight_decay * square ** (1 / k) / (k * network.temperature)
    density = np.sqrt(learning + norms + 0.1 * network.width) / CELL_WIDTH
    steps = (density[1:] + density[:-1]) / 2 * np.diff(x)
    count = np.concatenate([[0.0], np.cumsum(steps)])
    edges = np.interp(np.linspace(0.0, count[-1], int(count[-1]) + 2), count, x)
    middle, half = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
    place = (middle + half * NODES[:, None]).reshape(-1)
    return place, (half * WEIGHTS[:, None]).reshape(-1)


def _moments(network: DeepLinearNetwork, log_product: FloatArray) -> FloatArray:
    """Means of m, Q, L, m², Q² and m Q given a, (moment, place)."""
    a, k = np.exp(log_product), network.hidden_count
    last, variance = network.last_layer(a)
    norms = hidden(k, network.scaled(log_product))
    spread, free = network.temperature / network.weight_decay, network.free_count
    # Σ r² given a, from derivatives with respect to λ/2T of the law of ln a.
    square = k * spread * norms.slope
    noise = 2 * k * spread**2 * norms.slope - k**2 * spread**2 * norms.curvature
    norm = (square + last**2 + variance + free * spread) / 2
    noise = noise + 2 * variance**2 + 4 * last**2 * variance + 2 * free * spread**2
    output, second = a * last, a**2 * (last**2 + variance)
    loss = ((network.target - output) ** 2 + a**2 * variance) / 2
    cross = output * norm + a * last * variance
    return np.stack([output, norm, loss, second, norm**2 + noise / 4, cross])
