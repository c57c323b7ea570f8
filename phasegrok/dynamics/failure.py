"""Runs that an exception or a dead worker ended, kept as data."""

from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr

from phasegrok.dynamics.building import BuiltRun, build_run
from phasegrok.dynamics.dataset import batch_dataset
from phasegrok.dynamics.events import EventWatch
from phasegrok.dynamics.exchange import RUNG
from phasegrok.dynamics.recorder import Column, Recorder
from phasegrok.dynamics.schedule import Schedule
from phasegrok.observables import build_observables
from phasegrok.schema import HALF_SQUARE_NORM, NOW, PENALTY, RECORD, RUN, Outcome
from phasegrok.study import RunRequest, Study, penalty_name

__all__ = ["failed_dataset"]


def failed_dataset(study: Study, requests: Sequence[RunRequest], reason: str) -> xr.Dataset:
    """A dataset without records, for runs that could not be made.

    Parameters
    ----------
    study : Study
        Description.
    requests : sequence of RunRequest
        With equal batch keys.
    reason : str
        What happened.

    Returns
    -------
    xarray.Dataset
        In the schema: every outcome is "failed", every record count 0. Scalar variables are
        there, all fill; resolved ones are absent, since their sizes are not known.
    """
    runs = [build_run(study, each) for each in requests]
    schedule = Schedule([run.recording for run in runs])
    recorder = Recorder(
        study=study, observables=(), run_count=len(runs), record_count=schedule.record_count
    )
    fill = np.full((len(runs), schedule.record_count), np.nan)
    for name in _scalar_names(study, runs[0]):
        recorder.columns[name] = Column(
            values=fill.copy(), dims=(RUN, RECORD), long_name=name.replace("_", " ")
        )
    if study.exchange is not None:
        recorder.columns[RUNG] = Column(
            values=np.full(fill.shape, -1), dims=(RUN, RECORD), long_name="rung"
        )
    return batch_dataset(
        study,
        runs,
        recorder=recorder,
        watch=EventWatch(study.events, len(runs)),
        endings=[(Outcome.FAILED, reason, 0)] * len(runs),
        wall_seconds=0.0,
        device=torch.device("cpu"),
    )


def _scalar_names(study: Study, run: BuiltRun) -> list[str]:
    names = ["loss", "time", *(HALF_SQUARE_NORM + leaf.name for leaf in run.network.leaves)]
    names += run.integrator.records()
    penalties = study.energy.penalties
    names += [PENALTY + penalty_name(penalties, index) for index in range(len(penalties))]
    names += [control + NOW for control in study.moving_controls]
    observables = build_observables(study.recording.observables)
    return names + [each.name for each in observables if not each.dims]
