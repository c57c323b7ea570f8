"""A driven single well: it moves with the field and never splits, however steep the curve."""

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from phasegrok.exact.checking import FloatArray, finite_number, points, whole_number
from phasegrok.exact.labels import Source, laid_out
from phasegrok.exact.samples import Observed, require_dataset_memory, samples_dataset

__all__ = ["driven_single_well"]


def driven_single_well(
    *,
    size: int,
    field: ArrayLike,
    skewness: float = 0.0,
    record_count: int,
    replica_count: int = 1,
    seed: int,
) -> xr.Dataset:
    """Draw p(x) ∝ exp(-N (x - tanh h)²/2), or a skewed well of the same mean and variance.

    The mean is tanh h and N Var(x) is 1 at every field and size: a crossover, not a
    transition. With skewness γ the deviation is (G - k)/√(k N) with G of the gamma law of
    shape k = 4/γ², whose excess kurtosis is 3γ²/2, at every size alike.

    Parameters
    ----------
    size : int
        N, at least 1.
    field : array_like
        h, the control that drives the well.
    skewness : float
        Third standardised moment γ; with either sign.
    record_count : int
        Independent draws per run.
    replica_count : int
        Runs per field.
    seed : int
        Runs with equal labels (γ, N, h, replica) are equal in every call.

    Returns
    -------
    Dataset
        On (run, record): ``order_parameter``, x. Coordinates ``field``, ``size``.

    Raises
    ------
    InvalidValueError
        For sizes, controls or counts without meaning, or more than fits into memory.
    """
    count = whole_number("size", size, minimum=1)
    records = whole_number("record_count", record_count, minimum=1)
    asymmetry = finite_number("skewness", skewness) + 0.0
    source = Source(
        system="driven_single_well",
        seed=seed,
        integrator="independent_draws",
        parameters={"skewness": asymmetry},
    )
    controls = [{**point, "size": count} for point in points({"field": field})]
    runs = laid_out(controls, replica_count=replica_count)
    require_dataset_memory(runs, records, variable_count=5)
    deviation = np.stack(
        [_standardised(source.generator(run.plain()), records, asymmetry) for run in runs]
    )
    deviation /= np.sqrt(count)
    bottom = np.tanh([run.controls["field"] for run in runs])
    variables = {
        "order_parameter": Observed(
            values=bottom[:, None] + deviation, long_name="coordinate in the driven well"
        ),
    }
    return samples_dataset(source, runs, step=np.arange(records), variables=variables)


def _standardised(generator: np.random.Generator, count: int, skewness: float) -> FloatArray:
    """Draws of mean 0 and variance 1."""
    if skewness == 0:
        return generator.standard_normal(count)
    shape = 4 / skewness**2
    excess: FloatArray = generator.standard_gamma(shape, count) - shape
    excess *= float(np.sign(skewness)) / shape**0.5
    return excess
