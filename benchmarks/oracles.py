"""Our estimators beside those of others, on samples whose answer is known.

Autocorrelation times beside pyerrors and emcee, multistate reweighting beside pymbar,
evidences beside dynesty: each line shows the exact value, ours and theirs with errors, and the
seconds both took. Coexistence of phases stands beside Hartigan's dip of diptest, and last come
estimators that are wrong on purpose, with how many of their own errors they lie off. A peer
that is missing, or that differs by more than the stated tolerance, is a failure; so is a wrong
estimator that does not fail.

    python benchmarks/oracles.py            # as quoted in the documentation, some minutes
    python benchmarks/oracles.py --tiny     # half a minute: does it still agree?
"""

import argparse
import logging
import os
import time
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple, TypeVar

os.environ.setdefault("OMP_NUM_THREADS", "1")

import diptest
import dynesty
import emcee
import numpy as np
import pyerrors
import scipy.signal
import scipy.special
import scipy.stats
from numpy.typing import NDArray

from phasegrok.inference import (
    Evidence,
    Model,
    Parameter,
    ParameterSpace,
    Schedule,
    climb,
    combine,
    uniform,
)
from phasegrok.statistics import (
    equilibration_start,
    integrated_autocorrelation_time,
    mean,
    multistate_mean,
    solve_states,
    susceptibility,
)
from phasegrok.transitions import fit_coexistence

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


def in_two_places(values: Mapping[str, FloatArray]) -> FloatArray:
    """Log of the mean of two normal laws at ±(4, 4, 4) of width ½."""
    point = np.stack([values[name] for name in "xyz"], axis=-1)
    at_each = [
        -0.5 * np.sum(((point - centre) / 0.5) ** 2 + np.log(2.0 * np.pi * 0.25), axis=-1)
        for centre in (4.0, -4.0)
    ]
    both: FloatArray = np.logaddexp(*at_each) - np.log(2.0)
    return both


TWO_PLACES = Model(
    name="two Gaussians in a cube",
    space=ParameterSpace(tuple(uniform(name, -10.0, 10.0, meaning=name) for name in "xyz")),
    log_likelihood=in_two_places,
)
TWO_PLACES_EVIDENCE = -3.0 * float(np.log(20.0))


def linear_model(size: int) -> tuple[Model, float]:
    """A polynomial with Gaussian prior and noise, and ln of the normal law of its data."""
    generator = np.random.default_rng(size)
    design = np.linspace(-1.0, 1.0, 30)[:, np.newaxis] ** np.arange(size)
    widths, noise = np.linspace(1.0, 2.0, size), 0.3
    data = design @ (widths * generator.normal(size=size)) + noise * generator.normal(size=30)
    names = tuple(f"c{power}" for power in range(size))
    space = ParameterSpace(
        tuple(
            Parameter(name=name, meaning="a coefficient", spread=float(width))
            for name, width in zip(names, widths, strict=True)
        )
    )

    def log_likelihood(values: Mapping[str, FloatArray]) -> FloatArray:
        away = data - np.stack([values[name] for name in names], axis=-1) @ design.T
        density: FloatArray = -0.5 * np.sum(
            (away / noise) ** 2 + np.log(2.0 * np.pi * noise**2), axis=-1
        )
        return density

    covariance = design @ np.diag(widths**2) @ design.T + noise**2 * np.eye(30)
    exact = scipy.stats.multivariate_normal(np.zeros(30), covariance).logpdf(data)
    model = Model(
        name=f"polynomial of {size} terms", space=space, log_likelihood=log_likelihood
    )
    return model, float(exact)


def evidence_of(model: Model, schedule: Schedule, seed: int) -> Evidence:
    seeds = np.random.SeedSequence(seed).spawn(2)
    return combine(
        [
            climb(model.space, model.log_likelihood_at, seed=own, schedule=schedule)
            for own in seeds
        ]
    )


def nested_sampling(model: Model, live_points: int) -> tuple[float, float]:
    """ln Z and its error by dynesty, which asks for one point at a time."""
    sampler = dynesty.NestedSampler(
        lambda standard: float(model.log_likelihood_at(standard[np.newaxis])[0]),
        scipy.special.ndtri,
        model.space.size,
        nlive=live_points,
        rstate=np.random.default_rng(1),
    )
    sampler.run_nested(print_progress=False, dlogz=0.01)
    return float(sampler.results.logz[-1]), float(sampler.results.logzerr[-1])


def evidence_lines(tiny: bool) -> list[Line]:
    """Ours of every seed in turn; the line has their mean, and its own error.

    Stated errors must be those of the scatter, and each seed within the target.
    """
    fine = Schedule(walkers=100 if tiny else 1000, burn_in=30, steps=60, overlap=0.5)
    coarse = Schedule(walkers=200, burn_in=30, steps=60, overlap=0.5)
    cases = [(TWO_PLACES, TWO_PLACES_EVIDENCE, coarse, 0.15)]
    cases += [(*linear_model(size), fine, 0.05) for size in ((3,) if tiny else (3, 5))]
    lines, count = [], 3 if tiny else 10
    for model, exact, schedule, target in cases:
        begun = time.perf_counter()
        results = [evidence_of(model, schedule, seed) for seed in range(count)]
        seconds = (time.perf_counter() - begun) / count
        found = np.array([each.log_evidence for each in results])
        stated = float(np.mean([each.standard_error for each in results]))
        worst = float(np.abs(found - exact).max())
        print(
            f"ln Z of {model.name}, exact {exact:.4f}: {count} seeds within {worst:.4f} "
            f"(target {target}), spread {found.std(ddof=1):.4f}, stated error {stated:.4f}, "
            f"{seconds:.1f} s each; first: {results[0]}"
        )
        if not tiny and (worst > target or not all(each.consistent for each in results)):
            raise SystemExit(f"an evidence of {model.name} misses its target")
        (theirs, their_error), peer_seconds = timed(
            partial(nested_sampling, model, 50 if tiny else 500), rounds=1
        )
        error = max(stated, float(found.std(ddof=1))) / count**0.5
        lines.append(
            Line(
                what=f"ln Z of {model.name}, {count} seeds, dynesty",
                exact=exact,
                ours=float(found.mean()),
                our_error=error,
                theirs=theirs,
                their_error=their_error,
                our_seconds=seconds,
                their_seconds=peer_seconds,
                tolerance=4.0 * float(np.hypot(error, their_error)),
            )
        )
    return lines


def refused_evidence() -> None:
    """Too few rungs for what lies between prior and posterior: the two directions part."""
    hasty = Schedule(walkers=20, burn_in=1, steps=5, overlap=0.02)
    evidence = evidence_of(TWO_PLACES, hasty, 0)
    print(f"a hasty ladder, exact {TWO_PLACES_EVIDENCE:.3f}: {evidence}")
    if evidence.consistent:
        raise SystemExit("an evidence whose two estimates disagree was not refused")


def phases(generator: np.random.Generator, count: int, share: float) -> FloatArray:
    """Overlaps N(0, 0.1²), and a share of them N(±0.7, 0.08²)."""
    overlaps = 0.1 * generator.normal(size=count)
    far = generator.random(count) < share
    droplets = 0.7 + 0.08 * generator.normal(size=count)
    both: FloatArray = np.where(far, droplets, overlaps) * generator.choice([-1, 1], size=count)
    return both


def unimodality(tiny: bool) -> None:
    """Two phases or one, beside the dip of Hartigan and Hartigan, Ann. Stat. 13, 70 (1985)."""
    generator, count = np.random.default_rng(3), 3000
    laws = {
        "one peak, normal": (phases(generator, count, 0.0), False),
        "one peak, heavy tails": (0.1 * generator.standard_t(3, size=count), False),
        "two peaks, 2 % in one": (phases(generator, count, 0.02), True),
        "two peaks, 20 % in one": (phases(generator, count, 0.2), True),
    }
    print(f"\n{'':26} {'two phases':>10} {'ln B':>8} {'dip p':>8} {'s':>8} {'s peer':>8}")
    for name, (overlaps, exact) in list(laws.items())[:: 2 if tiny else 1]:
        fit, seconds = timed(
            partial(fit_coexistence, overlaps.reshape(1, -1, 1), seed=1), rounds=1
        )
        (_, chance), peer_seconds = timed(partial(diptest.diptest, np.abs(overlaps)))
        print(
            f"{name:26} {fit.two_phases!s:>10} {fit.log_evidence_difference:8.1f} "
            f"{chance:8.3f} {seconds:8.3f} {peer_seconds:8.5f}"
        )
        if fit.two_phases is (not exact):  # None, undetermined, is no wrong answer.
            raise SystemExit(f"{name}: two phases are {fit.two_phases}, not {exact}")
        if not exact and chance < 0.01:
            raise SystemExit(f"{name}: the dip sees two peaks where there is one")


def rms(values: FloatArray) -> float:
    return float(np.sqrt(np.mean(values**2)))


def correlations_forgotten(count: int) -> tuple[float, float]:
    """Means of AR(1) series beside 0, in errors from τ and from the number of records."""
    series = np.stack([autoregression(0.95, 4000, seed) for seed in range(count)])
    value = series.mean(axis=-1)
    naive = series.std(axis=-1, ddof=1) / 4000**0.5
    return rms(value / mean(series).error), rms(value / naive)


def degree_of_freedom_forgotten(count: int) -> tuple[float, float]:
    """Average variance of ten samples beside 1, in errors of the average."""
    samples = np.random.default_rng(4).normal(size=(20 * count, 10))
    both = (susceptibility(samples, system_size=1.0), samples.var(axis=-1))
    right, wrong = (
        abs(each.mean() - 1.0) / (each.std(ddof=1) / len(each) ** 0.5) for each in both
    )
    return float(right), float(wrong)


def burn_in_kept(count: int) -> tuple[float, float]:
    """Means of series begun 100 standard deviations off, from where they settle and whole.

    Both in errors of the settled part: a burn-in lengthens its own error so that it hides.
    """
    series = np.stack([autoregression(0.98, 6000, seed) for seed in range(count)])
    series += 100.0 * 0.98 ** np.arange(6000)
    starts = equilibration_start(series).start
    settled = [mean(each[start:]) for each, start in zip(series, starts, strict=True)]
    errors = np.array([float(each.error) for each in settled])
    right = np.array([float(each.mean) for each in settled])
    return rms(right / errors), rms(series.mean(axis=-1) / errors)


def labels_sampled(count: int) -> tuple[float, float]:
    """Weight ½ of one of two places: by ladders, and by a stretch-move chain begun in one."""
    model, schedule = TWO_PLACES, Schedule(walkers=100, burn_in=20, steps=30)
    ladders = [
        climb(model.space, model.log_likelihood_at, seed=own, schedule=schedule)
        for own in np.random.SeedSequence(5).spawn(max(4, count // 10))
    ]
    shares = np.array([np.mean(ladder.positions[:, 0] > 0.0) for ladder in ladders])
    right = (shares.mean() - 0.5) / (shares.std(ddof=1) / shares.size**0.5)
    sampler = emcee.EnsembleSampler(
        32,
        3,
        lambda x: in_two_places(dict(zip("xyz", x.T, strict=True))),
        vectorize=True,
        moves=emcee.moves.StretchMove(),
    )
    sampler.random_state = np.random.MT19937(6).state
    sampler.run_mcmc(4.0 + 0.5 * np.random.default_rng(7).normal(size=(32, 3)), 3000)
    chain = sampler.get_chain(discard=500)
    time_of_chain = float(emcee.autocorr.integrated_time(chain, quiet=True).max())
    effective = chain.shape[0] * chain.shape[1] / time_of_chain
    seen = float(np.mean(chain[..., 0] > 0.0))
    # Laplace's error of a share, which is not zero where all lie in one place.
    here, there = seen * effective + 1.0, (1.0 - seen) * effective + 1.0
    error = np.sqrt(here * there / (effective + 2.0) ** 3)
    return abs(float(right)), abs(seen - 0.5) / float(error)


def wrong_estimators(tiny: bool) -> None:
    """Each in its own errors off the truth, beside ours, which has to lie within four."""
    cases = {
        "mean, correlations forgotten": correlations_forgotten,
        "variance, degree of freedom forgotten": degree_of_freedom_forgotten,
        "mean, burn-in kept": burn_in_kept,
        "weight of a mode, labels sampled": labels_sampled,
    }
    print(f"\nerrors off the truth {'':30} {'ours':>8} {'wrong':>8}")
    for name, case in cases.items():
        right, wrong = case(40 if tiny else 200)
        print(f"{name:51} {right:8.2f} {wrong:8.2f}")
        if right > 4.0 or wrong < 4.0:
            raise SystemExit(f"{name}: ours {right:.1f} errors off, the wrong one {wrong:.1f}")


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
        description="Our estimators beside pyerrors, emcee, pymbar, dynesty, diptest."
    )
    parser.add_argument("--tiny", action="store_true", help="small sizes, seconds")
    tiny = parser.parse_args().tiny
    lines = autocorrelation_lines(20_000 if tiny else 400_000)
    lines.append(many_series_line(*((20, 2000) if tiny else (200, 20_000))))
    lines += reweighting_lines(*((4, 500) if tiny else (16, 20_000)))
    lines += evidence_lines(tiny)
    refused_evidence()
    show(lines)
    unimodality(tiny)
    wrong_estimators(tiny)
    if not all(line.agrees for line in lines):
        raise SystemExit("an estimator disagrees with its peer or with the exact value")


if __name__ == "__main__":
    main()
