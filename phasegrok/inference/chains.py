"""Draws of a posterior, and how far they can be trusted."""

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, Self, final

import numpy as np
import xarray as xr

from phasegrok.errors import FormatError
from phasegrok.statistics.samples import FloatArray

__all__ = ["Chains", "Grade", "Health", "assess"]

WINDOW: Final = 5.0
"""The sum of correlations runs to this many autocorrelation times [Sokal 1997]."""


class Grade(StrEnum):
    """How far a chain can be trusted."""

    RELIABLE = "reliable"
    TENTATIVE = "tentative"
    UNUSABLE = "unusable"


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
