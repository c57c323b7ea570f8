"""Probabilities of finitely many outcomes, with what an outcome is worth."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self, final

import numpy as np
import numpy.typing as npt

from phasegrok.errors import InvalidValueError, did_you_mean
from phasegrok.exact.checking import FloatArray

__all__ = ["DiscreteLaw", "Marginal"]


class Marginal(NamedTuple):
    """The law of one quantity."""

    value: FloatArray
    """(value,) in rising order, each once."""
    probability: FloatArray
    """(value,) summing to one."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class DiscreteLaw:
    """An exact law: every mean follows from a sum.

    Parameters
    ----------
    probability : (outcome,) array
        Sums to one.
    values : mapping
        Name of a quantity to its (outcome,) array.
    """

    probability: FloatArray
    values: Mapping[str, FloatArray]

    @classmethod
    def of_log_weights(cls, log_weight: FloatArray, values: Mapping[str, FloatArray]) -> Self:
        """Normalise weights that may be too large or too small for a float.

        Parameters
        ----------
        log_weight : (outcome,) array
            Logarithms of the weights.
        values : mapping
            Quantities by name.
        """
        weight = np.exp(log_weight - log_weight.max())
        return cls(probability=weight / weight.sum(), values=values)

    def mean(self, name: str, *, power: int = 1) -> float:
        """Mean of a power of a quantity.

        Parameters
        ----------
        name : str
            Quantity.
        power : int
            Exponent.

        Raises
        ------
        InvalidValueError
            If there is no such quantity.
        """
        return float(self.probability @ self._value(name) ** power)

    def variance(self, name: str) -> float:
        """Variance of a quantity.

        Parameters
        ----------
        name : str
            Quantity.

        Raises
        ------
        InvalidValueError
            If there is no such quantity.
        """
        deviation = self._value(name) - self.mean(name)
        return float(self.probability @ deviation**2)

    def marginal(self, name: str) -> Marginal:
        """Law of one quantity; outcomes of equal value are joined.

        Parameters
        ----------
        name : str
            Quantity.

        Raises
        ------
        InvalidValueError
            If there is no such quantity.
        """
        values, index = np.unique(self._value(name), return_inverse=True)
        probability = np.zeros(len(values))
        np.add.at(probability, index.reshape(-1), self.probability)
        return Marginal(values, probability)

    def outcomes(self, count: int, generator: np.random.Generator) -> npt.NDArray[np.intp]:
        """Draw outcomes independently by the inverse of the distribution function.

        Parameters
        ----------
        count : int
            Number of draws.
        generator : Generator
            It advances by one number per draw.

        Returns
        -------
        (draw,) integer array
            Index of each outcome.
        """
        distribution = np.cumsum(self.probability)
        drawn = generator.random(count) * distribution[-1]
        index: npt.NDArray[np.intp] = np.searchsorted(distribution, drawn, side="right")
        return index

    def _value(self, name: str) -> FloatArray:
        if name not in self.values:
            raise InvalidValueError(
                f"the law has no quantity {name!r}." + did_you_mean(name, self.values)
            )
        return self.values[name]
