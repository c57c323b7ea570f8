"""Escape over a barrier of F(q) by diffusion along q: mean first passage times.

A projection onto one coordinate can only lower a barrier's resistance, since the true flux
chooses its own saddle: what follows from F(q) is a lower bound of the lifetime, reached where q
is the reaction coordinate.
"""

from collections.abc import Callable

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from phasegrok.errors import InvalidValueError
from phasegrok.statistics.samples import FloatArray
from phasegrok.transitions.demands import finite_number, real_numbers
from phasegrok.transitions.free_energy.profiles import parts_of, spread_of
from phasegrok.transitions.free_energy.wells import TwoWells, two_wells

__all__ = [
    "escape_from_profile",
    "kramers_time",
    "mean_first_passage_time",
    "norm_diffusion",
]

Diffusion = Callable[[FloatArray], FloatArray]


def norm_diffusion(temperature: float) -> Diffusion:
    """Diffusion of q = ½|θ|² under overdamped Langevin dynamics, D(q) = 2Tq.

    Parameters
    ----------
    temperature : float
        T, above zero.

    Returns
    -------
    callable
        Of q, in its unit squared per unit of time: dθ = -∇U dt + √(2T) dW gives dq the noise
        √(2T) θ·dW, of variance 2 · 2Tq dt.
    """
    heat = finite_number("temperature", temperature, positive=True)

    def diffusion(q: FloatArray) -> FloatArray:
        return 2.0 * heat * q

    return diffusion


def mean_first_passage_time(
    edges: ArrayLike,
    free_energy: ArrayLike,
    *,
    temperature: float,
    diffusion: Diffusion,
    start: float,
    exit_coordinate: float,
) -> float:
    """Mean time of the diffusion in F to first reach another coordinate.

    Parameters
    ----------
    edges : (bin + 1,) array_like
        Rising; the ends reflect.
    free_energy : (bin,) array_like
        F of the bins, in units of energy up to a constant; infinite where nothing is.
    temperature : float
        T.
    diffusion : callable
        D of coordinates (bin,).
    start, exit_coordinate : float
        Within the bins; the exit may lie on either side.

    Returns
    -------
    float
        τ = ∫ dy e^(F(y)/T)/D(y) ∫ dz e^(-F(z)/T), y from the start to the exit and z behind
        y [1]_, the density being constant within each bin. Infinite where a bin on the way is
        empty.

    Raises
    ------
    InvalidValueError
        For bins without meaning, a start or an exit outside of them, or a diffusion that is
        not positive.

    References
    ----------
    .. [1] Pontryagin, Andronov and Vitt, Zh. Eksp. Teor. Fiz. 3, 165 (1933).
    """
    borders, free = _checked(edges, free_energy)
    heat = finite_number("temperature", temperature, positive=True)
    ends = real_numbers("start and exit", [start, exit_coordinate])
    inside = (ends >= borders[0]) & (ends <= borders[-1])
    if not inside.all() or ends[0] == ends[1]:
        raise InvalidValueError(
            f"start and exit must differ and lie within the bins, from {borders[0]:g} to "
            f"{borders[-1]:g}, received {start!r} and {exit_coordinate!r}."
        )
    if ends[1] < ends[0]:
        # The same with the coordinate turned round.
        return mean_first_passage_time(
            -borders[::-1],
            free[::-1],
            temperature=heat,
            diffusion=lambda q: diffusion(-q),
            start=-float(ends[0]),
            exit_coordinate=-float(ends[1]),
        )
    # Bins are split at both ends.
    fine = np.unique(np.concatenate([borders, ends]))
    width, middle = np.diff(fine), 0.5 * (fine[1:] + fine[:-1])
    scaled = free[np.searchsorted(borders, middle) - 1] / heat
    scaled = scaled - scaled.min()
    speed = real_numbers("the diffusion", diffusion(middle))
    on_way = (middle > ends[0]) & (middle < ends[1])
    if speed.shape != middle.shape or not (speed[on_way] > 0.0).all():
        raise InvalidValueError(
            "the diffusion must be positive at every coordinate on the way, received "
            f"{np.atleast_1d(speed).ravel()[:3].tolist()}; give a function of the coordinate."
        )
    mass = np.exp(-scaled) * width
    behind = np.cumsum(mass) - 0.5 * mass
    with np.errstate(over="ignore"):
        parts = width[on_way] * np.exp(scaled[on_way]) * behind[on_way] / speed[on_way]
    return float(parts.sum())


def kramers_time(
    wells: TwoWells, *, temperature: float, diffusion: Diffusion, up: bool
) -> float:
    """Kramers' mean time over the barrier, for barriers of many temperatures.

    Parameters
    ----------
    wells : TwoWells
        From `wells.two_wells`.
    temperature : float
        T.
    diffusion : callable
        D of coordinates.
    up : bool
        Whether the way leads from the lower minimum to the upper one.

    Returns
    -------
    float
        2π T e^(ΔF/T)/(D √(F'' |F''_saddle|)), D at the saddle [1]_; NaN where a curvature is
        not known.

    References
    ----------
    .. [1] Kramers, Physica 7, 284 (1940).
    """
    curvature = wells.lower_curvature if up else wells.upper_curvature
    barrier = wells.barrier_up if up else wells.barrier_down
    product = -curvature * wells.saddle_curvature
    if not product > 0.0:
        return np.nan
    speed = float(np.asarray(diffusion(np.array([wells.saddle])))[0])
    return float(
        2.0 * np.pi * temperature * np.exp(barrier / temperature) / speed / product**0.5
    )


def escape_from_profile(
    profile: xr.Dataset,
    *,
    diffusion: Diffusion,
    up: bool,
    start: float | None = None,
    exit_coordinate: float | None = None,
) -> xr.Dataset:
    """Bound the lifetime of a phase by the diffusion along a coordinate.

    Parameters
    ----------
    profile : Dataset
        Of `profiles.free_energy_profile`.
    diffusion : callable
        D(q); for q = ½|θ|² that of `norm_diffusion`.
    up : bool
        Whether the escape is from the lower well.
    start, exit_coordinate : float, optional
        By default the minima of the two wells.

    Returns
    -------
    Dataset
        ``time`` by the double integral, ``kramers`` by Kramers' formula, ``barrier``, each
        with ``_error`` over the draws; ``start``, ``exit_coordinate``. A *lower bound* of the
        lifetime, for kinetics in which D is right, unless q is the reaction coordinate [1]_.

    Raises
    ------
    InvalidValueError
        Where the profile has one well, or see `mean_first_passage_time`.

    References
    ----------
    .. [1] Zwanzig, Nonequilibrium Statistical Mechanics (2001), ch. 4; Berezhkovskii and Szabo,
       J. Chem. Phys. 135, 074108 (2011).
    """
    edges, estimate, draws, heat = parts_of(profile)
    wells = two_wells(edges, estimate, temperature=heat)
    if wells is None:
        raise InvalidValueError(
            "an escape needs a profile with two wells, received one; take controls at which "
            "both phases are stable."
        )
    minima = (wells.lower, wells.upper) if up else (wells.upper, wells.lower)
    ends = (
        minima[0] if start is None else start,
        minima[1] if exit_coordinate is None else exit_coordinate,
    )

    def numbers(free: FloatArray) -> tuple[float, float, float]:
        time = mean_first_passage_time(
            edges,
            free,
            temperature=heat,
            diffusion=diffusion,
            start=ends[0],
            exit_coordinate=ends[1],
        )
        each = two_wells(edges, free, temperature=heat)
        if each is None:
            return time, np.nan, np.nan
        barrier = each.barrier_up if up else each.barrier_down
        return time, kramers_time(each, temperature=heat, diffusion=diffusion, up=up), barrier

    names = ("time", "kramers", "barrier")
    found = dict(zip(names, numbers(estimate), strict=True))
    drawn = np.array([numbers(row) for row in draws])
    found |= {f"{n}_error": spread_of(each) for n, each in zip(names, drawn.T, strict=True)}
    return xr.Dataset(
        {**found, "start": float(ends[0]), "exit_coordinate": float(ends[1])},
        attrs={**profile.attrs, "meaning": "lower bound of the lifetime"},
    )


def _checked(edges: ArrayLike, free_energy: ArrayLike) -> tuple[FloatArray, FloatArray]:
    borders, free = real_numbers("edges", edges), real_numbers("free energies", free_energy)
    sound = borders.ndim == 1 and free.shape == (borders.size - 1,)
    if not sound or not (np.diff(borders) > 0.0).all() or not np.isfinite(borders).all():
        raise InvalidValueError(
            f"a free energy needs rising edges, one more than bins, received {borders.shape} "
            f"and {free.shape}."
        )
    if np.isnan(free).any() or not np.isfinite(free).any() or (free == -np.inf).any():
        raise InvalidValueError(
            "free energies must be numbers, or infinite where nothing is, received others; "
            "leave out what is not known."
        )
    return borders, free
