"""What loops and lifetimes say of a first-order transition."""

from typing import Final

import numpy as np
import xarray as xr
from scipy.special import expit

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.transitions.demands import real_numbers, require_dataset, require_variables
from phasegrok.transitions.escape.lifetime_tables import Arrhenius, arrhenius
from phasegrok.transitions.hysteresis.loop_laws import (
    CRITICAL,
    METASTABLE,
    compare_loop_laws,
)
from phasegrok.verdict.signatures import Signature
from phasegrok.verdict.weighing import LEAST_PREDICTIVE

__all__ = ["lifetime_signature", "loop_signature"]

_ALL_KNOWN: Final = 0.95
"""Probability that one of the two laws compared is true at all."""

_LARGEST_SCATTER: Final = 0.05
_STANDARD_ERRORS: Final = 3.0


def loop_signature(
    loops: xr.Dataset, *, size: str, dimension: int | None, seed: int
) -> Signature:
    """Read what loops of several sizes and rates say.

    Parameters
    ----------
    loops : Dataset
        Of `phasegrok.transitions.loops`.
    size : str
        Coordinate of the number of degrees of freedom.
    dimension : int or None
        None, since the laws are those of mean field: other loops say nothing.
    seed : int
        The only source of randomness.

    Returns
    -------
    Signature
        By `phasegrok.transitions.compare_loop_laws`; silent where neither law can be trusted.
    """
    require_dataset("a table of loops", loops)
    if dimension is not None:
        return _silent(
            "loops", "their laws are known here for mean field alone, not for droplets in space"
        )
    try:
        laws = compare_loop_laws(loops, seed=seed, size=size)
    except InsufficientSamplesError as error:
        return _silent("loops", str(error))
    likelier = laws.isel(model=0)
    if not (bool(laws["consistent"].all()) and float(likelier["reliable"]) > 0.0):
        return _silent("loops", "the chains of their fits are not reliable")
    if float(likelier["scatter"]) > _LARGEST_SCATTER:
        return _silent(
            "loops",
            f"the likelier law, {likelier['model'].item()}, misses their widths by "
            f"{float(likelier['scatter']):.0%}",
        )
    chance = {
        name: _ALL_KNOWN * float(laws["probability"].sel(model=name))
        for name in (METASTABLE, CRITICAL)
    }
    limit = laws.sel(model=METASTABLE)
    return Signature(
        name="loops",
        supports=chance[METASTABLE],
        opposes=chance[CRITICAL],
        grounds=(
            f"{laws.attrs['points']} loops follow the law of {likelier['model'].item()} "
            f"({float(likelier['probability']):.3f}); metastable phases would leave a width of "
            f"{float(limit['limit']):.3g}({float(limit['limit_error']):.2g})",
        ),
    )


def lifetime_signature(lifetimes: xr.Dataset, *, size: str, dimension: int | None) -> Signature:
    """Read what lifetimes at several sizes say.

    Parameters
    ----------
    lifetimes : Dataset
        Of `phasegrok.transitions.lifetimes`, at the transition, one point a size.
    size : str
        Coordinate of the size.
    dimension : int or None
        d where the size is a linear extent L: barriers grow as L^(d-1), the area of an
        interface; None where it is N, and they grow as N.

    Returns
    -------
    Signature
        ln τ that grows with the barrier of an interface supports, ln τ that grows with ln N
        opposes, by the difference of their χ²; silent where neither fits.
    """
    require_dataset("a table of lifetimes", lifetimes)
    require_variables("lifetimes", lifetimes, [size], dims=("point",), advice="group by it")
    numbers = real_numbers(f"the coordinate {size!r} of lifetimes", lifetimes[size].to_numpy())
    extent = lifetimes[size].copy(data=numbers)
    if not (np.isfinite(extent) & (extent > 0.0)).all():
        raise InvalidValueError(
            f"lifetimes need {size!r} to be positive and finite, received "
            f"{extent.to_numpy().tolist()}; leave out points without one."
        )
    area = extent if dimension is None else extent ** (dimension - 1)
    places = {"area": area, "logarithm": np.log(extent)}
    try:
        fits = {
            name: arrhenius(lifetimes.assign_coords(place=values), size="place")
            for name, values in places.items()
        }
    except InsufficientSamplesError as error:
        return _silent("lifetimes", str(error))
    if fits["area"].freedom < 1:
        return _silent("lifetimes", "three sizes are needed to tell a law from a line")
    return _lifetimes_weighed(fits["area"], fits["logarithm"])


def _lifetimes_weighed(exponential: Arrhenius, power: Arrhenius) -> Signature:
    best = max(exponential.predictive, power.predictive)
    if best < LEAST_PREDICTIVE:
        return _silent(
            "lifetimes", "they follow neither an exponential nor a power of the size"
        )
    chance = float(expit(0.5 * (power.chi_square - exponential.chi_square)))
    grows = exponential.barrier > _STANDARD_ERRORS * exponential.barrier_error
    return Signature(
        name="lifetimes",
        supports=_ALL_KNOWN * chance if grows else 0.0,
        opposes=_ALL_KNOWN * (1.0 - chance),
        grounds=(
            f"lifetimes grow exponentially with the size at {exponential.barrier:.3g}"
            f"({exponential.barrier_error:.2g}) per unit (χ² {exponential.chi_square:.1f}), as "
            f"its power {power.barrier:.2g} with χ² {power.chi_square:.1f}, both with "
            f"{power.freedom} degrees of freedom",
        ),
    )


def _silent(name: str, why: str) -> Signature:
    return Signature(
        name=name, supports=0.0, opposes=0.0, doubts=(f"the {name} say nothing: {why}",)
    )
