"""Swendsen-Wang updates of whole batches of periodic square lattices at once.

One sweep keeps every bond between equal states with probability 1 - e^(-β), labels the
clusters so joined, and gives each a state at random [1]_. The lattices of a batch are one
sparse graph, whose components `scipy.sparse.csgraph` labels in one call.

References
----------
.. [1] Swendsen and Wang, Phys. Rev. Lett. 58, 86 (1987).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from phasegrok.exact.checking import FloatArray
from phasegrok.exact.uniforms import uniform_sweeps

__all__ = [
    "CHUNK_SITES",
    "LatticeBatch",
    "LatticeRecords",
    "satisfied_bonds",
    "swendsen_wang_records",
]

StateArray = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]

CHUNK_SITES = 2**14
"""Sites of the runs that are updated together: larger graphs leave the processor's cache."""


class LatticeRecords(NamedTuple):
    """What is kept of the states."""

    satisfied: FloatArray
    """(run, record) share of bonds between equal states, of all 2L²."""
    observed: FloatArray
    """(run, record) whatever was made of the shares of the states."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class LatticeBatch:
    """Lattices that are updated by the same rule.

    Parameters
    ----------
    linear_extent : int
        Sites along an edge; at 2 each pair of neighbours has two bonds.
    state_count : int
        States of a site.
    bond_probability : (run,) array
        Probability of keeping a bond between equal states, 1 - e^(-β).
    ordered : (run,) bool array
        Whether a run starts with all sites in state 0; otherwise each is drawn.
    generators : sequence of Generator
        Random numbers of each run.
    """

    linear_extent: int
    state_count: int
    bond_probability: FloatArray
    ordered: BoolArray
    generators: Sequence[np.random.Generator]

    @property
    def site_count(self) -> int:
        """Sites of one lattice."""
        return self.linear_extent**2

    def chunks(self) -> Iterator[slice]:
        """Runs that are updated together."""
        length = max(1, CHUNK_SITES // self.site_count)
        yield from (slice(at, at + length) for at in range(0, len(self.ordered), length))


def swendsen_wang_records(
    batch: LatticeBatch,
    step: npt.NDArray[np.int64],
    observe: Callable[[FloatArray], FloatArray],
) -> LatticeRecords:
    """Update all lattices and keep what is asked for at the given sweeps.

    Parameters
    ----------
    batch : LatticeBatch
        The lattices; their generators advance.
    step : (record,) array
        Sweeps made before each record, increasing.
    observe : callable
        Maps the shares of sites in each state, (run, state), to one number a run.

    Returns
    -------
    LatticeRecords
        A run has the same numbers in every batch.
    """
    shape = (len(batch.ordered), len(step))
    records = LatticeRecords(np.empty(shape), np.empty(shape))
    for chunk in batch.chunks():
        sweeps = enumerate(_sweeps(batch, chunk))
        for record, wanted in enumerate(step):
            states, satisfied = next(pair for sweep, pair in sweeps if sweep == wanted)
            records.satisfied[chunk, record] = satisfied.mean(axis=(1, 2, 3))
            shares = _state_shares(states, batch.state_count)
            records.observed[chunk, record] = observe(shares)
    return records


def satisfied_bonds(states: StateArray, out: BoolArray) -> BoolArray:
    """Compare every site with its neighbours to the right and below.

    Parameters
    ----------
    states : (run, row, column) array
        State of each site.
    out : (run, row, column, bond) bool array
        Filled with whether the states at both ends of the bond are equal.

    Returns
    -------
    (run, row, column, bond) bool array
        ``out``.
    """
    np.equal(states[:, :, :-1], states[:, :, 1:], out=out[:, :, :-1, 0])
    np.equal(states[:, :, -1], states[:, :, 0], out=out[:, :, -1, 0])
    np.equal(states[:, :-1], states[:, 1:], out=out[:, :-1, :, 1])
    np.equal(states[:, -1], states[:, 0], out=out[:, -1, :, 1])
    return out


def _sweeps(batch: LatticeBatch, chunk: slice) -> Iterator[tuple[StateArray, BoolArray]]:
    """Yield states (run, row, column) and satisfied bonds, the initial ones first."""
    extent, states_of_a_site = batch.linear_extent, batch.state_count
    probability = batch.bond_probability[chunk, None, None, None]
    generators = batch.generators[chunk]
    shape = (len(generators), extent, extent)
    clusters = _ClusterGraph(*shape[:2])
    satisfied = np.empty((*shape, 2), dtype=bool)
    states = _initial(batch, chunk)
    for uniform in uniform_sweeps(generators, 3 * batch.site_count):
        yield states, satisfied_bonds(states, satisfied)
        kept = uniform[:, : 2 * batch.site_count].reshape(satisfied.shape) < probability
        count, cluster = clusters.labels(kept & satisfied)
        proposed = (uniform[:, 2 * batch.site_count :] * states_of_a_site).astype(np.int32)
        # The last site of a cluster decides: one independent draw, whatever the batch.
        state = np.empty(count, dtype=np.int32)
        state[cluster] = proposed.reshape(-1)
        states = state[cluster].reshape(shape)


class _ClusterGraph:
    """The bonds of a batch as one sparse graph; arrays are made once for all sweeps."""

    def __init__(self, run_count: int, extent: int) -> None:
        site = np.arange(run_count * extent**2, dtype=np.int32).reshape(-1, extent, extent)
        right, below = np.roll(site, -1, axis=2), np.roll(site, -1, axis=1)
        self.ends = np.stack([right, below], axis=-1).reshape(-1)  # (site * bond,)
        # Floats, because connected_components would convert anything else.
        self.ones = np.ones(self.ends.size)
        self.starts = np.zeros(site.size + 1, dtype=np.int32)

    def labels(self, active: BoolArray) -> tuple[int, npt.NDArray[np.int32]]:
        """Number the clusters that active bonds (run, row, column, bond) join."""
        flat = active.reshape(-1)
        ends = self.ends[flat]
        of_site = flat.view(np.uint8).reshape(-1, 2)
        np.cumsum(of_site[:, 0] + of_site[:, 1], out=self.starts[1:])
        size = len(self.starts) - 1
        graph = csr_array((self.ones[: ends.size], ends, self.starts), shape=(size, size))
        count, cluster = connected_components(graph, directed=False)
        return int(count), cluster


def _initial(batch: LatticeBatch, chunk: slice) -> StateArray:
    extent, count = batch.linear_extent, batch.state_count
    drawn = [each.integers(count, size=(extent, extent)) for each in batch.generators[chunk]]
    ordered = batch.ordered[chunk, None, None]
    return np.where(ordered, 0, np.stack(drawn)).astype(np.int32)


def _state_shares(states: StateArray, state_count: int) -> FloatArray:
    run_count = len(states)
    flat = states.reshape(run_count, -1) + state_count * np.arange(run_count)[:, None]
    counts = np.bincount(flat.reshape(-1), minlength=run_count * state_count)
    shares: FloatArray = counts.reshape(run_count, state_count) / flat.shape[1]
    return shares
