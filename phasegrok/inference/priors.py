"""Named parameters: what each means, how it is made unbounded, what is believed beforehand."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from scipy.special import expit, logit, ndtr, ndtri

from phasegrok.errors import InvalidValueError
from phasegrok.statistics.samples import FloatArray

__all__ = [
    "IDENTITY",
    "INTERVAL",
    "LOGARITHM",
    "LOGIT",
    "Parameter",
    "ParameterSpace",
    "Transform",
    "uniform",
]


@final
@dataclass(frozen=True, kw_only=True)
class Transform:
    """A smooth increasing map from the whole line onto the range of a parameter.

    Parameters
    ----------
    name : str
        Name of the map that takes the parameter to the line.
    forward, inverse : callable
        From the line to the parameter, and back; element by element.
    """

    name: str
    forward: Callable[[FloatArray], FloatArray]
    inverse: Callable[[FloatArray], FloatArray]


def _same(values: FloatArray) -> FloatArray:
    return values


IDENTITY: Final = Transform(name="identity", forward=_same, inverse=_same)
"""For a parameter that may take any value."""

LOGARITHM: Final = Transform(name="logarithm", forward=np.exp, inverse=np.log)
"""For a positive scale."""

LOGIT: Final = Transform(name="logit", forward=expit, inverse=logit)
"""For a weight between 0 and 1."""

INTERVAL: Final = Transform(name="interval", forward=ndtr, inverse=ndtri)
"""For a uniform law on (0, 1): the standard normal law becomes exactly that."""


@final
@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter: normal beforehand on the line that its transform maps from.

    The sampler moves z, of standard normal prior; the parameter is
    forward(centre + spread z), then scaled and shifted.

    Parameters
    ----------
    name : str
        Name of the variable in results.
    meaning : str
        One phrase for a person.
    transform : Transform
        How the line maps onto the parameter's range.
    centre, spread : float
        Mean and standard deviation of the prior on the line.
    shift, scale : float
        Affine map applied last; for intervals other than (0, 1).

    Raises
    ------
    InvalidValueError
        Where spread or scale is not positive.
    """

    name: str
    meaning: str
    transform: Transform = IDENTITY
    centre: float = 0.0
    spread: float = 1.0
    shift: float = 0.0
    scale: float = 1.0

    def __post_init__(self) -> None:
        for name, value in (("spread", self.spread), ("scale", self.scale)):
            if not (np.isfinite(value) and value > 0):
                message = (
                    f"{name} of the prior of {self.name!r} must be positive and finite, "
                    f"received {value}; give the width that you believe in."
                )
                raise InvalidValueError(message)

    def value(self, standard: FloatArray) -> FloatArray:
        """Map standard normal coordinates to the parameter, element by element."""
        line = self.centre + self.spread * standard
        mapped: FloatArray = self.shift + self.scale * self.transform.forward(line)
        return mapped

    def standard(self, value: FloatArray) -> FloatArray:
        """Map values of the parameter back to standard normal coordinates."""
        line = self.transform.inverse((np.asarray(value) - self.shift) / self.scale)
        return (line - self.centre) / self.spread


def uniform(name: str, low: float, high: float, *, meaning: str) -> Parameter:
    """Describe a parameter that is uniform beforehand between two bounds.

    Parameters
    ----------
    name : str
        Name of the variable in results.
    low, high : float
        Bounds, low < high.
    meaning : str
        One phrase for a person.

    Returns
    -------
    Parameter
        With the `INTERVAL` transform.

    Raises
    ------
    InvalidValueError
        Where low is not below high.
    """
    return Parameter(
        name=name, meaning=meaning, transform=INTERVAL, shift=low, scale=high - low
    )


@final
@dataclass(frozen=True)
class ParameterSpace:
    """The parameters of one model, with their joint prior.

    Parameters
    ----------
    parameters : tuple of Parameter
        Independent beforehand, in the order of the coordinates of the sampler.

    Raises
    ------
    InvalidValueError
        Where there is none, or two share a name.
    """

    parameters: tuple[Parameter, ...]

    def __post_init__(self) -> None:
        if not self.parameters:
            message = "a model needs at least one parameter, received none; add one."
            raise InvalidValueError(message)
        repeated = sorted({name for name in self.names if self.names.count(name) > 1})
        if repeated:
            message = f"parameter names must differ, received {repeated} twice; rename one."
            raise InvalidValueError(message)

    @property
    def names(self) -> tuple[str, ...]:
        """Names in the order of the coordinates."""
        return tuple(parameter.name for parameter in self.parameters)

    @property
    def size(self) -> int:
        """Number of coordinates."""
        return len(self.parameters)

    def values(self, standard: FloatArray) -> dict[str, FloatArray]:
        """Map standard coordinates (..., parameter) to named values (...)."""
        return {
            parameter.name: parameter.value(standard[..., index])
            for index, parameter in enumerate(self.parameters)
        }

    def log_prior(self, standard: FloatArray) -> FloatArray:
        """Return the log density (...) of standard coordinates (..., parameter)."""
        constant = 0.5 * self.size * np.log(2.0 * np.pi)
        density: FloatArray = -0.5 * np.sum(standard**2, axis=-1) - constant
        return density

    def draw(self, count: int, generator: np.random.Generator) -> FloatArray:
        """Draw standard coordinates (draw, parameter) from the prior."""
        return generator.standard_normal((count, self.size))
