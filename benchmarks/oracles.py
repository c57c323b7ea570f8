"""Our estimators beside those of others, on samples whose answer is known.

Autocorrelation times beside pyerrors and emcee, multistate reweighting beside pymbar: each
line shows the exact value, ours and theirs with errors, and the seconds both took. A peer that
is missing, or that differs by more than the stated tolerance, is a failure.

    python benchmarks/oracles.py            # as quoted in the documentation, about a minute
    python benchmarks/oracles.py --tiny     # seconds: does it still agree?
"""

import argparse
import logging
import os
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeVar

os.environ.setdefault("OMP_NUM_THREADS", "1")

import emcee
import numpy as np
import pyerrors
import scipy.signal
from numpy.typing import NDArray

from phasegrok.statistics import (
    integrated_autocorrelation_time,
    multistate_mean,
    solve_states,
)

# It writes about its time-series module and about jax, neither of which is asked here.
logging.getLogger("pymbar").setLevel(logging.ERROR)

import pymbar  # noqa: E402

FloatArray = NDArray[np.float64]
Result = TypeVar("Result")


class Line(NamedTuple):
    """One comparison, in units of our standard error where there is one."""

    what: str
    exact: float
    ours: float
    our_error: float
    theirs: float
    their_error: float
    our_seconds: float
    their_seconds: float
    tolerance: float
    """Largest difference allowed between ours and theirs."""

    @property
    def agrees(self) -> bool:
        """Both agree, and ours lies within five errors of the exact value."""
        near = abs(self.ours - self.theirs) <= self.tolerance
        return near and abs(self.ours - self.exact) <= 5.0 * self.our_error


def timed(work: Callable[[], Result], rounds: int = 3) -> tuple[Result, float]:
    """Run a few times; the shortest counts, since the machine may be shared."""
    seconds = []
    for _ in range(rounds):
        begun = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - begun)
    return result, min(seconds)


def autoregression(coefficient: float, length: int, seed: int) -> FloatArray:
    """AR(1) of unit variance: τ = (1 + φ)/(2 (1 - φ))."""
    noise = np.random.default_rng(seed).normal(size=length)
    noise[1:] *= np.sqrt(1.0 - coefficient**2)
    series: FloatArray = scipy.signal.lfilter([1.0], [1.0, -coefficient], noise)
    return series


def gamma_method(series: FloatArray) -> tuple[float, float]:
    """τ and its error by pyerrors, with the window of the same paper and S."""
    observable = pyerrors.Obs([series], ["ensemble"])
    observable.gamma_method(S=1.5)
    return float(observable.e_tauint["ensemble"]), float(observable.e_dtauint["ensemble"])


def automatic_window(series: FloatArray) -> tuple[float, float]:
    """τ by emcee in our convention, half of its own; it gives no error."""
    time_twice = emcee.autocorr.integrated_time(series, quiet=True)[0]
    return 0.5 * float(time_twice), float("nan")


def autocorrelation_lines(length: int) -> list[Line]:
    """τ of AR(1) series, by the same window of pyerrors and by another of emcee."""
    lines = []
    for coefficient in (0.0, 0.8, 0.95):
        series = autoregression(coefficient, length, seed=1)
        exact = (1.0 + coefficient) / (2.0 * (1.0 - coefficient))
        ours, seconds = timed(partial(integrated_autocorrelation_time, series))
        error = float(ours.error)
        # The same window differs by rounding and bias, another by statistics: so it does in
        # white noise, where ours looks a few lags further for alternating correlations.
        same = 0.2 if coefficient > 0.0 else 3.0
        peers = (("pyerrors", gamma_method, same), ("emcee", automatic_window, 3.0))
        for name, peer, errors_apart in peers:
            (value, their_error), peer_seconds = timed(partial(peer, series))
            lines.append(
                Line(
                    what=f"tau of AR(1) at {coefficient}, {length} samples, {name}",
                    exact=exact,
                    ours=float(ours.time),
                    our_error=error,
                    theirs=value,
                    their_error=their_error,
                    our_seconds=seconds,
                    their_seconds=peer_seconds,
                    tolerance=errors_apart * error,
                )
            )
    return lines


def many_series_line(points: int, length: int) -> Line:
    """All points in one call beside a Python loop of the peer over points."""
    series = np.stack([autoregression(0.8, length, seed) for seed in range(points)])
    ours, seconds = timed(lambda: integrated_autocorrelation_time(series), rounds=1)
    looped, peer_seconds = timed(lambda: [gamma_method(each)[0] for each in series], rounds=1)
    return Line(
        f"mean tau of {points} series of {length} samples, pyerrors in a loop",
        4.5,
        float(ours.time.mean()),
        float(ours.time.std(ddof=1)) / points**0.5 + 0.02,
        float(np.mean(looped)),
        float(np.std(looped)) / points**0.5,
        seconds,
        peer_seconds,
        0.2 * float(ours.error.mean()),
    )


def reweighting_lines(states: int, length: int) -> list[Line]:
    """Free energies and a mean of harmonic wells of independent samples: f = ½ ln k."""
    generator = np.random.default_rng(2)
    stiffness = np.geomspace(1.0, 8.0, states)
    positions = generator.normal(size=(states, length)) / np.sqrt(stiffness)[:, np.newaxis]
    terms = positions**2 / 2.0
    energies = stiffness[:, np.newaxis] * terms.reshape(-1)

    def ours() -> tuple[float, float, float, float]:
        solution = solve_states(
            list(terms[:, np.newaxis]),
            coefficients=stiffness[:, np.newaxis],
            inefficiency=np.ones(states),
        )
        mean = multistate_mean(solution, list(positions**2), coefficients=[[stiffness[1]]])
        return (
            float(solution.free_energy[-1]),
            float(solution.error[-1]),
            float(mean.value[0]),
            float(mean.error[0]),
        )

    def theirs() -> tuple[float, float, float, float]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Its own choice of solver warns of deprecation.
            solution = pymbar.MBAR(energies, np.full(states, length))
            differences = solution.compute_free_energy_differences()
            mean = solution.compute_expectations((positions**2).reshape(-1))
        return (
            float(differences["Delta_f"][0, -1]),
            float(differences["dDelta_f"][0, -1]),
            float(mean["mu"][1]),
            float(mean["sigma"][1]),
        )

    (f, df, m, dm), seconds = timed(ours)
    (g, dg, o, do), peer_seconds = timed(theirs)
    name = f"{states} wells of {length} samples, pymbar"
    return [
        Line(
            f"free energy, {name}",
            0.5 * float(np.log(8.0)),
            f,
            df,
            g,
            dg,
            seconds,
            peer_seconds,
            1e-3 * df,
        ),
        Line(
            f"mean of x^2, {name}",
            1.0 / float(stiffness[1]),
            m,
            dm,
            o,
            do,
            seconds,
            peer_seconds,
            1e-3 * dm,
        ),
    ]


def show(lines: list[Line]) -> None:
    print(
        f"{'':60} {'exact':>9} {'ours':>9} {'error':>8} {'theirs':>9} {'error':>8}"
        f" {'diff/err':>8} {'s':>8} {'s peer':>8}  ratio"
    )
    for line in lines:
        difference = (line.ours - line.theirs) / line.our_error
        print(
            f"{line.what:60} {line.exact:9.5f} {line.ours:9.5f} {line.our_error:8.5f}"
            f" {line.theirs:9.5f} {line.their_error:8.5f} {difference:8.4f}"
            f" {line.our_seconds:8.4f} {line.their_seconds:8.4f}"
            f" {line.their_seconds / line.our_seconds:6.1f}"
            f"{'' if line.agrees else '  DISAGREES'}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Our estimators beside pyerrors, emcee and pymbar."
    )
    parser.add_argument("--tiny", action="store_true", help="small sizes, seconds")
    tiny = parser.parse_args().tiny
    lines = autocorrelation_lines(20_000 if tiny else 400_000)
    lines.append(many_series_line(*((20, 2000) if tiny else (200, 20_000))))
    lines += reweighting_lines(*((4, 500) if tiny else (16, 20_000)))
    show(lines)
    if not all(line.agrees for line in lines):
        raise SystemExit("an estimator disagrees with its peer or with the exact value")


if __name__ == "__main__":
    main()
