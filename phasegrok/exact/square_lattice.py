"""Chains on square lattices, from a schedule to records: what Potts and Ising share."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from phasegrok.exact.chains import Chains
from phasegrok.exact.checking import FloatArray, points
from phasegrok.exact.labels import RunLabels, Source, laid_out
from phasegrok.exact.samples import Observed, require_dataset_memory, samples_dataset
from phasegrok.exact.swendsen_wang import (
    CHUNK_SITES,
    LatticeBatch,
    LatticeRecords,
    swendsen_wang_records,
)

__all__ = ["BondModel", "lattice_dataset", "lattice_records", "lattice_runs"]

# Uniform numbers (24), bonds and their graph (40), states and labels, copies in scipy.
BYTES_PER_SITE = 200


class BondModel(NamedTuple):
    """What the energy and the order parameter of a lattice are made of."""

    state_count: int
    """States of a site."""
    broken_bond: float
    """Energy that an unequal pair of neighbours costs."""
    observe: Callable[[FloatArray], FloatArray]
    """From shares of sites in each state, (run, state), to one number a run."""


def lattice_runs(
    controls: list[dict[str, float]], chains: Chains, linear_extent: int
) -> list[RunLabels]:
    """List the runs of one size.

    Parameters
    ----------
    controls : list of dict
        Controls but for the size.
    chains : Chains
        Schedule.
    linear_extent : int
        Sites along an edge.

    Returns
    -------
    list of RunLabels

    Raises
    ------
    InvalidValueError
        If they would not fit into memory.
    """
    runs = laid_out(
        [{**point, "linear_extent": linear_extent} for point in controls],
        replica_count=chains.replica_count,
        starts=chains.starts,
    )
    in_work = max(linear_extent**2, min(len(runs) * linear_extent**2, CHUNK_SITES))
    require_dataset_memory(
        runs, chains.record_count, variable_count=3, other_bytes=BYTES_PER_SITE * in_work
    )
    return runs


def lattice_records(
    model: BondModel,
    source: Source,
    *,
    linear_extent: int,
    inverse_temperature: ArrayLike,
    chains: Chains,
) -> tuple[list[RunLabels], LatticeRecords]:
    """Sample a model of equal and unequal neighbours by Swendsen-Wang updates.

    Parameters
    ----------
    model : BondModel
        The system.
    source : Source
        Where its random numbers come from.
    linear_extent : int
        Sites along an edge.
    inverse_temperature : array_like
        β at every point.
    chains : Chains
        Schedule; starts are "hot" and "cold".

    Returns
    -------
    runs : list of RunLabels
    records : LatticeRecords

    Raises
    ------
    InvalidValueError
        For controls or starts without meaning, or more than fits into memory.
    """
    chains.require_starts(("hot", "cold"))
    control = "inverse_temperature"
    runs = lattice_runs(
        points({control: inverse_temperature}, positive=[control]), chains, linear_extent
    )
    beta = np.array([run.controls[control] for run in runs])
    batch = LatticeBatch(
        linear_extent=linear_extent,
        state_count=model.state_count,
        bond_probability=-np.expm1(-beta * model.broken_bond),
        ordered=np.array([run.start == "cold" for run in runs]),
        generators=[source.generator(run.plain()) for run in runs],
    )
    return runs, swendsen_wang_records(batch, chains.steps(), model.observe)


def lattice_dataset(
    source: Source, runs: list[RunLabels], chains: Chains, variables: dict[str, Observed]
) -> xr.Dataset:
    """Put chains on lattices into the schema, with the number of sites as ``size``.

    Parameters
    ----------
    source : Source
        Where they come from.
    runs : list of RunLabels
        As `lattice_runs` returns them.
    chains : Chains
        Schedule.
    variables : dict
        Name to values.

    Returns
    -------
    Dataset
    """
    size = np.array([int(run.controls["linear_extent"]) ** 2 for run in runs])
    return samples_dataset(
        source, runs, step=chains.steps(), variables=variables, derived={"size": size}
    )
