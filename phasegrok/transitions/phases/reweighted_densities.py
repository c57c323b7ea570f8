"""Densities at any control from all records at once, where the energy was recorded."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self, final

import numpy as np

from phasegrok.statistics import MINIMUM_SHARED_SAMPLES, ragged_autocorrelation_time
from phasegrok.statistics.multistate import Multistate, solved, state_samples
from phasegrok.statistics.samples import FloatArray, IntArray
from phasegrok.transitions.chains import SizeChains
from phasegrok.transitions.density import Bins, DensitySurface, fit_surface
from phasegrok.transitions.phases.phase_densities import (
    Sides,
    block_lengths,
    drawn_blocks,
    phase_bins,
)

__all__ = ["ReweightedDensities", "reweighted_densities"]

_LEAST_EFFECTIVE: Final = 10.0
"""Effective records that must speak for a control beyond the outermost ones."""

_LEAST_SHARE: Final = 0.2
"""And so many of those that speak for the outermost one."""

_MOST_STEPS: Final = 20
_BINS_PER_WIDTH: Final = 2.0
"""Finer bins follow the noise, whose highest and lowest places make a barrier too high."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ReweightedDensities:
    """Densities from the records of several controls, each reweighted by its energy.

    Parameters
    ----------
    solution : Multistate
        Free energies at the controls; the term is the total energy.
    values : (sample,) array
        Order parameter, in the order of the solution's samples.
    bins : Bins
        Of the order parameter.
    index : (sample,) integer array
        Bin of each value.
    block_bounds : (block + 1,) integer array
        Where blocks begin among the samples.
    block_state : (block,) integer array
        State of each block.
    short : bool
        Whether blocks are shorter than ten autocorrelation times.
    interval : tuple of float
        Controls between which the records speak.
    start : (coefficient,) array or None
        Where the smoothing of the density begins.
    """

    solution: Multistate
    values: FloatArray
    bins: Bins
    index: IntArray
    block_bounds: IntArray
    block_state: IntArray
    short: bool
    interval: tuple[float, float] = (0.0, 0.0)
    start: FloatArray | None = None

    @property
    def records(self) -> IntArray:
        """Records in every bin, over all controls, (bin,)."""
        return np.bincount(self.index, minlength=self.bins.count)

    def _shares(self, control: float) -> FloatArray:
        """Weight of every sample at a control, (sample,), summing to one."""
        samples = self.solution.samples
        exponent = -control * samples.terms[0] - self.solution.log_density
        shares = samples.weights * np.exp(exponent - exponent.max())
        normalised: FloatArray = shares / shares.sum()
        return normalised

    def effective(self, control: float) -> float:
        """Effective records that speak for a control."""
        shares, weights = self._shares(control), self.solution.samples.weights
        used = weights > 0.0
        return 1.0 / float(np.sum(shares[used] ** 2 / weights[used]))

    def smoothed(self, control: float) -> DensitySurface:
        """Fit cubic splines to the log density at a control."""
        p = np.bincount(self.index, self._shares(control), self.bins.count)
        counts = np.asarray(self.effective(control) * p[None], dtype=np.float64)
        return fit_surface(counts, np.zeros(1), bins=self.bins, start=self.start)

    def log_probabilities(self, control: float) -> FloatArray:
        """Log probabilities of the bins at a control by cubic splines, (bin,)."""
        log_p: FloatArray = self.smoothed(control).log_probabilities(np.zeros(1))[0]
        return log_p

    def sides(self, control: float, *, cut: float) -> Sides:
        """Weights and means on either side of a cut, from records and not from bins."""
        shares = self._shares(control)
        upper = np.where(self.values > cut, shares, 0.0)
        lower = shares - upper
        tiny = np.finfo(np.float64).tiny
        return Sides(
            upper_weight=float(upper.sum()),
            lower_mean=float(lower @ self.values / max(lower.sum(), tiny)),
            upper_mean=float(upper @ self.values / max(upper.sum(), tiny)),
        )

    def resampled(self, generator: np.random.Generator) -> Self:
        """Return the densities of blocks drawn with replacement at every control."""
        drawn = np.zeros(self.block_state.size)
        for state in np.unique(self.block_state):
            members = np.flatnonzero(self.block_state == state)
            drawn[members] = drawn_blocks(members.size, generator)
        samples = self.solution.samples
        weights = samples.weights * np.repeat(drawn, np.diff(self.block_bounds))
        solution = solved(
            replace(samples, weights=weights), start=self.solution.inner_free_energy
        )
        return replace(self, solution=solution)


def reweighted_densities(size: SizeChains, energies: SizeChains) -> ReweightedDensities:
    """Join the records of one size, or of one disorder of it.

    Parameters
    ----------
    size : SizeChains
        The order parameter.
    energies : SizeChains
        The conjugate of the control per degree of freedom, chain by chain: U/T = control · N e
        up to what does not depend on the control.

    Returns
    -------
    ReweightedDensities
        Of the controls about the largest variance that share enough records with each other.

    Raises
    ------
    NoConvergenceError
        Where the free energies cannot be solved for.
    """
    kept = _connected(size, energies)
    values = _only(size, kept)
    solution = _solution(values, _only(energies, kept))
    bins = phase_bins(values, per_width=_BINS_PER_WIDTH)
    joined = np.concatenate([chain.values for chain in values.chains])
    lengths: list[int] = []
    state: list[int] = []
    shorts = []
    for number, control in enumerate(values.controls):
        time = 0.5 * float(solution.samples.inefficiency[number])
        blocks, short = block_lengths(values.at(float(control)), time=time)
        flat = [length for chain in blocks for length in chain]
        lengths += flat
        state += [number] * len(flat)
        shorts.append(short)
    index = ((joined - bins.edges[0]) // bins.width).astype(np.int64)
    made = ReweightedDensities(
        solution=solution,
        values=joined,
        bins=bins,
        index=np.clip(index, 0, bins.count - 1),
        block_bounds=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        block_state=np.array(state, dtype=np.int64),
        short=any(shorts),
    )
    middle = float(np.median(values.controls))
    return replace(
        made,
        interval=(_reach(made, state=0, step=-1.0), _reach(made, state=-1, step=1.0)),
        start=made.smoothed(middle).coefficients,
    )


def _reach(made: ReweightedDensities, *, state: int, step: float) -> float:
    """Farthest control beyond an outermost one for which enough records speak."""
    samples = made.solution.samples
    control = float(samples.coefficients[state, 0])
    number = state % len(samples.coefficients)
    width = float(samples.terms[0, samples.sample_state == number].std())
    least = max(_LEAST_EFFECTIVE, _LEAST_SHARE * made.effective(control))
    for _ in range(_MOST_STEPS if width > 0.0 else 0):
        further = control + 0.5 * step / width
        if made.effective(further) < least:
            break
        control = further
    return control


def _only(size: SizeChains, controls: FloatArray) -> SizeChains:
    kept = tuple(chain for chain in size.chains if chain.control in controls)
    return replace(size, chains=kept)


def _solution(size: SizeChains, energies: SizeChains) -> Multistate:
    inefficiency = {
        float(control): _inefficiency([size, energies], float(control))
        for control in size.controls
    }
    samples = state_samples(
        [energies.volume * chain.values[None] for chain in energies.chains],
        coefficients=[[chain.control] for chain in energies.chains],
        inefficiency=[inefficiency[chain.control] for chain in energies.chains],
    )
    return solved(samples)


def _inefficiency(quantities: Sequence[SizeChains], control: float) -> float:
    """2τ of the slower of order parameter and energy, from all chains at a control."""
    times = [
        float(ragged_autocorrelation_time([chain.values for chain in each.at(control)]).time)
        for each in quantities
    ]
    return max(1.0, 2.0 * max(times))


def _connected(size: SizeChains, energies: SizeChains) -> FloatArray:
    """Controls about the largest variance that records join."""
    controls = size.controls
    if controls.size < 2:
        return controls
    shared = _solution(size, energies).overlap.shared_samples
    joined = np.diagonal(shared, offset=1) >= MINIMUM_SHARED_SAMPLES
    group = np.concatenate([[0], np.cumsum(~joined)])
    variances = [size.pooled(float(control)).var() for control in controls]
    kept: FloatArray = controls[group == group[int(np.argmax(variances))]]
    return kept
