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
)
from phasegrok.statistics.convergence import rank_normalised_split_r_hat, split_r_hat
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
from phasegrok.statistics.histograms import (
    HistogramDensity,
    NegativeLogDensity,
    histogram_density,
    negative_log_density,
)
from phasegrok.statistics.layout import Grouping, RunLayout, run_layout
from phasegrok.statistics.moments import (
    MeanEstimate,
    binder_cumulant,
    kurtosis_ratio,
    mean,
    susceptibility,
)
from phasegrok.statistics.resampling import (
    ResampledEstimate,
    block_bootstrap,
    block_bootstrap_distribution,
    block_jackknife,
)
from phasegrok.statistics.samples import Status
from phasegrok.statistics.selection import LEFT_OUT, finished, point_means

__all__ = [
    "LEFT_OUT",
    "MINIMUM_EFFECTIVE_SAMPLES",
    "AutocorrelationTime",
    "DisorderAverage",
    "EquilibrationStart",
    "FirstLastDifference",
    "Grouping",
    "HistogramDensity",
    "MeanEstimate",
    "NegativeLogDensity",
    "ResampledEstimate",
    "RunLayout",
    "Status",
    "autocorrelation_function",
    "binder_cumulant",
    "block_bootstrap",
    "block_bootstrap_distribution",
    "block_jackknife",
    "candidate_starts",
    "connected_susceptibility",
    "connected_susceptibility_by_point",
    "disconnected_susceptibility",
    "disconnected_susceptibility_by_point",
    "disorder_average",
    "disorder_average_by_point",
    "effective_sample_size",
    "equilibration_start",
    "finished",
    "first_last_difference",
    "grouped_autocorrelation_time",
    "histogram_density",
    "integrated_autocorrelation_time",
    "kurtosis_ratio",
    "labelled",
    "mean",
    "negative_log_density",
    "point_means",
    "pooled_autocorrelation_time",
    "pooled_effective_sample_size",
    "rank_normalised_split_r_hat",
    "run_layout",
    "split_r_hat",
    "susceptibility",
]
