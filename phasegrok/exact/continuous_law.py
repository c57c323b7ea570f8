"""A density on the line, integrated to machine precision and drawn from by its inverse."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, final

import numpy as np

from phasegrok.exact.checking import FloatArray

__all__ = ["ContinuousLaw"]

NODES, WEIGHTS = np.polynomial.legendre.leggauss(8)
# Newton's method doubles the digits each time; the density is nearly linear within a cell.
NEWTON_STEPS = 6


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ContinuousLaw:
    """The law with density proportional to exp(-E(x)) on an interval.

    Parameters
    ----------
    exponent : callable
        E, vectorised, with its minimum near zero so that nothing overflows.
    edges : (edge,) array
        Cells within which E changes by a few units at most.
    cumulative : (edge,) array
        Integral of exp(-E) up to each edge.
    """

    exponent: Callable[[FloatArray], FloatArray]
    edges: FloatArray
    cumulative: FloatArray

    @classmethod
    def over(cls, exponent: Callable[[FloatArray], FloatArray], edges: FloatArray) -> Self:
        """Integrate a density over cells.

        Parameters
        ----------
        exponent : callable
            E of the density exp(-E).
        edges : (edge,) array
            Rising; nothing of weight lies outside.
        """
        masses = _integral(lambda x: np.exp(-exponent(x)), edges[:-1], edges[1:])
        cumulative = np.concatenate([[0.0], np.cumsum(masses)])
        return cls(exponent=exponent, edges=edges, cumulative=cumulative)

    @property
    def normalisation(self) -> float:
        """Integral of exp(-E)."""
        return float(self.cumulative[-1])

    def density(self, x: FloatArray) -> FloatArray:
        """Normalised density at each place."""
        return np.exp(-self.exponent(x)) / self.normalisation

    def expectation(self, function: Callable[[FloatArray], FloatArray]) -> float:
        """Mean of a function, vectorised, by quadrature.

        Parameters
        ----------
        function : callable
            Smooth within the cells.
        """
        masses = _integral(
            lambda x: function(x) * np.exp(-self.exponent(x)), self.edges[:-1], self.edges[1:]
        )
        return float(masses.sum() / self.normalisation)

    def distribution(self, x: FloatArray) -> FloatArray:
        """Probability of lying below each place."""
        inside = np.clip(x, self.edges[0], self.edges[-1])
        cell = np.clip(np.searchsorted(self.edges, inside) - 1, 0, len(self.edges) - 2)
        rest = _integral(lambda y: np.exp(-self.exponent(y)), self.edges[cell], inside)
        return (self.cumulative[cell] + rest) / self.normalisation

    def quantile(self, probability: FloatArray) -> FloatArray:
        """Place below which each probability lies.

        Parameters
        ----------
        probability : (...) array
            In [0, 1].

        Returns
        -------
        (...) array
            Exact to rounding of the probability.
        """
        mass = np.asarray(probability) * self.normalisation
        # From the left, so that the cell has mass even where rounding stops the sum.
        cell = np.searchsorted(self.cumulative, mass, side="left") - 1
        cell = np.clip(cell, 0, len(self.edges) - 2)
        lower, upper = self.edges[cell], self.edges[cell + 1]
        wanted = mass - self.cumulative[cell]
        share = wanted / (self.cumulative[cell + 1] - self.cumulative[cell])
        x = lower + np.clip(share, 0, 1) * (upper - lower)
        for _ in range(NEWTON_STEPS):
            excess = _integral(lambda y: np.exp(-self.exponent(y)), lower, x) - wanted
            x = np.clip(x - excess * np.exp(self.exponent(x)), lower, upper)
        return x


def _integral(
    function: Callable[[FloatArray], FloatArray], lower: FloatArray, upper: FloatArray
) -> FloatArray:
    middle, half = (lower + upper) / 2, (upper - lower) / 2
    total = np.zeros(np.shape(middle))
    for node, weight in zip(NODES, WEIGHTS, strict=True):
        total += weight * function(middle + node * half)
    return total * half
