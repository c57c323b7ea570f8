"""The exact stationary law of a deep linear network with one input and one output.

With r_l the norm of what layer l < L adds to the signal and a = Π r_l, the last layer's
component w along the signal makes the output m = a w. Of

    U = ½ (s - m)² + (λ/2) Σ_l |W_l|²

at temperature T, w is Gaussian given a, and all components of no effect are free Gaussians.
What is left is p(r) ∝ Π r_l^(h-1) (a² + λ)^(-1/2) exp(-[λ Σ r_l² + s² λ/(a² + λ)]/2T). The
model is that of Ziyin and Ueda, arXiv:2205.12510; its law follows by integrating out.
"""

from dataclasses import dataclass
from typing import Self, final

import numpy as np

from phasegrok.errors import InvalidValueError
from phasegrok.exact.checking import FloatArray, require_memory, whole_number
from phasegrok.exact.continuous_law import ContinuousLaw
from phasegrok.exact.deep_linear_hidden import hidden
from phasegrok.exact.limits import moderate_positive

__all__ = ["DeepLinearNetwork", "deep_linear_law", "law_exponent"]

# The law of the product of more norms has not been checked.
LARGEST_LAYER_COUNT = 30
# exp(-45) = 3e-20: what lies beyond is below double precision.
TAIL = 45.0
# Cells of this part of the local width of the density, hence nearly log-linear within.
CELL_WIDTH = 0.05
GRID_POINTS = 4001
# What integrating over one of them takes.
CELL_BYTES = 200.0
# The exponent then keeps eight digits behind the point.
LARGEST_STIFFNESS = 1e8


@final
@dataclass(frozen=True, kw_only=True)
class DeepLinearNetwork:
    """A network at one point of its controls.

    Parameters
    ----------
    layer_count : int
        L, 2 to 30.
    width : int
        h, neurons of every hidden layer.
    temperature : float
        T.
    weight_decay : float
        λ, the same for all layers.
    target : float
        s, what the output is to be at the input 1.
    """

    layer_count: int
    width: int
    temperature: float
    weight_decay: float
    target: float

    @classmethod
    def checked(
        cls,
        *,
        layer_count: int,
        width: int,
        temperature: float,
        weight_decay: float,
        target: float,
    ) -> Self:
        """Take numbers that have a meaning, or refuse them with `InvalidValueError`."""
        layers = whole_number("layer_count", layer_count, minimum=2)
        if layers > LARGEST_LAYER_COUNT:
            raise InvalidValueError(
                f"layer_count must be 2 to {LARGEST_LAYER_COUNT}, received {layers:.3g}; "
                "sample a deeper network by its dynamics."
            )
        neurons = whole_number("width", width, minimum=1)
        if neurons > LARGEST_STIFFNESS:
            raise InvalidValueError(
                f"width must not exceed {LARGEST_STIFFNESS:.0e}, received {neurons:.3g}; the "
                "law is then a point."
            )
        heat = moderate_positive("temperature", temperature)
        aim = moderate_positive("target", target)
        if aim**2 / heat > LARGEST_STIFFNESS:
            raise InvalidValueError(
                f"the square of the target over the temperature must not exceed "
                f"{LARGEST_STIFFNESS:.0e}, received {aim:g}² over {heat:g}; the law is then a "
                "point."
            )
        return cls(
            layer_count=layers,
            width=neurons,
            temperature=heat,
            weight_decay=moderate_positive("weight_decay", weight_decay),
            target=aim,
        )

    @property
    def hidden_count(self) -> int:
        """Number of hidden layers, L - 1."""
        return self.layer_count - 1

    @property
    def free_count(self) -> int:
        """Number of weights without effect on the output.

        h - 1 of the last layer and h (h - 1) of each matrix between hidden layers.
        """
        return (self.width - 1) * (1 + (self.layer_count - 2) * self.width)

    def scaled(self, log_product: FloatArray) -> FloatArray:
        """Logarithm ξ of the product in units in which each norm has the weight exp(-r²)."""
        heat, decay = self.temperature, self.weight_decay
        result: FloatArray = log_product + self.hidden_count / 2 * np.log(decay / (2 * heat))
        return result

    def last_layer(self, product: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and variance of w given a, each of the shape of a."""
        stiffness = product**2 + self.weight_decay
        return self.target * product / stiffness, self.temperature / stiffness

    def integrated_exponent(self, product: FloatArray) -> FloatArray:
        """What integrating w out leaves, ½ ln(a² + λ) + s² λ/[2T (a² + λ)]."""
        stiffness = product**2 + self.weight_decay
        error = self.target**2 * self.weight_decay / stiffness
        result: FloatArray = np.log(stiffness) / 2 + error / (2 * self.temperature)
        return result


def deep_linear_law(
    *,
    layer_count: int,
    width: int,
    temperature: float,
    weight_decay: float,
    target: float = 1.0,
) -> ContinuousLaw:
    """Exact law of ln a, the logarithm of the product of the hidden layers' norms.

    With z = λ a/T and x = ln a: p(x) ∝ a^h H(a) (a² + λ)^(-1/2) e^(-s² λ/[2T (a² + λ)]),
    where H is e^(-λa²/2T) for two layers, K₀(z), a Bessel function, for three and `hidden` for
    more.

    Parameters
    ----------
    layer_count : int
        L, 2 to 30.
    width : int
        h, neurons of every hidden layer.
    temperature, weight_decay, target : float
        T, λ and s.

    Returns
    -------
    ContinuousLaw
        Density, distribution function, its inverse and means.

    Raises
    ------
    InvalidValueError
        For numbers without meaning, or a temperature at which the law is a point.
    """
    network = DeepLinearNetwork.checked(
        layer_count=layer_count,
        width=width,
        temperature=temperature,
        weight_decay=weight_decay,
        target=target,
    )
    edges = _edges(network)
    above = law_exponent(network, edges)
    bottom = float(above.min())
    inside = np.flatnonzero(above < bottom + TAIL)
    kept = edges[max(inside[0] - 1, 0) : inside[-1] + 2]
    return ContinuousLaw.over(lambda x: law_exponent(network, x) - bottom, kept)


def law_exponent(network: DeepLinearNetwork, log_product: FloatArray) -> FloatArray:
    """Evaluate -ln p(ln a), up to a constant.

    Parameters
    ----------
    network : DeepLinearNetwork
        At one point of its controls.
    log_product : (...) array
        ln a.

    Returns
    -------
    (...) array
    """
    norms = hidden(network.hidden_count, network.scaled(log_product))
    learning = network.integrated_exponent(np.exp(log_product))
    return learning + norms.exponent - network.width * log_product


def _edges(network: DeepLinearNetwork) -> FloatArray:
    """Edges of cells that are a given part of the density's local width."""
    x = _log_products(network)
    product, heat, decay = np.exp(x), network.temperature, network.weight_decay
    forgotten = decay / (product**2 + decay)
    # Bounds of the second derivatives of what the exponent consists of.
    learning = 2 * network.target**2 * forgotten * (1 - forgotten) / heat
    hidden = 2 * decay * product ** (2 / network.hidden_count) / (network.hidden_count * heat)
    density = np.sqrt(learning + hidden + 0.1 * network.width) / CELL_WIDTH
    steps = (density[1:] + density[:-1]) / 2 * np.diff(x)
    count = np.concatenate([[0.0], np.cumsum(steps)])
    require_memory("the cells of the law", CELL_BYTES * float(count[-1]))
    return np.interp(np.linspace(0.0, count[-1], int(count[-1]) + 2), count, x)


def _log_products(network: DeepLinearNetwork) -> FloatArray:
    """Grid of ln a beyond which nothing of weight lies, too coarse to integrate on."""
    heat, decay, hidden = network.temperature, network.weight_decay, network.hidden_count
    lower = np.log(heat / decay) / 2 - 4 * TAIL / (network.width * hidden)
    upper = np.log((network.target**2 + network.width * heat) / decay) / 2 + 3
    log_norm = np.linspace(lower, max(upper, lower + 1), GRID_POINTS)
    # The exponent where all hidden layers are alike, which is near the true one. Too coarse
    # a grid overlooks its lowest place and so keeps too much, never too little.
    alike = (
        network.integrated_exponent(np.exp(hidden * log_norm))
        + hidden * decay * np.exp(2 * log_norm) / (2 * heat)
        - network.width * hidden * log_norm
    )
    inside = np.flatnonzero(alike < alike.min() + 2 * TAIL)
    kept = log_norm[[max(inside[0] - 1, 0), min(inside[-1] + 1, GRID_POINTS - 1)]]
    return np.linspace(hidden * kept[0], hidden * kept[1], GRID_POINTS)
