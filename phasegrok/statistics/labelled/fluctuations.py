"""Fluctuations by dimension name: susceptibility, response, cumulants, disorder."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from phasegrok.schema import RECORD, RUN
from phasegrok.statistics import (
    blocks,
    fluctuations,
    functions_of_means,
    linear_response,
    moments,
)
from phasegrok.statistics.labelled.lifting import (
    applied,
    disorder_labels,
    fields_of,
    single,
    stacked,
)
from phasegrok.statistics.labelled.resampling import require_quantities

__all__ = [
    "binder_cumulant",
    "binder_cumulant_estimate",
    "disorder_jackknife_of_means",
    "kurtosis_ratio",
    "kurtosis_ratio_estimate",
    "response",
    "susceptibility",
    "susceptibility_estimate",
    "temperature_response",
]

_FIELDS = functions_of_means.FunctionEstimate._fields


def susceptibility(
    order_parameter: xr.DataArray,
    *,
    system_size: float | xr.DataArray,
    autocorrelation_time: float | xr.DataArray = 0.5,
    dim: str = RECORD,
) -> xr.DataArray:
    """See `moments.susceptibility`; size and time may be labelled too."""

    def function(samples: ArrayLike, size: ArrayLike, time: ArrayLike) -> ArrayLike:
        return moments.susceptibility(samples, system_size=size, autocorrelation_time=time)

    result: xr.DataArray = applied(
        function,
        (order_parameter, system_size, autocorrelation_time),
        core=([dim], [], []),
        dtypes=[np.float64],
    )
    return result


def binder_cumulant(order_parameter: xr.DataArray, *, dim: str = RECORD) -> xr.DataArray:
    """See `moments.binder_cumulant`."""
    return single(moments.binder_cumulant, order_parameter, [dim])


def kurtosis_ratio(order_parameter: xr.DataArray, *, dim: str = RECORD) -> xr.DataArray:
    """See `moments.kurtosis_ratio`."""
    return single(moments.kurtosis_ratio, order_parameter, [dim])


def susceptibility_estimate(
    order_parameter: xr.DataArray,
    *,
    system_size: float | xr.DataArray,
    block_length: int | None = None,
    dim: str = RECORD,
) -> xr.Dataset:
    """See `fluctuations.susceptibility_estimate`; the size may be labelled too."""

    def function(samples: ArrayLike, size: ArrayLike) -> tuple[ArrayLike, ...]:
        return fluctuations.susceptibility_estimate(
            samples, system_size=size, block_length=block_length
        )

    return fields_of(function, [order_parameter, system_size], [[dim], []], _FIELDS)


def binder_cumulant_estimate(
    order_parameter: xr.DataArray, *, block_length: int | None = None, dim: str = RECORD
) -> xr.Dataset:
    """See `fluctuations.binder_cumulant_estimate`."""
    function, keywords = fluctuations.binder_cumulant_estimate, {"block_length": block_length}
    return fields_of(function, [order_parameter], [[dim]], _FIELDS, keywords=keywords)


def kurtosis_ratio_estimate(
    order_parameter: xr.DataArray, *, block_length: int | None = None, dim: str = RECORD
) -> xr.Dataset:
    """See `fluctuations.kurtosis_ratio_estimate`."""
    function, keywords = fluctuations.kurtosis_ratio_estimate, {"block_length": block_length}
    return fields_of(function, [order_parameter], [[dim]], _FIELDS, keywords=keywords)


def response(
    observable: xr.DataArray,
    energy_derivative: xr.DataArray,
    *,
    temperature: float | xr.DataArray,
    system_size: float | xr.DataArray = 1.0,
    block_length: int | None = None,
    dim: str = RECORD,
) -> xr.Dataset:
    """See `linear_response.response`; temperature and size may be labelled too."""

    def function(
        first: ArrayLike, second: ArrayLike, heat: ArrayLike, size: ArrayLike
    ) -> tuple[ArrayLike, ...]:
        return linear_response.response(
            first, second, temperature=heat, system_size=size, block_length=block_length
        )

    arrays = [observable, energy_derivative, temperature, system_size]
    return fields_of(function, arrays, [[dim], [dim], [], []], _FIELDS)


def temperature_response(
    observable: xr.DataArray,
    energy: xr.DataArray,
    *,
    temperature: float | xr.DataArray,
    block_length: int | None = None,
    dim: str = RECORD,
) -> xr.Dataset:
    """See `linear_response.temperature_response`; the temperature may be labelled too."""

    def function(first: ArrayLike, second: ArrayLike, heat: ArrayLike) -> tuple[ArrayLike, ...]:
        return linear_response.temperature_response(
            first, second, temperature=heat, block_length=block_length
        )

    return fields_of(function, [observable, energy, temperature], [[dim], [dim], []], _FIELDS)


def disorder_jackknife_of_means(
    function: functions_of_means.MeanFunction,
    run_means: Sequence[xr.DataArray],
    *,
    dim: str = RUN,
) -> xr.Dataset:
    """See `blocks.disorder_blocks` and `functions_of_means.jackknife_of_means`.

    Labels are the coordinate ``disorder`` of the runs.
    """
    require_quantities(run_means)
    labels = disorder_labels(run_means[0], dim)

    def together(*series: ArrayLike) -> tuple[ArrayLike, ...]:
        grouped = blocks.disorder_blocks(stacked(series), disorder=labels)
        return functions_of_means.jackknife_of_means(function, grouped)

    return fields_of(together, run_means, [[dim]] * len(run_means), _FIELDS)
