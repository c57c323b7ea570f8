"""The Ising model on the periodic square lattice in equilibrium, H = -Σ s_i s_j."""

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from phasegrok.exact.chains import Chains
from phasegrok.exact.checking import FloatArray, whole_number
from phasegrok.exact.labels import Source
from phasegrok.exact.samples import Observed
from phasegrok.exact.square_lattice import BondModel, lattice_dataset, lattice_records
from phasegrok.schema import Symmetry

__all__ = ["ising", "ising_variables"]


def ising(
    *, linear_extent: int, inverse_temperature: ArrayLike, chains: Chains, seed: int
) -> xr.Dataset:
    """Sample the Ising model without a field by Swendsen-Wang updates.

    Parameters
    ----------
    linear_extent : int
        Sites L along an edge, at least 2. At 2 each pair of neighbours has two bonds.
    inverse_temperature : array_like
        β at every point, above zero.
    chains : Chains
        Schedule; ``starts`` are "hot" (every spin drawn) and "cold" (all up).
    seed : int
        Chains with equal labels (L, β, start, replica) are equal in every call.

    Returns
    -------
    Dataset
        On (run, record): ``energy``, H per site; ``magnetization``, the mean spin m, whose law
        is even; ``order_parameter``, |m|. Coordinates ``inverse_temperature``,
        ``linear_extent``, ``size`` (L²).

    Raises
    ------
    InvalidValueError
        For sizes, controls or counts without meaning, or more than fits into memory.

    Examples
    --------
    >>> chains = Chains(record_count=50, discarded_sweeps=20)
    >>> samples = ising(linear_extent=8, inverse_temperature=0.44, chains=chains, seed=1)
    >>> samples["magnetization"].attrs["symmetry"]
    'sign'
    """
    extent = whole_number("linear_extent", linear_extent, minimum=2)
    source = Source(system="ising", seed=seed, integrator="swendsen_wang")
    runs, records = lattice_records(
        # s s' = 2δ - 1: an unequal pair costs 2, and all bonds equal have energy -2 a site.
        BondModel(2, 2.0, _magnetization),
        source,
        linear_extent=extent,
        inverse_temperature=inverse_temperature,
        chains=chains,
    )
    variables = ising_variables(2 - 4 * records.satisfied, records.observed)
    return lattice_dataset(source, runs, chains, variables)


def ising_variables(
    energy: FloatArray, magnetization: FloatArray, *, symmetry: Symmetry = Symmetry.SIGN
) -> dict[str, Observed]:
    """Name and explain what is measured on Ising spins.

    Parameters
    ----------
    energy, magnetization : (run, record) array
        Per site.
    symmetry : Symmetry
        Of the magnetization: ``NONE`` in a field.

    Returns
    -------
    dict
        ``energy``, ``magnetization`` and ``order_parameter``.
    """
    return {
        "energy": Observed(values=energy, long_name="energy per site"),
        "magnetization": Observed(
            values=magnetization, long_name="mean spin", symmetry=symmetry
        ),
        "order_parameter": Observed(
            values=np.abs(magnetization), long_name="magnitude of the mean spin"
        ),
    }


def _magnetization(shares: FloatArray) -> FloatArray:
    difference: FloatArray = shares[:, 0] - shares[:, 1]
    return difference
