"""Whether loops collapse as those of metastable phases do, or close as at a continuous change.

First-order: the widths of all sizes follow one law of T ln(1 + ρT/r) and r^(2/3), with a width
that stays in the limit. Continuous: the width vanishes as a power of the rate, and at a finite
size, below a rate that is a power of it, linearly.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import xarray as xr

from phasegrok.errors import InsufficientSamplesError, InvalidValueError
from phasegrok.inference import (
    LOGARITHM,
    Budget,
    Grade,
    Model,
    Parameter,
    ParameterSpace,
    Posterior,
    Schedule,
    compare,
    fit_model,
    uniform,
)
from phasegrok.statistics.samples import FloatArray
from phasegrok.transitions.hysteresis.loop_tables import LoopStatus, loop_columns

__all__ = ["CRITICAL", "METASTABLE", "compare_loop_laws"]

METASTABLE: Final = "metastable phases"
CRITICAL: Final = "critical slowing down"

TWO_THIRDS: Final = 2 / 3
SCATTER_CENTRE: Final = float(np.log(0.01))
"""ln of the scatter beside the errors, over the largest width: laws hold to about 1 %."""

SCHEDULE: Final = Schedule(steps=80)
"""Longer rungs than usual: parameters of scales are strongly correlated."""

Values = Mapping[str, FloatArray]
Law = Callable[[Values], FloatArray]


@final
@dataclass(frozen=True, kw_only=True)
class _Rival:
    """A law of the widths: values of its parameters (draw,) to widths (draw, loop)."""

    name: str
    parameters: tuple[Parameter, ...]
    law: Law


def compare_loop_laws(
    table: xr.Dataset,
    *,
    seed: int,
    quantity: str = "width",
    size: str = "size",
    schedule: Schedule | None = None,
    budget: Budget | None = None,
) -> xr.Dataset:
    """Weigh the two laws of the loops of several sizes and rates against each other.

    Parameters
    ----------
    table : Dataset
        Of `loops`; loops that the range cuts, or without an error, are left out.
    seed : int
        The only source of randomness.
    quantity : str
        "width" of switching fields, or "area".
    size : str
        Coordinate that is N = 1/T.
    schedule : Schedule, optional
        Of the tempered ladders.
    budget : Budget, optional
        Of the chains.

    Returns
    -------
    Dataset
        Along ``model``, "metastable phases" and "critical slowing down", the likelier first:
        ``probability``, ``log_evidence`` with ``_error``, ``consistent`` (see
        `phasegrok.inference.compare`); ``chi_square``, least of the posterior, with the
        measured errors alone; ``scatter``, posterior median of what had to be added to them
        over the largest width; ``limit``, the width at rate zero and infinite size, of the
        former and ``exponent`` of the latter with ``_error``; ``reliable``, 1 where the chains
        are. The attribute ``points`` is the number of loops.

        The laws share no parameter that orders them, so priors are in units of the data:
        flat for the limit between 0 and the largest width and for the exponent of the rate
        between 0.2 and 1.2, logarithmic for scales.

    Raises
    ------
    FormatError
        Where the table lacks what is needed.
    InvalidValueError
        For another quantity, sizes or rates that are not positive, or widths of zero alone.
    InsufficientSamplesError
        For fewer than six loops, two sizes or two rates.
    """
    volume, rate, value, error = _chosen(table, quantity, size)
    rivals = [law(volume, rate, value) for law in (_first_order, _continuous)]
    posteriors = [
        fit_model(
            _model(rival, value, error), seed=seed, schedule=schedule or SCHEDULE, budget=budget
        )
        for rival in rivals
    ]
    found = compare(posteriors)
    rows = {
        rival.name: _summary(rival, posterior, value, error)
        for rival, posterior in zip(rivals, posteriors, strict=True)
    }
    names = found["model"].to_numpy().tolist()
    for column in rows[METASTABLE]:
        found[column] = ("model", np.array([rows[name][column] for name in names]))
    return found.assign_attrs(points=value.size, quantity=quantity)


def _chosen(table: xr.Dataset, quantity: str, size: str) -> tuple[FloatArray, ...]:
    if quantity not in ("width", "area"):
        raise InvalidValueError(
            f"the quantity must be 'width' or 'area', received {quantity!r}; name one."
        )
    names = (size, "rate", quantity, f"{quantity}_error", "status")
    columns = loop_columns("laws of loops", table, names)
    usable = (columns[4] == LoopStatus.WHOLE) & (columns[3] > 0) & np.isfinite(columns[2])
    volume, rate, value, error = (each[usable] for each in columns[:4])
    for what, received, required in (
        ("laws of loops (whole loops with errors)", value.size, 6),
        ("laws of loops (sizes)", np.unique(volume).size, 2),
        ("laws of loops (rates)", np.unique(rate).size, 2),
    ):
        if received < required:
            raise InsufficientSamplesError(what, required=required, received=received)
    if not np.abs(value).max() > 0.0:
        raise InvalidValueError(
            f"laws of loops need a {quantity} other than zero, received zeros alone; there is "
            "no loop."
        )
    return volume, rate, value, error


def _logarithm(name: str, centre: float, spread: float, meaning: str) -> Parameter:
    return Parameter(
        name=name,
        meaning=meaning,
        transform=LOGARITHM,
        centre=float(np.log(centre)),
        spread=spread,
    )


def _first_order(size: FloatArray, rate: FloatArray, value: FloatArray) -> _Rival:
    largest, heat = float(np.abs(value).max()), 1 / size
    fastest, hottest = float(rate.max()), float(heat.max())
    parameters = (
        uniform("limit", 0.0, largest, meaning="width at rate zero and infinite size"),
        _logarithm("delay", largest / fastest**TWO_THIRDS, 1.5, "coefficient of r^(2/3)"),
        _logarithm("early", largest / max(hottest, 1e-300) ** TWO_THIRDS, 1.5, "of escapes"),
        _logarithm("scale", 1.0, 3.0, "ρ, the rate over the temperature at the crossover"),
    )

    def law(values: Values) -> FloatArray:
        limit, delay, early, scale = (values[each.name][:, None] for each in parameters)
        place = heat * np.log1p(scale * heat / rate)
        share = rate / (rate + scale * heat)
        width: FloatArray = limit + delay * rate**TWO_THIRDS * share - early * place**TWO_THIRDS
        return width

    return _Rival(name=METASTABLE, parameters=parameters, law=law)


def _continuous(size: FloatArray, rate: FloatArray, value: FloatArray) -> _Rival:
    largest = float(np.abs(value).max())
    fastest, smallest = float(rate.max()), float(size.min())
    parameters = (
        _logarithm("largest", largest, 1.0, "width at the fastest rate"),
        uniform("exponent", 0.2, 1.2, meaning="exponent of the rate"),
        _logarithm("closing", fastest / 10.0, 3.0, "rate of closing at the smallest size"),
        uniform("dynamic", 0.0, 3.0, meaning="exponent of the size in that rate"),
    )

    def law(values: Values) -> FloatArray:
        width, exponent, closing, dynamic = (values[p.name][:, None] for p in parameters)
        slow = closing * (size / smallest) ** -dynamic
        # r^p above the rate of closing, linear in r below it.
        bend = (1.0 + slow / rate) ** (exponent - 1.0)
        closed: FloatArray = width * (rate / fastest) ** exponent * np.minimum(bend, 1e6)
        return closed

    return _Rival(name=CRITICAL, parameters=parameters, law=law)


def _model(rival: _Rival, value: FloatArray, error: FloatArray) -> Model:
    largest = float(np.abs(value).max())
    scatter = Parameter(
        name="scatter",
        meaning="scatter beside the errors, over the largest width",
        transform=LOGARITHM,
        centre=SCATTER_CENTRE,
        spread=1.0,
    )

    def log_likelihood(values: Values) -> FloatArray:
        variance = error**2 + (largest * values["scatter"][:, None]) ** 2
        squares = (value - rival.law(values)) ** 2 / variance + np.log(2 * np.pi * variance)
        total: FloatArray = -0.5 * np.sum(squares, axis=1)
        return total

    return Model(
        name=rival.name,
        space=ParameterSpace((*rival.parameters, scatter)),
        log_likelihood=log_likelihood,
    )


def _summary(
    rival: _Rival, posterior: Posterior, value: FloatArray, error: FloatArray
) -> dict[str, float]:
    draws = posterior.chains.draws
    values = {str(name): each.to_numpy().reshape(-1) for name, each in draws.data_vars.items()}
    squares = np.sum(((value - rival.law(values)) / error) ** 2, axis=1)
    stated = {
        name: (float(values[name].mean()), float(values[name].std(ddof=1)))
        if name in values
        else (np.nan, np.nan)
        for name in ("limit", "exponent")
    }
    return {
        "chi_square": float(squares.min()),
        "scatter": float(np.median(values["scatter"])),
        **{name: pair[0] for name, pair in stated.items()},
        **{f"{name}_error": pair[1] for name, pair in stated.items()},
        "reliable": float(posterior.chains.health.grade is Grade.RELIABLE),
    }
