"""Means, autocorrelation times and their errors of many long series, beside the peers' loops.

The points lie in one lazy array that never is in memory as a whole: chunks of points are made,
reduced and dropped. Peers loop over points in Python; their time is taken over some points and
scaled to all, which is said. Seconds of ours hold the making of the numbers, which is timed
alone and taken off.

    python benchmarks/error_bars.py           # 1,000 points of 100,000 samples, a minute
    python benchmarks/error_bars.py --tiny    # seconds: does it still run and agree?
"""

import argparse
import os
import resource
import time
import tracemalloc
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import dask
import dask.array
import emcee
import numpy as np
import pyerrors
import scipy.signal
import xarray as xr
from dask.delayed import delayed
from numpy.typing import NDArray

from phasegrok.statistics import integrated_autocorrelation_time, labelled

FloatArray = NDArray[np.float64]
COEFFICIENT = 0.9
EXACT_TIME = 0.5 * (1.0 + COEFFICIENT) / (1.0 - COEFFICIENT)
POINTS_AT_ONCE = 25
MEMORY_LIMIT = 400.0
"""MB that one chunk of 25 × 100,000 samples (20 MB) may need on top, its spectra included."""


class Sizes(NamedTuple):
    points: int
    samples: int
    peer_points: int


def chunk_of(first: int, sizes: Sizes) -> FloatArray:
    """AR(1) of unit variance around the number of each point."""
    count = min(POINTS_AT_ONCE, sizes.points - first)
    noise = np.random.default_rng(first).normal(size=(count, sizes.samples))
    noise[:, 1:] *= np.sqrt(1.0 - COEFFICIENT**2)
    series = scipy.signal.lfilter([1.0], [1.0, -COEFFICIENT], noise, axis=-1)
    result: FloatArray = series + np.arange(first, first + count)[:, np.newaxis]
    return result


def lazy_series(sizes: Sizes) -> xr.DataArray:
    """All points, each chunk made when it is asked for."""
    chunks = [
        dask.array.from_delayed(  # type: ignore[no-untyped-call]
            delayed(chunk_of)(first, sizes),
            shape=(min(POINTS_AT_ONCE, sizes.points - first), sizes.samples),
            dtype=np.float64,
        )
        for first in range(0, sizes.points, POINTS_AT_ONCE)
    ]
    joined = dask.array.concatenate(chunks)  # type: ignore[no-untyped-call]
    return xr.DataArray(joined, dims=("run", "record"))


def ours(sizes: Sizes) -> tuple[xr.Dataset, float, float]:
    """Results, seconds without the making of the numbers, and seconds of that."""
    begun = time.perf_counter()
    for first in range(0, sizes.points, POINTS_AT_ONCE):
        chunk_of(first, sizes)
    making = time.perf_counter() - begun
    begun = time.perf_counter()
    with dask.config.set(scheduler="synchronous"):
        series = lazy_series(sizes)
        times = labelled.integrated_autocorrelation_time(series)
        table = xr.Dataset(
            {
                "mean": series.mean("record"),
                "error": np.sqrt(2.0 * times["time"] * times["variance"] / sizes.samples),
                "time": times["time"],
                "time_error": times["error"],
            }
        )
        result = table.compute()
    return result, time.perf_counter() - begun - making, making


def by_pyerrors(series: FloatArray) -> tuple[float, float]:
    observable = pyerrors.Obs([series], ["ensemble"])
    observable.gamma_method(S=1.5)
    return float(observable.dvalue), float(observable.e_tauint["ensemble"])


def by_emcee(series: FloatArray) -> tuple[float, float]:
    """emcee has the time alone; the error of the mean follows from it."""
    time_twice = float(emcee.autocorr.integrated_time(series, quiet=True)[0])
    return float(series.std(ddof=1) * np.sqrt(time_twice / series.size)), 0.5 * time_twice


def memory_of_a_chunk(sizes: Sizes) -> tuple[float, float]:
    """MB of a chunk, and the most that its times need on top."""
    chunk = chunk_of(0, sizes)
    tracemalloc.start()
    integrated_autocorrelation_time(chunk)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return chunk.nbytes / 1e6, most / 1e6


def compare(name: str, sizes: Sizes, result: xr.Dataset, seconds: float) -> None:
    peer = {"pyerrors": by_pyerrors, "emcee": by_emcee}[name]
    series = np.concatenate(
        [chunk_of(first, sizes) for first in range(0, sizes.peer_points, POINTS_AT_ONCE)]
    )[: sizes.peer_points]
    begun = time.perf_counter()
    looped = np.array([peer(each) for each in series])
    per_point = (time.perf_counter() - begun) / len(series)
    scaled = per_point * sizes.points
    few = result.isel(run=slice(0, len(series)))
    errors = float(np.abs(looped[:, 0] / few["error"] - 1.0).max())
    times = float(np.abs((looped[:, 1] - few["time"]) / few["time_error"]).max())
    print(
        f"{name:9} {scaled:9.1f} s for {sizes.points} points, scaled from {len(series)}: "
        f"{scaled / seconds:5.1f} times ours; errors of the mean differ by at most "
        f"{errors:.1%}, times by {times:.2f} of their error"
    )
    if times > 3.0:
        raise SystemExit(f"our times differ from those of {name}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Error bars of many points beside peers.")
    parser.add_argument("--tiny", action="store_true", help="small sizes, seconds")
    tiny = parser.parse_args().tiny
    sizes = Sizes(60, 4000, 10) if tiny else Sizes(1000, 100_000, 50)
    result, seconds, making = ours(sizes)
    exact = np.arange(sizes.points)
    away = (result["mean"] - exact) / result["error"]
    print(
        f"{sizes.points} points of {sizes.samples} samples, "
        f"{8e-6 * sizes.points * sizes.samples:.0f} MB: mean, time and errors in "
        f"{seconds:.1f} s on one core (making the numbers, {making:.1f} s, taken off)\n"
        f"root mean square of (mean - exact)/error {float(np.sqrt((away**2).mean())):.3f}; "
        f"mean time {float(result['time'].mean()):.3f}, exact {EXACT_TIME:.3f}"
    )
    for name in ("pyerrors", "emcee"):
        compare(name, sizes, result, seconds)
    chunk, most = memory_of_a_chunk(sizes)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(
        f"memory: a chunk of {POINTS_AT_ONCE} points has {chunk:.0f} MB and needs at most "
        f"{most:.0f} MB more; the process, with all its imports, never held over {peak:.0f} MB"
    )
    if most > MEMORY_LIMIT:
        raise SystemExit(f"one chunk needs more than {MEMORY_LIMIT:.0f} MB")


if __name__ == "__main__":
    main()
