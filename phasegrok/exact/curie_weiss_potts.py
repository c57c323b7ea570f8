"""The Curie-Weiss Potts model: spins that all see each other, first-order from three states on.

How many spins are in which state has a multinomial weight times a Boltzmann factor, so the law
is a finite sum and draws are independent. The size is the number of spins: there is no
dimension.

References
----------
Ellis and Wang, Stochastic Processes and their Applications 35, 59 (1990); Costeniuc, Ellis and
Touchette, J. Math. Phys. 46, 063301 (2005).
"""

from dataclasses import dataclass
from math import lgamma, log
from typing import Self, final

import numpy as np
import numpy.typing as npt
import xarray as xr
from numpy.typing import ArrayLike
from scipy.special import gammaln

from phasegrok.exact.checking import (
    FloatArray,
    points,
    require_memory,
    require_positive,
    whole_number,
)
from phasegrok.exact.discrete_law import DiscreteLaw
from phasegrok.exact.independent import drawn, independent_runs
from phasegrok.exact.labels import Source
from phasegrok.exact.samples import Observed, samples_dataset

__all__ = [
    "CurieWeissPottsTransition",
    "curie_weiss_potts",
    "curie_weiss_potts_law",
    "curie_weiss_potts_transition",
]


def curie_weiss_potts(
    *,
    size: int,
    inverse_temperature: ArrayLike,
    state_count: int = 3,
    record_count: int,
    replica_count: int = 1,
    seed: int,
) -> xr.Dataset:
    """Draw the Curie-Weiss Potts model, H = -(1/2N) Σ_ij δ(s_i, s_j) = -(N/2) Σ_a x_a².

    Parameters
    ----------
    size : int
        Number N of spins, at least 1; 4,096 with three states takes seconds.
    inverse_temperature : array_like
        β, above zero.
    state_count : int
        Number q of states, at least 2.
    record_count : int
        Independent draws per run.
    replica_count : int
        Runs per point.
    seed : int
        Runs with equal labels (q, N, β, replica) are equal in every call.

    Returns
    -------
    Dataset
        On (run, record): ``energy``, H/N; ``order_parameter``, (q x - 1)/(q - 1) with the
        share x of the commonest state. Coordinates ``inverse_temperature``, ``size``.

    Raises
    ------
    InvalidValueError
        For sizes, controls or counts without meaning, or more than fits into memory.
    """
    count = whole_number("size", size, minimum=1)
    states = whole_number("state_count", state_count, minimum=2)
    controls = points(
        {"inverse_temperature": inverse_temperature}, positive=["inverse_temperature"]
    )
    source = Source(
        system="curie_weiss_potts",
        seed=seed,
        integrator="independent_draws",
        parameters={"state_count": states},
    )
    runs = independent_runs(controls, count, record_count, replica_count)
    occupations = _Occupations.of(count, states)
    values = drawn(source, runs, record_count, lambda **point: occupations.law(**point))
    variables = {
        "energy": Observed(values=values["energy"], long_name="energy per spin"),
        "order_parameter": Observed(
            values=values["order_parameter"], long_name="excess share of the commonest state"
        ),
    }
    return samples_dataset(source, runs, step=np.arange(record_count), variables=variables)


def curie_weiss_potts_law(
    *, size: int, inverse_temperature: float, state_count: int = 3
) -> DiscreteLaw:
    """Exact law of the Curie-Weiss Potts model.

    Parameters
    ----------
    size : int
        Number N of spins.
    inverse_temperature : float
        β.
    state_count : int
        Number q of states.

    Returns
    -------
    DiscreteLaw
        One outcome per set of occupations, whichever state has which, with ``energy`` and
        ``order_parameter``: some N²/12 of them for three states.

    Raises
    ------
    InvalidValueError
        For a size or a control without meaning, or more outcomes than fit into memory.
    """
    count = whole_number("size", size, minimum=1)
    states = whole_number("state_count", state_count, minimum=2)
    beta = require_positive("inverse_temperature", inverse_temperature)
    return _Occupations.of(count, states).law(size=count, inverse_temperature=beta)


@final
@dataclass(frozen=True, kw_only=True)
class CurieWeissPottsTransition:
    """Exact numbers of the limit of many spins at the transition.

    Parameters
    ----------
    inverse_temperature : float
        β_t = 2 (q - 1) ln(q - 1)/(q - 2); 2 for q = 2.
    energy_disordered, energy_ordered : float
        Energies per spin of the phases; equal for q = 2, where the transition is continuous.
    order_parameter : float
        Jump of (q x - 1)/(q - 1), (q - 2)/(q - 1).
    """

    inverse_temperature: float
    energy_disordered: float
    energy_ordered: float
    order_parameter: float

    @property
    def latent_heat(self) -> float:
        """Jump of the energy per spin."""
        return self.energy_disordered - self.energy_ordered


def curie_weiss_potts_transition(state_count: int = 3) -> CurieWeissPottsTransition:
    """Evaluate the transition of the Curie-Weiss Potts model.

    Parameters
    ----------
    state_count : int
        Number q of states, at least 2.

    Returns
    -------
    CurieWeissPottsTransition
        For three states β_t = 4 ln 2, a jump of ½, energies -1/6 and -1/4.

    Raises
    ------
    InvalidValueError
        If q is not a whole number of at least 2.
    """
    count = whole_number("state_count", state_count, minimum=2)
    beta = 2.0 if count == 2 else 2 * (count - 1) * log(count - 1) / (count - 2)
    jump = (count - 2) / (count - 1)
    # Σ x_a² = [1 + (q - 1) s²]/q where one share is [1 + (q - 1) s]/q and the others are equal.
    return CurieWeissPottsTransition(
        inverse_temperature=beta,
        energy_disordered=-0.5 / count,
        energy_ordered=-0.5 * (1 + (count - 1) * jump**2) / count,
        order_parameter=jump,
    )


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class _Occupations:
    """All sets of occupations of q states by N spins, whichever state has which."""

    log_multiplicity: FloatArray  # (outcome,)
    energy: FloatArray  # (outcome,) per spin
    order_parameter: FloatArray  # (outcome,)

    @classmethod
    def of(cls, size: int, state_count: int) -> Self:
        parts = _partitions(size, state_count)
        # N!/Π n_a! ways to seat the spins, q!/Π r_k! ways to name the states, where r_k
        # states have one occupation. Constants drop out of the law.
        log_multiplicity = -gammaln(parts + 1.0).sum(axis=1)
        run = np.ones(len(parts))
        for column in range(1, state_count):
            run = np.where(parts[:, column] == parts[:, column - 1], run + 1, 1)
            log_multiplicity -= np.log(run)
        share = parts / size
        return cls(
            log_multiplicity=log_multiplicity,
            energy=-(share**2).sum(axis=1) / 2,
            order_parameter=(state_count * share[:, 0] - 1) / (state_count - 1),
        )

    def law(self, *, size: int, inverse_temperature: float) -> DiscreteLaw:
        log_weight = self.log_multiplicity - inverse_temperature * size * self.energy
        values = {"energy": self.energy, "order_parameter": self.order_parameter}
        return DiscreteLaw.of_log_weights(log_weight, values)


def _partitions(total: int, parts: int) -> npt.NDArray[np.int32]:
    """All (outcome, part) falling sequences of whole numbers of at least 0 with that sum."""
    # About (N + q(q+1)/4)^(q-1)/(q! (q-1)!) of them; 100 bytes each with what is made of them.
    size = total + parts * (parts + 1) / 4
    log_count = (parts - 1) * log(size) - lgamma(parts + 1) - lgamma(parts)
    require_memory(
        f"the occupations of {parts} states by {total} spins",
        float(np.exp(min(log_count, 700.0))) * (60 + 20 * parts),
    )
    rows = np.arange(-(-total // parts), total + 1, dtype=np.int32)[:, None]
    for part in range(1, parts):
        remaining, last = total - rows.sum(axis=1, dtype=np.int32), rows[:, -1]
        least, most = -(-remaining // (parts - part)), np.minimum(last, remaining)
        counts = np.maximum(most - least + 1, 0)
        index = np.repeat(np.arange(len(rows)), counts)
        offset = np.arange(len(index)) - np.repeat(np.cumsum(counts) - counts, counts)
        added = (least[index] + offset).astype(np.int32)
        rows = np.column_stack([rows[index], added])
    return rows
