"""Distributions and averages over disorder by dimension name."""

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from phasegrok.errors import FormatError
from phasegrok.schema import RECORD, RUN
from phasegrok.statistics import disorder, histograms, series_histograms
from phasegrok.statistics.kinds import require_dataset
from phasegrok.statistics.labelled.lifting import (
    STATUS_ATTRIBUTES,
    disorder_labels,
    fields_of,
    require_dims,
    units,
)
from phasegrok.statistics.samples import FloatArray, as_samples

__all__ = [
    "disorder_average",
    "histogram_density",
    "negative_log_density",
    "series_histogram",
]


def disorder_average(values: xr.DataArray, *, dim: str = RUN) -> xr.Dataset:
    """See `disorder.disorder_average`; labels are the coordinate ``disorder`` of the runs."""
    labels = disorder_labels(values, dim)
    function = disorder.disorder_average
    fields = disorder.DisorderAverage._fields[:2]

    def without_count(samples: ArrayLike) -> tuple[ArrayLike, ...]:
        return function(samples, disorder=labels)[:2]

    result = fields_of(without_count, [values], [[dim]], fields)
    for name in fields:
        result[name].attrs.update(units(values))
    return result.assign(disorder_count=np.unique(labels).size)


def histogram_density(values: xr.DataArray, *, edges: ArrayLike, dim: str = RUN) -> xr.Dataset:
    """See `histograms.histogram_density`; every dimension but the run is pooled.

    The dimension ``bin`` carries the coordinates ``bin_left``, ``bin_right`` and
    ``bin_center``. Values held by dask are computed.
    """
    labels = disorder_labels(values, dim)
    result = histograms.histogram_density(
        values.transpose(dim, ...).to_numpy(), edges=edges, disorder=labels
    )
    return xr.Dataset(
        {
            "density": ("bin", result.density),
            "standard_error": ("bin", result.standard_error),
            "counts": (("disorder", "bin"), result.counts),
            "outside": ((), result.outside),
        },
        coords={"disorder": np.unique(labels), **_bin_coordinates(edges, units(values))},
    )


def negative_log_density(histogram: xr.Dataset) -> xr.Dataset:
    """See `histograms.negative_log_density`; takes what `histogram_density` gives here."""
    require_dataset("a histogram", histogram)
    missing = sorted({"density", "standard_error", "counts", "outside"} - set(histogram))
    if missing:
        raise FormatError(
            f"a histogram needs the variable(s) {missing}, received "
            f"{sorted(map(str, histogram))}; give what histogram_density gives."
        )
    fields = histograms.HistogramDensity(
        density=histogram["density"].to_numpy(),
        standard_error=histogram["standard_error"].to_numpy(),
        counts=histogram["counts"].transpose("disorder", "bin").to_numpy(),
        outside=float(histogram["outside"]),
    )
    result = histograms.negative_log_density(fields)._asdict()
    coordinates = histogram.drop_dims("disorder").coords
    return xr.Dataset({name: ("bin", value) for name, value in result.items()}, coordinates)


def series_histogram(
    samples: xr.DataArray,
    *,
    edges: ArrayLike,
    block_length: int | None = None,
    chain_dim: str | None = None,
    dim: str = RECORD,
) -> xr.Dataset:
    """See `series_histograms.series_histogram`; bins along ``bin`` and ``other_bin``.

    Values held by dask are computed.
    """
    dims = [dim] if chain_dim is None else [chain_dim, dim]
    require_dims(samples, dims)
    result = series_histograms.series_histogram(
        samples.transpose(*dims).to_numpy(), edges=edges, block_length=block_length
    )
    status = xr.Variable((), result.status, dict(STATUS_ATTRIBUTES))
    return xr.Dataset(
        {
            "density": ("bin", result.density),
            "standard_error": ("bin", result.standard_error),
            "covariance": (("bin", "other_bin"), result.covariance),
            "counts": ("bin", result.counts),
            "outside": ((), result.outside),
            "block_length": ((), result.block_length),
            "status": status,
        },
        coords=_bin_coordinates(edges, units(samples)),
    )


def _bin_coordinates(
    edges: ArrayLike, width: dict[str, object]
) -> dict[str, tuple[str, FloatArray, dict[str, object]]]:
    borders = as_samples(edges, statistic="a histogram's edges")
    return {
        "bin_left": ("bin", borders[:-1], width),
        "bin_right": ("bin", borders[1:], width),
        "bin_center": ("bin", 0.5 * (borders[:-1] + borders[1:]), width),
    }
