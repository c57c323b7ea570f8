"""Reweighting by dimension name: terms and controls are mappings from a control's name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from phasegrok.errors import InvalidValueError
from phasegrok.schema import RECORD, RUN
from phasegrok.statistics import multistate as many
from phasegrok.statistics import reweighting
from phasegrok.statistics.kinds import require_array, require_mapping
from phasegrok.statistics.labelled.lifting import (
    STATUS_ATTRIBUTES,
    fields_of,
    require_dims,
    require_same_coordinates,
    stacked,
    valid_counts,
)
from phasegrok.statistics.samples import FloatArray

__all__ = [
    "LabelledMultistate",
    "multistate_free_energy",
    "multistate_mean",
    "reweighted_mean",
    "solve_states",
]

TARGET = "target"
"""Dimension of the controls that are asked for."""


def reweighted_mean(
    observable: xr.DataArray,
    terms: Mapping[str, xr.DataArray],
    *,
    change: Mapping[str, ArrayLike],
    dim: str = RECORD,
) -> xr.Dataset:
    """See `reweighting.reweighted_mean`; results lie along ``target``.

    `terms` gives X_k of each control by its name, `change` the Δ(g_k/T) of all targets, one
    list for each control; a control that is left out does not change.
    """
    names = _names(terms)
    shifts = _targets(change, names, default=0.0)
    changes = {f"change_{name}": (TARGET, shifts[:, k]) for k, name in enumerate(names)}

    def function(values: ArrayLike, *series: ArrayLike) -> tuple[ArrayLike, ...]:
        return reweighting.reweighted_mean(values, stacked(series), change=shifts)

    fields = reweighting.ReweightedMean._fields
    arrays = [observable, *(terms[name] for name in names)]
    new_dims = {field: (TARGET, len(shifts)) for field in fields}
    result = fields_of(function, arrays, [[dim]] * len(arrays), fields, new_dims=new_dims)
    return result.assign_coords(changes)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledMultistate:
    """A solution that knows the names of its controls.

    Attributes
    ----------
    controls : tuple of str
        In the order of the coefficients.
    solution : Multistate
        See `multistate.Multistate`.
    runs : DataArray
        Number of samples of each run, with the labels of the runs; observables must have
        the same.
    """

    controls: tuple[str, ...]
    solution: many.Multistate
    runs: xr.DataArray

    def table(self) -> xr.Dataset:
        """Free energies, errors and overlap along ``state``, coefficients as coordinates."""
        solution = self.solution
        coefficients = solution.samples.coefficients
        return xr.Dataset(
            {
                "free_energy": ("state", solution.free_energy),
                "error": ("state", solution.error),
                "inefficiency": ("state", solution.samples.inefficiency),
                "effective_samples": ("state", solution.samples.counts),
                "overlap": (("state", "other_state"), solution.overlap.matrix),
                "shared_samples": (
                    ("state", "other_state"),
                    solution.overlap.shared_samples,
                ),
            },
            coords={
                name: ("state", coefficients[:, k]) for k, name in enumerate(self.controls)
            },
            attrs={"second_eigenvalue": solution.overlap.second_eigenvalue},
        )


def solve_states(
    terms: Mapping[str, xr.DataArray],
    *,
    coefficients: Mapping[str, xr.DataArray],
    count: str = "record_count",
    minimum_shared_samples: float = many.MINIMUM_SHARED_SAMPLES,
    dim: str = RECORD,
) -> LabelledMultistate:
    """See `multistate.solve_states`; terms (run, record) and coefficients (run,) by name.

    Where the runs have the coordinate `count`, it tells how many records are valid. Values
    held by dask are computed.
    """
    names = _names(terms)
    require_mapping("coefficients", coefficients)
    missing = sorted(set(names) - set(coefficients))
    if missing:
        raise InvalidValueError(
            f"multistate reweighting needs a coefficient for each term, received none for "
            f"{missing}; give g/T of every run."
        )
    for name in names:
        require_array(f"the coefficient of {name!r}", coefficients[name])
    require_same_coordinates([*terms.values(), *(coefficients[name] for name in names)])
    columns = [_runs(terms[name], count, dim) for name in names]
    if any(coefficients[name].dims != (RUN,) for name in names):
        raise InvalidValueError(
            f"coefficients need the dimension {RUN!r} alone, received "
            f"{[coefficients[name].dims for name in names]}; give g/T of every run."
        )
    per_run = np.stack([coefficients[name].to_numpy() for name in names], axis=-1)
    solution = many.solve_states(
        [np.stack(run) for run in zip(*columns, strict=True)],
        coefficients=per_run,
        minimum_shared_samples=minimum_shared_samples,
    )
    frame = terms[names[0]].isel({dim: 0}, drop=True).transpose(RUN)
    lengths = [row.size for row in columns[0]]
    return LabelledMultistate(
        controls=names, solution=solution, runs=frame.drop_attrs().copy(data=lengths)
    )


def multistate_mean(
    states: LabelledMultistate,
    observable: xr.DataArray,
    *,
    coefficients: Mapping[str, ArrayLike],
    count: str = "record_count",
    dim: str = RECORD,
) -> xr.Dataset:
    """See `multistate.multistate_mean`; targets along ``target``, one list a control."""
    _require_states(states)
    targets = _targets(coefficients, states.controls)
    require_same_coordinates([states.runs, observable])
    result = many.multistate_mean(
        states.solution, _runs(observable, count, dim), coefficients=targets
    )
    return _by_target(result, targets, states.controls)


def multistate_free_energy(
    states: LabelledMultistate, *, coefficients: Mapping[str, ArrayLike]
) -> xr.Dataset:
    """See `multistate.multistate_free_energy`; targets along ``target``."""
    _require_states(states)
    targets = _targets(coefficients, states.controls)
    result = many.multistate_free_energy(states.solution, coefficients=targets)
    return _by_target(result, targets, states.controls)


def _names(terms: Mapping[str, xr.DataArray]) -> tuple[str, ...]:
    require_mapping("terms", terms)
    if not terms:
        raise InvalidValueError("reweighting needs at least one term, received none.")
    return tuple(terms)


def _targets(
    values: Mapping[str, ArrayLike], names: tuple[str, ...], default: float | None = None
) -> FloatArray:
    """Numbers or lists by name into (target, control)."""
    require_mapping("targets", values)
    unknown = sorted(set(values) - set(names))
    missing = sorted(set(names) - set(values)) if default is None else []
    if unknown or missing:
        raise InvalidValueError(
            f"targets need the controls {list(names)}, received {sorted(values)}; name each."
        )
    try:
        columns = [
            np.atleast_1d(np.asarray(values.get(name, default), float)) for name in names
        ]
        return np.stack(np.broadcast_arrays(*columns), axis=-1)
    except (TypeError, ValueError) as error:
        raise InvalidValueError(
            "targets need numbers, or lists of numbers of one length, received "
            f"{dict(values)}; give one number of each control for every target."
        ) from error


def _require_states(states: object) -> None:
    if not isinstance(states, LabelledMultistate):
        raise InvalidValueError(
            f"states must be what solve_states gives, received {type(states).__name__}; solve "
            "them first."
        )


def _runs(array: xr.DataArray, count: str, dim: str) -> list[FloatArray]:
    require_dims(array, [RUN, dim])
    moved = array.transpose(RUN, dim)
    lengths = [moved.sizes[dim]] * moved.sizes[RUN]
    if count in moved.coords:
        lengths = valid_counts(moved.coords[count], moved.sizes[dim])
    rows = moved.to_numpy()
    return [row[:length] for row, length in zip(rows, lengths, strict=True)]


def _by_target(
    result: many.MultistateEstimate, targets: FloatArray, names: tuple[str, ...]
) -> xr.Dataset:
    table = xr.Dataset(
        {name: (TARGET, values) for name, values in result._asdict().items()},
        coords={name: (TARGET, targets[:, k]) for k, name in enumerate(names)},
    )
    table["status"].attrs.update(STATUS_ATTRIBUTES)
    return table
