"""Two Gaussian phases whose weight, distance and width depend on the size as one likes.

With it the look-alikes of a first-order transition are a call each: phases that approach each
other with growing size, or transition points that differ from one disorder to the next.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import comb, factorial, sqrt
from typing import final

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from scipy.special import expit

from phasegrok.errors import InvalidValueError
from phasegrok.exact.checking import (
    FloatArray,
    finite_number,
    points,
    require_positive,
    whole_number,
)
from phasegrok.exact.labels import RunLabels, Source, laid_out
from phasegrok.exact.samples import Observed, require_dataset_memory, samples_dataset
from phasegrok.seeding import Label

__all__ = ["GaussianMixture", "gaussian_mixture", "gaussian_mixture_moment"]


def _boltzmann_weight(field: float, size: float) -> float:
    return float(expit(size * field))


def _unit_distance(size: float) -> float:  # noqa: ARG001 - every distance is asked by size
    return 1.0


def _central_limit_width(size: float) -> float:
    return 1 / sqrt(size)


def _no_spread(size: float) -> float:  # noqa: ARG001 - every spread is asked by size
    return 0.0


@final
@dataclass(frozen=True, kw_only=True)
class GaussianMixture:
    """Two phases at -Δ/2 and +Δ/2, the second with weight w.

    Parameters
    ----------
    weight : callable
        w of (field - transition point of the disorder, N), in [0, 1]. By default
        1/(1 + e^(-N g)), the law of phases whose energies per N differ by the field.
    distance : callable
        Δ of N; by default 1. ``lambda size: size**-0.25`` makes phases that merge.
    width : callable
        Standard deviation of either phase, of N; by default N^(-1/2).
    transition_spread : callable
        Standard deviation of the transition points over the disorder, of N; by default 0.
        ``lambda size: 0.5 * size**-0.5`` makes the disorder average look critical.
    """

    weight: Callable[[float, float], float] = _boltzmann_weight
    distance: Callable[[float], float] = _unit_distance
    width: Callable[[float], float] = _central_limit_width
    transition_spread: Callable[[float], float] = _no_spread


def gaussian_mixture(
    mixture: GaussianMixture,
    *,
    size: int,
    field: ArrayLike,
    record_count: int,
    replica_count: int = 1,
    disorder_count: int = 1,
    seed: int,
) -> xr.Dataset:
    """Draw the mixture independently.

    Parameters
    ----------
    mixture : GaussianMixture
        What depends on the size.
    size : int
        N, at least 1.
    field : array_like
        Control; the transition is at 0 but for the disorder.
    record_count : int
        Independent draws per run.
    replica_count : int
        Runs per field and disorder.
    disorder_count : int
        Transition points g_k that are drawn; each is the same at every field.
    seed : int
        Runs with equal labels and equal (w, Δ, width) are equal in every call.

    Returns
    -------
    Dataset
        On (run, record): ``order_parameter``. Coordinates ``field``, ``size``, ``disorder``,
        and the truth behind each run: ``weight``, ``distance``, ``width``,
        ``transition_point``.

    Raises
    ------
    InvalidValueError
        For sizes, controls or counts without meaning, or more than fits into memory.

    Examples
    --------
    >>> merging = GaussianMixture(distance=lambda size: size**-0.25)
    >>> samples = gaussian_mixture(merging, size=100, field=[0.0], record_count=10, seed=1)
    >>> round(float(samples["distance"][0]), 3)
    0.316
    """
    count = whole_number("size", size, minimum=1)
    records = whole_number("record_count", record_count, minimum=1)
    source = Source(system="gaussian_mixture", seed=seed, integrator="independent_draws")
    controls = [{**point, "size": count} for point in points({"field": field})]
    plain = laid_out(controls, replica_count=replica_count, disorder_count=disorder_count)
    require_dataset_memory(plain, records, variable_count=6)
    spread = _not_negative("transition_spread", mixture.transition_spread(count))
    shifts = [spread * _standard_shift(source, count, each) for each in range(disorder_count)]
    runs = [_detailed(mixture, run, shifts[run.disorder]) for run in plain]
    values = np.stack([_draws(source.generator(run.plain()), run, records) for run in runs])
    truth = {name: np.array([run.details[name] for run in runs]) for name in runs[0].details}
    variables = {"order_parameter": Observed(values=values, long_name="order parameter")}
    return samples_dataset(
        source, runs, step=np.arange(records), variables=variables, derived=truth
    )


def gaussian_mixture_moment(
    power: int, *, weight: float, distance: float, width: float
) -> float:
    """Exact mean of a power of the order parameter.

    N (⟨x²⟩ - ⟨x⟩²) is N σ² + N w (1 - w) Δ², and Binder's cumulant is made of ⟨x⁴⟩ and ⟨x²⟩.

    Parameters
    ----------
    power : int
        Exponent, at least 0.
    weight, distance, width : float
        w, Δ and σ.

    Returns
    -------
    float
        ⟨x^power⟩.

    Raises
    ------
    InvalidValueError
        If the power or a parameter has no meaning.
    """
    order = whole_number("power", power, minimum=0)
    upper = _share(weight)
    place, deviation = _not_negative("distance", distance) / 2, require_positive("width", width)
    parts = ((1 - upper, -place), (upper, place))
    return sum(share * _normal_moment(order, mean, deviation) for share, mean in parts)


def _normal_moment(order: int, mean: float, deviation: float) -> float:
    return float(
        sum(
            comb(order, 2 * pair)
            * mean ** (order - 2 * pair)
            * deviation ** (2 * pair)
            * (factorial(2 * pair) // (2**pair * factorial(pair)))
            for pair in range(order // 2 + 1)
        )
    )


def _standard_shift(source: Source, size: int, disorder: int) -> float:
    labels: dict[str, Label] = {"drawn": "transition point", "size": size, "disorder": disorder}
    return float(source.generator(labels).standard_normal())


def _detailed(mixture: GaussianMixture, run: RunLabels, transition_point: float) -> RunLabels:
    size, field = run.controls["size"], run.controls["field"]
    details = {
        "weight": _share(mixture.weight(field - transition_point, size)),
        "distance": _not_negative("distance", mixture.distance(size)),
        "width": require_positive("width", mixture.width(size)),
        "transition_point": transition_point,
    }
    return RunLabels(
        controls=run.controls, replica=run.replica, disorder=run.disorder, details=details
    )


def _draws(generator: np.random.Generator, run: RunLabels, count: int) -> FloatArray:
    in_upper_phase = generator.random(count) < run.details["weight"]
    noise = run.details["width"] * generator.standard_normal(count)
    drawn: FloatArray = run.details["distance"] * (in_upper_phase - 0.5) + noise
    return drawn


def _share(weight: float) -> float:
    number = finite_number("weight", weight)
    if not 0 <= number <= 1:
        raise InvalidValueError(f"weight must lie between 0 and 1, received {weight!r}.")
    return number


def _not_negative(name: str, value: float) -> float:
    number = finite_number(name, value)
    if number < 0:
        raise InvalidValueError(f"{name} must not be negative, received {value!r}.")
    return number
