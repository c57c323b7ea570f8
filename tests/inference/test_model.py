"""Models of a user's own against exact posteriors and evidences."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from phasegrok.errors import InvalidValueError
from phasegrok.inference import (
    Evidence,
    Model,
    Parameter,
    ParameterSpace,
    Posterior,
    Schedule,
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


ONE = ParameterSpace((uniform("mean", -3.0, 3.0, meaning="mean of the data"),))
QUICK = Schedule(walkers=12, burn_in=2, steps=4, overlap=0.3, most_rungs=40)


@pytest.mark.parametrize(
    ("returned", "sentence"),
    [
        (lambda _: 0.5, r"numbers of shape \(\d+,\), one for each walker, received shape \(\)"),
        (
            lambda n: np.zeros((n, 1)),
            r"numbers of shape \(\d+,\), .* received shape \(\d+, 1\)",
        ),
        (
            lambda n: np.zeros((3, n)),
            r"numbers of shape \(\d+,\), .* received shape \(3, \d+\)",
        ),
        (lambda n: np.zeros(n - 1), r"received shape \(\d+,\); sum over the data alone"),
        (lambda n: np.full(n, np.nan), r"is NaN or \+inf at (\d+) of \1 values; return -inf"),
        (lambda n: np.full(n, np.inf), r"is NaN or \+inf at (\d+) of \1 values; return -inf"),
        (lambda n: np.append(np.zeros(n - 1), np.inf), r"is NaN or \+inf at 1 of \d+ values"),
        (lambda n: np.zeros(n, dtype=complex), "must be an array of real numbers, .* complex"),
        (lambda _: None, "must be an array of real numbers, received NoneType"),
        (lambda n: "a" * n, "must be an array of real numbers, received str"),
        (
            lambda n: [[0.0], *([0.0] * (n - 1))],
            "must be an array of real numbers, received list",
        ),
    ],
)
def test_a_likelihood_is_one_number_a_walker(
    returned: Callable[[int], Any], sentence: str
) -> None:
    model = Model(
        name="odd", space=ONE, log_likelihood=lambda values: returned(values["mean"].size)
    )
    with pytest.raises(InvalidValueError, match=f"the log likelihood of 'odd' .*{sentence}"):
        fit_model(model, seed=1, schedule=QUICK)
    with pytest.raises(InvalidValueError, match=f"the log likelihood of 'odd' .*{sentence}"):
        model.log_likelihood_at(np.zeros((7, 1)))


def test_a_likelihood_of_zero_and_a_list_are_taken() -> None:
    model = Model(
        name="edge",
        space=ONE,
        log_likelihood=lambda values: [-np.inf, *([0.0] * (values["mean"].size - 1))],  # type: ignore[arg-type, return-value]
    )
    found = model.log_likelihood_at(np.zeros((3, 1)))
    np.testing.assert_array_equal(found, [-np.inf, 0.0, 0.0])


def posterior(name: str, log_evidence: float = -3.0) -> Posterior:
    return Posterior(
        model=name,
        chains=None,  # type: ignore[arg-type]
        evidence=Evidence(
            log_evidence=log_evidence, standard_error=0.1, forward=-3.0, reverse=-3.0, rungs=2
        ),
    )


@pytest.mark.parametrize("number", [np.inf, np.nan, 0.0, -1.0, True, "2", None, [1.0]])
def test_a_prior_is_finite_and_positive(number: Any) -> None:
    with pytest.raises(InvalidValueError, match=r"positive and finite number .* 'a' has"):
        compare([posterior("a"), posterior("b")], prior={"a": number, "b": 1.0})


def test_a_prior_names_every_model_and_no_other() -> None:
    both = [posterior("a"), posterior("b")]
    with pytest.raises(InvalidValueError, match="every model, 'b' has none"):
        compare(both, prior={"a": 1.0})
    with pytest.raises(InvalidValueError, match=r"'c' is no model .*Known: 'a', 'b'"):
        compare(both, prior={"a": 1.0, "b": 1.0, "c": 1.0})
    wrong: Any = [1.0, 1.0]
    with pytest.raises(InvalidValueError, match="the prior must be given by name"):
        compare(both, prior=wrong)


@pytest.mark.parametrize(
    ("given", "received"),
    [
        ([posterior("a"), 1], "int"),
        ([None, posterior("a")], "NoneType"),
        (posterior("a"), "Posterior"),
        ("ab", "str"),
        ({"a": posterior("a"), "b": posterior("b")}, "dict"),
        (3, "int"),
    ],
)
def test_only_posteriors_are_compared(given: Any, received: str) -> None:
    with pytest.raises(
        InvalidValueError, match=f"comparing needs a list of posteriors, received .*{received}"
    ):
        compare(given)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_an_evidence_is_a_number(number: float) -> None:
    with pytest.raises(InvalidValueError, match="the log evidence of 'b' is"):
        compare([posterior("a"), posterior("b", number)])
