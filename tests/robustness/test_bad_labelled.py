"""Every labelled function gives bad runs a result with a status, or a refusal in words."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from phasegrok.errors import InvalidValueError
from phasegrok.statistics import finished, labelled, point_means

EDGES = [-2.0, -0.5, 0.5, 2.0]
EXAMPLES = settings(max_examples=12, deadline=None, derandomize=True)
CHAINS = {"chain_dim": "run"}


def generator() -> np.random.Generator:
    return np.random.default_rng(0)


def ratio(means: Any) -> Any:
    return means[0] / means[-1]


def average(samples: Any) -> Any:
    return np.mean(samples, axis=-1)


def states(a: xr.DataArray) -> labelled.LabelledMultistate:
    return labelled.solve_states(
        {"field": a},
        coefficients={"field": xr.DataArray(np.arange(a.sizes["run"]), dims="run")},
    )


def table(a: xr.DataArray) -> xr.Dataset:
    return a.to_dataset()


CALLS: dict[str, Callable[[xr.DataArray], Any]] = {
    "binder_cumulant": labelled.binder_cumulant,
    "binder_cumulant_estimate": labelled.binder_cumulant_estimate,
    "binning_ladder": labelled.binning_ladder,
    "block_bootstrap": lambda a: labelled.block_bootstrap(average, a, generator=generator()),
    "block_bootstrap_distribution": lambda a: labelled.block_bootstrap_distribution(
        average, a, generator=generator(), resamples=3
    ),
    "block_jackknife": lambda a: labelled.block_jackknife(average, a),
    "bootstrap_of_means": lambda a: labelled.bootstrap_of_means(
        ratio, [a, a], generator=generator(), resamples=3
    ),
    "disorder_average": lambda a: labelled.disorder_average(a),
    "disorder_jackknife_of_means": lambda a: labelled.disorder_jackknife_of_means(ratio, [a]),
    "effective_sample_size": labelled.effective_sample_size,
    "equilibration_start": labelled.equilibration_start,
    "first_last_difference": labelled.first_last_difference,
    "histogram_density": lambda a: labelled.histogram_density(a, edges=EDGES),
    "integrated_autocorrelation_time": labelled.integrated_autocorrelation_time,
    "jackknife_of_means": lambda a: labelled.jackknife_of_means(ratio, [a, a]),
    "kurtosis_ratio": labelled.kurtosis_ratio,
    "kurtosis_ratio_estimate": labelled.kurtosis_ratio_estimate,
    "mean": labelled.mean,
    "multistate_free_energy": lambda a: labelled.multistate_free_energy(
        states(a), coefficients={"field": [0.0, 50.0]}
    ),
    "multistate_mean": lambda a: labelled.multistate_mean(
        states(a), a, coefficients={"field": [0.0, 50.0]}
    ),
    "negative_log_density": lambda a: labelled.negative_log_density(
        labelled.histogram_density(a, edges=EDGES)
    ),
    "pooled_autocorrelation_time": lambda a: labelled.pooled_autocorrelation_time(a, **CHAINS),
    "ragged_autocorrelation_time": lambda a: labelled.ragged_autocorrelation_time(a, **CHAINS),
    "ragged_rank_normalised_split_r_hat": (
        lambda a: labelled.ragged_rank_normalised_split_r_hat(a, **CHAINS)
    ),
    "ragged_split_r_hat": lambda a: labelled.ragged_split_r_hat(a, **CHAINS),
    "rank_normalised_split_r_hat": lambda a: labelled.rank_normalised_split_r_hat(a, **CHAINS),
    "response": lambda a: labelled.response(a, a, temperature=0.5),
    "reweighted_mean": lambda a: labelled.reweighted_mean(
        a, {"field": a}, change={"field": [0.0, 0.1, -9.0]}
    ),
    "series_histogram": lambda a: labelled.series_histogram(a, edges=EDGES, chain_dim="run"),
    "solve_states": states,
    "split_r_hat": lambda a: labelled.split_r_hat(a, **CHAINS),
    "susceptibility": lambda a: labelled.susceptibility(a, system_size=8.0),
    "susceptibility_estimate": lambda a: labelled.susceptibility_estimate(a, system_size=8.0),
    "temperature_response": lambda a: labelled.temperature_response(a, a, temperature=0.5),
}
PAIRED: dict[str, Callable[[xr.DataArray, xr.DataArray], Any]] = {
    "bootstrap_of_means": lambda a, b: labelled.bootstrap_of_means(
        ratio, [a, b], generator=generator()
    ),
    "disorder_jackknife_of_means": lambda a, b: labelled.disorder_jackknife_of_means(
        ratio, [a, b]
    ),
    "jackknife_of_means": lambda a, b: labelled.jackknife_of_means(ratio, [a, b]),
    "multistate_mean": lambda a, b: labelled.multistate_mean(
        states(a), b, coefficients={"field": 0.0}
    ),
    "response": lambda a, b: labelled.response(a, b, temperature=0.5),
    "response at a labelled temperature": lambda a, b: labelled.response(
        a, a, temperature=abs(b.isel(record=0, drop=True)) + 1.0
    ),
    "reweighted_mean": lambda a, b: labelled.reweighted_mean(
        a, {"field": b}, change={"field": 0.1}
    ),
    "temperature_response": lambda a, b: labelled.temperature_response(a, b, temperature=0.5),
}
OF_DATASETS: dict[str, Callable[[xr.DataArray], Any]] = {
    "finished": lambda a: finished(table(a)),
    "point_means": lambda a: point_means(table(a), "order_parameter", controls=["field"]),
    "point_means with susceptibilities": lambda a: point_means(
        table(a), "order_parameter", controls=["field"], system_size="size"
    ),
    "point_means of what is not there": lambda a: point_means(
        table(a), "order", controls=["field", "filed"]
    ),
}
ALL = CALLS | OF_DATASETS


@pytest.mark.parametrize("name", ALL)
@EXAMPLES
@given(data=st.data())
def test_bad_runs(name: str, data: st.DataObject, bad: Any) -> None:
    array = data.draw(bad.labelled)
    bad.attempt(lambda: ALL[name](array))


def whole(seed: int) -> xr.DataArray:
    values = np.random.default_rng(seed).normal(size=(3, 60))
    return xr.DataArray(
        values,
        dims=("run", "record"),
        coords={"run": [0, 1, 2], "record": np.arange(60), "disorder": ("run", [0, 1, 2])},
    )


@pytest.mark.parametrize("name", PAIRED)
@pytest.mark.parametrize(
    "moved",
    [
        lambda b: b.assign_coords(run=[1, 2, 3]),
        lambda b: b.isel(run=slice(0, 2)),
        lambda b: b.isel(run=[0, 1, 1]),
    ],
    ids=["other labels", "fewer runs", "a run twice"],
)
def test_mismatched_coordinates_are_refused(
    name: str, moved: Callable[[xr.DataArray], xr.DataArray]
) -> None:
    PAIRED[name](whole(0), whole(1))
    with pytest.raises(InvalidValueError, match="same coordinates"):
        PAIRED[name](whole(0), moved(whole(1)))


def test_records_that_differ_are_refused() -> None:
    short = whole(1).isel(record=slice(0, 50))
    with pytest.raises(InvalidValueError, match="same coordinates"):
        labelled.response(whole(0), short, temperature=0.5)
    with pytest.raises(InvalidValueError, match="same coordinates"):
        labelled.response(
            whole(0).drop_vars("record"), short.drop_vars("record"), temperature=0.5
        )


def test_no_public_function_is_left_out() -> None:
    functions = {name for name in labelled.__all__ if name[0].islower()}
    assert functions == set(CALLS)
