"""The array functions by dimension name: each face says where its text is.

Input held by dask stays lazy; a reduced dimension is gathered into one chunk.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from phasegrok.errors import FormatError, InvalidValueError
from phasegrok.schema import RECORD, RUN
from phasegrok.statistics import (
    autocorrelation,
    convergence,
    disorder,
    equilibration,
    histograms,
    moments,
)
from phasegrok.statistics.samples import Status, as_samples

__all__ = [
    "STATUS_ATTRIBUTES",
    "binder_cumulant",
    "disorder_average",
    "effective_sample_size",
    "equilibration_start",
    "first_last_difference",
    "histogram_density",
    "integrated_autocorrelation_time",
    "kurtosis_ratio",
    "mean",
    "negative_log_density",
    "pooled_autocorrelation_time",
    "rank_normalised_split_r_hat",
    "split_r_hat",
    "susceptibility",
]

STATUS_ATTRIBUTES: Mapping[str, object] = {
    "flag_values": [int(status) for status in Status],
    "flag_meanings": " ".join(status.name.lower() for status in Status),
}
"""Attributes of every variable that holds a `Status`, as the CF conventions write flags."""


def integrated_autocorrelation_time(samples: xr.DataArray, *, dim: str = RECORD) -> xr.Dataset:
    """See `autocorrelation.integrated_autocorrelation_time`; one variable for each field."""
    function = autocorrelation.integrated_autocorrelation_time
    return _fields(function, samples, [dim], autocorrelation.AutocorrelationTime._fields)


def pooled_autocorrelation_time(
    samples: xr.DataArray, *, chain_dim: str, dim: str = RECORD
) -> xr.Dataset:
    """See `autocorrelation.pooled_autocorrelation_time`; one variable for each field."""
    function = autocorrelation.pooled_autocorrelation_time
    fields = autocorrelation.AutocorrelationTime._fields
    return _fields(function, samples, [chain_dim, dim], fields)


def effective_sample_size(samples: xr.DataArray, *, dim: str = RECORD) -> xr.DataArray:
    """See `autocorrelation.effective_sample_size`."""
    return _single(autocorrelation.effective_sample_size, samples, [dim])


def equilibration_start(
    samples: xr.DataArray, *, candidates: tuple[int, ...] | None = None, dim: str = RECORD
) -> xr.Dataset:
    """See `equilibration.equilibration_start`; its ``start`` is named ``start_record`` here.

    In the schema ``start`` is a coordinate of the runs: how their initial state was made.
    """
    fields = ("start_record", *equilibration.EquilibrationStart._fields[1:])
    keywords = {"candidates": candidates}
    return _fields(equilibration.equilibration_start, samples, [dim], fields, keywords)


def first_last_difference(
    samples: xr.DataArray, *, first: float = 0.1, last: float = 0.5, dim: str = RECORD
) -> xr.Dataset:
    """See `equilibration.first_last_difference`; one variable for each field."""
    fields = equilibration.FirstLastDifference._fields
    keywords = {"first": first, "last": last}
    return _fields(equilibration.first_last_difference, samples, [dim], fields, keywords)


def split_r_hat(samples: xr.DataArray, *, chain_dim: str, dim: str = RECORD) -> xr.DataArray:
    """See `convergence.split_r_hat`."""
    return _single(convergence.split_r_hat, samples, [chain_dim, dim])


def rank_normalised_split_r_hat(
    samples: xr.DataArray, *, chain_dim: str, dim: str = RECORD
) -> xr.DataArray:
    """See `convergence.rank_normalised_split_r_hat`."""
    return _single(convergence.rank_normalised_split_r_hat, samples, [chain_dim, dim])


def mean(samples: xr.DataArray, *, dim: str = RECORD) -> xr.Dataset:
    """See `moments.mean`; one variable for each field."""
    result = _fields(moments.mean, samples, [dim], moments.MeanEstimate._fields)
    for name in ("mean", "error"):
        result[name].attrs.update(_units(samples))
    return result


def susceptibility(
    order_parameter: xr.DataArray,
    *,
    system_size: float | xr.DataArray,
    autocorrelation_time: float | xr.DataArray = 0.5,
    dim: str = RECORD,
) -> xr.DataArray:
    """See `moments.susceptibility`; size and time may be labelled too."""
    _require_dims(order_parameter, [dim])

    def function(samples: ArrayLike, size: ArrayLike, time: ArrayLike) -> ArrayLike:
        return moments.susceptibility(samples, system_size=size, autocorrelation_time=time)

    result: xr.DataArray = _apply(
        function,
        (order_parameter, system_size, autocorrelation_time),
        core=([dim], [], []),
        dtypes=[np.float64],
    )
    return result


def binder_cumulant(order_parameter: xr.DataArray, *, dim: str = RECORD) -> xr.DataArray:
    """See `moments.binder_cumulant`."""
    return _single(moments.binder_cumulant, order_parameter, [dim])


def kurtosis_ratio(order_parameter: xr.DataArray, *, dim: str = RECORD) -> xr.DataArray:
    """See `moments.kurtosis_ratio`."""
    return _single(moments.kurtosis_ratio, order_parameter, [dim])


def disorder_average(values: xr.DataArray, *, dim: str = RUN) -> xr.Dataset:
    """See `disorder.disorder_average`; labels are the coordinate ``disorder`` of the runs."""
    labels = _disorder_labels(values, dim)
    function = disorder.disorder_average
    fields = disorder.DisorderAverage._fields[:2]

    def without_count(samples: ArrayLike) -> tuple[ArrayLike, ...]:
        return function(samples, disorder=labels)[:2]

    result = _fields(without_count, values, [dim], fields)
    for name in fields:
        result[name].attrs.update(_units(values))
    return result.assign(disorder_count=np.unique(labels).size)


def histogram_density(values: xr.DataArray, *, edges: ArrayLike, dim: str = RUN) -> xr.Dataset:
    """See `histograms.histogram_density`; every dimension but the run is pooled.

    The dimension ``bin`` carries the coordinates ``bin_left``, ``bin_right`` and
    ``bin_center``. Values held by dask are computed.
    """
    labels = _disorder_labels(values, dim)
    result = histograms.histogram_density(
        values.transpose(dim, ...).to_numpy(), edges=edges, disorder=labels
    )
    borders = as_samples(edges, statistic="a histogram's edges")
    width = _units(values)
    return xr.Dataset(
        {
            "density": ("bin", result.density),
            "standard_error": ("bin", result.standard_error),
            "counts": (("disorder", "bin"), result.counts),
            "outside": ((), result.outside),
        },
        coords={
            "disorder": np.unique(labels),
            "bin_left": ("bin", borders[:-1], width),
            "bin_right": ("bin", borders[1:], width),
            "bin_center": ("bin", 0.5 * (borders[:-1] + borders[1:]), width),
        },
    )


def negative_log_density(histogram: xr.Dataset) -> xr.Dataset:
    """See `histograms.negative_log_density`; takes what `histogram_density` gives here."""
    fields = histograms.HistogramDensity(
        density=histogram["density"].to_numpy(),
        standard_error=histogram["standard_error"].to_numpy(),
        counts=histogram["counts"].transpose("disorder", "bin").to_numpy(),
        outside=float(histogram["outside"]),
    )
    result = histograms.negative_log_density(fields)._asdict()
    coordinates = histogram.drop_dims("disorder").coords
    return xr.Dataset({name: ("bin", value) for name, value in result.items()}, coordinates)


def _single(
    function: Callable[..., ArrayLike], samples: xr.DataArray, dims: Sequence[str]
) -> xr.DataArray:
    _require_dims(samples, dims)
    result: xr.DataArray = _apply(function, (samples,), core=(dims,), dtypes=[np.float64])
    return result


def _fields(
    function: Callable[..., tuple[ArrayLike, ...]],
    samples: xr.DataArray,
    dims: Sequence[str],
    names: Sequence[str],
    keywords: Mapping[str, object] | None = None,
) -> xr.Dataset:
    _require_dims(samples, dims)
    integers = {"window", "start_record", "status"}
    dtypes = [np.int64 if name in integers else np.float64 for name in names]
    arrays = _apply(function, (samples,), core=(dims,), dtypes=dtypes, keywords=keywords)
    result = xr.Dataset(
        {name: part.drop_attrs() for name, part in zip(names, arrays, strict=True)}
    )
    if "status" in result:
        result["status"].attrs.update(STATUS_ATTRIBUTES)
    return result


def _apply(
    function: Callable[..., Any],
    arguments: tuple[object, ...],
    *,
    core: tuple[Sequence[str], ...],
    dtypes: Sequence[type],
    keywords: Mapping[str, object] | None = None,
) -> Any:
    return xr.apply_ufunc(
        function,
        *arguments,
        input_core_dims=core,
        output_core_dims=[[] for _ in dtypes],
        kwargs=dict(keywords or {}),
        dask="parallelized",
        output_dtypes=list(dtypes),
        dask_gufunc_kwargs={"allow_rechunk": True},
    )


def _require_dims(samples: xr.DataArray, dims: Sequence[str]) -> None:
    missing = [dim for dim in dims if dim not in samples.dims]
    if missing:
        raise InvalidValueError(
            f"the samples need the dimension(s) {missing}, received {list(samples.dims)}; "
            "name the dimension to reduce."
        )


def _disorder_labels(values: xr.DataArray, dim: str) -> np.ndarray[Any, Any]:
    _require_dims(values, [dim])
    if "disorder" not in values.coords or values.coords["disorder"].dims != (dim,):
        raise FormatError(
            f"an average over disorder needs the coordinate 'disorder' on {dim!r}, received "
            f"coordinates {sorted(map(str, values.coords))}; say which draw of data each has."
        )
    return np.asarray(values.coords["disorder"].to_numpy())


def _units(values: xr.DataArray) -> dict[str, object]:
    return {"units": values.attrs["units"]} if "units" in values.attrs else {}
