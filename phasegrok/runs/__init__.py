"""The waist: write-once shards of runs, opening them, recording, checking, provenance."""

from phasegrok.runs.attribute import attribute_of, attribute_text
from phasegrok.runs.folder import HeldFolder, StudyFolder
from phasegrok.runs.frame import from_frame
from phasegrok.runs.merging import MergeReport, merge_studies
from phasegrok.runs.opening import open_runs, open_tree, pooled, states
from phasegrok.runs.provenance import provenance
from phasegrok.runs.recorder import Recorder, record
from phasegrok.runs.scanning import Problem
from phasegrok.runs.shard import write_shard
from phasegrok.runs.validation import validate

__all__ = [
    "HeldFolder",
    "MergeReport",
    "Problem",
    "Recorder",
    "StudyFolder",
    "attribute_of",
    "attribute_text",
    "from_frame",
    "merge_studies",
    "open_runs",
    "open_tree",
    "pooled",
    "provenance",
    "record",
    "states",
    "validate",
    "write_shard",
]
