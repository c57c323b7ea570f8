"""The Potts model on the periodic square lattice, H = -Σ δ(s_i, s_j) over neighbours."""

from dataclasses import dataclass
from math import acosh, cosh, exp, inf, log, log1p, pi, sqrt, tanh
from typing import final

import xarray as xr
from numpy.typing import ArrayLike

from phasegrok.exact.chains import Chains
from phasegrok.exact.checking import FloatArray, whole_number
from phasegrok.exact.labels import Source
from phasegrok.exact.samples import Observed
from phasegrok.exact.square_lattice import BondModel, lattice_dataset, lattice_records

__all__ = ["PottsTransition", "potts", "potts_transition"]


def potts(
    *,
    state_count: int,
    linear_extent: int,
    inverse_temperature: ArrayLike,
    chains: Chains,
    seed: int,
) -> xr.Dataset:
    """Sample the Potts model by Swendsen-Wang updates.

    Parameters
    ----------
    state_count : int
        Number q of states of a site, at least 2.
    linear_extent : int
        Sites L along an edge, at least 2. At 2 each pair of neighbours has two bonds.
    inverse_temperature : array_like
        β at every point, above zero.
    chains : Chains
        Schedule; ``starts`` are "hot" (every site drawn) and "cold" (all sites in state 0).
    seed : int
        Chains with equal labels (q, L, β, start, replica) are equal in every call.

    Returns
    -------
    Dataset
        On (run, record): ``energy``, H per site; ``order_parameter``, (q x - 1)/(q - 1) with
        the share x of the commonest state. Coordinates ``inverse_temperature``,
        ``linear_extent``, ``size`` (L²).

    Raises
    ------
    InvalidValueError
        For sizes, controls or counts without meaning, or more than fits into memory.

    Examples
    --------
    >>> chains = Chains(record_count=100, discarded_sweeps=50, starts=("hot", "cold"))
    >>> samples = potts(
    ...     state_count=3,
    ...     linear_extent=8,
    ...     inverse_temperature=[0.9, 1.0],
    ...     chains=chains,
    ...     seed=1,
    ... )
    >>> dict(samples.sizes)
    {'run': 4, 'record': 100}
    """
    count = whole_number("state_count", state_count, minimum=2)
    extent = whole_number("linear_extent", linear_extent, minimum=2)
    source = Source(
        system="potts",
        seed=seed,
        integrator="swendsen_wang",
        parameters={"state_count": count},
    )

    def order_parameter(shares: FloatArray) -> FloatArray:
        commonest: FloatArray = shares.max(axis=1)
        return (count * commonest - 1) / (count - 1)

    runs, records = lattice_records(
        BondModel(count, 1.0, order_parameter),
        source,
        linear_extent=extent,
        inverse_temperature=inverse_temperature,
        chains=chains,
    )
    variables = {
        "energy": Observed(values=-2 * records.satisfied, long_name="energy per site"),
        "order_parameter": Observed(
            values=records.observed, long_name="excess share of the commonest state"
        ),
    }
    return lattice_dataset(source, runs, chains, variables)


@final
@dataclass(frozen=True, kw_only=True)
class PottsTransition:
    """Exact numbers of the infinite square lattice at its transition.

    Parameters
    ----------
    state_count : int
        Number q of states.
    inverse_temperature : float
        β_t = ln(1 + √q).
    energy_disordered, energy_ordered : float
        Energies per site of the two phases; equal where the transition is continuous.
    order_parameter : float
        (q x - 1)/(q - 1) of the ordered phase; 0 where the transition is continuous.
    correlation_length : float
        ξ_d of the disordered phase in lattice spacings; infinite where it is continuous.
    """

    state_count: int
    inverse_temperature: float
    energy_disordered: float
    energy_ordered: float
    order_parameter: float
    correlation_length: float

    @property
    def latent_heat(self) -> float:
        """Jump of the energy per site."""
        return self.energy_disordered - self.energy_ordered

    @property
    def twice_interface_tension(self) -> float:
        """2σ_od = 1/ξ_d: the barrier of the energy grows by it for every lattice spacing."""
        return 1.0 / self.correlation_length

    @property
    def is_first_order(self) -> bool:
        """Whether the energy jumps, which it does for q > 4."""
        return self.state_count > 4


def potts_transition(state_count: int) -> PottsTransition:
    """Evaluate the exact solution at the transition of the infinite square lattice.

    With 2 cosh θ = √q and x = e^(-2θ), for q > 4,

        Δe = 2(1 + 1/√q) tanh(θ/2) Π_{n≥1} tanh²(nθ)                        [1]_
        m = Π_{n≥1} (1 - x^(2n-1)) / (1 + x^(2n))                           [2]_
        1/ξ_d = 4 Σ_{n≥0} ln[(1 + w_n)/(1 - w_n)],
        w_n = 1/[√2 cosh((n + ½)π²/θ)]                                      [3]_

    and the mean of both energies is -(1 + 1/√q) at every q.

    Parameters
    ----------
    state_count : int
        Number q of states, at least 2.

    Returns
    -------
    PottsTransition

    Raises
    ------
    InvalidValueError
        If q is not a whole number of at least 2.

    References
    ----------
    .. [1] Baxter, J. Phys. C 6, L445 (1973).
    .. [2] Baxter, J. Phys. A 15, 3329 (1982).
    .. [3] Buffenoir and Wallon, J. Phys. A 26, 3045 (1993); 2σ_od = 1/ξ_d: Borgs and Janke,
       J. Phys. I France 2, 2011 (1992).
    """
    count = whole_number("state_count", state_count, minimum=2)
    root = sqrt(count)
    half_gap, magnetization, length = 0.0, 0.0, inf
    if count > 4:
        theta = acosh(root / 2)
        half_gap = _half_latent_heat(root, theta)
        magnetization = _spontaneous_order(theta)
        length = 1.0 / _inverse_correlation_length(theta)
    middle = -(1 + 1 / root)
    return PottsTransition(
        state_count=count,
        inverse_temperature=log1p(root),
        energy_disordered=middle + half_gap,
        energy_ordered=middle - half_gap,
        order_parameter=magnetization,
        correlation_length=length,
    )


def _terms(theta: float) -> range:
    # Factors differ from one by e^(-2nθ), so those left out are 1 in double precision.
    return range(1, 2 + int(20 / theta))


def _half_latent_heat(root: float, theta: float) -> float:
    product = sum(2 * log(tanh(n * theta)) for n in _terms(theta))
    return (1 + 1 / root) * tanh(theta / 2) * exp(product)


def _spontaneous_order(theta: float) -> float:
    factors = (
        log1p(-exp(-2 * theta * (2 * n - 1))) - log1p(exp(-4 * theta * n))
        for n in _terms(theta)
    )
    return exp(sum(factors))


def _inverse_correlation_length(theta: float) -> float:
    total, order = 0.0, 0
    # Terms fall as e^(-argument); cosh would overflow a little further on.
    while (argument := (order + 0.5) * pi**2 / theta) < 700:
        weight = 1 / (sqrt(2) * cosh(argument))
        total += 4 * (log1p(weight) - log1p(-weight))
        order += 1
    return total
