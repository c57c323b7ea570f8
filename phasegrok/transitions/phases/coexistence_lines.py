"""Lines in the plane of two controls on which two phases have equal weight.

At each value of one control the other is moved until the weights on both sides of a cut have
the asked ratio; the cut is the valley of the coordinate there. All states speak for every
point, so points of one line are not independent: their covariance is given.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from phasegrok.errors import InvalidValueError, did_you_mean
from phasegrok.statistics import ControlStates
from phasegrok.statistics.controls.energy_terms import TEMPERATURE
from phasegrok.statistics.multistate import distance_to_states
from phasegrok.statistics.samples import FloatArray, Status
from phasegrok.statistics.seeds import checked_seed
from phasegrok.transitions.demands import finite_number, real_numbers
from phasegrok.transitions.free_energy.profiles import default_edges
from phasegrok.transitions.phases.balanced_weights import (
    Line,
    LinePoint,
    Start,
    point_or_reason,
)

__all__ = ["coexistence_line"]


Observable = str | Sequence[str] | xr.DataArray


def coexistence_line(  # noqa: PLR0913 - what, where, how the phases are told apart, errors
    states: ControlStates,
    coordinate: Observable | None = None,
    *,
    along: str,
    at: Mapping[str, ArrayLike],
    weight_ratio: float = 1.0,
    cut: float | None = None,
    seed: int,
    resamples: int = 50,
) -> xr.Dataset:
    """Find where two phases have the asked weights, with the slope of the line.

    Parameters
    ----------
    states : ControlStates
        From `phasegrok.statistics.solve_controls`, with states on both sides of the line.
    coordinate : str, sequence of str or DataArray, optional
        What parts the phases; by default what `along` multiplies in the energy, whose sum of
        squares is ½ Σ |θ|² for a weight decay.
    along : str
        The control that is solved for, other than the temperature.
    at : mapping of str to array_like
        All other controls, at every point of the line; one of them varies, or the temperature
        alone.
    weight_ratio : float
        Weight above the cut over that below.
    cut : float, optional
        Where phases end; by default the valley of the coordinate's density at each point, where
        a bootstrap looks for it anew.
    seed : int
        Of the errors.
    resamples : int
        Draws of independent runs, or of blocks where a state has one run.

    Returns
    -------
    Dataset
        Along ``point``, with the controls in `at` as coordinates: the control ``<along>`` with
        ``_error`` and ``covariance`` (point, other_point); ``cut``, ``barrier`` (ln of the
        lower peak over the valley, there); ``jump_<k>`` (term): mean of each term of U above
        the cut less below it; ``energy_jump``, ΔU; ``slope`` with ``_error``, of the line
        against the control that varies, by Clausius and Clapeyron from these very samples;
        ``distance`` (see `phasegrok.statistics.distance_to_states`); ``status``
        (`phasegrok.statistics.Status`), REFUSED with a ``reason`` in words.

    Raises
    ------
    InvalidValueError
        For controls or numbers without meaning.
    """
    line, places = _prepared(states, coordinate, along, at, weight_ratio)
    if resamples < 2:
        raise InvalidValueError(
            f"a line needs at least 2 resamples, received {resamples}; 50 suit an error."
        )
    found = [point_or_reason(line, states.solution, place, Start(cut=cut)) for place in places]
    starts = [
        Start(control=each.control, border=each.cut, cut=cut)
        if isinstance(each, LinePoint)
        else None
        for each in found
    ]
    generator = np.random.default_rng(checked_seed(seed))
    drawn = []
    for _ in range(resamples):
        solution = states.redrawn(generator)
        drawn.append(
            [
                "refused" if start is None else point_or_reason(line, solution, place, start)
                for place, start in zip(places, starts, strict=True)
            ]
        )
    return _table(line, places, found, drawn)


def _prepared(
    states: ControlStates,
    coordinate: Observable | None,
    along: str,
    at: Mapping[str, ArrayLike],
    weight_ratio: float,
) -> tuple[Line, list[dict[str, float]]]:
    known = states.controls[1:]
    if along not in known:
        raise InvalidValueError(
            f"a line is solved for a control that multiplies a term of the energy, received "
            f"{along!r}." + did_you_mean(along, known)
        )
    index = states.controls.index(along)
    term = states.energy.terms[index] if coordinate is None else coordinate
    values = states.samples_of(term)
    columns = {name: np.atleast_1d(real_numbers(name, each)) for name, each in at.items()}
    names = list(columns)
    rows = np.stack(np.broadcast_arrays(*columns.values()), axis=-1)
    if sorted([*names, along]) != sorted(states.controls) or rows.ndim != 2:
        raise InvalidValueError(
            f"a line needs every control but {along!r}, one list each, received {names}; the "
            f"controls are {list(states.controls)}."
        )
    varied = [name for name, each in zip(names, rows.T, strict=True) if np.ptp(each) > 0.0]
    if len(varied) > 1:
        raise InvalidValueError(
            f"a line is followed along one control, received {varied} that vary; take one line "
            "after the other."
        )
    sampled = states.points()[along]
    line = Line(
        states=states,
        values=values,
        edges=default_edges(values),
        along=along,
        against=varied[0] if varied else TEMPERATURE,
        log_ratio=float(np.log(finite_number("weight_ratio", weight_ratio, positive=True))),
        interval=(float(sampled.min()), float(sampled.max())),
    )
    return line, [dict(zip(names, row.tolist(), strict=True)) for row in rows]


def _table(
    line: Line,
    places: Sequence[Mapping[str, float]],
    found: Sequence[LinePoint | str],
    drawn: Sequence[Sequence[LinePoint | str]],
) -> xr.Dataset:
    controls = _columns(drawn, "control")
    slopes = _columns(drawn, "slope")
    covariance = _covariance(controls)
    rows: list[dict[str, Any]] = []
    for number, (place, each) in enumerate(zip(places, found, strict=True)):
        missing = float(np.mean(~np.isfinite(controls[:, number])))
        rows.append(_row(line, place, each, missing))
    count = len(line.states.controls)
    result = xr.Dataset(
        {name: ("point", np.array([row[name] for row in rows])) for name in rows[0]},
        coords={name: ("point", np.array([p[name] for p in places])) for name in places[0]},
        attrs={
            "along": line.along,
            "against": line.against,
            "controls": list(line.states.controls),
            "error_units": line.states.error_units,
        },
    )
    for name, column in (
        (line.along, np.sqrt(np.diag(covariance))),
        ("slope", np.sqrt(np.diag(_covariance(slopes)))),
    ):
        known = result["status"].to_numpy() != Status.REFUSED
        result[f"{name}_error"] = ("point", np.where(known, column, np.nan))
    result["covariance"] = (("point", "other_point"), covariance)
    jumps = [
        each.upper - each.lower if isinstance(each, LinePoint) else np.full(count, np.nan)
        for each in found
    ]
    result["jump"] = (("point", "term"), np.array(jumps))
    return result.assign_coords(term=["rest", *line.states.controls[1:]])


def _covariance(drawn: FloatArray) -> FloatArray:
    """Of (draw, point), over draws that have both points."""
    count = drawn.shape[1]
    result = np.full((count, count), np.nan)
    for i in range(count):
        for j in range(count):
            both = np.isfinite(drawn[:, i]) & np.isfinite(drawn[:, j])
            if both.sum() > 1:
                result[i, j] = np.cov(drawn[both, i], drawn[both, j])[0, 1]
    return result


def _columns(drawn: Sequence[Sequence[LinePoint | str]], name: str) -> FloatArray:
    return np.array(
        [
            [
                float(getattr(each, name)) if isinstance(each, LinePoint) else np.nan
                for each in row
            ]
            for row in drawn
        ]
    )


def _row(
    line: Line, place: Mapping[str, float], point: LinePoint | str, missing: float
) -> dict[str, Any]:
    empty = {line.along: np.nan, "slope": np.nan, "cut": np.nan, "barrier": np.nan}
    if isinstance(point, str):
        refused = {"status": int(Status.REFUSED), "reason": point}
        return {**empty, "energy_jump": np.nan, "distance": np.nan, **refused}
    jump = point.upper - point.lower
    fields = [({**place, line.along: point.control})[n] for n in line.states.controls[1:]]
    coefficients = line.coefficients(place, point.control)
    sure = missing <= 0.1
    return {
        line.along: point.control,
        "slope": point.slope,
        "cut": point.cut,
        "barrier": point.barrier,
        "energy_jump": float(jump[0] + np.dot(fields, jump[1:])),
        "distance": float(
            distance_to_states(line.states.solution, coefficients=coefficients)[0]
        ),
        "status": int(Status.RESOLVED if sure else Status.UNRESOLVED),
        "reason": "" if sure else f"{missing:.0%} of the draws have no such point",
    }
