"""What a study will take, told before anything is spent."""

import math
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import final

from phasegrok.collect.execution import Setup
from phasegrok.collect.plan import (
    check_disk,
    check_folder,
    checked_groups,
    limits_of,
    planned,
)
from phasegrok.collect.workers import make_executor
from phasegrok.dynamics import check_study
from phasegrok.runs import StudyFolder
from phasegrok.runs.durations import readable_time
from phasegrok.study import (
    Study,
    as_stored,
    check_unchanged,
    identity,
    requested_runs,
    require_study,
)

__all__ = ["DryRun", "dry_run"]


@final
@dataclass(frozen=True, kw_only=True)
class DryRun:
    """What is left of a study, and what it will take.

    Parameters
    ----------
    runs : int
        Runs that are left to do.
    stored : int
        Requested runs that are there already.
    batches : int
        Shards that will be written, unless a batch fails and is split.
    workers : int
        Processes.
    gradients : int
        Gradients of all runs that are left; fewer where a run stops early.
    seconds : float
        Expected duration, from gradients timed on this machine just now; not-a-number where
        none could be timed, because the first steps raised.
    disk_bytes, memory_bytes : int
        Expected size of the shards, and memory of all processes together.
    """

    runs: int
    stored: int
    batches: int
    workers: int
    gradients: int
    seconds: float
    disk_bytes: int
    memory_bytes: int

    def __str__(self) -> str:
        """Write one line for each number."""
        speed = "a speed not measured, since the first steps raised"
        seconds = "not measured"
        if not math.isnan(self.seconds):
            per_second = self.gradients / self.seconds if self.seconds > 0.0 else 0.0
            speed = f"{per_second:.3g} a second"
            seconds = f"about {readable_time(self.seconds)}"
        lines = {
            "runs": f"{self.runs} to do, {self.stored} stored",
            "gradients": f"{self.gradients:.4g}, at {speed}",
            "time": f"{seconds} with {self.workers} workers",
            "disk": f"about {self.disk_bytes / 1e6:.1f} MB",
            "memory": f"about {self.memory_bytes / 1e6:.0f} MB",
            "batches": f"{self.batches}",
        }
        return "\n".join(f"{name:<10} {text}" for name, text in lines.items())


def dry_run(
    study: Study,
    *,
    workers: int = 2,
    device: str = "cpu",
    target_seconds: float = 20.0,
    folder: str | Path | None = None,
) -> DryRun:
    """Check a study and estimate what is left of it; nothing is written.

    Parameters
    ----------
    study : Study
        Description.
    workers : int
        Processes.
    device : str
        Where the runs will be.
    target_seconds : float
        How long a batch should last.
    folder : path, optional
        Folder of the study, whose runs are not counted.

    Returns
    -------
    DryRun
        Some gradients of the study are timed for it, which takes a few seconds.

    Raises
    ------
    InvalidStudyError
        If the study cannot be carried out, on this machine or any.
    InvalidValueError
        If the folder, the workers, the device or the target are none.
    FormatError
        If something else than the folder of a study stands there.
    StudyChangedError
        If the folder belongs to another description.
    StorageError
        If the shards would be larger than the space that is free for the folder.
    """
    require_study(study)
    if folder is not None:
        check_folder(folder)
    limits = limits_of(workers=workers, device=device, target_seconds=target_seconds)
    requests = requested_runs(study)
    check_study(study, requests)
    stored_ids = _stored_ids(folder, study)
    requests = as_stored(requests, stored_ids)
    left = [request for request in requests if request.run_id not in stored_ids]
    groups = checked_groups(study, left, limits)
    # A worker never writes before it is given a batch, and is given none here.
    setup = Setup(study, Path(folder or "."), device)
    with closing(make_executor(setup, workers)) as executor:
        plan = planned(study, groups, executor, limits)
    if folder is not None:
        check_disk(plan, Path(folder))
    return DryRun(
        runs=plan.runs,
        stored=len(requests) - len(left),
        batches=len(plan.batches),
        workers=workers,
        gradients=plan.gradients,
        seconds=plan.seconds if plan.is_timed else math.nan,
        disk_bytes=plan.disk_bytes,
        memory_bytes=plan.memory_bytes,
    )


def _stored_ids(folder: str | Path | None, study: Study) -> set[str]:
    if folder is None or not Path(folder).exists():
        return set()
    if Path(folder).is_dir() and not any(Path(folder).iterdir()):
        return set()
    store = StudyFolder.open(folder)
    check_unchanged(store.identity, identity(study))
    return store.finished_run_ids()
