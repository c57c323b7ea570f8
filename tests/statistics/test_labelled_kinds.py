"""Every labelled function refuses what has no labels, in one sentence."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

from phasegrok.errors import FormatError, InvalidValueError
from phasegrok.statistics import labelled

RUNS, RECORDS = 6, 40
EDGES = [-5.0, 0.0, 5.0]


def samples() -> xr.DataArray:
    values = np.random.default_rng(0).normal(size=(RUNS, RECORDS))
    return xr.DataArray(
        values,
        dims=("run", "record"),
        coords={
            "disorder": ("run", [0, 0, 1, 1, 2, 2]),
            "record_count": ("run", np.full(RUNS, RECORDS)),
        },
        name="energy",
    )


A = samples()
FIELD = xr.DataArray(np.repeat([0.0, 0.1], 3), dims="run")


def generator() -> np.random.Generator:
    return np.random.default_rng(1)


def mean_of(values: Any) -> Any:
    return values.mean(axis=-1)


def sum_of_means(means: Any) -> Any:
    return means.sum(axis=0)


# What the types of the functions forbid is handed over all the same.
ANY: Any = labelled

STATES = labelled.solve_states(
    {"field": A.drop_vars("disorder")}, coefficients={"field": FIELD}
)
SAMPLES = A.drop_vars("disorder")

# By name and place: a call whose only unsound argument is the one handed over.
FACES: dict[str, Callable[[Any], Any]] = {
    "binder_cumulant": labelled.binder_cumulant,
    "binder_cumulant_estimate": labelled.binder_cumulant_estimate,
    "binning_ladder": labelled.binning_ladder,
    "block_bootstrap": lambda x: labelled.block_bootstrap(mean_of, x, generator=generator()),
    "block_bootstrap_distribution": lambda x: labelled.block_bootstrap_distribution(
        mean_of, x, generator=generator()
    ),
    "block_jackknife": lambda x: labelled.block_jackknife(mean_of, x),
    "bootstrap_of_means": lambda x: labelled.bootstrap_of_means(
        sum_of_means, [A, x], generator=generator()
    ),
    "disorder_average": lambda x: labelled.disorder_average(
        x.mean("record") if isinstance(x, xr.DataArray) else x
    ),
    "disorder_jackknife_of_means": lambda x: labelled.disorder_jackknife_of_means(
        sum_of_means, [x.mean("record") if isinstance(x, xr.DataArray) else x]
    ),
    "disorder_jackknife_of_means, second": lambda x: labelled.disorder_jackknife_of_means(
        sum_of_means,
        [A.mean("record"), x.mean("record") if isinstance(x, xr.DataArray) else x],
    ),
    "effective_sample_size": labelled.effective_sample_size,
    "equilibration_start": labelled.equilibration_start,
    "first_last_difference": labelled.first_last_difference,
    "histogram_density": lambda x: labelled.histogram_density(x, edges=EDGES),
    "integrated_autocorrelation_time": labelled.integrated_autocorrelation_time,
    "jackknife_of_means": lambda x: labelled.jackknife_of_means(sum_of_means, [x]),
    "kurtosis_ratio": labelled.kurtosis_ratio,
    "kurtosis_ratio_estimate": labelled.kurtosis_ratio_estimate,
    "mean": labelled.mean,
    "multistate_mean": lambda x: labelled.multistate_mean(
        STATES,
        x.drop_vars("disorder") if isinstance(x, xr.DataArray) else x,
        coefficients={"field": 0.05},
    ),
    "pooled_autocorrelation_time": lambda x: labelled.pooled_autocorrelation_time(
        x, chain_dim="run"
    ),
    "ragged_autocorrelation_time": lambda x: labelled.ragged_autocorrelation_time(
        x, chain_dim="run"
    ),
    "ragged_rank_normalised_split_r_hat": (
        lambda x: labelled.ragged_rank_normalised_split_r_hat(x, chain_dim="run")
    ),
    "ragged_split_r_hat": lambda x: labelled.ragged_split_r_hat(x, chain_dim="run"),
    "rank_normalised_split_r_hat": lambda x: labelled.rank_normalised_split_r_hat(
        x, chain_dim="run"
    ),
    "response": lambda x: labelled.response(x, A, temperature=1.0),
    "response, second": lambda x: labelled.response(A, x, temperature=1.0),
    "reweighted_mean": lambda x: labelled.reweighted_mean(x, {"f": A}, change={"f": 0.1}),
    "reweighted_mean, terms": lambda x: labelled.reweighted_mean(
        A, {"f": x}, change={"f": 0.1}
    ),
    "series_histogram": lambda x: (
        labelled.series_histogram(x[0], edges=EDGES)
        if isinstance(x, xr.DataArray)
        else labelled.series_histogram(x, edges=EDGES)
    ),
    "solve_states": lambda x: labelled.solve_states(
        {"field": x}, coefficients={"field": FIELD}
    ),
    "solve_states, coefficients": lambda x: labelled.solve_states(
        {"field": SAMPLES},
        coefficients={"field": FIELD if isinstance(x, xr.DataArray) else x},
    ),
    "split_r_hat": lambda x: labelled.split_r_hat(x, chain_dim="run"),
    "susceptibility": lambda x: labelled.susceptibility(x, system_size=10.0),
    "susceptibility_estimate": lambda x: labelled.susceptibility_estimate(x, system_size=10.0),
    "temperature_response": lambda x: labelled.temperature_response(x, A, temperature=1.0),
    "temperature_response, second": lambda x: labelled.temperature_response(
        A, x, temperature=1.0
    ),
}

# These take no labelled array: constants, a description, a table and a solution.
OTHERS = {
    "STATUS_ATTRIBUTES",
    "LabelledMultistate",
    "negative_log_density",
    "multistate_free_energy",
}
UNLABELLED: dict[str, Any] = {
    "ndarray": A.to_numpy(),
    "Dataset": A.to_dataset(),
    "list": A.to_numpy().tolist(),
    "float": 3.0,
    "NoneType": None,
}


def test_every_face_is_tried() -> None:
    tried = {name.split(",")[0] for name in FACES}
    assert tried | OTHERS == set(labelled.__all__)


@pytest.mark.parametrize("name", FACES)
def test_labelled_samples_are_taken(name: str) -> None:
    FACES[name](A)


@pytest.mark.parametrize("kind", UNLABELLED)
@pytest.mark.parametrize("name", FACES)
def test_what_has_no_labels_is_refused(name: str, kind: str) -> None:
    sentence = rf"must be a labelled array \(xarray.DataArray\), received {kind}; take one"
    with pytest.raises(InvalidValueError, match=sentence):
        FACES[name](UNLABELLED[kind])


PARAMETERS: dict[str, Callable[[Any], Any]] = {
    "susceptibility": lambda x: labelled.susceptibility(A, system_size=x),
    "susceptibility, time": lambda x: labelled.susceptibility(
        A, system_size=10.0, autocorrelation_time=x
    ),
    "susceptibility_estimate": lambda x: labelled.susceptibility_estimate(A, system_size=x),
    "response": lambda x: labelled.response(A, A, temperature=x),
    "response, size": lambda x: labelled.response(A, A, temperature=1.0, system_size=x),
    "temperature_response": lambda x: labelled.temperature_response(A, A, temperature=x),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_is_one_number_or_has_labels(name: str) -> None:
    PARAMETERS[name](2.0)
    PARAMETERS[name](xr.DataArray(np.full(RUNS, 2.0), dims="run"))
    for value in (np.full(RUNS, 2.0), [2.0] * RUNS, A.to_dataset(), None, "2"):
        with pytest.raises(InvalidValueError, match="unless it is one number, must be a lab"):
            PARAMETERS[name](value)


@pytest.mark.parametrize(
    "given", [A, A.to_dataset(), A.to_numpy(), (A for _ in range(2)), A.sum]
)
def test_functions_of_means_take_a_list(given: Any) -> None:
    with pytest.raises(InvalidValueError, match="needs a list of at least one labelled array"):
        labelled.jackknife_of_means(sum_of_means, given)
    with pytest.raises(InvalidValueError, match="needs a list of at least one labelled array"):
        labelled.bootstrap_of_means(sum_of_means, given, generator=generator())
    with pytest.raises(InvalidValueError, match="needs a list of at least one labelled array"):
        labelled.disorder_jackknife_of_means(sum_of_means, given)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: ANY.reweighted_mean(A, A, change={"f": 3.0}), "terms must be given by"),
        (lambda: ANY.reweighted_mean(A, A, change=3.0), "terms must be given by name"),
        (
            lambda: ANY.reweighted_mean(A, {"f": A}, change=3.0),
            "targets must be given by name, received float",
        ),
        (
            lambda: ANY.reweighted_mean(A, {"f": A}, change={"f": "much"}),
            "targets need numbers, or lists of numbers of one length, received",
        ),
        (
            lambda: ANY.reweighted_mean(
                A, {"f": A, "g": A}, change={"f": [1, 2], "g": [1, 2, 3]}
            ),
            "lists of numbers of one length, received",
        ),
        (
            lambda: ANY.solve_states(A, coefficients={"field": FIELD}),
            "terms must be given",
        ),
        (
            lambda: ANY.solve_states({"field": SAMPLES}, coefficients=FIELD),
            "coefficients must be given by name, received DataArray",
        ),
        (
            lambda: ANY.multistate_mean(STATES, SAMPLES, coefficients=0.1),
            "targets must be given by name, received float",
        ),
        (
            lambda: ANY.multistate_free_energy(STATES.table(), coefficients={"field": 0.1}),
            "states must be what solve_states gives, received Dataset",
        ),
        (
            lambda: ANY.multistate_mean(None, SAMPLES, coefficients={"field": 0.1}),
            "states must be what solve_states gives, received NoneType",
        ),
        (lambda: ANY.negative_log_density(A), "a histogram must be a dataset"),
    ],
)
def test_names_tables_and_solutions_are_told(call: Callable[[], Any], sentence: str) -> None:
    with pytest.raises(InvalidValueError, match=re.escape(sentence)):
        call()


def test_a_table_that_is_no_histogram_is_told() -> None:
    with pytest.raises(FormatError, match=r"needs the variable\(s\) .*'counts'.* received"):
        labelled.negative_log_density(A.to_dataset())
