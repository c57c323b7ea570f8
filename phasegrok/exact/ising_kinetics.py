"""Single-spin dynamics of the two-dimensional Ising model in a field: quenches, metastability.

H = -Σ s_i s_j - h Σ s_i over nearest neighbours of the periodic square lattice. A sweep updates
all spins of one colour of the checkerboard, whose fields do not depend on each other, then all
of the other; each colour's update leaves exp(-βH) invariant. One sweep is one unit of time.

Only the heat bath is marked as physical kinetics. Metropolis' rule flips every spin that costs
nothing with certainty, and in the order of a checkerboard such flips do not diffuse: measured
after a quench to β = 1.5, the energy of the domain walls falls about as 1/t, where the heat
bath shows the t^(-1/2) of curvature-driven growth.

References
----------
Allen and Cahn, Acta Metallurgica 27, 1085 (1979).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self, final

import numpy as np
import numpy.typing as npt
import xarray as xr
from numpy.typing import ArrayLike
from scipy.special import expit

from phasegrok.errors import InvalidValueError
from phasegrok.exact.chains import Chains
from phasegrok.exact.checking import FloatArray, points, whole_number
from phasegrok.exact.ising import ising_variables
from phasegrok.exact.labels import RunLabels, Source
from phasegrok.exact.square_lattice import lattice_dataset, lattice_runs
from phasegrok.exact.uniforms import uniform_sweeps
from phasegrok.schema import Symmetry

__all__ = ["glauber", "metropolis"]

SpinArray = npt.NDArray[np.int8]
UpProbability = Callable[[FloatArray, FloatArray], FloatArray]

NEIGHBOUR_SUMS = np.arange(-4.0, 5.0, 2.0)
SPINS = np.array([-1.0, 1.0])
# Sites of the runs that are updated together, so that they stay in the processor's cache.
CHUNK_SITES = 2**15


def metropolis(
    *,
    linear_extent: int,
    inverse_temperature: ArrayLike,
    field: ArrayLike = 0.0,
    chains: Chains,
    seed: int,
) -> xr.Dataset:
    """Sample spins that flip with probability min(1, e^(-βΔH)), on a checkerboard.

    Parameters
    ----------
    linear_extent : int
        Sites L along an edge: even, so that the checkerboard closes.
    inverse_temperature : array_like
        β, above zero; broadcast against the field.
    field : array_like
        h of the energy.
    chains : Chains
        Schedule; ``starts`` are "hot" (every spin drawn), "up" and "down".
    seed : int
        Chains with equal labels (L, β, h, start, replica) are equal in every call.

    Returns
    -------
    Dataset
        On (run, record): ``energy``, H per site with the field's part; ``magnetization``, the
        mean spin; ``order_parameter``, its magnitude. Coordinates ``inverse_temperature``,
        ``field``, ``linear_extent``, ``size`` (L²); ``physical_kinetics`` is 0, since
        time has a meaning only for `glauber`.

    Raises
    ------
    InvalidValueError
        For sizes, controls or counts without meaning, or more than fits into memory.

    References
    ----------
    .. [1] Metropolis et al., J. Chem. Phys. 21, 1087 (1953).
    """
    controls = _controls(inverse_temperature, field)
    source = Source(
        system="ising_metropolis", seed=seed, integrator="metropolis", physical_kinetics=False
    )
    return _single_spin_dynamics(linear_extent, controls, chains, source, _metropolis_up)


def glauber(
    *,
    linear_extent: int,
    inverse_temperature: ArrayLike,
    field: ArrayLike = 0.0,
    chains: Chains,
    seed: int,
) -> xr.Dataset:
    """Follow spins that are drawn anew from the Boltzmann law in the field of their neighbours.

    This is the heat bath: a spin is up with probability 1/(1 + e^(-2β(Σ s_j + h))), whatever
    it was. Quenches and the escape from a metastable state have a meaning in its time.

    Parameters
    ----------
    linear_extent : int
        Sites along an edge, even.
    inverse_temperature, field : array_like
        Controls, broadcast against each other.
    chains : Chains
        Schedule; ``starts`` are "hot", "up" and "down". Keep ``discarded_sweeps`` at 0 to
        see a quench or an escape from its beginning.
    seed : int
        Chains with equal labels are equal in every call.

    Returns
    -------
    Dataset
        As of `metropolis`; ``physical_kinetics`` is 1.

    Raises
    ------
    InvalidValueError
        See `metropolis`.

    References
    ----------
    .. [1] Glauber, J. Math. Phys. 4, 294 (1963).
    """
    controls = _controls(inverse_temperature, field)
    source = Source(
        system="ising_glauber", seed=seed, integrator="glauber", physical_kinetics=True
    )
    return _single_spin_dynamics(linear_extent, controls, chains, source, _glauber_up)


def _controls(inverse_temperature: ArrayLike, field: ArrayLike) -> list[dict[str, float]]:
    return points(
        {"inverse_temperature": inverse_temperature, "field": field},
        positive=["inverse_temperature"],
    )


def _metropolis_up(beta_field: FloatArray, spin: FloatArray) -> FloatArray:
    flip = np.exp(np.minimum(0.0, -2.0 * beta_field * spin))
    return np.where(spin > 0, 1.0 - flip, flip)


def _glauber_up(beta_field: FloatArray, spin: FloatArray) -> FloatArray:
    probability: FloatArray = expit(2.0 * beta_field + 0.0 * spin)
    return probability


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class _Spins:
    """The two colours of the checkerboard, (run, row, half column) each.

    Column 2k + (row + colour) mod 2 of the lattice is half column k. Neighbours above and
    below are the same half column of the other colour.
    """

    colours: tuple[SpinArray, SpinArray]

    def neighbour_sums(self, colour: int) -> SpinArray:
        """Sum of the four neighbours of each site of a colour."""
        other = self.colours[1 - colour]
        total = np.roll(other, 1, axis=1) + np.roll(other, -1, axis=1) + other
        # The second neighbour in the row is to the left or the right by turns.
        left, right = (colour, 1 - colour)
        total[:, left::2] += np.roll(other[:, left::2], 1, axis=2)
        total[:, right::2] += np.roll(other[:, right::2], -1, axis=2)
        return total

    def replaced(self, colour: int, spins: SpinArray) -> Self:
        """Give one colour new spins."""
        first, second = self.colours
        return type(self)(colours=(spins, second) if colour == 0 else (first, spins))

    def magnetization(self) -> FloatArray:
        """Mean spin, (run,)."""
        first, second = (each.mean(axis=(1, 2)) for each in self.colours)
        mean: FloatArray = (first + second) / 2
        return mean

    def bond_energy(self) -> FloatArray:
        """-Σ s_i s_j per site, (run,): every bond has one end of the first colour."""
        products = self.colours[0] * self.neighbour_sums(0)
        energy: FloatArray = -products.mean(axis=(1, 2)) / 2
        return energy


def _single_spin_dynamics(
    linear_extent: int,
    controls: list[dict[str, float]],
    chains: Chains,
    source: Source,
    up_probability: UpProbability,
) -> xr.Dataset:
    extent = whole_number("linear_extent", linear_extent, minimum=2)
    if extent % 2:
        raise InvalidValueError(
            f"linear_extent must be even for a periodic checkerboard, received {extent}."
        )
    chains.require_starts(("hot", "up", "down"))
    runs = lattice_runs(controls, chains, extent)
    beta, field = (
        np.array([run.controls[name] for run in runs])
        for name in ("inverse_temperature", "field")
    )
    local = beta[:, None, None] * (field[:, None, None] + NEIGHBOUR_SUMS)
    # (run, spin, neighbour sum): everything that a rule depends on.
    table = up_probability(local, SPINS[:, None])
    magnetization, bond_energy = _records(source, runs, table, chains.steps())
    symmetry = Symmetry.NONE if field.any() else Symmetry.SIGN
    energy = bond_energy - field[:, None] * magnetization
    variables = ising_variables(energy, magnetization, symmetry=symmetry)
    return lattice_dataset(source, runs, chains, variables)


def _records(
    source: Source, runs: list[RunLabels], table: FloatArray, step: npt.NDArray[np.int64]
) -> tuple[FloatArray, FloatArray]:
    """Magnetization and energy of the bonds per site, (run, record) each."""
    extent = int(runs[0].controls["linear_extent"])
    magnetization, energy = np.empty((2, len(runs), len(step)))
    length = max(1, CHUNK_SITES // extent**2)
    for chunk in (slice(at, at + length) for at in range(0, len(runs), length)):
        generators = [source.generator(run.plain()) for run in runs[chunk]]
        start = _start(runs[chunk], extent, generators)
        sweeps = enumerate(_sweeps(start, table[chunk], generators))
        for record, wanted in enumerate(step):
            spins = next(state for sweep, state in sweeps if sweep == wanted)
            magnetization[chunk, record] = spins.magnetization()
            energy[chunk, record] = spins.bond_energy()
    return magnetization, energy


def _start(
    runs: Sequence[RunLabels], extent: int, generators: Sequence[np.random.Generator]
) -> _Spins:
    drawn = np.stack([each.random((2, extent, extent // 2)) for each in generators])
    # A spin is up where its number lies below the share of spins that start up.
    share = np.array([{"hot": 0.5, "up": 1.0, "down": 0.0}[run.start] for run in runs])
    spins = np.where(drawn < share[:, None, None, None], 1, -1).astype(np.int8)
    return _Spins(colours=(spins[:, 0], spins[:, 1]))


def _sweeps(
    spins: _Spins, table: FloatArray, generators: Sequence[np.random.Generator]
) -> Iterator[_Spins]:
    """Yield the spins before the first sweep and after each."""
    shape = spins.colours[0].shape
    half = shape[1] * shape[2]
    flat = table.reshape(-1)
    # Entry of (run, spin down, neighbour sum 0) in the flat table.
    middle = np.arange(len(table), dtype=np.int32)[:, None, None] * 10 + 2
    for uniform in uniform_sweeps(generators, 2 * half):
        yield spins
        for colour in (0, 1):
            place = (spins.neighbour_sums(colour) >> 1) + 5 * (spins.colours[colour] > 0)
            numbers = uniform[:, colour * half : (colour + 1) * half].reshape(shape)
            up = numbers < flat[middle + place]
            spins = spins.replaced(colour, 2 * up.view(np.int8) - 1)
