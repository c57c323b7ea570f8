"""Moments along the control by multistate reweighting, where the control multiplies an energy.

The weight of a state is exp(-g E). Samples are sorted into levels of the energy, fine enough
that the weight is constant in each, so that a bootstrap draw costs no more than the levels.
"""

from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np
from scipy.special import softmax

from phasegrok.errors import InsufficientSamplesError
from phasegrok.statistics import MINIMUM_SHARED_SAMPLES, Multistate, StateSamples, solved
from phasegrok.statistics.samples import FloatArray, IntArray, Status
from phasegrok.transitions.chains import SizeChains
from phasegrok.transitions.scaling.cells import POWERS, cell_moments, quantities_of

__all__ = ["EnergyLevels", "energy_levels", "reweighted_quantities"]

_BLOCK_TIMES: Final = 10.0
_FEWEST_LEVELS, _MOST_LEVELS = 200, 4000
_FINEST: Final = 0.05


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class EnergyLevels:
    """All samples of one size, sorted into states and levels of the energy.

    Parameters
    ----------
    states : StateSamples
        One sample for each occupied pair of state and level, with its effective number.
    pair : (sample,) integer array
        Pair of each sample of the chains.
    level : (pair,) integer array
        Level of each pair.
    energy : (level,) array
        Mean total energy of each level, less `StateSamples.centre`.
    powers : (power, sample) array
        (m - c)^k of each sample, k = 0...4.
    centre : float
        c, the mean of m over all samples.
    block : (sample,) integer array
        Block of each sample.
    block_state : (block,) integer array
        State of each block, ascending.
    weight : (sample,) array
        Effective samples that each counts as.
    """

    states: StateSamples
    pair: IntArray
    level: IntArray
    energy: FloatArray
    powers: FloatArray
    centre: float
    block: IntArray
    block_state: IntArray
    weight: FloatArray

    def drawn(self, generator: np.random.Generator) -> FloatArray:
        """Weights of the samples with the blocks of each state drawn again, (sample,)."""
        counts = np.bincount(self.block_state)
        times = [generator.multinomial(n, np.full(n, 1.0 / n)) for n in counts]
        drawn: FloatArray = self.weight * np.concatenate(times)[self.block]
        return drawn

    def solution(self, weight: FloatArray, start: Multistate | None = None) -> Multistate:
        """Free energies of the states for weights of the samples (sample,)."""
        total = np.bincount(self.pair, weights=weight, minlength=self.level.size)
        states = replace(self.states, weights=total.astype(np.float64))
        return solved(states, start=None if start is None else start.inner_free_energy)


def energy_levels(size: SizeChains, energies: SizeChains) -> EnergyLevels:
    """Sort the samples of one size.

    Parameters
    ----------
    size : SizeChains
        Order parameter.
    energies : SizeChains
        Energy per degree of freedom of the same runs.
    """
    controls = size.controls
    state_of = [int(np.searchsorted(controls, chain.control)) for chain in size.chains]
    times = np.array(
        [
            max(each.autocorrelation_time(float(g)) for each in (size, energies))
            for g in controls
        ]
    )
    lengths = [chain.values.size for chain in size.chains]
    state = np.repeat(state_of, lengths)
    energy = size.volume * np.concatenate([chain.values for chain in energies.chains])
    level, level_energy = _levels(energy, float(np.ptp(controls)))
    key, pair = np.unique(state * level_energy.size + level, return_inverse=True)
    block, block_state = _blocks(state_of, lengths, times)
    values = np.concatenate([chain.values for chain in size.chains])
    pair_level, pair_state = key % level_energy.size, key // level_energy.size
    centre, inefficiency = float(level_energy.mean()), np.maximum(1.0, 2.0 * times)
    middle = float(values.mean())
    states = StateSamples(
        coefficients=controls[:, np.newaxis],
        terms=(level_energy[pair_level] - centre)[np.newaxis],
        centre=np.array([centre]),
        run_bounds=np.searchsorted(pair_state, np.arange(controls.size + 1)).astype(np.int64),
        run_state=np.arange(controls.size, dtype=np.int64),
        inefficiency=inefficiency,
        weights=np.ones(key.size),
        status=np.full(controls.size, int(Status.RESOLVED), dtype=np.int64),
    )
    return EnergyLevels(
        states=states,
        pair=pair.astype(np.int64),
        level=pair_level.astype(np.int64),
        energy=level_energy - centre,
        powers=(values - middle) ** np.arange(POWERS + 1)[:, np.newaxis],
        centre=middle,
        block=block,
        block_state=block_state,
        weight=1.0 / inefficiency[state],
    )


def _levels(energy: FloatArray, width: float) -> tuple[IntArray, FloatArray]:
    """Level of each sample, and the mean energy of each level."""
    distinct, index = np.unique(energy, return_inverse=True)
    if distinct.size > _MOST_LEVELS:
        wanted = float(distinct[-1] - distinct[0]) * width / _FINEST
        count = int(np.clip(wanted, _FEWEST_LEVELS, _MOST_LEVELS))
        edges = np.linspace(distinct[0], distinct[-1], count + 1)[1:-1]
        _, index = np.unique(np.searchsorted(edges, energy), return_inverse=True)
    level = index.reshape(-1).astype(np.int64)
    return level, np.bincount(level, weights=energy) / np.bincount(level)


def _blocks(
    state_of: list[int], lengths: list[int], times: FloatArray
) -> tuple[IntArray, IntArray]:
    """Block of each sample and state of each block; chains are sorted by state."""
    block: list[IntArray] = []
    block_state: list[int] = []
    for state, length in zip(state_of, lengths, strict=True):
        wanted = max(1, int(np.ceil(_BLOCK_TIMES * times[state])))
        count = max(1, length // wanted)
        block.append(len(block_state) + np.arange(length, dtype=np.int64) * count // length)
        block_state += [state] * count
    return np.concatenate(block).astype(np.int64), np.array(block_state, dtype=np.int64)


def reweighted_quantities(
    levels: EnergyLevels,
    grid: FloatArray,
    *,
    resamples: int,
    generator: np.random.Generator,
) -> FloatArray:
    """Quantities along a grid of controls.

    Parameters
    ----------
    levels : EnergyLevels
        Samples of one size.
    grid : (control,) array
        Within the sampled controls.
    resamples : int
        Bootstrap draws.
    generator : numpy.random.Generator
        Of the draws.

    Returns
    -------
    (draw, quantity, control) array
        Of the samples themselves first, then of the draws.

    Raises
    ------
    InsufficientSamplesError
        Where neighbouring controls do not overlap.
    """
    solution = levels.solution(levels.weight)
    shared = min(
        (solution.overlap.shared_samples[p] for p in solution.overlap.weakest), default=0
    )
    if shared < MINIMUM_SHARED_SAMPLES:
        raise InsufficientSamplesError(
            "reweighting between neighbouring controls (of effective samples that they share)",
            required=int(MINIMUM_SHARED_SAMPLES),
            received=int(shared),
        )
    rows = [_read(levels, levels.weight, solution, grid)]
    for _ in range(resamples):
        weight = levels.drawn(generator)
        rows.append(_read(levels, weight, levels.solution(weight, solution), grid))
    return np.stack(rows)


def _read(
    levels: EnergyLevels, weight: FloatArray, solution: Multistate, grid: FloatArray
) -> FloatArray:
    count = levels.energy.size
    of_sample = levels.level[levels.pair]
    sums = np.stack(
        [
            np.bincount(of_sample, weights=weight * each, minlength=count)
            for each in levels.powers
        ],
        dtype=np.float64,
    )
    # ln Σ_k M_k e^(f_k - u_k) depends on a sample through its energy alone.
    log_density = np.zeros(count)
    log_density[levels.level] = solution.log_density
    with np.errstate(divide="ignore"):  # Levels that a draw left empty weigh nothing.
        log_weight = np.log(sums[0]) - log_density
    p = softmax(log_weight - grid[:, np.newaxis] * levels.energy, axis=1)
    moments = cell_moments(sums[1:], sums[0])
    return quantities_of(p, moments, centre=levels.centre, score=-levels.energy)
