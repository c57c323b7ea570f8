"""A two-layer erf network that learns a linear plus a cubic Hermite polynomial.

The network f(x) = Σᵢ aᵢ erf(wᵢ·x), with no bias and no factor in front of the sum, learns
y(x) = H₁(w*·x) + ε H₃(w*·x) from n Gaussian examples, with |w*| = 1, H₁(z) = z and
H₃(z) = z³ - 3z. Its weights follow the Bayesian posterior

    exp[-Σ_μ (f - y)²/(2σ²) - Σᵢ d|wᵢ|²/(2σ_w²) - Σᵢ N aᵢ²/(2σ_a²)].

References
----------
Rubin, Seroussi and Ringel, arXiv:2310.03789 (ICLR 2024). Their Eq. 7 prints |w|²/(2σ_w²)
without the factor d of their appendix A; here the prior variance of a weight is σ_w²/d.
"""

from dataclasses import dataclass, fields, replace
from math import inf, isfinite, pi, sqrt
from typing import Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from phasegrok.errors import InvalidValueError

__all__ = ["CubicTeacherSystem", "FloatArray", "erf_moments"]

FloatArray = NDArray[np.float64]


@final
@dataclass(frozen=True, kw_only=True)
class CubicTeacherSystem:
    """Everything that the theory needs to know about network, data and noise.

    The counts may be fractional, because the theory is continuous in them.

    Parameters
    ----------
    noise_variance : float
        Variance σ² of the likelihood, in units of the target squared.
    example_count : float
        Number n of training examples.
    width : float
        Number N of hidden neurons.
    input_size : float
        Number d of inputs.
    first_variance : float
        σ_w², dimensionless; the prior variance of a first-layer weight is σ_w²/d.
    readout_variance : float
        σ_a², in units of the target squared; the prior variance of a readout weight is
        σ_a²/N. The paper's σ_a² = 8/N therefore means a variance 8/N² per weight.
    cubic : float
        Amplitude ε of the cubic part of the target, dimensionless.

    Raises
    ------
    InvalidValueError
        Where a variance or count is not positive and finite, or ε is not finite.
    """

    noise_variance: float
    example_count: float
    width: float
    input_size: float
    first_variance: float
    readout_variance: float
    cubic: float

    def __post_init__(self) -> None:
        if not isfinite(self.cubic):
            raise InvalidValueError(
                f"cubic must be a finite number, received {self.cubic}; "
                "give the amplitude ε of H₃ in the target, such as -0.3."
            )
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "cubic" and not 0.0 < value < inf:
                raise InvalidValueError(
                    f"{field.name} must be positive and finite, received {value}; "
                    "for the limits of large sizes use the functions of large_size."
                )

    @classmethod
    def paper(cls, beta: float = 1.0, *, noise_variance: float) -> Self:
        """Return the system of Fig. 2 of the paper at scale β, with α = β.

        N = 700β, d = 150√β and n = 3000β, each rounded to a whole number, σ_w² = 1/2,
        σ_a² = 8/(700√β) and ε = -0.3. The text prints σ_a² = 8/N, which holds at β = 1
        only; the scaling of its Table 1 gives the form used here. For unrounded sizes
        use `paper(noise_variance=...).scaled(alpha=beta, beta=beta)`.

        Parameters
        ----------
        beta : float
            Scale β of the system; the paper uses 1/8, 1/2, 1 and 2.
        noise_variance : float
            Variance σ² of the likelihood; the transition is near 0.18.
        """
        if not 0.0 < beta < inf or min(700 * beta, 150 * sqrt(beta), 3000 * beta) < 0.5:
            raise InvalidValueError(
                f"beta must be finite and at least 1/1400, received {beta}; "
                "smaller scales round the width to no neuron at all."
            )
        return cls(
            noise_variance=noise_variance,
            example_count=float(round(3000 * beta)),
            width=float(max(1, round(700 * beta))),
            input_size=float(round(150 * sqrt(beta))),
            first_variance=0.5,
            readout_variance=8.0 / (700.0 * sqrt(beta)),
            cubic=-0.3,
        )

    @property
    def interaction(self) -> float:
        """Effective interaction u = n² σ_a² / (σ⁴ d N), dimensionless (paper, Eq. 11)."""
        ratio = self.example_count / self.noise_variance
        return ratio**2 * self.readout_variance / (self.input_size * self.width)

    @property
    def kappa(self) -> float:
        """Strength κ = n σ_a² / (σ² d) of the kernel against the noise, dimensionless."""
        ratio = self.example_count / self.noise_variance
        return ratio * self.readout_variance / self.input_size

    @property
    def saddle_norm(self) -> float:
        """Value g = 1 + 2σ_w² of D(q) = 1 + 2(σ_w² + q²) at q = 0."""
        return 1.0 + 2.0 * self.first_variance

    @property
    def critical_strength(self) -> float:
        """Value K = πg/(4σ_w²u) of b² at which the centre q = 0 stops being a minimum."""
        return pi * self.saddle_norm / (4.0 * self.first_variance * self.interaction)

    def scaled(self, alpha: float, beta: float) -> Self:
        """Apply Eq. 11 of the paper, which keeps u and κ as they are.

        N → βN, d → √β d, σ_a² → σ_a²/√β, σ² → (α/β) σ², n → αn, without rounding. The
        saddle point becomes exact for β → ∞ with √β/α → 0.

        Parameters
        ----------
        alpha, beta : float
            Factors of the number of examples and of the width.
        """
        if not (0.0 < alpha < inf and 0.0 < beta < inf):
            raise InvalidValueError(
                f"alpha and beta must be positive and finite, received {alpha} and {beta}; "
                "give 1 for no change."
            )
        return replace(
            self,
            noise_variance=self.noise_variance * alpha / beta,
            example_count=self.example_count * alpha,
            width=self.width * beta,
            input_size=self.input_size * sqrt(beta),
            readout_variance=self.readout_variance / sqrt(beta),
        )


def erf_moments(
    overlap: ArrayLike, *, perpendicular: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Overlaps of one neuron's activation with H₁ and H₃ of the teacher's projection.

    ⟨H₁(w*·x) erf(w·x)⟩ = 2q/√(πD) and ⟨H₃(w*·x) erf(w·x)⟩ = -4q³/(√π D^{3/2}) for
    x ~ N(0, 1), with D = 1 + 2|w|² (paper, Eq. A.4).

    Parameters
    ----------
    overlap : (...) array
        q = w·w*, dimensionless.
    perpendicular : (...) array
        |w|² - q², dimensionless. The theory freezes it at σ_w².

    Returns
    -------
    linear, cubic : (...) arrays, dimensionless
        The two expectations, not divided by ⟨H₁²⟩ = 1 and ⟨H₃²⟩ = 6.
    """
    q = np.asarray(overlap, dtype=np.float64)
    norm = 1.0 + 2.0 * (np.asarray(perpendicular, dtype=np.float64) + q**2)
    ratio = q / np.sqrt(norm)
    return 2.0 / sqrt(pi) * ratio, -4.0 / sqrt(pi) * ratio**3
