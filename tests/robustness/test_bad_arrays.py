"""Every array function gives bad samples a result with a status, or a refusal in words."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from phasegrok import statistics as stats
from phasegrok.statistics import Status

Array = NDArray[Any]
EDGES = [-2.0, -0.5, 0.5, 2.0]
EXAMPLES = settings(max_examples=20, deadline=None, derandomize=True)


def generator() -> np.random.Generator:
    return np.random.default_rng(0)


def labels(array: Array) -> list[int]:
    return [chain // 2 for chain in range(len(array))]


def ratio(means: Array) -> Array:
    result: Array = means[0] / means[-1]
    return result


def variance(samples: Array) -> Array:
    result: Array = np.var(np.asarray(samples, dtype=np.float64), axis=-1)
    return result


def layout(array: Array) -> stats.RunLayout:
    return stats.run_layout(disorder=labels(array))


def states(array: Array) -> stats.Multistate:
    coefficients = np.linspace(0.0, 1e-3, len(array))[:, np.newaxis]
    return stats.solved(
        stats.state_samples(list(array[:, np.newaxis]), coefficients=coefficients)
    )


def blocks(array: Array) -> stats.BlockMeans:
    return stats.block_means(array)


ARRAY_CALLS: dict[str, Callable[[Array], Any]] = {
    "autocorrelation_function": stats.autocorrelation_function,
    "binder_cumulant": stats.binder_cumulant,
    "binder_cumulant_estimate": stats.binder_cumulant_estimate,
    "binning_ladder": stats.binning_ladder,
    "block_bootstrap": lambda a: stats.block_bootstrap(
        variance, a, generator=generator(), block_length=2, resamples=4
    ),
    "block_bootstrap_distribution": lambda a: stats.block_bootstrap_distribution(
        variance, a, generator=generator(), resamples=4
    ),
    "block_count": lambda a: stats.block_count(
        stats.integrated_autocorrelation_time(a).time, a.shape[-1]
    ),
    "block_jackknife": lambda a: stats.block_jackknife(variance, a, block_length=3),
    "block_means": stats.block_means,
    "bootstrap_of_means": lambda a: stats.bootstrap_of_means(
        ratio, blocks(a), generator=generator(), resamples=4
    ),
    "bootstrap_of_means_distribution": lambda a: stats.bootstrap_of_means_distribution(
        lambda means: means[0], blocks(a), generator=generator(), resamples=4
    ),
    "bootstrap_of_series": lambda a: stats.bootstrap_of_series(
        ratio, a, generator=generator(), resamples=4
    ),
    "bootstrap_of_states": lambda a: stats.bootstrap_of_states(
        lambda drawn: drawn.free_energy, states(a), generator=generator(), resamples=2
    ),
    "candidate_starts": lambda a: stats.candidate_starts(a.shape[-1]),
    "connected_susceptibility": lambda a: stats.connected_susceptibility(
        a, disorder=labels(a), system_size=8.0
    ),
    "connected_susceptibility_by_point": lambda a: stats.connected_susceptibility_by_point(
        a, layout=layout(a), system_size=np.ones(1)
    ),
    "disconnected_susceptibility": lambda a: stats.disconnected_susceptibility(
        a.T, disorder=labels(a), system_size=8.0
    ),
    "disconnected_susceptibility_by_point": (
        lambda a: (
            stats.disconnected_susceptibility_by_point(
                a.T[0], layout=layout(a), system_size=np.ones(1)
            )
            if a.shape[-1]
            else None
        )
    ),
    "disorder_average": lambda a: stats.disorder_average(a.T, disorder=labels(a)),
    "disorder_average_by_point": (
        lambda a: (
            stats.disorder_average_by_point(a.T[0], layout=layout(a)) if a.shape[-1] else None
        )
    ),
    "disorder_blocks": lambda a: stats.disorder_blocks(a.T, disorder=labels(a)),
    "effective_sample_size": stats.effective_sample_size,
    "equilibration_start": stats.equilibration_start,
    "first_last_difference": stats.first_last_difference,
    "grouped_autocorrelation_time": lambda a: stats.grouped_autocorrelation_time(
        a, layout=layout(a)
    ),
    "histogram_density": lambda a: stats.histogram_density(a, edges=EDGES, disorder=labels(a)),
    "integrated_autocorrelation_time": stats.integrated_autocorrelation_time,
    "jackknife_of_means": lambda a: stats.jackknife_of_means(ratio, blocks(a)),
    "jackknife_of_series": lambda a: stats.jackknife_of_series(ratio, a),
    "kurtosis_ratio": stats.kurtosis_ratio,
    "kurtosis_ratio_estimate": stats.kurtosis_ratio_estimate,
    "log_weights": lambda a: stats.log_weights(a, change=np.ones((1, len(a)))),
    "mean": stats.mean,
    "multistate_free_energy": lambda a: stats.multistate_free_energy(
        states(a), coefficients=[[0.0], [1e3]]
    ),
    "multistate_mean": lambda a: stats.multistate_mean(
        states(a), list(a), coefficients=[[0.0], [-1e3]]
    ),
    "negative_log_density": lambda a: stats.negative_log_density(
        stats.histogram_density(a, edges=EDGES, disorder=labels(a))
    ),
    "pooled_autocorrelation_time": stats.pooled_autocorrelation_time,
    "pooled_effective_sample_size": stats.pooled_effective_sample_size,
    "rank_normalised_split_r_hat": stats.rank_normalised_split_r_hat,
    "resampled_states": lambda a: stats.resampled_states(states(a), generator=generator()),
    "response": lambda a: stats.response(a, a[::-1], temperature=0.5),
    "reweighted_mean": lambda a: stats.reweighted_mean(
        a, a[np.newaxis], change=[[0.0], [0.5], [-9.0]], minimum_effective_samples=1.5
    ),
    "run_layout": lambda a: stats.run_layout(disorder=a.T[0]) if a.shape[-1] else None,
    "series_histogram": lambda a: stats.series_histogram(a, edges=EDGES),
    "solve_states": lambda a: stats.solve_states(
        list(a[:, np.newaxis]), coefficients=np.ones((len(a), 1))
    ),
    "solved": states,
    "split_r_hat": stats.split_r_hat,
    "state_samples": lambda a: stats.state_samples(
        list(a[:, np.newaxis]), coefficients=np.zeros((len(a), 1))
    ),
    "susceptibility": lambda a: stats.susceptibility(a, system_size=8.0),
    "susceptibility_estimate": lambda a: stats.susceptibility_estimate(a, system_size=8.0),
    "temperature_response": lambda a: stats.temperature_response(a, a, temperature=0.5),
}
RAGGED_CALLS: dict[str, Callable[[list[Array]], Any]] = {
    "ragged_autocorrelation_time": stats.ragged_autocorrelation_time,
    "ragged_block_means": lambda chains: stats.ragged_block_means(
        [chain[np.newaxis] for chain in chains]
    ),
    "ragged_rank_normalised_split_r_hat": stats.ragged_rank_normalised_split_r_hat,
    "ragged_split_r_hat": stats.ragged_split_r_hat,
}
OF_DATASETS = {"finished", "point_means"}
OF_CONTROLS = {  # In test_bad_controls, through solve_controls.
    "at_rungs",
    "distance_to_states",
    "energy_terms",
    "resampled_runs",
    "reweighted_map",
    "solve_controls",
}


def sound(result: Any) -> None:
    """Values and errors are finite wherever the status does not refuse them."""
    if isinstance(result, stats.FunctionEstimate | stats.MultistateEstimate):
        refused = np.asarray(result.status) == Status.REFUSED
        for part in (result.value, result.error):
            assert np.all(np.isfinite(part) | refused)
            assert np.all(np.isnan(part) | ~refused)
    if isinstance(result, stats.AutocorrelationTime):
        assert np.all(np.isfinite(result.time))
        assert np.all(result.time > 0.0)


@pytest.mark.parametrize("name", ARRAY_CALLS)
@EXAMPLES
@given(data=st.data())
def test_bad_arrays(name: str, data: st.DataObject, bad: Any) -> None:
    array = data.draw(bad.arrays)
    sound(bad.attempt(lambda: ARRAY_CALLS[name](array)))


@pytest.mark.parametrize("name", RAGGED_CALLS)
@EXAMPLES
@given(data=st.data())
def test_bad_chains_of_unequal_length(name: str, data: st.DataObject, bad: Any) -> None:
    chains = data.draw(bad.ragged)
    sound(bad.attempt(lambda: RAGGED_CALLS[name](chains)))


def test_no_public_function_is_left_out() -> None:
    functions = {name for name in stats.__all__ if name[0].islower() and name != "labelled"}
    assert functions == set(ARRAY_CALLS) | set(RAGGED_CALLS) | OF_DATASETS | OF_CONTROLS
