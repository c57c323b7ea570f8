"""A coordinate in the double well U(x) = a (x² - 1)² - h x at temperature T, drawn exactly."""

from collections.abc import Callable
from math import ceil, pi, sqrt

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from phasegrok.errors import InvalidValueError
from phasegrok.exact.checking import (
    FloatArray,
    finite_number,
    points,
    require_positive,
    whole_number,
)
from phasegrok.exact.continuous_law import ContinuousLaw
from phasegrok.exact.labels import Source, laid_out
from phasegrok.exact.limits import moderate_positive
from phasegrok.exact.samples import Observed, require_dataset_memory, samples_dataset
from phasegrok.schema import Symmetry

__all__ = ["double_well", "double_well_escape_time", "double_well_law"]

# exp(-45) = 3e-20: what lies beyond is below double precision.
TAIL = 45.0
# Cells of a quarter of the width of a well, √(T/8a).
CELLS_PER_WIDTH = 4
LARGEST_BARRIER = 1e8
# Its exponential over any barrier is a number still.
LARGEST_EXPONENT = 500.0


def double_well(
    *,
    barrier: float,
    temperature: ArrayLike,
    field: ArrayLike = 0.0,
    record_count: int,
    replica_count: int = 1,
    seed: int,
) -> xr.Dataset:
    """Draw p(x) ∝ exp(-U(x)/T) independently, by the inverse of its distribution function.

    With N = 1/T as the size, the change of the field through zero is first-order: the minima
    near ±1 exchange their weights.

    Parameters
    ----------
    barrier : float
        a, the height of the barrier at h = 0; above zero.
    temperature : array_like
        T, above zero; broadcast against the field.
    field : array_like
        h.
    record_count : int
        Independent draws per run.
    replica_count : int
        Runs per point.
    seed : int
        Runs with equal labels (a, T, h, replica) are equal in every call.

    Returns
    -------
    Dataset
        On (run, record): ``order_parameter``, x; ``energy``, U(x). Coordinates
        ``temperature``, ``field``, ``size`` (1/T).

    Raises
    ------
    InvalidValueError
        For controls or counts without meaning, or more than fits into memory.
    """
    controls = points({"temperature": temperature, "field": field}, positive=["temperature"])
    records = whole_number("record_count", record_count, minimum=1)
    source = Source(
        system="double_well",
        seed=seed,
        integrator="independent_draws",
        parameters={"barrier": require_positive("barrier", barrier)},
    )
    runs = laid_out(controls, replica_count=replica_count)
    require_dataset_memory(runs, records, variable_count=6)
    x = np.empty((len(runs), records))
    for row, run in zip(x, runs, strict=True):
        law = double_well_law(barrier=barrier, **run.controls)
        row[:] = law.quantile(source.generator(run.plain()).random(records))
    tilt, heat = (
        np.array([run.controls[name] for run in runs]) for name in ("field", "temperature")
    )
    variables = {
        "order_parameter": Observed(
            values=x,
            long_name="coordinate in the double well",
            symmetry=Symmetry.NONE if tilt.any() else Symmetry.SIGN,
        ),
        "energy": Observed(
            values=_energy(x, barrier, tilt[:, None]), long_name="energy of the coordinate"
        ),
    }
    return samples_dataset(
        source, runs, step=np.arange(records), variables=variables, derived={"size": 1 / heat}
    )


def double_well_law(*, barrier: float, temperature: float, field: float = 0.0) -> ContinuousLaw:
    """Exact law of the coordinate.

    Parameters
    ----------
    barrier, temperature, field : float
        a, T and h.

    Returns
    -------
    ContinuousLaw
        Density, distribution function, its inverse and means.

    Raises
    ------
    InvalidValueError
        For controls without meaning, or a/T beyond 10⁸.
    """
    height = require_positive("barrier", barrier)
    heat = require_positive("temperature", temperature)
    tilt = finite_number("field", field)
    if max(height, abs(tilt)) / heat > LARGEST_BARRIER:
        raise InvalidValueError(
            f"barrier and field over temperature must not exceed {LARGEST_BARRIER:.0e}, "
            f"received {height:g} and {tilt:g} over {heat:g}; the law is then a point."
        )
    stationary = np.roots([4 * height, 0.0, -4 * height, -tilt])
    places = stationary.real[np.abs(stationary.imag) < 1e-6]
    bottom = float(_energy(places, height, tilt).min())

    def exponent(x: FloatArray) -> FloatArray:
        return (_energy(x, height, tilt) - bottom) / heat

    visited = places[exponent(places) < TAIL]
    lower = _end(exponent, float(visited.min()), -1.0)
    upper = _end(exponent, float(visited.max()), 1.0)
    reach = float(np.abs(places).max())
    # The well is narrowest where it is deepest: U'' = 4a (3x² - 1) there.
    width = sqrt(heat / (4 * height * max(3 * reach**2 - 1, 2.0)))
    cells = max(256, ceil(CELLS_PER_WIDTH * (upper - lower) / width))
    return ContinuousLaw.over(exponent, np.linspace(lower, upper, cells + 1))


def double_well_escape_time(*, barrier: float, temperature: float) -> float:
    """Mean time of escape from one well at h = 0 under Langevin dynamics, for small T.

    Parameters
    ----------
    barrier, temperature : float
        a and T; meant for a/T of 5 and more.

    Returns
    -------
    float
        τ = 2π e^(a/T)/(√32 a), in the time of dx = -U' dt + √(2T) dW [1]_.

    Raises
    ------
    InvalidValueError
        If a number is not positive, or the barrier exceeds 500 temperatures.

    References
    ----------
    .. [1] Kramers, Physica 7, 284 (1940).
    """
    height = moderate_positive("barrier", barrier)
    heat = moderate_positive("temperature", temperature)
    if height / heat > LARGEST_EXPONENT:
        raise InvalidValueError(
            f"the barrier must not exceed {LARGEST_EXPONENT:g} temperatures, received "
            f"{height:g} over {heat:g}; the time is beyond all numbers."
        )
    # U'' is 8a in the well and -4a on the barrier.
    return float(2 * pi / (sqrt(32) * height) * np.exp(height / heat))


def _energy(x: FloatArray, barrier: float, field: float | FloatArray) -> FloatArray:
    return barrier * (x**2 - 1) ** 2 - field * x


def _end(exponent: Callable[[FloatArray], FloatArray], start: float, side: float) -> float:
    """Where the density has fallen to nothing on one side of all minima."""

    def above(x: float) -> float:
        return float(exponent(np.array(x))) - TAIL

    step = 1.0
    while above(start + side * step) < 0:
        step *= 2
    return float(brentq(above, start, start + side * step))
