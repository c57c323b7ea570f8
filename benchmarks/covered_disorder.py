"""Averages over disorders whose variance is ten times that within a run.

Errors are those over disorders: with 20 of them the interval is Student's of 19 degrees of
freedom. The series of a run has an autocorrelation time of 5 and lasts for 40 of them.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import numpy as np
from coverage_rows import Experiment, FloatArray, Readings, joined, symmetric
from covered_series import squared_over_mean
from scipy.stats import norm

from phasegrok import exact, statistics

CENTRE: Final = 5.0
SIZE: Final = 10.0
TIME: Final = 5.0
RECORDS: Final = 200
REPLICAS: Final = 2
RATIO: Final = 10.0
EDGES: Final = (3.0, 5.0, 7.0)
DENSITY: Final = float(np.diff(norm(CENTRE, np.sqrt(1.0 + RATIO)).cdf(EDGES[1:]))[0] / 2.0)
REPETITIONS, TOGETHER = 500, 10
INPUT: Final = "{} disorders of 10 times the thermal variance, 2 replicas, τ = 5"

Estimate = Callable[[FloatArray, FloatArray], Readings]
"""Takes runs (run, sample) and their disorders (run,)."""


def runs_of(disorders: int, seed: int, count: int) -> list[tuple[FloatArray, FloatArray]]:
    """Runs and disorders of every repetition."""
    samples = exact.autoregressive(
        coefficient=(2.0 * TIME - 1.0) / (2.0 * TIME + 1.0),
        record_count=RECORDS,
        replica_count=REPLICAS,
        disorder_count=disorders * count,
        disorder_deviation=float(np.sqrt(RATIO)),
        seed=seed,
    )
    label = samples["disorder"].to_numpy()
    values = CENTRE + samples["order_parameter"].to_numpy()
    each = [label // disorders == repetition for repetition in range(count)]
    return [(values[own], label[own]) for own in each]


def average(runs: FloatArray, disorder: FloatArray) -> Readings:
    found = statistics.disorder_average(runs.mean(axis=-1), disorder=disorder)
    return _over_disorders(found, CENTRE)


def averaged_susceptibility(runs: FloatArray, disorder: FloatArray) -> Readings:
    within = statistics.susceptibility_estimate(runs, system_size=SIZE)
    found = statistics.disorder_average(within.value, disorder=disorder)
    return _over_disorders(found, SIZE)


def averaged_response(runs: FloatArray, disorder: FloatArray) -> Readings:
    within = statistics.response(runs, -runs, temperature=1.0)
    found = statistics.disorder_average(within.value, disorder=disorder)
    return _over_disorders(found, 1.0)


def connected(runs: FloatArray, disorder: FloatArray) -> Readings:
    found = statistics.connected_susceptibility(runs, disorder=disorder, system_size=SIZE)
    return _over_disorders(found, SIZE)


def disconnected(runs: FloatArray, disorder: FloatArray) -> Readings:
    found = statistics.disconnected_susceptibility(
        runs.mean(axis=-1), disorder=disorder, system_size=SIZE
    )
    return _over_disorders(found, SIZE * RATIO)


def jackknife(runs: FloatArray, disorder: FloatArray) -> Readings:
    powers = np.stack([runs.mean(axis=-1), (runs**2).mean(axis=-1)])
    blocks = statistics.disorder_blocks(powers, disorder=disorder)
    found = statistics.jackknife_of_means(squared_over_mean, blocks)
    truth = 1.0 + (1.0 + RATIO) / CENTRE**2
    return symmetric(found.value, found.error, truth, freedom=blocks.count - 1)


def grouped_time(runs: FloatArray, disorder: FloatArray) -> Readings:
    layout = statistics.run_layout(disorder=disorder)
    found = statistics.grouped_autocorrelation_time(runs, layout=layout)
    return symmetric(found.time, found.error, TIME)


def histogram(runs: FloatArray, disorder: FloatArray) -> Readings:
    found = statistics.histogram_density(runs, disorder=disorder, edges=EDGES)
    freedom = np.unique(disorder).size - 1
    return symmetric(found.density[1], found.standard_error[1], DENSITY, freedom=freedom)


def negative_log(runs: FloatArray, disorder: FloatArray) -> Readings:
    density = statistics.histogram_density(runs, disorder=disorder, edges=EDGES)
    found = statistics.negative_log_density(density)
    freedom = np.unique(disorder).size - 1
    truth = -np.log(DENSITY)
    return symmetric(found.value[1], found.standard_error[1], truth, freedom=freedom)


def _over_disorders(found: statistics.DisorderAverage, truth: float) -> Readings:
    freedom = float(found.disorder_count) - 1.0
    return symmetric(found.value, found.standard_error, truth, freedom=freedom)


ESTIMATES: Final[dict[str, Estimate]] = {
    "disorder_average": average,
    "disorder_average of susceptibility_estimate": averaged_susceptibility,
    "disorder_average of response": averaged_response,
    "connected_susceptibility": connected,
    "disconnected_susceptibility": disconnected,
    "jackknife_of_means, disorder_blocks": jackknife,
    "grouped_autocorrelation_time": grouped_time,
    "histogram_density": histogram,
    "negative_log_density": negative_log,
}
"""What is estimated from runs of several disorders."""

MORE: Final = ("disconnected_susceptibility", "jackknife_of_means, disorder_blocks")
# Once more with 100 disorders: a variance of 20 numbers has a skewed law.


def of_disorders(name: str, disorders: int, seed: int, count: int) -> list[Readings]:
    return [joined([ESTIMATES[name](*each) for each in runs_of(disorders, seed, count)])]


def experiments() -> Iterator[Experiment]:
    """All with 20 disorders of 2 replicas, some with 100."""
    pairs = [(name, 20) for name in ESTIMATES] + [(name, 100) for name in MORE]
    for name, disorders in pairs:
        yield Experiment(
            (name,),
            INPUT.format(disorders),
            "normal law of the error" if name == "grouped_autocorrelation_time" else STUDENT,
            REPETITIONS,
            TOGETHER,
            partial(of_disorders, name, disorders),
        )


STUDENT: Final = "Student's law of the error"
