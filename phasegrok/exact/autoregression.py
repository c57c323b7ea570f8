"""A series with known memory: the stationary Gaussian process x_t = φ x_(t-1) + noise."""

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from scipy.signal import lfilter

from phasegrok.errors import InvalidValueError
from phasegrok.exact.checking import FloatArray, finite_number, points, whole_number
from phasegrok.exact.labels import Source, laid_out
from phasegrok.exact.samples import Observed, require_dataset_memory, samples_dataset
from phasegrok.schema import Symmetry

__all__ = ["autoregressive", "autoregressive_time"]


def autoregressive(
    *,
    coefficient: ArrayLike,
    record_count: int,
    replica_count: int = 1,
    disorder_count: int = 1,
    disorder_deviation: float = 0.0,
    seed: int,
) -> xr.Dataset:
    """Follow the process from its stationary law: mean μ_k of the disorder, variance 1.

    Parameters
    ----------
    coefficient : array_like
        φ, between -1 and 1.
    record_count : int
        Length of a run.
    replica_count : int
        Runs per coefficient and disorder.
    disorder_count : int
        Number of means μ_k that are drawn; each is the same at every coefficient.
    disorder_deviation : float
        Standard deviation of the μ_k, whose mean is 0: √10 makes the disorder's variance ten
        times that within a run.
    seed : int
        Runs with equal labels (φ, disorder, replica) are equal in every call.

    Returns
    -------
    Dataset
        On (run, record): ``order_parameter``, x. Coordinates ``coefficient``, ``disorder``,
        and the truth: ``disorder_mean``, ``autocorrelation_time`` (see
        `autoregressive_time`).

    Raises
    ------
    InvalidValueError
        For controls or counts without meaning, or more than fits into memory.
    """
    records = whole_number("record_count", record_count, minimum=1)
    deviation = finite_number("disorder_deviation", disorder_deviation)
    if deviation < 0:
        raise InvalidValueError(
            f"disorder_deviation must not be negative, received {disorder_deviation!r}."
        )
    source = Source(system="autoregressive", seed=seed, integrator="autoregressive")
    runs = laid_out(
        points({"coefficient": coefficient}),
        replica_count=replica_count,
        disorder_count=disorder_count,
    )
    require_dataset_memory(runs, records, variable_count=6)
    memory = np.array([run.controls["coefficient"] for run in runs])
    times = autoregressive_time(memory)
    standard = [_standard_mean(source, each) for each in range(disorder_count)]
    mean = deviation * np.array([standard[run.disorder] for run in runs])
    series = [
        _series(source.generator(run.plain()), records, run.controls["coefficient"])
        for run in runs
    ]
    variables = {
        "order_parameter": Observed(
            values=np.stack(series) + mean[:, None],
            long_name="value of the process",
            symmetry=Symmetry.NONE if mean.any() else Symmetry.SIGN,
        )
    }
    truth = {"disorder_mean": mean, "autocorrelation_time": times}
    return samples_dataset(
        source, runs, step=np.arange(records), variables=variables, derived=truth
    )


def autoregressive_time(coefficient: ArrayLike) -> FloatArray:
    """Exact integrated autocorrelation time ½ + Σ_t φ^t = (1 + φ)/(2 (1 - φ)).

    The squared error of a mean over n ≫ τ records is 2τ/n times the variance.

    Parameters
    ----------
    coefficient : array_like
        φ, between -1 and 1.

    Returns
    -------
    array
        τ in records.

    Raises
    ------
    InvalidValueError
        Where there is no stationary law.
    """
    memory = np.asarray(coefficient, dtype=np.float64)
    if not (np.abs(memory) < 1).all():
        raise InvalidValueError(
            f"coefficient must lie between -1 and 1, both excluded, received {coefficient!r}."
        )
    time: FloatArray = (1 + memory) / (2 * (1 - memory))
    return time


def _standard_mean(source: Source, disorder: int) -> float:
    generator = source.generator({"drawn": "mean", "disorder": disorder})
    return float(generator.standard_normal())


def _series(generator: np.random.Generator, count: int, memory: float) -> FloatArray:
    noise = generator.standard_normal(count)
    # The first value has the stationary variance; the others add what is forgotten.
    noise[1:] *= np.sqrt(1 - memory**2)
    series: FloatArray = lfilter([1.0], [1.0, -memory], noise)
    return series
