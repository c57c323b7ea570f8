"""Means over a grid of controls, and where on it they may be trusted."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from phasegrok.errors import InvalidValueError
from phasegrok.statistics.controls.states import ControlStates
from phasegrok.statistics.kinds import real_numbers, require_mapping
from phasegrok.statistics.labelled.lifting import STATUS_ATTRIBUTES
from phasegrok.statistics.multistate import (
    MOST_WIDTHS,
    MultistateEstimate,
    distance_to_states,
    multistate_mean,
)
from phasegrok.statistics.samples import FloatArray, Status

__all__ = ["reweighted_map"]

_MOST_ELEMENTS: Final = 2**23
"""Samples times targets that are held at once."""

Observable = str | Sequence[str] | xr.DataArray


def reweighted_map(
    states: ControlStates,
    observables: Mapping[str, Observable],
    *,
    at: Mapping[str, ArrayLike],
    most_widths: float = MOST_WIDTHS,
) -> xr.Dataset:
    """Reweight to every point of a grid of temperature and controls.

    Parameters
    ----------
    states : ControlStates
        From `solve_controls`.
    observables : mapping of str to str, sequence of str or DataArray
        Name in the result to a variable, several whose sum it is, or an array on the runs and
        records of ``states.dataset``: for the weight of a phase its indicator, such as
        ``states.dataset["order_parameter"] > 0.2``.
    at : mapping of str to array_like
        Values of temperature and of every control, which span the grid.
    most_widths : float
        Distance beyond which nothing is trusted.

    Returns
    -------
    Dataset
        Along the controls: for each observable its mean, ``<name>_error``,
        ``<name>_effective_samples`` and ``<name>_status``; ``distance`` from the sampled
        region (see `phasegrok.statistics.distance_to_states`). ``trusted`` is 1 where every
        observable is given, which takes 50 effective samples, *and* the distance is at most
        `most_widths`. It judges the samples: whether they are of equilibrium, and whether a
        phase was never seen, they do not know.

    Raises
    ------
    InvalidValueError
        For a grid that is empty or not of numbers, names that are taken, or what `at` lacks.
    """
    require_mapping("observables", observables)
    require_mapping("the grid", at)
    axes = {name: np.atleast_1d(real_numbers(name, values)) for name, values in at.items()}
    if any(axis.ndim != 1 or not axis.size for axis in axes.values()) or not observables:
        raise InvalidValueError(
            "a map needs at least one observable, and one number or more along each control, "
            f"received {list(observables)} along {list(axes)}."
        )
    shape = tuple(axis.size for axis in axes.values())
    mesh = np.meshgrid(*axes.values(), indexing="ij")
    targets = states.coefficients(
        {name: each.ravel() for name, each in zip(axes, mesh, strict=True)}
    )
    distance = distance_to_states(states.solution, coefficients=targets)
    trusted = distance <= most_widths
    dims = tuple(axes)
    result = xr.Dataset(coords={name: (name, axis) for name, axis in axes.items()})
    for name, observable in observables.items():
        found = _means(states, observable, targets)
        result[name] = (dims, found.value.reshape(shape))
        for part in ("error", "effective_samples", "status"):
            result[f"{name}_{part}"] = (dims, getattr(found, part).reshape(shape))
        result[f"{name}_status"].attrs.update(STATUS_ATTRIBUTES)
        trusted &= found.status != Status.REFUSED
    result["distance"] = (dims, distance.reshape(shape))
    result["trusted"] = (dims, trusted.reshape(shape).astype(np.int8))
    points = {name: np.unique(values) for name, values in states.points().items()}
    return result.assign_attrs(
        observables=list(observables),
        **{f"sampled_{name}": values.tolist() for name, values in points.items()},
    )


def _means(
    states: ControlStates, observable: Observable, targets: FloatArray
) -> MultistateEstimate:
    rows = states.rows_of(observable)
    step = max(1, _MOST_ELEMENTS // states.solution.samples.weights.size)
    parts = [
        multistate_mean(states.solution, rows, coefficients=targets[first : first + step])
        for first in range(0, len(targets), step)
    ]
    return MultistateEstimate(*(np.concatenate(each) for each in zip(*parts, strict=True)))
