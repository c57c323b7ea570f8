"""The two-dimensional Ising model solved exactly: finite tori and the infinite lattice.

H = -Σ s_i s_j over nearest neighbours, k_B = 1, no field.

References
----------
Kaufman, Phys. Rev. 76, 1232 (1949); in the form of Ferdinand and Fisher, Phys. Rev. 185, 832
(1969); infinite lattice: Onsager, Phys. Rev. 65, 117 (1944); Yang, Phys. Rev. 85, 808 (1952).
"""

from math import asinh, pi
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ellipk

from phasegrok.errors import InvalidValueError
from phasegrok.exact.checking import FloatArray, whole_number

__all__ = [
    "ISING_CRITICAL_INVERSE_TEMPERATURE",
    "ising_energy",
    "ising_energy_of_the_infinite_lattice",
    "ising_log_partition_function",
    "ising_spontaneous_magnetization",
]

ISING_CRITICAL_INVERSE_TEMPERATURE = asinh(1.0) / 2
"""β_c = ½ ln(1 + √2), where sinh 2β = 1."""

# sinh 2β overflows not far above.
LARGEST_INVERSE_TEMPERATURE = 300.0


class _Modes(NamedTuple):
    """½ m γ_l and its derivative by β, (l,) each, for l = 0 ... 2n - 1; γ_0 has a sign."""

    half: FloatArray
    slope: FloatArray


def ising_energy(rows: int, columns: int, *, inverse_temperature: ArrayLike) -> FloatArray:
    """Mean energy per site of a torus, as Kaufman's partition function gives it.

    Parameters
    ----------
    rows, columns : int
        Sites along the two directions, at least 2. Where one is 2, neighbours along it have
        two bonds.
    inverse_temperature : array_like
        β, above zero and up to 300.

    Returns
    -------
    array
        ⟨H⟩/(n m) at every β, to some 13 digits, also at the critical point.

    Raises
    ------
    InvalidValueError
        For a size or a temperature without meaning.

    Examples
    --------
    >>> critical = ISING_CRITICAL_INVERSE_TEMPERATURE
    >>> print(f"{ising_energy(16, 16, inverse_temperature=critical):.6f}")
    -1.453065
    """
    sizes = _torus(rows, columns)
    beta = _inverse_temperature(inverse_temperature)
    values = [-_log_and_slope(*sizes, each)[1] for each in beta.reshape(-1).tolist()]
    return np.array(values).reshape(beta.shape) / (sizes[0] * sizes[1])


def ising_log_partition_function(
    rows: int, columns: int, *, inverse_temperature: ArrayLike
) -> FloatArray:
    """Logarithm of Kaufman's partition function of a torus.

    Parameters
    ----------
    rows, columns : int
        See `ising_energy`.
    inverse_temperature : array_like
        β, above zero and up to 300.

    Returns
    -------
    array
        ln Z at every β.

    Raises
    ------
    InvalidValueError
        See `ising_energy`.
    """
    sizes = _torus(rows, columns)
    beta = _inverse_temperature(inverse_temperature)
    values = [_log_and_slope(*sizes, each)[0] for each in beta.reshape(-1).tolist()]
    return np.array(values).reshape(beta.shape)


def ising_energy_of_the_infinite_lattice(inverse_temperature: ArrayLike) -> FloatArray:
    """Energy per site in the limit of large lattices, by Onsager's formula.

    Parameters
    ----------
    inverse_temperature : array_like
        β, above zero and up to 300.

    Returns
    -------
    array
        -coth 2β [1 + (2/π)(2 tanh² 2β - 1) K(k)] with k = 2 sinh 2β / cosh² 2β; -√2 at β_c.

    Raises
    ------
    InvalidValueError
        For a temperature without meaning.
    """
    beta = _inverse_temperature(inverse_temperature)
    tanh = np.tanh(2 * beta)
    # 1 - k² = (2 tanh² - 1)²; at β_c the product 0 · K(1) is 0 in the limit.
    factor = 2 * tanh**2 - 1
    modulus = np.minimum(1 - factor**2, np.nextafter(1.0, 0.0))
    energy: FloatArray = -(1 + (2 / pi) * factor * ellipk(modulus)) / tanh
    return energy


def ising_spontaneous_magnetization(inverse_temperature: ArrayLike) -> FloatArray:
    """Magnetization of the infinite lattice in a vanishing field, by Yang's formula.

    Parameters
    ----------
    inverse_temperature : array_like
        β, above zero and up to 300.

    Returns
    -------
    array
        (1 - sinh^(-4) 2β)^(1/8) above β_c, else 0.

    Raises
    ------
    InvalidValueError
        For a temperature without meaning.
    """
    beta = _inverse_temperature(inverse_temperature)
    excess = np.maximum(-np.expm1(-4 * np.log(np.sinh(2 * beta))), 0.0)
    magnetization: FloatArray = excess**0.125
    return magnetization


def _torus(rows: int, columns: int) -> tuple[int, int]:
    return (
        whole_number("rows", rows, minimum=2),
        whole_number("columns", columns, minimum=2),
    )


def _inverse_temperature(values: ArrayLike) -> FloatArray:
    beta = np.asarray(values, dtype=np.float64)
    if not ((beta > 0) & (beta <= LARGEST_INVERSE_TEMPERATURE)).all():
        raise InvalidValueError(
            "inverse_temperature must lie above 0 and not above "
            f"{LARGEST_INVERSE_TEMPERATURE:g}, received {values!r}."
        )
    return beta


def _modes(rows: int, columns: int, beta: float) -> _Modes:
    sinh, cosh = np.sinh(2 * beta), np.cosh(2 * beta)
    angle = pi * np.arange(2 * columns) / columns
    # cosh γ - 1 without cancellation: cosh 2β coth 2β - 2 = (1 - sinh)²/sinh.
    excess = (1 - sinh) * ((1 - sinh) / sinh) + 2 * np.sin(angle / 2) ** 2
    sinh_gamma = np.sqrt(excess) * np.sqrt(excess + 2)
    gamma = np.log1p(excess + sinh_gamma)
    slope = np.zeros(2 * columns)
    slope[1:] = 2 * cosh * (1 - sinh**-2.0) / sinh_gamma[1:]
    gamma[0], slope[0] = 2 * beta + np.log(np.tanh(beta)), 2 + 2 / sinh
    return _Modes(half=rows * gamma / 2, slope=rows * slope / 2)


def _log_and_slope(rows: int, columns: int, beta: float) -> tuple[float, float]:
    """Logarithm of Z and its derivative by β."""
    half, slope = _modes(rows, columns, beta)
    zero, zero_slope = half[0], slope[0]
    odd, even = _Modes(half[1::2], slope[1::2]), _Modes(half[2::2], slope[2::2])
    # 2 cosh x = e^x (1 + e^(-2x)): logarithms of products, and their derivatives.
    logs = [_log_cosh(odd), _log_sinh(odd), _log_cosh(even), _log_sinh(even)]
    slopes = [_cosh_slope(odd), _sinh_slope(odd), _cosh_slope(even), _sinh_slope(even)]
    # The mode l = 0 stands apart, since its sinh changes sign at β_c. e^|zero| is split off.
    decay = np.exp(-2 * abs(zero))
    cosh_zero, sinh_zero = 1 + decay, np.sign(zero) * (1 - decay)
    heights = np.array([logs[0], logs[1], logs[2] + abs(zero), logs[3] + abs(zero)])
    scale = np.exp(heights - heights.max())
    terms = scale * [1, 1, cosh_zero, sinh_zero]
    changes = scale * [
        slopes[0],
        slopes[1],
        cosh_zero * slopes[2] + zero_slope * sinh_zero,
        sinh_zero * slopes[3] + zero_slope * cosh_zero,
    ]
    sites = rows * columns
    log_prefactor = sites / 2 * (2 * beta + np.log(-np.expm1(-4 * beta))) - np.log(2)
    log = log_prefactor + heights.max() + np.log(terms.sum())
    return float(log), float(sites / np.tanh(2 * beta) + changes.sum() / terms.sum())


def _log_cosh(modes: _Modes) -> float:
    return float(np.sum(modes.half + np.log1p(np.exp(-2 * modes.half))))


def _log_sinh(modes: _Modes) -> float:
    return float(np.sum(modes.half + np.log(-np.expm1(-2 * modes.half))))


def _cosh_slope(modes: _Modes) -> float:
    return float(np.sum(modes.slope * np.tanh(modes.half)))


def _sinh_slope(modes: _Modes) -> float:
    return float(np.sum(modes.slope / np.tanh(modes.half)))
