"""Functions of samples and of means by dimension name, with errors from resampled blocks.

Draws come from a child of the generator that is passed, the same for every chunk of a lazy
array: all series of one call are drawn alike, and the next call draws others.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from phasegrok.errors import InvalidValueError
from phasegrok.schema import RECORD
from phasegrok.statistics import functions_of_means, resampling
from phasegrok.statistics.labelled.lifting import applied, fields_of, stacked

__all__ = [
    "block_bootstrap",
    "block_bootstrap_distribution",
    "block_jackknife",
    "bootstrap_of_means",
    "jackknife_of_means",
]

RESAMPLE = "resample"
"""Dimension of what was drawn."""

SampleFunction: TypeAlias = resampling.SampleFunction
MeanFunction: TypeAlias = functions_of_means.MeanFunction


def block_jackknife(
    function: SampleFunction,
    samples: xr.DataArray,
    *,
    block_length: int = 1,
    dim: str = RECORD,
) -> xr.Dataset:
    """See `resampling.block_jackknife`; one variable for each field."""

    def on_series(values: ArrayLike) -> tuple[ArrayLike, ...]:
        return resampling.block_jackknife(function, values, block_length=block_length)

    return fields_of(on_series, [samples], [[dim]], resampling.ResampledEstimate._fields)


def block_bootstrap(
    function: SampleFunction,
    samples: xr.DataArray,
    *,
    generator: np.random.Generator,
    block_length: int = 1,
    resamples: int = 200,
    dim: str = RECORD,
) -> xr.Dataset:
    """See `resampling.block_bootstrap`; one variable for each field."""
    own = _repeatable(generator)

    def on_series(values: ArrayLike) -> tuple[ArrayLike, ...]:
        return resampling.block_bootstrap(
            function, values, generator=own(), block_length=block_length, resamples=resamples
        )

    return fields_of(on_series, [samples], [[dim]], resampling.ResampledEstimate._fields)


def block_bootstrap_distribution(
    function: SampleFunction,
    samples: xr.DataArray,
    *,
    generator: np.random.Generator,
    block_length: int = 1,
    resamples: int = 200,
    dim: str = RECORD,
) -> xr.DataArray:
    """See `resampling.block_bootstrap_distribution`; draws lie along ``resample``."""
    own = _repeatable(generator)

    def on_series(values: ArrayLike) -> ArrayLike:
        return resampling.block_bootstrap_distribution(
            function, values, generator=own(), block_length=block_length, resamples=resamples
        )

    result: xr.DataArray = applied(
        on_series,
        (samples,),
        core=([dim],),
        dtypes=[np.float64],
        new_dims=[(RESAMPLE, resamples)],
    )
    return result.drop_attrs()


def jackknife_of_means(
    function: MeanFunction,
    quantities: Sequence[xr.DataArray],
    *,
    block_length: int | None = None,
    dim: str = RECORD,
) -> xr.Dataset:
    """See `functions_of_means.jackknife_of_series`; one array for each quantity.

    The function gets the means of the quantities along its first axis and returns a number.
    """

    def together(*series: ArrayLike) -> tuple[ArrayLike, ...]:
        return functions_of_means.jackknife_of_series(
            function, stacked(series), block_length=block_length
        )

    require_quantities(quantities)
    fields = functions_of_means.FunctionEstimate._fields
    return fields_of(together, quantities, [[dim]] * len(quantities), fields)


def bootstrap_of_means(
    function: MeanFunction,
    quantities: Sequence[xr.DataArray],
    *,
    generator: np.random.Generator,
    block_length: int | None = None,
    resamples: int = 400,
    dim: str = RECORD,
) -> xr.Dataset:
    """See `functions_of_means.bootstrap_of_series`; quantities as in `jackknife_of_means`."""
    own = _repeatable(generator)

    def together(*series: ArrayLike) -> tuple[ArrayLike, ...]:
        return functions_of_means.bootstrap_of_series(
            function,
            stacked(series),
            generator=own(),
            block_length=block_length,
            resamples=resamples,
        )

    require_quantities(quantities)
    fields = functions_of_means.FunctionEstimate._fields
    return fields_of(together, quantities, [[dim]] * len(quantities), fields)


def require_quantities(quantities: Sequence[xr.DataArray]) -> None:
    """Refuse a single array where a list of them is needed."""
    if not isinstance(quantities, Sequence) or len(quantities) == 0:
        raise InvalidValueError(
            "a function of means needs a list of at least one labelled array, received "
            f"{type(quantities).__name__}; give one array for each quantity."
        )


def _repeatable(generator: np.random.Generator) -> Callable[[], np.random.Generator]:
    """Make generators that all begin in the same state."""
    child = generator.spawn(1)[0]
    return lambda: deepcopy(child)
