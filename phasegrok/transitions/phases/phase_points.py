"""Coexistence of two phases along a control, size by size."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import xarray as xr

from phasegrok.statistics.samples import Status
from phasegrok.statistics.seeds import checked_seed
from phasegrok.transitions.chains import SizeChains, gather_chains
from phasegrok.transitions.demands import finite_number
from phasegrok.transitions.energies import energy_beside
from phasegrok.transitions.phases.size_points import QUANTITIES, SizePoints, measure_points

__all__ = ["coexistence_points"]

_MEANINGS: Final = {
    "equal_weight_point": "control at which the phases have the asked ratio of weights",
    "equal_height_point": "control at which the maxima of the density are of equal height",
    "jump": "distance of the means of the phases at the equal-weight point",
    "mean_below": "mean of the phase that rules below the transition",
    "mean_above": "mean of the phase that rules above the transition",
    "barrier": "ln P of the maxima less ln P of the minimum at equal height",
}


def coexistence_points(
    samples: xr.DataArray,
    *,
    control: str,
    size: str,
    dimension: int | None,
    energy: xr.DataArray | None = None,
    weight_ratio: float = 1.0,
    seed: int = 0,
) -> xr.Dataset:
    """Measure where two phases coexist, how far they differ and what separates them.

    Parameters
    ----------
    samples : DataArray
        Order parameter of dims (run, record) or (run, step), in equilibrium, with `control`
        and `size` as coordinates on ``run``; see `chains.gather_chains`. With a coordinate
        ``disorder`` every disorder is read at its own points, and then averaged.
    control, size : str
        Names of the coordinates.
    dimension : int or None
        d where the size is a linear extent L, so that N = L^d; None where it is N itself.
    energy : DataArray, optional
        e of the same runs and records, where U/T = control · N e up to what the control does
        not change, such as the energy per site where the control is 1/T. Then all records are
        reweighted together; else the density is a smooth surface along at least two controls.
    weight_ratio : float
        Weight of the phase that rules above the transition over that of the phase below: the
        ratio of their symmetry-related copies, q for the Potts model along 1/T.
    seed : int
        The only source of randomness.

    Returns
    -------
    Dataset
        Along ``size``: ``equal_weight_point``, ``equal_height_point``, ``jump``,
        ``mean_below``, ``mean_above`` and ``barrier``, each with ``_error`` and ``_status``
        (`phasegrok.statistics.Status`); ``round_trips``, ``start_disagreement``, ``disorders``
        and ``equal_weight_point_spread``, the standard deviation over disorders, NaN for one;
        ``reason``, empty where nothing is amiss. REFUSED is NaN; UNRESOLVED means that weights
        rest on fewer than 10 round trips or starts disagree, or that blocks are short: then
        errors are lower bounds.

    Raises
    ------
    InvalidValueError
        For missing coordinates, other dimensions, values that are not finite, an energy of
        other runs, or a ratio that is not positive.
    InsufficientSamplesError
        If no run is usable, or chains have fewer than 8 records.

    Notes
    -----
    Ratio of weights: Borgs and Janke, Phys. Rev. Lett. 68, 1738 (1992). Phase means and not
    maxima: Borgs and Kotecký, J. Stat. Phys. 61, 79 (1990). Barrier: Lee and Kosterlitz,
    Phys. Rev. Lett. 65, 137 (1990). Errors by bootstrap over blocks of ten autocorrelation
    times, or over disorders.
    """
    seed = checked_seed(seed)
    weight_ratio = finite_number("weight_ratio", weight_ratio, positive=True)
    gathered = gather_chains(samples, control=control, size=size, dimension=dimension)
    energies: Sequence[SizeChains | None] = [None] * len(gathered)
    if energy is not None:
        beside = energy_beside(samples, energy)
        energies = gather_chains(beside, control=control, size=size, dimension=dimension)
    found = [
        measure_points(
            each,
            energies=own,
            weight_ratio=weight_ratio,
            generator=np.random.default_rng([seed, number]),
        )
        for number, (each, own) in enumerate(zip(gathered, energies, strict=True))
    ]
    attributes = {
        "control": control,
        "size": size,
        "dimension": -1 if dimension is None else dimension,
        "weight_ratio": weight_ratio,
    }
    return _table(found, attributes)


def _table(found: Sequence[SizePoints], attributes: Mapping[str, Any]) -> xr.Dataset:
    variables: dict[str, Any] = {}
    for number, name in enumerate(QUANTITIES):
        meaning = {"long_name": _MEANINGS[name]}
        variables[name] = ("size", [each.values[number] for each in found], meaning)
        variables[f"{name}_error"] = ("size", [each.errors[number] for each in found])
        codes = [int(each.status[number]) for each in found]
        variables[f"{name}_status"] = ("size", codes, {"meaning": _statuses()})
    for name in ("round_trips", "start_disagreement", "disorders", "reason"):
        variables[name] = ("size", [getattr(each, name) for each in found])
    variables["equal_weight_point_spread"] = ("size", [each.spread for each in found])
    coordinates = {
        "size": [each.size for each in found],
        "volume": ("size", [each.volume for each in found]),
    }
    return xr.Dataset(variables, coordinates, dict(attributes))


def _statuses() -> str:
    return ", ".join(f"{status.value} {status.name}" for status in Status)
