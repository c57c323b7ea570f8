"""The transition of a deep linear network at temperature zero, in closed form."""

from dataclasses import dataclass
from typing import final

from phasegrok.errors import InvalidValueError
from phasegrok.exact.checking import whole_number
from phasegrok.exact.limits import moderate_positive

__all__ = ["DeepLinearTransition", "deep_linear_transition"]

LARGEST_LAYER_COUNT = 10**6
"""The state is that of the target less one part in as many."""


@final
@dataclass(frozen=True, kw_only=True)
class DeepLinearTransition:
    """Exact numbers of the limit T → 0 at fixed width, from the energy of equal layers.

    Parameters
    ----------
    weight_decay : float
        λ_c, above which the network that has learned nothing has the lower energy.
    jump : float
        Jump of the output m at λ_c, s (L - 2)/(L - 1): zero for two layers.
    spinodal_weight_decay : float
        λ at which the learned state ceases to be a minimum; the unlearned one always is one
        for three layers and more. Equal to λ_c for two.
    """

    weight_decay: float
    jump: float
    spinodal_weight_decay: float


def deep_linear_transition(*, layer_count: int, target: float = 1.0) -> DeepLinearTransition:
    """Evaluate the transition of a deep linear network at temperature zero.

    With every layer carrying b the energy is ½ (s - b^L)² + (L/2) λ b². It is stationary at
    b = 0 and where b^(2L-2) - s b^(L-2) + λ = 0, which vanishes doubly at the spinodal, and
    equals s²/2 at λ_c [1]_.

    Parameters
    ----------
    layer_count : int
        L, at least 2.
    target : float
        s, above zero.

    Returns
    -------
    DeepLinearTransition
        For three layers and s = 1: λ_c = 0.39685, a jump of ½, and 0.47247.

    Raises
    ------
    InvalidValueError
        For numbers without meaning.

    References
    ----------
    .. [1] Ziyin and Ueda, arXiv:2205.12510.
    """
    layers = whole_number("layer_count", layer_count, minimum=2)
    if layers > LARGEST_LAYER_COUNT:
        raise InvalidValueError(
            f"layer_count must be at most {LARGEST_LAYER_COUNT}, received {layers:.3g}; the "
            "learned state and the target cannot be told apart beyond."
        )
    aim = moderate_positive("target", target)
    product = aim * (layers - 2) / (layers - 1)
    last_product = aim * (layers - 2) / (2 * layers - 2)
    return DeepLinearTransition(
        weight_decay=_balancing(layers, aim, product),
        jump=product,
        spinodal_weight_decay=_balancing(layers, aim, last_product),
    )


def _balancing(layer_count: int, target: float, product: float) -> float:
    """λ at which the energy is stationary where all layers together make the product."""
    share: float = product ** ((layer_count - 2) / layer_count)
    return share * (target - product)
