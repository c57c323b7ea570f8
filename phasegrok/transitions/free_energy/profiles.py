"""Free energies F(q) = -T ln p(q) from samples of many states, and from umbrella windows."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from phasegrok.errors import InvalidValueError
from phasegrok.statistics import ControlStates, Multistate
from phasegrok.statistics.multistate import sample_shares
from phasegrok.statistics.samples import FloatArray
from phasegrok.statistics.seeds import checked_seed
from phasegrok.transitions.demands import (
    finite_number,
    real_numbers,
    require_dataset,
    require_magnitude,
    require_variables,
)
from phasegrok.transitions.free_energy.wells import TwoWells, two_wells

__all__ = [
    "default_edges",
    "free_energy_profile",
    "log_density",
    "parts_of",
    "profile_wells",
    "spread_of",
]

BINS: Final = 60
MOST_MISSING: Final = 0.8
"""Share of the draws that must give a number for their spread to be an error."""

TAIL: Final = 1e-4
"""Share of the samples that bins by default leave out on either side."""


def free_energy_profile(
    states: ControlStates,
    coordinate: str | Sequence[str] | xr.DataArray,
    *,
    at: Mapping[str, float],
    edges: ArrayLike | None = None,
    seed: int,
    resamples: int = 50,
) -> xr.Dataset:
    """Estimate F(q) = -T ln p(q) at one point of control space, from all states at once.

    Parameters
    ----------
    states : ControlStates
        From `phasegrok.statistics.solve_controls`: a ladder of temperatures or controls, or
        windows under a bias κ/2 (q - q_i)², which ``umbrella=`` takes off.
    coordinate : str, sequence of str or DataArray
        Variable q, several whose sum it is, or an array on runs and records.
    at : mapping of str to float
        Temperature and every control, of the unbiased system.
    edges : (bin + 1,) array_like, optional
        Rising edges of bins; by default 60 of equal width over all samples but a few.
    seed : int
        Of the errors.
    resamples : int
        Draws of independent runs, or of blocks where a state has one run.

    Returns
    -------
    Dataset
        Along ``bin``: ``free_energy``, with p normalised over the bins, so that its constant
        is no more than that; infinite in empty bins; ``error``; ``draws`` (resample, bin).
        Coordinates ``coordinate``, the middle, ``lower_edge`` and ``upper_edge``. Attributes:
        ``temperature``, the controls, ``error_units``.

    Raises
    ------
    InvalidValueError
        For edges that do not rise or hold no sample, fewer than two resamples, or controls
        without meaning.
    """
    coefficients = states.coefficients(at)
    if len(coefficients) != 1:
        raise InvalidValueError(
            f"a profile is taken at one point, received {len(coefficients)}; call it for each."
        )
    if resamples < 2:
        raise InvalidValueError(
            f"a profile needs at least 2 resamples, received {resamples}; 50 suit an error."
        )
    values = states.samples_of(coordinate)
    borders = _checked_edges(default_edges(values) if edges is None else edges, values)
    heat = float(at["temperature"])
    generator = np.random.default_rng(checked_seed(seed))
    free = -heat * log_density(states.solution, values, borders, coefficients)
    draws = np.stack(
        [
            -heat * log_density(states.redrawn(generator), values, borders, coefficients)
            for _ in range(resamples)
        ]
    )
    error = np.array([spread_of(column) for column in draws.T])
    return xr.Dataset(
        {
            "free_energy": ("bin", free),
            "error": ("bin", error),
            "draws": (("resample", "bin"), draws),
        },
        coords={
            "coordinate": ("bin", 0.5 * (borders[1:] + borders[:-1])),
            "lower_edge": ("bin", borders[:-1]),
            "upper_edge": ("bin", borders[1:]),
        },
        attrs={name: float(at[name]) for name in states.controls}
        | {"error_units": states.error_units},
    )


def profile_wells(profile: xr.Dataset) -> xr.Dataset:
    """Read wells, barriers and weights of two phases off a profile, with errors.

    Parameters
    ----------
    profile : Dataset
        Of `free_energy_profile`.

    Returns
    -------
    Dataset
        The fields of `TwoWells` with ``barrier_up`` and ``barrier_down``, each with
        ``_error``, the standard deviation over the draws, and ``missing``, the share of draws
        that have one well only: where it is not small, two wells are not sure.

    Raises
    ------
    InvalidValueError
        Where the profile has one well.
    """
    edges, free, draws, heat = parts_of(profile)
    found = two_wells(edges, free, temperature=heat)
    if found is None:
        raise InvalidValueError(
            "the profile has one well, two are needed; take controls nearer to the transition, "
            "or another coordinate."
        )
    others = [two_wells(edges, row, temperature=heat) for row in draws]
    drawn = [_numbers(each) for each in others if each is not None]
    numbers: dict[str, float] = {}
    for name, value in _numbers(found).items():
        column = np.array([each[name] for each in drawn])
        numbers |= {name: value, f"{name}_error": spread_of(column)}
    missing = 1.0 - len(drawn) / len(others)
    return xr.Dataset({**numbers, "missing": missing}, attrs=profile.attrs)


def log_density(
    solution: Multistate, values: FloatArray, edges: FloatArray, coefficients: FloatArray
) -> FloatArray:
    """Logarithm of the density of a coordinate in bins, normalised over them.

    Parameters
    ----------
    solution : Multistate
        Solved states.
    values : (sample,) array
        The coordinate.
    edges : (bin + 1,) array
        Of the bins.
    coefficients : (1, control) array
        Where.

    Returns
    -------
    (bin,) array
        -inf in empty bins.
    """
    shares = sample_shares(solution, coefficients=coefficients)[0]
    mass, _ = np.histogram(values, bins=edges, weights=shares)
    with np.errstate(divide="ignore"):
        logarithm: FloatArray = np.log(mass / mass.sum() / np.diff(edges))
    return logarithm


def spread_of(drawn: FloatArray) -> float:
    """Standard deviation over the draws that give a number; NaN where one in five does not."""
    known = drawn[np.isfinite(drawn)]
    if known.size < 2 or known.size < MOST_MISSING * drawn.size:
        return np.nan
    return float(known.std(ddof=1))


def default_edges(values: FloatArray) -> FloatArray:
    """Sixty bins of equal width over all values but a few on either side."""
    low, high = np.quantile(values, [TAIL, 1.0 - TAIL])
    return np.linspace(low, high, BINS + 1)


def parts_of(profile: xr.Dataset) -> tuple[FloatArray, FloatArray, FloatArray, float]:
    """Take a profile apart.

    Parameters
    ----------
    profile : Dataset
        Of `free_energy_profile`.

    Returns
    -------
    (bin + 1,), (bin,) and (resample, bin) arrays, and float
        Edges, free energy, its draws, and the temperature.

    Raises
    ------
    FormatError
        Where a part is missing.
    InvalidValueError
        For edges that do not rise, or free energies that are no numbers.
    """
    require_dataset("a profile", profile)
    names = ("lower_edge", "upper_edge", "free_energy")
    advice = "make it by free_energy_profile"
    require_variables("profiles", profile, names, dims=("bin",), advice=advice)
    require_variables("profiles", profile, ["draws"], dims=("resample", "bin"), advice=advice)
    lower, upper, free = (real_numbers(name, profile[name].to_numpy()) for name in names)
    draws = real_numbers("draws", profile["draws"].to_numpy())
    heat = finite_number("the temperature", profile.attrs.get("temperature"), positive=True)
    edges = np.concatenate([lower[:1], upper])
    numbers = np.concatenate([free[np.newaxis], draws])
    sound = np.isfinite(numbers).any(axis=1).all() and not np.isnan(numbers).any()
    sound = sound and len(draws) > 0
    if not sound or (numbers == -np.inf).any() or not _rise(edges):
        raise InvalidValueError(
            "a profile needs rising edges and free energies that are numbers, or infinite in "
            f"empty bins, received others in {free.size} bins; {advice}."
        )
    require_magnitude("a free energy", numbers / heat)
    return edges, free, draws, heat


def _rise(edges: FloatArray) -> bool:
    return bool(np.isfinite(edges).all() and (np.diff(edges) > 0.0).all())


def _checked_edges(edges: ArrayLike, values: FloatArray) -> FloatArray:
    borders = real_numbers("edges", edges)
    if borders.ndim != 1 or borders.size < 4 or not _rise(borders):
        raise InvalidValueError(
            f"edges must be at least 4 rising numbers, received {np.shape(edges)}; give the "
            "borders of the bins."
        )
    if not ((values >= borders[0]) & (values <= borders[-1])).any():
        raise InvalidValueError(
            f"bins from {borders[0]:g} to {borders[-1]:g} hold no sample of those between "
            f"{values.min():g} and {values.max():g}; move them."
        )
    return borders


def _numbers(wells: TwoWells) -> dict[str, float]:
    fields = {name: float(getattr(wells, name)) for name in wells.__dataclass_fields__}
    return fields | {"barrier_up": wells.barrier_up, "barrier_down": wells.barrier_down}
