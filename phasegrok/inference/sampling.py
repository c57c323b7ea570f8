"""The one place that runs emcee: seeded, several moves, several starts, within a budget."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias, final

import emcee
import numpy as np
import xarray as xr

from phasegrok.errors import InvalidValueError
from phasegrok.inference.chains import Chains, Grade, Health, assess
from phasegrok.statistics.kinds import real_numbers
from phasegrok.statistics.samples import FloatArray
from phasegrok.statistics.seeds import checked_seed

__all__ = ["Budget", "LogProbability", "log_numbers", "run_ensemble", "sample"]

LogProbability: TypeAlias = Callable[[FloatArray], FloatArray]
"""Maps coordinates (walker, parameter) to log densities (walker)."""

DIFFERENTIAL_EVOLUTION_SHARE: Final = 0.7
"""Share of differential-evolution moves; the rest are stretch moves."""


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

    Raises
    ------
    InvalidValueError
        Where a block is shorter than ten steps or longer than all, or the burn-in negative.
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


def log_numbers(name: str, values: object, shape: tuple[int, ...]) -> FloatArray:
    """Take what a user's function of walkers returns.

    Parameters
    ----------
    name : str
        For the error message.
    values : array_like
        Should be real numbers.
    shape : tuple of int
        That of the walkers.

    Returns
    -------
    array
        The same numbers; NaN and infinities pass.

    Raises
    ------
    InvalidValueError
        For anything but real numbers, or another shape.
    """
    numbers = real_numbers(name, values, advice="return one number for each walker")
    if numbers.shape != shape:
        raise InvalidValueError(
            f"{name} must be numbers of shape {shape}, one for each walker, received shape "
            f"{numbers.shape}; sum over the data alone."
        )
    return numbers


def fewest_walkers(size: int) -> int:
    """Walkers that the moves need: two in each half, and not fewer than span the space."""
    return max(2 * size, 4)


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

    Raises
    ------
    InvalidValueError
        For fewer walkers than twice the parameters, or than four.
    """
    walkers, size = start.shape
    if walkers < fewest_walkers(size):
        raise InvalidValueError(
            f"an ensemble needs at least {fewest_walkers(size)} walkers for {size} parameters, "
            f"received {walkers}; add walkers."
        )
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


def _grow(
    log_probability: LogProbability, starts: FloatArray, budget: Budget, seed: int
) -> Iterator[tuple[FloatArray, Health]]:
    """Lengthen all ensembles block by block; yield what is kept so far and its health."""
    positions, kept, rates = starts, [], []
    looks = math.ceil(budget.most_steps / budget.block)
    seeds = iter(np.random.SeedSequence(seed).spawn((looks + 1) * len(starts)))

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
    if starts.shape[0] < 2 or starts.shape[1] < fewest_walkers(len(names)):
        message = (
            "at least 2 ensembles of twice as many walkers as parameters are needed, "
            f"received {starts.shape[0]} of {starts.shape[1]}; add starts."
        )
        raise InvalidValueError(message)
    found = [
        log_numbers("the log probability", log_probability(start), start.shape[:1])
        for start in starts
    ]
    finite = [bool(np.all(np.isfinite(each))) for each in found]
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
        finite; or where the density is not one real number for each walker.

    References
    ----------
    .. [1] Goodman and Weare, Comm. App. Math. Comp. Sci. 5, 65 (2010).
    .. [2] ter Braak, Statistics and Computing 16, 239 (2006).
    """
    budget = budget or Budget()
    _refuse_bad_starts(log_probability, starts, names)
    seed = checked_seed(seed)
    for chains, health in _grow(log_probability, starts, budget, seed):  # noqa: B007
        enough = health.effective_samples >= budget.effective_samples
        if enough and health.grade is Grade.RELIABLE:
            break
    flat = chains.reshape(chains.shape[0], -1, len(names))
    variables = {name: (("chain", "draw"), flat[..., i]) for i, name in enumerate(names)}
    return Chains(draws=xr.Dataset(variables), health=health, walkers=starts.shape[1])
