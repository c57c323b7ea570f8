"""Estimators of one system's equilibrium, on series whose moments and memory are known.

The series is the stationary Gaussian process of unit variance: independent draws, or with an
autocorrelation time of 5 and of 20 records, of 400 effective samples each. Read as the
coordinate of U = x²/2 at T = 1 it answers a field h by ⟨x⟩ = h and the temperature by ⟨x²⟩ = T.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, NamedTuple

import numpy as np
from coverage_rows import Experiment, FloatArray, Readings, joined, symmetric
from scipy.special import ndtr

from phasegrok import exact, statistics

EFFECTIVE: Final = 400
TIMES: Final = {"independent draws": 0.5, "AR(1), τ = 5": 5.0, "AR(1), τ = 20": 20.0}
LONGER: Final = 16_000
LONGER_INPUT: Final = "16,000 independent draws"
REPLICAS: Final = "4 replicas, AR(1), τ = 5"
ERROR: Final = "normal law of the error"
MANY, SOME, TOGETHER = 1000, 500, 50


class Series(NamedTuple):
    """What is estimated from."""

    values: FloatArray
    """(repetition, sample)."""
    time: float
    """Exact integrated autocorrelation time, in records."""
    seed: int
    """Of a bootstrap."""


Estimate = Callable[[Series], Readings]


def series(
    time: float, seed: int, count: int, *, replicas: int = 1, effective: int = EFFECTIVE
) -> FloatArray:
    """Stationary series of unit variance about 0, (repetition, sample)."""
    runs = exact.autoregressive(
        coefficient=(2.0 * time - 1.0) / (2.0 * time + 1.0),
        record_count=round(2.0 * time * effective / replicas),
        replica_count=count * replicas,
        seed=seed,
    )
    values: FloatArray = runs["order_parameter"].to_numpy()
    return values


def magnetization(values: FloatArray) -> FloatArray:
    """An order parameter of mean 1 and variance 1/4."""
    return 1.0 + 0.5 * values


def squared_over_mean(means: FloatArray) -> FloatArray:
    """⟨m²⟩/⟨m⟩², 5/4 for `magnetization`."""
    result: FloatArray = means[1] / means[0] ** 2
    return result


def relative_variance(values: FloatArray) -> FloatArray:
    """Var m/⟨m⟩², 1/4 for `magnetization`."""
    result: FloatArray = values.var(axis=-1) / values.mean(axis=-1) ** 2
    return result


def powers(values: FloatArray) -> FloatArray:
    m = magnetization(values)
    return np.stack([m, m**2])


def mean(drawn: Series) -> Readings:
    found = statistics.mean(magnetization(drawn.values))
    return symmetric(found.mean, found.error, 1.0)


def binned_mean(drawn: Series) -> Readings:
    m = magnetization(drawn.values)
    return symmetric(m.mean(axis=-1), statistics.binning_ladder(m).error, 1.0)


def autocorrelation_time(drawn: Series) -> Readings:
    found = statistics.integrated_autocorrelation_time(drawn.values)
    return symmetric(found.time, found.error, drawn.time)


def effective_samples(drawn: Series) -> Readings:
    found = statistics.integrated_autocorrelation_time(drawn.values)
    number = statistics.effective_sample_size(drawn.values)
    return symmetric(number, number * found.error / found.time, EFFECTIVE)


def first_last(drawn: Series) -> Readings:
    found = statistics.first_last_difference(drawn.values)
    return symmetric(found.difference, found.error, 0.0)


def jackknife(drawn: Series) -> Readings:
    found = statistics.jackknife_of_series(squared_over_mean, powers(drawn.values))
    return symmetric(found.value, found.error, 1.25)


def bootstrap(drawn: Series) -> Readings:
    found = statistics.bootstrap_of_series(
        squared_over_mean, powers(drawn.values), generator=np.random.default_rng(drawn.seed)
    )
    return symmetric(found.value, found.error, 1.25)


def plain_jackknife(drawn: Series) -> Readings:
    found = statistics.block_jackknife(
        relative_variance, magnetization(drawn.values), block_length=round(16.0 * drawn.time)
    )
    return symmetric(found.value - found.bias, found.error, 0.25)


def plain_bootstrap(drawn: Series) -> Readings:
    found = statistics.block_bootstrap(
        relative_variance,
        magnetization(drawn.values),
        generator=np.random.default_rng(drawn.seed),
        block_length=round(16.0 * drawn.time),
    )
    return symmetric(found.value - found.bias, found.error, 0.25)


def susceptibility(drawn: Series) -> Readings:
    found = statistics.susceptibility_estimate(magnetization(drawn.values), system_size=100.0)
    return symmetric(found.value, found.error, 25.0)


def binder(drawn: Series) -> Readings:
    # Uniform between -1/2 and 1/2: ⟨m⁴⟩/⟨m²⟩² = 9/5.
    found = statistics.binder_cumulant_estimate(ndtr(drawn.values) - 0.5)
    return symmetric(found.value, found.error, 0.4)


def kurtosis(drawn: Series) -> Readings:
    found = statistics.kurtosis_ratio_estimate(magnetization(drawn.values))
    return symmetric(found.value, found.error, 3.0)


def response(drawn: Series) -> Readings:
    found = statistics.response(drawn.values, -drawn.values, temperature=1.0)
    return symmetric(found.value, found.error, 1.0)


def temperature_response(drawn: Series) -> Readings:
    found = statistics.temperature_response(
        drawn.values**2, 0.5 * drawn.values**2, temperature=1.0
    )
    return symmetric(found.value, found.error, 1.0)


def histogram(drawn: Series) -> Readings:
    return histograms(drawn.values[:, np.newaxis])


def histograms(chains: FloatArray) -> Readings:
    """Density between 0.5 and 1, from chains (repetition, chain, sample)."""
    edges = np.linspace(-1.0, 1.0, 5)
    found = [statistics.series_histogram(each, edges=edges) for each in chains]
    density = [each.density[-1] for each in found]
    error = [each.standard_error[-1] for each in found]
    return symmetric(density, error, (ndtr(1.0) - ndtr(0.5)) / 0.5)


def reweighted_mean(drawn: Series) -> Readings:
    found = statistics.reweighted_mean(drawn.values, -drawn.values[np.newaxis], change=[[0.5]])
    return symmetric(found.value[..., 0], found.error[..., 0], 0.5)


SERIES: Final[dict[str, Estimate]] = {
    "mean": mean,
    "mean, error by binning_ladder": binned_mean,
    "first_last_difference": first_last,
    "integrated_autocorrelation_time": autocorrelation_time,
    "effective_sample_size": effective_samples,
    "jackknife_of_series": jackknife,
    "bootstrap_of_series": bootstrap,
    "block_jackknife": plain_jackknife,
    "block_bootstrap": plain_bootstrap,
    "susceptibility_estimate": susceptibility,
    "binder_cumulant_estimate": binder,
    "kurtosis_ratio_estimate": kurtosis,
    "response": response,
    "temperature_response": temperature_response,
    "series_histogram": histogram,
    "reweighted_mean": reweighted_mean,
}
"""What is estimated from one series."""

SLOW: Final = ("bootstrap_of_series", "block_jackknife", "block_bootstrap")
# By far the dearest of the series; 500 repetitions bound 95 % to 3 %.

SKEWED: Final = ("kurtosis_ratio_estimate", "temperature_response")
# Once more with 40 times the samples, whose estimates have a normal law.


def of_series(name: str, time: float, seed: int, count: int) -> list[Readings]:
    return [SERIES[name](Series(series(time, seed, count), time, seed))]


def of_longer(name: str, time: float, seed: int, count: int) -> list[Readings]:
    return [SERIES[name](Series(series(time, seed, count, effective=LONGER), time, seed))]


def of_states(time: float, seed: int, count: int) -> list[Readings]:
    """Three fields about 0; mean and free energy between them."""
    fields = np.array([-0.6, 0.0, 0.6])
    flat = series(time, seed, 3 * count)
    target, energies = [[0.3]], 0.5 * (fields[0] ** 2 - 0.3**2)
    means, free = [], []
    for each in flat.reshape(count, 3, -1):
        x = each + fields[:, np.newaxis]
        solution = statistics.solve_states(
            [-row[np.newaxis] for row in x], coefficients=fields[:, np.newaxis]
        )
        found = statistics.multistate_mean(solution, list(x), coefficients=target)
        means.append(symmetric(found.value, found.error, 0.3))
        found = statistics.multistate_free_energy(solution, coefficients=target)
        free.append(symmetric(found.value, found.error, energies))
    return [joined(means), joined(free)]


def of_replicas(name: str, seed: int, count: int) -> list[Readings]:
    """Four independent replicas of 100 effective samples each."""
    flat = series(5.0, seed, count, replicas=4)
    runs = flat.reshape(count, 4, -1)
    return [REPLICATED[name](runs)]


def pooled_time(runs: FloatArray) -> Readings:
    found = statistics.pooled_autocorrelation_time(runs)
    return symmetric(found.time, found.error, 5.0)


def pooled_samples(runs: FloatArray) -> Readings:
    found = statistics.pooled_autocorrelation_time(runs)
    number = statistics.pooled_effective_sample_size(runs)
    return symmetric(number, number * found.error / found.time, EFFECTIVE)


def ragged_runs(runs: FloatArray) -> list[list[FloatArray]]:
    """The replicas of each repetition, the last cut to three quarters."""
    cut = 3 * runs.shape[-1] // 4
    return [[*each[:3], each[3, :cut]] for each in runs]


def ragged_time(runs: FloatArray) -> Readings:
    found = [statistics.ragged_autocorrelation_time(each) for each in ragged_runs(runs)]
    return symmetric([each.time for each in found], [each.error for each in found], 5.0)


def ragged_jackknife(runs: FloatArray) -> Readings:
    return _of_blocks(runs, statistics.jackknife_of_means)


def ragged_bootstrap(runs: FloatArray) -> Readings:
    generator = np.random.default_rng(1)
    return _of_blocks(runs, partial(statistics.bootstrap_of_means, generator=generator))


def _of_blocks(
    runs: FloatArray, resampled: Callable[..., statistics.FunctionEstimate]
) -> Readings:
    found = []
    for each in ragged_runs(runs):
        blocks = statistics.ragged_block_means([powers(one) for one in each])
        found.append(resampled(squared_over_mean, blocks))
    return symmetric([each.value for each in found], [each.error for each in found], 1.25)


REPLICATED: Final = {
    "pooled_autocorrelation_time": pooled_time,
    "pooled_effective_sample_size": pooled_samples,
    "ragged_autocorrelation_time": ragged_time,
    "jackknife_of_means, ragged_block_means": ragged_jackknife,
    "bootstrap_of_means, ragged_block_means": ragged_bootstrap,
    "series_histogram": histograms,
}
"""What is estimated from replicas of one system."""


def experiments() -> Iterator[Experiment]:
    """All series, then states, then replicas."""
    for input_name, time in TIMES.items():
        for name in SERIES:
            repetitions = SOME if name in SLOW else MANY
            measure = partial(of_series, name, time)
            yield Experiment((name,), input_name, ERROR, repetitions, TOGETHER, measure)
        names = ("multistate_mean", "multistate_free_energy")
        measure = partial(of_states, time)
        yield Experiment(names, input_name, ERROR, SOME, TOGETHER, measure)
    for name in SKEWED:
        measure = partial(of_longer, name, 0.5)
        yield Experiment((name,), LONGER_INPUT, ERROR, SOME, 10, measure)
    for name in REPLICATED:
        yield Experiment((name,), REPLICAS, ERROR, MANY, TOGETHER, partial(of_replicas, name))
