"""Exchange ladders by rung instead of by walker: every rung a run at one control."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import xarray as xr

from phasegrok.errors import FormatError
from phasegrok.schema import NOW, RECORD, RUN, Outcome
from phasegrok.statistics.kinds import real_numbers, require_dataset
from phasegrok.statistics.samples import FloatArray, IntArray

__all__ = ["LADDER", "at_rungs", "ladders_of"]

LADDER: Final = "ladder"
"""Coordinate that counts the ladders: rungs of one are not independent."""

RUNG: Final = "rung"
FIRST: Final = "first_rung"
APART: Final = ("disorder", "replica", "start")


def ladders_of(dataset: xr.Dataset, *, by: Sequence[str] = APART) -> list[IntArray]:
    """Find the walkers of each ladder.

    Parameters
    ----------
    dataset : Dataset
        With ``rung(run, record)`` and the coordinate ``first_rung``.
    by : sequence of str
        Coordinates that tell ladders apart; name the other controls of the plan as well.

    Returns
    -------
    list of (rung,) integer arrays
        Walkers in the order of their first rungs. Ladders with a walker that did not finish
        are left out.

    Raises
    ------
    FormatError
        Where a variable is missing, or walkers do not make whole ladders.
    """
    require_dataset("exchange ladders", dataset)
    if RUNG not in dataset or FIRST not in dataset.coords:
        raise FormatError(
            f"exchange ladders need the variable {RUNG!r} on ({RUN}, {RECORD}) and the "
            f"coordinate {FIRST!r}; collect them by [exchange]."
        )
    named = {FIRST, "outcome", *by}
    absent = sorted(n for n in named if n not in dataset.coords or dataset[n].dims != (RUN,))
    if absent or set(dataset[RUNG].dims) != {RUN, RECORD} or not dataset.sizes[RUN]:
        raise FormatError(
            f"exchange ladders need walkers with the coordinates {sorted(named)} on {RUN!r}, "
            f"{absent} are missing, and {RUNG!r} on ({RUN}, {RECORD}); follow the schema."
        )
    first = real_numbers(FIRST, dataset[FIRST].to_numpy())
    if not np.isfinite(first).all() or not 0.0 <= first.max() < first.size:
        raise FormatError(
            f"first rungs count from 0, received {first.tolist()[:5]} of {first.size} walkers."
        )
    keys = list(zip(*(dataset[name].to_numpy().tolist() for name in by), strict=True))
    found, count = [], int(first.max()) + 1
    for key in sorted(set(keys)):
        members = np.array([index for index, each in enumerate(keys) if each == key])
        members = members[np.argsort(first[members], kind="stable")]
        if first[members].tolist() != list(range(count)):
            raise FormatError(
                f"a ladder needs one walker for each of {count} rungs, received first rungs "
                f"{first[members].tolist()} at {dict(zip(by, key, strict=True))}; name by by= "
                "what else tells ladders apart."
            )
        if (dataset["outcome"].to_numpy()[members] == Outcome.FINISHED.value).all():
            found.append(members)
    return found


def at_rungs(dataset: xr.Dataset, *, control: str, by: Sequence[str] = APART) -> xr.Dataset:
    """Sort the records of walkers by rung.

    Parameters
    ----------
    dataset : Dataset
        Walkers of exchange ladders, in the schema.
    control : str
        The control of the ladder. Its value at each rung is that of ``<control>_now`` where
        it is stored, else the coordinate of the walker that began there.
    by : sequence of str
        See `ladders_of`, also for what is raised.

    Returns
    -------
    Dataset
        One run for each rung of each ladder, with ``control`` on run and the coordinate
        ``ladder``. Observables of (run, record) are those of the walker that was there; other
        variables are left out. Two records of one rung are those of two walkers now and then,
        so times mean nothing: ``physical_kinetics`` is 0.

    Raises
    ------
    FormatError
        Where records of a ladder do not hold every rung once.
    """
    ladders = ladders_of(dataset, by=by)
    rung = real_numbers(RUNG, dataset[RUNG].transpose(RUN, RECORD).to_numpy())
    order, owner, number = [], [], []
    for index, members in enumerate(ladders):
        inside = rung[members]
        if (np.sort(inside, axis=0) != np.arange(members.size)[:, np.newaxis]).any():
            raise FormatError(
                "records of a ladder must hold every rung once, unlike those of the walkers at "
                f"{members.tolist()}; leave it out, or record it again."
            )
        order.append(members[np.argsort(inside, axis=0)])
        owner += members.tolist()
        number += [index] * members.size
    chosen = np.concatenate(order) if order else np.empty((0, rung.shape[1]), dtype=np.int64)
    base = dataset.isel({RUN: owner})
    made = {
        name: ((RUN, RECORD), _taken(each, chosen), each.attrs)
        for name, each in dataset.data_vars.items()
        if set(each.dims) == {RUN, RECORD}
    }
    kept = {
        name: each
        for name, each in base.coords.items()
        if each.dims == (RUN,) and name not in (FIRST, "run_id", "physical_kinetics")
    }
    result = xr.Dataset(made, coords=kept, attrs=dataset.attrs)
    if f"{control}{NOW}" in made:
        result = result.assign_coords(
            {control: (RUN, result[f"{control}{NOW}"].to_numpy()[:, 0])}
        )
    return result.assign_coords(
        {LADDER: (RUN, number), "physical_kinetics": (RUN, np.zeros(len(owner), np.int8))}
    )


def _taken(array: xr.DataArray, chosen: IntArray) -> FloatArray:
    values = array.transpose(RUN, RECORD).to_numpy()
    taken: FloatArray = np.take_along_axis(values, chosen, axis=0)
    return taken
