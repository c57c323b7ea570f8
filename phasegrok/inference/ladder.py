"""A ladder of tempered ensembles from the prior to the posterior."""

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Final, NamedTuple, final

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logsumexp

from phasegrok.errors import InvalidValueError, NoConvergenceError
from phasegrok.inference.priors import ParameterSpace
from phasegrok.inference.sampling import LogProbability, run_ensemble
from phasegrok.statistics.samples import FloatArray

__all__ = ["Ladder", "Schedule", "bennett", "climb"]

_MOST_ROUNDS: Final = 200
"""Of prior draws, until enough of them have a likelihood."""


@final
@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How a ladder from the prior to the posterior is climbed.

    Parameters
    ----------
    walkers : int
        Walkers of each rung.
    burn_in, steps : int
        Steps dropped and kept at each rung.
    overlap : float
        Each rung is placed so that the effective share of weights from the one below is
        this: (Σ w)² / (n Σ w²).
    most_rungs : int
        Rungs after which to give up.

    Raises
    ------
    InvalidValueError
        For fewer than 4 walkers, 2 steps or 1 rung, or an overlap outside (0, 1).
    """

    walkers: int = 100
    burn_in: int = 20
    steps: int = 30
    overlap: float = 0.4
    most_rungs: int = 80

    def __post_init__(self) -> None:
        counts = {"walkers": 4, "burn_in": 0, "steps": 2, "most_rungs": 1}
        given = {name: getattr(self, name) for name in (*counts, "overlap")}
        numbers = [
            isinstance(value, Integral if name in counts else Real)
            and not isinstance(value, bool)
            for name, value in given.items()
        ]
        if (
            not all(numbers)
            or any(given[name] < least for name, least in counts.items())
            or not 0.0 < self.overlap < 1.0
        ):
            message = (
                "a schedule needs walkers >= 4, burn_in >= 0, steps >= 2 and most_rungs >= 1, "
                f"all whole numbers, and 0 < overlap < 1, received {given}; change what is "
                "outside."
            )
            raise InvalidValueError(message)


@final
@dataclass(frozen=True, kw_only=True)
class Ladder:
    """One climb from the prior to the posterior.

    Parameters
    ----------
    inverse_temperatures : (rung,) array
        Powers of the likelihood, from 0 to 1.
    forward, reverse, balanced : float
        ln Z by stepping stones upwards, downwards, and by Bennett's acceptance ratio between
        neighbours [1]_, which uses both.
    standard_error : float
        Of the balanced estimate, from the spread between walkers.
    positions : (walker, parameter) array
        Last positions at the top, as starts of a posterior run.

    References
    ----------
    .. [1] Bennett, J. Comput. Phys. 22, 245 (1976); Xie et al., Syst. Biol. 60, 150 (2011).
    """

    inverse_temperatures: FloatArray
    forward: float
    reverse: float
    balanced: float
    standard_error: float
    positions: FloatArray


def _mean_exponential(exponents: FloatArray) -> float:
    return float(logsumexp(exponents) - np.log(exponents.size))


def bennett(upward: FloatArray, downward: FloatArray) -> float:
    """Log ratio of two normalisations from draws of both.

    Parameters
    ----------
    upward : (draw,) array
        Log density of the upper minus that of the lower law, at draws of the lower.
    downward : (draw,) array
        The same difference at draws of the upper.

    Returns
    -------
    float
        ln Z_upper - ln Z_lower; of least variance among estimates that use both [1]_.

    References
    ----------
    .. [1] Bennett, J. Comput. Phys. 22, 245 (1976).
    """
    shift = float(np.log(upward.size / downward.size))

    def excess(log_ratio: float) -> float:
        accepted_up = expit(upward - log_ratio - shift).sum()
        accepted_down = expit(log_ratio + shift - downward).sum()
        return float(accepted_up - accepted_down)

    # Beyond all differences every draw of one side is accepted and none of the other.
    margin = abs(shift) + 50.0
    differences = np.concatenate([upward, downward])
    possible = differences[np.isfinite(differences)]
    low, high = float(possible.min()) - margin, float(possible.max()) + margin
    return float(brentq(excess, low, high, xtol=1e-6))


def _next_inverse_temperature(log_likelihoods: FloatArray, now: float, overlap: float) -> float:
    centred = log_likelihoods.ravel() - np.max(log_likelihoods)

    def lack(step: float) -> float:
        effective = 2.0 * logsumexp(step * centred) - logsumexp(2.0 * step * centred)
        return float(effective - np.log(overlap * centred.size))

    if lack(1.0 - now) >= 0.0:
        return 1.0
    return now + float(brentq(lack, 0.0, 1.0 - now, xtol=1e-14, rtol=1e-6))


def _walker_error(upward: FloatArray, downward: FloatArray) -> float:
    """Squared error of one rung's ratio from its (step, walker) differences, by walkers."""
    errors = []
    for exponents in (upward, -downward):
        weights = np.exp(exponents - np.max(exponents)).mean(axis=0)
        errors.append(weights.var(ddof=1) / weights.size / weights.mean() ** 2)
    # The balanced estimate is at least as good as either alone.
    return float(min(errors))


@final
@dataclass(frozen=True, kw_only=True)
class _Rung:
    """Draws of one tempered law, and how they compare with the law of the rung below."""

    power: float
    chain: FloatArray  # (step, walker, parameter)
    log_likelihoods: FloatArray  # (step, walker)
    upward: FloatArray  # (step, walker) of the rung below
    downward: FloatArray  # (step, walker)


def _prior_rung(
    space: ParameterSpace,
    log_likelihood: LogProbability,
    schedule: Schedule,
    generator: np.random.Generator,
) -> tuple[_Rung, "_Support"]:
    """Draws of the prior where the likelihood is finite, and how much of it that is."""
    wanted = schedule.steps * schedule.walkers
    draws: list[FloatArray] = []
    values: list[FloatArray] = []
    inside = drawn = 0
    while inside < wanted and drawn < _MOST_ROUNDS * wanted:
        more = space.draw(wanted, generator)
        found = _checked(log_likelihood(more))
        possible = found > -np.inf
        draws.append(more[possible])
        values.append(found[possible])
        inside += int(np.count_nonzero(possible))
        drawn += wanted
    if inside < wanted:
        message = (
            f"the log likelihood must be finite somewhere, received {inside} finite values at "
            f"{drawn} prior draws, and {wanted} are needed; check the data and the range of "
            "the prior."
        )
        raise InvalidValueError(message)
    shape = (schedule.steps, schedule.walkers)
    rung = _Rung(
        power=0.0,
        chain=np.concatenate(draws)[:wanted].reshape(*shape, space.size),
        log_likelihoods=np.concatenate(values)[:wanted].reshape(shape),
        upward=np.zeros(shape),
        downward=np.zeros(shape),
    )
    return rung, _Support(inside, drawn)


class _Support(NamedTuple):
    """Prior draws at which the likelihood is finite, of all: a stone that has no way back."""

    inside: int
    drawn: int

    @property
    def log_share(self) -> float:
        """Ln of the share of the prior."""
        return float(np.log(self.inside / self.drawn))

    @property
    def squared_error(self) -> float:
        """Squared error of that, from the binomial law."""
        return (1.0 - self.inside / self.drawn) / self.inside


def _checked(values: FloatArray) -> FloatArray:
    if np.any(np.isnan(values)):
        message = "the log likelihood is not a number at a prior draw; return -inf instead."
        raise InvalidValueError(message)
    if np.any(np.isposinf(values)):
        message = (
            "the log likelihood must be below infinity, received inf at a prior draw; choose a "
            "prior that keeps away from where the density diverges."
        )
        raise InvalidValueError(message)
    return values


def _resample(below: _Rung, upward: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Pick as many different draws as there are walkers, by their weights one rung up."""
    # Adding Gumbel noise to log weights and keeping the largest samples without repeats.
    keys = upward.ravel() + generator.gumbel(size=upward.size)
    chosen = np.argpartition(keys, -upward.shape[1])[-upward.shape[1] :]
    picked: FloatArray = below.chain.reshape(upward.size, -1)[chosen]
    return picked


def _climb_one(
    space: ParameterSpace,
    log_likelihood: LogProbability,
    below: _Rung,
    schedule: Schedule,
    seed: np.random.SeedSequence,
) -> _Rung:
    power = _next_inverse_temperature(below.log_likelihoods, below.power, schedule.overlap)
    upward = (power - below.power) * below.log_likelihoods
    choice, moves = seed.spawn(2)

    def log_density(standard: FloatArray) -> FloatArray:
        return space.log_prior(standard) + power * log_likelihood(standard)

    start = _resample(below, upward, np.random.default_rng(choice))
    steps = schedule.burn_in + schedule.steps
    chain, densities, _ = run_ensemble(log_density, start, steps=steps, seed=moves)
    chain, densities = chain[schedule.burn_in :], densities[schedule.burn_in :]
    values = (densities - space.log_prior(chain)) / power
    return _Rung(
        power=power,
        chain=chain,
        log_likelihoods=values,
        upward=upward,
        downward=(power - below.power) * values,
    )


def _ladder(rungs: list[_Rung], support: "_Support") -> Ladder:
    steps, share = rungs[1:], support.log_share
    return Ladder(
        inverse_temperatures=np.array([rung.power for rung in rungs]),
        forward=share + sum(_mean_exponential(rung.upward) for rung in steps),
        reverse=share - sum(_mean_exponential(-rung.downward) for rung in steps),
        balanced=share
        + sum(bennett(rung.upward.ravel(), rung.downward.ravel()) for rung in steps),
        standard_error=float(
            np.sqrt(
                support.squared_error
                + sum(_walker_error(rung.upward, rung.downward) for rung in steps)
            )
        ),
        positions=rungs[-1].chain[-1],
    )


def climb(
    space: ParameterSpace,
    log_likelihood: LogProbability,
    *,
    seed: np.random.SeedSequence,
    schedule: Schedule | None = None,
) -> Ladder:
    """Climb from the prior to the posterior through tempered ensembles.

    Parameters
    ----------
    space : ParameterSpace
        Parameters with their prior, in standard coordinates.
    log_likelihood : callable
        Maps standard coordinates (walker, parameter) to log likelihoods (walker).
    seed : numpy.random.SeedSequence
        The only source of randomness.
    schedule : Schedule, optional
        Walkers, steps and spacing. Rungs are placed on the way.

    Returns
    -------
    Ladder
        Evidence estimates, their check, and positions drawn from the posterior.

    Raises
    ------
    InvalidValueError
        Where a prior draw has a likelihood that is not a number or infinite, or fewer than one
        of two hundred have one.
    NoConvergenceError
        Where the top is not reached within the rungs allowed; carries the power reached.
    """
    schedule = schedule or Schedule()
    first, *seeds = seed.spawn(schedule.most_rungs + 1)
    lowest, support = _prior_rung(space, log_likelihood, schedule, np.random.default_rng(first))
    rungs = [lowest]
    for rung_seed in seeds:
        rungs.append(_climb_one(space, log_likelihood, rungs[-1], schedule, rung_seed))
        if rungs[-1].power >= 1.0:
            return _ladder(rungs, support)
    message = (
        f"the ladder reached the power {rungs[-1].power:.3g} after {schedule.most_rungs} rungs "
        "instead of 1; allow more rungs or narrow the prior."
    )
    raise NoConvergenceError(message, estimate=rungs[-1].power)
