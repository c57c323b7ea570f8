"""Lifting array functions onto labelled arrays: the reduced dimension goes last.

Input held by dask stays lazy; a reduced dimension is gathered into one chunk.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from phasegrok.errors import FormatError, InvalidValueError
from phasegrok.statistics.kinds import require_array, require_number_or_array
from phasegrok.statistics.samples import Status

__all__ = [
    "STATUS_ATTRIBUTES",
    "applied",
    "disorder_labels",
    "fields_of",
    "require_dims",
    "require_same_coordinates",
    "single",
    "stacked",
    "units",
    "valid_counts",
]

STATUS_ATTRIBUTES: Mapping[str, object] = {
    "flag_values": [int(status) for status in Status],
    "flag_meanings": " ".join(status.name.lower() for status in Status),
}
"""Attributes of every variable that holds a `Status`, as the CF conventions write flags."""

_INTEGERS = frozenset({"window", "start_record", "status", "plateau"})
_BOOLEANS = frozenset({"converged"})


def single(
    function: Callable[..., ArrayLike], samples: xr.DataArray, dims: Sequence[str]
) -> xr.DataArray:
    """Apply a function of (..., dims) that gives one number for each series."""
    result: xr.DataArray = applied(function, (samples,), core=(dims,), dtypes=[np.float64])
    return result


def fields_of(
    function: Callable[..., tuple[ArrayLike, ...]],
    samples: Sequence[object],
    dims: Sequence[Sequence[str]],
    names: Sequence[str],
    *,
    keywords: Mapping[str, object] | None = None,
    new_dims: Mapping[str, tuple[str, int]] | None = None,
) -> xr.Dataset:
    """Apply a function of several arrays that gives a tuple: one variable for each field.

    `new_dims` names the last dimension of those fields that have one of their own, with its
    size.
    """
    arrays = applied(
        function,
        tuple(samples),
        core=tuple(dims),
        dtypes=[_dtype(name) for name in names],
        keywords=keywords,
        new_dims=[(new_dims or {}).get(name) for name in names],
    )
    parts = arrays if len(names) > 1 else (arrays,)
    result = xr.Dataset(
        {name: part.drop_attrs() for name, part in zip(names, parts, strict=True)}
    )
    if "status" in result:
        result["status"].attrs.update(STATUS_ATTRIBUTES)
    return result


def applied(
    function: Callable[..., Any],
    arguments: tuple[object, ...],
    *,
    core: tuple[Sequence[str], ...],
    dtypes: Sequence[type],
    keywords: Mapping[str, object] | None = None,
    new_dims: Sequence[tuple[str, int] | None] | None = None,
) -> Any:
    """Call `xarray.apply_ufunc`, lazily where the input is lazy.

    Arguments with core dimensions are labelled arrays; those without may be one number each.
    """
    for argument, needed in zip(arguments, core, strict=True):
        if needed:
            require_dims(argument, needed)
        else:
            require_number_or_array("a parameter", argument)
    require_same_coordinates(arguments)
    new = [None] * len(dtypes) if new_dims is None else list(new_dims)
    sizes = {dim[0]: dim[1] for dim in new if dim is not None}
    return xr.apply_ufunc(
        function,
        *arguments,
        input_core_dims=core,
        output_core_dims=[[] if dim is None else [dim[0]] for dim in new],
        kwargs=dict(keywords or {}),
        dask="parallelized",
        output_dtypes=list(dtypes),
        dask_gufunc_kwargs={"allow_rechunk": True, "output_sizes": sizes},
    )


def require_dims(samples: Any, dims: Sequence[str]) -> None:
    """Refuse what is no labelled array, or has not the dimensions to be reduced."""
    require_array("every array of samples", samples)
    missing = [dim for dim in dims if dim not in samples.dims]
    if missing:
        raise InvalidValueError(
            f"the samples need the dimension(s) {missing}, received {list(samples.dims)}; "
            "name the dimension to reduce."
        )


def require_same_coordinates(arrays: Iterable[object]) -> None:
    """Refuse arrays that name or number the entries of a dimension differently."""
    labelled = [array for array in arrays if isinstance(array, xr.DataArray)]
    try:
        xr.align(*labelled, join="exact", copy=False)
    except ValueError as error:
        raise InvalidValueError(
            "arrays that belong together need the same coordinates along the dimensions they "
            f"share, received {[dict(array.sizes) for array in labelled]}; align them first. "
            f"({error})"
        ) from error


def disorder_labels(values: xr.DataArray, dim: str) -> np.ndarray[Any, Any]:
    """Take the labels of disorder from the coordinate of that name."""
    require_dims(values, [dim])
    if "disorder" not in values.coords or values.coords["disorder"].dims != (dim,):
        raise FormatError(
            f"an average over disorder needs the coordinate 'disorder' on {dim!r}, received "
            f"coordinates {sorted(map(str, values.coords))}; say which draw of data each has."
        )
    return np.asarray(values.coords["disorder"].to_numpy())


def stacked(series: Sequence[ArrayLike]) -> np.ndarray[Any, Any]:
    """Put series of several quantities side by side, (quantity, ..., sample)."""
    return np.stack(np.broadcast_arrays(*series))


def valid_counts(counts: xr.DataArray, most: int) -> list[int]:
    """Read how many records of each run are valid, or refuse what cannot be such a number."""
    numbers = counts.to_numpy()
    whole = numbers.dtype.kind in "iuf" and bool(np.all(numbers == np.floor(numbers)))
    if not whole or np.any(numbers < 0) or np.any(numbers > most):
        raise InvalidValueError(
            f"{counts.name!r} needs whole numbers from 0 to {most}, received "
            f"{numbers.tolist()[:10]}; count the records that were made."
        )
    lengths: list[int] = numbers.astype(np.int64).tolist()
    return lengths


def units(values: xr.DataArray) -> dict[str, object]:
    """Give the attribute ``units``, where there is one."""
    return {"units": values.attrs["units"]} if "units" in values.attrs else {}


def _dtype(name: str) -> type:
    if name in _BOOLEANS:
        return np.bool_
    return np.int64 if name in _INTEGERS else np.float64
