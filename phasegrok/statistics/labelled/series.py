"""Series by dimension name: their correlations, their start, their means."""

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from phasegrok.errors import InvalidValueError
from phasegrok.schema import RECORD
from phasegrok.statistics import (
    autocorrelation,
    binning,
    convergence,
    equilibration,
    moments,
)
from phasegrok.statistics.labelled.lifting import (
    STATUS_ATTRIBUTES,
    fields_of,
    require_dims,
    single,
    units,
    valid_counts,
)
from phasegrok.statistics.samples import FloatArray

__all__ = [
    "binning_ladder",
    "effective_sample_size",
    "equilibration_start",
    "first_last_difference",
    "integrated_autocorrelation_time",
    "mean",
    "pooled_autocorrelation_time",
    "ragged_autocorrelation_time",
    "ragged_rank_normalised_split_r_hat",
    "ragged_split_r_hat",
    "rank_normalised_split_r_hat",
    "split_r_hat",
]


def integrated_autocorrelation_time(samples: xr.DataArray, *, dim: str = RECORD) -> xr.Dataset:
    """See `autocorrelation.integrated_autocorrelation_time`; one variable for each field."""
    function = autocorrelation.integrated_autocorrelation_time
    return fields_of(function, [samples], [[dim]], autocorrelation.AutocorrelationTime._fields)


def pooled_autocorrelation_time(
    samples: xr.DataArray, *, chain_dim: str, dim: str = RECORD
) -> xr.Dataset:
    """See `autocorrelation.pooled_autocorrelation_time`; one variable for each field."""
    function = autocorrelation.pooled_autocorrelation_time
    fields = autocorrelation.AutocorrelationTime._fields
    return fields_of(function, [samples], [[chain_dim, dim]], fields)


def effective_sample_size(samples: xr.DataArray, *, dim: str = RECORD) -> xr.DataArray:
    """See `autocorrelation.effective_sample_size`."""
    return single(autocorrelation.effective_sample_size, samples, [dim])


def equilibration_start(
    samples: xr.DataArray, *, candidates: tuple[int, ...] | None = None, dim: str = RECORD
) -> xr.Dataset:
    """See `equilibration.equilibration_start`; its ``start`` is named ``start_record`` here.

    In the schema ``start`` is a coordinate of the runs: how their initial state was made.
    """
    fields = ("start_record", *equilibration.EquilibrationStart._fields[1:])
    keywords = {"candidates": candidates}
    return fields_of(
        equilibration.equilibration_start, [samples], [[dim]], fields, keywords=keywords
    )


def first_last_difference(
    samples: xr.DataArray, *, first: float = 0.1, last: float = 0.5, dim: str = RECORD
) -> xr.Dataset:
    """See `equilibration.first_last_difference`; one variable for each field."""
    fields = equilibration.FirstLastDifference._fields
    keywords = {"first": first, "last": last}
    return fields_of(
        equilibration.first_last_difference, [samples], [[dim]], fields, keywords=keywords
    )


def split_r_hat(samples: xr.DataArray, *, chain_dim: str, dim: str = RECORD) -> xr.DataArray:
    """See `convergence.split_r_hat`."""
    return single(convergence.split_r_hat, samples, [chain_dim, dim])


def rank_normalised_split_r_hat(
    samples: xr.DataArray, *, chain_dim: str, dim: str = RECORD
) -> xr.DataArray:
    """See `convergence.rank_normalised_split_r_hat`."""
    return single(convergence.rank_normalised_split_r_hat, samples, [chain_dim, dim])


def mean(samples: xr.DataArray, *, dim: str = RECORD) -> xr.Dataset:
    """See `moments.mean`; one variable for each field."""
    result = fields_of(moments.mean, [samples], [[dim]], moments.MeanEstimate._fields)
    for name in ("mean", "error"):
        result[name].attrs.update(units(samples))
    return result


def ragged_autocorrelation_time(
    samples: xr.DataArray, *, chain_dim: str, count: str = "record_count", dim: str = RECORD
) -> xr.Dataset:
    """See `autocorrelation.ragged_autocorrelation_time`; `count` names how many are valid.

    The coordinate `count` on `chain_dim` tells how many samples each chain has; later entries
    are never looked at. Values held by dask are computed.
    """
    result = autocorrelation.ragged_autocorrelation_time(
        _chains(samples, chain_dim, count, dim)
    )
    frame = _without(samples, chain_dim, dim)
    table = xr.Dataset({name: frame.copy(data=part) for name, part in result._asdict().items()})
    table["status"].attrs.update(STATUS_ATTRIBUTES)
    return table


def ragged_split_r_hat(
    samples: xr.DataArray, *, chain_dim: str, count: str = "record_count", dim: str = RECORD
) -> xr.DataArray:
    """See `convergence.ragged_split_r_hat` and, for `count`, `ragged_autocorrelation_time`."""
    chains = _chains(samples, chain_dim, count, dim)
    result = convergence.ragged_split_r_hat(chains)
    return _without(samples, chain_dim, dim).copy(data=result)


def ragged_rank_normalised_split_r_hat(
    samples: xr.DataArray, *, chain_dim: str, count: str = "record_count", dim: str = RECORD
) -> xr.DataArray:
    """See `convergence.ragged_rank_normalised_split_r_hat`; `count` as in the above."""
    chains = _chains(samples, chain_dim, count, dim)
    result = convergence.ragged_rank_normalised_split_r_hat(chains)
    return _without(samples, chain_dim, dim).copy(data=result)


def binning_ladder(samples: xr.DataArray, *, dim: str = RECORD) -> xr.Dataset:
    """See `binning.binning_ladder`; levels lie along ``level``, named by ``block_length``."""
    require_dims(samples, [dim])
    ladder = binning.binning_ladder(np.zeros(samples.sizes[dim]))
    names = [name for name in binning.BinningLadder._fields if not name.startswith("block_")]

    def without_levels(values: ArrayLike) -> tuple[ArrayLike, ...]:
        result = binning.binning_ladder(values)._asdict()
        return tuple(result[name] for name in names)

    level = ("level", ladder.block_length.size)
    new_dims = {"errors": level, "errors_of_errors": level}
    result = fields_of(without_levels, [samples], [[dim]], names, new_dims=new_dims)
    for name in ("errors", "errors_of_errors", "error", "error_of_error"):
        result[name].attrs.update(units(samples))
    return result.assign_coords(
        block_length=("level", ladder.block_length), block_count=("level", ladder.block_count)
    )


def _chains(samples: xr.DataArray, chain_dim: str, count: str, dim: str) -> list[FloatArray]:
    """Valid samples of each chain, (..., sample)."""
    require_dims(samples, [chain_dim, dim])
    if count not in samples.coords or samples.coords[count].dims != (chain_dim,):
        raise InvalidValueError(
            f"ragged chains need the coordinate {count!r} on {chain_dim!r}, received "
            f"coordinates {sorted(map(str, samples.coords))}; say how many samples are valid."
        )
    lengths = valid_counts(samples.coords[count], samples.sizes[dim])
    rows = samples.transpose(chain_dim, ..., dim).to_numpy()
    return [row[..., :length] for row, length in zip(rows, lengths, strict=True)]


def _without(samples: xr.DataArray, *dims: str) -> xr.DataArray:
    """Give the dimensions and coordinates that are left, holding any values."""
    empty = samples.isel(dict.fromkeys(dims, slice(0, 1))).isel(
        dict.fromkeys(dims, 0), drop=True
    )
    return empty.drop_attrs()
