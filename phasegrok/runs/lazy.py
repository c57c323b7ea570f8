"""Arrays over many shards that read only what is asked of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np
import numpy.typing as npt
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from phasegrok.runs.reading import opened
from phasegrok.runs.shard import checksum

__all__ = ["Piece", "Places", "PooledArray", "ShardedArray", "lazy_variable"]

Index = npt.NDArray[np.int64]


class Piece(NamedTuple):
    """Part of an array that one shard holds; None as its path where no run made any."""

    path: str | None
    name: str
    shape: tuple[int, ...]
    per_run: bool
    """False for an axis that all runs of the shard share."""
    checksum: str = ""
    """Of the whole; compared whenever all of it is read."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Places:
    """Where each run of the flat view is stored.

    Parameters
    ----------
    shard, row : (run,) array of int
        Index of the shard, and the run's place in it.
    """

    shard: Index
    row: Index

    def by_shard(self, runs: Index) -> Iterator[tuple[int, Index]]:
        """Group positions in a selection of runs by shard."""
        shards = self.shard[runs]
        order = np.argsort(shards, kind="stable")
        found, starts = np.unique(shards[order], return_index=True)
        if len(found):
            yield from zip(found.tolist(), np.split(order, starts[1:]), strict=True)


@final
class ShardedArray(BackendArray):
    """An array (run, ...) whose runs lie in many shards, in any order.

    Parameters
    ----------
    pieces : tuple of Piece
        One per shard. An axis of a piece may be shorter than that of the whole; what it
        lacks is fill.
    places : Places
        Where each run is.
    shape, dtype : of the whole
    fill : number
        What stands where no record was made.
    """

    def __init__(
        self,
        *,
        pieces: tuple[Piece, ...],
        places: Places,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        fill: float,
    ) -> None:
        self.pieces = pieces
        self.places = places
        self.shape = shape
        self.dtype = dtype
        self.fill = fill

    def __getitem__(self, key: indexing.ExplicitIndexer) -> npt.NDArray[Any]:
        """Read a selection; xarray turns every kind of index into one per axis."""
        found: npt.NDArray[Any] = indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._read
        )
        return found

    def _read(self, key: tuple[Any, ...]) -> npt.NDArray[Any]:
        chosen = [np.atleast_1d(np.arange(n)[k]) for n, k in zip(self.shape, key, strict=True)]
        result = np.full([len(each) for each in chosen], self.fill, dtype=self.dtype)
        for shard, positions in self.places.by_shard(chosen[0]):
            piece = self.pieces[shard]
            if piece.path is None:
                continue
            inner = piece.shape[1:] if piece.per_run else piece.shape
            there = [np.flatnonzero(c < n) for c, n in zip(chosen[1:], inner, strict=True)]
            wanted = [each[t] for each, t in zip(chosen[1:], there, strict=True)]
            rows = self.places.row[chosen[0][positions]]
            if min(map(len, wanted), default=1) > 0:
                block = _read_piece(piece, [rows, *wanted] if piece.per_run else wanted)
                result[np.ix_(positions, *there)] = block
        scalars = tuple(0 if _is_scalar(each) else slice(None) for each in key)
        return np.asarray(result[scalars])


@final
class PooledArray(BackendArray):
    """An array (entry[, record]) over the resolved entries of runs of different sizes.

    Parameters
    ----------
    pieces : tuple of Piece
        One per shard, with the axes (run[, record], ...).
    places : Places
        Where each run is.
    run, inner : (entry,) array of int
        Run of each entry, and its place among the entries of that run.
    record_length : int or None
        Length of the axis ``record``; None for a variable without one.
    dtype, fill : as for `ShardedArray`
    """

    def __init__(
        self,
        *,
        pieces: tuple[Piece, ...],
        places: Places,
        run: Index,
        inner: Index,
        record_length: int | None,
        dtype: np.dtype[Any],
        fill: float,
    ) -> None:
        self.pieces = pieces
        self.places = places
        self.run = run
        self.inner = inner
        self.dtype = dtype
        self.fill = fill
        self.shape = (len(run),) if record_length is None else (len(run), record_length)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> npt.NDArray[Any]:
        """Read a selection; xarray turns every kind of index into one per axis."""
        found: npt.NDArray[Any] = indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._read
        )
        return found

    def _read(self, key: tuple[Any, ...]) -> npt.NDArray[Any]:
        chosen = [np.atleast_1d(np.arange(n)[k]) for n, k in zip(self.shape, key, strict=True)]
        entries, records = chosen[0], chosen[1:]
        result = np.full([len(each) for each in chosen], self.fill, dtype=self.dtype)
        for shard, positions in self.places.by_shard(self.run[entries]):
            piece = self.pieces[shard]
            there = [np.flatnonzero(each < piece.shape[1]) for each in records]
            wanted = [each[t] for each, t in zip(records, there, strict=True)]
            if min(map(len, wanted), default=1) == 0:
                continue
            rows, place = np.unique(
                self.places.row[self.run[entries[positions]]], return_inverse=True
            )
            whole = [np.arange(size) for size in piece.shape[1 + len(records) :]]
            block = _read_piece(piece, [rows, *wanted, *whole])
            flat = block.reshape(*block.shape[: 1 + len(records)], -1)
            picked = flat[place, ..., self.inner[entries[positions]]]
            result[np.ix_(positions, *there)] = picked
        scalars = tuple(0 if _is_scalar(each) else slice(None) for each in key)
        return np.asarray(result[scalars])


def lazy_variable(
    dims: tuple[str, ...], array: BackendArray, attributes: dict[str, Any]
) -> xr.Variable:
    """Wrap an array as xarray wraps those of its own readers: read on demand, then kept."""
    wrappers: Any = indexing  # Their annotations do not admit what xarray itself puts in.
    lazy = wrappers.CopyOnWriteArray(wrappers.LazilyIndexedArray(array))
    return xr.Variable(dims, wrappers.MemoryCachedArray(lazy), attributes)


def _is_scalar(key: object) -> bool:
    return isinstance(key, int | np.integer)


def _read_piece(piece: Piece, wanted: list[Index]) -> npt.NDArray[Any]:
    # One slab and a choice in memory: HDF5's own choice of single points is far slower.
    corner = [int(each.min()) for each in wanted]
    slab = tuple(
        slice(low, int(each.max()) + 1) for low, each in zip(corner, wanted, strict=True)
    )
    with opened(str(piece.path)) as file:
        block = file[piece.name][slab]
        if piece.checksum and block.shape == piece.shape and checksum(block) != piece.checksum:
            raise ValueError(f"the checksum of {piece.name!r} does not hold")
    local = [each - low for low, each in zip(corner, wanted, strict=True)]
    if all(len(each) == n for each, n in zip(local, block.shape, strict=True)) and all(
        np.all(np.diff(each) > 0) for each in local
    ):
        return np.asarray(block)
    return np.asarray(block[np.ix_(*local)])
