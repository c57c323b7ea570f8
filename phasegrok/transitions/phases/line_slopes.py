"""Slopes of coexistence lines by Clausius and Clapeyron, from jumps of the energy's terms.

On the line the phases have equal free energy: Σ_k ΔX_k d(g_k/T) = 0. Against temperature that
is dg/dT = ΔU/(T ΔX), U the whole energy; against another control g' it is dg/dg' = -ΔX'/ΔX.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from phasegrok.errors import FormatError, InvalidValueError
from phasegrok.schema import RUN
from phasegrok.statistics import EnergyTerms, energy_terms, finished
from phasegrok.statistics.controls.energy_terms import TEMPERATURE
from phasegrok.statistics.samples import BoolArray, FloatArray
from phasegrok.transitions.demands import real_numbers, require_dataset, require_magnitude
from phasegrok.transitions.points import groups_of
from phasegrok.transitions.usable_runs import record_counts

__all__ = ["clausius_clapeyron", "slope_of"]

_LEAST_RUNS = 2


def slope_of(
    jump: FloatArray,
    *,
    controls: Sequence[str],
    at: Mapping[str, float],
    along: str,
    against: str,
) -> float:
    """Slope of the line d along/d against from the jumps of all terms.

    Parameters
    ----------
    jump : (term,) array
        ΔX_0 of the rest of the energy, then ΔX_k of each control after the temperature.
    controls : sequence of str
        Temperature, then the others, in that order.
    at : mapping of str to float
        Value of every control.
    along, against : str
        Control whose line it is, and control that it is followed against.

    Returns
    -------
    float
        ΔU/(T ΔX) against the temperature [1]_, -ΔX'/ΔX against another control.

    References
    ----------
    .. [1] Clapeyron, J. École Polytech. 14, 153 (1834); Clausius, Ann. Phys. 155, 368 (1850).
    """
    own = float(jump[controls.index(along)])
    if against != TEMPERATURE:
        return -float(jump[controls.index(against)]) / own
    energy = float(jump[0]) + sum(
        at[name] * float(each) for name, each in zip(controls[1:], jump[1:], strict=True)
    )
    return energy / (at[TEMPERATURE] * own)


def clausius_clapeyron(
    dataset: xr.Dataset,
    coordinate: str | Sequence[str],
    *,
    cut: float,
    along: str,
    against: str = TEMPERATURE,
    fields: Mapping[str, str | Sequence[str]] | None = None,
    start_record: int = 0,
) -> xr.Dataset:
    """Slope of the line at every point of a dataset, from the means of the two phases there.

    Nothing is reweighted and no weight enters: runs that never left the phase they began in
    serve as well, so that the slopes test weights that were found otherwise.

    Parameters
    ----------
    dataset : Dataset
        Runs in equilibrium within their phases, at points on the line or near to it.
    coordinate : str or sequence of str
        Variable that parts the phases, or several whose sum does.
    cut : float
        Where phases end.
    along, against : str
        See `slope_of`.
    fields : mapping, optional
        See `phasegrok.statistics.energy_terms`.
    start_record : int
        First record that enters.

    Returns
    -------
    Dataset
        Along ``point``, with the controls as coordinates: ``slope`` with ``_error``, a
        jackknife over the runs of the point; ``energy_jump``, ``jump`` (point, term);
        ``runs_below``, ``runs_above``, that were seen in each phase. A point where one phase
        was seen in fewer than two runs has NaN.

    Raises
    ------
    FormatError, InvalidValueError
        See `phasegrok.statistics.energy_terms`.
    """
    require_dataset("runs in two phases", dataset)
    kept = finished(dataset)
    energy = energy_terms(kept, fields=fields)
    for name in (along, against):
        if name not in energy.controls:
            raise InvalidValueError(
                f"a slope needs the controls {list(energy.controls)}, received {name!r}; name "
                "what it multiplies by fields=."
            )
    sums = _sums(kept, coordinate, energy, cut=cut, start=start_record)
    keys, members = groups_of(kept, list(energy.controls))
    rows = []
    for number, runs in enumerate(members):
        at = {name: float(column[number]) for name, column in keys.items()}
        rows.append(_slope_at(sums[..., runs], energy.controls, at, (along, against)))
    jumps = np.array([row.pop("jump") for row in rows])
    found = xr.Dataset(
        {name: ("point", np.array([row[name] for row in rows])) for name in rows[0]},
        coords={name: ("point", column) for name, column in keys.items()},
        attrs={"along": along, "against": against, "cut": float(cut)},
    )
    found["jump"] = (("point", "term"), jumps)
    return found.assign_coords(term=["rest", *energy.controls[1:]])


def _sums(
    dataset: xr.Dataset,
    coordinate: str | Sequence[str],
    energy: EnergyTerms,
    *,
    cut: float,
    start: int,
) -> FloatArray:
    """Sums of the terms, and the number of records, on either side, (side, term + 1, run)."""
    names = [coordinate] if isinstance(coordinate, str) else list(coordinate)
    absent = [name for name in names if name not in dataset.data_vars]
    if absent:
        raise FormatError(f"a slope needs the variables {absent}, which are not there.")
    rows = [real_numbers(name, dataset[name].transpose(RUN, ...).to_numpy()) for name in names]
    values = np.sum(rows, axis=0)
    record = np.arange(values.shape[1])
    valid: BoolArray = np.broadcast_to(record >= start, values.shape)
    if "record_count" in dataset.coords:
        counts = record_counts(dataset["record_count"], record.size)
        valid = valid & (record < counts[:, np.newaxis])
    terms = np.stack([each.to_numpy() for each in energy.terms] + [np.ones_like(values)])
    if (
        not np.isfinite(np.where(valid, terms, 0.0)).all()
        or not np.isfinite(values[valid]).all()
    ):
        raise InvalidValueError(
            "a slope needs finite energies and coordinates in every valid record, received "
            "others; count fewer records in 'record_count'."
        )
    require_magnitude("the terms of the energy", np.where(valid, terms, 0.0))
    sides = (values <= cut) & valid, (values > cut) & valid
    return np.stack([np.where(side, terms, 0.0).sum(axis=-1) for side in sides])


def _slope_at(
    sums: FloatArray, controls: Sequence[str], at: Mapping[str, float], ways: tuple[str, str]
) -> dict[str, object]:
    seen = (sums[:, -1] > 0).sum(axis=-1)
    row: dict[str, object] = {"runs_below": int(seen[0]), "runs_above": int(seen[1])}
    if seen.min() < _LEAST_RUNS:
        unknown = dict.fromkeys(("slope", "slope_error", "energy_jump"), np.nan)
        return {**row, **unknown, "jump": np.full(len(controls), np.nan)}

    def jump_of(total: FloatArray) -> FloatArray:
        means = total[:, :-1] / total[:, -1:]
        jump: FloatArray = means[1] - means[0]
        return jump

    def slope_from(total: FloatArray) -> float:
        return slope_of(
            jump_of(total), controls=controls, at=at, along=ways[0], against=ways[1]
        )

    total = sums.sum(axis=-1)
    count = sums.shape[-1]
    without = np.array([slope_from(total - sums[..., run]) for run in range(count)])
    error = np.sqrt((count - 1) / count * np.sum((without - without.mean()) ** 2))
    jump = jump_of(total)
    energy = jump[0] + sum(at[n] * x for n, x in zip(controls[1:], jump[1:], strict=True))
    return {
        **row,
        "slope": slope_from(total),
        "slope_error": float(error),
        "energy_jump": float(energy),
        "jump": jump,
    }
