"""A bias that holds a run near a value of an order parameter."""

from dataclasses import dataclass
from typing import final

from phasegrok.study.checks import require_non_negative, require_number

__all__ = ["Umbrella"]


@final
@dataclass(frozen=True, kw_only=True)
class Umbrella:
    """The extra energy ½ κ (Q - Q₀)² of Q = Σ_l ½|θ_l|², conjugate to the weight decay.

    Runs whose centers lie side by side sample what lies between two phases; their weights
    are known, so all of them together give the law without the bias (Torrie and Valleau,
    J. Comput. Phys. 23, 187, 1977). `umbrella.center` and `umbrella.strength` may be
    controls of the plan, and `umbrella.center` that of an exchange ladder.

    Parameters
    ----------
    center : float
        Q₀.
    strength : float
        κ; 0 for no bias.
    """

    center: float
    strength: float

    def __post_init__(self) -> None:
        """Refuse numbers without meaning.

        Raises
        ------
        InvalidStudyError
            For a center that is no finite number, or a negative strength.
        """
        center = require_number("center of the umbrella", self.center)
        strength = require_non_negative("strength of the umbrella", self.strength)
        object.__setattr__(self, "center", center)
        object.__setattr__(self, "strength", strength)
