"""Posteriors of truths that the prior draws, evidences, and the coexistence of neurons.

A posterior interval is calibrated over the prior (S. Talts et al., arXiv:1804.06788, 2018):
each repetition draws its truth first, then data, and asks where the truth lies among the
draws of the posterior.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Final

import numpy as np
from coverage_rows import LEVELS, Experiment, FloatArray, Readings, between, joined, symmetric
from scipy.stats import multivariate_normal, norm

from phasegrok import transitions
from phasegrok.inference import (
    Model,
    Parameter,
    ParameterSpace,
    Posterior,
    basins,
    fit_model,
    uniform,
)

PLACES: Final = np.linspace(-1.0, 1.0, 20)
TIMES: Final = np.linspace(0.0, 3.0, 15)
NOISE: Final = 0.2
LINE: Final = ("offset", "slope")
LINE_SPACE: Final = ParameterSpace(tuple(Parameter(name=name, meaning=name) for name in LINE))
DECAY: Final = ("amplitude", "rate")
DECAY_SPACE: Final = ParameterSpace(
    (
        uniform("amplitude", 0.5, 2.0, meaning="value at time 0"),
        uniform("rate", 0.1, 3.0, meaning="inverse time of decay"),
    )
)
NEURONS: Final = ("position", "width", "weight")
OVERLAPS: Final = 4000
WEIGHT, PLACE, CENTRAL, DROPLET = 0.03, 0.7, 0.1, 0.08
POSTERIOR: Final = "quantiles of the posterior"


def line(values: Mapping[str, FloatArray]) -> FloatArray:
    """Offset and slope with normal priors, noise 1."""
    result: FloatArray = values["offset"][:, np.newaxis] + np.outer(values["slope"], PLACES)
    return result


def decay(values: Mapping[str, FloatArray]) -> FloatArray:
    """An exponential decay, whose rate is poorly known where it is fast."""
    fallen = np.exp(-np.outer(values["rate"], TIMES))
    result: FloatArray = values["amplitude"][:, np.newaxis] * fallen
    return result


def model_of(
    curve: Callable[[Mapping[str, FloatArray]], FloatArray],
    space: ParameterSpace,
    data: FloatArray,
    noise: float,
) -> Model:
    """Normal errors of known deviation about a curve (walker, place)."""
    constant = data.size * float(np.log(2.0 * np.pi * noise**2))

    def log_likelihood(values: Mapping[str, FloatArray]) -> FloatArray:
        squares: FloatArray = np.sum(((data - curve(values)) / noise) ** 2, axis=1)
        return -0.5 * (squares + constant)

    return Model(name="curve", space=space, log_likelihood=log_likelihood)


def of_posterior(posterior: Posterior, truth: Mapping[str, FloatArray]) -> list[Readings]:
    """Central intervals of every parameter."""
    readings = []
    for name, value in truth.items():
        draws = posterior.chains.draws[name].to_numpy().ravel()
        tails = [[0.5 - 0.5 * level, 0.5 + 0.5 * level] for level in LEVELS]
        bounds = np.quantile(draws, tails)
        readings.append(between(draws.mean(), draws.std(ddof=1), value, bounds=bounds))
    return readings


def linear_fits(seed: int, count: int) -> list[Readings]:
    """Offset, slope, and ln of the evidence, which is that of a normal law of the data."""
    generator = np.random.default_rng(seed)
    design = np.stack([np.ones_like(PLACES), PLACES], axis=1)
    law = multivariate_normal(np.zeros(PLACES.size), design @ design.T + np.eye(PLACES.size))
    rows = []
    for repetition in range(count):
        truth = LINE_SPACE.values(LINE_SPACE.draw(1, generator))
        data = line(truth)[0] + generator.standard_normal(PLACES.size)
        fit = fit_model(model_of(line, LINE_SPACE, data, 1.0), seed=seed + repetition)
        found, error = fit.evidence.log_evidence, fit.evidence.standard_error
        rows.append([*of_posterior(fit, truth), symmetric(found, error, law.logpdf(data))])
    return [joined(parts) for parts in zip(*rows, strict=True)]


def decay_fits(seed: int, count: int) -> list[Readings]:
    generator = np.random.default_rng(seed)
    rows = []
    for repetition in range(count):
        truth = DECAY_SPACE.values(DECAY_SPACE.draw(1, generator))
        data = decay(truth)[0] + NOISE * generator.standard_normal(TIMES.size)
        fit = fit_model(model_of(decay, DECAY_SPACE, data, NOISE), seed=seed + repetition)
        rows.append(of_posterior(fit, truth))
    return [joined(parts) for parts in zip(*rows, strict=True)]


@cache
def exact_neurons() -> dict[str, float]:
    """Phases of the law of |q|, divided at its barrier."""
    edges = np.linspace(0.0, 2.0, 20_001)
    overlap = 0.5 * (edges[1:] + edges[:-1])
    central = 2.0 * (1.0 - WEIGHT) * norm(0.0, CENTRAL).pdf(overlap)
    density = central + WEIGHT * norm(PLACE, DROPLET).pdf(overlap)
    found = basins(np.log(density + 1e-300)[np.newaxis], edges)
    return {name: float(found[name][0]) for name in NEURONS}


def neurons(seed: int, count: int) -> list[Readings]:
    """Three in a hundred neurons in droplets at ±0.7."""
    rows = []
    for repetition in range(count):
        generator = np.random.default_rng([seed, repetition])
        in_droplet = generator.random(OVERLAPS) < WEIGHT
        noise = generator.standard_normal(OVERLAPS)
        sign = generator.choice([-1.0, 1.0], size=OVERLAPS)
        drawn = np.where(in_droplet, sign * PLACE + DROPLET * noise, CENTRAL * noise)
        fit = transitions.fit_coexistence(drawn.reshape(1, 1, -1), seed=seed + repetition)
        rows.append([_neuron(fit, name) for name in NEURONS])
    return [joined(parts) for parts in zip(*rows, strict=True)]


def _neuron(fit: transitions.CoexistenceFit, name: str) -> Readings:
    draws = fit.posterior[name].to_numpy().ravel()
    known = draws[np.isfinite(draws)]
    summary = fit.summary[name]
    bounds = [
        [float(summary.sel(level=f"{side}_{level}")) for side in ("lower", "upper")]
        for level in ("68", "95")
    ]
    return between(known.mean(), known.std(ddof=1), exact_neurons()[name], bounds=bounds)


def experiments() -> Iterator[Experiment]:
    """Fits of curves, then of neurons."""
    names = (*(f"fit_model, {name}" for name in LINE), "fit_model, evidence")
    input_name = "straight line, truths drawn from a normal prior"
    yield Experiment(names, input_name, POSTERIOR, 100, 20, linear_fits)
    names = tuple(f"fit_model, {name}" for name in DECAY)
    input_name = "exponential decay, truths drawn from a uniform prior"
    yield Experiment(names, input_name, POSTERIOR, 60, 20, decay_fits)
    names = tuple(f"fit_coexistence, {name}" for name in NEURONS)
    input_name = f"{OVERLAPS} overlaps, 3 % in droplets"
    yield Experiment(names, input_name, POSTERIOR, 40, 20, neurons)
