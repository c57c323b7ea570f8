"""One batch carried out: simulated, and written as one shard."""

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, TypeAlias

import xarray as xr

from phasegrok.collect.checkpoints import CheckpointFile
from phasegrok.dynamics import Progress, Simulation, failed_dataset, simulate
from phasegrok.errors import reason_of
from phasegrok.runs import attribute_of, attribute_text, provenance, write_shard
from phasegrok.schema import ATTRIBUTE
from phasegrok.study import RunRequest, Study

__all__ = ["Raised", "Result", "Setup", "Stored", "Unwritable", "run_batch", "write_failed"]


class Stored(NamedTuple):
    """A batch whose shard lies in the folder."""

    path: Path
    outcomes: Mapping[str, int]  # Outcome to number of runs.
    gradients: int  # Taken here: those before a checkpoint are not.
    warnings: tuple[str, ...]
    seconds: float


class Raised(NamedTuple):
    """An exception within a batch."""

    reason: str
    made: Simulation | None = None
    """Of a lone run, or a ladder: its records until then, where there are any."""
    gradients: int = 0
    """Taken in vain, or for those records."""


class Unwritable(NamedTuple):
    """A folder that takes no shard, whatever is in it."""

    reason: str


Result: TypeAlias = Stored | Raised | Unwritable


class Setup(NamedTuple):
    """What an executor is told once."""

    study: Study
    folder: Path
    device: str = "cpu"
    command: str = ""  # That asked for it, for the provenance.
    checkpoint_seconds: float = math.inf
    run_seconds: float = math.inf


def run_batch(
    setup: Setup,
    requests: Sequence[RunRequest],
    *,
    report: Callable[[Progress], None] | None = None,
    note: Callable[[str], None] | None = None,
) -> Result:
    """Simulate runs and write their shard.

    Parameters
    ----------
    setup : Setup
        Of what study, where, how often snapshots are left, and how long a run may take.
    requests : sequence of RunRequest
        Runs that may share a batch.
    report : callable or None
        Told of the progress after every step.
    note : callable or None
        Told of what went wrong and ends nothing.

    Returns
    -------
    Stored, Raised or Unwritable
        What became of it; an exception is a result, since a batch is not to end its worker.
    """
    begin = time.perf_counter()
    taken = 0

    def counted(progress: Progress) -> None:
        nonlocal taken
        taken = progress.gradients
        if report is not None:
            report(progress)

    checkpoint = CheckpointFile(
        setup.folder,
        setup.study,
        requests,
        device=setup.device,
        seconds=setup.checkpoint_seconds,
        note=note,
    )
    try:
        simulation = simulate(
            setup.study,
            requests,
            device=setup.device,
            report=counted,
            checkpoints=checkpoint,
            run_seconds=setup.run_seconds,
            keep_failed=True,
        )
    except Exception as error:
        return Raised(reason_of(error), gradients=taken)
    try:
        dataset = _with_provenance(simulation.dataset, setup.command)
        if simulation.raised:
            return Raised(simulation.raised, replace(simulation, dataset=dataset), taken)
        path = write_shard(setup.folder, dataset, simulation.states)
        checkpoint.remove()
        return Stored(
            path,
            _outcomes(simulation.dataset),
            simulation.gradients,
            simulation.warnings,
            time.perf_counter() - begin,
        )
    except OSError as error:
        return Unwritable(str(error))
    except Exception as error:
        return Raised(reason_of(error), gradients=taken)


def write_failed(
    study: Study,
    requests: Sequence[RunRequest],
    folder: Path,
    reason: str,
    *,
    made: Simulation | None = None,
) -> Stored | Unwritable:
    """Write runs that could not be simulated to their end, with the reason.

    Parameters
    ----------
    study : Study
        Description.
    requests : sequence of RunRequest
        The runs.
    folder : Path
        Folder of the study.
    reason : str
        Why they failed.
    made : Simulation or None
        Their records until then; without it they have none.

    Returns
    -------
    Stored or Unwritable
        What became of it; its gradients were those of the attempt.
    """
    if made is None:
        dataset = _with_provenance(failed_dataset(study, requests, reason), "")
        made = Simulation(dataset=dataset, states=None, warnings=(), gradients=0)
    try:
        path = write_shard(folder, made.dataset, made.states)
    except OSError as error:
        return Unwritable(str(error))
    return Stored(path, _outcomes(made.dataset), 0, made.warnings, 0.0)


def _with_provenance(dataset: xr.Dataset, command: str) -> xr.Dataset:
    """Add what this process and machine are to what the dynamics knew."""
    attribute = attribute_of(dataset)
    details = attribute["provenance"] | ({"command": command} if command else {})
    text = attribute_text(attribute | {"provenance": provenance(details)})
    return dataset.assign_attrs({ATTRIBUTE: text})


def _outcomes(dataset: xr.Dataset) -> dict[str, int]:
    return dict(Counter(str(outcome) for outcome in dataset["outcome"].values))
