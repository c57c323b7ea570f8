"""How the product of several layers' norms is distributed, whatever their number.

For k norms e^u with the weight exp(-Σ e^(2u)) each per unit of u, the density of ξ = Σ u is

    G(ξ) = (1/2π) ∫ dω e^(-sξ) [½ Γ(s/2)]^k,   s = σ + iω,

by Mellin's inversion [1]_: exp(-e^(2ξ)) for k = 1, the Bessel function K₀(2 e^ξ) for k = 2. The
line of integration passes the saddle, or lies left of the pole at s = 0, whose residue is a
polynomial in ξ; the trapezoidal rule then converges exponentially.

References
----------
.. [1] Springer and Thompson, SIAM J. Appl. Math. 18, 721 (1970).
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.interpolate import BSpline, make_interp_spline
from scipy.special import k0e, k1e, loggamma, polygamma, psi, zeta

from phasegrok.exact.checking import FloatArray

__all__ = ["Hidden", "hidden"]

# Spacing in ξ of a table that is interpolated by polynomials of degree five.
SPACING = 0.05
# The remainder beside the residue is then exp(-42).
LOWEST = -42.0
# Size of exp(-2ξ/k) at the upper end, from where its powers to the third are enough.
SMALLEST = 3e-4
NODES = np.arange(1, 400)


class Hidden(NamedTuple):
    """-ln G and its first two derivatives, each of the shape of ξ."""

    exponent: FloatArray
    slope: FloatArray
    curvature: FloatArray


def hidden(count: int, place: FloatArray) -> Hidden:
    """Evaluate E = -ln G(ξ), E' and E''.

    Parameters
    ----------
    count : int
        k, number of norms.
    place : (...) array
        ξ.

    Returns
    -------
    Hidden
        To ten digits of G, and eight of the derivatives.
    """
    xi = np.asarray(place, dtype=np.float64)
    if count == 1:
        square = np.exp(2 * xi)
        return Hidden(square, 2 * square, 4 * square)
    if count == 2:
        z = 2 * np.exp(xi)
        slope = z * k1e(z) / k0e(z)
        return Hidden(z - np.log(k0e(z)), slope, (slope - z) * (slope + z))
    table = _table(count)
    growth = count * np.exp(2 * xi / count)
    rest = [each(np.clip(xi, LOWEST, table.upper)) for each in table.splines]
    below, above = xi < LOWEST, xi > table.upper
    powers = [(2 / count) ** order * growth for order in range(3)]
    if below.any():
        for part, power, values in zip(rest, powers, _residue(count, xi[below]), strict=True):
            part[below] = power[below] + values
    if above.any():
        for part, values in zip(rest, table.beyond(xi[above]), strict=True):
            part[above] = values
    return Hidden(*(power - part for power, part in zip(powers, rest, strict=True)))


class _Table(NamedTuple):
    """ln G + k e^(2ξ/k) and derivatives, smooth at all ξ."""

    norm_count: int
    splines: tuple[BSpline, BSpline, BSpline]
    upper: float
    coefficients: FloatArray  # of the powers of exp(-2ξ/k)

    def beyond(self, xi: FloatArray) -> list[FloatArray]:
        """Values and derivatives at large ξ, by an asymptotic series."""
        k, small = self.norm_count, np.exp(-2 * xi / self.norm_count)
        constant = (k - 1) * np.log(np.pi / 2) / 2 - np.log(k) / 2
        smooth = [constant - (k - 1) * xi / k, np.full(xi.shape, -(k - 1) / k), 0.0 * xi]
        for order in range(3):
            for power, coefficient in enumerate(self.coefficients, start=1):
                factor = (-2 * power / k) ** order
                smooth[order] = smooth[order] + coefficient * factor * small**power
        return smooth


@lru_cache(maxsize=32)
def _table(count: int) -> _Table:
    upper = -count / 2 * np.log(SMALLEST)
    number = int(np.ceil((upper - LOWEST) / SPACING))
    xi = np.linspace(LOWEST, upper, number + 1)
    left = xi < -count
    values = np.empty(xi.shape)
    # Both residue and remainder are of moderate size there.
    values[left] = np.log(np.exp(_residue(count, xi[left])[0]) + _line(count, xi[left]))
    values[~left] = _saddle(count, xi[~left])
    smooth = values + count * np.exp(2 * xi / count)
    spline = make_interp_spline(xi, smooth, k=5)
    splines = (spline, spline.derivative(1), spline.derivative(2))
    first = -(count**2 - 1) / (24 * count)
    bare = _Table(count, splines, upper, np.array([first]))
    at = np.array([upper - count / 2, upper])
    small = np.exp(-2 * at / count)
    excess = spline(at) - bare.beyond(at)[0]
    rest = np.linalg.solve(np.stack([small**2, small**3], axis=1), excess)
    return bare._replace(coefficients=np.array([first, *rest]))


def _saddle(count: int, xi: FloatArray) -> FloatArray:
    """Ln G by the line through the saddle, ξ = (k/2) ψ(σ/2)."""
    target = 2 * xi / count
    half = np.where(target > -2.2, np.exp(target) + 0.5, -1 / (target - psi(1.0)))
    for _ in range(60):
        half = np.maximum(half - (psi(half) - target) / polygamma(1, half), half / 4)
    width = np.sqrt(4 / (count * polygamma(1, half)))
    peak = count * loggamma(half).real
    total = np.ones(xi.shape)
    for node in NODES / 4:
        s = half + 0.5j * node * width
        phase = count * loggamma(s) - peak - 1j * node * width * xi
        total += 2 * np.exp(phase).real
    height = peak - count * np.log(2) - 2 * half * xi
    result: FloatArray = height + np.log(total * width / 4 / (2 * np.pi))
    return result


def _line(count: int, xi: FloatArray) -> FloatArray:
    """What is left beside the residue, by the line through s = -1."""
    step = 0.12
    omega = step * np.concatenate([[0], NODES])
    weight = np.where(omega == 0, 1.0, 2.0) * step / (2 * np.pi)
    gamma = count * (loggamma(-0.5 + 0.5j * omega) - np.log(2))
    wave = np.exp(gamma[:, None] - 1j * omega[:, None] * xi)
    result: FloatArray = np.exp(xi) * (weight @ wave.real)
    return result


def _residue(count: int, xi: FloatArray) -> list[FloatArray]:
    """Ln of the residue at s = 0 and its derivatives, for negative ξ."""
    polynomial = _residue_polynomial(count)
    value, first, second = (polynomial.deriv(order)(xi) for order in range(3))
    slope = first / value
    return [np.log(value), slope, second / value - slope**2]


@lru_cache(maxsize=32)
def _residue_polynomial(count: int) -> np.polynomial.Polynomial:
    """Coefficient of s^(k-1) in e^(-sξ) Γ(1 + s/2)^k, a polynomial in ξ."""
    # ln Γ(1 + x) = -γ x + Σ ζ(j) (-x)^j/j, exponentiated term by term.
    log_gamma = [0.0, count * psi(1.0) / 2]
    log_gamma += [count * zeta(j) * (-0.5) ** j / j for j in range(2, count)]
    series = [1.0]
    for order in range(1, count):
        parts = (j * log_gamma[j] * series[order - j] for j in range(1, order + 1))
        series.append(sum(parts) / order)
    factorial = np.cumprod([1.0, *range(1, count)])
    powers = [(-1.0) ** j / factorial[j] * series[count - 1 - j] for j in range(count)]
    return np.polynomial.Polynomial(powers)
