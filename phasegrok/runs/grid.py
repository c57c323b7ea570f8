"""A grid view: one dimension for each control that varies, in place of ``run``."""

from collections.abc import Sequence
from typing import Any, Final, Literal, final

import numpy as np
import numpy.typing as npt
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from phasegrok.errors import FormatError, InvalidValueError
from phasegrok.runs.arrangement import rank
from phasegrok.runs.cells import Cells, cells_of, grid_dimensions, require_full
from phasegrok.runs.lazy import lazy_variable
from phasegrok.runs.steps import fill_value
from phasegrok.schema import RUN

__all__ = ["IS_THERE", "grid_view"]

IS_THERE: Final = "is_there"
"""Coordinate that tells which cells of a grid hold a run."""

_OF_EACH_RUN: Final = ("run_id", "outcome", "outcome_reason", "record_count")
"""What belongs to a run and not to its place, so that it lies on all dimensions."""

_NO_RUN: Final[dict[str, Any]] = {
    "outcome": "missing",
    "outcome_reason": "no run was made here",
    "record_count": 0,
}
"""What stands in a cell without a run where it is not fill or empty text."""


def grid_view(
    runs: xr.Dataset,
    *,
    dimensions: Sequence[str] | None = None,
    missing: Literal["refuse", "mask"] = "refuse",
    most_cells: float = 4.0,
) -> xr.Dataset:
    """Lay runs out along one dimension for each control that varies; read when used.

    Parameters
    ----------
    runs : Dataset
        The flat view as `open_runs` returns it, or a selection of its runs.
    dimensions : sequence of str, optional
        Coordinates on ``run``. Without it, what varies of: the controls in the order of the
        plan, ``first_rung``, ``disorder``, ``start`` and ``replica``; also ``direction`` and
        ``rate`` where it takes them to tell all runs apart.
    missing : {"refuse", "mask"}
        Whether cells without a run are refused, or told by the coordinate ``is_there``. Such a
        cell has the outcome ``missing``, the ``record_count`` 0 and ``run`` -1; elsewhere
        stands NaN, -1 or empty text.
    most_cells : float
        Cells allowed for each run, where some are missing.

    Returns
    -------
    Dataset
        Variables and coordinates on these dimensions, then ``record`` and what is resolved
        where they have it. A coordinate that follows
        from some of the dimensions lies on these alone; one value for all is a scalar. ``run``
        is the place of each run in the flat view: ``runs.isel(run=grid["run"].values.ravel())``
        goes back.

    Raises
    ------
    FormatError
        If cells have no run, two runs lie in one, or a scattered study would take more than
        ``most_cells`` times the memory.
    InvalidValueError
        If ``runs`` has no dimension ``run`` or no run, or an argument is none of the above.

    Examples
    --------
    >>> grid = grid_view(open_runs("my_study"))  # doctest: +SKIP
    >>> grid["loss"].sel(temperature=0.2).mean(("disorder", "replica"))  # doctest: +SKIP
    """
    _require_runs(runs)
    if missing not in ("refuse", "mask"):
        raise InvalidValueError(f"missing must be 'refuse' or 'mask', received {missing!r}.")
    number = isinstance(most_cells, int | float) and not isinstance(most_cells, bool)
    if not number or np.isnan(most_cells):
        raise InvalidValueError(
            f"most_cells must be a number of cells for each run, received {most_cells!r}."
        )
    names = grid_dimensions(runs, dimensions)
    _require_free(runs, names)
    cells = cells_of(runs, names, float(most_cells))
    if missing == "refuse":
        require_full(cells)
    return _laid_out(runs, cells, masked=missing == "mask")


@final
class GridArray(BackendArray):
    """An array (*grid, ...) over an array (run, ...) that is read when it is used.

    Parameters
    ----------
    flat : Variable
        On (run, ...), lazy or not.
    run : (*grid) array of int
        Which run lies in each cell; -1 for none.
    fill : number
        What stands where none lies.
    """

    def __init__(self, *, flat: xr.Variable, run: npt.NDArray[np.int64], fill: float) -> None:
        self.flat = flat
        self.run = run
        self.fill = fill
        self.shape = (*run.shape, *flat.shape[1:])
        self.dtype = flat.dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> npt.NDArray[Any]:
        """Read a selection; xarray turns every kind of index into one per axis."""
        found: npt.NDArray[Any] = indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._read
        )
        return found

    def _read(self, key: tuple[Any, ...]) -> npt.NDArray[Any]:
        depth = self.run.ndim
        chosen = [
            np.atleast_1d(np.arange(n)[k])
            for n, k in zip(self.run.shape, key[:depth], strict=True)
        ]
        wanted = self.run[np.ix_(*chosen)] if depth else self.run
        there = wanted >= 0
        rows, place = np.unique(wanted[there], return_inverse=True)
        inner = dict(zip(self.flat.dims[1:], key[depth:], strict=True))
        found = self.flat.isel({RUN: rows, **inner}).values
        result = np.full((*wanted.shape, *found.shape[1:]), self.fill, dtype=self.dtype)
        result[there] = found[place]
        scalars = tuple(
            0 if isinstance(k, int | np.integer) else slice(None) for k in key[:depth]
        )
        return np.asarray(result[scalars])


def _require_runs(runs: xr.Dataset) -> None:
    if not isinstance(runs, xr.Dataset):
        raise InvalidValueError(
            "a grid view is made of the dataset that open_runs returns, received "
            f"{type(runs).__name__}."
        )
    if runs.sizes.get(RUN, 0) == 0:
        raise InvalidValueError(
            f"a grid view needs at least one entry on the dimension {RUN!r}, received sizes "
            f"{dict(runs.sizes)}; give the flat view."
        )
    if "run_id" not in runs.coords:
        raise FormatError("a grid view needs the coordinate 'run_id' on 'run', as runs have.")


def _require_free(runs: xr.Dataset, names: tuple[str, ...]) -> None:
    taken = [name for name in names if name in runs.dims]
    if taken:
        raise InvalidValueError(
            f"{taken[0]!r} is a dimension of the runs already and cannot be one of the grid; "
            "rename the coordinate first."
        )
    if IS_THERE in runs.variables:
        raise InvalidValueError(f"the name {IS_THERE!r} is that of a grid's mask; rename it.")


def _laid_out(runs: xr.Dataset, cells: Cells, *, masked: bool) -> xr.Dataset:
    coordinates: dict[Any, xr.Variable] = {
        name: xr.Variable((name,), axis, runs[name].attrs)
        for name, axis in zip(cells.names, cells.axes, strict=True)
    }
    if RUN not in runs.coords:
        about = {"long_name": "place of the run in the flat view", "units": "1"}
        coordinates[RUN] = xr.Variable(cells.names, cells.run, about)
    if masked:
        about = {"long_name": "whether a run was made here", "units": "1"}
        coordinates[IS_THERE] = xr.Variable(cells.names, cells.run >= 0, about)
    for name, values in runs.coords.items():
        if name not in cells.names:
            coordinates[name] = _coordinate(str(name), values.variable, cells)
    variables = {name: _gridded(each.variable, cells) for name, each in runs.data_vars.items()}
    return xr.Dataset(variables, coordinates, runs.attrs)


def _gridded(flat: xr.Variable, cells: Cells) -> xr.Variable:
    if flat.dims[:1] != (RUN,):
        return flat
    array = GridArray(flat=flat, run=cells.run, fill=_fill(flat.dtype))
    dims = tuple(str(dim) for dim in (*cells.names, *flat.dims[1:]))
    return lazy_variable(dims, array, dict(flat.attrs))


def _coordinate(name: str, flat: xr.Variable, cells: Cells) -> xr.Variable:
    if flat.dims != (RUN,):
        return _gridded(flat, cells)
    run, names = cells.run, cells.names
    if name not in (*_OF_EACH_RUN, RUN):
        run, names = _fewest(rank(flat.values), cells)
    # Text of fixed width would cut what stands for no run.
    dtype = np.dtype(object) if flat.dtype.kind in "UT" else flat.dtype
    values = np.full(run.shape, _NO_RUN.get(name, _fill(dtype)), dtype=dtype)
    values[run >= 0] = flat.values[run[run >= 0]]
    return xr.Variable(names, values, flat.attrs)


def _fewest(
    ranks: npt.NDArray[np.int64], cells: Cells
) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Leave out every dimension along which a coordinate does not change, innermost first.

    Returns
    -------
    run : array of int
        For each cell that is left, a run with its value; -1 where there is none.
    names : tuple of str
        Dimensions that are left.
    """
    run, names = cells.run, cells.names
    highest = np.iinfo(np.int64).max
    for axis in reversed(range(len(names))):
        there = run >= 0
        found = np.where(there, ranks[run], -1)
        largest = found.max(axis=axis)
        smallest = np.where(there, found, highest).min(axis=axis)
        if np.all((smallest == largest) | (largest < 0)):
            run = run.max(axis=axis)
            names = names[:axis] + names[axis + 1 :]
    return run, names


def _fill(dtype: np.dtype[Any]) -> Any:
    if dtype.kind in "fi":
        return fill_value(dtype)
    if dtype.kind == "O":
        return ""
    raise FormatError(
        f"a grid view holds float, int and text, received {dtype}; convert or drop it."
    )
