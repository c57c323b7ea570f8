"""Error bars for samples from any source: arrays here, the same by name in `labelled`.

The array functions reduce the last axis or axes and keep all others. `finished` and
`point_means` take a dataset of runs; functions named `..._by_point` serve many points at once.
"""

from phasegrok.statistics import labelled
from phasegrok.statistics.autocorrelation import (
    MINIMUM_EFFECTIVE_SAMPLES,
    AutocorrelationTime,
    autocorrelation_function,
    effective_sample_size,
    grouped_autocorrelation_time,
    integrated_autocorrelation_time,
    pooled_autocorrelation_time,
    pooled_effective_sample_size,
    ragged_autocorrelation_time,
)
from phasegrok.statistics.binning import BinningLadder, binning_ladder
from phasegrok.statistics.blocks import (
    BlockMeans,
    block_count,
    block_means,
    disorder_blocks,
    ragged_block_means,
)
from phasegrok.statistics.controls import (
    ControlStates,
    EnergyTerms,
    at_rungs,
    energy_terms,
    reweighted_map,
    solve_controls,
)
from phasegrok.statistics.convergence import (
    ragged_rank_normalised_split_r_hat,
    ragged_split_r_hat,
    rank_normalised_split_r_hat,
    split_r_hat,
)
from phasegrok.statistics.disorder import (
    DisorderAverage,
    connected_susceptibility,
    connected_susceptibility_by_point,
    disconnected_susceptibility,
    disconnected_susceptibility_by_point,
    disorder_average,
    disorder_average_by_point,
)
from phasegrok.statistics.equilibration import (
    EquilibrationStart,
    FirstLastDifference,
    candidate_starts,
    equilibration_start,
    first_last_difference,
)
from phasegrok.statistics.fluctuations import (
    binder_cumulant_estimate,
    kurtosis_ratio_estimate,
    susceptibility_estimate,
)
from phasegrok.statistics.functions_of_means import (
    FunctionEstimate,
    bootstrap_of_means,
    bootstrap_of_means_distribution,
    bootstrap_of_series,
    jackknife_of_means,
    jackknife_of_series,
)
from phasegrok.statistics.histograms import (
    HistogramDensity,
    NegativeLogDensity,
    histogram_density,
    negative_log_density,
)
from phasegrok.statistics.layout import Grouping, RunLayout, run_layout
from phasegrok.statistics.linear_response import response, temperature_response
from phasegrok.statistics.moments import (
    MeanEstimate,
    binder_cumulant,
    kurtosis_ratio,
    mean,
    susceptibility,
)
from phasegrok.statistics.multistate import (
    MINIMUM_SHARED_SAMPLES,
    MOST_WIDTHS,
    Multistate,
    MultistateEstimate,
    Overlap,
    StateSamples,
    bootstrap_of_states,
    distance_to_states,
    multistate_free_energy,
    multistate_mean,
    resampled_runs,
    resampled_states,
    solve_states,
    solved,
    state_samples,
)
from phasegrok.statistics.resampling import (
    ResampledEstimate,
    block_bootstrap,
    block_bootstrap_distribution,
    block_jackknife,
)
from phasegrok.statistics.reweighting import ReweightedMean, log_weights, reweighted_mean
from phasegrok.statistics.samples import Status
from phasegrok.statistics.selection import LEFT_OUT, finished, point_means
from phasegrok.statistics.series_histograms import SeriesHistogram, series_histogram

__all__ = [
    "LEFT_OUT",
    "MINIMUM_EFFECTIVE_SAMPLES",
    "MINIMUM_SHARED_SAMPLES",
    "MOST_WIDTHS",
    "AutocorrelationTime",
    "BinningLadder",
    "BlockMeans",
    "ControlStates",
    "DisorderAverage",
    "EnergyTerms",
    "EquilibrationStart",
    "FirstLastDifference",
    "FunctionEstimate",
    "Grouping",
    "HistogramDensity",
    "MeanEstimate",
    "Multistate",
    "MultistateEstimate",
    "NegativeLogDensity",
    "Overlap",
    "ResampledEstimate",
    "ReweightedMean",
    "RunLayout",
    "SeriesHistogram",
    "StateSamples",
    "Status",
    "at_rungs",
    "autocorrelation_function",
    "binder_cumulant",
    "binder_cumulant_estimate",
    "binning_ladder",
    "block_bootstrap",
    "block_bootstrap_distribution",
    "block_count",
    "block_jackknife",
    "block_means",
    "bootstrap_of_means",
    "bootstrap_of_means_distribution",
    "bootstrap_of_series",
    "bootstrap_of_states",
    "candidate_starts",
    "connected_susceptibility",
    "connected_susceptibility_by_point",
    "disconnected_susceptibility",
    "disconnected_susceptibility_by_point",
    "disorder_average",
    "disorder_average_by_point",
    "disorder_blocks",
    "distance_to_states",
    "effective_sample_size",
    "energy_terms",
    "equilibration_start",
    "finished",
    "first_last_difference",
    "grouped_autocorrelation_time",
    "histogram_density",
    "integrated_autocorrelation_time",
    "jackknife_of_means",
    "jackknife_of_series",
    "kurtosis_ratio",
    "kurtosis_ratio_estimate",
    "labelled",
    "log_weights",
    "mean",
    "multistate_free_energy",
    "multistate_mean",
    "negative_log_density",
    "point_means",
    "pooled_autocorrelation_time",
    "pooled_effective_sample_size",
    "ragged_autocorrelation_time",
    "ragged_block_means",
    "ragged_rank_normalised_split_r_hat",
    "ragged_split_r_hat",
    "rank_normalised_split_r_hat",
    "resampled_runs",
    "resampled_states",
    "response",
    "reweighted_map",
    "reweighted_mean",
    "run_layout",
    "series_histogram",
    "solve_controls",
    "solve_states",
    "solved",
    "split_r_hat",
    "state_samples",
    "susceptibility",
    "susceptibility_estimate",
    "temperature_response",
]
