"""The answers that a verdict may give."""

from typing import Final

__all__ = [
    "ANSWERS",
    "CONTINUOUS",
    "CROSSOVER",
    "FIRST_ORDER",
    "NAMED",
    "NO_LATENT_HEAT",
    "UNDETERMINED",
]

FIRST_ORDER: Final = "first-order"
"""Two phases coexist at the transition; the order parameter jumps."""

CONTINUOUS: Final = "continuous"
"""Critical; or first-order with a correlation volume beyond the largest size."""

CROSSOVER: Final = "crossover"
"""No transition: sharpening stops with size."""

UNDETERMINED: Final = "undetermined"
"""The data do not tell."""

NAMED: Final = (FIRST_ORDER, CONTINUOUS, CROSSOVER)
"""What can be said of a transition."""

ANSWERS: Final = (*NAMED, UNDETERMINED)

NO_LATENT_HEAT: Final = "no latent heat"
"""What an energy can say beside first-order: with a logarithm or a small exponent it does not
tell a continuous transition from a crossover."""
