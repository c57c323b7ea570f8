"""Opening a study: one lazy dataset over all of its shards."""

from collections.abc import Collection, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from phasegrok.errors import DamagedShardError, FormatError, InvalidValueError, did_you_mean
from phasegrok.runs.arrangement import View, joined_coordinates, places_of, view_of
from phasegrok.runs.flat import (
    flat_dataset,
    group_attributes,
    piece_of,
    resolved_sizes,
    stored_attributes,
)
from phasegrok.runs.folder import DESCRIPTION, StudyFolder
from phasegrok.runs.lazy import PooledArray, lazy_variable
from phasegrok.runs.nodes import nodes_in, stored_nodes, with_nodes
from phasegrok.runs.reading import Shard, read_shard
from phasegrok.runs.scanning import scan, shard_paths
from phasegrok.runs.steps import fill_value
from phasegrok.schema import CONSOLIDATED, ORIGIN, RECORD, RUN, STATES_GROUP

__all__ = [
    "by_shape",
    "open_runs",
    "open_tree",
    "pooled",
    "shards_at",
    "states",
    "weights_dataset",
    "weights_of",
    "with_origin",
]


def open_runs(
    path: str | Path, *, without: Collection[str] = (), origin: bool = False
) -> xr.Dataset:
    """Open all runs of a study as one dataset; data are read when they are used.

    Parameters
    ----------
    path : path
        The folder of a study, a single shard, or what `consolidate` made.
    without : collection of str
        Names of files of the folder to leave out.
    origin : bool
        Whether to add the coordinate ``origin`` on ``run``: which of the ``shards`` in the
        attribute, with their provenance, a run comes from.

    Returns
    -------
    Dataset
        Dimensions ``run`` and ``record``. Runs are sorted by controls in the order of the
        plan, then disorder, start, replica and run_id, whatever shard they lie in. ``step``
        and ``time`` have the one dimension ``record`` where all runs agree as far as they
        came. Shards with fewer records than the longest are filled up (NaN, -1); as within a
        shard, ``record_count`` says how many records of a run were made. Resolved variables
        (with dimensions besides run and record) are there if all shards agree on their sizes;
        what is not there is named, with the reason, under ``left_out`` in the attribute.

    Raises
    ------
    FormatError
        If there are no runs, or a file is damaged, of another study, or holds a run twice;
        each file is named. Also if `without` names no file of the folder.
    InvalidValueError
        If the path is none, or `without` is no list of names.

    See Also
    --------
    open_tree : one dataset for each shape.
    pooled : the entries of a resolved variable, whatever the shape of its run.
    """
    view = view_of(*shards_at(path, without))
    return with_origin(flat_dataset(view), view) if origin else flat_dataset(view)


def with_origin(runs: xr.Dataset, view: View) -> xr.Dataset:
    """Add the coordinate ``origin``.

    Raises
    ------
    FormatError
        If the runs have something else of that name.
    """
    if ORIGIN in runs.variables:
        raise FormatError(
            f"the runs have {ORIGIN!r} already, which is also the name of the coordinate that "
            "tells shards apart; give it another name."
        )
    about = {"units": "1", "long_name": "index of the shard that the run comes from"}
    return runs.assign_coords({ORIGIN: (RUN, view.origins, about)})


def open_tree(path: str | Path, *, without: Collection[str] = ()) -> xr.DataTree:
    """Open a study as a tree with one node for each shape of its resolved variables.

    Parameters
    ----------
    path, without
        See `open_runs`.

    Returns
    -------
    DataTree
        Children named by their sizes, such as ``neuron=88``, or ``scalars`` where no variable
        is resolved; each is a dataset as `open_runs` returns it.

    Raises
    ------
    FormatError
        See `open_runs`.
    """
    shards, study = shards_at(path, without)
    if nodes_in(shards):
        return xr.DataTree.from_dict(stored_nodes(view_of(shards, study)))
    nodes = by_shape(shards)
    return xr.DataTree.from_dict(
        {name: flat_dataset(view_of(group, study)) for name, group in nodes.items()}
    )


def by_shape(shards: Sequence[Shard]) -> dict[str, list[Shard]]:
    """Sort shards by the sizes of their resolved variables.

    Parameters
    ----------
    shards : sequence of Shard
        Of one study.

    Returns
    -------
    dict
        Name such as ``neuron=88``, or ``scalars``, to shards with the same variables and sizes.
    """
    nodes: dict[str, list[Shard]] = {}
    for key, group in groupby(sorted(shards, key=_shape_key), _shape_key):
        name = base = ",".join(f"{dim}={size}" for dim, size in key[0]) or "scalars"
        count = 1
        while name in nodes:  # Same sizes, other variables.
            count += 1
            name = f"{base}-{count}"
        nodes[name] = list(group)
    return nodes


def pooled(path: str | Path, variable: str, *, without: Collection[str] = ()) -> xr.DataArray:
    """Line up the entries of a resolved variable over runs of all shapes.

    Parameters
    ----------
    path, without
        See `open_runs`.
    variable : str
        A variable with dimensions besides run and record.

    Returns
    -------
    (entry[, record]) DataArray
        Lazy. On ``entry`` lie ``run``, the index of the run in `open_runs`, and the index
        along each resolved dimension, such as ``neuron``. Runs that lack the variable have no
        entries.

    Raises
    ------
    FormatError
        If no shard has such a variable; else see `open_runs`.
    """
    view = with_nodes(view_of(*shards_at(path, without)))
    holders = [shard for shard in view.shards if variable in shard.contents]
    known = {
        name
        for shard in view.shards
        for name in _variables(shard)
        if resolved_sizes(shard, name)
    }
    if variable not in known:
        raise FormatError(
            f"{path} has no resolved variable {variable!r}." + did_you_mean(variable, known)
        )
    dims = holders[0].contents[variable].dims
    records = RECORD in dims
    run, inner, indices = _entries(view, variable, dims[2 if records else 1 :])
    dtype = np.result_type(*(shard.contents[variable].dtype for shard in holders))
    array = PooledArray(
        pieces=tuple(piece_of(shard, variable, None) for shard in view.shards),
        places=view.places,
        run=run,
        inner=inner,
        record_length=view.record_length if records else None,
        dtype=dtype,
        fill=fill_value(dtype),
    )
    entry = ("entry", RECORD) if records else ("entry",)
    attributes = stored_attributes(holders[0], [variable])[variable]
    coordinates = {RUN: ("entry", run), **{d: ("entry", i) for d, i in indices.items()}}
    return xr.DataArray(
        lazy_variable(entry, array, attributes), coords=coordinates, name=variable
    )


def states(path: str | Path, *, without: Collection[str] = ()) -> xr.Dataset:
    """Open the recorded weights of a study; they are read when they are used.

    Parameters
    ----------
    path, without
        See `open_runs`. A path to one shard opens its weights alone.

    Returns
    -------
    Dataset
        ``parameters(run, state_record, parameter)`` and the other variables that were stored
        with it, runs in the order of `open_runs`; ``run_id`` tells which. Attributes such as
        the layout of a row are those of the first shard.

    Raises
    ------
    FormatError
        If no weights were recorded, or networks of several sizes were.
    """
    views = weights_of(view_of(*shards_at(path, without)))
    if not views:
        raise FormatError(
            f"{path} holds no weights; record them by states = 'last' or 'all' in [recording]."
        )
    if len(views) > 1:
        raise FormatError(
            f"{path} holds weights of {len(views)} sizes, {sorted(views)}, which have no "
            "common array; open the weights of one shard at a time."
        )
    return weights_dataset(next(iter(views.values())))


def weights_of(view: View) -> dict[tuple[tuple[str, int], ...], View]:
    """Find the recorded weights of runs.

    Parameters
    ----------
    view : View
        Runs in order.

    Returns
    -------
    dict
        Sizes to the view of their weights, runs in the same order; empty where none were kept.
    """
    rank = {str(run_id): place for place, run_id in enumerate(view.coordinates["run_id"])}
    groups: dict[tuple[tuple[str, int], ...], list[Shard]] = {}
    for shard in view.shards:
        kept = shard.attribute.get(CONSOLIDATED, {"states": [STATES_GROUP]})["states"]
        for each in (read_shard(shard.path, group=f"{name}/") for name in kept):
            if each.contents:
                groups.setdefault(tuple(sorted(_sizes(each).items())), []).append(each)
    views = {}
    for sizes, found in groups.items():
        run_ids = np.concatenate([shard.coordinates["run_id"] for shard in found])
        order = np.argsort([rank[str(run_id)] for run_id in run_ids], kind="stable")
        coordinates, left_out = joined_coordinates(found, ())
        views[sizes] = view._replace(
            shards=tuple(found),
            places=places_of(found, order),
            coordinates={name: values[order] for name, values in coordinates.items()},
            left_out=left_out,
        )
    return views


def weights_dataset(view: View) -> xr.Dataset:
    """Make the dataset of weights of one size."""
    return flat_dataset(view).assign_attrs(group_attributes(view.shards[0]))


def shards_at(
    path: str | Path, without: Collection[str]
) -> tuple[list[Shard], Mapping[str, Any] | None]:
    """Read the coordinates of all shards of a study, and its latest description.

    Parameters
    ----------
    path, without
        See `open_runs`.

    Raises
    ------
    FormatError
        See `open_runs`.
    """
    if not isinstance(path, str | Path):
        raise InvalidValueError(
            "opening runs needs the path of a study or of a shard, received "
            f"{type(path).__name__}."
        )
    path = Path(path)
    _require_names(without)
    if not path.exists():
        raise FormatError(f"a study is a folder, and there is nothing at {str(path)!r}.")
    if not path.is_dir():
        _require_known(without, (), path)
        return [_lone_shard(path)], None
    study = None
    expected = None
    paths = shard_paths(path)
    _require_known(without, [each.name for each in paths], path)
    paths = [each for each in paths if each.name not in without]
    if (path / DESCRIPTION).exists():
        folder = StudyFolder.open(path)
        study, expected = folder.study, folder.identity
    shards, problems = scan(paths, expected)
    if problems:
        raise FormatError(
            f"{path} cannot be opened as a whole:\n"
            + "\n".join(f"  {problem.text}" for problem in problems)
            + "\nTo open the rest as it is, pass without="
            + repr([problem.path.name for problem in problems])
            + "."
        )
    if not shards:
        raise FormatError(f"{path} holds no runs yet; collect or record some first.")
    return shards, study


def _require_names(without: Any) -> None:
    listed = isinstance(without, Collection) and not isinstance(without, str | bytes)
    if not listed or not all(isinstance(each, str) for each in without):
        raise InvalidValueError(
            "without= must be a list of names of files, such as ['shard-0123456789abcdef.h5'], "
            f"received {without!r}."
        )


def _require_known(without: Collection[str], known: Collection[str], path: Path) -> None:
    """Refuse to leave out what is not there: another file would be read unasked."""
    for name in without:
        if name not in known:
            what = "shard of that name" if path.is_dir() else "other files beside it"
            raise FormatError(
                f"without= must name files of {path}, which has no {what}, received {name!r}."
                + did_you_mean(name, known)
            )


def _lone_shard(path: Path) -> Shard:
    try:
        return read_shard(path)
    except DamagedShardError as error:
        raise DamagedShardError(
            f"{error} Give the folder of a study, or a whole shard of one (shard-<hash>.h5)."
        ) from error


def _variables(shard: Shard) -> list[str]:
    return [name for name, stored in shard.contents.items() if not stored.coordinate]


def _sizes(shard: Shard) -> dict[str, int]:
    return {
        dim: size for name in _variables(shard) for dim, size in resolved_sizes(shard, name)
    }


def _shape_key(shard: Shard) -> tuple[tuple[tuple[str, int], ...], tuple[str, ...]]:
    return tuple(sorted(_sizes(shard).items())), tuple(sorted(_variables(shard)))


def _entries(
    view: View, variable: str, dims: Sequence[str]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], dict[str, npt.NDArray[np.int64]]]:
    shapes = [
        tuple(size for _, size in resolved_sizes(shard, variable))
        if variable in shard.contents
        else (0,)
        for shard in view.shards
    ]
    sizes = np.array([int(np.prod(shape)) for shape in shapes])[view.places.shard]
    run = np.repeat(np.arange(len(sizes)), sizes)
    inner = np.arange(len(run)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    indices = {dim: np.empty(len(run), dtype=np.int64) for dim in dims}
    distinct = sorted(set(shapes))
    owner = np.array([distinct.index(shape) for shape in shapes])[view.places.shard[run]]
    for number in np.unique(owner):
        here = owner == number
        unravelled = np.unravel_index(inner[here], distinct[number])
        for dim, index in zip(dims, unravelled, strict=True):
            indices[dim][here] = index
    return run, inner, indices
