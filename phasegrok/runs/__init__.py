"""The waist: write-once shards of runs, opening them, recording, checking, provenance."""

from phasegrok.runs.attribute import attribute_of, attribute_text
from phasegrok.runs.consolidation import consolidate
from phasegrok.runs.export import export_netcdf, export_zarr
from phasegrok.runs.findings import Finding, IntegrityReport, Severity
from phasegrok.runs.folder import HeldFolder, StudyFolder
from phasegrok.runs.frame import from_frame
from phasegrok.runs.grid import grid_view
from phasegrok.runs.integrity import check_study
from phasegrok.runs.merging import MergeReport, merge_studies
from phasegrok.runs.opening import open_runs, open_tree, pooled, states
from phasegrok.runs.provenance import provenance
from phasegrok.runs.recorder import Recorder, record
from phasegrok.runs.scanning import Problem
from phasegrok.runs.shard import write_shard
from phasegrok.runs.status import StudyStatus, study_status
from phasegrok.runs.validation import validate

__all__ = [
    "Finding",
    "HeldFolder",
    "IntegrityReport",
    "MergeReport",
    "Problem",
    "Recorder",
    "Severity",
    "StudyFolder",
    "StudyStatus",
    "attribute_of",
    "attribute_text",
    "check_study",
    "consolidate",
    "export_netcdf",
    "export_zarr",
    "from_frame",
    "grid_view",
    "merge_studies",
    "open_runs",
    "open_tree",
    "pooled",
    "provenance",
    "record",
    "states",
    "study_status",
    "validate",
    "write_shard",
]
