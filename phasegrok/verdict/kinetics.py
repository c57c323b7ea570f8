"""What loops and lifetimes say of a first-order transition."""

from dataclasses import replace
from typing import Final

import numpy as np
import xarray as xr

from phasegrok.errors import InsufficientSamplesError
from phasegrok.transitions.demands import require_magnitude
from phasegrok.transitions.hysteresis.loop_laws import (
    CRITICAL,
    METASTABLE,
    compare_loop_laws,
)
from phasegrok.transitions.hysteresis.loop_tables import LoopStatus
from phasegrok.verdict.kinetic_tables import lifetime_columns, width_columns
from phasegrok.verdict.lifetime_laws import LifetimeLaws, weigh_lifetimes
from phasegrok.verdict.signatures import Signature
from phasegrok.verdict.weighing import LEAST_PREDICTIVE, SURE

__all__ = ["lifetime_signature", "loop_signature"]

_ALL_KNOWN: Final = 0.95
"""Probability that one of the two laws compared is true at all."""

_LARGEST_SCATTER: Final = 0.05
_STANDARD_ERRORS: Final = 3.0
_FEWEST_SIZES: Final = 3


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
        By `phasegrok.transitions.compare_loop_laws`. Widths that follow the law of metastable
        phases support where they stay open by three errors; silent where neither law can be
        trusted, or a branch up switches before the branch down by three errors.

    Raises
    ------
    FormatError, InvalidValueError
        See `phasegrok.verdict.kinetic_tables.width_columns`.
    """
    volume, rate, width, error, status = width_columns(loops, size=size)
    if dimension is not None:
        return _silent(
            "loops", "their laws are known here for mean field alone, not for droplets in space"
        )
    whole = (status == LoopStatus.WHOLE) & (error > 0.0) & np.isfinite(width)
    least = float((width[whole] / error[whole]).min(initial=0.0))
    if least < -_STANDARD_ERRORS:
        return _silent(
            "loops",
            f"a width is negative by {-least:.1f} of its errors: the order parameter leads the "
            "control instead of lagging behind",
        )
    if whole.any() and not width[whole].any():
        return _silent("loops", "every width is zero, so that there is no loop")
    try:
        laws = compare_loop_laws(loops, seed=seed, size=size)
    except InsufficientSamplesError as fault:
        return _silent("loops", str(fault))
    data = (
        f"{np.count_nonzero(whole)} loops of {np.unique(volume[whole]).size} sizes and "
        f"{np.unique(rate[whole]).size} rates"
    )
    found = _loops_weighed(laws, data)
    return _with_doubt(found, int(np.count_nonzero(~whole)), ("loop", "without a width"))


def _loops_weighed(laws: xr.Dataset, data: str) -> Signature:
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
    metastable = laws.sel(model=METASTABLE)
    limit, limit_error = float(metastable["limit"]), float(metastable["limit_error"])
    stays = limit > _STANDARD_ERRORS * limit_error
    critical = laws.sel(model=CRITICAL)
    course = (
        f"leave a width of {limit:.3g}({limit_error:.2g})"
        if chance[METASTABLE] >= chance[CRITICAL]
        else f"close as the power {float(critical['exponent']):.2f}"
        f"({float(critical['exponent_error']):.2g}) of the rate"
    )
    closes = (
        "the loops do not support a first-order transition: the law of metastable phases "
        f"leaves a width of {limit:.3g}({limit_error:.2g}), not above {_STANDARD_ERRORS:g} "
        "errors"
    )
    return Signature(
        name="loops",
        supports=chance[METASTABLE] if stays else 0.0,
        opposes=chance[CRITICAL],
        grounds=(
            f"{data} {course}, by the law of {likelier['model'].item()} "
            f"({float(likelier['probability']):.3f} probable)",
        ),
        doubts=() if stays or chance[METASTABLE] < chance[CRITICAL] else (closes,),
    )


def lifetime_signature(lifetimes: xr.Dataset, *, size: str, dimension: int | None) -> Signature:
    """Read what lifetimes at several sizes say.

    Parameters
    ----------
    lifetimes : Dataset
        Of `phasegrok.transitions.lifetimes`, one point a size: that nearest to the
        transition.
    size : str
        Coordinate of the size.
    dimension : int or None
        d where the size is a linear extent L: barriers grow as L^(d-1), the area of an
        interface; None where it is N, and they grow as N.

    Returns
    -------
    Signature
        A barrier beside a free power of the size supports, such a power alone opposes, by
        `phasegrok.verdict.lifetime_laws`; silent where neither fits or fewer than three sizes
        have escapes.

    Raises
    ------
    FormatError, InvalidValueError
        See `phasegrok.verdict.kinetic_tables.lifetime_columns`.
    """
    extent, value, escapes = lifetime_columns(lifetimes, size=size)
    if dimension == 1:
        return _silent("lifetimes", "in one dimension no barrier grows with the size")
    seen = escapes > 0.0
    count = int(np.count_nonzero(seen))
    if count < _FEWEST_SIZES:
        return _silent(
            "lifetimes",
            f"{_FEWEST_SIZES} sizes with escapes are needed to tell a law, received {count}",
        )
    # In units of the smallest, whose powers are numbers.
    volume = (extent[seen] / extent[seen].min()) ** (1 if dimension is None else dimension)
    require_magnitude("sizes over the smallest", volume)
    laws = weigh_lifetimes(
        volume,
        value[seen],
        escapes=escapes[seen],
        exponent=1.0 if dimension is None else (dimension - 1) / dimension,
    )
    found = _lifetimes_weighed(laws, count)
    return _with_doubt(found, int(np.count_nonzero(~seen)), ("size", "without escapes"))


def _lifetimes_weighed(laws: LifetimeLaws, count: int) -> Signature:
    slope = f"{laws.power:.2f}({laws.power_error:.2g})"
    margin = _STANDARD_ERRORS * laws.power_error
    if laws.power > margin:
        course = f"grow as the power {slope} of the number of degrees of freedom"
    else:
        course = f"do not grow with the size: {'they fall ' if laws.power < -margin else ''}"
        course += f"as its power {slope}"
    if laws.predictive < LEAST_PREDICTIVE:
        return _silent(
            "lifetimes",
            "they follow neither a power of the size nor one with a barrier (p = "
            f"{laws.predictive:.1g}); at best they {course}",
        )
    supports, opposes = _ALL_KNOWN * laws.chance, _ALL_KNOWN * (1.0 - laws.chance)
    if laws.chance >= 0.5:
        course = (
            f"grow with a barrier of {laws.barrier:.2g}({laws.barrier_error:.2g}) at the "
            "largest size, beside a power of the size"
        )
    open_still = (
        "the lifetimes do not decide whether a barrier grows with the size: the probability is "
        f"{supports:.2f} for it and {opposes:.2f} against it"
    )
    return Signature(
        name="lifetimes",
        supports=supports,
        opposes=opposes,
        grounds=(f"lifetimes of {count} sizes {course}; a barrier is {supports:.3f} probable",),
        doubts=() if max(supports, opposes) >= SURE else (open_still,),
    )


def _silent(name: str, why: str) -> Signature:
    return Signature(
        name=name, supports=0.0, opposes=0.0, doubts=(f"the {name} say nothing: {why}",)
    )


def _with_doubt(found: Signature, count: int, what: tuple[str, str]) -> Signature:
    """Tell how many of what, without what, were left out."""
    if not count:
        return found
    things = f"{count} {what[0]}{'s' * (count > 1)} {what[1]}"
    were = "were" if count > 1 else "was"
    doubt = f"of the {found.name}, {things} {were} left out"
    return replace(found, doubts=(*found.doubts, doubt))
