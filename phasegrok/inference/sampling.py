"""The one place that runs emcee: seeded, several moves, several starts, health graded."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, Self, TypeAlias, final

import emcee
import numpy as np
import xarray as xr

from phasegrok.errors import FormatError, InvalidValueError
from phasegrok.inference.priors import FloatArray

__all__ = [
    "Budget",
    "Chains",
    "Grade",
    "Health",
    "LogProbability",
    "assess",
    "ensemble_seeds",
    "run_ensemble",
    "sample",
]

LogProbability: TypeAlias = Callable[[FloatArray], FloatArray]
"""Maps coordinates (walker, parameter) to log densities (walker)."""

DIFFERENTIAL_EVOLUTION_SHARE: Final = 0.7
"""Share of differential-evolution moves; the rest are stretch moves."""


WINDOW: Final = 5.0
"""The sum of correlations runs to this many autocorrelation times [Sokal 1997]."""


class Grade(StrEnum):
    """How far a chain can be trusted."""

    RELIABLE = "reliable"
    TENTATIVE = "tentative"
    UNUSABLE = "unusable"


@final
@dataclass(frozen=True, kw_only=True)
class Budget:
    """When to stop.

    Parameters
    ----------
    effective_samples : float
        Stop once the slowest parameter has as many and the chains are reliable.
    block : int
        Steps between two looks at the autocorrelation time.
    most_steps : int
        Steps of one ensemble at which to stop in any case.
    burn_in : int
        Steps dropped at the start of every ensemble.
    """

    effective_samples: float = 1000.0
    block: int = 200
    most_steps: int = 4000
    burn_in: int = 100

    def __post_init__(self) -> None:
        if self.block < 10 or self.most_steps < self.block or self.burn_in < 0:
            message = (
                "a budget needs block >= 10, most_steps >= block and burn_in >= 0, received "
                f"block={self.block}, most_steps={self.most_steps}, burn_in={self.burn_in}; "
                "enlarge what is too small."
            )
            raise InvalidValueError(message)


@final
@dataclass(frozen=True, kw_only=True)
class Health:
    """Numbers that say whether chains have converged, and the grade that they earn.

    Parameters
    ----------
    autocorrelation_time : float, steps
        Largest over parameters of 1 + 2 Σ ρ(t) (emcee's convention, twice the τ_int used in
        Monte Carlo), averaged over walkers.
    effective_samples : float
        All kept draws divided by that time.
    acceptance : float
        Mean accepted fraction.
    start_agreement : float
        Largest over parameters of R̂ between the halves of independently started
        ensembles: 1 where they agree [1]_.
    steps : int
        Steps kept of each ensemble.

    References
    ----------
    .. [1] Gelman and Rubin, Statistical Science 7, 457 (1992).
    """

    autocorrelation_time: float
    effective_samples: float
    acceptance: float
    start_agreement: float
    steps: int

    def _within(self, *, agreement: float, effective: float, times: float) -> bool:
        return (
            self.start_agreement < agreement
            and self.effective_samples >= effective
            and self.steps >= times * self.autocorrelation_time
        )

    @property
    def grade(self) -> Grade:
        """Reliable, tentative or unusable, by thresholds on all numbers at once."""
        reliable = self._within(agreement=1.05, effective=400.0, times=10.0)
        if reliable and 0.1 < self.acceptance < 0.9:
            return Grade.RELIABLE
        tentative = self._within(agreement=1.2, effective=100.0, times=3.0)
        return Grade.TENTATIVE if tentative and self.acceptance > 0.02 else Grade.UNUSABLE

    def __str__(self) -> str:
        return (
            f"{self.grade}: {self.effective_samples:.0f} effective samples, autocorrelation "
            f"time {self.autocorrelation_time:.0f} of {self.steps} steps, acceptance "
            f"{self.acceptance:.2f}, agreement between starts {self.start_agreement:.3f}"
        )


@final
@dataclass(frozen=True, kw_only=True)
class Chains:
    """Draws of a posterior.

    Parameters
    ----------
    draws : xarray.Dataset
        One variable (chain, draw) per parameter; a chain is one independently started
        ensemble, its draws all walkers of the kept steps, walker fastest.
    health : Health
        Whether they may be used.
    walkers : int
        Walkers of an ensemble.
    """

    draws: xr.Dataset
    health: Health
    walkers: int

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return tuple(str(name) for name in self.draws.data_vars)

    def flat(self) -> FloatArray:
        """Return all draws as (draw, parameter)."""
        columns = [self.draws[name].values.ravel() for name in self.names]
        return np.stack(columns, axis=-1)

    def to_dataset(self) -> xr.Dataset:
        """Return draws and health as one dataset that netCDF can hold."""
        numbers: dict[str, Any] = {
            name: getattr(self.health, name) for name in Health.__dataclass_fields__
        }
        return self.draws.assign_attrs(
            numbers, grade=str(self.health.grade), walkers=self.walkers
        )

    @classmethod
    def from_dataset(cls, dataset: xr.Dataset) -> Self:
        """Rebuild what `to_dataset` returned.

        Raises
        ------
        FormatError
            Where an attribute that tells the health is missing.
        """
        missing = [name for name in Health.__dataclass_fields__ if name not in dataset.attrs]
        if missing or "walkers" not in dataset.attrs:
            message = (
                f"a dataset of chains needs the attributes of their health, {missing} are "
                "missing; write it with Chains.to_dataset."
            )
            raise FormatError(message)
        numbers = {name: float(dataset.attrs[name]) for name in Health.__dataclass_fields__}
        health = replace(Health(**numbers), steps=int(numbers["steps"]))  # type: ignore[arg-type]
        draws = dataset.copy().drop_attrs(deep=False)
        return cls(draws=draws, health=health, walkers=int(dataset.attrs["walkers"]))


def ensemble_seeds(seed: int, count: int) -> list[np.random.SeedSequence]:
    """Derive independent seeds of several ensembles from one."""
    return np.random.SeedSequence(seed).spawn(count)


def run_ensemble(
    log_probability: LogProbability,
    start: FloatArray,
    *,
    steps: int,
    seed: np.random.SeedSequence,
) -> tuple[FloatArray, FloatArray, float]:
    """Run one ensemble of emcee for a number of steps.

    Parameters
    ----------
    log_probability : callable
        Maps coordinates (walker, parameter) to log densities (walker).
    start : (walker, parameter) array
        Where the walkers begin; at least twice as many walkers as parameters.
    steps : int
        Number of steps.
    seed : numpy.random.SeedSequence
        The only source of randomness; numpy's global state is neither read for the moves
        nor changed.

    Returns
    -------
    coordinates : (step, walker, parameter) array
        Positions after each step.
    log_densities : (step, walker) array
        Log densities there.
    acceptance : float
        Mean accepted fraction.
    """
    walkers, size = start.shape
    moves = [
        (emcee.moves.DEMove(), DIFFERENTIAL_EVOLUTION_SHARE),
        (emcee.moves.StretchMove(), 1.0 - DIFFERENTIAL_EVOLUTION_SHARE),
    ]
    sampler = emcee.EnsembleSampler(walkers, size, log_probability, vectorize=True, moves=moves)
    # emcee ignores a state that it cannot use, so a test holds that seeds decide the draws.
    sampler.random_state = np.random.MT19937(seed).state
    sampler.run_mcmc(start, steps, skip_initial_state_check=True)
    acceptance = float(np.mean(sampler.acceptance_fraction))
    return sampler.get_chain(), sampler.get_log_prob(), acceptance


def _split_agreement(chains: FloatArray) -> float:
    """R̂ of (ensemble, step, walker, parameter) chains, each cut in halves."""
    half = chains.shape[1] // 2
    pieces = np.concatenate([chains[:, :half], chains[:, half : 2 * half]])
    pieces = pieces.reshape(pieces.shape[0], -1, pieces.shape[-1])
    within = pieces.var(axis=1, ddof=1).mean(axis=0)
    between = pieces.mean(axis=1).var(axis=0, ddof=1)
    return float(np.sqrt(np.max((within + between) / within)))


def _autocorrelation_time(chains: FloatArray) -> float:
    """1 + 2 Σ ρ(t) in steps, of one parameter's (ensemble, step, walker) chains."""
    steps = chains.shape[1]
    # The mean of all walkers is subtracted, not each one's own as emcee does: short chains
    # would otherwise seem to decorrelate up to twice faster than they do.
    centred = chains - chains.mean()
    spectrum = np.fft.rfft(centred, n=2 * steps, axis=1)
    power = np.mean(np.abs(spectrum) ** 2, axis=(0, 2))
    correlation = np.fft.irfft(power)[:steps] / (steps - np.arange(steps))
    sums = 2.0 * np.cumsum(correlation / correlation[0]) - 1.0
    # emcee's own search takes the window 0 where none is long enough: a time of 1 step.
    long_enough = np.arange(steps) >= WINDOW * sums
    return float(sums[np.argmax(long_enough) if np.any(long_enough) else -1])


def assess(chains: FloatArray, acceptance: float) -> Health:
    """Grade the chains of several independently started ensembles.

    Parameters
    ----------
    chains : (ensemble, step, walker, parameter) array
        Kept steps.
    acceptance : float
        Mean accepted fraction.

    Returns
    -------
    Health
        With its grade.
    """
    ensembles, steps, walkers, _ = chains.shape
    if not np.all(np.ptp(chains, axis=(1, 2)) > 0):
        return Health(
            autocorrelation_time=math.inf,
            effective_samples=0.0,
            acceptance=acceptance,
            start_agreement=math.inf,
            steps=steps,
        )
    times = [_autocorrelation_time(chains[..., index]) for index in range(chains.shape[-1])]
    slowest = max(1.0, *times)
    return Health(
        autocorrelation_time=slowest,
        effective_samples=ensembles * steps * walkers / slowest,
        acceptance=acceptance,
        start_agreement=_split_agreement(chains),
        steps=steps,
    )


def _grow(
    log_probability: LogProbability, starts: FloatArray, budget: Budget, seed: int
) -> Iterator[tuple[FloatArray, Health]]:
    """Lengthen all ensembles block by block; yield what is kept so far and its health."""
    positions, kept, rates = starts, [], []
    looks = math.ceil(budget.most_steps / budget.block)
    seeds = iter(ensemble_seeds(seed, (looks + 1) * len(starts)))

    def advance(steps: int) -> FloatArray:
        nonlocal positions
        runs = [
            run_ensemble(log_probability, p, steps=steps, seed=next(seeds)) for p in positions
        ]
        positions = np.stack([run[0][-1] for run in runs])
        rates.append(float(np.mean([run[2] for run in runs])))
        return np.stack([run[0] for run in runs])

    if budget.burn_in:
        advance(budget.burn_in)
        rates.clear()
    for _ in range(looks):
        kept.append(advance(budget.block))
        chains = np.concatenate(kept, axis=1)
        yield chains, assess(chains, float(np.mean(rates)))


def _refuse_bad_starts(
    log_probability: LogProbability, starts: FloatArray, names: tuple[str, ...]
) -> None:
    if starts.ndim != 3 or starts.shape[-1] != len(names):
        message = (
            f"starts must be (ensemble, walker, {len(names)} parameters), received shape "
            f"{starts.shape}; give one column per name."
        )
        raise InvalidValueError(message)
    if starts.shape[0] < 2 or starts.shape[1] < max(2 * len(names), 4):
        message = (
            "at least 2 ensembles of twice as many walkers as parameters are needed, "
            f"received {starts.shape[0]} of {starts.shape[1]}; add starts."
        )
        raise InvalidValueError(message)
    finite = [bool(np.all(np.isfinite(log_probability(start)))) for start in starts]
    if not all(finite):
        message = (
            "every walker must start where the log probability is finite, ensembles "
            f"{[i for i, good in enumerate(finite) if not good]} do not; draw the starts from "
            "the prior."
        )
        raise InvalidValueError(message)


def sample(
    log_probability: LogProbability,
    starts: FloatArray,
    *,
    names: tuple[str, ...],
    seed: int,
    budget: Budget | None = None,
) -> Chains:
    """Sample a density by several independently started ensembles of emcee.

    Parameters
    ----------
    log_probability : callable
        Maps coordinates (walker, parameter) to log densities (walker), up to a constant.
    starts : (ensemble, walker, parameter) array
        Where the walkers begin. Wide apart, so that agreement of the ensembles means
        something.
    names : tuple of str
        Names of the parameters.
    seed : int
        The only source of randomness.
    budget : Budget, optional
        When to stop.

    Returns
    -------
    Chains
        Draws, and their health: chains that did not converge are graded, not refused.

    Raises
    ------
    InvalidValueError
        Where the starts have the wrong shape, are too few, or lie where the density is not
        finite.

    References
    ----------
    .. [1] Goodman and Weare, Comm. App. Math. Comp. Sci. 5, 65 (2010).
    .. [2] ter Braak, Statistics and Computing 16, 239 (2006).
    """
    budget = budget or Budget()
    _refuse_bad_starts(log_probability, starts, names)
    for chains, health in _grow(log_probability, starts, budget, seed):  # noqa: B007
        enough = health.effective_samples >= budget.effective_samples
        if enough and health.grade is Grade.RELIABLE:
            break
    flat = chains.reshape(chains.shape[0], -1, len(names))
    variables = {name: (("chain", "draw"), flat[..., i]) for i, name in enumerate(names)}
    return Chains(draws=xr.Dataset(variables), health=health, walkers=starts.shape[1])
