"""Moments of the order parameter of every size as smooth functions of the control."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import xarray as xr

from phasegrok.errors import (
    InsufficientSamplesError,
    NoConvergenceError,
)
from phasegrok.statistics.samples import FloatArray
from phasegrok.transitions.chains import SizeChains, gather_chains
from phasegrok.transitions.energies import energy_beside
from phasegrok.transitions.scaling.cells import QUANTITIES
from phasegrok.transitions.scaling.reweighted_curves import energy_levels, reweighted_quantities
from phasegrok.transitions.scaling.surface_curves import surface_quantities, surface_reading

__all__ = ["MomentCurves", "curve_table", "moment_curves"]

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
        """One quantity of `cells.QUANTITIES`, (draw, control)."""
        values: FloatArray = self.draws[:, QUANTITIES.index(quantity)]
        return values

    @property
    def fluctuation(self) -> FloatArray:
        """N Var m, the mean over disorders within each, (draw, control)."""
        return self.volume * self.of("variance")

    @property
    def cumulant(self) -> FloatArray:
        """Binder cumulant 1 - ⟨m⁴⟩/(3⟨m²⟩²), (draw, control)."""
        cumulant: FloatArray = 1.0 - self.of("fourth") / (3.0 * self.of("second") ** 2)
        return cumulant

    @property
    def kurtosis(self) -> FloatArray:
        """⟨δ⁴⟩/⟨δ²⟩² with δ = m - ⟨m⟩, (draw, control)."""
        kurtosis: FloatArray = self.of("fourth_central") / self.of("variance") ** 2
        return kurtosis

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
    seeds = np.random.SeedSequence(seed).spawn(len(sizes))
    return tuple(
        _curves(each, its_energy, np.random.default_rng(its_seed))
        for each, its_energy, its_seed in zip(sizes, energies, seeds, strict=True)
    )


def curve_table(curves: Sequence[MomentCurves]) -> xr.Dataset:
    """Lay curves out with their errors, to be stored or drawn.

    Parameters
    ----------
    curves : sequence of MomentCurves
        One for each size.

    Returns
    -------
    Dataset
        Along ``size`` and ``place``: ``control``, and ``mean``, ``slope``, ``fluctuation``,
        ``cumulant`` and ``kurtosis`` with their ``_error`` by bootstrap; along ``size``:
        ``volume`` and ``refusal``.
    """
    columns: dict[str, list[FloatArray]] = {}
    for each in curves:
        read = {
            "mean": each.of("mean"),
            "slope": each.of("slope"),
            "fluctuation": each.fluctuation,
            "cumulant": each.cumulant,
            "kurtosis": each.kurtosis,
        }
        columns.setdefault("control", []).append(each.controls)
        for name, draws in read.items():
            columns.setdefault(name, []).append(draws[0])
            columns.setdefault(f"{name}_error", []).append(draws[1:].std(axis=0, ddof=1))
    return xr.Dataset(
        {name: (("size", "place"), np.stack(rows)) for name, rows in columns.items()},
        coords={
            "size": [each.size for each in curves],
            "volume": ("size", [each.volume for each in curves]),
            "refusal": ("size", [each.refusal for each in curves]),
        },
    )


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
