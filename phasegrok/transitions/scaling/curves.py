"""Moments of the order parameter of every size as smooth functions of the control."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
import xarray as xr

from phasegrok.errors import (
    InsufficientSamplesError,
    InvalidValueError,
    NoConvergenceError,
    did_you_mean,
)
from phasegrok.statistics.samples import FloatArray
from phasegrok.statistics.seeds import checked_seed
from phasegrok.transitions.chains import SizeChains, gather_chains
from phasegrok.transitions.energies import energy_beside
from phasegrok.transitions.scaling.cells import QUANTITIES
from phasegrok.transitions.scaling.reweighted_curves import energy_levels, reweighted_quantities
from phasegrok.transitions.scaling.surface_curves import surface_quantities, surface_reading

__all__ = ["MomentCurves", "moment_curves"]

_GRID: Final = 241
_RESAMPLES: Final = 120
_FEWEST_CONTROLS: Final = 3


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class MomentCurves:
    """Moments of one size along the control.

    Parameters
    ----------
    size, volume : float
        As given, and the number N of degrees of freedom.
    controls : (control,) array
        Equally spaced over what was sampled.
    draws : (draw, quantity, control) array
        In the order of `cells.QUANTITIES`: of the samples first, then of bootstrap draws over
        blocks of chains, or over disorders. NaN where the samples cannot say.
    refusal : str
        Why they cannot say anything; empty where they can.
    """

    size: float
    volume: float
    controls: FloatArray
    draws: FloatArray
    refusal: str = ""

    def of(self, quantity: str) -> FloatArray:
        """One quantity of `cells.QUANTITIES`, (draw, control); another name is refused."""
        if quantity not in QUANTITIES:
            raise InvalidValueError(
                f"there is no quantity {quantity!r} along the control."
                + did_you_mean(quantity, QUANTITIES)
            )
        values: FloatArray = self.draws[:, QUANTITIES.index(quantity)]
        return values

    @property
    def fluctuation(self) -> FloatArray:
        """N Var m, the mean over disorders within each, (draw, control)."""
        return self.volume * self.of("variance")

    @property
    def cumulant(self) -> FloatArray:
        """Binder cumulant 1 - ⟨m⁴⟩/(3⟨m²⟩²), (draw, control); NaN where m is zero."""
        return 1.0 - _over_square(self.of("fourth"), self.of("second"), factor=3.0)

    @property
    def kurtosis(self) -> FloatArray:
        """⟨δ⁴⟩/⟨δ²⟩² with δ = m - ⟨m⟩, (draw, control); NaN where nothing fluctuates."""
        return _over_square(self.of("fourth_central"), self.of("variance"), factor=1.0)

    def at(self, values: FloatArray, controls: FloatArray) -> FloatArray:
        """Values (draw, control) read at other controls, straight between neighbours."""
        return np.stack([np.interp(controls, self.controls, row) for row in values])


def moment_curves(
    samples: xr.DataArray,
    *,
    control: str,
    size: str,
    dimension: int | None,
    energy: xr.DataArray | None = None,
    seed: int = 0,
) -> tuple[MomentCurves, ...]:
    """Read the moments of every size along the control.

    Parameters
    ----------
    samples : DataArray
        See `chains.gather_chains`, also for what is raised.
    control, size : str
        Coordinates on ``run``.
    dimension : int or None
        Of space, where the size is a linear extent L, N = L^d; None where it is N.
    energy : DataArray, optional
        Energy e per degree of freedom on the same runs and records. With it curves are made by
        multistate reweighting, for which a state must weigh exp(-N e g), g the control: an
        inverse temperature, not a temperature. Without it they are read off a smooth surface of
        densities, and controls far from the largest variance may be left out.
    seed : int
        Of the bootstrap draws.

    Returns
    -------
    tuple of MomentCurves
        Sorted by size. With two or more disorders curves are averages over them, and the draws
        resample disorders. A size that cannot be read has a refusal.

    Raises
    ------
    InvalidValueError
        For an energy that does not belong to the samples.
    """
    sizes = gather_chains(samples, control=control, size=size, dimension=dimension)
    energies: list[SizeChains | None] = [None] * len(sizes)
    if energy is not None:
        beside = energy_beside(samples, energy)
        energies = list(gather_chains(beside, control=control, size=size, dimension=dimension))
    seeds = np.random.SeedSequence(checked_seed(seed)).spawn(len(sizes))
    return tuple(
        _curves(each, its_energy, np.random.default_rng(its_seed))
        for each, its_energy, its_seed in zip(sizes, energies, seeds, strict=True)
    )


def _over_square(fourth: FloatArray, second: FloatArray, *, factor: float) -> FloatArray:
    """Ratio of a fourth moment to the square of a second one."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = fourth / (factor * second**2)
    return np.where(np.isfinite(ratio), ratio, np.nan)


def _curves(
    size: SizeChains, energies: SizeChains | None, generator: np.random.Generator
) -> MomentCurves:
    disorders = size.disorders
    try:
        if len(disorders) == 1:
            grid, draws = _one_disorder(size, energies, generator, resamples=_RESAMPLES)
        else:
            pairs = [
                (size.of_disorder(k), None if energies is None else energies.of_disorder(k))
                for k in disorders
            ]
            grid, draws = _averaged(pairs, generator)
    except (InsufficientSamplesError, NoConvergenceError) as reason:
        grid = np.linspace(size.controls[0], size.controls[-1], _GRID)
        draws = np.full((1 + _RESAMPLES, len(QUANTITIES), _GRID), np.nan)
        return MomentCurves(
            size=size.size, volume=size.volume, controls=grid, draws=draws, refusal=str(reason)
        )
    return MomentCurves(size=size.size, volume=size.volume, controls=grid, draws=draws)


def _one_disorder(
    size: SizeChains,
    energies: SizeChains | None,
    generator: np.random.Generator,
    *,
    resamples: int,
) -> tuple[FloatArray, FloatArray]:
    if size.controls.size < _FEWEST_CONTROLS:
        raise InsufficientSamplesError(
            "a curve along the control (of controls)",
            required=_FEWEST_CONTROLS,
            received=size.controls.size,
        )
    if not any(np.ptp(chain.values) > 0.0 for chain in size.chains):
        raise InsufficientSamplesError(
            "a curve along the control (of different values in one chain)",
            required=2,
            received=1,
        )
    if energies is not None:
        grid = np.linspace(size.controls[0], size.controls[-1], _GRID)
        levels = energy_levels(size, energies)
        draws = reweighted_quantities(levels, grid, resamples=resamples, generator=generator)
    else:
        reading = surface_reading(size)
        grid = np.linspace(*reading.window, _GRID)
        draws = surface_quantities(reading, grid, resamples=resamples, generator=generator)
    return grid, draws


def _averaged(
    pairs: list[tuple[SizeChains, SizeChains | None]], generator: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Average over disorders on the controls that all of them share."""
    each = [_one_disorder(a, e, generator, resamples=0) for a, e in pairs]
    low, high = max(grid[0] for grid, _ in each), min(grid[-1] for grid, _ in each)
    if not low < high:
        raise InsufficientSamplesError(
            "an average over disorders (of controls that all disorders share)",
            required=_FEWEST_CONTROLS,
            received=0,
        )
    common = np.linspace(low, high, _GRID)
    curves = np.stack(
        [[np.interp(common, grid, row) for row in draws[0]] for grid, draws in each]
    )
    count = len(each)
    shares = generator.multinomial(count, np.full(count, 1.0 / count), size=_RESAMPLES) / count
    weights = np.concatenate([np.full((1, count), 1.0 / count), shares])
    return common, np.einsum("dk,kqc->dqc", weights, curves)
