"""Runs in the formats of other programs: netCDF and Zarr."""

import importlib.util
import os
import secrets
import shutil
import warnings
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import xarray as xr

from phasegrok.errors import InvalidValueError, MissingDependencyError
from phasegrok.runs.attribute import attribute_of
from phasegrok.runs.consolidation import consolidate, require_plain, whole_study
from phasegrok.runs.disk import PARTIAL, readable_errors, whole_file
from phasegrok.runs.layout import stream
from phasegrok.runs.opening import shards_at
from phasegrok.runs.targets import free_target, require_elsewhere, taken
from phasegrok.schema import ATTRIBUTE, RECORD, RUN

__all__ = ["export_netcdf", "export_zarr"]

_BLOCK: Final = 1 << 25
"""Bytes of an array that are in memory at a time, and most of a chunk."""


def export_netcdf(
    source: str | Path | xr.Dataset,
    target: str | Path,
    *,
    without: Collection[str] = (),
    overwrite: bool = False,
) -> Path:
    """Write runs as one netCDF-4 file, numbers bit for bit.

    Parameters
    ----------
    source : path or Dataset
        A study, of which all is written, as `consolidate` does; or a flat view, a selection of
        it, or a grid view, lazy or not.
    target : path
        The file to be made. It is whole or not there; memory holds a block of it at a time.
    without : collection of str
        Names of files of a study to leave out.
    overwrite : bool
        Whether an older netCDF or HDF5 file of that name is replaced; nothing else is.

    Returns
    -------
    Path
        The file. Text is text of variable length; ``is_there`` of a grid view is 0 or 1.

    Raises
    ------
    FormatError, InvalidValueError, StorageError
        See `consolidate`.
    """
    if not isinstance(source, xr.Dataset):
        return consolidate(source, target, without=without, overwrite=overwrite)
    _require_no_files(without)
    target = free_target(target, overwrite=overwrite)
    runs = _storable(source)
    flat = {RUN, RECORD} <= {*runs.dims} and ATTRIBUTE in runs.attrs
    try:
        with whole_file(target, over=overwrite) as file:
            stream(file, runs, {}, attribute_of(runs) if flat else None)
    except FileExistsError as error:
        raise InvalidValueError(taken(target)) from error
    return target


def export_zarr(
    source: str | Path | xr.Dataset,
    target: str | Path,
    *,
    without: Collection[str] = (),
    overwrite: bool = False,
) -> Path:
    """Write runs as a Zarr store, numbers bit for bit.

    Parameters
    ----------
    source : path or Dataset
        A study, of which all is written, in the groups that `consolidate` makes; or a flat
        view, a selection of it, or a grid view, lazy or not.
    target : path
        The folder to be made. It appears under its name when it is complete.
    without : collection of str
        Names of files of a study to leave out.
    overwrite : bool
        Whether an older Zarr store of that name is replaced; nothing else is.

    Returns
    -------
    Path
        The folder; ``xarray.open_zarr`` opens it, and ``xarray.open_datatree`` its groups.

    Raises
    ------
    MissingDependencyError
        If the package zarr is not installed.
    FormatError, InvalidValueError, StorageError
        See `consolidate`.
    """
    if importlib.util.find_spec("zarr") is None:
        raise MissingDependencyError(
            "writing Zarr needs the package zarr, which is not installed; install it by "
            "pip install 'phasegrok[export]', or write netCDF, which needs nothing more."
        )
    target = free_target(target, overwrite=overwrite, store=True)
    groups: Mapping[str, xr.Dataset] = {}
    if isinstance(source, xr.Dataset):
        _require_no_files(without)
        root = _storable(source)
    else:
        shards, study = shards_at(source, without)
        require_elsewhere(target, shards)
        root, groups, _ = whole_study(shards, study)
    with readable_errors(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.parent / f"{PARTIAL}{os.getpid()}-{secrets.token_hex(4)}"
        try:
            with warnings.catch_warnings():
                # What is said of all arrays is repeated in one place, where readers look
                # first; format 3 does not specify it yet.
                warnings.filterwarnings("ignore", "Consolidated metadata is currently not part")
                for name, dataset in {**groups, "": root}.items():
                    _write_group(partial, name, dataset)
            _give_name(partial, target, overwrite=overwrite)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return target


def _require_no_files(without: Collection[str]) -> None:
    if without:
        raise InvalidValueError(
            "without= names files of a study, and a dataset has none; leave runs out by "
            "selecting the others."
        )


def _storable(runs: xr.Dataset) -> xr.Dataset:
    """Truth values as 0 and 1, and text of one type, which all formats hold."""
    plain: dict[Any, xr.Variable] = {}
    for name, variable in runs.variables.items():
        if variable.dtype.kind == "b":
            plain[name] = variable.astype(np.int8)
        elif variable.dtype.kind in "UT":
            plain[name] = variable.astype(object)
        elif variable.dtype.kind not in "fiO":
            raise InvalidValueError(
                f"{name!r} is {variable.dtype}, and only numbers and text can be written; "
                "convert or drop it."
            )
    require_plain(runs)
    plain_coordinates = {name: plain.pop(name) for name in runs.coords if name in plain}
    return runs.assign(plain).assign_coords(plain_coordinates)


def _write_group(store: Path, group: str, dataset: xr.Dataset) -> None:
    """Append a block of the first dimension at a time."""
    # The root, which is written last, knows of all groups.
    options: dict[str, Any] = {
        "group": group or None,
        "consolidated": not group,
        "zarr_format": 3,
    }
    dim = next((v.dims[0] for v in dataset.data_vars.values() if v.dims), None)
    if dim is None:
        dataset.to_zarr(store, mode="a", **options)
        return
    length = dataset.sizes[dim]
    along = [name for name, each in dataset.variables.items() if dim in each.dims]
    largest = max((dataset[name].nbytes for name in along), default=1)
    rows = max(1, min(length, _BLOCK * length // max(largest, 1)))
    chunks = {
        name: {"chunks": tuple(min(rows, n) if d == dim else n for d, n in each.sizes.items())}
        for name, each in dataset.variables.items()
        if each.size
    }
    dataset.isel({dim: slice(rows)}).to_zarr(store, mode="a", encoding=chunks, **options)
    for low in range(rows, length, rows):
        block = dataset.isel({dim: slice(low, low + rows)})
        block[along].drop_vars([n for n in block.variables if n not in along]).to_zarr(
            store, append_dim=dim, **options
        )


def _give_name(partial: Path, target: Path, *, overwrite: bool) -> None:
    if not overwrite or not target.exists():
        # A folder takes the place of an empty one without a word, and of no other.
        os.rename(partial, target)
        return
    older = partial.with_name(partial.name + "-older")
    os.rename(target, older)
    os.rename(partial, target)
    shutil.rmtree(older)
