"""Models of a user's own against exact posteriors and evidences."""

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from phasegrok.errors import InvalidValueError
from phasegrok.inference import (
    Model,
    Parameter,
    ParameterSpace,
    Posterior,
    compare,
    fit_model,
    uniform,
)

Floats = NDArray[np.float64]
GENERATOR = np.random.default_rng(5)
PLACES = np.linspace(-1.0, 1.0, 20)
DATA = 0.7 + 1.3 * PLACES + GENERATOR.standard_normal(PLACES.size)


def linear(*names: str) -> Model:
    """y = Σ_k θ_k x^k with unit noise and unit normal priors."""
    powers = [{"offset": 0, "slope": 1, "bend": 2}[name] for name in names]

    def log_likelihood(values: Mapping[str, Floats]) -> Floats:
        predicted = sum(
            values[name][:, None] * PLACES**power
            for name, power in zip(names, powers, strict=True)
        )
        residuals: Floats = DATA - predicted
        squares: Floats = np.sum(residuals**2, axis=1)
        return -0.5 * (squares + float(DATA.size * np.log(2.0 * np.pi)))

    parameters = tuple(Parameter(name=name, meaning=name) for name in names)
    return Model(
        name=" and ".join(names),
        space=ParameterSpace(parameters),
        log_likelihood=log_likelihood,
    )


def exact(*names: str) -> tuple[float, Floats, Floats]:
    """Evidence, posterior means and deviations of the linear model."""
    powers = [{"offset": 0, "slope": 1, "bend": 2}[name] for name in names]
    design = np.stack([PLACES**power for power in powers], axis=1)
    covariance = design @ design.T + np.eye(DATA.size)
    evidence = stats.multivariate_normal(np.zeros(DATA.size), covariance).logpdf(DATA)
    posterior = np.linalg.inv(design.T @ design + np.eye(len(powers)))
    return float(evidence), posterior @ design.T @ DATA, np.sqrt(np.diag(posterior))


@pytest.fixture(scope="module")
def line() -> Posterior:
    return fit_model(linear("offset", "slope"), seed=1)


def test_a_linear_model_has_its_exact_posterior(line: Posterior) -> None:
    _, means, deviations = exact("offset", "slope")
    draws = line.chains.flat()
    error = deviations / np.sqrt(line.chains.health.effective_samples)
    np.testing.assert_array_less(np.abs(draws.mean(axis=0) - means), 4.0 * error)
    spread = deviations / np.sqrt(2.0 * line.chains.health.effective_samples)
    np.testing.assert_array_less(np.abs(draws.std(axis=0) - deviations), 4.0 * spread)


def test_evidences_of_linear_models_are_exact_within_their_errors(line: Posterior) -> None:
    exactly, _, _ = exact("offset", "slope")
    found = line.evidence
    assert found.consistent
    assert abs(found.log_evidence - exactly) < 4.0 * found.standard_error
    assert found.standard_error < 0.1


def test_comparing_gives_the_exact_odds(line: Posterior) -> None:
    other = fit_model(linear("offset"), seed=2)
    table = compare([other, line])
    odds = exact("offset", "slope")[0] - exact("offset")[0]
    assert table["model"].to_numpy().tolist() == ["offset and slope", "offset"]
    error = float(np.hypot(*table["log_evidence_error"]))
    found = float(np.log(table["probability"][0] / table["probability"][1]))
    assert abs(found - odds) < 4.0 * error
    doubted = compare([other, line], prior={"offset": 9.0, "offset and slope": 1.0})
    shifted = doubted["probability"].sel(model="offset") / doubted["probability"].sel(
        model="offset and slope"
    )
    assert float(np.log(shifted)) == pytest.approx(np.log(9.0) - found, abs=1e-9)
    assert float(table["probability"].sum()) == pytest.approx(1.0, abs=1e-12)


def test_two_far_modes_keep_their_weights_and_evidence() -> None:
    # Two equal Gaussians at ±4 (deviation 0.5) in three dimensions, uniform on [-10, 10]³:
    # ln Z = -3 ln 20.
    def log_likelihood(values: Mapping[str, Floats]) -> Floats:
        point = np.stack([values[name] for name in "xyz"], axis=1)
        sides = [-0.5 * np.sum((point - centre) ** 2, axis=1) / 0.25 for centre in (-4.0, 4.0)]
        norm = 1.5 * np.log(2.0 * np.pi * 0.25) + np.log(2.0)
        both: Floats = np.logaddexp(*sides) - norm
        return both

    space = ParameterSpace(
        tuple(uniform(name, -10.0, 10.0, meaning="coordinate") for name in "xyz")
    )
    model = Model(name="two", space=space, log_likelihood=log_likelihood)
    found = fit_model(model, seed=3)
    assert abs(found.evidence.log_evidence + 3.0 * np.log(20.0)) < 0.3
    assert abs(found.evidence.log_evidence + 3.0 * np.log(20.0)) < (
        4.0 * found.evidence.standard_error
    )
    share = float(np.mean(found.chains.draws["x"] > 0.0))
    # Walkers do not hop: the share is that of 200 independent ones.
    assert abs(share - 0.5) < 4.0 * np.sqrt(0.25 / 200.0)


def test_the_tree_holds_every_walker_as_a_chain(line: Posterior) -> None:
    tree = line.to_datatree()
    posterior = tree["posterior"].to_dataset()
    walkers = line.chains.walkers
    assert posterior.sizes["chain"] == 2 * walkers
    first = line.chains.draws["slope"].to_numpy()[0]
    np.testing.assert_array_equal(posterior["slope"][3], first[3::walkers])
    assert posterior.attrs["log_evidence"] == line.evidence.log_evidence
    assert posterior.attrs["grade"] == "reliable"


def test_refusals(line: Posterior) -> None:
    with pytest.raises(InvalidValueError, match="two or more models with names"):
        compare([line, line])
    other = fit_model(linear("offset"), seed=2)
    with pytest.raises(InvalidValueError, match="'offset' has none"):
        compare([line, other], prior={"offset and slope": 1.0})
