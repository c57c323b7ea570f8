"""The Curie-Weiss Ising model: spins that all see each other, with a continuous transition.

The number of spins up has a binomial weight times a Boltzmann factor, so the law is a finite
sum and draws are independent. The size is the number of spins: there is no dimension.
"""

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from scipy.special import gammaln

from phasegrok.exact.checking import finite_number, points, require_positive, whole_number
from phasegrok.exact.discrete_law import DiscreteLaw
from phasegrok.exact.independent import drawn, independent_runs
from phasegrok.exact.labels import Source
from phasegrok.exact.samples import Observed, samples_dataset
from phasegrok.schema import Symmetry

__all__ = [
    "CURIE_WEISS_ISING_CRITICAL_INVERSE_TEMPERATURE",
    "curie_weiss_ising",
    "curie_weiss_ising_law",
]

CURIE_WEISS_ISING_CRITICAL_INVERSE_TEMPERATURE = 1.0
"""β_c of H = -M²/(2N)."""


def curie_weiss_ising(
    *,
    size: int,
    inverse_temperature: ArrayLike,
    field: ArrayLike = 0.0,
    record_count: int,
    replica_count: int = 1,
    seed: int,
) -> xr.Dataset:
    """Draw the Curie-Weiss Ising model, H = -M²/(2N) - h M with M = Σ s_i.

    Parameters
    ----------
    size : int
        Number N of spins, at least 1.
    inverse_temperature : array_like
        β, above zero; β_c = 1. Broadcast against the field.
    field : array_like
        h.
    record_count : int
        Independent draws per run.
    replica_count : int
        Runs per point.
    seed : int
        Runs with equal labels (N, β, h, replica) are equal in every call.

    Returns
    -------
    Dataset
        On (run, record): ``energy``, H/N; ``magnetization``, M/N; ``order_parameter``, |M|/N.
        Coordinates ``inverse_temperature``, ``field``, ``size``.

    Raises
    ------
    InvalidValueError
        For sizes, controls or counts without meaning, or more than fits into memory.
    """
    count = whole_number("size", size, minimum=1)
    controls = points(
        {"inverse_temperature": inverse_temperature, "field": field},
        positive=["inverse_temperature"],
    )
    source = Source(system="curie_weiss_ising", seed=seed, integrator="independent_draws")
    runs = independent_runs(controls, count, record_count, replica_count)
    values = drawn(source, runs, record_count, curie_weiss_ising_law)
    even = not any(point["field"] for point in controls)
    symmetry = Symmetry.SIGN if even else Symmetry.NONE
    variables = {
        "energy": Observed(values=values["energy"], long_name="energy per spin"),
        "magnetization": Observed(
            values=values["magnetization"], long_name="mean spin", symmetry=symmetry
        ),
        "order_parameter": Observed(
            values=values["order_parameter"], long_name="magnitude of the mean spin"
        ),
    }
    return samples_dataset(source, runs, step=np.arange(record_count), variables=variables)


def curie_weiss_ising_law(
    *, size: int, inverse_temperature: float, field: float = 0.0
) -> DiscreteLaw:
    """Exact law of the Curie-Weiss Ising model.

    Parameters
    ----------
    size : int
        Number N of spins.
    inverse_temperature, field : float
        β and h.

    Returns
    -------
    DiscreteLaw
        N + 1 outcomes with ``energy``, ``magnetization`` and ``order_parameter``.

    Raises
    ------
    InvalidValueError
        For a size or a control without meaning.
    """
    count = whole_number("size", size, minimum=1)
    beta = require_positive("inverse_temperature", inverse_temperature)
    up = np.arange(count + 1.0)
    magnetization = (2 * up - count) / count
    energy = -(magnetization**2) / 2 - finite_number("field", field) * magnetization
    log_weight = -gammaln(up + 1) - gammaln(count - up + 1) - beta * count * energy
    values = {
        "energy": energy,
        "magnetization": magnetization,
        "order_parameter": np.abs(magnetization),
    }
    return DiscreteLaw.of_log_weights(log_weight, values)
