"""Collecting: batches of runs, worker processes, resuming and growing a study."""

from phasegrok.collect.batches import Batch, make_batches
from phasegrok.collect.collector import CollectReport, collect
from phasegrok.collect.dry_run import DryRun, dry_run
from phasegrok.collect.recorded_names import series_names

__all__ = [
    "Batch",
    "CollectReport",
    "DryRun",
    "collect",
    "dry_run",
    "make_batches",
    "series_names",
]
