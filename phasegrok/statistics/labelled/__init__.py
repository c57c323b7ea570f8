"""The array functions by dimension name: each face says where its text is.

Input held by dask stays lazy; a reduced dimension is gathered into one chunk.
"""

from phasegrok.statistics.labelled.distributions import (
    disorder_average,
    histogram_density,
    negative_log_density,
    series_histogram,
)
from phasegrok.statistics.labelled.fluctuations import (
    binder_cumulant,
    binder_cumulant_estimate,
    disorder_jackknife_of_means,
    kurtosis_ratio,
    kurtosis_ratio_estimate,
    response,
    susceptibility,
    susceptibility_estimate,
    temperature_response,
)
from phasegrok.statistics.labelled.lifting import STATUS_ATTRIBUTES
from phasegrok.statistics.labelled.resampling import (
    block_bootstrap,
    block_bootstrap_distribution,
    block_jackknife,
    bootstrap_of_means,
    jackknife_of_means,
)
from phasegrok.statistics.labelled.reweighting import (
    LabelledMultistate,
    multistate_free_energy,
    multistate_mean,
    reweighted_mean,
    solve_states,
)
from phasegrok.statistics.labelled.series import (
    binning_ladder,
    effective_sample_size,
    equilibration_start,
    first_last_difference,
    integrated_autocorrelation_time,
    mean,
    pooled_autocorrelation_time,
    ragged_autocorrelation_time,
    ragged_rank_normalised_split_r_hat,
    ragged_split_r_hat,
    rank_normalised_split_r_hat,
    split_r_hat,
)

__all__ = [
    "STATUS_ATTRIBUTES",
    "LabelledMultistate",
    "binder_cumulant",
    "binder_cumulant_estimate",
    "binning_ladder",
    "block_bootstrap",
    "block_bootstrap_distribution",
    "block_jackknife",
    "bootstrap_of_means",
    "disorder_average",
    "disorder_jackknife_of_means",
    "effective_sample_size",
    "equilibration_start",
    "first_last_difference",
    "histogram_density",
    "integrated_autocorrelation_time",
    "jackknife_of_means",
    "kurtosis_ratio",
    "kurtosis_ratio_estimate",
    "mean",
    "multistate_free_energy",
    "multistate_mean",
    "negative_log_density",
    "pooled_autocorrelation_time",
    "ragged_autocorrelation_time",
    "ragged_rank_normalised_split_r_hat",
    "ragged_split_r_hat",
    "rank_normalised_split_r_hat",
    "response",
    "reweighted_mean",
    "series_histogram",
    "solve_states",
    "split_r_hat",
    "susceptibility",
    "susceptibility_estimate",
    "temperature_response",
]
