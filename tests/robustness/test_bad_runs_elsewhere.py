"""Fits, chains by size and the verdict under bad samples: a result, or a refusal in words."""

from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from phasegrok.inference import (
    Budget,
    Evidence,
    Model,
    ParameterSpace,
    Posterior,
    Schedule,
    compare,
    fit_model,
    uniform,
)
from phasegrok.transitions.chains import gather_chains
from phasegrok.verdict import order_of_transition

QUICK = Schedule(walkers=12, burn_in=2, steps=4, overlap=0.3, most_rungs=40)
SHORT = Budget(effective_samples=10.0, block=10, most_steps=20, burn_in=2)


def gaussian(data: Any) -> Model:
    """The mean of the data, whose width is one."""
    values = np.asarray(data, dtype=np.float64).reshape(-1)

    def log_likelihood(named: Any) -> Any:
        away = values - named["mean"][:, np.newaxis]
        return -0.5 * np.sum(away**2 + np.log(2.0 * np.pi), axis=1)

    space = ParameterSpace((uniform("mean", -3.0, 3.0, meaning="mean of the data"),))
    return Model(name="one mean", space=space, log_likelihood=log_likelihood)


@settings(max_examples=8, deadline=None, derandomize=True)
@given(data=st.data())
def test_fits_of_bad_data(data: st.DataObject, bad: Any) -> None:
    values = data.draw(bad.arrays)
    # Beyond that the likelihood is zero, or nearly, at every draw of the prior.
    assume(np.all(np.isnan(values) | (np.abs(values) < 30.0)))
    with np.errstate(all="ignore"):  # The likelihood is the user's; its warnings are too.
        result = bad.attempt(
            lambda: fit_model(gaussian(values), seed=1, schedule=QUICK, budget=SHORT)
        )
    if result is not None:
        assert np.isfinite(result.evidence.log_evidence)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    st.lists(st.sampled_from(["a", "b", "c"]), max_size=3),
    st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=3, max_size=3),
    st.none() | st.dictionaries(st.sampled_from(["a", "b"]), st.floats(), max_size=2),
)
def test_comparisons_of_bad_evidences(
    bad: Any, names: list[str], numbers: list[float], prior: dict[str, float] | None
) -> None:
    posteriors = [
        Posterior(
            model=name,
            chains=None,  # type: ignore[arg-type]
            evidence=Evidence(
                log_evidence=number, standard_error=0.1, forward=number, reverse=0.0, rungs=2
            ),
        )
        for name, number in zip(names, numbers, strict=False)
    ]
    table = bad.attempt(lambda: compare(posteriors, prior=prior))
    if table is not None:
        np.testing.assert_allclose(float(table["probability"].sum()), 1.0)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=st.data())
def test_chains_and_verdicts_of_bad_runs(data: st.DataObject, bad: Any) -> None:
    runs = data.draw(bad.labelled)
    dimension = data.draw(st.sampled_from([None, 2, 0, 1.5]))
    keywords: dict[str, Any] = {"control": "field", "size": "size", "dimension": dimension}
    bad.attempt(lambda: gather_chains(runs, **keywords))
    verdict = bad.attempt(lambda: order_of_transition(runs, **keywords))
    if verdict is not None:
        np.testing.assert_allclose(sum(verdict.probabilities.values()), 1.0)


@pytest.mark.parametrize("kind", ["constant", "integers", "booleans"])
def test_studies_without_a_transition_have_a_verdict(kind: str, bad: Any) -> None:
    generator = np.random.default_rng(2)
    controls, sizes = np.linspace(0.0, 1.0, 5), (8, 16, 32)
    shape = (len(controls) * len(sizes) * 2, 120)
    values = {
        "constant": np.ones(shape),
        "integers": generator.integers(0, 4, size=shape),
        "booleans": generator.integers(0, 2, size=shape).astype(bool),
    }[kind]
    runs = xr.DataArray(
        values,
        dims=("run", "record"),
        coords={
            "field": ("run", np.tile(np.repeat(controls, 2), len(sizes))),
            "size": ("run", np.repeat(sizes, 2 * len(controls))),
        },
    )
    verdict = bad.attempt(
        lambda: order_of_transition(runs, control="field", size="size", dimension=None)
    )
    if verdict is not None:
        np.testing.assert_allclose(sum(verdict.probabilities.values()), 1.0)
        assert verdict.order not in ("first-order", "continuous")
