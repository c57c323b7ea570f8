"""A bias that holds each run near a value of Q = ½|θ|²."""

from collections.abc import Sequence
from typing import final

from torch import Tensor

__all__ = ["UmbrellaBias"]


@final
class UmbrellaBias:
    """The energy ½ κ (Q - Q₀)² of every run: a weight decay κ (Q - Q₀) that follows its state.

    Parameters
    ----------
    center, strength : (run,) float64 tensors
        Q₀ and κ.
    """

    def __init__(self, center: Tensor, strength: Tensor) -> None:
        self.center = center
        self.strength = strength

    def energy(self, half_square_norm: Tensor) -> Tensor:
        """Bias at Q, (run,) float64."""
        return 0.5 * self.strength * (half_square_norm - self.center).square()

    def decay(self, weights: Tensor) -> Tensor:
        """κ (Q - Q₀) at weights (run, row), (run,) float64."""
        norms = 0.5 * weights.double().square().sum(dim=1)
        return self.strength * (norms - self.center)

    def select(self, rows: Sequence[int]) -> None:
        """Keep some runs."""
        self.center = self.center[list(rows)]
        self.strength = self.strength[list(rows)]
