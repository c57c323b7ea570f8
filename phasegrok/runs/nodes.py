"""What a consolidated file holds beside its flat view: variables of runs of one shape."""

from collections.abc import Iterable

import numpy as np
import xarray as xr

from phasegrok.runs.arrangement import View, parts_of, told_apart
from phasegrok.runs.attribute import attribute_of, attribute_text
from phasegrok.runs.flat import flat_dataset
from phasegrok.runs.lazy import Places
from phasegrok.runs.reading import Shard, read_shard
from phasegrok.schema import ATTRIBUTE, CONSOLIDATED, RECORD, RUN

__all__ = ["nodes_in", "stored_nodes", "with_nodes"]


def nodes_in(shards: Iterable[Shard]) -> dict[str, Shard]:
    """Read the groups of consolidated files that hold variables of runs of one shape.

    Parameters
    ----------
    shards : iterable of Shard
        Of one study.

    Returns
    -------
    dict
        Name to group; its coordinate ``run`` is the index of a run in the flat view.
    """
    return {
        name: read_shard(shard.path, group=f"{name}/")
        for shard in shards
        if shard.origins is not None
        for name in shard.attribute[CONSOLIDATED]["nodes"]
    }


def stored_nodes(view: View) -> dict[str, xr.Dataset]:
    """Make one dataset for each shape, as if the runs still lay in shards.

    Parameters
    ----------
    view : View
        Of one consolidated file.

    Returns
    -------
    dict
        Name to dataset.
    """
    (shard,) = view.shards
    lengths = shard.attribute[CONSOLIDATED]["nodes"]
    flat = flat_dataset(view)
    return {
        name: _node(flat, view, group, lengths[name])
        for name, group in nodes_in(view.shards).items()
    }


def _node(flat: xr.Dataset, view: View, group: Shard, length: int) -> xr.Dataset:
    rows = group.coordinates[RUN]
    own = flat_dataset(
        view._replace(
            shards=(group,),
            places=Places(shard=np.zeros_like(rows), row=np.arange(len(rows))),
            coordinates={
                name: values
                for name, values in group.coordinates.items()
                if group.contents[name].dims == (RUN,)
            },
            left_out={},
        )
    ).drop_vars([RUN, "run_id"])
    node = flat.isel({RUN: rows}).assign_coords(own.coords).assign(own.data_vars)
    attribute = attribute_of(flat)
    parts = parts_of(attribute)
    told = told_apart([parts[each] for each in np.unique(view.origins[rows])])
    text = attribute_text({**attribute, **told, "left_out": {}})
    return node.isel({RECORD: slice(length)}).assign_attrs({ATTRIBUTE: text})


def with_nodes(view: View) -> View:
    """Point to the groups of a consolidated file instead of its flat view.

    Parameters
    ----------
    view : View
        Of shards, or of one consolidated file.

    Returns
    -------
    View
        The same runs. Those of which a group holds variables are found there, unless the flat
        view holds all.
    """
    nodes = list(nodes_in(view.shards).values())
    shard, row = view.places.shard.copy(), view.places.row.copy()
    for number, group in enumerate(nodes, start=len(view.shards)):
        runs = group.coordinates[RUN]
        shard[runs], row[runs] = number, np.arange(len(runs))
    return view._replace(shards=(*view.shards, *nodes), places=Places(shard=shard, row=row))
